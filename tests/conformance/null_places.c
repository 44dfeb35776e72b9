/* Places that are NULL where the interface allows it, and where it does not. */
#include "world.h"

#include <unistd.h>

static void places_that_are_null(world *w)
{
    bm_db *db = NULL;
    bm_column column;
    make_items(w, "");
    item *rows = some_items(3, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    const bm_status got[] = {
        bm_open(w->url, NULL, NULL, &w->err),
        bm_open(NULL, NULL, &db, &w->err),
        bm_begin(w->db, NULL, &w->err),
        bm_begin(NULL, &db, &w->err),
        bm_commit(NULL, &w->err),
        bm_cancel_create(NULL, &w->err),
        bm_explain(w->db, "bulk_create", given, NULL, NULL, &w->err),
        bm_uuid_random(NULL),
        bm_attach_sqlite(NULL, &db, &w->err),
        bm_attach_sqlite(NULL, NULL, &w->err),
        bm_attach_libpq(NULL, &db, &w->err),
        bm_attach_libpq(w->pg, NULL, &w->err),
        bm_execute(w->db, NULL, &w->err),
        bm_bulk_create(NULL, given, NULL, fresh(w), &w->err),
        bm_queryset_column(NULL, "id", &column),
    };
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        if (got[i] != BM_INVALID) {
            fail_msg("call %zu: %s", i, bm_status_name(got[i]));
        }
    }
    assert_null(db);
    bm_cancel_set(NULL);
    bm_cancel_reset(NULL);
    bm_cancel_free(NULL);
    bm_rollback(NULL);
    bm_close(NULL);
    bm_queryset_free(NULL);
    bm_result_clear(NULL);
    bm_free(NULL);
    free(rows);
}

static void a_column_without_a_place(world *w)
{
    make_items(w, "");
    item *rows = some_items(2, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    assert_int_equal(bm_queryset_column(w->result.queryset, "id", NULL), BM_INVALID);
    bm_column column;
    assert_int_equal(bm_queryset_column(w->result.queryset, NULL, &column), BM_INVALID);
    free(rows);
}

static void a_row_that_is_a_null_pointer(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 1, 1);
    const void *const pointers[] = {&rows[0], &rows[1], NULL};
    bm_rows given = bm_struct_pointers(&item_given_model, pointers, 3);
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    refused(w,
            bm_update_fields(w->db, given,
                             BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")),
                             fresh(w), &w->err),
            BM_INVALID, 2, "");
    refused(w, bm_delete(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    refused(w, bm_copy_to(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_ALL, places_that_are_null),
    CASE(ON_SQL, a_column_without_a_place),
    CASE(ON_SQL, a_row_that_is_a_null_pointer),
};

int main(void)
{
    return conformance_run("null_places", cases, sizeof cases / sizeof cases[0]);
}
