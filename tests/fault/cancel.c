/*
 * The token is set, or the deadline passes, at any moment of a call: the call's rows are all there
 * or none, as it says, and the connection goes on.
 */
#include "world.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 60000, MOMENTS = 50, SMALL = 5 };

static item *many;
static bm_cancel *token;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *set_later(void *argument)
{
    usleep((useconds_t) * (const int64_t *)argument);
    bm_cancel_set(token);
    return NULL;
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    bm_cancel_set(token);
}

static bm_status load(bm_db *db, const bm_call *call, bm_error *err)
{
    fill_items(many, MANY, 1000, 1);
    return bm_bulk_create(db, bm_structs(&item_assigned, many, MANY),
                          BM_OPTIONS(bm_bulk_create_options, .call = call, .batch_size = MANY / 4),
                          NULL, err);
}

/* All rows, by keys, which are 1 .. MANY. */
static bm_status update(bm_db *db, const bm_call *call, bm_error *err)
{
    fill_items(many, MANY, 1, 7);
    return bm_update_fields(db, bm_structs(&item_given, many, MANY),
                            BM_OPTIONS(bm_update_fields_options, .call = call,
                                       .fields = BM_NAMES("value"), .batch_size = MANY / 3),
                            NULL, err);
}

typedef bm_status (*verb)(bm_db *db, const bm_call *call, bm_error *err);

/* The table before the call: seeds, or for an update MANY rows of value 1. */
static void set_up(world *w, verb v)
{
    if (v != update) {
        world_reset(w);
    } else if (w->engine == POSTGRESQL) {
        psql_run(w->pg,
                 "TRUNCATE item; INSERT INTO item SELECT g, 'seed', 1"
                 " FROM generate_series(1, %d) g",
                 MANY);
    } else {
        world_sql(w, "BEGIN IMMEDIATE; DELETE FROM item;"
                     "WITH RECURSIVE g (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g"
                     " WHERE i < 60000) INSERT INTO item SELECT i, 'seed', 1 FROM g; COMMIT");
    }
}

static bool is_done(world *w, verb v)
{
    return v == update ? world_has(w, MANY, 7 * MANY) : world_has(w, SEEDS + MANY, SEED_SUM + MANY);
}

static bool is_undone(world *w, verb v)
{
    return v == update ? world_has(w, MANY, MANY) : world_has(w, SEEDS, SEED_SUM);
}

/* `stopped`: the status of a call that was stopped. */
static int judge(world *w, verb v, bm_db *db, bm_status status, bm_status stopped,
                 const bm_error *err)
{
    if (status == BM_OK) {
        assert_true(is_done(w, v));
    } else if (status == BM_COMMIT_UNKNOWN) {
        assert_int_equal(err->fate, BM_FATE_UNKNOWN);
        world_settle(w);
        assert_true(is_done(w, v) || is_undone(w, v));
    } else {
        assert_int_equal(status, stopped);
        assert_int_equal(err->status, stopped);
        assert_true(err->fate == BM_FATE_ROLLED_BACK || err->fate == BM_FATE_NOT_STARTED);
        assert_true(is_undone(w, v));
    }
    expect_usable(db);
    return status != BM_OK;
}

static int64_t time_of(world *w, bm_db *db, verb v)
{
    bm_error err = BM_ERROR;
    set_up(w, v);
    int64_t begin = now_us();
    assert_int_equal(v(db, NULL, &err), BM_OK);
    int64_t took = now_us() - begin;
    assert_true(is_done(w, v));
    return took;
}

static void from_another_thread(world *w, bm_db *db, verb v)
{
    uint32_t seed = 77;
    int stopped = 0;
    int64_t took = time_of(w, db, v);
    const bm_call call = {.size = sizeof call, .cancel = token};
    for (int i = 0; i < MOMENTS; i++) {
        pthread_t thread;
        bm_error err = BM_ERROR;
        int64_t after = next_random(&seed) % took;
        set_up(w, v);
        pthread_create(&thread, NULL, set_later, &after);
        bm_status status = v(db, &call, &err);
        pthread_join(thread, NULL);
        bm_cancel_reset(token);
        stopped += judge(w, v, db, status, BM_CANCELLED, &err);
    }
    assert_true(stopped > MOMENTS / 5);
}

