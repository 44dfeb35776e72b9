/* Keys that are made beside given ones, of other types, behind pointers, or equal. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)

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

static const conformance_case cases[] = {
    CASE(ON_SQL, made_keys_are_above_the_given_ones),
    CASE(ON_POSTGRESQL, an_upsert_with_mixed_keys),
    CASE(ON_SQL, a_key_of_type_numeric),
    CASE(ON_SQL, keys_into_a_pointer),
    CASE(ON_POSTGRESQL, equal_keys_of_two_workers),
};

int main(void)
{
    return conformance_run("key_values", cases, sizeof cases / sizeof cases[0]);
}
