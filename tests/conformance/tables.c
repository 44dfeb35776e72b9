/* Facts of a table on SQLite, and names and changes of a table on every engine. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

static bm_status create(world *w, const bm_model *model, item *rows, size_t n)
{
    return bm_bulk_create(w->db, bm_structs(model, rows, n), NULL, fresh(w), &w->err);
}

/* ---- SQLite */

static void the_strategy_on_sqlite(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 0, 0);
    explains(w, "bulk_create", bm_structs(&item_model, rows, 3), NULL,
             "reads the batch as a table");
    explains(w, "bulk_create", bm_structs(&item_model, rows, 3), KEYS_BACK,
             "keys follow the highest one in use");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

/* INSERT and UPDATE on a view are what its INSTEAD OF triggers make of them. */
static void a_view_with_triggers(world *w)
{
    run(w, "CREATE TABLE base (id INTEGER PRIMARY KEY, name text, value integer, note text)");
    run(w, "CREATE VIEW item AS SELECT * FROM base");
    run(w, "CREATE TRIGGER t INSTEAD OF INSERT ON item BEGIN INSERT INTO base VALUES (NEW.id, "
           "NEW.name, NEW.value, NEW.note); END");
    item *rows = some_items(3, 5, 1);
    ok(w, create(w, &item_given_model, rows, 3));
    assert_int_equal(w->result.inserted, 3);
    run(w,
        "CREATE TRIGGER u INSTEAD OF UPDATE ON item BEGIN UPDATE base SET value = NEW.value WHERE "
        "id = OLD.id; END");
    run(w, "CREATE TRIGGER d INSTEAD OF DELETE ON item BEGIN DELETE FROM base WHERE id = OLD.id; "
           "END");
    rows[0].id = 99;
    rows[2].value = 5;
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 3), FIELDS("value"), fresh(w),
                           &w->err));
    assert_int_equal(w->result.updated, 2);
    assert_int_equal(w->result.missing, 1);
    ok(w, bm_delete(w->db, bm_structs(&item_given_model, rows, 2), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 1);
    assert_int_equal(w->result.missing, 1);
    expect(w, "5|n0|0\n7|n2|5\n", "SELECT id, name, value FROM base ORDER BY id");
    free(rows);
}

static void a_view_without_triggers(world *w)
{
    run(w, "CREATE TABLE base (id INTEGER PRIMARY KEY, name text, value integer, note text)");
    run(w, "CREATE VIEW item AS SELECT * FROM base");
    item *rows = some_items(3, 5, 1);
    bm_status status = create(w, &item_given_model, rows, 3);
    refused(w, status, BM_DATABASE, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "view"));
    expect_number(w, 0, "SELECT count(*) FROM base");
    run(w, "INSERT INTO base VALUES (1, 'a', 1, 'b')");
    ok(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 1);
    free(rows);
}

/* RAISE(IGNORE) in a BEFORE trigger drops a row. */
static void a_trigger_that_drops_a_row(world *w)
{
    make_items(w, "");
    run(w, "CREATE TRIGGER t BEFORE INSERT ON item WHEN NEW.value = 10 BEGIN SELECT RAISE(IGNORE); "
           "END");
    item *rows = some_items(3, 0, 0);
    bm_status status = create(w, &item_model, rows, 3);
    assert_int_equal(status, BM_DATABASE);
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), KEYS_BACK, fresh(w), &w->err);
    assert_int_equal(status, BM_DATABASE);
    expect_number(w, 0, "SELECT count(*) FROM item");
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), CREATE(.allow_skipped = BM_ON),
                         fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 2);
    expect_number(w, 2, "SELECT count(*) FROM item");
    ok(w, bm_bulk_create(
              w->db, bm_structs(&item_model, rows, 3),
              CREATE(.allow_skipped = BM_ON, .return_queryset = BM_ON, .return_outcomes = BM_ON),
              fresh(w), &w->err));
    expect_outcomes(w, "igi");
    assert_int_equal(bm_queryset_count(w->result.queryset), 2);
    const item *second = bm_queryset_at(w->result.queryset, 1);
    assert_string_equal(second->name, "n2");
    expect(w, "n2|20\n", "SELECT name, value FROM item WHERE id = %d", (int)second->id);
    free(rows);
}

static void a_row_of_an_upsert_that_a_trigger_drops(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item (id, name) VALUES (1, 'old')");
    run(w, "CREATE TRIGGER t BEFORE INSERT ON item WHEN NEW.value = 10 BEGIN SELECT RAISE(IGNORE); "
           "END");
    upsert_with_a_dropped_row(w);
}

