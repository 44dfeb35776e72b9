/*
 * The n-th allocation of the library fails, for every n, once and with all behind it, in every
 * verb.  After each: what the call says agrees with the table, the connection is usable or closed,
 * nothing is left allocated.
 *
 *     test_fault_malloc [EVERY]      only every so many-th allocation (scoreboard B-01)
 */
#include "allocations.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MANY = 1200,
    FEW = 6,
    WIDE = 70,
    WIDE_ROWS = 3,
    ON_ALL = 7,
    ON_DATABASES = 6,
    ON_SERVER = 4
};

typedef struct scene {
    world *w;
    bm_db *db;
    bm_result result;
    bm_queryset *known; /* rows read before anything fails */
    char *text;
} scene;

typedef struct scenario {
    const char *name;
    unsigned engines;
    bm_status (*run)(scene *s, bm_error *err);
    int64_t count, sum; /* the table after success */
    bm_status right;    /* the status without a fault */
    bool knows;         /* `known` is wanted, each value one higher than in the table */
    /* `done`: the call's rows are in the table */
    void (*after)(scene *s, bm_status status, bool done);
} scenario;

static item rows[MANY];
static int32_t wide_rows[WIDE_ROWS][WIDE];
static bm_field wide_fields[WIDE];
static char wide_names[WIDE][8];
static bm_model wide_model = {.size = sizeof(bm_model),
                              .table = "wide",
                              .row_size = sizeof wide_rows[0],
                              .fields = wide_fields,
                              .n_fields = WIDE};

static const char *at_name; /* where a failure of the test is */
static long at_n;
static long every = 1;
static long n_failed;

static void check(bool condition, const char *what)
{
    if (!condition) {
        allocations_fail(0, false);
        allocations_watch(false);
        fail_msg("%s, allocation %ld: %s", at_name, at_n, what);
    }
}

/* ---------------------------------------------------------------------------------- bulk_create */

static bm_status create(scene *s, const bm_model *model, size_t n,
                        const bm_bulk_create_options *options, bm_error *err)
{
    return bm_bulk_create(s->db, bm_structs(model, rows, n), options, &s->result, err);
}

static bm_status run_copy(scene *s, bm_error *err)
{
    fill_items(rows, MANY, 0, 1);
    return create(s, &item_assigned, MANY, NULL, err);
}

static bm_status run_copy_keys(scene *s, bm_error *err)
{
    fill_items(rows, MANY, 0, 1);
    return create(s, &item_assigned, MANY,
                  BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON, .keys_into = rows,
                             .batch_size = 500),
                  err);
}

static bm_status run_insert(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 0, 1);
    return create(s, &item_assigned, FEW, NULL, err);
}

static bm_status run_insert_keys(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 0, 1);
    return create(s, &item_assigned, FEW,
                  BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON, .keys_into = rows,
                             .return_outcomes = BM_ON),
                  err);
}

static bm_status run_concurrent(scene *s, bm_error *err)
{
    fill_items(rows, MANY, 0, 1);
    return create(s, &item_assigned, MANY,
                  BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON, .keys_into = rows,
                             .concurrent = BM_ON, .max_concurrent_workers = 2, .batch_size = 300),
                  err);
}

/* Keys are there after success, as many as rows and all new, and only then. */
static void keys_agree(scene *s, bm_status status, bool done)
{
    (void)done;
    for (size_t i = 0; i < FEW; i++) {
        check(status == BM_OK ? rows[i].id > 0 : rows[i].id == (int64_t)i, "a key in the struct");
    }
    check((s->result.queryset != NULL) == (status == BM_OK), "a queryset without success");
    for (size_t i = 0; i < bm_queryset_count(s->result.queryset); i++) {
        const item *row = bm_queryset_at(s->result.queryset, i);
        check(row->id == rows[i].id && row->value == 1, "the queryset's rows");
    }
}

/* Rows 16 .. 25 of which the first five are there. */
static bm_status run_upsert(scene *s, bm_error *err)
{
    fill_items(rows, 10, 16, 1000);
    return create(s, &item_given, 10,
                  BM_OPTIONS(bm_bulk_create_options, .update_conflicts = BM_ON,
                             .return_outcomes = BM_ON, .return_queryset = BM_ON),
                  err);
}

