/* Where two facts meet: cells without a value in keys, triggers that come later, equal keys that
 * are not the same bytes, defaults in updates. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

/* SQLite would make a key for NULL: that is not what was asked. */
static void a_key_that_is_null(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 10, 1);
    rows[1].id_state = BM_NULL;
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, 1, "id");
    status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                            CREATE(.return_queryset = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_INVALID, 1, "id");
    rows[2].id_state = BM_DEFAULT_CELL; /* one key is made, and the NULL is still none */
    status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                            CREATE(.return_queryset = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_INVALID, 1, "id");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void defaults_in_columns_are_read_back(world *w)
{
    make_items(w, "");
    const char *names[] = {"a", "b"};
    const int32_t values[] = {1, 2};
    const uint8_t states[] = {BM_VALUE, BM_DEFAULT_CELL};
    const bm_column columns[4] = {[1] = {.type = BM_VARCHAR,
                                         .layout = BM_CSTR,
                                         .width = sizeof(char *),
                                         .data = names,
                                         .stride = sizeof(char *)},
                                  [2] = {.type = BM_INT4,
                                         .layout = BM_FIXED,
                                         .width = 4,
                                         .data = values,
                                         .stride = 4,
                                         .states = states,
                                         .state_stride = 1}};
    ok(w, bm_bulk_create(w->db, bm_columns(&item_model, columns, 2),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    expect(w, "a|1|none\nb|7|none\n", "SELECT name, value, note FROM item ORDER BY id");
    bm_column value;
    bm_column note;
    ok(w, bm_queryset_column(w->result.queryset, "value", &value));
    int32_t second;
    memcpy(&second, (const char *)value.data + value.stride, 4);
    assert_int_equal(second, 7);
    assert_int_equal(value.states[value.state_stride], BM_VALUE);
    ok(w, bm_queryset_column(w->result.queryset, "note", &note));
    assert_int_equal(note.layout, BM_SLICE);
    bm_slice text;
    memcpy(&text, note.data, sizeof text);
    assert_int_equal(text.size, 4);
    assert_memory_equal(text.data, "none", 4);
}

static void a_default_cell_in_an_update(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'x')");
    item *rows = some_items(2, 1, 1);
    rows[1].value_state = BM_DEFAULT_CELL;
    bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2),
                                        FIELDS("value"), fresh(w), &w->err);
    if (status == BM_OK) {
        expect(w, "0\n7\n", "SELECT value FROM item ORDER BY id");
    } else { /* the header: on create only */
        refused(w, status, BM_INVALID, 1, "value");
        expect(w, "1\n2\n", "SELECT value FROM item ORDER BY id");
    }
    free(rows);
}

static void a_trigger_that_comes_later(world *w, size_t n)
{
    make_items(w, "");
    item *rows = some_items(n, 0, 0);
    bm_rows given = bm_structs(&item_model, rows, n);
    ok(w, bm_bulk_create(w->db, given, CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    run(w, "DELETE FROM item");
    run(w,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.value = 10 THEN "
        "RETURN NULL; END IF; RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON item FOR "
        "EACH ROW EXECUTE FUNCTION f()");
    bm_status status = bm_bulk_create(w->db, given, NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_DATABASE); /* one statement is its own commit: the fate says so */
    bool committed = w->err.fate == BM_FATE_COMMITTED;
    assert_true(committed ? n <= 1000 : w->err.fate == BM_FATE_ROLLED_BACK);
    expect_number(w, committed ? (int64_t)n - 1 : 0, "SELECT count(*) FROM item");
    run(w, "DELETE FROM item");
    status = bm_bulk_create(w->db, given, NULL, fresh(w), &w->err); /* by now it is known */
    assert_int_equal(status, BM_DATABASE);
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    status = bm_bulk_create(w->db, given, CREATE(.return_queryset = BM_ON), fresh(w), &w->err);
    assert_int_equal(status, BM_DATABASE);
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void a_trigger_that_comes_later_to_few(world *w)
{
    a_trigger_that_comes_later(w, 3);
}

static void a_trigger_that_comes_later_to_many(world *w)
{
    a_trigger_that_comes_later(w, 1200);
}

static void an_update_that_a_trigger_drops(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'x')");
    run(w, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 2 THEN "
           "RETURN NULL; END IF; RETURN NEW; END $$; CREATE TRIGGER t BEFORE UPDATE ON item FOR "
           "EACH ROW EXECUTE FUNCTION f()");
    item *rows = some_items(2, 1, 1);
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"),
                                      .return_outcomes = BM_ON),
                           fresh(w), &w->err));
    expect_outcomes(w, "um");
    assert_int_equal(w->result.updated, 1);
    free(rows);
}

/* Keys that differ in bytes and are equal to the database: each row is counted as what it became.
 * */
