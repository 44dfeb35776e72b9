/* Two connections to one SQLite file, of which a case opens the second where it needs it. */
#ifndef TEST_UNIT_SQLITE_PEERS_H
#define TEST_UNIT_SQLITE_PEERS_H

#include "sqlite_steps.h"

#include "testdb.h"

static char path[TEST_PATH_MAX];
static char url[TEST_PATH_MAX];
static peer p, q;

static int set_up(void **state)
{
    (void)state;
    p = q = (peer){.conn = NULL};
    test_sqlite_file(path, url);
    open_peer(&p, url);
    return 0;
}

static int set_up_borrowed(void **state)
{
    (void)state;
    p = q = (peer){.conn = NULL};
    test_sqlite_file(path, url);
    borrow_peer(&p, path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_peer(&q);
    close_peer(&p);
    return 0;
}

#endif
