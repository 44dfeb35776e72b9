/* SQLite, a file with its default settings, against prepared statements written by hand. */
#include "floor.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define TABLE                                                                                      \
    "CREATE TABLE foo (id integer PRIMARY KEY, name varchar(50) NOT NULL,"                         \
    " value integer NOT NULL, bm_create_uuid char(32) NOT NULL);"                                  \
    "CREATE INDEX foo_uuid ON foo (bm_create_uuid)"

typedef struct lite {
    const char *directory;
    foo *rows;
    size_t n;
    bool filled;
    char path[512];
    sqlite3 *sqlite;
    bm_db *db;
} lite;

static void close_both(lite *l)
{
    bm_close(l->db);
    sqlite3_close(l->sqlite);
    unlink(l->path);
    l->db = NULL;
    l->sqlite = NULL;
}

/* A new file, both connections open and its schema read. */
static void open_new(void *context)
{
    lite *l = context;
    char url[sizeof l->path + 8];
    bm_error err = BM_ERROR;
    close_both(l);
    snprintf(url, sizeof url, "sqlite:%s", l->path);
    if (sqlite3_open(l->path, &l->sqlite) != SQLITE_OK ||
        sqlite3_exec(l->sqlite, TABLE, NULL, NULL, NULL) != SQLITE_OK) {
        die("%s", sqlite3_errmsg(l->sqlite));
    }
    if (l->filled) {
        floor_sqlite_create(l->sqlite, l->rows, l->n);
    }
    check(bm_open(url, NULL, &l->db, &err), &err);
    foo_change(l->rows, l->n, 1);
    sync();
}

static void create_ours(void *context)
{
    const lite *l = context;
    bm_error err = BM_ERROR;
    check(bm_bulk_create(l->db, bm_structs(&foo_model, l->rows, l->n), NULL, NULL, &err), &err);
}

static void create_by_hand(void *context)
{
    const lite *l = context;
    floor_sqlite_create(l->sqlite, l->rows, l->n);
}

static void update_ours(void *context)
{
    const lite *l = context;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_update_fields(l->db, bm_structs(&foo_model, l->rows, l->n),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")),
                           &result, &err),
          &err);
    if (result.updated != l->n) {
        die("%llu rows updated", (unsigned long long)result.updated);
    }
}

static void update_by_hand(void *context)
{
    const lite *l = context;
    floor_sqlite_update(l->sqlite, l->rows, l->n);
}

static lite begin(const settings *given)
{
    lite l = {.rows = foo_rows(given->rows), .n = given->rows};
    snprintf(l.path, sizeof l.path, "%s/bulkmodel-bench.db", given->directory);
    return l;
}

void row_sqlite_create(const settings *given)
{
    lite l = begin(given);
    contest_run(&(contest){"sqlite_create", "prepared INSERT of 100 rows by hand", l.n, &l,
                           open_new, create_ours, create_by_hand},
                given);
    close_both(&l);
}

void row_sqlite_update(const settings *given)
{
    lite l = begin(given);
    l.filled = true;
    contest_run(&(contest){"sqlite_update", "prepared UPDATE a row by hand", l.n, &l, open_new,
                           update_ours, update_by_hand},
                given);
    close_both(&l);
}
