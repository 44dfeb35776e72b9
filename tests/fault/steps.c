/*
 * The n-th step of the database fails, for every n, in every verb: by an SQLSTATE and by a lost
 * connection, alone and with a second failure behind it.  Status, fate, result and snapshot are
 * right, nothing is committed after the failure, and the next call works.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 1200, FEW = 6, EDITED = 3 };

typedef struct scene {
    bm_db *db;
    bm_db *on; /* the database, or a transaction on it */
    bm_result result;
    bm_queryset *known;
} scene;

typedef struct scenario {
    const char *name;
    bm_status (*run)(scene *s, bm_error *err);
    bool inside; /* in a transaction of the caller's */
    bool reads;  /* nothing is written */
} scenario;

typedef struct fault {
    const char *sqlstate; /* NULL: the connection is lost */
    bm_status status;
} fault;

static const fault faults[] = {
    {"23505", BM_CONSTRAINT}, {"40001", BM_RETRY},   {"53200", BM_DATABASE},
    {"57014", BM_CANCELLED},  {NULL, BM_CONNECTION},
};

static item rows[MANY];
static char where[200];

static void check(bool condition, const char *what)
{
    if (!condition) {
        fail_msg("%s: %s", where, what);
    }
}

/* ------------------------------------------------------------------------------------ the verbs */

static bm_status create(scene *s, size_t n, const bm_bulk_create_options *options, bm_error *err)
{
    fill_items(rows, n, 1000, 1);
    return bm_bulk_create(s->on, bm_structs(&item_assigned, rows, n), options, &s->result, err);
}

static bm_status run_copy(scene *s, bm_error *err)
{
    return create(s, MANY, NULL, err);
}

static bm_status run_copy_keys(scene *s, bm_error *err)
{
    return create(s, MANY,
                  BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON, .keys_into = rows,
                             .return_outcomes = BM_ON, .batch_size = 500),
                  err);
}

static bm_status run_insert(scene *s, bm_error *err)
{
    return create(s, FEW, NULL, err);
}

static bm_status run_insert_keys(scene *s, bm_error *err)
{
    return create(s, FEW,
                  BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON, .keys_into = rows),
                  err);
}

static bm_status run_upsert(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 1000, 1);
    return bm_bulk_create(s->on, bm_structs(&item_given, rows, FEW),
                          BM_OPTIONS(bm_bulk_create_options, .update_conflicts = BM_ON,
                                     .return_outcomes = BM_ON, .batch_size = 4),
                          &s->result, err);
}

static bm_status run_ignore(scene *s, bm_error *err)
{
    return create(s, FEW,
                  BM_OPTIONS(bm_bulk_create_options, .ignore_conflicts = BM_ON,
                             .return_outcomes = BM_ON, .batch_size = 4),
                  err);
}

static bm_status next_items(void *user, void *out, size_t capacity, size_t *n, bm_error *err)
{
    size_t *left = user;
    (void)err;
    *n = *left < capacity ? *left : capacity;
    *left -= *n;
    fill_items(out, *n, 0, 1);
    return BM_OK;
}

static bm_status run_stream(scene *s, bm_error *err)
{
    size_t left = FEW;
    bm_source source = {.size = sizeof source, .user = &left, .next = next_items};
    return bm_bulk_create(s->on, bm_stream(&item_assigned, &source),
                          BM_OPTIONS(bm_bulk_create_options, .batch_size = 2), &s->result, err);
}

static bm_status run_update_named(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 1, 3);
    return bm_update_fields(s->on, bm_structs(&item_given, rows, FEW),
                            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"),
                                       .return_outcomes = BM_ON, .require_all = BM_ON),
                            &s->result, err);
}

static bm_status run_update_snapshot(scene *s, bm_error *err)
{
    return bm_update_fields(s->on, bm_queryset_rows(s->known),
                            BM_OPTIONS(bm_update_fields_options, .batch_size = 2), &s->result, err);
}

