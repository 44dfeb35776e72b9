/* States of cells, and of rows of a queryset that were edited or were missing. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)

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

/* Columns that were not read are BM_KEEP; the rollback takes the snapshot away, not the states. */
static void kept_cells_stay_without_a_snapshot(world *w)
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

static const conformance_case cases[] = {
    CASE(ON_SQL, kept_cells_stay_without_a_snapshot),
    CASE(ON_SQL, the_last_rows_default_where_few_rows_changed),
    CASE(ON_SQL, the_last_rows_default_where_the_last_wins),
    CASE(ON_SQL, a_state_that_is_none),
    CASE(ON_SQL, an_edited_key),
    CASE(ON_SQL, a_missing_row_is_written_again),
};

int main(void)
{
    return conformance_run("cell_states", cases, sizeof cases / sizeof cases[0]);
}