static bm_status run_ignore(scene *s, bm_error *err)
{
    fill_items(rows, 10, 16, 1000);
    return create(
        s, &item_given, 10,
        BM_OPTIONS(bm_bulk_create_options, .ignore_conflicts = BM_ON, .return_outcomes = BM_ON),
        err);
}

static void outcomes_agree(scene *s, bm_status status, bm_row_outcome first, bm_row_outcome last)
{
    check((s->result.outcomes != NULL) == (status == BM_OK), "outcomes without success");
    for (size_t i = 0; s->w->engine != MEMORY && i < s->result.n_outcomes; i++) {
        check(s->result.outcomes[i] == (i < 5 ? first : last), "an outcome");
    }
}

static void upserted(scene *s, bm_status status, bool done)
{
    (void)done;
    outcomes_agree(s, status, BM_ROW_UPDATED, BM_ROW_INSERTED);
}

static void ignored(scene *s, bm_status status, bool done)
{
    (void)done;
    outcomes_agree(s, status, BM_ROW_IGNORED, BM_ROW_INSERTED);
}

/* The fourth row breaks the primary key: which one it is, is looked for. */
static bm_status run_violation(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 100, 1);
    rows[3].id = 7;
    bm_status status = create(s, &item_given, FEW, NULL, err);
    if (status == BM_CONSTRAINT && !allocations_failed()) {
        check(s->w->engine == MEMORY || err->row == 3, "the error's row");
    }
    return status;
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
    size_t left = MANY;
    bm_source source = {.size = sizeof source, .user = &left, .next = next_items};
    return bm_bulk_create(s->db, bm_stream(&item_assigned, &source),
                          BM_OPTIONS(bm_bulk_create_options, .batch_size = 500,
                                     .return_outcomes = BM_ON, .return_queryset = BM_ON),
                          &s->result, err);
}

static bm_status run_wide(scene *s, bm_error *err)
{
    for (size_t i = 0; i < (size_t)WIDE_ROWS * WIDE; i++) {
        wide_rows[i / WIDE][i % WIDE] = (int32_t)i;
    }
    bm_status status = bm_bulk_create(s->db, bm_structs(&wide_model, wide_rows, WIDE_ROWS),
                                      BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON),
                                      &s->result, err);
    bm_result_clear(&s->result);
    int32_t keys[WIDE_ROWS] = {0, WIDE, 2 * WIDE};
    bm_result read = BM_RESULT;
    bm_error second = BM_ERROR;
    if (status == BM_OK &&
        bm_copy_to(s->db, bm_keys(&wide_model, keys, WIDE_ROWS), NULL, &read, &second) != BM_OK) {
        check(second.status == BM_NOMEM, "another error than that of memory");
    }
    bm_result_clear(&read);
    return status;
}

static void wide_agrees(scene *s, bm_status status, bool done)
{
    int64_t n = world_count(s->w, "SELECT count(*) FROM wide");
    (void)status;
    check(n == (done ? WIDE_ROWS : 0), "the wide table");
}

/* ---------------------------------------------------------------------------------- other verbs */

static bm_status run_update_named(scene *s, bm_error *err)
{
    fill_items(rows, SEEDS, 1, 3);
    return bm_update_fields(
        s->db, bm_structs(&item_given, rows, SEEDS),
        BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"), .return_outcomes = BM_ON),
        &s->result, err);
}

static bm_status run_update_snapshot(scene *s, bm_error *err)
{
    return bm_update_fields(s->db, bm_queryset_rows(s->known), NULL, &s->result, err);
}

/* Whatever became of the call and of what it knows: another makes the table what the rows are. */
static void another_update(scene *s, bm_status status, bool done)
{
    bm_error err = BM_ERROR;
    (void)status;
    (void)done;
    allocations_watch(true);
    bm_status again = bm_update_fields(s->db, bm_queryset_rows(s->known), NULL, NULL, &err);
    allocations_watch(false);
    check(again == BM_OK, err.message);
    check(world_has(s->w, SEEDS, SEED_SUM + SEEDS), "what the snapshot knows is not in the table");
}

static bm_status run_update_all(scene *s, bm_error *err)
{
    const item values = {.value = 2};
    return bm_update(s->db, bm_all(&item_given),
                     BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("value")),
                     &s->result, err);
}

/* Out of order and with a key twice. */
static const int64_t some_keys[] = {9, 2, 9, 4, 3};

