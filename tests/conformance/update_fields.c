/* bm_update_fields: what changed against the snapshot, and named columns. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)

/* n items in the table and in w->result.queryset; then `behind` is done behind our back. */
static item *made(world *w, size_t n, const char *behind)
{
    make_items(w, "");
    item *rows = some_items(n, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    free(rows);
    if (behind[0] != '\0') {
        run(w, "%s", behind);
    }
    return bm_queryset_at(w->result.queryset, 0);
}

static bm_status changed(world *w, const bm_update_fields_options *options, bm_result *result)
{
    bm_result_clear(result);
    return bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), options, result, &w->err);
}

/* ---- by snapshot */

static void nothing_changed_is_no_statement(world *w)
{
    bm_result result = BM_RESULT;
    made(w, 5, "UPDATE item SET value = -1");
    ok(w, changed(w, FIELDS(.return_outcomes = BM_ON), &result));
    assert_int_equal(result.statements, 0);
    assert_int_equal(result.unchanged, 5);
    assert_int_equal(result.updated, 0);
    assert_int_equal(result.n_outcomes, 5);
    assert_int_equal(result.outcomes[4], BM_ROW_UNCHANGED);
    expect_number(w, -5, "SELECT sum(value) FROM item");
    bm_result_clear(&result);
}

static void equal_text_at_another_address_is_no_change(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 2, "");
    char copy[8] = "n0";
    rows[0].name = copy;
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.statements, 0);
    assert_int_equal(result.unchanged, 2);
}

static void only_changed_rows_and_columns_are_written(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 4, "UPDATE item SET value = -1, note = 'behind'");
    rows[1].value = 77;
    rows[3].note = NULL;
    ok(w, changed(w, FIELDS(.return_outcomes = BM_ON), &result));
    assert_int_equal(result.updated, 2);
    assert_int_equal(result.unchanged, 2);
    assert_int_equal(result.outcomes[0], BM_ROW_UNCHANGED);
    assert_int_equal(result.outcomes[1], BM_ROW_UPDATED);
    assert_int_equal(result.outcomes[3], BM_ROW_UPDATED);
    expect(w, "n0|-1|behind\nn1|77|behind\nn2|-1|behind\nn3|-1|NULL\n",
           "SELECT name, value, note FROM item ORDER BY id");
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.statements, 0);
}

static void nulls_are_changes_both_ways(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 3, "");
    rows[0].value_state = BM_NULL;
    rows[1].note = NULL;
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 2);
    expect(w, "NULL|text\n10|NULL\n20|text\n", "SELECT value, note FROM item ORDER BY id");
    rows[0].value_state = BM_VALUE;
    rows[0].value = 0; /* the bytes that were there before */
    rows[1].note = "";
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 2);
    expect(w, "0|text\n10|\n20|text\n", "SELECT value, note FROM item ORDER BY id");
}

enum { WIDE = 130 };

typedef struct wide {
    int64_t id;
    int32_t c[WIDE];
} wide;

static void more_columns_than_a_mask_word_has_bits(world *w)
{
    static bm_field fields[WIDE + 1];
    static char names[WIDE][8];
    static wide rows[3];
    char columns[WIDE * 16] = "";
    fields[0] = (bm_field){
        "id", BM_INT8, BM_FIXED, offsetof(wide, id), 8, BM_NO_STATE, BM_KEY | BM_ASSIGNED};
    for (size_t i = 0; i < WIDE; i++) {
        snprintf(names[i], sizeof names[i], "c%zu", i);
        fields[i + 1] =
            (bm_field){names[i], BM_INT4, BM_FIXED, offsetof(wide, c) + 4 * i, 4, BM_NO_STATE, 0};
        snprintf(columns + strlen(columns), 16, ", c%zu integer", i);
    }
    const bm_model model = {.size = sizeof model,
                            .table = "wide",
                            .row_size = sizeof(wide),
                            .fields = fields,
                            .n_fields = WIDE + 1};
    run(w, "CREATE TABLE wide (id %s%s)", w->on->made_key, columns);
    ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 3),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    run(w,
        "UPDATE wide SET c0 = -1, c60 = -1, c61 = -1, c62 = -1, c123 = -1, c124 = -1, c129 = -1");
    wide *at = bm_queryset_at(w->result.queryset, 0);
    at[0].c[0] = at[0].c[61] = at[0].c[123] = 5;
    at[1].c[60] = at[1].c[62] = at[1].c[124] = 6;
    at[2].c[129] = 7;
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 3);
    expect(w, "5|-1|5|-1|5|-1|-1\n-1|6|-1|6|-1|6|-1\n-1|-1|-1|-1|-1|-1|7\n",
           "SELECT c0, c60, c61, c62, c123, c124, c129 FROM wide ORDER BY id");
}