/* What is wrong with some rows of the upsert below, and what then becomes of its five rows: the
 * names of the second and the fourth are there, that of the third is NULL. */
static const struct {
    const char *table;
    const char *trigger;
    const char *outcomes;
} drops[] = {
    {"", "BEFORE UPDATE ON item WHEN NEW.value = 10", "igiui"},
    {"", "BEFORE INSERT ON item WHEN NEW.value = 10", "igiui"},
    {"", "BEFORE INSERT ON item WHEN NEW.value IN (0, 20)", "gugui"},
    {"", "BEFORE INSERT ON item WHEN NEW.value >= 0", "ggggg"},
    {"", "BEFORE INSERT ON item WHEN NEW.value < 0", "iuiui"},
    {", UNIQUE (value) ON CONFLICT IGNORE", NULL, "gugui"},
};

static void make_droppy(world *w, size_t i, bool late)
{
    run(w, "DROP TABLE IF EXISTS item");
    run(w,
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name text UNIQUE, value integer, note text%s)",
        drops[i].table);
    run(w, "INSERT INTO item VALUES (11, 'n1', 1, 'old'), (13, 'n3', 3, 'old'), (14, 'x', 0, ''), "
           "(15, 'y', 20, '')");
    if (!late && drops[i].trigger != NULL) {
        run(w, "CREATE TRIGGER t %s BEGIN SELECT RAISE(IGNORE); END", drops[i].trigger);
    }
}

/* Counts and outcomes are those of the table, whichever columns the conflict is on. */
static void rows_of_an_upsert_that_are_left_out(world *w)
{
    for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++) {
        for (int how = 0; how < 4; how++) {
            bool late = how == 3; /* the trigger comes when the table is known */
            item *rows = some_items(5, 0, 0);
            rows[2].name_state = BM_NULL;
            make_droppy(w, i, late);
            const item known = {.name = "z", .value = 1000, .note = ""};
            ok(w, bm_bulk_create(w->db, bm_structs(&item_model, &known, late), NULL, fresh(w),
                                 &w->err));
            if (late && drops[i].trigger != NULL) {
                run(w, "CREATE TRIGGER t %s BEGIN SELECT RAISE(IGNORE); END", drops[i].trigger);
            }
            ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 5),
                                 CREATE(.update_conflicts = BM_ON, .allow_skipped = BM_ON,
                                        .unique_fields = BM_NAMES("name"),
                                        .update_fields = BM_NAMES("value", "note"),
                                        .return_outcomes = how > 0 ? BM_ON : BM_OFF,
                                        .return_queryset = how > 1 ? BM_ON : BM_OFF),
                                 fresh(w), &w->err));
            uint64_t counts[3] = {0};
            for (const char *at = drops[i].outcomes; *at != '\0'; at++) {
                counts[*at == 'i' ? 0 : *at == 'u' ? 1 : 2]++;
            }
            assert_int_equal(w->result.inserted, counts[0]);
            assert_int_equal(w->result.updated, counts[1]);
            assert_int_equal(w->result.ignored, counts[2]);
            if (how > 0) {
                expect_outcomes(w, drops[i].outcomes);
            }
            if (how > 1) {
                assert_int_equal(bm_queryset_count(w->result.queryset), 5 - counts[2]);
            }
            expect_number(w, (int64_t)(counts[0] + counts[1]),
                          "SELECT count(*) FROM item WHERE note = 'text'");
            free(rows);
        }
    }
}

/* An update or a delete that a trigger drops: the row is not among those that were written. */
static void rows_by_key_that_are_left_out(world *w)
{
    make_items(w, "");
    item *rows = some_items(4, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3), NULL, NULL, &w->err));
    for (int late = 1; late >= 0; late--) { /* first the table is known without the trigger */
        run(w, "DROP TRIGGER IF EXISTS u");
        run(w, "DROP TRIGGER IF EXISTS d");
        ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 1), FIELDS("name"), NULL,
                               &w->err));
        run(w, "CREATE TRIGGER u BEFORE UPDATE ON item WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); "
               "END");
        run(w, "CREATE TRIGGER d BEFORE DELETE ON item WHEN OLD.id = 2 BEGIN SELECT RAISE(IGNORE); "
               "END");
        ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 4),
                               BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("note"),
                                          .return_outcomes = BM_ON),
                               fresh(w), &w->err));
        expect_outcomes(w, "umum");
        assert_int_equal(w->result.updated, 2);
        assert_int_equal(w->result.missing, 2);
    }
    ok(w, bm_delete(w->db, bm_structs(&item_given_model, rows, 4), DELETE(.return_outcomes = BM_ON),
                    fresh(w), &w->err));
    expect_outcomes(w, "dmdm");
    assert_int_equal(w->result.deleted, 2);
    expect(w, "2\n", "SELECT id FROM item");
    free(rows);
}