static bm_status run_update_keys(scene *s, bm_error *err)
{
    const item values = {.value = 0};
    return bm_update(s->db, bm_keys(&item_given, some_keys, 5),
                     BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("value"),
                                .return_outcomes = BM_ON, .duplicates = BM_DUPLICATES_FIRST),
                     &s->result, err);
}

static bm_status run_delete(scene *s, bm_error *err)
{
    return bm_delete(
        s->db, bm_keys(&item_given, some_keys, 5),
        BM_OPTIONS(bm_delete_options, .return_outcomes = BM_ON, .duplicates = BM_DUPLICATES_LAST),
        &s->result, err);
}

static bm_status run_read_all(scene *s, bm_error *err)
{
    return bm_copy_to(s->db, bm_all(&item_given),
                      BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &s->result, err);
}

static void read_agrees(scene *s, bm_status status, bool done)
{
    (void)done;
    size_t n = bm_queryset_count(s->result.queryset);
    check(n == (status == BM_OK && s->w->engine != MEMORY ? SEEDS : 0), "the rows read");
    for (size_t i = 0; i < n; i++) {
        const item *row = bm_queryset_at(s->result.queryset, i);
        check(row->id == (int64_t)i + 1 && row->value == (int32_t)i + 1, "a row read");
    }
}

static bm_status run_read_keys(scene *s, bm_error *err)
{
    const int64_t keys[] = {9, 2, 4, 3};
    return bm_copy_to(s->db, bm_keys(&item_given, keys, 4), NULL, &s->result, err);
}

static bm_status sink(void *user, const void *read, size_t n, bm_error *err)
{
    (void)read;
    (void)err;
    *(size_t *)user += n;
    return BM_OK;
}

static bm_status run_read_sink(scene *s, bm_error *err)
{
    size_t seen = 0;
    bm_status status =
        bm_copy_to(s->db, bm_all(&item_given),
                   BM_OPTIONS(bm_copy_to_options, .batch_size = 7, .user = &seen, .sink = sink),
                   &s->result, err);
    check(status != BM_OK || s->w->engine == MEMORY || seen == SEEDS, "the rows given to the sink");
    return status;
}

static bm_status run_read_query(scene *s, bm_error *err)
{
    static const char query[] = "SELECT id, 1 + id AS next FROM item UNION SELECT 0, NULL; -- all";
    size_t seen = 0;
    bm_model *model = NULL;
    bm_status status = bm_describe_query(s->db, query, &model, err);
    if (status == BM_OK) {
        status =
            bm_copy_to(s->db, bm_all(model),
                       BM_OPTIONS(bm_copy_to_options, .query = query, .user = &seen, .sink = sink),
                       &s->result, err);
    }
    bm_free(model);
    check(status != BM_OK || seen == SEEDS + 1, "the rows of the query");
    return status;
}

static bm_status run_explain(scene *s, bm_error *err)
{
    fill_items(rows, FEW, 0, 1);
    return bm_explain(s->db, "bulk_create", bm_structs(&item_assigned, rows, FEW), NULL, &s->text,
                      err);
}

static bm_status run_open(scene *s, bm_error *err)
{
    bm_db *db = NULL;
    bm_status status = bm_open(s->w->url, NULL, &db, err);
    check((db != NULL) == (status == BM_OK), "a database without success");
    bm_close(db);
    return status;
}

/* --------------------------------------------------------------------------------- transactions */

static bm_status change_inside(bm_db *tx, scene *s, bm_error *err)
{
    bm_db *inner = NULL;
    fill_items(rows, FEW, 0, 1);
    bm_status status = bm_bulk_create(tx, bm_structs(&item_assigned, rows, FEW),
                                      BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON),
                                      &s->result, err);
    for (size_t i = 0; status == BM_OK && i < FEW; i++) {
        ((item *)bm_queryset_at(s->result.queryset, i))->value = 11;
    }
    if (status == BM_OK) {
        status = bm_update_fields(tx, bm_queryset_rows(s->result.queryset), NULL, NULL, err);
    }
    if (status == BM_OK) {
        status = bm_update_fields(tx, bm_queryset_rows(s->known), NULL, NULL, err);
    }
    if (status == BM_OK) {
        status = bm_begin(tx, &inner, err);
    }
    if (status == BM_OK) {
        const int64_t keys[] = {1, 2, 3, 4, 5};
        status = bm_delete(inner, bm_keys(&item_given, keys, 5), NULL, NULL, err);
        if (status != BM_OK) {
            bm_rollback(inner);
        } else {
            status = bm_commit(inner, err);
        }
    }
    return status;
}

