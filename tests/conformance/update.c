/* bm_update: the same values for rows found by key, for a queryset's, for all. */
#include "world.h"

#define UPDATE(...) BM_OPTIONS(bm_update_options, __VA_ARGS__)

static void given(world *w, int n)
{
    make_items(w, "");
    run(w,
        "INSERT INTO item WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE "
        "id "
        "< %d) SELECT id, 'old', id, 'old' FROM r",
        n);
}

static const item values = {.name = "new", .value = 42, .note = "new"};

static void rows_by_key(world *w)
{
    given(w, 4);
    const int64_t keys[] = {4, 2};
    ok(w, bm_update(w->db, bm_keys(&item_model, keys, 2),
                    UPDATE(.values = &values, .fields = BM_NAMES("value", "note"),
                           .return_outcomes = BM_ON),
                    fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    expect_outcomes(w, "uu");
    expect(w, "1|old|1|old\n2|old|42|new\n3|old|3|old\n4|old|42|new\n",
           "SELECT * FROM item ORDER BY id");
}

static void rows_by_struct_and_by_pointer(world *w)
{
    given(w, 4);
    item *rows = some_items(2, 3, 1);
    const void *pointer = &rows[0];
    ok(w, bm_update(w->db, bm_structs(&item_given_model, rows, 2),
                    UPDATE(.values = &values, .fields = BM_NAMES("note")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    ok(w, bm_update(w->db, bm_struct_pointers(&item_given_model, &pointer, 1),
                    UPDATE(.values = &values, .fields = BM_NAMES("name")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 1);
    expect(w, "1|old|old\n2|old|old\n3|new|new\n4|old|new\n",
           "SELECT id, name, note FROM item ORDER BY id");
    free(rows);
}

static void to_null(world *w)
{
    given(w, 2);
    const int64_t key = 2;
    const item nulls = {.value_state = BM_NULL, .note = NULL};
    ok(w,
       bm_update(w->db, bm_keys(&item_model, &key, 1),
                 UPDATE(.values = &nulls, .fields = BM_NAMES("value", "note")), fresh(w), &w->err));
    expect(w, "1|1|old\n2|NULL|NULL\n", "SELECT id, value, note FROM item ORDER BY id");
}

static void all_rows(world *w)
{
    given(w, 1500);
    ok(w, bm_update(w->db, bm_all(&item_model),
                    UPDATE(.values = &values, .fields = BM_NAMES("name")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 1500);
    assert_int_equal(w->result.missing, 0);
    expect(w, "1500|1500\n", "SELECT count(*), sum(CASE name WHEN 'new' THEN 1 END) FROM item");
}

static void all_rows_of_an_empty_table(world *w)
{
    make_items(w, "");
    ok(w, bm_update(w->db, bm_all(&item_model),
                    UPDATE(.values = &values, .fields = BM_NAMES("name")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 0);
    assert_int_equal(w->result.missing, 0);
}

static void many_rows_in_chunks(world *w)
{
    given(w, 2600);
    int64_t keys[2500];
    for (size_t i = 0; i < 2500; i++) {
        keys[i] = (int64_t)(i * 7 % 2500) + 2; /* unsorted */
    }
    ok(w, bm_update(w->db, bm_keys(&item_model, keys, 2500),
                    UPDATE(.values = &values, .fields = BM_NAMES("note"), .batch_size = 999),
                    fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2500);
    expect(w, "2500|2|2501\n", "SELECT count(*), min(id), max(id) FROM item WHERE note = 'new'");
}

static void missing_rows_are_told(world *w)
{
    given(w, 3);
    const int64_t keys[] = {9, 3, -1, 1};
    ok(w,
       bm_update(w->db, bm_keys(&item_model, keys, 4),
                 UPDATE(.values = &values, .fields = BM_NAMES("value"), .return_outcomes = BM_ON),
                 fresh(w), &w->err));
    expect_outcomes(w, "mumu");
    assert_int_equal(w->result.missing, 2);
    bm_status status =
        bm_update(w->db, bm_keys(&item_model, keys, 4),
                  UPDATE(.values = &values, .fields = BM_NAMES("name"), .require_all = BM_ON),
                  fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 2, ""); /* rows go in the order of their keys: -1 is first */
    expect(w, "1|old|42\n2|old|2\n3|old|42\n", "SELECT id, name, value FROM item ORDER BY id");
}

static void duplicates(world *w)
{
    given(w, 3);
    const int64_t keys[] = {3, 1, 3};
    bm_status status =
        bm_update(w->db, bm_keys(&item_model, keys, 3),
                  UPDATE(.values = &values, .fields = BM_NAMES("value")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, 0, "id");
    assert_int_equal(w->err.other_row, 2);
    ok(w, bm_update(w->db, bm_keys(&item_model, keys, 3),
                    UPDATE(.values = &values, .fields = BM_NAMES("value"),
                           .duplicates = BM_DUPLICATES_FIRST, .return_outcomes = BM_ON),
                    fresh(w), &w->err));
    expect_outcomes(w, "uug");
    expect(w, "42\n2\n42\n", "SELECT value FROM item ORDER BY id");
}

/* What a homogeneous update set is not what the queryset's rows say. */
static void columns_of_a_queryset_become_unknown(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    bm_queryset *queryset = w->result.queryset;
    bm_result result = BM_RESULT;
    ok(w, bm_update(w->db, bm_queryset_rows(queryset),
                    UPDATE(.values = &values, .fields = BM_NAMES("value")), &result, &w->err));
    assert_int_equal(result.updated, 3);
    expect(w, "42\n42\n42\n", "SELECT value FROM item ORDER BY id");
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 3); /* "value" is written again, as the rows have it */
    expect(w, "0\n10\n20\n", "SELECT value FROM item ORDER BY id");
    bm_result_clear(&result);
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.statements, 0);
    free(rows);
}

/* Nothing was written: the queryset's rows are what they were. */
static void a_dry_run_leaves_the_columns_known(world *w)
{
    static const bm_call dry = {.size = sizeof dry, .dry_run = BM_ON};
    make_items(w, "");
    item *rows = some_items(3, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    bm_queryset *queryset = w->result.queryset;
    bm_result result = BM_RESULT;
    ok(w, bm_update(w->db, bm_queryset_rows(queryset),
                    UPDATE(.values = &values, .fields = BM_NAMES("value"), .call = &dry), &result,
                    &w->err));
    assert_int_equal(result.updated, 3);
    bm_result_clear(&result);
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 0);
    assert_int_equal(result.statements, 0);
    ((item *)bm_queryset_at(queryset, 1))->value = 11;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect(w, "0\n11\n20\n", "SELECT value FROM item ORDER BY id");
    bm_result_clear(&result);
    free(rows);
}

static void nothing_to_set_is_no_statement(world *w)
{
    given(w, 2);
    const int64_t keys[] = {1, 2};
    ok(w, bm_update(w->db, bm_keys(&item_model, keys, 2), UPDATE(.concurrent = BM_ON), fresh(w),
                    &w->err));
    assert_int_equal(w->result.statements, 0);
    assert_int_equal(w->result.updated, 0);
    ok(w, bm_update(w->db, bm_keys(&item_model, NULL, 0),
                    UPDATE(.values = &values, .fields = BM_NAMES("value")), fresh(w), &w->err));
    assert_int_equal(w->result.statements, 0);
}

static void what_cannot_be_set_is_refused(world *w)
{
    given(w, 1);
    bm_rows all = bm_all(&item_model);
    bm_status status = bm_update(w->db, all, UPDATE(.values = &values, .fields = BM_NAMES("id")),
                                 fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "id");
    status = bm_update(w->db, all, UPDATE(.values = &values, .fields = BM_NAMES("nope")), fresh(w),
                       &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "nope");
    status = bm_update(w->db, all, UPDATE(.fields = BM_NAMES("value")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    const item bad = {.note = "\xC3(", .name = "x"};
    status = bm_update(w->db, all, UPDATE(.values = &bad, .fields = BM_NAMES("note")), fresh(w),
                       &w->err);
    assert_int_equal(status, BM_CONVERT);
    assert_string_equal(w->err.column, "note");
    expect(w, "1|old|1|old\n", "SELECT * FROM item");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, rows_by_key),
    CASE(ON_SQL, rows_by_struct_and_by_pointer),
    CASE(ON_ALL, to_null),
    CASE(ON_SQL, all_rows),
    CASE(ON_SQL, all_rows_of_an_empty_table),
    CASE(ON_ALL, many_rows_in_chunks),
    CASE(ON_SQL, missing_rows_are_told),
    CASE(ON_ALL, duplicates),
    CASE(ON_ALL, columns_of_a_queryset_become_unknown),
    CASE(ON_SQL, a_dry_run_leaves_the_columns_known),
    CASE(ON_ALL, nothing_to_set_is_no_statement),
    CASE(ON_ALL, what_cannot_be_set_is_refused),
};

int main(void)
{
    return conformance_run("update", cases, sizeof cases / sizeof cases[0]);
}
