/* bm_begin, bm_commit, bm_rollback, savepoints, snapshots that share their fate, dry runs. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

static bm_db *begin(world *w, bm_db *db)
{
    bm_db *tx = NULL;
    ok(w, bm_begin(db, &tx, &w->err));
    assert_non_null(tx);
    return tx;
}

/* n rows with values from `first` on. */
static void add(world *w, bm_db *db, size_t n, int32_t first)
{
    item *rows = some_items(n, 0, 0);
    for (size_t i = 0; i < n; i++) {
        rows[i].value = first + (int32_t)i;
    }
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, n), NULL, NULL, &w->err));
    free(rows);
}

static void rows_stay_with_a_commit(world *w)
{
    make_items(w, "");
    bm_db *tx = begin(w, w->db);
    add(w, tx, 2, 1);
    add(w, tx, 1200, 100);
    expect_number(w, 0, "SELECT count(*) FROM item"); /* others do not see them */
    ok(w, bm_copy_to(tx, bm_all(&item_model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 1202); /* the transaction does */
    ok(w, bm_commit(tx, &w->err));
    expect_number(w, 1202, "SELECT count(*) FROM item");
    add(w, w->db, 1, 5000);
    expect_number(w, 1203, "SELECT count(*) FROM item");
}

static void rows_go_with_a_rollback(world *w)
{
    make_items(w, "");
    add(w, w->db, 2, 1);
    bm_db *tx = begin(w, w->db);
    add(w, tx, 3, 10);
    item *rows = some_items(2, 1, 1);
    ok(w, bm_delete(tx, bm_structs(&item_model, rows, 1), NULL, NULL, &w->err));
    ok(w,
       bm_update_fields(tx, bm_structs(&item_model, rows + 1, 1), FIELDS("value"), NULL, &w->err));
    bm_rollback(tx);
    expect(w, "1|1\n2|2\n", "SELECT id, value FROM item ORDER BY id");
    tx = begin(w, w->db);
    add(w, tx, 3, 10);
    bm_close(tx); /* closing a transaction rolls it back */
    expect_number(w, 2, "SELECT count(*) FROM item");
    bm_rollback(NULL);
    free(rows);
}

static void a_savepoint_is_rolled_back(world *w)
{
    make_items(w, "");
    bm_db *outer = begin(w, w->db);
    add(w, outer, 1, 1);
    bm_db *inner = begin(w, outer);
    add(w, inner, 1, 2);
    item *rows = some_items(1, 0, 0);
    bm_status status =
        bm_bulk_create(outer, bm_structs(&item_model, rows, 1), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, ""); /* the inner one is open */
    bm_db *innermost = begin(w, inner);
    add(w, innermost, 1, 3);
    ok(w, bm_commit(innermost, &w->err));
    bm_rollback(inner);
    add(w, outer, 1, 4);
    inner = begin(w, outer);
    add(w, inner, 1, 5);
    ok(w, bm_commit(inner, &w->err));
    ok(w, bm_commit(outer, &w->err));
    expect(w, "1\n4\n5\n", "SELECT value FROM item ORDER BY value");
    free(rows);
}

static void an_outer_rollback_takes_committed_savepoints(world *w)
{
    make_items(w, "");
    bm_db *outer = begin(w, w->db);
    bm_db *inner = begin(w, outer);
    add(w, inner, 1, 1);
    ok(w, bm_commit(inner, &w->err));
    inner = begin(w, outer);
    add(w, inner, 1, 2); /* left open: it shares the outer one's end */
    bm_rollback(outer);
    expect_number(w, 0, "SELECT count(*) FROM item");
    outer = begin(w, w->db);
    inner = begin(w, outer);
    add(w, inner, 1, 3);
    ok(w, bm_commit(outer, &w->err));
    expect(w, "3\n", "SELECT value FROM item");
}

/* ---- snapshots */

static size_t updated(world *w, bm_db *db, bm_queryset *queryset)
{
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated + result.unchanged + result.missing,
                     bm_queryset_count(queryset));
    return (size_t)result.updated;
}

static bm_queryset *three(world *w, bm_db *db)
{
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 3), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    free(rows);
    return w->result.queryset;
}

static void a_snapshot_is_rolled_back(world *w)
{
    make_items(w, "");
    bm_queryset *queryset = three(w, w->db);
    item *rows = bm_queryset_at(queryset, 0);
    bm_db *tx = begin(w, w->db);
    rows[1].value = 77;
    rows[2].note = "in the transaction";
    assert_int_equal(updated(w, tx, queryset), 2);
    assert_int_equal(updated(w, tx, queryset), 0);
    bm_rollback(tx);
    assert_int_equal(rows[1].value, 77);
    assert_string_equal(rows[2].note, "in the transaction");
    expect(w, "0|text\n10|text\n20|text\n", "SELECT value, note FROM item ORDER BY id");
    assert_int_equal(updated(w, w->db, queryset), 2);
    expect(w, "0|text\n77|text\n20|in the transaction\n",
           "SELECT value, note FROM item ORDER BY id");
    assert_int_equal(updated(w, w->db, queryset), 0);
}