static bm_status run_update_all(scene *s, bm_error *err)
{
    const item values = {.value = 2};
    return bm_update(s->on, bm_all(&item_given),
                     BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("value")),
                     &s->result, err);
}

static bm_status run_update_keys(scene *s, bm_error *err)
{
    const item values = {.value = 2};
    const int64_t keys[] = {9, 2, 4, 3};
    return bm_update(s->on, bm_keys(&item_given, keys, 4),
                     BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("value"),
                                .return_outcomes = BM_ON, .batch_size = 2),
                     &s->result, err);
}

static bm_status run_delete(scene *s, bm_error *err)
{
    const int64_t keys[] = {9, 2, 4, 3};
    return bm_delete(s->on, bm_keys(&item_given, keys, 4),
                     BM_OPTIONS(bm_delete_options, .batch_size = 3), &s->result, err);
}

static bm_status run_read_keys(scene *s, bm_error *err)
{
    const int64_t keys[] = {9, 2, 4, 3};
    return bm_copy_to(s->on, bm_keys(&item_given, keys, 4),
                      BM_OPTIONS(bm_copy_to_options, .batch_size = 2), &s->result, err);
}

static bm_status run_read_all(scene *s, bm_error *err)
{
    return bm_copy_to(s->on, bm_all(&item_given), NULL, &s->result, err);
}

static scenario scenarios[] = {
    {"COPY", run_copy, false, false},
    {"COPY, keys back", run_copy_keys, false, false},
    {"INSERT", run_insert, false, false},
    {"INSERT, keys back", run_insert_keys, false, false},
    {"upsert", run_upsert, false, false},
    {"ignore", run_ignore, false, false},
    {"stream", run_stream, false, false},
    {"update_fields by name", run_update_named, false, false},
    {"update_fields by snapshot", run_update_snapshot, false, false},
    {"update of all", run_update_all, false, false},
    {"update by keys", run_update_keys, false, false},
    {"delete", run_delete, false, false},
    {"copy_to by keys", run_read_keys, false, true},
    {"copy_to of all", run_read_all, false, true},
    {"inside: COPY, keys back", run_copy_keys, true, false},
    {"inside: INSERT", run_insert, true, false},
    {"inside: stream", run_stream, true, false},
    {"inside: update_fields by snapshot", run_update_snapshot, true, false},
    {"inside: delete", run_delete, true, false},
    {"inside: copy_to by keys", run_read_keys, true, true},
};

/* -------------------------------------------------------------------------------------- one try */

static void begin(const scenario *sc, scene *s)
{
    bm_error err = BM_ERROR;
    bm_result made = BM_RESULT;
    *s = (scene){.result = BM_RESULT};
    assert_int_equal(bm_open("memory:", NULL, &s->db, &err), BM_OK);
    fill_items(rows, SEEDS, 1, 1);
    assert_int_equal(bm_bulk_create(s->db, bm_structs(&item_given, rows, SEEDS),
                                    BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON),
                                    &made, &err),
                     BM_OK);
    s->known = made.queryset;
    for (size_t i = 0; i < EDITED; i++) {
        ((item *)bm_queryset_at(s->known, 5 * i))->value = 2;
    }
    s->on = s->db;
    if (sc->inside) {
        assert_int_equal(bm_begin(s->db, &s->on, &err), BM_OK);
    }
}

static void end(scene *s)
{
    bm_result_clear(&s->result);
    bm_queryset_free(s->known);
    bm_close(s->db);
}

static void script(bm_db *db, size_t step, const fault *f)
{
    bm_error err = BM_ERROR;
    const bm_memory_answer answer = {.size = sizeof answer,
                                     .step = step,
                                     .sqlstate = f->sqlstate,
                                     .disconnect = f->sqlstate == NULL,
                                     .rows = -1};
    assert_int_equal(bm_memory_script(db, &answer, &err), BM_OK);
}

static bool commits(const scenario *sc, const scene *s, size_t at, size_t n)
{
    bool by_itself = n == 1 && !sc->reads && !sc->inside;
    return by_itself || strcmp(bm_memory_at(s->on, at), "COMMIT") == 0;
}

