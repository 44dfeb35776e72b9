/* What is done to a table as a whole, and rows of it that a condition picks. */
#include "world.h"

#define WHAT(...) BM_OPTIONS(bm_maintain_options, .what = __VA_ARGS__)

static void create_given(world *w, size_t n)
{
    item *rows = some_items(n, 11, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n), NULL, NULL, &w->err));
    free(rows);
}

static void truncate_takes_all_rows(world *w)
{
    uint64_t n = 99;
    make_items(w, "");
    create_given(w, 5);
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), &n, &w->err));
    assert_int_equal(n, w->on->bit == ON_POSTGRESQL ? 0 : 5);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void truncate_shares_the_fate_of_its_transaction(world *w)
{
    bm_db *tx;
    make_items(w, "");
    create_given(w, 5);
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_maintain(tx, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err));
    bm_rollback(tx);
    expect_number(w, 5, "SELECT count(*) FROM item");
}

/* L4.  On SQLite DELETE would reach the children, too; PostgreSQL's TRUNCATE refuses. */
static void truncate_never_reaches_another_table(world *w)
{
    static const char *const rules[] = {
        "",
        "ON DELETE CASCADE",
        "ON DELETE SET NULL",
        "ON DELETE SET DEFAULT",
        "ON DELETE RESTRICT",
        "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bm_db *tx;
        make_items(w, "");
        create_given(w, 5);
        run(w, "CREATE TABLE \"the child\" (id integer PRIMARY KEY, i bigint REFERENCES item %s)",
            rules[i]);
        run(w, "INSERT INTO \"the child\" VALUES (1, 11), (2, NULL)");
        refused(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err),
                BM_UNSUPPORTED, BM_NO_ROW, "");
        assert_non_null(strstr(w->err.message, "\"the child\""));
        ok(w, bm_begin(w->db, &tx, &w->err));
        refused(w, bm_maintain(tx, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err), BM_UNSUPPORTED,
                BM_NO_ROW, "");
        bm_rollback(tx);
        expect(w, "1|11\n2|NULL\n", "SELECT id, i FROM \"the child\" ORDER BY id");
        expect_number(w, 5, "SELECT count(*) FROM item");
        run(w, "DELETE FROM \"the child\"");
        assert_int_equal(bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err),
                         BM_UNSUPPORTED); /* PostgreSQL does not look for rows, either */
        run(w, "DROP TABLE \"the child\"");
        ok(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err));
        run(w, "DROP TABLE item");
    }
}

/* L4.  Its own rows all go. */
static void truncate_of_a_table_that_references_itself(world *w)
{
    static const char *const rules[] = {"", "ON DELETE CASCADE", "ON DELETE SET NULL",
                                        "DEFERRABLE INITIALLY DEFERRED"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char more[128];
        snprintf(more, sizeof more, ", up bigint REFERENCES ITEM %s", rules[i]);
        make_items(w, more);
        create_given(w, 5);
        run(w, "UPDATE item SET up = 15");
        ok(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err));
        expect_number(w, 0, "SELECT count(*) FROM item");
        run(w, "DROP TABLE item");
    }
}

/* L4.  RESTRICT holds for each row as it goes (sqlite.org/foreignkeys.html, 4.3). */
static void truncate_that_a_key_of_its_own_restricts(world *w)
{
    make_items(w, ", up bigint REFERENCES item ON DELETE RESTRICT");
    create_given(w, 5);
    run(w, "UPDATE item SET up = 11");
    refused(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err), BM_CONSTRAINT,
            BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "\"item\" is not truncated: a foreign key to itself"));
    expect_number(w, 5, "SELECT count(*) FROM item");
}

/* L4.  TRUNCATE runs no trigger of rows; DELETE would. */
static void truncate_never_runs_a_trigger(world *w)
{
    static const char *const names[] = {"t", "\"INSERT\"", "main.[a \" b]",
                                        "main . 'q '' AFTER UPDATE'"};
    run(w, "CREATE TABLE other (id integer)");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_items(w, "");
        create_given(w, 5);
        run(w, "INSERT INTO other VALUES (1)");
        run(w,
            "CREATE TRIGGER IF NOT EXISTS %s /* AFTER INSERT */ AFTER -- UPDATE\n"
            "delete ON Item BEGIN DELETE FROM other; END",
            names[i]);
        refused(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err),
                BM_UNSUPPORTED, BM_NO_ROW, "");
        assert_non_null(strstr(w->err.message, "its trigger \""));
        expect_number(w, 5, "SELECT count(*) FROM item");
        expect_number(w, 1, "SELECT count(*) FROM other");
        run(w, "DROP TABLE item");
        run(w, "DELETE FROM other");
    }
}

