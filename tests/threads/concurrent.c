/*
 * Calls with several workers: every row is there exactly once and keys are in input order, or
 * nothing is there and the error names the row; connections are bounded and come back.
 */
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 3000, CHUNKS = 8 };

static item rows[MOST];
static const int worker_counts[] = {1, 2, 4, 8};

static bm_db *open_pool(world *w, int connections)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = connections, .max_concurrent_batch_writes = 10};
    if (bm_open(w->url, &options, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

/* Names are "row I"; the value is I, so that rows are known again. */
static void fill(item *out, size_t n, int64_t first_key)
{
    fill_items(out, n, first_key, 0);
    for (size_t i = 0; i < n; i++) {
        out[i].value = (int32_t)i;
    }
}

/* Of the rows given, `n` are in the table, each once. */
static void rows_are_there(world *w, size_t n)
{
    assert_int_equal(psql_count(w->pg, "SELECT count(*) FROM item WHERE name LIKE 'row %%'"), n);
    assert_int_equal(psql_count(w->pg, "SELECT count(DISTINCT value) FROM item"
                                       " WHERE name = 'row ' || value"),
                     n);
}

static void begin_empty(world *w)
{
    world_begin(w, POSTGRESQL);
    world_sql(w, "TRUNCATE item");
}

/* ------------------------------------------------------------------------------------ the bound */

typedef struct sampler {
    pthread_t thread;
    atomic_bool ends;
    PGconn *pg;
    const char *name;
    int64_t most;
} sampler;

static void *sample(void *argument)
{
    sampler *s = argument;
    while (!atomic_load(&s->ends)) {
        PGresult *result =
            PQexecParams(s->pg, "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1",
                         1, NULL, &s->name, NULL, NULL, 0);
        int64_t n = PQntuples(result) == 1 ? atoll(PQgetvalue(result, 0, 0)) : -1;
        s->most = n > s->most ? n : s->most;
        PQclear(result);
        usleep(1000);
    }
    return NULL;
}

static void sampler_begin(sampler *s, const char *name)
{
    *s = (sampler){.pg = PQconnectdb(test_postgresql()), .name = name};
    assert_int_equal(PQstatus(s->pg), CONNECTION_OK);
    pthread_create(&s->thread, NULL, sample, s);
}

static int64_t sampler_end(sampler *s)
{
    atomic_store(&s->ends, true);
    pthread_join(s->thread, NULL);
    PQfinish(s->pg);
    return s->most;
}

/* -------------------------------------------------------------------------------------- success */

static void create_all(world *w, bm_db *db, size_t n, size_t batch_size, int workers)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    fill(rows, n, 0);
    bm_status status = bm_bulk_create(db, bm_structs(&item_assigned, rows, n),
                                      BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                                 .max_concurrent_workers = workers,
                                                 .batch_size = batch_size, .return_queryset = BM_ON,
                                                 .return_outcomes = BM_ON, .keys_into = rows),
                                      &result, &err);
    if (status != BM_OK) {
        fail_msg("%zu rows by %zu, %d workers: %s", n, batch_size, workers, err.message);
    }
    rows_are_there(w, n);
    assert_int_equal(result.inserted, n);
    assert_int_equal(bm_queryset_count(result.queryset), n);
    for (size_t i = 0; i < n; i++) {
        const item *row = bm_queryset_at(result.queryset, i);
        assert_int_equal(row->value, i);
        assert_int_equal(row->id, rows[i].id);
        assert_int_equal(result.outcomes[i], BM_ROW_INSERTED);
    }
    char *keys = calloc(n, 24);
    assert_non_null(keys);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(keys + at, 24, "%s%lld", i > 0 ? "," : "", (long long)rows[i].id);
    }
    assert_int_equal(
        psql_count(w->pg,
                   "SELECT count(*) FROM item JOIN unnest('{%s}'::int8[]) WITH ORDINALITY k (id, n)"
                   " ON item.id = k.id AND item.value = k.n - 1",
                   keys),
        n);
    free(keys);
    bm_result_clear(&result);
}