static void a_trigger_that_changes_a_column(world *w)
{
    make_items(w, "");
    run(w, "CREATE TRIGGER t AFTER INSERT ON item BEGIN UPDATE item SET note = 'by trigger ' || "
           "NEW.value WHERE id = NEW.id; END");
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), KEYS_BACK, fresh(w), &w->err));
    const item *last = bm_queryset_at(w->result.queryset, 2);
    expect(w, "by trigger 20\n", "SELECT note FROM item WHERE id = %d", (int)last->id);
    assert_string_equal(last->note, "by trigger 20");
    free(rows);
}

static void autoincrement_goes_on_after_deletes(world *w)
{
    run(w,
        "CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name text, value integer, note "
        "text)");
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), CREATE(.keys_into = rows), NULL,
                         &w->err));
    assert_int_equal(rows[2].id, 3);
    run(w, "DELETE FROM item");
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), CREATE(.keys_into = rows), NULL,
                         &w->err));
    assert_int_equal(rows[0].id, 4);
    assert_int_equal(rows[2].id, 6);
    ok(w, create(w, &item_model, rows, 1));
    expect(w, "4\n5\n6\n7\n", "SELECT id FROM item ORDER BY id");
    expect_number(w, 7, "SELECT seq FROM sqlite_sequence");
    free(rows);
}

static void without_rowid(world *w)
{
    run(w,
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name text, value integer, note text) WITHOUT "
        "ROWID");
    item *rows = some_items(4, 10, -3);
    ok(w, create(w, &item_given_model, rows, 4));
    rows[1].value = -1;
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2), FIELDS("value"), NULL,
                           &w->err));
    ok(w, bm_delete(w->db, bm_structs(&item_given_model, rows + 2, 1), NULL, NULL, &w->err));
    expect(w, "1|30\n7|-1\n10|0\n", "SELECT id, value FROM item ORDER BY id");
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 2), CREATE(.keys_into = rows), NULL,
                         &w->err));
    expect(w, "1\n7\n10\n11\n12\n", "SELECT id FROM item ORDER BY id");
    free(rows);
}

static void the_highest_key_is_used(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (9223372036854775807, 'top', 1, 'x')");
    item *rows = some_items(2, 0, 0);
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 2),
                                      CREATE(.keys_into = rows), fresh(w), &w->err);
    refused(w, status, BM_LIMIT, BM_NO_ROW, "id");
    expect_number(w, 1, "SELECT count(*) FROM item");
    free(rows);
}

static const bm_model other_model = {.size = sizeof(bm_model), .table = "item", .schema = "other"};

