/*
 * Workers that cannot all be there, or that would wait for each other: the call ends, soon, with
 * all rows or none.
 */
#include "bouncer.h"
#include "world.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N = 4000, WORKERS = 4, ROUNDS = 5 };

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static bm_db *open_pool(const char *url)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = 8, .max_concurrent_batch_writes = WORKERS};
    if (bm_open(url, &options, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

static bm_status update(bm_db *db, const item *rows, size_t n, bm_result *result, bm_error *err)
{
    return bm_update_fields(db, bm_structs(&item_given, rows, n),
                            BM_OPTIONS(bm_update_fields_options, .concurrent = BM_ON,
                                       .max_concurrent_workers = WORKERS, .batch_size = n / 40,
                                       .fields = BM_NAMES("value")),
                            result, err);
}

static bm_status create(bm_db *db, const item *rows, size_t n, size_t batch, bm_error *err)
{
    return bm_bulk_create(db, bm_structs(&item_given, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                     .max_concurrent_workers = WORKERS, .batch_size = batch),
                          NULL, err);
}

/* L2: at this level the server may let one worker's COMMIT fail because of another's. */
static void serializable(void **state)
{
    static item rows[N];
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    psql_run(w.pg, "INSERT INTO item SELECT g, 'old', 0 FROM generate_series(1000, 20999) g;"
                   "ANALYZE item");
    snprintf(w.url + strlen(w.url), sizeof w.url - strlen(w.url),
             " options='-c search_path=%s -c default_transaction_isolation=serializable'",
             w.schema);
    bm_db *db = open_pool(w.url);
    for (int round = 1; round <= ROUNDS; round++) {
        bm_result result = BM_RESULT;
        fill_items(rows, N, 1000 + round * 100, round);
        if (update(db, rows, N, &result, &err) != BM_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(result.updated, N);
        assert_int_equal(result.n_parts, 0); /* one transaction */
        bm_result_clear(&result);
        assert_int_equal(
            psql_count(w.pg, "SELECT count(*) FROM item WHERE value = %d AND id >= 1000", round),
            N);
    }
    bm_close(db);
    world_end(&w);
}

/* W2: a worker waits for a row of one that is ready; one connection then finds the row to blame. */
static void workers_of_one_call(void **state)
{
    static item rows[N];
    static const char *const constraints[] = {"UNIQUE (value)",
                                              "UNIQUE (value) DEFERRABLE INITIALLY DEFERRED"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world w;
        bm_error err = BM_ERROR;
        world_begin(&w, POSTGRESQL);
        psql_run(w.pg, "TRUNCATE item; ALTER TABLE item ADD %s", constraints[i]);
        bm_db *db = open_pool(w.url);
        fill_items(rows, N, 1000, 0);
        for (size_t k = 0; k < N; k++) {
            rows[k].value = (int32_t)k;
        }
        rows[N - 1].value = 0; /* of the first worker's chunk, and of the last one's */
        double begin = now();
        assert_int_equal(create(db, rows, N, N / WORKERS, &err), BM_CONSTRAINT);
        assert_true(now() - begin < 20);
        assert_string_equal(err.sqlstate, "23505");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item"), 0);
        rows[N - 1].value = N;
        assert_int_equal(create(db, rows, N, N / WORKERS, &err), BM_OK);
        assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item"), N);
        bm_close(db);
        world_end(&w);
    }
}

static void *go_on(void *pid)
{
    usleep(300000);
    kill(*(const pid_t *)pid, SIGCONT);
    return NULL;
}

/* The first question of workers takes no lock: a server that is slow to answer it is no lock. */
static void a_slow_server_is_no_lock(void **state)
{
    world w;
    item rows[2];
    bm_error err = BM_ERROR;
    pthread_t thread;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = open_pool(w.url);
    fill_items(rows, 2, 1000, 1);
    assert_int_equal(create(db, rows, 1, 1, &err), BM_OK); /* the table is known now */
    world_reset(&w);
    pid_t pid = (pid_t)psql_count(w.pg, "SELECT pid FROM pg_stat_activity WHERE state = 'idle' AND"
                                        " backend_type = 'client backend' LIMIT 1");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    pthread_create(&thread, NULL, go_on, &pid);
    const bm_call call = {.size = sizeof call, .lock_timeout_ms = 100};
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_given, rows, 2),
                       BM_OPTIONS(bm_bulk_create_options, .call = &call, .concurrent = BM_ON,
                                  .max_concurrent_workers = 2, .batch_size = 1),
                       NULL, &err);
    pthread_join(thread, NULL);
    if (status != BM_OK) {
        fail_msg("%s", err.message);
    }
    bm_close(db);
    world_end(&w);
}

typedef struct caller {
    pthread_t thread;
    bm_db *db;
    int32_t value;
    bm_status status;
    bm_error err;
} caller;

static void *call_update(void *argument)
{
    caller *c = argument;
    item *rows = calloc(N, sizeof *rows);
    assert_non_null(rows);
    fill_items(rows, N, 1000, c->value);
    c->status = update(c->db, rows, N, NULL, &c->err);
    free(rows);
    return NULL;
}

/* W2: two calls on the same rows, each of which holds at its meeting what the other one needs. */
static void workers_of_two_calls(void **state)
{
    world w;
    (void)state;
    world_begin(&w, POSTGRESQL);
    psql_run(w.pg, "INSERT INTO item SELECT g, 'old', 0 FROM generate_series(1000, %d) g",
             1000 + N - 1);
    bm_db *db = open_pool(w.url);
    int done = 0;
    for (int round = 0; round < ROUNDS; round++) {
        caller callers[2];
        double begin = now();
        for (int i = 0; i < 2; i++) {
            callers[i] = (caller){.db = db, .value = 10 * round + i + 1, .err = BM_ERROR};
            pthread_create(&callers[i].thread, NULL, call_update, &callers[i]);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(callers[i].thread, NULL);
            done += callers[i].status == BM_OK;
            if (callers[i].status != BM_OK && callers[i].status != BM_RETRY) {
                fail_msg("after %.1f s: %s", now() - begin, callers[i].err.message);
            }
            if (callers[i].status != BM_OK) {
                assert_true(callers[i].err.retryable);
            }
        }
        assert_true(now() - begin < 30);
        assert_int_equal(
            psql_count(w.pg, "SELECT count(DISTINCT value) FROM item WHERE id >= 1000"), 1);
    }
    assert_true(done >= ROUNDS);
    bm_close(db);
    world_end(&w);
}

/* ------------------------------------------------------------------------------------ PgBouncer */

static bm_db *open_through(const char *url)
{
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = 8, .max_concurrent_batch_writes = WORKERS};
    if (bm_open(url, &options, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

/* W4: two workers hold the pool at their meeting, the others wait for it: they are done without. */
static void a_small_pool(void **state)
{
    static item rows[N];
    (void)state;
    for (int pool = 1; pool <= 3; pool++) {
        world w;
        bm_error err = BM_ERROR;
        char url[TEST_PATH_MAX];
        char path[128];
        world_begin(&w, POSTGRESQL);
        snprintf(path, sizeof path, "SET search_path = %s", w.schema);
        bouncer *pooler = bouncer_start("transaction", pool, path);
        snprintf(url, sizeof url, "host=%s port=6432 dbname=postgres user=postgres",
                 bouncer_folder(pooler));
        bm_db *db = open_through(url);
        for (int round = 0; round < 2; round++) {
            world_reset(&w);
            fill_items(rows, N, 1000, 1);
            double begin = now();
            if (create(db, rows, N, 50, &err) != BM_OK) {
                fail_msg("pool of %d: %s", pool, err.message);
            }
            assert_true(now() - begin < 20);
            world_expect(&w, SEEDS + N, SEED_SUM + N);
        }
        bm_close(db);
        bouncer_stop(pooler);
        world_end(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serializable),
        cmocka_unit_test(workers_of_one_call),
        cmocka_unit_test(workers_of_two_calls),
        cmocka_unit_test(a_small_pool),
        cmocka_unit_test(a_slow_server_is_no_lock),
    };
    alarm(1000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
