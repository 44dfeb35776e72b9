/* copy_to against COPY TO whose bytes nobody reads. */
#include "floor.h"
#include "server.h"

typedef struct reading {
    PGconn *pg;
    bm_db *db;
    size_t n;
    int64_t sum;
} reading;

static bm_status sink(void *user, const void *rows, size_t n, bm_error *err)
{
    reading *r = user;
    const foo *at = rows;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        r->sum += at[i].id;
    }
    return BM_OK;
}

static void to_sink(void *context)
{
    reading *r = context;
    bm_error err = BM_ERROR;
    r->sum = 0;
    check(bm_copy_to(r->db, bm_all(&foo_model),
                     BM_OPTIONS(bm_copy_to_options, .user = r, .sink = sink), NULL, &err),
          &err);
    if (r->sum != (int64_t)(r->n * (r->n + 1) / 2)) {
        die("rows are missing");
    }
}

static void to_queryset(void *context)
{
    const reading *r = context;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_copy_to(r->db, bm_all(&foo_model), NULL, &result, &err), &err);
    if (bm_queryset_count(result.queryset) != r->n) {
        die("rows are missing");
    }
    bm_result_clear(&result);
}

static void by_hand(void *context)
{
    const reading *r = context;
    floor_copy_out(r->pg, r->n);
}

static void read_all(const settings *given, const char *id, void (*ours)(void *context))
{
    reading r = {.pg = server_connect(given->url), .n = given->rows};
    server_make_table(r.pg);
    r.db = server_open(given->url);
    contest_measures(r.pg);
    server_fill(r.pg, foo_rows(r.n), r.n);
    contest_run(&(contest){id, "PQgetCopyData, nothing decoded", r.n, &r, NULL, ours, by_hand},
                given);
    bm_close(r.db);
    PQfinish(r.pg);
}

void row_pg_copy_to(const settings *given)
{
    read_all(given, "pg_copy_to", to_sink);
}

void row_pg_copy_to_queryset(const settings *given)
{
    read_all(given, "pg_copy_to_queryset", to_queryset);
}
