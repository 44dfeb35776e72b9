/*
 * What may happen around the barrier at which workers meet before they commit: a COMMIT that fails
 * when others are done (BM_PARTIAL, whose parts name the rows), one whose answer is lost, a worker
 * that cannot get there, a cancel at any moment.
 */
#include "../unit/libpq_proxy.h"
#include "crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, N = 2400, BATCH = N / WORKERS };

static item rows[N];

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bm_status create(bm_db *db, const bm_call *call, bm_result *result, bm_error *err)
{
    fill_items(rows, N, 1000, 1);
    return bm_bulk_create(db, bm_structs(&item_given, rows, N),
                          BM_OPTIONS(bm_bulk_create_options, .call = call, .concurrent = BM_ON,
                                     .max_concurrent_workers = WORKERS, .batch_size = BATCH,
                                     .return_outcomes = BM_ON),
                          result, err);
}

/* A worker waits in one of WORKERS chunks until each worker is in one: all have rows. */
static void one_chunk_each(world *w)
{
    char when[64];
    snprintf(when, sizeof when, "NEW.id %% %d = 1000 %% %d", BATCH, BATCH);
    crew_meets(w, WORKERS, when, "");
}

/* A COMMIT does `how` when `others` workers have committed. */
static void fail_commits(world *w, int others, const char *how)
{
    char when[64];
    snprintf(when, sizeof when, "NEW.id %% %d = 0", BATCH / 4);
    crew_commits(w, others * BATCH, when, how);
}

static bool is_there(const world *w, size_t row)
{
    return psql_count(w->pg, "SELECT count(*) FROM item WHERE id = %lld",
                      (long long)rows[row].id) == 1;
}

/* Parts cover every row once; those of a part are there or not as it says.  The rows committed. */
static size_t parts_agree(const world *w, const bm_result *result, size_t *unknown)
{
    uint8_t seen[N] = {0};
    size_t committed = 0;
    assert_int_equal(result->n_parts, WORKERS);
    assert_int_equal(result->n_outcomes, N);
    *unknown = 0;
    for (size_t p = 0; p < result->n_parts; p++) {
        const bm_part *part = &result->parts[p];
        for (size_t k = 0; k < part->n_ranges; k++) {
            size_t first = part->ranges[2 * k];
            size_t count = part->ranges[2 * k + 1];
            assert_true(first < N && count <= N - first);
            int64_t there =
                psql_count(w->pg, "SELECT count(*) FROM item WHERE id >= %lld AND id < %lld",
                           (long long)rows[first].id, (long long)rows[first].id + (long long)count);
            assert_true(part->fate == BM_FATE_UNKNOWN ||
                        there == (part->fate == BM_FATE_COMMITTED ? (int64_t)count : 0));
            for (size_t i = first; i < first + count; i++) {
                seen[i]++;
                assert_int_equal(result->outcomes[i],
                                 part->fate == BM_FATE_COMMITTED ? BM_ROW_INSERTED : BM_ROW_NONE);
            }
            committed += part->fate == BM_FATE_COMMITTED ? count : 0;
            *unknown += part->fate == BM_FATE_UNKNOWN ? count : 0;
        }
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(seen[i] <= 1);
        assert_true(seen[i] == 1 || !is_there(w, i));
    }
    return committed;
}

static void a_commit_fails(void **state)
{
    (void)state;
    for (int others = 0; others < WORKERS; others++) {
        world w;
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        size_t unknown;
        world_begin(&w, POSTGRESQL);
        one_chunk_each(&w);
        fail_commits(&w, others, "RAISE EXCEPTION 'too late'");
        bm_db *db = crew_open(&w, WORKERS);
        bm_status status = create(db, NULL, &result, &err);
        assert_string_equal(err.sqlstate, "P0001");
        assert_int_equal(err.stage, BM_STAGE_COMMIT);
        if (others == 0) {
            assert_int_equal(status, BM_DATABASE);
            assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
            world_expect(&w, SEEDS, SEED_SUM);
        } else {
            assert_int_equal(status, BM_PARTIAL);
            assert_int_equal(err.status, BM_PARTIAL);
            assert_int_equal(err.fate, BM_FATE_PARTIAL);
            assert_false(err.retryable);
            size_t committed = parts_agree(&w, &result, &unknown);
            assert_int_equal(committed, others * BATCH);
            assert_int_equal(unknown, 0);
            assert_int_equal(result.inserted, committed);
            world_expect(&w, SEEDS + (int64_t)committed, SEED_SUM + (int64_t)committed);
        }
        bm_result_clear(&result);
        world_sql(&w, "DROP TABLE shadow; DROP TRIGGER early ON item");
        expect_usable(db);
        bm_close(db);
        world_end(&w);
    }
}

