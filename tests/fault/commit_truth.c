/*
 * A COMMIT whose answer is lost (W9): the connection is cut before COMMIT arrives, when it was
 * answered, and while the server is at it; every call must say what a look into the table says, and
 * none may say that nobody knows.
 *
 *     test_fault_commit_truth [CUTS]      counts CUTS of one connection, as many of four workers
 */
#include "libpq_proxy.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 1200, FEW = 5, WORKERS = 4, SHARE = 100 };

static int cuts = 36;
static int n_resolved;
static world w;
static proxy *front;
static bm_db *db;
static item rows[MANY];

typedef struct cut {
    proxy_mode mode;
    const char *name;
    bool slow;     /* COMMIT takes a while */
    int committed; /* 1: it is, 0: it is not, -1: either */
} cut;

static const cut ways[] = {
    {PROXY_CUT_BEFORE, "before it arrives", false, 0},
    {PROXY_CUT_AFTER, "after its answer", false, 1},
    {PROXY_CUT_SENT, "at once", false, -1},
    {PROXY_CUT_SENT, "while the server is at it", true, 1},
};

/* ------------------------------------------------------------------------------------ the calls */

typedef struct call {
    const char *name;
    size_t n; /* rows that it writes, all of one value */
    bm_status (*run)(int32_t value, bm_error *err);
    const char *word; /* how the message that is cut begins */
} call;

static bm_status create_many(int32_t value, bm_error *err)
{
    fill_items(rows, MANY, 0, value);
    return bm_bulk_create(db, bm_structs(&item_assigned, rows, MANY), NULL, NULL, err);
}

static bm_status update_few(int32_t value, bm_error *err)
{
    fill_items(rows, FEW, 1, value);
    return bm_update_fields(
        db, bm_structs(&item_given, rows, FEW),
        BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"), .batch_size = 2), NULL,
        err);
}

static bm_status create_checked(int32_t value, bm_error *err)
{
    const bm_call checked = {.size = sizeof checked, .commit_check = BM_ON};
    fill_items(rows, FEW, 0, value);
    return bm_bulk_create(db, bm_structs(&item_assigned, rows, FEW),
                          BM_OPTIONS(bm_bulk_create_options, .call = &checked), NULL, err);
}

static bm_status in_transaction(int32_t value, bm_error *err)
{
    bm_db *tx;
    assert_int_equal(bm_begin(db, &tx, err), BM_OK);
    fill_items(rows, FEW, 0, value);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bm_bulk_create(tx, bm_structs(&item_assigned, rows, FEW), NULL, NULL, err),
                         BM_OK);
    }
    return bm_commit(tx, err);
}

static bm_status only_sql(int32_t value, bm_error *err)
{
    bm_db *tx;
    char sql[80];
    assert_int_equal(bm_begin(db, &tx, err), BM_OK);
    snprintf(sql, sizeof sql, "UPDATE item SET value = %d WHERE id = 1", (int)value);
    assert_int_equal(bm_execute(tx, sql, err), BM_OK);
    return bm_commit(tx, err);
}

static const call calls[] = {
    {"COPY", MANY, create_many, "COMMIT"},
    {"several statements", FEW, update_few, "COMMIT"},
    {"one statement that is checked", FEW, create_checked, "COMMIT"},
    {"bm_commit", 2 * FEW, in_transaction, "COMMIT"},
    {"bm_commit of SQL", 1, only_sql, "COMMIT"},
};

/* ------------------------------------------------------------------------------------- one cut */

static void make_commits_slow(bool slow)
{
    psql_run(w.pg, "ALTER TABLE item %s TRIGGER slow", slow ? "ENABLE" : "DISABLE");
}

static void one_cut(const call *c, const cut *how, int32_t value)
{
    bm_error err = BM_ERROR;
    make_commits_slow(how->slow);
    proxy_cut_one(front, how->mode, c->word, 0);
    bm_status status = c->run(value, &err);
    int64_t there = psql_count(w.pg, "SELECT count(*) FROM item WHERE value = %d", (int)value);
    bool known = status == BM_OK ||
                 (status == BM_CONNECTION && err.fate == BM_FATE_ROLLED_BACK && err.retryable);
    bool right = there == (status == BM_OK ? (int64_t)c->n : 0);
    if (!known || !right || (how->committed >= 0 && how->committed != (status == BM_OK))) {
        fail_msg("%s, cut %s: %s (%s), and %lld rows are there", c->name, how->name,
                 bm_status_name(status), err.message, (long long)there);
    }
    n_resolved++;
    proxy_set(front, PROXY_FORWARD, NULL);
}

