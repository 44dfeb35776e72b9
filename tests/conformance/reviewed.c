/* What reviews found in rows: states, keys, querysets, callbacks, results. */
#include "world.h"

#define CREATE(...) BM_OPTIONS(bm_bulk_create_options, __VA_ARGS__)
#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)
#define SET(...) BM_OPTIONS(bm_update_options, __VA_ARGS__)
#define DELETE(...) BM_OPTIONS(bm_delete_options, __VA_ARGS__)
#define COPY(...) BM_OPTIONS(bm_copy_to_options, __VA_ARGS__)

/* n items in the table and in w->result.queryset. */
static item *made(world *w, size_t n)
{
    make_items(w, "");
    item *rows = some_items(n, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    free(rows);
    return bm_queryset_at(w->result.queryset, 0);
}

/* ---- states */

/* Columns that were not read are BM_KEEP; the rollback takes the image away, not the states. */
static void kept_cells_stay_without_an_image(world *w)
{
    bm_db *tx = NULL;
    bm_result result = BM_RESULT;
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'y')");
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_copy_to(tx, bm_all(&item_given_model),
                     COPY(.fields = BM_NAMES("name"), .order_by_key = BM_ON), fresh(w), &w->err));
    bm_rollback(tx);
    item *rows = bm_queryset_at(w->result.queryset, 0);
    assert_int_equal(rows[1].value_state, BM_KEEP);
    rows[1].name = "new";
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    expect(w, "a|1|x\nnew|2|y\n", "SELECT name, value, note FROM item ORDER BY id");
    bm_result_clear(&result);
}

enum { PICKED = 64 };

static void the_last_rows_default_where_few_rows_changed(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, PICKED);
    rows[PICKED - 1].value_state = BM_DEFAULT_CELL;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect(w, "610\n620\n7\n", "SELECT value FROM item WHERE id > %d ORDER BY id", PICKED - 3);
    bm_result_clear(&result);
}

static void the_last_rows_default_where_the_last_wins(world *w)
{
    make_items(w, "");
    item *rows = some_items(PICKED, 0, 1);
    for (size_t i = 0; i < PICKED; i++) {
        rows[i].id = (int64_t)(i / 2 + 1);
    }
    rows[PICKED - 1].value_state = BM_DEFAULT_CELL;
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, PICKED),
                         CREATE(.update_conflicts = BM_ON, .duplicates = BM_DUPLICATES_LAST),
                         fresh(w), &w->err));
    expect(w, "n61|610\nn63|7\n", "SELECT name, value FROM item WHERE id > 30 ORDER BY id");
    expect_number(w, PICKED / 2, "SELECT count(*) FROM item");
    free(rows);
}

static bm_status one_bad_state(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    size_t *calls = user;
    item *out = rows;
    (void)err;
    *n = *calls == 0 && capacity > 1 ? 2 : 0;
    for (size_t i = 0; i < *n; i++) {
        out[i] = (item){.name = "s", .value_state = i == 1 ? 9 : BM_VALUE};
    }
    ++*calls;
    return BM_OK;
}

static void a_state_that_is_none(world *w)
{
    size_t calls = 0;
    const bm_source source = {.size = sizeof source, .user = &calls, .next = one_bad_state};
    make_items(w, "");
    item *rows = some_items(3, 1, 1);
    rows[2].value_state = 9;
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "value");
    refused(w,
            bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err),
            BM_INVALID, 2, "value");
    rows[2].value_state = BM_VALUE;
    rows[1].id_state = 9;
    refused(w, bm_delete(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 1, "id");
    refused(w, bm_bulk_create(w->db, bm_stream(&item_model, &source), NULL, fresh(w), &w->err),
            BM_INVALID, 1, "value");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- keys */

static void made_keys_are_above_the_given_ones(world *w)
{
    int64_t first = w->pg != NULL ? 1001 : 1; /* there, the sequence counts from 1 */
    for (size_t batch = 0; batch < 2; batch++) {
        run(w, "DROP TABLE IF EXISTS item");
        make_items(w, "");
        item *rows = some_items(4, first - 2, 1);
        rows[0].id_state = rows[1].id_state = BM_DEFAULT_CELL;
        ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 4),
                             CREATE(.batch_size = batch), fresh(w), &w->err));
        assert_int_equal(w->result.inserted, 4);
        expect(w, "n2\nn3\n", "SELECT name FROM item WHERE id IN (%d, %d) ORDER BY id", (int)first,
               (int)first + 1);
        expect_number(w, 4, "SELECT count(DISTINCT name) FROM item");
        if (w->pg == NULL) {
            expect(w, "n0\nn1\n", "SELECT name FROM item WHERE id > 2 ORDER BY id");
        }
        free(rows);
    }
}