/* L4.  Triggers of other events do not matter. */
static void truncate_with_triggers_of_other_events(world *w)
{
    make_items(w, "");
    create_given(w, 5);
    run(w, "CREATE TABLE other (id integer)");
    run(w, "CREATE TRIGGER \"delete\" BEFORE INSERT ON item BEGIN DELETE FROM other; END");
    run(w, "CREATE TRIGGER main.u UPDATE OF name ON item BEGIN DELETE FROM other; END");
    run(w, "CREATE TRIGGER o AFTER DELETE ON other BEGIN DELETE FROM item; END");
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err));
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void analyze_makes_statistics(world *w)
{
    make_items(w, "");
    create_given(w, 500);
    run(w, "CREATE INDEX by_value ON item (value)");
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_ANALYZE), NULL, &w->err));
    if (w->on->bit == ON_POSTGRESQL) {
        expect_number(w, 500, "SELECT reltuples::int FROM pg_class WHERE oid = 'item'::regclass");
    } else {
        expect_number(w, 1, "SELECT count(*) FROM sqlite_stat1 WHERE idx = 'by_value'");
    }
}

/* Keys of the rows' own leave a sequence behind; the next key that is made must be another. */
static void sequences_are_found_and_moved(world *w)
{
    uint64_t n = 99;
    bool counts = w->on->bit == ON_POSTGRESQL;
    make_items(w, "");
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_FIND_SEQUENCES), &n, &w->err));
    assert_int_equal(n, 0);
    create_given(w, 5);
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_FIND_SEQUENCES), &n, &w->err));
    assert_int_equal(n, counts ? 1 : 0);
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_SYNC_SEQUENCES), &n, &w->err));
    assert_int_equal(n, counts ? 1 : 0);
    run(w, "INSERT INTO item (name) VALUES ('next')");
    expect_number(w, 16, "SELECT id FROM item WHERE name = 'next'");
    ok(w, bm_maintain(w->db, &item_model, WHAT(BM_SYNC_SEQUENCES), &n, &w->err));
    assert_int_equal(n, 0); /* it never goes back */
}

static void odd_names(world *w)
{
    static const bm_field fields[] = {{.name = "i'd \"",
                                       .type = BM_INT8,
                                       .layout = BM_FIXED,
                                       .width = 8,
                                       .state_offset = BM_NO_STATE,
                                       .flags = BM_KEY}};
    static const bm_model odd = {
        .size = sizeof odd, .table = "a'b \"c", .row_size = 8, .fields = fields, .n_fields = 1};
    run(w, "CREATE TABLE \"a'b \"\"c\" (\"i'd \"\"\" %s)", w->on->made_key);
    run(w, "INSERT INTO \"a'b \"\"c\" VALUES (7)");
    ok(w, bm_maintain(w->db, &odd, WHAT(BM_SYNC_SEQUENCES), NULL, &w->err));
    ok(w, bm_maintain(w->db, &odd, WHAT(BM_ANALYZE), NULL, &w->err));
    run(w, "INSERT INTO \"a'b \"\"c\" DEFAULT VALUES");
    expect_number(w, 8, "SELECT max(\"i'd \"\"\") FROM \"a'b \"\"c\"");
    ok(w, bm_maintain(w->db, &odd, WHAT(BM_TRUNCATE), NULL, &w->err));
    expect_number(w, 0, "SELECT count(*) FROM \"a'b \"\"c\"");
}

static void calls_that_are_wrong(world *w)
{
    bm_model nothing = item_model;
    nothing.table = "nothing";
    make_items(w, "");
    assert_int_equal(bm_maintain(NULL, &item_model, WHAT(BM_ANALYZE), NULL, &w->err), BM_INVALID);
    assert_int_equal(bm_maintain(w->db, &item_model,
                                 WHAT(BM_ANALYZE, .call = BM_OPTIONS(bm_call, .dry_run = BM_ON)),
                                 NULL, &w->err),
                     BM_UNSUPPORTED);
    assert_int_equal(bm_maintain(w->db, NULL, WHAT(BM_ANALYZE), NULL, &w->err), BM_INVALID);
    assert_int_equal(bm_maintain(w->db, &nothing, WHAT(BM_ANALYZE), NULL, &w->err), BM_INVALID);
    assert_int_equal(bm_maintain(w->db, &item_model, WHAT((bm_maintenance)9), NULL, &w->err),
                     BM_INVALID);
}

/* L1: what COMMIT would refuse is refused before, and nothing is in the table. */
static void deferred_constraints_are_checked(world *w)
{
    bm_db *tx;
    bm_result result = BM_RESULT;
    run(w, "CREATE TABLE owner (id bigint PRIMARY KEY)");
    make_items(w, ", owner bigint DEFAULT 1 REFERENCES owner DEFERRABLE INITIALLY DEFERRED");
    const item row = {.id = 11, .name = "n"};
    const bm_rows rows = bm_structs(&item_given_model, &row, 1);
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_bulk_create(tx, rows, NULL, &result, &w->err));
    refused(w, bm_maintain(tx, &item_model, WHAT(BM_CHECK_CONSTRAINTS), NULL, &w->err),
            BM_CONSTRAINT, BM_NO_ROW, "");
    assert_string_equal(w->err.sqlstate, "23503");
    bm_rollback(tx);
    const bm_call *dry = BM_OPTIONS(bm_call, .dry_run = BM_ON);
    assert_int_equal(bm_bulk_create(w->db, rows, BM_OPTIONS(bm_bulk_create_options, .call = dry),
                                    &result, &w->err),
                     BM_CONSTRAINT);
    expect_number(w, 0, "SELECT count(*) FROM item");
    run(w, "INSERT INTO owner VALUES (1)");
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_bulk_create(tx, rows, NULL, &result, &w->err));
    ok(w, bm_maintain(tx, &item_model, WHAT(BM_CHECK_CONSTRAINTS), NULL, &w->err));
    ok(w, bm_commit(tx, &w->err));
    expect_number(w, 1, "SELECT count(*) FROM item");
    bm_result_clear(&result);
}