/* What the caller pointed to may die after the call: the queryset has its own. */
static void text_is_owned_after_the_write(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 2, "");
    char *mine = strdup("mine for a moment");
    rows[0].name = mine;
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 1);
    assert_ptr_not_equal(rows[0].name, mine);
    memset(mine, '#', strlen(mine));
    free(mine);
    assert_string_equal(rows[0].name, "mine for a moment");
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.statements, 0);
    expect(w, "mine for a moment\nn1\n", "SELECT name FROM item ORDER BY id");
}

static void a_snapshot_comes_with_reading(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, NULL), (2, 'b', NULL, 'x'), (3, 'c', 3, 'y')");
    ok(w, bm_copy_to(w->db, bm_all(&item_model),
                     BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 3);
    item *rows = bm_queryset_at(w->result.queryset, 0);
    rows[1].value_state = BM_VALUE;
    rows[1].value = 22;
    bm_result result = BM_RESULT;
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 1);
    assert_int_equal(result.unchanged, 2);
    expect(w, "1|a|1|NULL\n2|b|22|x\n3|c|3|y\n", "SELECT * FROM item ORDER BY id");
}

static void a_failed_update_leaves_the_snapshot_as_it_was(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 3, "CREATE UNIQUE INDEX item_note ON item (note) WHERE note <> 'text'");
    rows[0].note = "same";
    rows[2].note = "same";
    bm_status status = changed(w, NULL, &result);
    refused(w, status, BM_CONSTRAINT, 2, w->on->names_constraint ? "" : "note");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    expect_number(w, 3, "SELECT count(*) FROM item WHERE note = 'text'");
    rows[2].note = "other";
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 2);
    expect(w, "same\ntext\nother\n", "SELECT note FROM item ORDER BY id");
}

static void named_columns_refresh_the_snapshot(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 3, "");
    rows[1].value = 5;
    rows[1].note = "five";
    ok(w, changed(w, FIELDS(.fields = BM_NAMES("value")), &result));
    assert_int_equal(result.updated, 3);
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 1);
    expect(w, "0|text\n5|five\n20|text\n", "SELECT value, note FROM item ORDER BY id");
}

static void rows_without_a_snapshot_need_names(world *w)
{
    make_items(w, "");
    item *rows = some_items(2, 1, 1);
    bm_status status =
        bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    free(rows);
}

/* ---- named */

static void given(world *w, const char *values)
{
    make_items(w, "");
    run(w, "INSERT INTO item SELECT id, 'old', -1, 'old' FROM (%s) AS x", values);
}

static void named_columns_are_written_of_every_row(world *w)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3");
    item *rows = some_items(3, 3, -1); /* 3 2 1 */
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 3),
                           FIELDS(.fields = BM_NAMES("value", "name"), .return_outcomes = BM_ON),
                           fresh(w), &w->err));
    expect_outcomes(w, "uuu");
    assert_int_equal(w->result.updated, 3);
    expect(w, "1|n2|20|old\n2|n1|10|old\n3|n0|0|old\n", "SELECT * FROM item ORDER BY id");
    free(rows);
}