static void an_upsert_with_mixed_keys(world *w)
{
    make_items(w, "");
    item *rows = some_items(4, 1, 1);
    rows[0].id_state = rows[1].id_state = BM_DEFAULT_CELL;
    for (size_t batch = 0; batch < 2; batch++) {
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 4),
                                          CREATE(.update_conflicts = BM_ON, .batch_size = batch),
                                          fresh(w), &w->err);
        refused(w, status, BM_UNSUPPORTED, BM_NO_ROW, "id");
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

typedef struct amount {
    const char *id;
    int32_t n;
} amount;

static const bm_model amount_model = BM_MODEL("amount", amount, BM_FIELD(amount, id, BM_NUMERIC, 1),
                                              BM_FIELD(amount, n, BM_INT4, 0));

static void a_key_of_type_numeric(world *w)
{
    run(w, "CREATE TABLE amount (id numeric PRIMARY KEY, n integer)");
    const amount rows[] = {{"1.0", 1}, {"2", 2}};
    bm_rows given = bm_structs(&amount_model, rows, 2);
    refused(w, bm_bulk_create(w->db, given, CREATE(.update_conflicts = BM_ON), fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "id");
    refused(w, bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("n")), fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "id");
    refused(
        w, bm_update(w->db, given, SET(.values = rows, .fields = BM_NAMES("n")), fresh(w), &w->err),
        BM_UNSUPPORTED, BM_NO_ROW, "id");
    refused(w, bm_delete(w->db, given, NULL, fresh(w), &w->err), BM_UNSUPPORTED, BM_NO_ROW, "id");
    ok(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err));
    expect_number(w, 2, "SELECT count(*) FROM amount");
}

typedef struct word {
    const char *word;
    int32_t n;
} word;

static const bm_model word_model =
    BM_MODEL("word", word, BM_FIELD(word, word, BM_TEXT, BM_KEY), BM_FIELD(word, n, BM_INT4, 0));

static void keys_into_a_pointer(world *w)
{
    run(w, "CREATE TABLE word (word text PRIMARY KEY, n integer)");
    word rows[] = {{"a", 1}, {"b", 2}};
    bm_status status = bm_bulk_create(w->db, bm_structs(&word_model, rows, 2),
                                      CREATE(.keys_into = rows), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    assert_string_equal(rows[1].word, "b");
    expect_number(w, 0, "SELECT count(*) FROM word");
}

/* Workers that write the same key would wait for each other. */
static void equal_keys_of_two_workers(world *w)
{
    enum { N = 2000, FIRST = 10, SECOND = 1500 };
    make_items(w, "");
    item *rows = some_items(N, 1, 1);
    rows[SECOND].id = rows[FIRST].id;
    bm_rows given = bm_structs(&item_given_model, rows, N);
    bm_status status = bm_bulk_create(
        w->db, given, CREATE(.concurrent = BM_ON, .max_concurrent_workers = 4, .batch_size = 100),
        fresh(w), &w->err);
    refused(w, status, BM_INVALID, FIRST, "id");
    assert_int_equal(w->err.other_row, SECOND);
    assert_true(w->result.seconds < 20);
    expect_number(w, 0, "SELECT count(*) FROM item");
    ok(w, bm_bulk_create(w->db, given,
                         CREATE(.concurrent = BM_ON, .max_concurrent_workers = 4, .batch_size = 100,
                                .ignore_conflicts = BM_ON, .return_outcomes = BM_ON),
                         fresh(w), &w->err));
    assert_true(w->result.seconds < 20);
    assert_int_equal(w->result.inserted, N - 1);
    assert_int_equal(w->result.ignored, 1);
    assert_int_equal(w->result.outcomes[FIRST], BM_ROW_INSERTED);
    assert_int_equal(w->result.outcomes[SECOND], BM_ROW_IGNORED);
    expect_number(w, N - 1, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- querysets */

static void an_edited_key(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 3);
    bm_rows given = bm_queryset_rows(w->result.queryset);
    const item values = {.value = 99};
    rows[1].id = 3;
    rows[1].value = 99;
    refused(w, bm_update_fields(w->db, given, NULL, &result, &w->err), BM_INVALID, 1, "id");
    refused(w,
            bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value")), &result, &w->err),
            BM_INVALID, 1, "id");
    refused(w,
            bm_update(w->db, given, SET(.values = &values, .fields = BM_NAMES("value")), &result,
                      &w->err),
            BM_INVALID, 1, "id");
    refused(w, bm_delete(w->db, given, NULL, &result, &w->err), BM_INVALID, 1, "id");
    expect(w, "1|0\n2|10\n3|20\n", "SELECT id, value FROM item ORDER BY id");
    rows[1].id = 2; /* as it was */
    ok(w, bm_update_fields(w->db, given, NULL, &result, &w->err));
    expect(w, "1|0\n2|99\n3|20\n", "SELECT id, value FROM item ORDER BY id");
    bm_result_clear(&result);
}

/* What a row lacked in the table is not taken to be there. */
static void a_missing_row_is_written_again(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 3);
    run(w, "DELETE FROM item WHERE id = 2");
    rows[0].value = 77;
    rows[1].value = 78;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    assert_int_equal(result.missing, 1);
    bm_result_clear(&result);
    run(w, "INSERT INTO item VALUES (2, 'back', 0, 'back')");
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.unchanged, 0);
    assert_int_equal(result.missing, 0);
    assert_true(result.statements > 0);
    expect(w, "1|77\n2|78\n3|20\n", "SELECT id, value FROM item ORDER BY id");
    bm_result_clear(&result);
}

