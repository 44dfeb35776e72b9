/*
 * What a timeout counts, what it decides and what it says: W14 (the reader's time is not counted,
 * the message names the limit and how far the call came), and that the first COMMIT is not sent
 * after the deadline.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t taken;

static bm_status slow_reader(void *user, const void *rows, size_t n, bm_error *err)
{
    (void)user, (void)rows, (void)err;
    taken += n;
    usleep(120000);
    return BM_OK;
}

static bm_status reader(void *user, const void *rows, size_t n, bm_error *err)
{
    (void)user, (void)rows, (void)err;
    taken += n;
    return BM_OK;
}

static bm_status read_items(bm_db *db, const bm_call *call, const char *where, bm_result *result,
                            bm_error *err)
{
    taken = 0;
    return bm_copy_to(db, bm_all(&item_given),
                      BM_OPTIONS(bm_copy_to_options, .call = call, .batch_size = 4, .where = where,
                                 .sink = where == NULL ? slow_reader : reader),
                      result, err);
}

static void the_readers_time_is_not_counted(world *w, bm_db *db)
{
    const bm_call by_call = {.size = sizeof by_call, .timeout_ms = 400};
    const bm_call by_statement = {.size = sizeof by_statement, .statement_timeout_ms = 400};
    const bm_call *const calls[] = {&by_call, &by_statement};
    (void)w;
    for (size_t i = 0; i < 2; i++) {
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        if (read_items(db, calls[i], NULL, &result, &err) != BM_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(result.read, SEEDS);
        assert_int_equal(taken, SEEDS);
        assert_true(result.seconds > 0.5);
    }
}

/* The server sends some rows and then thinks for a minute. */
static void a_timeout_says_how_far_it_came(world *w, bm_db *db)
{
    const bm_call call = {.size = sizeof call, .timeout_ms = 700};
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    char rows[64];
    world_sql(w, "INSERT INTO item SELECT g, 'x', g FROM generate_series(100, 20000) g");
    bm_status status =
        read_items(db, &call, "t.id < 19000 OR pg_sleep(60)::text IS NULL", &result, &err);
    assert_int_equal(status, BM_TIMEOUT);
    assert_true(taken > 1000 && taken < 19000);
    assert_int_equal(result.read, taken);
    snprintf(rows, sizeof rows, "%zu rows had been read", taken);
    assert_non_null(strstr(err.message, "the timeout of 700 ms passed"));
    assert_non_null(strstr(err.message, rows));
    expect_usable(db);
}

static void sleep_a_little(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    usleep(done == total ? 2010000 : 0);
}

/* Written in time, but not ready to commit in time. */
static void the_first_commit_is_not_sent_late(world *w, bm_db *db)
{
    static item rows[2000];
    const bm_call call = {.size = sizeof call, .timeout_ms = 2000, .on_progress = sleep_a_little};
    bm_error err = BM_ERROR;
    fill_items(rows, 2000, 1000, 1);
    bm_status status = bm_bulk_create(
        db, bm_structs(&item_given, rows, 2000),
        BM_OPTIONS(bm_bulk_create_options, .call = &call, .batch_size = 500), NULL, &err);
    assert_int_equal(status, BM_TIMEOUT);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    world_expect(w, SEEDS, SEED_SUM);
    expect_usable(db);
}

/* ... nor is a savepoint of the caller's transaction released. */
static void nor_is_a_savepoint_released(world *w, bm_db *db)
{
    static item rows[2000];
    const bm_call call = {.size = sizeof call, .timeout_ms = 2000, .on_progress = sleep_a_little};
    bm_error err = BM_ERROR;
    bm_db *tx;
    fill_items(rows, 2000, 1000, 1);
    assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
    bm_status status = bm_bulk_create(
        tx, bm_structs(&item_given, rows, 2000),
        BM_OPTIONS(bm_bulk_create_options, .call = &call, .batch_size = 500), NULL, &err);
    assert_int_equal(status, BM_TIMEOUT);
    assert_int_equal(err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
    assert_int_equal(bm_commit(tx, &err), BM_OK);
    world_expect(w, SEEDS, SEED_SUM);
    expect_usable(db);
}

/* One clock for what has no call of its own. */
static void the_databases_own_timeout(world *w, bm_db *db)
{
    bm_error err = BM_ERROR;
    bm_db *limited;
    bm_db *tx;
    (void)db;
    assert_int_equal(
        bm_open(w->url, BM_OPTIONS(bm_open_options, .timeout_ms = 400), &limited, &err), BM_OK);
    world_sql(w, "BEGIN; LOCK TABLE item");
    assert_int_equal(bm_execute(limited, "TRUNCATE item", &err), BM_TIMEOUT);
    assert_non_null(strstr(err.message, "the timeout of 400 ms passed"));
    assert_int_equal(bm_begin(limited, &tx, &err), BM_TIMEOUT);
    world_sql(w, "ROLLBACK");
    bm_close(limited);
    world_expect(w, SEEDS, SEED_SUM);
}

/* A limit that is further away than the clock goes is none. */
static void the_longest_limits(world *w, bm_db *db)
{
    const bm_call call = {.size = sizeof call,
                          .timeout_ms = INT64_MAX,
                          .commit_timeout_ms = INT64_MAX,
                          .statement_timeout_ms = INT64_MAX,
                          .lock_timeout_ms = INT64_MAX};
    bm_error err = BM_ERROR;
    item rows[3];
    fill_items(rows, 3, 1000, 1);
    if (bm_bulk_create(db, bm_structs(&item_given, rows, 3),
                       BM_OPTIONS(bm_bulk_create_options, .call = &call), NULL, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    world_expect(w, SEEDS + 3, SEED_SUM + 3);
}

static void on(world_engine engine, void (*test)(world *w, bm_db *db))
{
    world w;
    world_begin(&w, engine);
    bm_db *db = world_open(&w);
    test(&w, db);
    bm_close(db);
    world_end(&w);
}

#define ON(engine_, test_)                                                                         \
    static void test_##_##engine_(void **state)                                                    \
    {                                                                                              \
        (void)state;                                                                               \
        on(engine_, test_);                                                                        \
    }

ON(POSTGRESQL, the_readers_time_is_not_counted)
ON(SQLITE, the_readers_time_is_not_counted)
ON(POSTGRESQL, a_timeout_says_how_far_it_came)
ON(POSTGRESQL, the_first_commit_is_not_sent_late)
ON(SQLITE, the_first_commit_is_not_sent_late)
ON(POSTGRESQL, nor_is_a_savepoint_released)
ON(SQLITE, nor_is_a_savepoint_released)
ON(POSTGRESQL, the_databases_own_timeout)
ON(POSTGRESQL, the_longest_limits)
ON(SQLITE, the_longest_limits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_readers_time_is_not_counted_POSTGRESQL),
        cmocka_unit_test(the_readers_time_is_not_counted_SQLITE),
        cmocka_unit_test(a_timeout_says_how_far_it_came_POSTGRESQL),
        cmocka_unit_test(the_first_commit_is_not_sent_late_POSTGRESQL),
        cmocka_unit_test(the_first_commit_is_not_sent_late_SQLITE),
        cmocka_unit_test(nor_is_a_savepoint_released_POSTGRESQL),
        cmocka_unit_test(nor_is_a_savepoint_released_SQLITE),
        cmocka_unit_test(the_databases_own_timeout_POSTGRESQL),
        cmocka_unit_test(the_longest_limits_POSTGRESQL),
        cmocka_unit_test(the_longest_limits_SQLITE),
    };
    return cmocka_run_group_tests_name("fault_timeouts", tests, NULL, NULL);
}