static void a_snapshot_is_committed(world *w)
{
    make_items(w, "");
    bm_queryset *queryset = three(w, w->db);
    item *rows = bm_queryset_at(queryset, 0);
    bm_db *tx = begin(w, w->db);
    rows[0].value = 5;
    assert_int_equal(updated(w, tx, queryset), 1);
    ok(w, bm_commit(tx, &w->err));
    assert_int_equal(updated(w, w->db, queryset), 0);
}

static void a_snapshot_is_rolled_back_with_its_savepoint(world *w)
{
    make_items(w, "");
    bm_queryset *queryset = three(w, w->db);
    item *rows = bm_queryset_at(queryset, 0);
    bm_db *outer = begin(w, w->db);
    rows[0].value = 5;
    assert_int_equal(updated(w, outer, queryset), 1);
    bm_db *inner = begin(w, outer);
    rows[1].value = 6;
    assert_int_equal(updated(w, inner, queryset), 1);
    bm_rollback(inner);
    assert_int_equal(updated(w, outer, queryset), 1); /* row 1 again, row 0 is written */
    inner = begin(w, outer);
    rows[2].value = 7;
    assert_int_equal(updated(w, inner, queryset), 1);
    ok(w, bm_commit(inner, &w->err));
    assert_int_equal(updated(w, outer, queryset), 0);
    bm_rollback(outer);
    assert_int_equal(updated(w, w->db, queryset), 3);
    expect(w, "5\n6\n7\n", "SELECT value FROM item ORDER BY id");
}

/* Rows of a rolled back create are in no table: nothing is known of them. */
static void a_queryset_made_in_a_transaction_that_is_rolled_back(world *w)
{
    make_items(w, "");
    bm_db *tx = begin(w, w->db);
    bm_queryset *queryset = three(w, tx);
    bm_rollback(tx);
    assert_int_equal(bm_queryset_count(queryset), 3);
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset), NULL, &result, &w->err));
    assert_int_equal(result.missing, 3);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void a_queryset_may_go_before_its_transaction(world *w)
{
    make_items(w, "");
    bm_queryset *queryset = three(w, w->db);
    item *rows = bm_queryset_at(queryset, 0);
    bm_db *tx = begin(w, w->db);
    rows[0].value = 5;
    assert_int_equal(updated(w, tx, queryset), 1);
    bm_result_clear(&w->result);
    bm_rollback(tx);
    expect_number(w, 0, "SELECT min(value) FROM item");
}

/* ---- failures inside a transaction */