static void in_another_file(world *w, const char *key, const char *in_main)
{
    char path[TEST_PATH_MAX];
    char sql[TEST_PATH_MAX + 128];
    bm_model model = item_model;
    model.schema = other_model.schema;
    run(w, "CREATE TABLE %s", in_main);
    test_sqlite_file(path, NULL);
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS other; CREATE TABLE other.item (id %s, name text, value integer, note "
             "text)",
             path, key);
    ok(w, bm_execute(w->db, sql, &w->err));
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 3), CREATE(.keys_into = rows), NULL,
                         &w->err));
    assert_int_equal(rows[2].id, 3);
    rows[1].note = "changed";
    ok(w, bm_update_fields(w->db, bm_structs(&model, rows + 1, 1), FIELDS("note"), NULL, &w->err));
    ok(w, bm_delete(w->db, bm_structs(&model, rows + 2, 1), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 1), CREATE(.keys_into = rows), NULL,
                         &w->err));
    ok(w, bm_copy_to(w->db, bm_all(&model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 3);
    world judge = {.on = &engines[0]};
    snprintf(judge.path, sizeof judge.path, "%s", path);
    bool sequence = strstr(key, "AUTOINCREMENT") != NULL;
    expect(&judge, sequence ? "1|text\n2|changed\n4|text\n" : "1|text\n2|changed\n3|text\n",
           "SELECT id, note FROM item ORDER BY id");
    free(rows);
}

static void an_attached_file(world *w)
{
    in_another_file(w, "INTEGER PRIMARY KEY", "item (other integer)");
}

static void an_attached_file_with_a_sequence(world *w)
{
    in_another_file(w, "INTEGER PRIMARY KEY AUTOINCREMENT", "item (other integer)");
}

static void an_attached_file_beside_a_sequence(world *w)
{
    in_another_file(w, "INTEGER PRIMARY KEY", "mine (id INTEGER PRIMARY KEY AUTOINCREMENT)");
}

static void a_strict_table(world *w)
{
    run(w,
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, value TEXT, note INTEGER) STRICT");
    item *rows = some_items(2, 0, 0);
    bm_status status = create(w, &item_model, rows, 2);
    assert_int_equal(status, BM_CONVERT);
    assert_string_equal(w->err.column, "note");
    assert_int_equal(w->err.row, 0);
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- names */

typedef struct odd {
    int64_t key;
    int32_t a;
    const char *b;
} odd;

/* A table and columns whose names would break anything that is not quoted. */
static void odd_names(world *w)
{
    static const char *const names[] = {"x\"; DROP TABLE item; --",
                                        "\"first", /* T9 */
                                        "\"both\"",
                                        "100%s %n {} $1 ?1",
                                        "select",
                                        "ünï ✓",
                                        "a.b",
                                        "back\\slash",
                                        "it's",
                                        ":v.c0"};
    make_items(w, "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *quoted = NULL;
        FILE *out = text_begin(&quoted);
        fputs("\"", out);
        for (const char *at = names[i]; *at != '\0'; at++) {
            fprintf(out, "%s%c", *at == '"' ? "\"" : "", *at);
        }
        fputs("\"", out);
        fclose(out);
        const bm_field fields[] = {
            {"id \"k\"", BM_INT8, BM_FIXED, offsetof(odd, key), 8, BM_NO_STATE, BM_KEY},
            {names[i], BM_INT4, BM_FIXED, offsetof(odd, a), 4, BM_NO_STATE, 0},
            {"order", BM_TEXT, BM_CSTR, offsetof(odd, b), sizeof(char *), BM_NO_STATE, 0}};
        const bm_model model = {.size = sizeof model,
                                .table = names[i],
                                .row_size = sizeof(odd),
                                .fields = fields,
                                .n_fields = 3};
        run(w, "CREATE TABLE %s (\"id \"\"k\"\"\" bigint PRIMARY KEY, %s integer, \"order\" text)",
            quoted, quoted);
        odd rows[] = {{1, 1, "a"}, {2, 2, "b"}};
        ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 2), KEYS_BACK, fresh(w), &w->err));
        odd *made = bm_queryset_at(w->result.queryset, 1);
        made->a = 22;
        ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, NULL, &w->err));
        ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 1),
                             CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON), NULL,
                             &w->err));
        ok(w, bm_delete(w->db, bm_structs(&model, rows, 1), NULL, NULL, &w->err));
        ok(w, bm_copy_to(w->db, bm_all(&model), NULL, fresh(w), &w->err));
        assert_int_equal(w->result.read, 1);
        expect(w, "2|22|b\n", "SELECT * FROM %s", quoted);
        free(quoted);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void names_that_are_none(world *w)
{
    static const char *const names[] = {"", "a\nb", "a\x01"};
    for (size_t i = 0; i < 3; i++) {
        item *rows = some_items(1, 0, 0);
        bm_model model = item_model;
        model.table = names[i];
        refused(w, create(w, &model, rows, 1), BM_INVALID, BM_NO_ROW, "");
        assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
        free(rows);
    }
}

/* What the server would cut off is not found. */
static void a_name_too_long_is_refused(world *w)
{
    char name[72];
    memset(name, 'a', 70);
    name[70] = '\0';
    run(w, "CREATE TABLE %s (id bigint PRIMARY KEY, name text, value integer, note text)", name);
    bm_model model = item_model;
    model.table = name;
    item *rows = some_items(1, 0, 0);
    refused(w, create(w, &model, rows, 1), BM_INVALID, BM_NO_ROW, "");
    free(rows);
}

/* ---- a table that changes between two calls: what is known of it is asked again */

