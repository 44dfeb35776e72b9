/* bm_upsert: what is new is inserted, what differs is updated, the rest is not written.  That a row
 * was not written is seen by a trigger that counts the writes of the table. */
#include "world.h"

#define UPSERT(...) BM_OPTIONS(bm_upsert_options, __VA_ARGS__)
#define BY_NAME .unique_fields = BM_NAMES("name"), .return_outcomes = BM_ON

/* item, name unique, with rows 5 "n0" 0 "text", 7 "n1" 700 "old". */
static void make_two(world *w)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "INSERT INTO item VALUES (5, 'n0', 0, 'text'), (7, 'n1', 700, 'old')");
    if (w->on->move_on != NULL) {
        run(w, "%s", w->on->move_on);
    }
}

/* From now on each UPDATE of a row of item adds one to the rows of "log". */
static void count_updates(world *w)
{
    run(w, "CREATE TABLE log (id bigint)");
    if (w->on->bit == ON_POSTGRESQL) {
        run(w, "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS "
               "$$ BEGIN INSERT INTO log VALUES (new.id); RETURN NULL; END $$");
        run(w, "CREATE TRIGGER noted AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note_it()");
    } else {
        run(w, "CREATE TRIGGER noted AFTER UPDATE ON item FOR EACH ROW "
               "BEGIN INSERT INTO log VALUES (new.id); END");
    }
}

/* Rule 3: outcomes and keys are in the order of the rows, those of unchanged rows too. */
static void unchanged_rows_are_not_written(world *w)
{
    make_two(w);
    count_updates(w);
    item *rows = some_items(4, -1, 0); /* n0 as it is, n1 with other values, n2 and n3 new */
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4), UPSERT(BY_NAME, .keys_into = rows),
                    fresh(w), &w->err));
    expect_outcomes(w, "=uii");
    assert_int_equal(w->result.inserted, 2);
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.unchanged, 1);
    assert_int_equal(rows[0].id, 5);
    assert_int_equal(rows[1].id, 7);
    expect_number(w, rows[2].id, "SELECT id FROM item WHERE name = 'n2'");
    expect(w, "7\n", "SELECT id FROM log");
    expect(w, "n0|0|text\nn1|10|text\nn2|20|text\nn3|30|text\n",
           "SELECT name, value, note FROM item ORDER BY name");

    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4), UPSERT(BY_NAME), fresh(w), &w->err));
    expect_outcomes(w, "====");
    expect_number(w, 1, "SELECT count(*) FROM log");
    free(rows);
}

static void unchanged_rows_are_written_on_request(world *w)
{
    make_two(w);
    count_updates(w);
    item *rows = some_items(3, -1, 0);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3),
                    UPSERT(BY_NAME, .update_unchanged = BM_ON), fresh(w), &w->err));
    expect_outcomes(w, "uui");
    assert_int_equal(w->result.unchanged, 0);
    expect_number(w, 2, "SELECT count(*) FROM log");
    free(rows);
}

/* By the primary key, of rows that give it; the counts come without outcomes, too. */
static void by_primary_key_in_batches(world *w)
{
    make_items(w, "");
    item *rows = some_items(30, 1, 1);
    ok(w, bm_upsert(w->db, bm_structs(&item_given_model, rows, 20), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 20);
    rows[3].value = -3;
    rows[17].note = NULL;
    count_updates(w);
    ok(w, bm_upsert(w->db, bm_structs(&item_given_model, rows, 30), UPSERT(.batch_size = 7),
                    fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 10);
    assert_int_equal(w->result.updated, 2);
    assert_int_equal(w->result.unchanged, 18);
    expect(w, "4\n18\n", "SELECT id FROM log ORDER BY id");
    expect(w, "-3|text\n170|NULL\n",
           "SELECT value, note FROM item WHERE id IN (4, 18) ORDER BY id");
    free(rows);
}

/* NULL is a value that can stay and change; NULL in the unique field is equal to none. */
static void null_is_compared_as_a_value(world *w)
{
    make_two(w);
    run(w, "UPDATE item SET note = NULL");
    item *rows = some_items(2, -1, 0);
    rows[0].note = NULL; /* as it is */
    rows[1].value = 700; /* its note becomes a text */
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 2), UPSERT(BY_NAME), fresh(w), &w->err));
    expect_outcomes(w, "=u");
    expect(w, "NULL\ntext\n", "SELECT note FROM item ORDER BY id");
    free(rows);
}

