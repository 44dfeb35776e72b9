/*
 * Streams that several workers write: the source is called by one thread at a time, a chunk lives
 * until it is released, memory stays bounded, and what is said of rows is true of the stream's.
 */
#include "crew.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 6000, CHUNK = 100, WORKERS = 4, HELD_MAX = 16 };

typedef struct word {
    int64_t id;
    const char *name;
    int32_t value;
} word;

static const bm_model words =
    BM_MODEL("item", word, BM_FIELD(word, id, BM_INT8, BM_KEY), BM_FIELD(word, name, BM_VARCHAR, 0),
             BM_FIELD(word, value, BM_INT4, 0));

/* Each chunk's texts are in memory of its own, which is wiped when it is released. */
typedef struct source {
    bm_source rows;
    size_t given, n, fails_at, bad, twin;
    bool pairs; /* each two rows have one key */
    struct {
        void *rows;
        char *texts;
        size_t n;
    } held[HELD_MAX];
    size_t n_held, most_held, released, closed, rewound;
    atomic_int inside;
} source;

static void enter(source *s)
{
    assert_int_equal(atomic_fetch_add(&s->inside, 1), 0);
    assert_int_equal(s->closed, 0);
}

static void leave(source *s)
{
    atomic_fetch_sub(&s->inside, 1);
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    source *s = user;
    word *out = rows;
    (void)err;
    enter(s);
    usleep(300);
    *n = s->n - s->given < capacity ? s->n - s->given : capacity;
    if (s->given >= s->fails_at) {
        leave(s);
        return BM_INVALID;
    }
    char *texts = calloc(*n + 1, 24);
    for (size_t i = 0; i < *n; i++) {
        size_t row = s->given + i;
        snprintf(texts + 24 * i, 24, "row %zu", row);
        size_t key = s->pairs ? row / 2 : row;
        out[i] = (word){.id = row == s->bad ? 1 : 1000 + (int64_t)key,
                        .name = texts + 24 * i,
                        .value = (int32_t)(row == s->twin ? 0 : row)};
    }
    s->given += *n;
    if (*n == 0) {
        free(texts);
    } else {
        s->held[s->n_held].rows = rows;
        s->held[s->n_held].n = *n;
        s->held[s->n_held++].texts = texts;
        assert_true(s->n_held < HELD_MAX);
        s->most_held = s->n_held > s->most_held ? s->n_held : s->most_held;
    }
    leave(s);
    return BM_OK;
}

static void release(void *user, void *rows)
{
    source *s = user;
    enter(s);
    size_t i = 0;
    while (i < s->n_held && s->held[i].rows != rows) {
        i++;
    }
    assert_true(i < s->n_held);
    memset(s->held[i].texts, 'x', 24 * s->held[i].n);
    free(s->held[i].texts);
    s->held[i] = s->held[--s->n_held];
    s->released++;
    leave(s);
}

static bm_status again(void *user, bm_error *err)
{
    source *s = user;
    (void)err;
    assert_int_equal(s->n_held, 0);
    s->given = 0;
    s->rewound++;
    return BM_OK;
}

static void end(void *user)
{
    source *s = user;
    assert_int_equal(s->n_held, 0);
    s->closed++;
}

static source make(size_t n)
{
    return (source){.n = n, .fails_at = SIZE_MAX, .bad = SIZE_MAX, .twin = SIZE_MAX};
}

static bm_status create(bm_db *db, source *s, bm_result *result, bm_error *err)
{
    s->rows = (bm_source){.size = sizeof s->rows,
                          .user = s,
                          .next = next,
                          .rewind = again,
                          .close = end,
                          .release = release};
    bm_status status =
        bm_bulk_create(db, bm_stream(&words, &s->rows),
                       BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                  .max_concurrent_workers = WORKERS, .batch_size = CHUNK),
                       result, err);
    assert_int_equal(s->closed, 1);
    return status;
}

static bm_db *open_pool(world *w)
{
    world_begin(w, POSTGRESQL);
    return crew_open(w, WORKERS);
}

static void all_rows_once(void **state)
{
    static const size_t counts[] = {0, 1, CHUNK, CHUNK + 1, N};
    world w;
    (void)state;
    bm_db *db = open_pool(&w);
    size_t most = 0;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        source s = make(counts[i]);
        world_reset(&w);
        if (create(db, &s, &result, &err) != BM_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(result.inserted, counts[i]);
        assert_int_equal(s.released, (counts[i] + CHUNK - 1) / CHUNK);
        assert_true(s.most_held <= WORKERS);
        assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item WHERE id = value + 1000"
                                          " AND name = 'row ' || value"),
                         counts[i]);
        size_t rows = 0;
        for (size_t p = 0; p < result.n_parts; p++) {
            assert_int_equal(result.parts[p].fate, BM_FATE_COMMITTED);
            for (size_t k = 0; k < result.parts[p].n_ranges; k++) {
                rows += result.parts[p].ranges[2 * k + 1];
            }
        }
        assert_int_equal(rows, counts[i]);
        most = result.n_parts > most ? result.n_parts : most;
        bm_result_clear(&result);
    }
    assert_true(most > 1);
    bm_close(db);
    world_end(&w);
}