static void fails_inside(world *w, bm_db *tx, size_t n, size_t batch_size)
{
    item *rows = some_items(n, 0, 0);
    rows[n - 1].value = -1;
    bm_status status = bm_bulk_create(tx, bm_structs(&item_model, rows, n),
                                      CREATE(.batch_size = batch_size), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, n - 1, "");
    assert_int_equal(w->err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
    assert_string_equal(w->err.sqlstate, "23514");
    free(rows);
}

static void a_verb_that_fails_leaves_the_transaction_usable(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    bm_db *tx = begin(w, w->db);
    add(w, tx, 2, 1);
    fails_inside(w, tx, 5, 0);
    fails_inside(w, tx, 1300, 0);
    fails_inside(w, tx, 50, 20);
    item *rows = some_items(2, 1, 1);
    rows[1].value = -1;
    bm_status status = bm_update_fields(tx, bm_structs(&item_given_model, rows, 2), FIELDS("value"),
                                        fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1, "");
    rows[1].id = 999;
    status = bm_delete(tx, bm_structs(&item_given_model, rows, 2),
                       BM_OPTIONS(bm_delete_options, .require_all = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1, "");
    assert_int_equal(w->err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
    add(w, tx, 1, 100);
    ok(w, bm_commit(tx, &w->err));
    expect(w, "1\n2\n100\n", "SELECT value FROM item ORDER BY value");
    free(rows);
}

static void sql_that_fails_inside_a_transaction(world *w)
{
    make_items(w, "");
    bm_db *tx = begin(w, w->db);
    add(w, tx, 2, 1);
    assert_int_not_equal(bm_execute(tx, "NONSENSE", &w->err), BM_OK);
    bm_status status = bm_commit(tx, &w->err);
    if (w->on->aborts_transaction) {
        assert_int_not_equal(status, BM_OK); /* the server says ROLLBACK to the COMMIT */
        assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
        expect_number(w, 0, "SELECT count(*) FROM item");
    } else {
        ok(w, status);
        expect_number(w, 2, "SELECT count(*) FROM item");
    }
    add(w, w->db, 1, 100);
}

static void a_commit_that_fails(world *w)
{
    make_items(w, ", UNIQUE (name) DEFERRABLE INITIALLY DEFERRED");
    bm_db *tx = begin(w, w->db);
    add(w, tx, 2, 1);
    add(w, tx, 2, 1);
    assert_int_equal(bm_commit(tx, &w->err), BM_CONSTRAINT);
    assert_string_equal(w->err.sqlstate, "23505");
    assert_string_equal(w->err.verb, "commit");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    expect_number(w, 0, "SELECT count(*) FROM item");
    add(w, w->db, 2, 1);
}

static void concurrent_runs_on_the_one_connection(world *w)
{
    make_items(w, "");
    bm_db *tx = begin(w, w->db);
    item *rows = some_items(3000, 0, 0);
    ok(w, bm_bulk_create(tx, bm_structs(&item_model, rows, 3000),
                         CREATE(.concurrent = BM_ON, .batch_size = 500), fresh(w), &w->err));
    assert_int_equal(w->result.n_parts, 0);
    bm_rollback(tx);
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void two_transactions_at_once(world *w)
{
    make_items(w, "");
    bm_db *one = begin(w, w->db);
    bm_db *two = begin(w, w->db);
    add(w, one, 1, 1);
    add(w, two, 1, 2);
    add(w, w->db, 1, 3);
    bm_rollback(one);
    ok(w, bm_commit(two, &w->err));
    expect(w, "2\n3\n", "SELECT value FROM item ORDER BY value");
}

static void what_a_transaction_is_not(world *w)
{
    make_items(w, "");
    refused(w, bm_commit(w->db, &w->err), BM_INVALID, BM_NO_ROW, "");
    refused(w, bm_commit(NULL, &w->err), BM_INVALID, BM_NO_ROW, "");
    bm_rollback(w->db); /* nothing */
    bm_db *tx = begin(w, w->db);
    refused(w, bm_reset_connection(tx, &w->err), BM_INVALID, BM_NO_ROW, "");
    ok(w, bm_ensure_connected(tx, &w->err));
    add(w, tx, 1, 1);
    ok(w, bm_commit(tx, &w->err));
    ok(w, bm_ensure_connected(w->db, &w->err));
    expect_number(w, 1, "SELECT count(*) FROM item");
}

/* ---- dry runs */

static const bm_call dry = {.size = sizeof dry, .dry_run = BM_ON};

static void a_dry_run_writes_nothing(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    bm_queryset *queryset = three(w, w->db);
    item *rows = bm_queryset_at(queryset, 0);
    rows[1].value = 77;
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(queryset),
                           BM_OPTIONS(bm_update_fields_options, .call = &dry), &result, &w->err));
    assert_int_equal(result.updated, 1);
    ok(w, bm_delete(w->db, bm_queryset_rows(queryset), BM_OPTIONS(bm_delete_options, .call = &dry),
                    &result, &w->err));
    item *many = some_items(1200, 0, 0);
    for (size_t n = 4; n <= 1200; n += 1196) {
        ok(w, bm_bulk_create(w->db, bm_structs(&item_model, many, n), CREATE(.call = &dry), &result,
                             &w->err));
        assert_int_equal(result.inserted, n);
        bm_result_clear(&result);
    }
    many[3].value = -1;
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, many, 4), CREATE(.call = &dry),
                                      &result, &w->err);
    refused(w, status, BM_CONSTRAINT, 3, ""); /* it finds what a run would find */
    expect(w, "3|30\n", "SELECT count(*), sum(value) FROM item");
    assert_int_equal(updated(w, w->db, queryset), 1); /* the snapshot is as before */
    expect(w, "3|97\n", "SELECT count(*), sum(value) FROM item");
    free(many);
}

static void a_dry_run_inside_a_transaction(world *w)
{
    make_items(w, "");
    bm_db *tx = begin(w, w->db);
    add(w, tx, 1, 1);
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(tx, bm_structs(&item_model, rows, 3), CREATE(.call = &dry), fresh(w),
                         &w->err));
    assert_int_equal(w->result.inserted, 3);
    add(w, tx, 1, 2);
    ok(w, bm_commit(tx, &w->err));
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY value");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_FILE | ON_POSTGRESQL, rows_stay_with_a_commit),
    CASE(ON_SQL, rows_go_with_a_rollback),
    CASE(ON_SQL, a_savepoint_is_rolled_back),
    CASE(ON_SQL, an_outer_rollback_takes_committed_savepoints),
    CASE(ON_ALL, a_snapshot_is_rolled_back),
    CASE(ON_ALL, a_snapshot_is_committed),
    CASE(ON_ALL, a_snapshot_is_rolled_back_with_its_savepoint),
    CASE(ON_SQL, a_queryset_made_in_a_transaction_that_is_rolled_back),
    CASE(ON_ALL, a_queryset_may_go_before_its_transaction),
    CASE(ON_SQL, a_verb_that_fails_leaves_the_transaction_usable),
    CASE(ON_SQL, sql_that_fails_inside_a_transaction),
    CASE(ON_POSTGRESQL, a_commit_that_fails),
    CASE(ON_SQL, concurrent_runs_on_the_one_connection),
    CASE(ON_POSTGRESQL, two_transactions_at_once),
    CASE(ON_SQL, what_a_transaction_is_not),
    CASE(ON_SQL, a_dry_run_writes_nothing),
    CASE(ON_SQL, a_dry_run_inside_a_transaction),
};

int main(void)
{
    return conformance_run("transactions", cases, sizeof cases / sizeof cases[0]);
}