static bm_status run_commit(scene *s, bm_error *err)
{
    bm_db *tx = NULL;
    bm_status status = bm_begin(s->db, &tx, err);
    check((tx != NULL) == (status == BM_OK), "a transaction without success");
    if (status == BM_OK) {
        status = change_inside(tx, s, err);
        if (status == BM_OK) {
            return bm_commit(tx, err);
        }
        bm_rollback(tx);
    }
    return status;
}

/* The rows made inside are in the table, or nothing is believed of them. */
static void made_agree(scene *s, bm_status status, bool done)
{
    (void)status;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bm_queryset *made = s->result.queryset;
    if (made == NULL || s->w->engine == MEMORY) {
        return;
    }
    allocations_watch(true);
    bm_status again = bm_update_fields(s->db, bm_queryset_rows(made), NULL, &result, &err);
    allocations_watch(false);
    check(again == BM_OK, err.message);
    check(done ? result.missing == 0 : result.missing == FEW,
          "rows of a transaction that was rolled back are believed to be there");
}

static bm_status run_rollback(scene *s, bm_error *err)
{
    bm_db *tx = NULL;
    bm_status status = bm_begin(s->db, &tx, err);
    if (status == BM_OK) {
        status = change_inside(tx, s, err);
    }
    bm_rollback(tx);
    return status;
}

static void rolled_back(scene *s, bm_status status, bool done)
{
    (void)done;
    made_agree(s, status, false);
    another_update(s, status, false);
}

/* ------------------------------------------------------------------------------------- the loop */

static scenario scenarios[] = {
    {"COPY", ON_ALL, run_copy, SEEDS + MANY, SEED_SUM + MANY, 0, false, NULL},
    {"COPY, keys back", ON_ALL, run_copy_keys, SEEDS + MANY, SEED_SUM + MANY, 0, false, keys_agree},
    {"INSERT", ON_ALL, run_insert, SEEDS + FEW, SEED_SUM + FEW, 0, false, NULL},
    {"INSERT, keys back", ON_ALL, run_insert_keys, SEEDS + FEW, SEED_SUM + FEW, 0, false,
     keys_agree},
    {"two workers", ON_SERVER, run_concurrent, SEEDS + MANY, SEED_SUM + MANY, 0, false, keys_agree},
    {"upsert", ON_ALL, run_upsert, SEEDS + 5, SEED_SUM - 90 + 10000, 0, false, upserted},
    {"ignore", ON_ALL, run_ignore, SEEDS + 5, SEED_SUM + 5000, 0, false, ignored},
    {"a row that is refused", ON_DATABASES, run_violation, SEEDS, SEED_SUM, BM_CONSTRAINT, false,
     NULL},
    {"stream", ON_ALL, run_stream, SEEDS + MANY, SEED_SUM + MANY, 0, false, NULL},
    {"many columns", ON_DATABASES, run_wide, SEEDS, SEED_SUM, 0, false, wide_agrees},
    {"update_fields by name", ON_ALL, run_update_named, SEEDS, 3 * SEEDS, 0, false, NULL},
    {"update_fields by snapshot", ON_ALL, run_update_snapshot, SEEDS, SEED_SUM + SEEDS, 0, true,
     another_update},
    {"update of all", ON_ALL, run_update_all, SEEDS, 2 * SEEDS, 0, false, NULL},
    {"update by keys", ON_ALL, run_update_keys, SEEDS, SEED_SUM - 18, 0, false, NULL},
    {"delete", ON_ALL, run_delete, SEEDS - 4, SEED_SUM - 18, 0, false, NULL},
    {"copy_to of all", ON_ALL, run_read_all, SEEDS, SEED_SUM, 0, false, read_agrees},
    {"copy_to by keys", ON_ALL, run_read_keys, SEEDS, SEED_SUM, 0, false, NULL},
    {"copy_to a sink", ON_ALL, run_read_sink, SEEDS, SEED_SUM, 0, false, NULL},
    {"copy_to of a query", ON_DATABASES, run_read_query, SEEDS, SEED_SUM, 0, false, NULL},
    {"explain", ON_ALL, run_explain, SEEDS, SEED_SUM, 0, false, NULL},
    {"open and close", ON_ALL, run_open, SEEDS, SEED_SUM, 0, false, NULL},
    {"commit", ON_ALL, run_commit, SEEDS + FEW - 5, SEED_SUM + SEEDS + 11 * FEW - 20, 0, true,
     made_agree},
    {"rollback", ON_ALL, run_rollback, SEEDS, SEED_SUM, 0, true, rolled_back},
};