static void named_columns_of_pointers_and_of_columns(world *w)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 2");
    item *rows = some_items(2, 1, 1);
    const void *pointers[] = {&rows[1]};
    ok(w, bm_update_fields(w->db, bm_struct_pointers(&item_given_model, pointers, 1),
                           FIELDS(.fields = BM_NAMES("note")), fresh(w), &w->err));
    const int64_t ids[] = {2, 1};
    const int32_t same = 99;
    const bm_column columns[4] = {
        [0] = {.type = BM_INT8, .layout = BM_FIXED, .width = 8, .data = ids, .stride = 8},
        [2] = {.type = BM_INT4, .layout = BM_FIXED, .width = 4, .data = &same, .stride = 0}};
    ok(w, bm_update_fields(w->db, bm_columns(&item_given_model, columns, 2),
                           FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    bm_status status = bm_update_fields(w->db, bm_columns(&item_given_model, columns, 2),
                                        FIELDS(.fields = BM_NAMES("note")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "note");
    expect(w, "1|old|99|old\n2|old|99|text\n", "SELECT * FROM item ORDER BY id");
    free(rows);
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    size_t *left = user;
    item *out = rows;
    (void)err;
    for (*n = 0; *n<capacity && * left> 0; (*n)++) {
        out[*n] = (item){.id = (int64_t)*left, .value = (int32_t)*left};
        (*left)--;
    }
    return BM_OK;
}

static void named_columns_of_a_stream(world *w)
{
    given(w, "WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE id < 2500) "
             "SELECT id FROM r");
    size_t left = 2501; /* the first is not there */
    const bm_source source = {.size = sizeof source, .user = &left, .next = next};
    ok(w, bm_update_fields(
              w->db, bm_stream(&item_given_model, &source),
              FIELDS(.fields = BM_NAMES("value"), .batch_size = 999, .return_outcomes = BM_ON),
              fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2500);
    assert_int_equal(w->result.missing, 1);
    assert_int_equal(w->result.outcomes[0], BM_ROW_MISSING);
    assert_int_equal(w->result.outcomes[2500], BM_ROW_UPDATED);
    expect_number(w, 2500, "SELECT count(*) FROM item WHERE value = id AND name = 'old'");
}

static void kept_cells_stay(world *w)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 2");
    item *rows = some_items(2, 1, 1);
    rows[0].value_state = BM_KEEP;
    rows[1].note_state = BM_KEEP;
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2),
                           FIELDS(.fields = BM_NAMES("value", "note")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    expect(w, "1|-1|text\n2|10|old\n", "SELECT id, value, note FROM item ORDER BY id");
    free(rows);
}

static void missing_rows_are_told(world *w)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 3");
    item *rows = some_items(4, 4, -1); /* 4 3 2 1 */
    ok(w, bm_update_fields(
              w->db, bm_structs(&item_given_model, rows, 4),
              FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON, .batch_size = 3),
              fresh(w), &w->err));
    expect_outcomes(w, "mumu");
    assert_int_equal(w->result.updated, 2);
    assert_int_equal(w->result.missing, 2);
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 4),
                           FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    assert_int_equal(w->result.missing, 2);
    expect(w, "1|30\n3|10\n", "SELECT id, value FROM item ORDER BY id");
    free(rows);
}

static void missing_changed_and_unchanged_rows_in_input_order(world *w)
{
    bm_result result = BM_RESULT;
    item *rows = made(w, 4, "DELETE FROM item WHERE name = 'n2'");
    rows[0].value = 1;
    rows[2].value = 1;
    rows[3].value = 1;
    ok(w, changed(w, FIELDS(.return_outcomes = BM_ON), &result));
    const uint8_t want[] = {BM_ROW_UPDATED, BM_ROW_UNCHANGED, BM_ROW_MISSING, BM_ROW_UPDATED};
    assert_int_equal(result.n_outcomes, 4);
    assert_memory_equal(result.outcomes, want, 4);
    bm_result_clear(&result);
}

static void require_all_makes_missing_an_error(world *w)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 9");
    item *rows = some_items(4, 4, -1); /* 4 3 2 1 */
    rows[0].id = 9;
    bm_status status =
        bm_update_fields(w->db, bm_structs(&item_given_model, rows, 4),
                         FIELDS(.fields = BM_NAMES("value"), .require_all = BM_ON, .batch_size = 2),
                         fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1, "");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(w->result.updated, 0);
    expect_number(w, -3, "SELECT sum(value) FROM item");
    free(rows);
}

static void duplicates_of(world *w, bm_duplicates rule, const char *outcomes, const char *left)
{
    given(w, "SELECT 1 AS id UNION ALL SELECT 2");
    item *rows = some_items(4, 0, 0);
    rows[0].id = rows[3].id = 2;
    rows[1].id = rows[2].id = 1;
    bm_status status = bm_update_fields(
        w->db, bm_structs(&item_given_model, rows, 4),
        FIELDS(.fields = BM_NAMES("value"), .duplicates = rule, .return_outcomes = BM_ON), fresh(w),
        &w->err);
    if (outcomes == NULL) {
        refused(w, status, BM_INVALID, 1, "id");
        assert_int_equal(w->err.other_row, 2);
        assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    } else {
        ok(w, status);
        expect_outcomes(w, outcomes);
        assert_int_equal(w->result.ignored, 2);
    }
    expect(w, left, "SELECT id, value FROM item ORDER BY id");
    free(rows);
}

