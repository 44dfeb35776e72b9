/*
 * What a call of several workers says of its parts when a COMMIT is refused: which rows are in the
 * table, each once; and constraints that COMMIT would check are checked before anyone commits.
 */
#include "crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 2400, WORKERS_MAX = 4 };

static item rows[N];

/* Values are the rows' indices: so they are known again, whatever their keys. */
static bm_status create(bm_db *db, const bm_model *model, int workers, size_t chunks,
                        bm_result *result, bm_error *err)
{
    return bm_bulk_create(db, bm_structs(model, rows, N),
                          BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                     .max_concurrent_workers = workers, .batch_size = N / chunks),
                          result, err);
}

static void fill(void)
{
    fill_items(rows, N, 1000, 0);
    for (size_t i = 0; i < N; i++) {
        rows[i].value = (int32_t)i + 10;
    }
}

/* The first row of each chunk: what crew_meets and crew_commits are told. */
static const char *first_of(size_t chunk)
{
    static char when[64];
    snprintf(when, sizeof when, "(NEW.value - 10) %% %zu = 0", chunk);
    return when;
}

/* When another worker has committed, COMMIT is refused so. */
static void refuse_later_commits(world *w, size_t chunk, const char *sqlstate)
{
    char how[80];
    snprintf(how, sizeof how, "RAISE EXCEPTION 'too late' USING ERRCODE = '%s'", sqlstate);
    crew_commits(w, 1, first_of(chunk), how);
}

/* Ranges hold every row once, in order and with no two that touch; the table agrees with them. */
static size_t parts_hold_all_rows(world *w, const bm_result *result)
{
    uint8_t seen[N] = {0};
    size_t committed = 0;
    for (size_t p = 0; p < result->n_parts; p++) {
        const bm_part *part = &result->parts[p];
        for (size_t k = 0; k < part->n_ranges; k++) {
            size_t first = part->ranges[2 * k];
            size_t count = part->ranges[2 * k + 1];
            assert_in_range(count, 1, N - first);
            assert_true(k == 0 || first > part->ranges[2 * k - 2] + part->ranges[2 * k - 1]);
            for (size_t i = first; i < first + count; i++) {
                seen[i]++;
            }
            int64_t there =
                psql_count(w->pg,
                           "SELECT count(*) FROM item WHERE name LIKE 'row%%' AND value >= %d"
                           " AND value < %d",
                           rows[first].value, rows[first].value + (int)count);
            assert_int_equal(there, part->fate == BM_FATE_COMMITTED ? count : 0);
            committed += part->fate == BM_FATE_COMMITTED ? count : 0;
        }
    }
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(psql_count(w->pg, "SELECT count(*) FROM item WHERE name LIKE 'row%%'"),
                     committed);
    return committed;
}

/*
 * T1: the table is known, and an error that otherwise says "it has changed, ask again" comes when a
 * part is committed: no second attempt, which would write those rows twice, for the database makes
 * their keys.
 */
static void no_second_attempt_after_a_commit(void **state)
{
    static const char *const sqlstates[] = {"42703", "42P01", "22P03", "XX000", "40001"};
    (void)state;
    for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++) {
        world w;
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        world_begin(&w, POSTGRESQL);
        bm_db *db = crew_open(&w, WORKERS_MAX);
        fill();
        assert_int_equal(create(db, &item_assigned, 2, 2, NULL, &err), BM_OK);
        world_sql(&w, "DELETE FROM item WHERE name LIKE 'row%'");
        crew_meets(&w, 2, first_of(N / 2), "");
        refuse_later_commits(&w, N / 2, sqlstates[i]);
        assert_int_equal(create(db, &item_assigned, 2, 2, &result, &err), BM_PARTIAL);
        assert_string_equal(err.sqlstate, sqlstates[i]);
        assert_int_equal(err.fate, BM_FATE_PARTIAL);
        assert_int_equal(result.n_parts, 2);
        assert_int_equal(parts_hold_all_rows(&w, &result), N / 2);
        assert_int_equal(result.inserted, N / 2);
        bm_result_clear(&result);
        bm_close(db);
        world_end(&w);
    }
}

/* T2: a constraint that COMMIT would check is checked while all can be rolled back. */
static void deferred_constraints_are_checked_before_commits(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    world_sql(&w, "ALTER TABLE item ADD CONSTRAINT once UNIQUE (value)"
                  " DEFERRABLE INITIALLY DEFERRED");
    bm_db *db = crew_open(&w, WORKERS_MAX);
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        bm_result result = BM_RESULT;
        size_t bad = i * (N / WORKERS_MAX) + 17;
        fill();
        rows[bad].value = rows[bad + 1].value;
        assert_int_equal(create(db, &item_given, WORKERS_MAX, WORKERS_MAX, &result, &err),
                         BM_CONSTRAINT);
        assert_string_equal(err.constraint, "once");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        for (size_t p = 0; p < result.n_parts; p++) {
            assert_int_not_equal(result.parts[p].fate, BM_FATE_COMMITTED);
        }
        bm_result_clear(&result);
        world_expect(&w, SEEDS, SEED_SUM);
    }
    bm_close(db);
    world_end(&w);
}

/* T3: chunks far more than workers, which one of them writes slowly: its part is few long ranges,
 * and the others' are what lies between. */
static void ranges_of_many_chunks(void **state)
{
    enum { CHUNKS = 48 };
    world w;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    (void)state;
    world_begin(&w, POSTGRESQL);
    crew_meets(&w, WORKERS_MAX, first_of(N / CHUNKS),
               "IF NEW.value = 110 THEN PERFORM pg_sleep(0.3); END IF;");
    refuse_later_commits(&w, N / CHUNKS, "P0001");
    bm_db *db = crew_open(&w, WORKERS_MAX);
    fill();
    assert_int_equal(create(db, &item_given, WORKERS_MAX, CHUNKS, &result, &err), BM_PARTIAL);
    assert_int_equal(err.fate, BM_FATE_PARTIAL);
    assert_int_equal(result.n_parts, WORKERS_MAX);
    size_t committed = parts_hold_all_rows(&w, &result);
    assert_in_range(committed, N / CHUNKS, N - N / CHUNKS);
    assert_int_equal(result.inserted, committed);
    bm_result_clear(&result);
    bm_close(db);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_second_attempt_after_a_commit),
        cmocka_unit_test(deferred_constraints_are_checked_before_commits),
        cmocka_unit_test(ranges_of_many_chunks),
    };
    alarm(240);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