/* Letters that differ for bytes alone are a change, whatever the collation says. */
static void case_is_a_change(world *w)
{
    const bool lite = (w->on->bit & ON_SQLITE) != 0;
    run(w, "CREATE TABLE item (id %s, name varchar(50), value int, note text%s)", w->on->made_key,
        lite ? " COLLATE NOCASE" : "");
    run(w, "INSERT INTO item VALUES (1, 'n0', 0, 'Text')");
    item *rows = some_items(1, 1, 1);
    ok(w, bm_upsert(w->db, bm_structs(&item_given_model, rows, 1), UPSERT(.return_outcomes = BM_ON),
                    fresh(w), &w->err));
    expect_outcomes(w, "u");
    expect(w, "text\n", "SELECT note FROM item");
    free(rows);
}

/* A condition chooses the rows to update; others that exist are ignored. */
static void where_chooses_what_is_updated(world *w)
{
    make_two(w);
    run(w, "INSERT INTO item VALUES (8, 'n2', 1, 'old')");
    item *rows = some_items(4, -1, 0); /* n0 0, n1 10 (has 700), n2 20 (has 1), n3 new */
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4),
                    UPSERT(BY_NAME, .where = "t.value < excluded.value -- only upwards"), fresh(w),
                    &w->err));
    expect_outcomes(w, "ggui");
    assert_int_equal(w->result.ignored, 2);
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.inserted, 1);
    expect(w, "n0|0\nn1|700\nn2|20\nn3|30\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

static void bad_options_are_refused(world *w)
{
    make_two(w);
    item *rows = some_items(2, -1, 0);
    bm_rows two = bm_structs(&item_model, rows, 2);
    refused(w, bm_upsert(w->db, two, UPSERT(.where = ""), fresh(w), &w->err), BM_INVALID, BM_NO_ROW,
            "");
    refused(w, bm_upsert(w->db, two, UPSERT(.update_unchanged = (bm_switch)7), fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "");
    refused(w, bm_upsert(w->db, two, UPSERT(.unique_fields = BM_NAMES("nix")), fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "nix");
    rows[1].name = "n0";
    refused(w, bm_upsert(w->db, two, UPSERT(BY_NAME), fresh(w), &w->err), BM_INVALID, 0, "name");
    assert_int_equal(w->err.other_row, 1);
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

/* A trigger that drops rows: an error, and nothing is written; or a row that is ignored. */
static void a_row_that_a_trigger_drops_is_not_unchanged(world *w)
{
    make_two(w);
    if (w->on->bit == ON_POSTGRESQL) {
        run(w, "CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
               "IF new.name = 'n2' THEN RETURN NULL; END IF; RETURN new; END $$");
        run(w, "CREATE TRIGGER dropped BEFORE INSERT ON item FOR EACH ROW "
               "EXECUTE FUNCTION drop_it()");
    } else {
        run(w, "CREATE TRIGGER dropped BEFORE INSERT ON item FOR EACH ROW WHEN new.name = 'n2' "
               "BEGIN SELECT RAISE(IGNORE); END");
    }
    item *rows = some_items(4, -1, 0);
    refused(w,
            bm_upsert(w->db, bm_structs(&item_model, rows, 4), UPSERT(BY_NAME), fresh(w), &w->err),
            BM_DATABASE, BM_NO_ROW, "");
    expect(w, "n0|0\nn1|700\n", "SELECT name, value FROM item ORDER BY name");
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4),
                    UPSERT(BY_NAME, .allow_skipped = BM_ON), fresh(w), &w->err));
    expect_outcomes(w, "=ugi");
    assert_int_equal(w->result.unchanged, 1);
    assert_int_equal(w->result.ignored, 1);
    free(rows);
}

/* The sequence gives a value for each new row and no other. */
static void no_value_of_the_sequence_is_used_up(world *w)
{
    make_two(w);
    item *rows = some_items(6, -1, 0);
    int64_t before = number(w, "SELECT last_value FROM item_id_seq");
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 6), UPSERT(BY_NAME, .keys_into = rows),
                    fresh(w), &w->err));
    expect_outcomes(w, "=uiiii");
    expect_number(w, before + 4, "SELECT last_value FROM item_id_seq");
    assert_int_equal(rows[1].id, 7);
    free(rows);
}

