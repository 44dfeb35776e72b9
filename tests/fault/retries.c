/* bm_call.retries (W9): a call is made again where nothing of it is committed, and then is as if
 * only the last attempt had run. */
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1200, FEW = 5, WORKERS = 3 };

static world w;
static bm_db *db;
static item rows[MANY];

typedef struct heard {
    uint64_t replays;
    bm_error last;
} heard;

static void hear(void *user, uint64_t replay, const bm_error *why)
{
    heard *h = user;
    assert_int_equal(replay, ++h->replays);
    h->last = *why;
}

/* The first so many attempts fail: `how` is what the trigger of each row named "row 0" does. */
static void fail_times(int times, const char *how, bool at_commit)
{
    psql_run(w.pg,
             "DROP TRIGGER IF EXISTS fail ON item; DROP SEQUENCE IF EXISTS attempts;"
             "CREATE SEQUENCE attempts;"
             "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " IF nextval('attempts') <= %d THEN %s; END IF; RETURN NULL; END $$;"
             "CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE ON item DEFERRABLE INITIALLY %s"
             " FOR EACH ROW WHEN (NEW.name = 'row 0') EXECUTE FUNCTION fail()",
             times, how, at_commit ? "DEFERRED" : "IMMEDIATE");
}

static bm_status create(bm_db *on, size_t n, const bm_call *call, bm_switch concurrent,
                        bm_result *result, bm_error *err)
{
    fill_items(rows, n, 1000, 1);
    return bm_bulk_create(on, bm_structs(&item_assigned, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .call = call, .return_queryset = BM_ON,
                                     .keys_into = rows, .return_outcomes = BM_ON,
                                     .concurrent = concurrent, .max_concurrent_workers = WORKERS),
                          result, err);
}

static const char *const reasons[] = {
    "RAISE EXCEPTION 'again' USING ERRCODE = '40001'",
    "RAISE EXCEPTION 'again' USING ERRCODE = '40P01'",
    "PERFORM pg_terminate_backend(pg_backend_pid())",
};
enum { REASONS = sizeof reasons / sizeof reasons[0] };

/* Keys, outcomes, queryset and counts are those of the attempt that went well. */
static void test_as_the_last_attempt(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASONS * 4; i++) {
        heard h = {.last = BM_ERROR};
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        bool workers = i / REASONS % 2 == 1;
        bool at_commit = i / REASONS / 2 == 1;
        const bm_call call = {
            .size = sizeof call, .user = &h, .retries = 2, .on_retry = hear, .commit_check = BM_ON};
        world_reset(&w);
        fail_times(2, reasons[i % REASONS], at_commit);
        size_t n = i % 2 == 0 ? FEW : MANY;
        bm_status status = create(db, n, &call, workers ? BM_ON : BM_OFF, &result, &err);
        if (status != BM_OK) {
            fail_msg("%zu: %s: %s", i, bm_status_name(status), err.message);
        }
        assert_int_equal(h.replays, 2);
        assert_int_equal(result.replays, 2);
        assert_int_equal(result.inserted, n);
        assert_int_equal(bm_queryset_count(result.queryset), n);
        world_expect(&w, SEEDS + (int64_t)n, SEED_SUM + (int64_t)n);
        for (size_t k = 0; k < n; k++) {
            const item *made = bm_queryset_at(result.queryset, k);
            assert_int_equal(made->id, rows[k].id);
            assert_int_equal(result.outcomes[k], BM_ROW_INSERTED);
        }
        assert_int_equal(psql_count(w.pg,
                                    "SELECT count(*) FROM item WHERE id = %lld AND name = "
                                    "'row %zu'",
                                    (long long)rows[n - 1].id, n - 1),
                         1);
        bm_result_clear(&result);
    }
}

static void test_no_more_often_than_asked_for(void **state)
{
    (void)state;
    for (int retries = 0; retries < 3; retries++) {
        heard h = {.last = BM_ERROR};
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        const bm_call call = {
            .size = sizeof call, .user = &h, .retries = retries, .on_retry = hear};
        world_reset(&w);
        fail_times(9, reasons[0], false);
        assert_int_equal(create(db, FEW, &call, BM_OFF, &result, &err), BM_RETRY);
        assert_string_equal(err.sqlstate, "40001");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(h.replays, retries);
        assert_int_equal(result.replays, retries);
        assert_int_equal(result.inserted, 0);
        world_expect(&w, SEEDS, SEED_SUM);
        bm_result_clear(&result);
    }
}