static void test_one_connection(void **state)
{
    const size_t n_ways = sizeof ways / sizeof ways[0];
    const size_t n_calls = sizeof calls / sizeof calls[0];
    (void)state;
    for (int i = 0; i < cuts; i++) {
        one_cut(&calls[(size_t)i / n_ways % n_calls], &ways[(size_t)i % n_ways], 1000 + i);
    }
}

/* ---------------------------------------------------------------------------------- of workers */

/* The rows of a part are all there, or none is, as it says. */
static void part_agrees(const bm_part *part, int32_t value)
{
    assert_true(part->fate == BM_FATE_COMMITTED || part->fate == BM_FATE_ROLLED_BACK);
    for (size_t k = 0; k < part->n_ranges; k++) {
        long long first = (long long)rows[part->ranges[2 * k]].id;
        long long count = (long long)part->ranges[2 * k + 1];
        int64_t there = psql_count(
            w.pg, "SELECT count(*) FROM item WHERE value = %d AND id >= %lld AND id < %lld",
            (int)value, first, first + count);
        assert_int_equal(there, part->fate == BM_FATE_COMMITTED ? count : 0);
    }
}

static void one_cut_of_workers(const cut *how, int passes, int32_t value)
{
    enum { N = WORKERS * SHARE };
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    make_commits_slow(how->slow);
    proxy_cut_one(front, how->mode, "COMMIT", passes);
    fill_items(rows, N, 1000000 + (int64_t)value * N, value);
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_given, rows, N),
                       BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                  .max_concurrent_workers = WORKERS, .batch_size = SHARE / 2),
                       &result, &err);
    int64_t there = psql_count(w.pg, "SELECT count(*) FROM item WHERE value = %d", (int)value);
    bool right = status == BM_OK           ? there == N
                 : status == BM_PARTIAL    ? there > 0 && there < N
                 : status == BM_CONNECTION ? there == 0
                                           : false;
    if (!right) {
        fail_msg("workers, cut %s, %d pass: %s (%s), and %lld rows are there", how->name, passes,
                 bm_status_name(status), err.message, (long long)there);
    }
    for (size_t i = 0; i < result.n_parts; i++) {
        part_agrees(&result.parts[i], value);
    }
    n_resolved++;
    proxy_set(front, PROXY_FORWARD, NULL);
    bm_result_clear(&result);
}

static void test_workers(void **state)
{
    const size_t n_ways = sizeof ways / sizeof ways[0];
    (void)state;
    for (int i = 0; i < cuts; i++) {
        one_cut_of_workers(&ways[(size_t)i % n_ways], i / (int)n_ways % WORKERS, 500000 + i);
    }
}

/* --------------------------------------------------------------------------- what stays unknown */

/* Switched off, it is as it was: nobody is asked. */
static void test_not_asked(void **state)
{
    (void)state;
    const bm_call off = {.size = sizeof off, .commit_check = BM_OFF};
    bm_error err = BM_ERROR;
    make_commits_slow(false);
    proxy_cut_one(front, PROXY_CUT_AFTER, "COMMIT", 0);
    fill_items(rows, MANY, 0, 900000);
    bm_status status = bm_bulk_create(db, bm_structs(&item_assigned, rows, MANY),
                                      BM_OPTIONS(bm_bulk_create_options, .call = &off), NULL, &err);
    assert_int_equal(status, BM_COMMIT_UNKNOWN);
    assert_int_equal(err.fate, BM_FATE_UNKNOWN);
}

/* A server that is at it for longer than may be waited has its process ended, which is final. */
static void test_ended(void **state)
{
    (void)state;
    const bm_call soon = {.size = sizeof soon, .commit_timeout_ms = 2000};
    bm_error err = BM_ERROR;
    make_commits_slow(true);
    psql_run(w.pg, "UPDATE pause SET seconds = 30");
    proxy_cut_one(front, PROXY_CUT_SENT, "COMMIT", 0);
    fill_items(rows, MANY, 0, 910000);
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_assigned, rows, MANY),
                       BM_OPTIONS(bm_bulk_create_options, .call = &soon), NULL, &err);
    psql_run(w.pg, "UPDATE pause SET seconds = 0.1");
    assert_int_equal(status, BM_CONNECTION);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item WHERE value = 910000"), 0);
}