/* The row of an error is the stream's, and nothing is there. */
static void a_row_is_refused(void **state)
{
    static const size_t bad[] = {0, 77, CHUNK, N / 2 + 7, N - 1};
    world w;
    (void)state;
    bm_db *db = open_pool(&w);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bm_error err = BM_ERROR;
        source s = make(N);
        s.bad = bad[i];
        assert_int_equal(create(db, &s, NULL, &err), BM_CONSTRAINT);
        assert_int_equal(err.row, bad[i]);
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        world_expect(&w, SEEDS, SEED_SUM);
    }
    bm_close(db);
    world_end(&w);
}

static void the_source_fails(void **state)
{
    world w;
    (void)state;
    bm_db *db = open_pool(&w);
    for (size_t at = 0; at <= 20 * CHUNK; at += 5 * CHUNK) {
        bm_error err = BM_ERROR;
        source s = make(N);
        s.fails_at = at;
        assert_int_equal(create(db, &s, NULL, &err), BM_INVALID);
        assert_int_equal(err.stage, BM_STAGE_SOURCE);
        world_expect(&w, SEEDS, SEED_SUM);
    }
    bm_close(db);
    world_end(&w);
}

/* W2: two workers have the same unique value; the stream is read again, on one connection. */
static void workers_wait_for_each_other(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    bm_db *db = open_pool(&w);
    psql_run(w.pg, "TRUNCATE item; ALTER TABLE item ADD UNIQUE (value)");
    source s = make(N);
    s.twin = N - 1;
    assert_int_equal(create(db, &s, NULL, &err), BM_CONSTRAINT);
    assert_string_equal(err.sqlstate, "23505");
    assert_true(s.rewound <= 1);
    assert_int_equal(psql_count(w.pg, "SELECT count(*) FROM item"), 0);
    bm_close(db);
    world_end(&w);
}

static bm_status upsert_last(bm_db *db, source *s, int workers, bm_result *result, bm_error *err)
{
    s->rows = (bm_source){
        .size = sizeof s->rows, .user = s, .next = next, .rewind = again, .release = release};
    const bm_call call = {.size = sizeof call, .retries = 1};
    return bm_bulk_create(db, bm_stream(&words, &s->rows),
                          BM_OPTIONS(bm_bulk_create_options, .call = &call,
                                     .update_conflicts = BM_ON, .duplicates = BM_DUPLICATES_LAST,
                                     .concurrent = workers > 1 ? BM_ON : BM_OFF,
                                     .max_concurrent_workers = workers, .batch_size = CHUNK),
                          result, err);
}

/* Rows that the rule for duplicates leaves out are counted once, by however many workers, and also
 * where the call is made again. */
static void rows_left_out_are_counted(void **state)
{
    world w;
    (void)state;
    bm_db *db = open_pool(&w);
    psql_run(w.pg,
             "CREATE SEQUENCE tries; CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql"
             " AS $$ BEGIN IF nextval('tries') = 1 THEN RAISE EXCEPTION 'again' USING"
             " ERRCODE = '40001'; END IF; RETURN NULL; END $$;"
             "CREATE TRIGGER once AFTER INSERT ON item FOR EACH ROW WHEN (NEW.id = %d)"
             " EXECUTE FUNCTION once()",
             1000 + (N - 1) / 2);
    for (int i = 0; i < 4; i++) {
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        source s = make(N);
        s.pairs = true;
        world_reset(&w);
        psql_run(w.pg, "ALTER SEQUENCE tries RESTART %d", i < 2 ? 2 : 1);
        if (upsert_last(db, &s, i % 2 == 0 ? 1 : WORKERS, &result, &err) != BM_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(result.replays, i < 2 ? 0 : 1);
        assert_int_equal(result.inserted, N / 2);
        assert_int_equal(result.ignored, N / 2);
        bm_result_clear(&result);
    }
    bm_close(db);
    world_end(&w);
}

/* A source of an older header, or without release: one worker, and texts live until the next. */
static void without_release(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    (void)state;
    bm_db *db = open_pool(&w);
    source s = make(N / 10);
    s.rows = (bm_source){.size = offsetof(bm_source, release), .user = &s, .next = next};
    assert_int_equal(
        bm_bulk_create(db, bm_stream(&words, &s.rows),
                       BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON, .batch_size = CHUNK),
                       &result, &err),
        BM_OK);
    assert_int_equal(result.n_parts, 0);
    assert_int_equal(result.inserted, N / 10);
    while (s.n_held > 0) {
        free(s.held[--s.n_held].texts);
    }
    bm_result_clear(&result);
    bm_close(db);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_once),
        cmocka_unit_test(a_row_is_refused),
        cmocka_unit_test(the_source_fails),
        cmocka_unit_test(workers_wait_for_each_other),
        cmocka_unit_test(rows_left_out_are_counted),
        cmocka_unit_test(without_release),
    };
    alarm(1000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