static void result_is_empty(const bm_result *r)
{
    check(r->inserted + r->updated + r->unchanged + r->missing + r->ignored + r->deleted == 0,
          "counts of a call that failed");
    check(r->queryset == NULL && r->outcomes == NULL && r->parts == NULL,
          "a failed call gives rows, outcomes or parts");
}

/* What is known of the rows after the call: all was written, or what was edited is written now. */
static void snapshot_agrees(scene *s, bool unsure)
{
    bm_result result = BM_RESULT;
    bm_error err = BM_ERROR;
    bm_status status = bm_update_fields(s->on, bm_queryset_rows(s->known), NULL, &result, &err);
    check(status == BM_OK, err.message);
    check(result.updated == (unsure ? SEEDS : EDITED), "what the snapshot knows");
    bm_result_clear(&result);
}

/* `doomed`: without a savepoint to go back to, the caller's transaction failed with the call. */
static void transaction_goes_on(scene *s, bool lost, bool doomed)
{
    bm_error err = BM_ERROR;
    if (!lost && !doomed) {
        check(run_insert(s, &err) == BM_OK, err.message);
    }
    bm_status status = bm_commit(s->on, &err);
    check(status == (lost ? BM_CONNECTION : doomed ? BM_DATABASE : BM_OK), "the transaction's end");
    check(status == BM_OK || err.fate == BM_FATE_ROLLED_BACK, "the fate of a lost transaction");
    s->on = s->db;
}

/* The call fails at step `at` (from 1) of `n`; at `second`, unless 0, the connection is lost. */
static size_t fail_at(const scenario *sc, const fault *f, size_t at, size_t n, size_t second)
{
    static const fault lost_connection = {NULL, BM_CONNECTION};
    scene s;
    bm_error err = BM_ERROR;
    snprintf(where, sizeof where, "%s, step %zu: %s, then %zu", sc->name, at,
             f->sqlstate != NULL ? f->sqlstate : "lost", second);
    begin(sc, &s);
    size_t before = bm_memory_count(s.on);
    script(s.on, at, f);
    if (second != 0) {
        script(s.on, second, &lost_connection);
    }
    bm_status status = sc->run(&s, &err);
    bool commit = commits(sc, &s, before + at - 1, n);
    bool unsure = commit && f->sqlstate == NULL;
    bool lost = f->sqlstate == NULL || second != 0;
    bool doomed = sc->inside && at == 1;
    check(status == (unsure ? BM_COMMIT_UNKNOWN : f->status), bm_status_name(status));
    check(err.status == status, "the error's status is not the one returned");
    check(strcmp(err.sqlstate, f->sqlstate != NULL ? f->sqlstate : "08006") == 0, err.sqlstate);
    check(err.retryable == (status == BM_RETRY), "retryable");
    check(err.fate == (unsure                           ? BM_FATE_UNKNOWN
                       : sc->inside && !lost && !doomed ? BM_FATE_IN_CALLERS_TRANSACTION
                                                        : BM_FATE_ROLLED_BACK),
          "fate");
    result_is_empty(&s.result);
    check(sc->reads || rows[0].id == 1 || rows[0].id == 1000, "a key of a call that failed");
    size_t total = bm_memory_count(s.on) - before;
    for (size_t i = before + at; i < before + total; i++) {
        check(strcmp(bm_memory_at(s.on, i), "COMMIT") != 0, "COMMIT behind a failure");
    }
    if (sc->inside) {
        transaction_goes_on(&s, lost, doomed);
    } else if (sc->run == run_update_snapshot) {
        snapshot_agrees(&s, unsure);
    }
    expect_usable(s.db);
    end(&s);
    return total;
}