/* The backend of the COMMIT dies in it: it is asked about on another connection, and was rolled
 * back. */
static void an_answer_is_lost(void **state)
{
    (void)state;
    for (int others = 0; others < WORKERS; others++) {
        world w;
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        size_t unknown;
        world_begin(&w, POSTGRESQL);
        one_chunk_each(&w);
        fail_commits(&w, others, "PERFORM pg_terminate_backend(pg_backend_pid())");
        bm_db *db = crew_open(&w, WORKERS);
        bm_status status = create(db, NULL, &result, &err);
        assert_int_equal(status, others == 0 ? BM_CONNECTION : BM_PARTIAL);
        assert_int_equal(err.fate, others == 0 ? BM_FATE_ROLLED_BACK : BM_FATE_PARTIAL);
        if (others == 0) {
            world_expect(&w, SEEDS, SEED_SUM); /* it died before the commit was done */
            assert_int_equal(result.n_parts, WORKERS);
            for (size_t p = 0; p < WORKERS; p++) {
                assert_int_equal(result.parts[p].fate, BM_FATE_ROLLED_BACK);
            }
        } else {
            size_t committed = parts_agree(&w, &result, &unknown);
            assert_int_equal(committed, others * BATCH);
            assert_int_equal(unknown, 0);
            assert_int_equal(result.inserted, committed);
        }
        bm_result_clear(&result);
        world_sql(&w, "DROP TABLE shadow; DROP TRIGGER early ON item");
        expect_usable(db);
        bm_close(db);
        world_end(&w);
    }
}

