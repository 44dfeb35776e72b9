/* bm_delete: rows by key. */
#include "world.h"

static void given(world *w, int n)
{
    make_items(w, "");
    run(w,
        "INSERT INTO item WITH RECURSIVE r(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM r WHERE "
        "id "
        "< %d) SELECT id, 'old', id, 'old' FROM r",
        n);
}

static void rows_by_key(world *w)
{
    given(w, 4);
    const int64_t keys[] = {3, 0};
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 2), DELETE(.return_outcomes = BM_ON),
                    fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 2);
    expect_outcomes(w, "dd");
    expect(w, "1\n2\n4\n", "SELECT id FROM item ORDER BY id");
}

static void missing_rows_are_told(world *w)
{
    given(w, 4);
    const int64_t keys[] = {9, 2, 8, 1};
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 4),
                    DELETE(.return_outcomes = BM_ON, .batch_size = 1), fresh(w), &w->err));
    expect_outcomes(w, "mdmd");
    assert_int_equal(w->result.deleted, 2);
    assert_int_equal(w->result.missing, 2);
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 4), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 0);
    assert_int_equal(w->result.missing, 4);
    expect(w, "0\n3\n4\n", "SELECT id FROM item ORDER BY id");
}

static void require_all_deletes_all_or_none(world *w)
{
    given(w, 4);
    const int64_t keys[] = {1, 2, 7};
    bm_status status = bm_delete(w->db, bm_keys(&item_model, keys, 3),
                                 DELETE(.require_all = BM_ON, .batch_size = 2), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 2, "");
    assert_int_equal(w->result.deleted, 0);
    expect_number(w, 5, "SELECT count(*) FROM item");
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 2), DELETE(.require_all = BM_ON), fresh(w),
                    &w->err));
    expect_number(w, 3, "SELECT count(*) FROM item");
}

static void duplicates(world *w)
{
    given(w, 4);
    const int64_t keys[] = {2, 1, 2};
    bm_status status = bm_delete(w->db, bm_keys(&item_model, keys, 3), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, 0, "id");
    assert_int_equal(w->err.other_row, 2);
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 3),
                    DELETE(.duplicates = BM_DUPLICATES_LAST, .return_outcomes = BM_ON), fresh(w),
                    &w->err));
    expect_outcomes(w, "gdd");
    assert_int_equal(w->result.deleted, 2);
    expect(w, "0\n3\n4\n", "SELECT id FROM item ORDER BY id");
}

static void many_rows_in_chunks(world *w)
{
    given(w, 3000);
    int64_t *keys = malloc(2999 * sizeof *keys);
    for (size_t i = 0; i < 2999; i++) {
        keys[i] = 2999 - (int64_t)i;
    }
    ok(w, bm_delete(w->db, bm_keys(&item_model, keys, 2999), DELETE(.batch_size = 1000), fresh(w),
                    &w->err));
    assert_int_equal(w->result.deleted, 2999);
    expect(w, "0\n3000\n", "SELECT id FROM item ORDER BY id");
    free(keys);
}

static void a_querysets_rows(world *w)
{
    given(w, 9);
    const int64_t keys[] = {4, 5};
    ok(w, bm_copy_to(w->db, bm_keys(&item_model, keys, 2), NULL, fresh(w), &w->err));
    bm_result result = BM_RESULT;
    ok(w, bm_delete(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.deleted, 2);
    expect_number(w, 8, "SELECT count(*) FROM item");
}

static void all_rows_are_refused(world *w)
{
    given(w, 2);
    bm_status status = bm_delete(w->db, bm_all(&item_model), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    ok(w, bm_delete(w->db, bm_keys(&item_model, NULL, 0), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.statements, 0);
    expect_number(w, 3, "SELECT count(*) FROM item");
}

static void a_key_without_a_value_is_refused(world *w)
{
    given(w, 2);
    item *rows = some_items(3, 0, 1);
    rows[1].id_state = BM_NULL;
    bm_status status =
        bm_delete(w->db, bm_structs(&item_given_model, rows, 3), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, 1, "id");
    expect_number(w, 3, "SELECT count(*) FROM item");
    free(rows);
}

/* A row that others refer to: the row is named, nothing is deleted. */
static void a_row_that_is_referred_to(world *w)
{
    make_items(w, "");
    run(w, "CREATE TABLE child (item bigint REFERENCES item (id))");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'a'), (2, 'b', 1, 'b'), (3, 'c', 1, 'c')");
    run(w, "INSERT INTO child VALUES (2)");
    if (w->on->bit & ON_SQLITE) {
        ok(w, bm_execute(w->db, "PRAGMA foreign_keys = on", &w->err));
    }
    const int64_t keys[] = {3, 1, 2};
    bm_status status = bm_delete(w->db, bm_keys(&item_model, keys, 3), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_CONSTRAINT);
    assert_string_equal(w->err.sqlstate, "23503");
    assert_int_equal(w->err.row, 2);
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    expect_number(w, 3, "SELECT count(*) FROM item");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, rows_by_key),
    CASE(ON_SQL, missing_rows_are_told),
    CASE(ON_SQL, require_all_deletes_all_or_none),
    CASE(ON_SQL, duplicates),
    CASE(ON_ALL, many_rows_in_chunks),
    CASE(ON_SQL, a_querysets_rows),
    CASE(ON_ALL, all_rows_are_refused),
    CASE(ON_ALL, a_key_without_a_value_is_refused),
    CASE(ON_SQL, a_row_that_is_referred_to),
};

int main(void)
{
    return conformance_run("delete", cases, sizeof cases / sizeof cases[0]);
}