static void run_scenario(void **state)
{
    const scenario *sc = *state;
    scene s;
    bm_error err = BM_ERROR;
    begin(sc, &s);
    size_t before = bm_memory_count(s.on);
    assert_int_equal(sc->run(&s, &err), BM_OK);
    size_t n = bm_memory_count(s.on) - before;
    assert_true(n > 0);
    bm_rollback(sc->inside ? s.on : NULL);
    end(&s);
    for (size_t at = 1; at <= n; at++) {
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            size_t total = fail_at(sc, &faults[i], at, n, 0);
            size_t last =
                i == 0 || total <= at ? total : at + 1; /* the first is searched for its row */
            for (size_t second = at + 1; second <= last; second++) {
                fail_at(sc, &faults[i], at, n, second);
            }
        }
    }
}

/* -------------------------------------------------------------------------- the caller's COMMIT */

/* A transaction that changes known rows and makes some; its COMMIT fails. */
static void commit_fails(const fault *f, bm_status expected, bm_fate fate, bool nested)
{
    static const scenario outside = {"commit", run_copy, false, false};
    scene s;
    bm_db *inner = NULL;
    bm_error err = BM_ERROR;
    snprintf(where, sizeof where, "COMMIT: %s", f->sqlstate != NULL ? f->sqlstate : "lost");
    begin(&outside, &s);
    assert_int_equal(bm_begin(s.db, &s.on, &err), BM_OK);
    assert_int_equal(run_insert_keys(&s, &err), BM_OK);
    if (nested) {
        assert_int_equal(bm_begin(s.on, &inner, &err), BM_OK);
    }
    bm_db *on = nested ? inner : s.on;
    assert_int_equal(bm_update_fields(on, bm_queryset_rows(s.known), NULL, NULL, &err), BM_OK);
    script(s.on, 1, f);
    check(bm_commit(s.on, &err) == expected, bm_status_name(err.status));
    check(err.fate == fate && err.stage == BM_STAGE_COMMIT, "fate and stage");
    s.on = s.db;
    snapshot_agrees(&s, fate == BM_FATE_UNKNOWN);
    bm_result again = BM_RESULT;
    check(bm_update_fields(s.db, bm_queryset_rows(s.result.queryset), NULL, &again, &err) == BM_OK,
          err.message);
    check(again.updated == FEW, "rows that may not be there are believed to be");
    end(&s);
}

static void commit_of_the_caller(void **state)
{
    (void)state;
    for (int nested = 0; nested < 2; nested++) {
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            bool lost = faults[i].sqlstate == NULL;
            commit_fails(&faults[i], lost ? BM_COMMIT_UNKNOWN : faults[i].status,
                         lost ? BM_FATE_UNKNOWN : BM_FATE_ROLLED_BACK, nested != 0);
        }
    }
}

/* A nested transaction that cannot be released takes only its own part back. */
static void release_fails(void **state)
{
    static const scenario outside = {"release", run_copy, false, false};
    scene s;
    bm_db *tx;
    bm_db *inner;
    bm_error err = BM_ERROR;
    (void)state;
    snprintf(where, sizeof where, "RELEASE");
    begin(&outside, &s);
    assert_int_equal(bm_begin(s.db, &tx, &err), BM_OK);
    assert_int_equal(bm_begin(tx, &inner, &err), BM_OK);
    assert_int_equal(bm_update_fields(inner, bm_queryset_rows(s.known), NULL, NULL, &err), BM_OK);
    script(tx, 1, &faults[0]);
    assert_int_equal(bm_commit(inner, &err), BM_CONSTRAINT);
    s.on = tx;
    snapshot_agrees(&s, false);
    assert_int_equal(bm_commit(tx, &err), BM_OK);
    end(&s);
}

/* The server counts fewer rows than were sent. */
static void rows_are_dropped(void **state)
{
    static const scenario outside = {"count", run_copy, false, false};
    (void)state;
    for (size_t n = FEW; n <= MANY; n += MANY - FEW) {
        scene s;
        bm_error err = BM_ERROR;
        begin(&outside, &s);
        const bm_memory_answer answer = {
            .size = sizeof answer, .step = n == MANY ? 2 : 1, .rows = (int64_t)n - 1};
        assert_int_equal(bm_memory_script(s.db, &answer, &err), BM_OK);
        assert_int_equal(create(&s, n, NULL, &err), BM_DATABASE);
        assert_int_equal(err.fate, n == MANY ? BM_FATE_ROLLED_BACK : BM_FATE_COMMITTED);
        expect_usable(s.db);
        end(&s);
    }
}

