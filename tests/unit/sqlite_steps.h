/* Steps on a SQLite connection, in one line each. */
#ifndef TEST_UNIT_SQLITE_STEPS_H
#define TEST_UNIT_SQLITE_STEPS_H

#include "check.h"

#include "cancel.h"
#include "transport.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 8192

/* One connection, what the last step answered, and its rows as text: cells "1|NULL|text", a line a
 * row. */
typedef struct peer {
    bm__conn *conn;
    sqlite3 *db; /* where it is borrowed */
    bm__answer answer;
    bm_error err;
    char shown[SHOWN_MAX];
} peer;

static inline void show_cell(char *out, size_t size, const bm__cell *cell)
{
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        snprintf(out, size, "%lld", (long long)cell->integer);
        break;
    case BM__CELL_REAL:
        snprintf(out, size, "%.17g", cell->real);
        break;
    case BM__CELL_TEXT:
        snprintf(out, size, "'%.*s'", (int)cell->size, (const char *)cell->data);
        break;
    case BM__CELL_BLOB:
        snprintf(out, size, "blob of %zu", cell->size);
        break;
    default:
        snprintf(out, size, "NULL");
        break;
    }
}

static inline bm_status show_row(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    peer *p = context;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(p->shown);
        show_cell(p->shown + used, sizeof p->shown - used - 1, &cells[i]);
        used = strlen(p->shown);
        p->shown[used] = i + 1 == n ? '\n' : '|';
        p->shown[used + 1] = '\0';
    }
    return BM_OK;
}

static inline bm_status do_step(peer *p, const bm__step *step)
{
    p->err = BM_ERROR;
    p->shown[0] = '\0';
    return p->conn->transport->perform(p->conn, step, &p->answer, &p->err);
}

static inline bm_status do_kind(peer *p, bm__step_kind kind)
{
    bm__step step = {.kind = kind};
    return do_step(p, &step);
}

/* Text without rows, perhaps over a batch. */
static inline bm_status do_sql(peer *p, const char *sql, const bm__batch *batch)
{
    bm__step step = {.kind = BM__STEP_EXEC, .sql = sql, .batch = batch};
    return do_step(p, &step);
}

static inline void must(peer *p, bm_status status)
{
    if (status != BM_OK) {
        fail_msg("%s: %s", bm_status_name(status), p->err.message);
    }
}

#define MUST(p, sql) must(p, do_sql(p, sql, NULL))
#define MUST_BATCH(p, sql, batch) must(p, do_sql(p, sql, batch))

/* The rows that a statement gives. */
static inline const char *ask(peer *p, const char *sql, const bm__batch *batch)
{
    bm__step step = {
        .kind = BM__STEP_EXEC, .sql = sql, .batch = batch, .push = show_row, .context = p};
    must(p, do_step(p, &step));
    return p->shown;
}

static inline bm__conn_state state_of(peer *p)
{
    return p->conn->transport->state(p->conn, false);
}

static inline void open_peer(peer *p, const char *url)
{
    *p = (peer){.err = BM_ERROR};
    must(p, bm__transport_sqlite.open(url, NULL, NULL, &p->conn, &p->err));
}

/* A borrowed connection: the test is the caller. */
static inline void borrow_peer(peer *p, const char *path)
{
    *p = (peer){.err = BM_ERROR};
    assert_int_equal(sqlite3_open(path, &p->db), SQLITE_OK);
    must(p, bm__transport_sqlite.attach(p->db, &p->conn, &p->err));
}

static inline void close_peer(peer *p)
{
    if (p->conn != NULL) {
        p->conn->transport->close(p->conn);
        p->conn = NULL;
    }
    if (p->db != NULL) {
        assert_int_equal(sqlite3_close(p->db), SQLITE_OK); /* not v2: nothing may be left on it */
        p->db = NULL;
    }
}

#endif