/* Partitions have no xmax to ask: the key that was made tells who is new. */
static void into_partitions(world *w)
{
    run(w, "CREATE TABLE item (id bigserial, name varchar(50) UNIQUE, value int, note text) "
           "PARTITION BY HASH (name)");
    run(w, "CREATE TABLE item_0 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 0)");
    run(w, "CREATE TABLE item_1 PARTITION OF item FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
    run(w, "INSERT INTO item VALUES (500, 'n0', 0, 'text'), (700, 'n1', 7, 'old')");
    item *rows = some_items(3, -1, 0);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3), UPSERT(BY_NAME, .keys_into = rows),
                    fresh(w), &w->err));
    expect_outcomes(w, "=ui");
    assert_int_equal(rows[0].id, 500);
    assert_int_equal(rows[1].id, 700);
    free(rows);
}

/* ON CONFLICT sees the table alone: rows of those that inherit from it are none of its own. */
static void rows_of_inheriting_tables_are_others(world *w)
{
    make_two(w);
    run(w, "CREATE TABLE heir () INHERITS (item)");
    run(w, "INSERT INTO heir VALUES (800, 'n0', 0, 'text'), (801, 'n2', 20, 'text')");
    item *rows = some_items(3, -1, 0);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3), UPSERT(BY_NAME, .keys_into = rows),
                    fresh(w), &w->err));
    expect_outcomes(w, "=ui");
    expect(w, "n0|0\nn1|10\nn2|20\n", "SELECT name, value FROM ONLY item ORDER BY name");
    assert_int_equal(rows[0].id, number(w, "SELECT id FROM ONLY item WHERE name = 'n0'"));
    free(rows);
}

/* The row is compared as the trigger makes it. */
static void a_trigger_that_changes_values_is_run(world *w)
{
    make_two(w);
    run(w, "UPDATE item SET note = 'TEXT' WHERE name = 'n0'");
    run(w, "CREATE FUNCTION lower_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
           "new.note := lower(new.note); RETURN new; END $$");
    run(w, "CREATE TRIGGER lowered BEFORE INSERT ON item FOR EACH ROW "
           "EXECUTE FUNCTION lower_it()");
    item *rows = some_items(1, -1, 0);
    rows[0].note = "TEXT";
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 1), UPSERT(BY_NAME), fresh(w), &w->err));
    expect_outcomes(w, "u");
    expect(w, "text\n", "SELECT note FROM item WHERE name = 'n0'");
    free(rows);
}

/* Columns may have any names, those of the statement's own too. */
typedef struct ordered {
    int64_t id;
    const char *name;
    int32_t ord;
    int32_t inserted;
    const char *v;
} ordered;