/* Rows as the table has them, edited in C. */
static void read_known(scene *s)
{
    bm_result result = BM_RESULT;
    bm_error err = BM_ERROR;
    fill_items(rows, SEEDS, 1, 0);
    bm_status status =
        s->w->engine == MEMORY
            ? bm_bulk_create(s->db, bm_structs(&item_given, rows, SEEDS),
                             BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), &result,
                             &err)
            : bm_copy_to(s->db, bm_all(&item_given), NULL, &result, &err);
    check(status == BM_OK, err.message);
    s->known = result.queryset;
    for (size_t i = 0; i < SEEDS; i++) {
        ((item *)bm_queryset_at(s->known, i))->value++;
    }
}

static void agrees(const scenario *sc, scene *s, bm_status status, const bm_error *err)
{
    bool done = status == sc->right || err->fate == BM_FATE_COMMITTED;
    check(status == sc->right || status == BM_NOMEM, bm_status_name(status));
    check(err->status == status, "the error's status is not the one returned");
    if (done) {
        check(world_has(s->w, sc->count, sc->sum),
              "success, and the table is not what it should be");
    } else {
        check(world_has(s->w, SEEDS, SEED_SUM), "a failure left something in the table");
    }
    if (sc->after != NULL) {
        sc->after(s, status, done);
    }
}

/* False when nothing was left to fail. */
static bool once(const scenario *sc, world *w, long n, bool sticky)
{
    scene s = {.w = w, .result = BM_RESULT};
    bm_error err = BM_ERROR;
    long before = allocations_live();
    allocations_watch(true);
    s.db = world_open(w);
    if (sc->knows) {
        read_known(&s);
    }
    allocations_fail(n, sticky);
    bm_status status = sc->run(&s, &err);
    bool failed = allocations_failed();
    allocations_fail(0, false);
    allocations_watch(false);
    check(failed || status == sc->right, err.message);
    agrees(sc, &s, status, &err);
    allocations_watch(true);
    expect_usable(s.db);
    bm_result_clear(&s.result);
    bm_queryset_free(s.known);
    bm_free(s.text);
    bm_close(s.db);
    allocations_watch(false);
    check(allocations_live() == before, "something is left allocated");
    if (status == sc->right || err.fate == BM_FATE_COMMITTED || sc->after != NULL) {
        world_reset(w);
        world_sql(w, "DELETE FROM wide");
    }
    return failed;
}

static void run_scenario(void **state)
{
    const scenario *sc = *state;
    for (int e = MEMORY; e < ENGINES; e++) {
        world w;
        if ((sc->engines >> e & 1) == 0) {
            continue;
        }
        world_begin(&w, (world_engine)e);
        char table[2000] = "CREATE TABLE wide (c0 integer PRIMARY KEY";
        for (int i = 1; i < WIDE; i++) {
            snprintf(table + strlen(table), 20, ", c%d integer%s", i, i + 1 < WIDE ? "" : ")");
        }
        world_sql(&w, table);
        for (int sticky = 0; sticky < 2; sticky++) {
            at_name = sc->name;
            at_n = 1;
            while (once(sc, &w, at_n, sticky != 0)) {
                at_n += every;
                n_failed++;
            }
            check(at_n > 1, "nothing was allocated");
        }
        world_end(&w);
    }
}

int main(int argc, char **argv)
{
    enum { N = sizeof scenarios / sizeof scenarios[0] };
    struct CMUnitTest tests[N];
    for (size_t i = 0; i < WIDE; i++) {
        snprintf(wide_names[i], sizeof wide_names[i], "c%zu", i);
        wide_fields[i] =
            (bm_field){wide_names[i],   BM_INT4,     BM_FIXED,           i * sizeof(int32_t),
                       sizeof(int32_t), BM_NO_STATE, i == 0 ? BM_KEY : 0};
    }
    for (size_t i = 0; i < N; i++) {
        tests[i] = (struct CMUnitTest){
            .name = scenarios[i].name, .test_func = run_scenario, .initial_state = &scenarios[i]};
    }
    every = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    alarm(1000); /* a call that hangs ends the test */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_message("# B-01: %ld allocations failed in %d scenarios\n", n_failed, (int)N);
    return failed;
}