static void all_rows_once(void **state)
{
    static const size_t counts[] = {1, 2, 7, 800, 1000, 1001, 2401};
    world w;
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 8);
    sampler s;
    sampler_begin(&s, w.schema);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t k = 0; k < sizeof worker_counts / sizeof worker_counts[0]; k++) {
            size_t n = counts[i];
            const size_t sizes[] = {0, n, n / 2 + 1, (n + 7) / 8, n > 1 ? n - 1 : 1};
            for (size_t b = 0; b < sizeof sizes / sizeof sizes[0]; b++) {
                create_all(&w, db, n, sizes[b], worker_counts[k]);
                world_sql(&w, "DELETE FROM item");
            }
        }
    }
    assert_in_range(sampler_end(&s), 1, 8);
    bm_close(db);
    world_end(&w);
}

static void updates_and_deletes(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 8);
    for (size_t k = 0; k < sizeof worker_counts / sizeof worker_counts[0]; k++) {
        for (size_t batch = 100; batch <= 900; batch += 400) {
            bm_result result = BM_RESULT;
            fill(rows, MOST, 1);
            world_sql(&w, "TRUNCATE item; INSERT INTO item SELECT g, 'old', 0"
                          " FROM generate_series(1, 2990) g");
            assert_int_equal(
                bm_update_fields(db, bm_structs(&item_given, rows, MOST),
                                 BM_OPTIONS(bm_update_fields_options, .concurrent = BM_ON,
                                            .max_concurrent_workers = worker_counts[k],
                                            .batch_size = batch, .return_outcomes = BM_ON,
                                            .fields = BM_NAMES("name", "value")),
                                 &result, &err),
                BM_OK);
            rows_are_there(&w, 2990);
            assert_int_equal(result.updated, 2990);
            assert_int_equal(result.missing, 10);
            for (size_t i = 0; i < MOST; i++) {
                assert_int_equal(result.outcomes[i], i < 2990 ? BM_ROW_UPDATED : BM_ROW_MISSING);
            }
            bm_result_clear(&result);
            assert_int_equal(bm_delete(db, bm_structs(&item_given, rows, MOST),
                                       BM_OPTIONS(bm_delete_options, .concurrent = BM_ON,
                                                  .max_concurrent_workers = worker_counts[k],
                                                  .batch_size = batch),
                                       &result, &err),
                             BM_OK);
            assert_int_equal(result.deleted, 2990);
            world_expect(&w, 0, 0);
            bm_result_clear(&result);
        }
    }
    bm_close(db);
    world_end(&w);
}

/* MAX_CONCURRENT_BATCH_WRITES = 10 of the page. */
static void ten_workers(void **state)
{
    world w;
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 10);
    sampler s;
    sampler_begin(&s, w.schema);
    create_all(&w, db, MOST, MOST / 30, 10);
    assert_in_range(sampler_end(&s), 2, 10); /* who comes too late is not needed */
    bm_close(db);
    world_end(&w);
}

static void more_workers_than_connections(void **state)
{
    world w;
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 3);
    sampler s;
    sampler_begin(&s, w.schema);
    create_all(&w, db, MOST, 100, 8);
    assert_in_range(sampler_end(&s), 2, 3);
    bm_close(db);
    world_end(&w);
}

/* ------------------------------------------------------------------------------------- failures */

/* A backend whose connection was closed takes a moment to notice. */
static void nothing_goes_on(const world *w)
{
    int64_t busy = 1;
    for (int i = 0; i < 200 && busy > 0; i++) {
        busy = psql_count(w->pg,
                          "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle'"
                          " AND application_name = '%s'",
                          w->schema);
        usleep(busy > 0 ? 10000 : 0);
    }
    assert_int_equal(busy, 0);
}