static void duplicates_are_an_error(world *w)
{
    duplicates_of(w, BM_DUPLICATES_ERROR, NULL, "1|-1\n2|-1\n");
}

static void duplicates_the_first_counts(world *w)
{
    duplicates_of(w, BM_DUPLICATES_FIRST, "uugg", "1|10\n2|0\n");
}

static void duplicates_the_last_counts(world *w)
{
    duplicates_of(w, BM_DUPLICATES_LAST, "gguu", "1|20\n2|30\n");
}

/* Above the number of rows from which the planner is told how to look rows up. */
static void many_unsorted_rows(world *w)
{
    given(w, "WITH RECURSIVE r(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM r WHERE id < 2999) "
             "SELECT id FROM r");
    item *rows = some_items(3000, 0, 0);
    for (size_t i = 0; i < 3000; i++) {
        rows[i].id = (int64_t)(i * 1999 % 3000);
    }
    ok(w, bm_update_fields(
              w->db, bm_structs(&item_given_model, rows, 3000),
              FIELDS(.fields = BM_NAMES("value"), .batch_size = 1100, .return_outcomes = BM_ON),
              fresh(w), &w->err));
    assert_int_equal(w->result.updated, 3000);
    expect_number(w, 0, "SELECT count(*) FROM item WHERE value / 10 * 1999 %% 3000 <> id");
    free(rows);
}

static bm_status named(world *w, const item *rows, const char *const *names)
{
    return bm_update_fields(w->db, bm_structs(&item_given_model, rows, 1), FIELDS(.fields = names),
                            fresh(w), &w->err);
}

static void names_that_cannot_be_are_refused(world *w)
{
    given(w, "SELECT 1 AS id");
    item *rows = some_items(1, 1, 1);
    refused(w, named(w, rows, BM_NAMES("valve")), BM_INVALID, BM_NO_ROW, "valve");
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    refused(w, named(w, rows, BM_NAMES("value", "note", "value")), BM_INVALID, BM_NO_ROW, "value");
    refused(w, named(w, rows, BM_NAMES("value", "id")), BM_INVALID, BM_NO_ROW, "id");
    refused(w, named(w, rows, BM_NAMES("value; DROP TABLE item")), BM_INVALID, BM_NO_ROW,
            "value; DROP TABLE item");
    ok(w, named(w, rows, (const char *const[]){NULL}));
    assert_int_equal(w->result.statements, 0);
    expect(w, "1|old|-1|old\n", "SELECT * FROM item");
    free(rows);
}

typedef struct square {
    int64_t id;
    int32_t side;
    int32_t area;
} square;

static const bm_model square_model =
    BM_MODEL("square", square, BM_FIELD(square, id, BM_INT8, BM_KEY),
             BM_FIELD(square, side, BM_INT4, 0), BM_FIELD(square, area, BM_INT4, BM_READ_ONLY));
static const bm_model naive_model =
    BM_MODEL("square", square, BM_FIELD(square, id, BM_INT8, BM_KEY),
             BM_FIELD(square, side, BM_INT4, 0), BM_FIELD(square, area, BM_INT4, 0));

static void read_only_columns_are_not_written(world *w)
{
    run(w, "CREATE TABLE square (id bigint PRIMARY KEY, side integer, area integer GENERATED "
           "ALWAYS AS (side * side) STORED)");
    square rows[] = {{1, 2, 0}, {2, 3, 0}};
    ok(w, bm_bulk_create(w->db, bm_structs(&square_model, rows, 2), NULL, NULL, &w->err));
    bm_status status = bm_update_fields(w->db, bm_structs(&square_model, rows, 2),
                                        FIELDS(.fields = BM_NAMES("area")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "area");
    status = bm_update_fields(w->db, bm_structs(&naive_model, rows, 2),
                              FIELDS(.fields = BM_NAMES("area")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "area"); /* the table says so */
    rows[0].side = 5;
    ok(w, bm_update_fields(w->db, bm_structs(&naive_model, rows, 1),
                           FIELDS(.fields = BM_NAMES("side")), fresh(w), &w->err));
    expect(w, "1|5|25\n2|3|9\n", "SELECT * FROM square ORDER BY id");
}

static void no_rows_are_no_statement(world *w)
{
    make_items(w, "");
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, NULL, 0),
                           FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON), fresh(w),
                           &w->err));
    assert_int_equal(w->result.statements, 0);
    const int64_t key = 1;
    bm_status status = bm_update_fields(w->db, bm_keys(&item_given_model, &key, 1),
                                        FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
}