static const bm_model ordered_model =
    BM_MODEL("ordered", ordered, BM_FIELD(ordered, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(ordered, name, BM_TEXT, 0), BM_FIELD(ordered, ord, BM_INT4, 0),
             BM_FIELD(ordered, inserted, BM_INT4, 0), BM_FIELD(ordered, v, BM_TEXT, 0));

static void columns_may_be_named_as_the_statement_s(world *w)
{
    run(w, w->on->bit == ON_POSTGRESQL
               ? "CREATE TABLE ordered (id bigserial PRIMARY KEY, name text, ord int, inserted int "
                 "UNIQUE, v text)"
               : "CREATE TABLE ordered (id integer PRIMARY KEY, name text, ord int, inserted int "
                 "UNIQUE, v text)");
    ordered rows[] = {{0, "a", 1, 1, "x"}, {0, "b", 2, 2, "y"}};
    const bm_rows given = bm_structs(&ordered_model, rows, 2);
    for (int i = 0; i < 3; i++) {
        rows[1].ord = i + 2;
        ok(w, bm_upsert(w->db, given,
                        UPSERT(.unique_fields = BM_NAMES("inserted"), .keys_into = rows,
                               .return_outcomes = BM_ON),
                        fresh(w), &w->err));
        expect_outcomes(w, i == 0 ? "ii" : "=u");
    }
    ok(w, bm_bulk_create(
              w->db, given,
              BM_OPTIONS(bm_bulk_create_options, .ignore_conflicts = BM_ON, .keys_into = rows),
              fresh(w), &w->err));
    expect(w, "1|1\n4|2\n", "SELECT ord, inserted FROM ordered ORDER BY id");
}

/* json has no equality, and 1.0 is equal to 1.00: both are compared as they are stored. */
typedef struct priced {
    int64_t id;
    const char *price;
    const char *facts;
} priced;

static const bm_model priced_model =
    BM_MODEL("priced", priced, BM_FIELD(priced, id, BM_INT8, BM_KEY),
             BM_FIELD(priced, price, BM_NUMERIC, 0), BM_FIELD(priced, facts, BM_JSON, 0));

static void stored_values_are_compared(world *w)
{
    run(w, "CREATE TABLE priced (id bigint PRIMARY KEY, price numeric, facts json)");
    run(w, "INSERT INTO priced VALUES (1, 1.0, '{}'), (2, 1.0, '{}'), (3, 1.0, '{}')");
    const priced rows[] = {{1, "1.00", "{}"}, {2, "1.0", "{ }"}, {3, "1.0", "{}"}};
    ok(w, bm_upsert(w->db, bm_structs(&priced_model, rows, 3), UPSERT(.return_outcomes = BM_ON),
                    fresh(w), &w->err));
    expect_outcomes(w, "uu=");
    expect(w, "1.00|{}\n1.0|{ }\n1.0|{}\n", "SELECT price, facts FROM priced ORDER BY id");
}

/* A dry run counts as the call would, and leaves the table. */
static void a_dry_run_counts(world *w)
{
    make_two(w);
    item *rows = some_items(4, -1, 0);
    const bm_call *call = BM_OPTIONS(bm_call, .dry_run = BM_ON);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4), UPSERT(BY_NAME, .call = call),
                    fresh(w), &w->err));
    expect_outcomes(w, "=uii");
    expect(w, "n0|0\nn1|700\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

/* The queryset has every row that is there behind the call, unchanged ones too. */
static void the_queryset_has_unchanged_rows(world *w)
{
    make_two(w);
    item *rows = some_items(3, -1, 0);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3),
                    UPSERT(BY_NAME, .return_queryset = BM_ON), fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 3);
    const item *first = bm_queryset_at(w->result.queryset, 0);
    const item *second = bm_queryset_at(w->result.queryset, 1);
    assert_int_equal(first->id, 5);
    assert_int_equal(second->id, 7);
    assert_int_equal(second->value, 10);
    free(rows);
}

static void duplicates_are_dropped_on_request(world *w)
{
    make_two(w);
    item *rows = some_items(3, -1, 0);
    rows[2].name = "n0";
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3),
                    UPSERT(BY_NAME, .duplicates = BM_DUPLICATES_FIRST), fresh(w), &w->err));
    expect_outcomes(w, "=ug");
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 3),
                    UPSERT(BY_NAME, .duplicates = BM_DUPLICATES_LAST), fresh(w), &w->err));
    expect_outcomes(w, "g=u");
    free(rows);
}

/* A cell that takes the column's default is compared as that default. */
static void a_default_is_compared_as_its_value(world *w)
{
    make_two(w); /* value has the default 7 */
    run(w, "UPDATE item SET value = 7 WHERE name = 'n0'");
    item *rows = some_items(2, -1, 0);
    rows[0].value_state = rows[1].value_state = BM_DEFAULT_CELL;
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 2), UPSERT(BY_NAME), fresh(w), &w->err));
    expect_outcomes(w, "=u");
    expect(w, "7\n7\n", "SELECT value FROM item");
    free(rows);
}