static void from_a_signal(world *w, bm_db *db, verb v)
{
    uint32_t seed = 78;
    int stopped = 0;
    int64_t took = time_of(w, db, v);
    const bm_call call = {.size = sizeof call, .cancel = token};
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < MOMENTS / 5; i++) {
        bm_error err = BM_ERROR;
        struct itimerval timer = {.it_value = {.tv_usec = 1 + next_random(&seed) % took}};
        timer.it_value.tv_sec = timer.it_value.tv_usec / 1000000;
        timer.it_value.tv_usec %= 1000000;
        set_up(w, v);
        setitimer(ITIMER_REAL, &timer, NULL);
        bm_status status = v(db, &call, &err);
        setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
        bm_cancel_reset(token);
        stopped += judge(w, v, db, status, BM_CANCELLED, &err);
    }
    signal(SIGALRM, SIG_DFL);
    assert_true(stopped > 0);
}

static void at_the_deadline(world *w, bm_db *db, verb v)
{
    uint32_t seed = 79;
    int stopped = 0;
    int64_t took = time_of(w, db, v);
    for (int i = 0; i < MOMENTS / 5; i++) {
        bm_error err = BM_ERROR;
        const bm_call call = {.size = sizeof call,
                              .timeout_ms = 1 + next_random(&seed) % (1 + took / 1000)};
        set_up(w, v);
        int64_t begin = now_us();
        bm_status status = v(db, &call, &err);
        assert_true(now_us() - begin < call.timeout_ms * 1000 + 5000000);
        stopped += judge(w, v, db, status, BM_TIMEOUT, &err);
    }
    assert_true(stopped > 0);
}

static void on_engine(world_engine e, void (*test)(world *w, bm_db *db, verb v))
{
    world w;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    world_begin(&w, e);
    bm_db *db = world_open(&w);
    test(&w, db, load);
    test(&w, db, update);
    bm_close(db);
    world_end(&w);
    bm_cancel_free(token);
}

#define ON_BOTH(test_)                                                                             \
    static void test_##_postgresql(void **state)                                                   \
    {                                                                                              \
        (void)state;                                                                               \
        on_engine(POSTGRESQL, test_);                                                              \
    }                                                                                              \
    static void test_##_sqlite(void **state)                                                       \
    {                                                                                              \
        (void)state;                                                                               \
        on_engine(SQLITE, test_);                                                                  \
    }

ON_BOTH(from_another_thread)
ON_BOTH(from_a_signal)
ON_BOTH(at_the_deadline)

/* ---------------------------------------------------------------------------------- in a stream */

typedef struct stream {
    size_t pulls, set_at;
    int closed;
} stream;

static bm_status next_items(void *user, void *out, size_t capacity, size_t *n, bm_error *err)
{
    stream *s = user;
    (void)err;
    if (s->pulls++ == s->set_at) {
        bm_cancel_set(token);
    }
    *n = s->pulls > 6 ? 0 : capacity;
    fill_items(out, *n, 0, 1);
    return BM_OK;
}

static void close_stream(void *user)
{
    ((stream *)user)->closed++;
}

static void in_a_stream(void **state)
{
    enum { CHUNK = 500 };
    (void)state;
    for (int e = SQLITE; e < ENGINES; e++) {
        world w;
        bm_error err = BM_ERROR;
        assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
        world_begin(&w, (world_engine)e);
        bm_db *db = world_open(&w);
        const bm_call call = {.size = sizeof call, .cancel = token};
        for (size_t at = 0; at <= 7; at++) {
            stream s = {.set_at = at};
            const bm_source source = {
                .size = sizeof source, .user = &s, .next = next_items, .close = close_stream};
            bm_status status = bm_bulk_create(
                db, bm_stream(&item_assigned, &source),
                BM_OPTIONS(bm_bulk_create_options, .call = &call, .batch_size = CHUNK), NULL, &err);
            bm_cancel_reset(token);
            assert_int_equal(s.closed, 1);
            assert_true(status == BM_CANCELLED || at > 5);
            world_expect(&w, status == BM_OK ? SEEDS + 6 * CHUNK : SEEDS,
                         status == BM_OK ? SEED_SUM + 6 * CHUNK : SEED_SUM);
            expect_usable(db);
            world_reset(&w);
        }
        bm_close(db);
        world_end(&w);
        bm_cancel_free(token);
    }
}