static void fails_with(world *w, bm_db *db, size_t n, size_t bad, size_t bad2)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    fill(rows, n, 1000);
    rows[bad].id = 1;
    rows[bad2].id = 2;
    bm_status status = bm_bulk_create(
        db, bm_structs(&item_given, rows, n),
        BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON, .max_concurrent_workers = 4,
                   .batch_size = n / CHUNKS, .return_queryset = BM_ON, .return_outcomes = BM_ON),
        &result, &err);
    assert_int_equal(status, BM_CONSTRAINT);
    assert_string_equal(err.sqlstate, "23505");
    assert_string_equal(err.constraint, "item_pkey");
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    assert_true(err.row == bad || err.row == bad2);
    assert_null(result.queryset);
    assert_null(result.outcomes);
    assert_int_equal(result.inserted, 0);
    for (size_t i = 0; i < result.n_parts; i++) {
        assert_true(result.parts[i].fate == BM_FATE_ROLLED_BACK ||
                    result.parts[i].fate == BM_FATE_NOT_STARTED);
    }
    bm_result_clear(&result);
    world_expect(w, SEEDS, SEED_SUM);
    nothing_goes_on(w);
}

/* Of small chunks, written by INSERT, and of larger ones, written by COPY. */
static void a_worker_fails(void **state)
{
    world w;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = open_pool(&w, 4);
    for (size_t n = 400; n <= 2400; n += 2000) {
        for (size_t k = 0; k < CHUNKS; k++) {
            size_t bad = k * (n / CHUNKS) + k * 3;
            fails_with(&w, db, n, bad, bad);
            fails_with(&w, db, n, bad, n - 1 - bad);
        }
    }
    expect_usable(db);
    bm_close(db);
    world_end(&w);
}

/* A missing row in one chunk, where all are required. */
static void a_row_is_missing(void **state)
{
    enum { N = 800 };
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 4);
    world_sql(&w, "INSERT INTO item SELECT g, 'seed', 0 FROM generate_series(1, 800) g");
    for (size_t k = 0; k < N; k += 93) {
        fill(rows, N, 1);
        rows[k].id = 5000;
        bm_status status = bm_update_fields(
            db, bm_structs(&item_given, rows, N),
            BM_OPTIONS(bm_update_fields_options, .concurrent = BM_ON, .max_concurrent_workers = 4,
                       .batch_size = N / CHUNKS, .require_all = BM_ON, .fields = BM_NAMES("value")),
            NULL, &err);
        assert_int_equal(status, BM_CONSTRAINT);
        assert_int_equal(err.row, k);
        world_expect(&w, N, 0);
    }
    bm_close(db);
    world_end(&w);
}

/* The server gives a role fewer connections than the pool may have. */
/* W4: a worker that gets no connection is not waited for, and its place in the pool is free again:
 * T8: else the pool would be full after three calls. */
static void connection_limit(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    for (int limit = 1; limit <= 2; limit++) {
        world_begin(&w, POSTGRESQL);
        psql_run(w.pg,
                 "CREATE ROLE %s_r LOGIN CONNECTION LIMIT %d; GRANT ALL ON SCHEMA %s TO %s_r;"
                 "GRANT ALL ON item, item_id_seq TO %s_r",
                 w.schema, limit, w.schema, w.schema, w.schema);
        snprintf(w.url + strlen(w.url), sizeof w.url - strlen(w.url), " user=%s_r", w.schema);
        bm_db *db = open_pool(&w, 4);
        fill(rows, MOST, 1000);
        for (int i = 0; i < 3; i++) {
            world_reset(&w);
            bm_status status =
                bm_bulk_create(db, bm_structs(&item_given, rows, MOST),
                               BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                          .max_concurrent_workers = 4, .batch_size = 100),
                               NULL, &err);
            if (status != BM_OK) {
                fail_msg("%s", err.message);
            }
            assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item"), SEEDS + MOST);
        }
        world_sql(&w, "TRUNCATE item RESTART IDENTITY");
        create_all(&w, db, MOST, 100, limit);
        bm_close(db);
        psql_run(w.pg, "DROP OWNED BY %s_r; DROP ROLE %s_r", w.schema, w.schema);
        world_end(&w);
    }
}

/* ------------------------------------------------------------------------ several calls at once */

typedef struct caller {
    pthread_t thread;
    bm_db *db;
    int number;
    bm_status status;
    bm_error err;
} caller;