/* Rule 6: one call is one transaction, whatever its batches. */
static void a_failure_takes_all_batches_back(world *w)
{
    make_two(w);
    item *rows = some_items(20, -1, 0);
    rows[15].name_state = BM_NULL;
    refused(w,
            bm_upsert(w->db, bm_structs(&item_model, rows, 20), UPSERT(BY_NAME, .batch_size = 4),
                      fresh(w), &w->err),
            BM_CONSTRAINT, 15, "name");
    expect(w, "n0|0\nn1|700\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

/* Rule 12: inside the caller's transaction the call is part of it. */
static void it_takes_part_in_a_transaction(world *w)
{
    bm_db *tx;
    make_two(w);
    item *rows = some_items(3, -1, 0);
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_upsert(tx, bm_structs(&item_model, rows, 3), UPSERT(BY_NAME), fresh(w), &w->err));
    expect_outcomes(w, "=ui");
    bm_rollback(tx);
    expect(w, "n0|0\nn1|700\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

static void several_workers_share_the_rows(world *w)
{
    make_two(w);
    count_updates(w);
    item *rows = some_items(4000, -1, 0);
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4000),
                    UPSERT(BY_NAME, .concurrent = BM_ON, .max_concurrent_workers = 3,
                           .batch_size = 500, .keys_into = rows),
                    fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 3998);
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.unchanged, 1);
    assert_int_equal(rows[0].id, 5);
    rows[2000].value = -1;
    ok(w, bm_upsert(w->db, bm_structs(&item_model, rows, 4000),
                    UPSERT(BY_NAME, .concurrent = BM_ON, .max_concurrent_workers = 3), fresh(w),
                    &w->err));
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.unchanged, 3999);
    expect_number(w, 2, "SELECT count(*) FROM log");
    free(rows);
}

static void it_is_explained(world *w)
{
    make_two(w);
    item *rows = some_items(3, -1, 0);
    char *text;
    ok(w, bm_explain(w->db, "upsert", bm_structs(&item_model, rows, 3), UPSERT(BY_NAME), &text,
                     &w->err));
    assert_non_null(strstr(text, w->on->bit == ON_POSTGRESQL ? "*<>" : "IS NOT"));
    bm_free(text);
    ok(w, bm_explain(w->db, "upsert", bm_structs(&item_model, rows, 3),
                     UPSERT(BY_NAME, .update_unchanged = BM_ON), &text, &w->err));
    assert_null(strstr(text, w->on->bit == ON_POSTGRESQL ? "*<>" : "IS NOT"));
    bm_free(text);
    free(rows);
}

int main(void)
{
    static const conformance_case cases[] = {
        CASE(ON_SQL, unchanged_rows_are_not_written),
        CASE(ON_SQL, unchanged_rows_are_written_on_request),
        CASE(ON_SQL, by_primary_key_in_batches),
        CASE(ON_SQL, null_is_compared_as_a_value),
        CASE(ON_SQL, case_is_a_change),
        CASE(ON_SQL, where_chooses_what_is_updated),
        CASE(ON_SQL, bad_options_are_refused),
        CASE(ON_SQL, a_row_that_a_trigger_drops_is_not_unchanged),
        CASE(ON_POSTGRESQL, no_value_of_the_sequence_is_used_up),
        CASE(ON_POSTGRESQL, into_partitions),
        CASE(ON_POSTGRESQL, rows_of_inheriting_tables_are_others),
        CASE(ON_POSTGRESQL, a_trigger_that_changes_values_is_run),
        CASE(ON_SQL, columns_may_be_named_as_the_statement_s),
        CASE(ON_POSTGRESQL, stored_values_are_compared),
        CASE(ON_SQL, a_dry_run_counts),
        CASE(ON_SQL, the_queryset_has_unchanged_rows),
        CASE(ON_SQL, duplicates_are_dropped_on_request),
        CASE(ON_SQL, a_default_is_compared_as_its_value),
        CASE(ON_SQL, a_failure_takes_all_batches_back),
        CASE(ON_SQL, it_takes_part_in_a_transaction),
        CASE(ON_SQL, several_workers_share_the_rows),
        CASE(ON_SQL, it_is_explained),
    };
    return conformance_run("upsert", cases, sizeof cases / sizeof cases[0]);
}