static void constraints_are_checked_in_a_transaction(world *w)
{
    make_items(w, "");
    assert_int_equal(bm_maintain(w->db, &item_model, WHAT(BM_CHECK_CONSTRAINTS), NULL, &w->err),
                     BM_INVALID);
}

static void a_database_without_a_catalog(world *w)
{
    assert_int_equal(bm_maintain(w->db, &item_model, WHAT(BM_TRUNCATE), NULL, &w->err),
                     BM_UNSUPPORTED);
}

/* TRUNCATE waits for a transaction that has read the table. */
static void a_token_ends_the_wait(world *w)
{
    bm_db *tx;
    bm_cancel *token;
    make_items(w, "");
    create_given(w, 5);
    ok(w, bm_cancel_create(&token, &w->err));
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_copy_to(tx, bm_all(&item_model), NULL, fresh(w), &w->err));
    assert_int_equal(bm_maintain(w->db, &item_model,
                                 WHAT(BM_TRUNCATE, .call = BM_OPTIONS(bm_call, .timeout_ms = 50)),
                                 NULL, &w->err),
                     BM_TIMEOUT);
    bm_cancel_set(token);
    assert_int_equal(bm_maintain(w->db, &item_model,
                                 WHAT(BM_TRUNCATE, .call = BM_OPTIONS(bm_call, .cancel = token)),
                                 NULL, &w->err),
                     BM_CANCELLED);
    bm_rollback(tx);
    bm_cancel_free(token);
    expect_number(w, 5, "SELECT count(*) FROM item");
}

static void a_condition_and_an_order(world *w)
{
    make_items(w, "");
    create_given(w, 5); /* ids 11 to 15, values 0, 10 ... 40 */
    ok(w, bm_copy_to(w->db, bm_all(&item_model),
                     COPY(.where = "value > 5 -- OR true", .order_by = "t.value DESC -- x"),
                     fresh(w), &w->err));
    assert_int_equal(w->result.read, 4);
    for (size_t i = 0; i < 4; i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        assert_int_equal(row->value, 40 - 10 * (int)i);
    }
    ok(w, bm_copy_to(w->db, bm_all(&item_model),
                     COPY(.where = "value > 15 OR id = 11", .order_by_key = BM_ON), fresh(w),
                     &w->err));
    assert_int_equal(w->result.read, 4);
    assert_int_equal(((const item *)bm_queryset_at(w->result.queryset, 0))->id, 11);
    ok(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.where = "false"), fresh(w), &w->err));
    assert_int_equal(w->result.read, 0);
}

static void conditions_that_are_wrong(world *w)
{
    int64_t keys[1] = {11};
    make_items(w, "");
    assert_int_equal(
        bm_copy_to(w->db, bm_keys(&item_model, keys, 1), COPY(.where = "true"), fresh(w), &w->err),
        BM_INVALID);
    assert_int_equal(bm_copy_to(w->db, bm_all(&item_model),
                                COPY(.order_by = "value", .order_by_key = BM_ON), fresh(w),
                                &w->err),
                     BM_INVALID);
    bm_status status =
        bm_copy_to(w->db, bm_all(&item_model), COPY(.where = "nothing = 1"), fresh(w), &w->err);
    assert_int_equal(status, w->on->bit == ON_POSTGRESQL ? BM_INVALID : BM_DATABASE);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, truncate_takes_all_rows),
    CASE(ON_SQL, truncate_shares_the_fate_of_its_transaction),
    CASE(ON_SQL, truncate_never_reaches_another_table),
    CASE(ON_SQL, truncate_of_a_table_that_references_itself),
    CASE(ON_SQLITE, truncate_that_a_key_of_its_own_restricts),
    CASE(ON_SQLITE, truncate_never_runs_a_trigger),
    CASE(ON_SQLITE, truncate_with_triggers_of_other_events),
    CASE(ON_SQL, analyze_makes_statistics),
    CASE(ON_SQL, sequences_are_found_and_moved),
    CASE(ON_SQL, odd_names),
    CASE(ON_SQL, calls_that_are_wrong),
    CASE(ON_SQL, deferred_constraints_are_checked),
    CASE(ON_SQL, constraints_are_checked_in_a_transaction),
    CASE(ON_MEMORY, a_database_without_a_catalog),
    CASE(ON_POSTGRESQL, a_token_ends_the_wait),
    CASE(ON_SQL, a_condition_and_an_order),
    CASE(ON_SQL, conditions_that_are_wrong),
};

int main(void)
{
    return conformance_run("maintain", cases, sizeof cases / sizeof cases[0]);
}