/* A step that fails, and with what. */
typedef struct failure {
    uint64_t step;
    const char *sqlstate;
} failure;

/* Update four rows in two chunks; `step` counts from BEGIN, which is 1.  The row of the error. */
static size_t row_of_update(const failure *failures, size_t n, const char *last)
{
    static const scenario outside = {"search", run_update_named, false, false};
    scene s;
    bm_error err = BM_ERROR;
    begin(&outside, &s);
    for (size_t i = 0; i < n; i++) {
        const bm_memory_answer answer = {.size = sizeof answer,
                                         .step = failures[i].step,
                                         .sqlstate = failures[i].sqlstate,
                                         .rows = -1};
        assert_int_equal(bm_memory_script(s.db, &answer, &err), BM_OK);
    }
    fill_items(rows, 4, 1, 3);
    assert_int_equal(bm_update_fields(s.on, bm_structs(&item_given, rows, 4),
                                      BM_OPTIONS(bm_update_fields_options, .batch_size = 2,
                                                 .fields = BM_NAMES("value")),
                                      &s.result, &err),
                     BM_CONSTRAINT);
    assert_string_equal(err.sqlstate, failures[0].sqlstate);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    assert_string_equal(bm_memory_at(s.db, bm_memory_count(s.db) - 1), last);
    expect_usable(s.db);
    size_t row = err.row;
    end(&s);
    return row;
}

/* A unique value depends on what earlier chunks wrote: they are written first.  Steps 1 to 4:
 * BEGIN, two chunks, ROLLBACK; 5, 6: BEGIN, SAVEPOINT; 7: the first chunk; 10: the half of it. */
static void an_earlier_chunk_fails_when_it_is_searched(void **state)
{
    static const failure failures[] = {{3, "23505"}, {7, "23505"}, {10, "23505"}};
    (void)state;
    assert_int_equal(row_of_update(failures, 3, "ROLLBACK"), 0);
}

/* A check depends on its row alone: 7 is the first row of the second chunk. */
static void a_chunk_is_searched_alone(void **state)
{
    static const failure failures[] = {{3, "23514"}, {7, "23514"}};
    (void)state;
    assert_int_equal(row_of_update(failures, 2, "ROLLBACK"), 2);
}

/* T10: another failure than the one that is looked for ends the search, also one of its status. */
static void another_failure_ends_the_search(void **state)
{
    static const char *const others[] = {"23503", "23502", "22003", "40001", "57014"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const failure at_once[] = {{3, "23514"}, {7, others[i]}};
        assert_int_equal(row_of_update(at_once, 2, "ROLLBACK"), BM_NO_ROW);
        const failure later[] = {{3, "23505"}, {7, "23505"}, {10, others[i]}};
        assert_int_equal(row_of_update(later, 3, "ROLLBACK"), BM_NO_ROW);
    }
}

int main(void)
{
    enum { N = sizeof scenarios / sizeof scenarios[0], MORE = 6 };
    struct CMUnitTest tests[N + MORE] = {
        cmocka_unit_test(commit_of_the_caller),
        cmocka_unit_test(release_fails),
        cmocka_unit_test(rows_are_dropped),
        cmocka_unit_test(an_earlier_chunk_fails_when_it_is_searched),
        cmocka_unit_test(a_chunk_is_searched_alone),
        cmocka_unit_test(another_failure_ends_the_search),
    };
    for (size_t i = 0; i < N; i++) {
        tests[i + MORE] = (struct CMUnitTest){
            .name = scenarios[i].name, .test_func = run_scenario, .initial_state = &scenarios[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