/* The snapshot knows nothing any more: the next update writes every row and column. */
static void a_snapshot_is_dropped(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    bm_result read = BM_RESULT;
    bm_result result = BM_RESULT;
    (void)state;
    world_begin(&w, POSTGRESQL);
    world_sql(&w, "INSERT INTO item SELECT g, 'row', 1 FROM generate_series(1001, 3400) g");
    one_chunk_each(&w);
    bm_db *db = crew_open(&w, WORKERS);
    assert_int_equal(bm_copy_to(db, bm_all(&item_given), NULL, &read, &err), BM_OK);
    size_t n = bm_queryset_count(read.queryset);
    assert_int_equal(n, N + SEEDS);
    for (size_t i = 0; i < n; i++) {
        ((item *)bm_queryset_at(read.queryset, i))->value = 5;
    }
    psql_run(w.pg, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " SET CONSTRAINTS late DEFERRED; INSERT INTO shadow VALUES (1); RETURN NULL;"
                   " END $$; CREATE TABLE shadow (x integer);"
                   "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " IF (SELECT count(*) FROM item WHERE value = 5 AND id > 1000"
                   "     AND xmin <> pg_current_xact_id()::xid) > 0 THEN RAISE EXCEPTION 'late';"
                   " END IF; RETURN NULL; END $$;"
                   "CREATE CONSTRAINT TRIGGER early AFTER UPDATE ON item DEFERRABLE INITIALLY"
                   " DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();"
                   "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shadow DEFERRABLE INITIALLY"
                   " DEFERRED FOR EACH ROW EXECUTE FUNCTION late()");
    const bm_update_fields_options options = {.size = sizeof options,
                                              .concurrent = BM_ON,
                                              .max_concurrent_workers = WORKERS,
                                              .batch_size = BATCH};
    assert_int_equal(bm_update_fields(db, bm_queryset_rows(read.queryset), &options, NULL, &err),
                     BM_PARTIAL);
    world_sql(&w, "DROP TRIGGER early ON item; DROP TRIGGER meet ON item");
    assert_int_equal(bm_update_fields(db, bm_queryset_rows(read.queryset), &options, &result, &err),
                     BM_OK);
    assert_int_equal(result.updated, n);
    world_expect(&w, N + SEEDS, 5 * (N + SEEDS));
    bm_result_clear(&result);
    bm_result_clear(&read);
    bm_close(db);
    world_end(&w);
}

/* Another session has a key of one worker, uncommitted: the others wait at the barrier for ever. */
static void a_lock_is_held(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = crew_open(&w, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        const bm_call by_lock = {.size = sizeof by_lock, .lock_timeout_ms = 200};
        const bm_call by_deadline = {.size = sizeof by_deadline, .timeout_ms = 300};
        psql_run(w.pg, "BEGIN; INSERT INTO item VALUES (%d, 'held', 0)", 1000 + i * BATCH + 7);
        int64_t begin = now_us();
        assert_int_equal(create(db, &by_lock, NULL, &err), BM_TIMEOUT);
        assert_string_equal(err.sqlstate, "55P03");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(create(db, &by_deadline, NULL, &err), BM_TIMEOUT);
        assert_true(now_us() - begin < 5000000);
        world_sql(&w, "ROLLBACK");
        world_expect(&w, SEEDS, SEED_SUM);
    }
    bm_result result = BM_RESULT;
    assert_int_equal(create(db, NULL, &result, &err), BM_OK);
    world_expect(&w, SEEDS + N, SEED_SUM + N);
    bm_result_clear(&result);
    bm_close(db);
    world_end(&w);
}

static void *set_later(void *argument)
{
    void **both = argument;
    usleep((useconds_t) * (const int64_t *)both[1]);
    bm_cancel_set(both[0]);
    return NULL;
}

/* At any moment: all, or none, or the parts say which. */
static void cancelled(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    bm_cancel *token;
    uint32_t seed = 4711;
    int stopped = 0;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = crew_open(&w, WORKERS);
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    assert_int_equal(create(db, NULL, NULL, &err), BM_OK);
    world_reset(&w);
    int64_t begin = now_us();
    assert_int_equal(create(db, NULL, NULL, &err), BM_OK);
    int64_t took = now_us() - begin;
    const bm_call call = {.size = sizeof call, .cancel = token};
    for (int i = 0; i < 60; i++) {
        pthread_t thread;
        int64_t after = next_random(&seed) % took;
        void *both[] = {token, &after};
        world_reset(&w);
        pthread_create(&thread, NULL, set_later, both);
        bm_status status = create(db, &call, NULL, &err);
        pthread_join(thread, NULL);
        bm_cancel_reset(token);
        int64_t n = status == BM_OK ? N : 0;
        assert_true(status == BM_OK || status == BM_CANCELLED);
        world_expect(&w, SEEDS + n, SEED_SUM + n);
        stopped += status != BM_OK;
    }
    assert_true(stopped > 5);
    expect_usable(db);
    bm_cancel_free(token);
    bm_close(db);
    world_end(&w);
}

/* The first COMMIT lasts until the deadline has passed: what is begun is ended. */
static void a_deadline_between_commits(void **state)
{
    enum { TIMEOUT_MS = 4000 };
    world w;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    char how[200];
    (void)state;
    world_begin(&w, POSTGRESQL);
    one_chunk_each(&w);
    bm_db *db = crew_open(&w, WORKERS);
    int64_t begin = now_us();
    char *until = psql_value(w.pg, "SELECT clock_timestamp() + interval '%d ms'", TIMEOUT_MS + 500);
    snprintf(how, sizeof how,
             "PERFORM pg_sleep(extract(epoch FROM timestamptz '%s' - clock_timestamp()))", until);
    free(until);
    fail_commits(&w, 0, how);
    const bm_call call = {
        .size = sizeof call, .timeout_ms = TIMEOUT_MS, .commit_timeout_ms = 60000};
    assert_int_equal(create(db, &call, &result, &err), BM_OK);
    assert_true(now_us() - begin > TIMEOUT_MS * INT64_C(1000));
    world_expect(&w, SEEDS + N, SEED_SUM + N);
    bm_result_clear(&result);
    bm_close(db);
    world_end(&w);
}

typedef struct killer {
    pthread_t thread;
    world *w;
    bool killed;
} killer;

/* Of the workers that are ready, one that does not ask the server loses its connection.  The last
 * worker, which waits for a lock, then goes on. */
static void *kill_a_ready_one(void *argument)
{
    killer *k = argument;
    for (int i = 0; i < 1000 && !k->killed; i++) {
        usleep(10000);
        (void)world_count(k->w, "SELECT count(pg_stat_clear_snapshot())");
        k->killed = world_count(k->w, "SELECT count(pg_terminate_backend(q.pid, 5000)) FROM"
                                      " (SELECT a.pid FROM pg_stat_activity a WHERE"
                                      " a.state = 'idle in transaction' AND"
                                      " a.query NOT LIKE '%pg_blocking_pids%' AND"
                                      " a.pid <> pg_backend_pid() AND 3 ="
                                      " (SELECT count(*) FROM pg_stat_activity b WHERE b.state ="
                                      " 'idle in transaction' AND b.pid <> pg_backend_pid()) AND"
                                      " EXISTS (SELECT 1 FROM pg_stat_activity b WHERE b.query"
                                      " LIKE '%pg_blocking_pids%' AND b.pid <> pg_backend_pid())"
                                      " LIMIT 1) q") == 1;
    }
    usleep(300000);
    world_sql(k->w, "ROLLBACK");
    return NULL;
}

/* Who is ready and has lost its connection is missed before the first COMMIT, not after it. */
static void a_ready_worker_is_lost(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    one_chunk_each(&w);
    bm_db *db = crew_open(&w, WORKERS);
    psql_run(w.pg, "BEGIN; INSERT INTO item VALUES (%d, 'held', 0)", 1000 + 7);
    killer k = {.w = &w};
    pthread_create(&k.thread, NULL, kill_a_ready_one, &k);
    bm_status status = create(db, NULL, NULL, &err);
    pthread_join(k.thread, NULL);
    assert_true(k.killed);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(status, BM_CONNECTION);
    world_expect(&w, SEEDS, SEED_SUM);
    expect_usable(db);
    bm_close(db);
    world_end(&w);
}

/* Nothing that a dry run has sent stays, also where the answer to a ROLLBACK is lost. */
static void a_dry_run_is_cut(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    (void)state;
    world_begin(&w, POSTGRESQL);
    one_chunk_each(&w);
    proxy *p = proxy_start();
    snprintf(w.url, sizeof w.url, "%s options='-c search_path=%s'", proxy_url(p), w.schema);
    bm_db *db = crew_open(&w, WORKERS);
    const bm_call call = {.size = sizeof call, .dry_run = BM_ON};
    proxy_cut_one(p, PROXY_CUT_BEFORE, "ROLLBACK", 2);
    assert_int_equal(create(db, &call, &result, &err), BM_CONNECTION);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    for (size_t i = 0; i < result.n_parts; i++) {
        assert_int_equal(result.parts[i].fate, BM_FATE_ROLLED_BACK);
    }
    world_expect(&w, SEEDS, SEED_SUM);
    bm_result_clear(&result);
    bm_close(db);
    proxy_stop(p);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_fails),
        cmocka_unit_test(an_answer_is_lost),
        cmocka_unit_test(a_snapshot_is_dropped),
        cmocka_unit_test(a_lock_is_held),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(a_deadline_between_commits),
        cmocka_unit_test(a_ready_worker_is_lost),
        cmocka_unit_test(a_dry_run_is_cut),
    };
    alarm(1000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