/* ---- what callbacks say */

typedef struct saying {
    bm_status status;
    const char *message;
} saying;

static bm_status say(const saying *what, bm_error *err)
{
    snprintf(err->message, sizeof err->message, "%s", what->message);
    return what->status;
}

static bm_status failing_source(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    (void)rows;
    (void)capacity;
    *n = 0;
    return say(user, err);
}

static bm_status failing_sink(void *user, const void *rows, size_t n, bm_error *err)
{
    (void)rows;
    (void)n;
    return say(user, err);
}

static void callbacks_are_quoted(world *w)
{
    saying sayings[] = {{BM_LIMIT, "the file is cut"},
                        {BM_RETRY, "once more"},
                        {BM_CONSTRAINT, "not this one"},
                        {BM_AUTH, ""}};
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x')");
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        const bm_source source = {
            .size = sizeof source, .user = &sayings[i], .next = failing_source};
        for (int out = 0; out < 2; out++) {
            bm_status status =
                out ? bm_copy_to(w->db, bm_all(&item_model),
                                 COPY(.user = &sayings[i], .sink = failing_sink), fresh(w), &w->err)
                    : bm_bulk_create(w->db, bm_stream(&item_model, &source), NULL, fresh(w),
                                     &w->err);
            assert_int_equal(status, sayings[i].status);
            assert_int_equal(w->err.status, sayings[i].status);
            assert_int_equal(w->err.stage, BM_STAGE_SOURCE);
            assert_false(w->err.retryable);
            assert_true(w->err.message[0] != '\0');
            if (sayings[i].message[0] != '\0') {
                assert_string_equal(w->err.message, sayings[i].message);
            }
        }
    }
    expect_number(w, 1, "SELECT count(*) FROM item");
}

/* ---- options and results */