/* A call of one statement, which is its own commit: what it says is what is in the table. */
static void in_one_statement(void **state)
{
    (void)state;
    for (int e = SQLITE; e < ENGINES; e++) {
        world w;
        bm_error err = BM_ERROR;
        uint32_t seed = 80;
        assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
        world_begin(&w, (world_engine)e);
        bm_db *db = world_open(&w);
        const bm_call call = {.size = sizeof call, .cancel = token};
        for (int i = 0; i < 200; i++) {
            pthread_t thread;
            int64_t after = next_random(&seed) % 1500;
            fill_items(many, SMALL, 1000, 1);
            pthread_create(&thread, NULL, set_later, &after);
            bm_status status =
                bm_bulk_create(db, bm_structs(&item_assigned, many, SMALL),
                               BM_OPTIONS(bm_bulk_create_options, .call = &call), NULL, &err);
            pthread_join(thread, NULL);
            bm_cancel_reset(token);
            if (status == BM_COMMIT_UNKNOWN) {
                world_settle(&w);
            }
            bool all = world_has(&w, SEEDS + SMALL, SEED_SUM + SMALL);
            bool none = world_has(&w, SEEDS, SEED_SUM);
            if (status == BM_COMMIT_UNKNOWN) {
                assert_int_equal(err.fate, BM_FATE_UNKNOWN);
                assert_true(all || none);
            } else {
                assert_true(status == BM_OK ? all : none);
                assert_true(status == BM_OK || status == BM_CANCELLED);
            }
            world_reset(&w);
        }
        expect_usable(db);
        bm_close(db);
        world_end(&w);
        bm_cancel_free(token);
    }
}

/* A token that is set already, and a deadline in the caller's transaction. */
static void before_and_inside(void **state)
{
    (void)state;
    for (int e = MEMORY; e < ENGINES; e++) {
        world w;
        bm_error err = BM_ERROR;
        bm_db *tx;
        assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
        world_begin(&w, (world_engine)e);
        bm_db *db = world_open(&w);
        const bm_call call = {.size = sizeof call, .cancel = token};
        bm_cancel_set(token);
        assert_int_equal(load(db, &call, &err), BM_CANCELLED);
        assert_int_equal(err.fate, BM_FATE_NOT_STARTED);
        assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
        fill_items(many, SMALL, 1000, 1);
        assert_int_equal(
            bm_bulk_create(tx, bm_structs(&item_assigned, many, SMALL), NULL, NULL, &err), BM_OK);
        assert_int_equal(load(tx, &call, &err), BM_CANCELLED);
        bm_cancel_reset(token);
        const bm_call soon = {.size = sizeof soon, .timeout_ms = 1};
        bm_status status = load(tx, &soon, &err);
        assert_true(status == BM_OK || status == BM_TIMEOUT);
        /* A server that does not stop the statement in time has its connection closed. */
        bool lost = status == BM_TIMEOUT && err.fate == BM_FATE_ROLLED_BACK && e == POSTGRESQL;
        assert_true(status == BM_OK || lost || err.fate == BM_FATE_IN_CALLERS_TRANSACTION ||
                    err.fate == BM_FATE_NOT_STARTED);
        assert_int_equal(bm_commit(tx, &err), lost ? BM_CONNECTION : BM_OK);
        world_settle(&w);
        int more = lost ? 0 : SMALL + (status == BM_OK ? MANY : 0);
        world_expect(&w, SEEDS + more, SEED_SUM + more);
        bm_close(db);
        world_end(&w);
        bm_cancel_free(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_another_thread_postgresql),
        cmocka_unit_test(from_another_thread_sqlite),
        cmocka_unit_test(from_a_signal_postgresql),
        cmocka_unit_test(from_a_signal_sqlite),
        cmocka_unit_test(at_the_deadline_postgresql),
        cmocka_unit_test(at_the_deadline_sqlite),
        cmocka_unit_test(in_a_stream),
        cmocka_unit_test(in_one_statement),
        cmocka_unit_test(before_and_inside),
    };
    many = calloc(MANY, sizeof *many);
    int failed = many == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    free(many);
    return failed;
}