/* Not of other errors, not in a transaction, not once the token is set. */
static void test_what_is_not_made_again(void **state)
{
    (void)state;
    bm_db *tx;
    bm_cancel *token;
    bm_error err = BM_ERROR;
    heard h = {.last = BM_ERROR};
    bm_call call = {.size = sizeof call, .user = &h, .retries = 5, .on_retry = hear};
    world_reset(&w);
    fail_times(1, "RAISE EXCEPTION 'no' USING ERRCODE = '23514'", false);
    assert_int_equal(create(db, FEW, &call, BM_OFF, NULL, &err), BM_CONSTRAINT);
    fail_times(1, reasons[0], false);
    assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
    assert_int_equal(create(tx, FEW, &call, BM_OFF, NULL, &err), BM_RETRY);
    bm_rollback(tx);
    fail_times(1, reasons[0], false);
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    bm_cancel_set(token);
    call.cancel = token;
    assert_int_equal(create(db, FEW, &call, BM_OFF, NULL, &err), BM_CANCELLED);
    bm_cancel_free(token);
    call.cancel = NULL;
    call.retries = -1;
    assert_int_equal(create(db, FEW, &call, BM_OFF, NULL, &err), BM_INVALID);
    assert_int_equal(h.replays, 0);
    world_expect(&w, SEEDS, SEED_SUM);
}

typedef struct stream {
    size_t left, rewound;
} stream;

static bm_status next(void *user, void *out, size_t capacity, size_t *n, bm_error *err)
{
    stream *s = user;
    (void)err;
    *n = s->left < capacity ? s->left : capacity;
    fill_items(out, *n, 0, 1);
    s->left -= *n;
    return BM_OK;
}

static bm_status again(void *user, bm_error *err)
{
    stream *s = user;
    (void)err;
    s->left = MANY;
    s->rewound++;
    return BM_OK;
}

static void test_streams(void **state)
{
    (void)state;
    for (int rewinds = 0; rewinds < 2; rewinds++) {
        stream s = {.left = MANY};
        bm_error err = BM_ERROR;
        const bm_source source = {
            .size = sizeof source, .user = &s, .next = next, .rewind = rewinds != 0 ? again : NULL};
        const bm_call call = {.size = sizeof call, .retries = 1};
        world_reset(&w);
        fail_times(1, reasons[0], true);
        bm_status status = bm_bulk_create(
            db, bm_stream(&item_assigned, &source),
            BM_OPTIONS(bm_bulk_create_options, .call = &call, .batch_size = 500), NULL, &err);
        assert_int_equal(status, rewinds != 0 ? BM_OK : BM_RETRY);
        assert_int_equal(s.rewound, rewinds);
        world_expect(&w, SEEDS + rewinds * MANY, SEED_SUM + rewinds * MANY);
    }
}

/* No pause is begun that ends behind the call's timeout. */
static void test_the_timeout_of_the_call(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    const bm_call call = {.size = sizeof call, .retries = 1000, .timeout_ms = 700};
    world_reset(&w);
    fail_times(100000, reasons[0], false);
    struct timespec begin;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    bm_status status = create(db, FEW, &call, BM_OFF, NULL, &err);
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t took = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    if (took < call.timeout_ms) { /* then it is an attempt's own failure that is told */
        assert_int_equal(status, BM_RETRY);
    }
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    world_expect(&w, SEEDS, SEED_SUM);
}

static void dawdle(void *user, uint64_t replay, const bm_error *why)
{
    (void)user;
    (void)why;
    assert_int_equal(replay, 1);
    usleep(400000);
}

/* The repetition has no time left to send anything, but the first attempt did. */
static void test_a_timeout_before_the_repetition(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    const bm_call call = {
        .size = sizeof call, .retries = 1000, .timeout_ms = 300, .on_retry = dawdle};
    world_reset(&w);
    fail_times(100000, reasons[0], false);
    assert_int_equal(create(db, FEW, &call, BM_OFF, NULL, &err), BM_TIMEOUT);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    world_expect(&w, SEEDS, SEED_SUM);
}

/* SQLite waits for five seconds by itself, and then says that it is busy. */
static void *hold(void *context)
{
    sqlite3 *other = context;
    usleep(5300000);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    return NULL;
}

static void test_sqlite_is_busy(void **state)
{
    (void)state;
    world lite;
    heard h = {.last = BM_ERROR};
    bm_error err = BM_ERROR;
    pthread_t thread;
    const bm_call call = {.size = sizeof call, .user = &h, .retries = 1, .on_retry = hear};
    world_begin(&lite, SQLITE);
    bm_db *own = world_open(&lite);
    world_sql(&lite, "BEGIN IMMEDIATE");
    assert_int_equal(pthread_create(&thread, NULL, hold, lite.lite), 0);
    assert_int_equal(create(own, FEW, &call, BM_OFF, NULL, &err), BM_OK);
    pthread_join(thread, NULL);
    assert_int_equal(h.replays, 1);
    assert_int_equal(h.last.native_code & 0xFF, SQLITE_BUSY);
    world_expect(&lite, SEEDS + FEW, SEED_SUM + FEW);
    bm_close(own);
    world_end(&lite);
}

static int set_up(void **state)
{
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = WORKERS, .max_concurrent_batch_writes = WORKERS};
    (void)state;
    world_begin(&w, POSTGRESQL);
    assert_int_equal(bm_open(w.url, &options, &db, &err), BM_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    world_end(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_last_attempt),
        cmocka_unit_test(test_no_more_often_than_asked_for),
        cmocka_unit_test(test_what_is_not_made_again),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_the_timeout_of_the_call),
        cmocka_unit_test(test_a_timeout_before_the_repetition),
        cmocka_unit_test(test_sqlite_is_busy),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