static void a_dry_run_gives_no_rows(world *w)
{
    const bm_call call = {.size = sizeof call, .dry_run = BM_ON};
    make_items(w, "");
    item *rows = some_items(3, -7, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         CREATE(.call = &call, .return_queryset = BM_ON, .keys_into = rows,
                                .return_outcomes = BM_ON),
                         fresh(w), &w->err));
    assert_null(w->result.queryset);
    assert_int_equal(w->result.inserted, 3);
    expect_outcomes(w, "iii");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].id, -7);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void a_dry_run_of_several_workers(world *w)
{
    enum { N = 2000 };
    const bm_call call = {.size = sizeof call, .dry_run = BM_ON};
    make_items(w, "");
    item *rows = some_items(N, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, N),
                         CREATE(.call = &call, .concurrent = BM_ON, .max_concurrent_workers = 4,
                                .batch_size = 100),
                         fresh(w), &w->err));
    assert_int_equal(w->result.inserted, N);
    assert_true(w->result.n_parts >= 1);
    for (size_t i = 0; i < w->result.n_parts; i++) {
        assert_int_equal(w->result.parts[i].fate, BM_FATE_ROLLED_BACK);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void options_that_say_nothing(world *w)
{
    const bm_duplicates none = (bm_duplicates)3;
    make_items(w, "");
    item *rows = some_items(2, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 2);
    const bm_status got[] = {
        bm_bulk_create(w->db, given, CREATE(.update_conflicts = BM_ON, .duplicates = none),
                       fresh(w), &w->err),
        bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value"), .duplicates = none),
                         fresh(w), &w->err),
        bm_update(w->db, given,
                  SET(.values = rows, .fields = BM_NAMES("value"), .duplicates = none), fresh(w),
                  &w->err),
        bm_delete(w->db, given, DELETE(.duplicates = none), fresh(w), &w->err),
        bm_bulk_create(w->db, given, CREATE(.unique_fields = BM_NAMES("id")), fresh(w), &w->err),
        bm_update(w->db, bm_all(&item_model),
                  SET(.values = rows, .fields = BM_NAMES("value"), .return_outcomes = BM_ON),
                  fresh(w), &w->err)};
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        assert_int_equal(got[i], BM_INVALID);
    }
    refused(w, w->err.status, BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void is_clear(const world *w, bm_status status)
{
    ok(w, status);
    assert_int_equal(w->err.status, BM_OK);
    assert_int_equal(w->err.stage, 0);
    assert_int_equal(w->err.fate, 0);
    assert_int_equal(w->err.row, BM_NO_ROW);
    assert_string_equal(w->err.message, "");
}

static void no_outcomes(world *w, bm_status status, bm_status want)
{
    assert_int_equal(status, want);
    assert_null(w->result.outcomes);
    assert_int_equal(w->result.n_outcomes, 0);
    assert_int_equal(w->result.inserted + w->result.updated + w->result.deleted, 0);
}

static void what_is_said_after_success_and_failure(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    item *rows = some_items(3, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    const bm_bulk_create_options *create = CREATE(.return_outcomes = BM_ON);
    const bm_update_fields_options *fields =
        FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON);
    is_clear(w, bm_bulk_create(w->db, given, create, fresh(w), &w->err));
    is_clear(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err));
    is_clear(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err));
    no_outcomes(w, bm_bulk_create(w->db, given, create, fresh(w), &w->err), BM_CONSTRAINT);
    rows[2].value = -1;
    no_outcomes(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err), BM_CONSTRAINT);
    rows[2].value = 20;
    rows[2].id = 1;
    no_outcomes(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err), BM_INVALID);
    rows[2].id = 99; /* a row that is not there */
    no_outcomes(w,
                bm_update_fields(w->db, given,
                                 FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON,
                                        .require_all = BM_ON),
                                 fresh(w), &w->err),
                BM_CONSTRAINT);
    no_outcomes(w,
                bm_delete(w->db, given, DELETE(.return_outcomes = BM_ON, .require_all = BM_ON),
                          fresh(w), &w->err),
                BM_CONSTRAINT);
    is_clear(w, bm_delete(w->db, given, DELETE(.return_outcomes = BM_ON), fresh(w), &w->err));
    expect_outcomes(w, "ddm");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, kept_cells_stay_without_an_image),
    CASE(ON_SQL, the_last_rows_default_where_few_rows_changed),
    CASE(ON_SQL, the_last_rows_default_where_the_last_wins),
    CASE(ON_SQL, a_state_that_is_none),
    CASE(ON_SQL, made_keys_are_above_the_given_ones),
    CASE(ON_POSTGRESQL, an_upsert_with_mixed_keys),
    CASE(ON_SQL, a_key_of_type_numeric),
    CASE(ON_SQL, keys_into_a_pointer),
    CASE(ON_POSTGRESQL, equal_keys_of_two_workers),
    CASE(ON_SQL, an_edited_key),
    CASE(ON_SQL, a_missing_row_is_written_again),
    CASE(ON_SQL, callbacks_are_quoted),
    CASE(ON_ALL, a_dry_run_gives_no_rows),
    CASE(ON_POSTGRESQL, a_dry_run_of_several_workers),
    CASE(ON_SQL, options_that_say_nothing),
    CASE(ON_SQL, what_is_said_after_success_and_failure),
};

int main(void)
{
    return conformance_run("reviewed", cases, sizeof cases / sizeof cases[0]);
}