static void *call_concurrently(void *argument)
{
    enum { N = 1500 };
    caller *c = argument;
    item *mine = calloc(N, sizeof *mine);
    for (int round = 0; mine != NULL && round < 4 && c->status == BM_OK; round++) {
        fill(mine, N, 1);
        for (size_t i = 0; i < N; i++) {
            mine[i].value = c->number;
        }
        c->status = bm_bulk_create(c->db, bm_structs(&item_assigned, mine, N),
                                   BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                              .max_concurrent_workers = 3, .batch_size = 200),
                                   NULL, &c->err);
    }
    free(mine);
    return NULL;
}

/* Each wants all of the pool. */
static void two_calls_at_once(void **state)
{
    world w;
    sampler s;
    caller callers[2];
    (void)state;
    begin_empty(&w);
    bm_db *db = open_pool(&w, 3);
    sampler_begin(&s, w.schema);
    for (int i = 0; i < 2; i++) {
        callers[i] = (caller){.db = db, .number = i, .err = BM_ERROR};
        pthread_create(&callers[i].thread, NULL, call_concurrently, &callers[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].status, BM_OK);
    }
    assert_in_range(sampler_end(&s), 1, 3);
    assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item WHERE value = 0"), 6000);
    assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item WHERE value = 1"), 6000);
    bm_close(db);
    world_end(&w);
}

/* Rows of its own: made, changed, read, deleted but for one. */
static void *small_calls(void *argument)
{
    enum { ROUNDS = 40, N = 3 };
    caller *c = argument;
    for (int round = 0; round < ROUNDS && c->status == BM_OK; round++) {
        item mine[N];
        bm_result result = BM_RESULT;
        fill_items(mine, N, 1 + N * ((int64_t)round + ROUNDS * c->number), 1);
        c->status = bm_bulk_create(c->db, bm_structs(&item_given, mine, N),
                                   BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON),
                                   &result, &c->err);
        for (size_t i = 0; i < bm_queryset_count(result.queryset); i++) {
            ((item *)bm_queryset_at(result.queryset, i))->value = c->number;
        }
        if (c->status == BM_OK) {
            c->status =
                bm_update_fields(c->db, bm_queryset_rows(result.queryset), NULL, NULL, &c->err);
        }
        bm_result_clear(&result);
        if (c->status == BM_OK) {
            c->status =
                bm_delete(c->db, bm_structs(&item_given, mine, N - 1), NULL, &result, &c->err);
        }
        if (c->status == BM_OK && result.deleted != N - 1) {
            c->status = BM_INTERNAL;
        }
        bm_result_clear(&result);
    }
    return NULL;
}

static void eight_threads(world_engine e, int connections)
{
    enum { THREADS = 8 };
    world w;
    caller callers[THREADS];
    world_begin(&w, e);
    world_sql(&w, "DELETE FROM item");
    bm_db *db = e == POSTGRESQL ? open_pool(&w, connections) : world_open(&w);
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (caller){.db = db, .number = i, .err = BM_ERROR};
        pthread_create(&callers[i].thread, NULL, small_calls, &callers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        if (callers[i].status != BM_OK) {
            fail_msg("%s", callers[i].err.message);
        }
    }
    world_expect(&w, 320, 40 * 28);
    bm_close(db);
    world_end(&w);
}

static void small_calls_of_eight_threads(void **state)
{
    (void)state;
    eight_threads(POSTGRESQL, 3);
    eight_threads(POSTGRESQL, 8);
    eight_threads(SQLITE, 1);
    eight_threads(MEMORY, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_once),
        cmocka_unit_test(updates_and_deletes),
        cmocka_unit_test(ten_workers),
        cmocka_unit_test(more_workers_than_connections),
        cmocka_unit_test(a_worker_fails),
        cmocka_unit_test(a_row_is_missing),
        cmocka_unit_test(connection_limit),
        cmocka_unit_test(two_calls_at_once),
        cmocka_unit_test(small_calls_of_eight_threads),
    };
    alarm(1000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