/* Nobody there to be asked: then it is unknown, in time. */
static void test_nobody_to_ask(void **state)
{
    (void)state;
    const bm_call soon = {.size = sizeof soon, .commit_timeout_ms = 300};
    bm_error err = BM_ERROR;
    make_commits_slow(false);
    fill_items(rows, MANY, 0, 920000);
    proxy_cut_one(front, PROXY_CUT_AFTER, "COMMIT", 0);
    proxy_refuse_next(front, "57P03:the database system is starting up");
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_assigned, rows, MANY),
                       BM_OPTIONS(bm_bulk_create_options, .call = &soon), NULL, &err);
    proxy_set(front, PROXY_FORWARD, NULL);
    assert_int_equal(status, BM_COMMIT_UNKNOWN);
    assert_int_equal(err.fate, BM_FATE_UNKNOWN);
    assert_false(err.retryable);
    assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item WHERE value = 920000"), MANY);
}

/* The caller's own connection: another one is opened as it was. */
static void test_borrowed(void **state)
{
    (void)state;
    bm_db *borrowed;
    bm_db *own = db;
    bm_error err = BM_ERROR;
    char url[1024];
    snprintf(url, sizeof url, "%s options='-c search_path=%s'", proxy_url(front), w.schema);
    for (size_t i = 0; i < 2; i++) {
        PGconn *callers = PQconnectdb(url);
        assert_int_equal(bm_attach_libpq(callers, &borrowed, &err), BM_OK);
        db = borrowed;
        one_cut(&calls[0], &ways[i], 930000 + (int32_t)i);
        bm_close(borrowed);
        PQfinish(callers);
    }
    db = own;
}

/* W6: a server that had gone before anything was sent leaves nothing in doubt. */
static void test_gone_before(void **state)
{
    (void)state;
    bm_db *borrowed;
    bm_error err = BM_ERROR;
    char url[1024];
    snprintf(url, sizeof url, "%s options='-c search_path=%s'", test_postgresql(), w.schema);
    PGconn *callers = PQconnectdb(url);
    assert_int_equal(bm_attach_libpq(callers, &borrowed, &err), BM_OK);
    psql_run(w.pg, "SELECT pg_terminate_backend(%d, 5000)", PQbackendPID(callers));
    fill_items(rows, FEW, 0, 940000);
    for (int i = 0; i < 2; i++) {
        bm_status status =
            bm_bulk_create(borrowed, bm_structs(&item_given, rows, FEW), NULL, NULL, &err);
        assert_int_equal(status, BM_CONNECTION);
        assert_int_equal(err.fate, BM_FATE_NOT_STARTED);
    }
    bm_close(borrowed);
    PQfinish(callers);
}

static int set_up(void **state)
{
    char url[1024];
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = WORKERS, .max_concurrent_batch_writes = WORKERS};
    (void)state;
    world_begin(&w, POSTGRESQL);
    psql_run(w.pg, "CREATE TABLE pause (seconds float); INSERT INTO pause VALUES (0.1);"
                   "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " PERFORM pg_sleep((SELECT seconds FROM pause)); RETURN NULL; END $$;"
                   "CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE ON item"
                   " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                   " WHEN (NEW.name = 'row 0' OR NEW.id = 1) EXECUTE FUNCTION slow()");
    front = proxy_start();
    snprintf(url, sizeof url, "%s options='-c search_path=%s'", proxy_url(front), w.schema);
    assert_int_equal(bm_open(url, &options, &db, &err), BM_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    proxy_stop(front);
    world_end(&w);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection), cmocka_unit_test(test_workers),
        cmocka_unit_test(test_not_asked),      cmocka_unit_test(test_ended),
        cmocka_unit_test(test_nobody_to_ask),  cmocka_unit_test(test_borrowed),
        cmocka_unit_test(test_gone_before),
    };
    cuts = argc > 1 ? (int)strtol(argv[1], NULL, 10) : cuts;
    int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    print_message("# B-07: %d cuts resolved right\n", n_resolved);
    return failed;
}