/* ---- arrays */

typedef struct series {
    int64_t id;
    bm_array points;
    bm_array words;
    uint8_t points_state, words_state;
} series;

static const bm_model series_model =
    BM_MODEL("series", series, BM_FIELD(series, id, BM_INT8, BM_KEY),
             BM_ARRAY_FIELD(series, points, BM_INT4, 0, points_state),
             BM_ARRAY_FIELD(series, words, BM_TEXT, 0, words_state));

static void arrays_change(world *w)
{
    run(w, "CREATE TABLE series (id bigint PRIMARY KEY, points integer[], words text[])");
    int32_t points[] = {1, 2, 3};
    const bm_slice words[] = {{"a,b", 3}, {"NULL", 4}, {"", 0}};
    const uint8_t third[] = {0, 0, BM_NULL};
    series rows[] = {{1, {points, 3, NULL}, {words, 3, third}, 0, 0},
                     {2, {points, 0, NULL}, {words, 1, NULL}, 0, BM_NULL}};
    ok(w, bm_bulk_create(w->db, bm_structs(&series_model, rows, 2),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    expect(w, "{1,2,3}|{\"a,b\",\"NULL\",NULL}\n{}|NULL\n",
           "SELECT points, words FROM series ORDER BY id");
    points[0] = 9; /* the caller's own: the queryset has a copy */
    bm_result result = BM_RESULT;
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.statements, 0);
    series *at = bm_queryset_at(w->result.queryset, 0);
    at[1].points = (bm_array){points, 2, NULL};
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 1);
    assert_ptr_not_equal(at[1].points.data, points);
    expect(w, "{1,2,3}\n{9,2}\n", "SELECT points FROM series ORDER BY id");
    at[0].words_state = BM_NULL;
    at[1].words_state = BM_VALUE;
    at[1].words = (bm_array){NULL, 0, NULL};
    ok(w, changed(w, NULL, &result));
    assert_int_equal(result.updated, 2);
    expect(w, "NULL\n{}\n", "SELECT words FROM series ORDER BY id");
}

static const conformance_case cases[] = {
    CASE(ON_ALL, nothing_changed_is_no_statement),
    CASE(ON_ALL, equal_text_at_another_address_is_no_change),
    CASE(ON_ALL, only_changed_rows_and_columns_are_written),
    CASE(ON_ALL, nulls_are_changes_both_ways),
    CASE(ON_ALL, more_columns_than_a_mask_word_has_bits),
    CASE(ON_ALL, text_is_owned_after_the_write),
    CASE(ON_SQL, a_snapshot_comes_with_reading),
    CASE(ON_SQL, a_failed_update_leaves_the_snapshot_as_it_was),
    CASE(ON_ALL, named_columns_refresh_the_snapshot),
    CASE(ON_ALL, rows_without_a_snapshot_need_names),
    CASE(ON_ALL, named_columns_are_written_of_every_row),
    CASE(ON_ALL, named_columns_of_pointers_and_of_columns),
    CASE(ON_SQL, named_columns_of_a_stream),
    CASE(ON_ALL, kept_cells_stay),
    CASE(ON_SQL, missing_rows_are_told),
    CASE(ON_SQL, missing_changed_and_unchanged_rows_in_input_order),
    CASE(ON_SQL, require_all_makes_missing_an_error),
    CASE(ON_ALL, duplicates_are_an_error),
    CASE(ON_ALL, duplicates_the_first_counts),
    CASE(ON_ALL, duplicates_the_last_counts),
    CASE(ON_ALL, many_unsorted_rows),
    CASE(ON_ALL, names_that_cannot_be_are_refused),
    CASE(ON_SQL, read_only_columns_are_not_written),
    CASE(ON_ALL, no_rows_are_no_statement),
    CASE(ON_POSTGRESQL, arrays_change),
};

int main(void)
{
    return conformance_run("update_fields", cases, sizeof cases / sizeof cases[0]);
}