static void keys_that_are_equal_to_the_database_only(world *w)
{
    run(w, "CREATE TABLE word (word text COLLATE NOCASE PRIMARY KEY, n integer)");
    word rows[] = {{"Abc", 1}, {"x", 2}, {"aBC", 3}};
    ok(w, bm_bulk_create(w->db, bm_structs(&word_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect(w, "Abc|3\nx|2\n", "SELECT word, n FROM word ORDER BY word");
    expect_outcomes(w, "iiu");
    assert_int_equal(w->result.inserted, 2);
    assert_int_equal(w->result.updated, 1);
}

static void keys_that_are_equal_to_the_database_only_are_ignored(world *w)
{
    run(w, "CREATE TABLE word (word text COLLATE NOCASE PRIMARY KEY, n integer)");
    word rows[] = {{"Abc", 1}, {"x", 2}, {"aBC", 3}};
    ok(w, bm_bulk_create(w->db, bm_structs(&word_model, rows, 3),
                         CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect(w, "Abc|1\nx|2\n", "SELECT word, n FROM word ORDER BY word");
    expect_outcomes(w, "iig");
    assert_int_equal(w->result.inserted, 2);
    assert_int_equal(w->result.ignored, 1);
}

/* PostgreSQL refuses to update a row twice (21000): the row is named. */
static void a_row_that_would_be_updated_twice(world *w)
{
    run(w, "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = "
           "false)");
    run(w, "CREATE TABLE word (word text COLLATE nocase PRIMARY KEY, n integer)");
    word rows[] = {{"Abc", 1}, {"x", 2}, {"aBC", 3}, {"y", 4}};
    bm_status status = bm_bulk_create(w->db, bm_structs(&word_model, rows, 4),
                                      CREATE(.update_conflicts = BM_ON), fresh(w), &w->err);
    assert_int_not_equal(status, BM_OK);
    assert_string_equal(w->err.sqlstate, "21000");
    expect_number(w, 0, "SELECT count(*) FROM word");
}

/* Outcomes without keys to tell: rows that an explicit key brings. */
static void skipped_rows_with_explicit_keys(world *w)
{
    make_items(w, "");
    run(w,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.value = 10 THEN "
        "RETURN NULL; END IF; RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON item FOR "
        "EACH ROW EXECUTE FUNCTION f()");
    item *rows = some_items(1200, 1, 1);
    for (size_t n = 3; n <= 1200; n += 1197) {
        run(w, "DELETE FROM item");
        ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n),
                             CREATE(.allow_skipped = BM_ON, .return_outcomes = BM_ON), fresh(w),
                             &w->err));
        assert_int_equal(w->result.inserted, n - 1);
        assert_int_equal(w->result.outcomes[1], BM_ROW_IGNORED);
        assert_int_equal(w->result.outcomes[2], BM_ROW_INSERTED);
        expect_number(w, (int64_t)n - 1, "SELECT count(*) FROM item");
    }
    free(rows);
}

/* An upsert whose rows a trigger changes: the queryset is what the table holds. */
static void an_upsert_that_a_trigger_changes(world *w)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "INSERT INTO item VALUES (-1, 'n1', 1, 'old')");
    run(w, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := TG_OP; "
           "RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT OR UPDATE ON item FOR EACH ROW "
           "EXECUTE FUNCTION f()");
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                                .return_queryset = BM_ON, .return_outcomes = BM_ON),
                         fresh(w), &w->err));
    expect_outcomes(w, "iui");
    expect(w, "n0|INSERT\nn1|UPDATE\nn2|INSERT\n", "SELECT name, note FROM item ORDER BY name");
    const item *made = bm_queryset_at(w->result.queryset, 0);
    assert_string_equal(made[0].note, "INSERT");
    assert_string_equal(made[1].note, "UPDATE");
    assert_int_equal(made[1].id, -1);
    free(rows);
}

static void a_partial_index_is_no_conflict_target(world *w)
{
    make_items(w, "");
    run(w, "CREATE UNIQUE INDEX part ON item (name) WHERE value > 5");
    item *rows = some_items(2, 1, 1);
    bm_status status = bm_bulk_create(
        w->db, bm_structs(&item_given_model, rows, 2),
        CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, a_key_that_is_null),
    CASE(ON_SQL, defaults_in_columns_are_read_back),
    CASE(ON_SQL, a_default_cell_in_an_update),
    CASE(ON_POSTGRESQL, a_trigger_that_comes_later_to_few),
    CASE(ON_POSTGRESQL, a_trigger_that_comes_later_to_many),
    CASE(ON_POSTGRESQL, an_update_that_a_trigger_drops),
    CASE(ON_SQLITE, keys_that_are_equal_to_the_database_only),
    CASE(ON_SQLITE, keys_that_are_equal_to_the_database_only_are_ignored),
    CASE(ON_POSTGRESQL, a_row_that_would_be_updated_twice),
    CASE(ON_POSTGRESQL, skipped_rows_with_explicit_keys),
    CASE(ON_POSTGRESQL, an_upsert_that_a_trigger_changes),
    CASE(ON_SQL, a_partial_index_is_no_conflict_target),
};

int main(void)
{
    return conformance_run("edges", cases, sizeof cases / sizeof cases[0]);
}