static void changed_table(world *w, const char *change, size_t n, bm_status want,
                          const char *column)
{
    make_items(w, "");
    item *rows = some_items(n, 0, 0);
    ok(w, create(w, &item_model, rows, n));
    run(w, "%s", change);
    bm_status status = create(w, &item_model, rows, n);
    if (want == BM_OK) {
        ok(w, status);
        expect_number(w, (int64_t)(2 * n), "SELECT count(*) FROM item");
        ok(w,
           bm_bulk_create(w->db, bm_structs(&item_model, rows, n), KEYS_BACK, fresh(w), &w->err));
        const item *last = bm_queryset_at(w->result.queryset, n - 1);
        expect_number(w, last->value, "SELECT value FROM item WHERE id = %d", (int)last->id);
    } else {
        refused(w, status, want, BM_NO_ROW, column);
        expect_number(w, (int64_t)n, "SELECT count(*) FROM item");
    }
    free(rows);
}

static void a_column_is_dropped(world *w)
{
    changed_table(w, "ALTER TABLE item DROP COLUMN note", 3, BM_INVALID, "note");
}

static void a_column_is_dropped_before_many(world *w)
{
    changed_table(w, "ALTER TABLE item DROP COLUMN note", 1200, BM_INVALID, "note");
}

static void a_column_is_added(world *w)
{
    changed_table(w, "ALTER TABLE item ADD COLUMN more integer NOT NULL DEFAULT 1", 1200, BM_OK,
                  "");
}

static void a_columns_type_changes(world *w)
{
    changed_table(w, "ALTER TABLE item ALTER value TYPE bigint", 3, BM_OK, "");
}

static void a_columns_type_changes_before_many(world *w)
{
    changed_table(w, "ALTER TABLE item ALTER value TYPE bigint", 1200, BM_OK, "");
}

static void a_columns_type_becomes_numeric_before_many(world *w)
{
    changed_table(w, "ALTER TABLE item ALTER value TYPE smallint USING 1", 1200, BM_OK, "");
}

static void a_text_column_becomes_bytes(world *w)
{
    changed_table(w, "ALTER TABLE item ALTER note DROP DEFAULT, ALTER note TYPE bytea USING NULL",
                  3, BM_INVALID, "note");
}

/* Another table of that name: other places for the columns. */
static void a_table_is_made_anew(world *w)
{
    make_items(w, "");
    item *rows = some_items(1200, 0, 0);
    ok(w, create(w, &item_model, rows, 1200));
    run(w, "DROP TABLE item");
    run(w, "CREATE TABLE item (note text, value bigint, name text, id %s)", w->on->made_key);
    ok(w, create(w, &item_model, rows, 1200));
    ok(w, create(w, &item_model, rows, 2));
    expect(w, "1202|11990|text\n", "SELECT count(*), max(value), min(note) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQLITE, the_strategy_on_sqlite),
    CASE(ON_SQLITE, a_view_with_triggers),
    CASE(ON_SQLITE, a_view_without_triggers),
    CASE(ON_SQLITE, a_trigger_that_drops_a_row),
    CASE(ON_SQLITE, a_row_of_an_upsert_that_a_trigger_drops),
    CASE(ON_SQLITE, rows_of_an_upsert_that_are_left_out),
    CASE(ON_SQLITE, rows_by_key_that_are_left_out),
    CASE(ON_SQLITE, a_trigger_that_changes_a_column),
    CASE(ON_SQLITE, autoincrement_goes_on_after_deletes),
    CASE(ON_SQLITE, without_rowid),
    CASE(ON_SQLITE, the_highest_key_is_used),
    CASE(ON_SQLITE, an_attached_file),
    CASE(ON_SQLITE, an_attached_file_with_a_sequence),
    CASE(ON_SQLITE, an_attached_file_beside_a_sequence),
    CASE(ON_SQLITE, a_strict_table),
    CASE(ON_SQL, odd_names),
    CASE(ON_ALL, names_that_are_none),
    CASE(ON_POSTGRESQL, a_name_too_long_is_refused),
    CASE(ON_SQL, a_column_is_dropped),
    CASE(ON_SQL, a_column_is_dropped_before_many),
    CASE(ON_SQL, a_column_is_added),
    CASE(ON_POSTGRESQL, a_columns_type_changes),
    CASE(ON_POSTGRESQL, a_columns_type_changes_before_many),
    CASE(ON_POSTGRESQL, a_columns_type_becomes_numeric_before_many),
    CASE(ON_POSTGRESQL, a_text_column_becomes_bytes),
    CASE(ON_SQL, a_table_is_made_anew),
};

int main(void)
{
    return conformance_run("tables", cases, sizeof cases / sizeof cases[0]);
}
