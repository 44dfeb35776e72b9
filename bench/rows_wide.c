/* Twenty columns, a fifth of the cells NULL: bulk_create and update_fields against both by hand. */
#include "server.h"
#include "wide.h"

typedef struct twenty {
    PGconn *pg;
    bm_db *db;
    wide *rows;
    size_t n;
} twenty;

#define COLUMN_SQL(name_, c_, type_, sql_) #name_ " " #sql_ ", "

static twenty begin(const settings *given)
{
    twenty t = {.pg = server_connect(given->url), .n = given->rows};
    server_execute(t.pg, "CREATE SCHEMA IF NOT EXISTS bulkmodel_bench; DROP TABLE IF EXISTS wide,"
                         " wide_kept; CREATE TABLE wide (id bigserial PRIMARY KEY, " WIDE_COLUMNS(
                             COLUMN_SQL) "numbers int4[])");
    t.db = server_open(given->url);
    t.rows = wide_rows(t.n);
    contest_measures(t.pg);
    return t;
}

static void end(twenty *t)
{
    server_execute(t->pg, "DROP TABLE IF EXISTS wide, wide_kept");
    bm_close(t->db);
    PQfinish(t->pg);
}

static void empty(void *context)
{
    const twenty *t = context;
    server_execute(t->pg, "TRUNCATE wide");
    server_execute(t->pg, "CHECKPOINT");
}

static void create(void *context)
{
    const twenty *t = context;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_bulk_create(t->db, bm_structs(&wide_model, t->rows, t->n), NULL, &result, &err), &err);
    if (result.inserted != t->n) {
        die("%llu rows inserted", (unsigned long long)result.inserted);
    }
}

static void copy_by_hand(void *context)
{
    const twenty *t = context;
    floor_wide_copy(t->pg, t->rows, t->n, false);
}

void row_pg_create_wide(const settings *given)
{
    twenty t = begin(given);
    contest_run(&(contest){"pg_create_wide", "binary COPY by hand, keys left to the server", t.n,
                           &t, empty, create, copy_by_hand},
                given);
    end(&t);
}

/* The table as it was, without what the run before left behind; other values for every row. */
static void refill(void *context)
{
    twenty *t = context;
    server_execute(t->pg, "TRUNCATE wide");
    server_execute(t->pg, "INSERT INTO wide TABLE wide_kept");
    server_execute(t->pg, "VACUUM ANALYZE wide");
    server_execute(t->pg, "CHECKPOINT");
    for (size_t i = 0; i < t->n; i++) {
        t->rows[i].medium++;
    }
}

#define NAME_OF(name_, c_, type_, sql_) #name_,

static void update(void *context)
{
    const twenty *t = context;
    static const char *const names[] = {WIDE_COLUMNS(NAME_OF) NULL};
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_update_fields(t->db, bm_structs(&wide_model, t->rows, t->n),
                           BM_OPTIONS(bm_update_fields_options, .fields = names), &result, &err),
          &err);
    if (result.updated != t->n) {
        die("%llu rows updated", (unsigned long long)result.updated);
    }
}

static void update_by_hand(void *context)
{
    const twenty *t = context;
    floor_wide_update(t->pg, t->rows, t->n);
}

void row_pg_update_wide(const settings *given)
{
    twenty t = begin(given);
    floor_wide_copy(t.pg, t.rows, t.n, true);
    server_execute(t.pg, "CREATE TABLE wide_kept AS TABLE wide ORDER BY id");
    contest_run(&(contest){"pg_update_wide", "UPDATE FROM unnest by hand, one statement", t.n, &t,
                           refill, update, update_by_hand},
                given);
    end(&t);
}
