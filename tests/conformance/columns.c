/* Facts of columns on PostgreSQL: types that go as text, lengths, schemas, shadows. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

typedef struct label {
    int64_t id;
    const char *text;
    uint8_t text_state;
} label;

static const bm_model label_model = BM_MODEL("label", label, BM_FIELD(label, id, BM_INT8, BM_KEY),
                                             BM_FIELD_STATE(label, text, BM_ENUM, 0, text_state));
static const bm_model char_model = BM_MODEL("label", label, BM_FIELD(label, id, BM_INT8, BM_KEY),
                                            BM_FIELD_STATE(label, text, BM_CHAR, 0, text_state));
static const bm_model varchar_model =
    BM_MODEL("label", label, BM_FIELD(label, id, BM_INT8, BM_KEY),
             BM_FIELD_STATE(label, text, BM_VARCHAR, 0, text_state));
static const bm_model text_model = BM_MODEL("label", label, BM_FIELD(label, id, BM_INT8, BM_KEY),
                                            BM_FIELD_STATE(label, text, BM_TEXT, 0, text_state));

/* n rows whose texts take turns; then every verb once. */
static void goes_round(world *w, const bm_model *model, const char *const texts[3], size_t n)
{
    label *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (label){(int64_t)i, texts[i % 3], texts[i % 3] == NULL ? BM_NULL : BM_VALUE};
    }
    run(w, "DELETE FROM label");
    ok(w, bm_bulk_create(w->db, bm_structs(model, rows, n), NULL, fresh(w), &w->err));
    for (size_t i = 0; i < 3; i++) {
        expect_number(w, (int64_t)((n - i + 2) / 3),
                      "SELECT count(*) FROM label WHERE text IS NOT DISTINCT FROM %s%s%s",
                      texts[i] != NULL ? "'" : "", texts[i] != NULL ? texts[i] : "NULL",
                      texts[i] != NULL ? "'" : "");
    }
    ok(w, bm_copy_to(w->db, bm_all(model), BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON),
                     fresh(w), &w->err));
    label *read = bm_queryset_at(w->result.queryset, 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(read[i].text_state, rows[i].text_state);
        assert_true(texts[i % 3] == NULL || strcmp(read[i].text, texts[i % 3]) == 0);
    }
    read[1].text = texts[0];
    read[1].text_state = BM_VALUE;
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect_number(w, 2, "SELECT count(*) FROM label WHERE text = '%s' AND id < 2", texts[0]);
    free(rows);
}

static void an_enum(world *w)
{
    static const char *const texts[] = {"sad", "so, \"so\"", NULL};
    run(w, "CREATE TYPE mood AS ENUM ('sad', 'so, \"so\"', 'happy')");
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text mood)");
    goes_round(w, &label_model, texts, 9);
    goes_round(w, &label_model, texts, 1500);
    label rows[] = {{1, "sad", 0}, {2, "angry", 0}};
    run(w, "DELETE FROM label");
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&label_model, rows, 2), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_CONVERT);
    assert_int_equal(w->err.row, 1);
    assert_null(strstr(w->err.message, "angry")); /* values never stand in the message */
    expect_number(w, 0, "SELECT count(*) FROM label");
}

static const bm_model by_text_model =
    BM_MODEL("label", label, BM_FIELD(label, text, BM_ENUM, BM_KEY));

/* The name of a column's type is part of the statements, and of nothing that is compared. */
static void an_enum_that_is_renamed(world *w)
{
    const char *const keys[] = {"sad"};
    run(w, "CREATE TYPE mood AS ENUM ('sad', 'happy')");
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text mood)");
    run(w, "INSERT INTO label VALUES (1, 'sad')");
    ok(w, bm_copy_to(w->db, bm_keys(&by_text_model, keys, 1), NULL, fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 1);
    run(w, "ALTER TYPE mood RENAME TO temper");
    ok(w, bm_copy_to(w->db, bm_keys(&by_text_model, keys, 1), NULL, fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 1);
}

static void a_domain(world *w)
{
    static const char *const texts[] = {"abc", "de", NULL};
    run(w, "CREATE DOMAIN short AS varchar(3) CHECK (VALUE <> 'no')");
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text short)");
    goes_round(w, &label_model, texts, 9);
    goes_round(w, &text_model, texts, 9);
    goes_round(w, &varchar_model, texts, 1500);
    label rows[] = {{1, "yes", 0}, {2, "no", 0}};
    run(w, "DELETE FROM label");
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&varchar_model, rows, 2), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_CONSTRAINT);
    assert_int_equal(w->err.row, 1);
    rows[1].text = "four";
    status = bm_bulk_create(w->db, bm_structs(&varchar_model, rows, 2), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_CONVERT);
    assert_int_equal(w->err.row, 1);
    expect_number(w, 0, "SELECT count(*) FROM label");
}

/* A cast to such a domain cuts the text, an assignment to its column does not. */
static void a_domain_never_cuts(world *w)
{
    static const struct {
        const char *base;
        const char *fits;
        const char *long_text;
    } cases[] = {{"varchar(3)", "abc", "abcd"},
                 {"char(3)", "abc", "abcd"},
                 {"bit(3)", "101", "1010"},
                 {"varbit(3)", "101", "1010"},
                 {"varchar(3)[]", "{abc}", "{abc,abcd}"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run(w, "CREATE DOMAIN short AS %s", cases[i].base);
        run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text short)");
        label rows[] = {{1, cases[i].fits, 0}, {2, cases[i].fits, 0}, {3, cases[i].fits, 0}};
        ok(w, bm_bulk_create(w->db, bm_structs(&label_model, rows, 3), NULL, fresh(w), &w->err));
        rows[1].text = cases[i].long_text;
        bm_status status = bm_update_fields(w->db, bm_structs(&label_model, rows, 3),
                                            FIELDS("text"), fresh(w), &w->err);
        assert_int_equal(status, BM_CONVERT);
        assert_int_equal(w->err.row, 1);
        run(w, "DELETE FROM label WHERE id > 1");
        status =
            bm_bulk_create(w->db, bm_structs(&label_model, rows + 1, 2), NULL, fresh(w), &w->err);
        assert_int_equal(status, BM_CONVERT);
        assert_int_equal(w->err.row, 0);
        status = bm_bulk_create(w->db, bm_structs(&label_model, rows, 2),
                                CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("id"),
                                       .update_fields = BM_NAMES("text")),
                                fresh(w), &w->err);
        assert_int_equal(status, BM_CONVERT);
        assert_int_equal(w->err.row, 1);
        expect_number(w, 1, "SELECT count(*) FROM label WHERE text::text = '%s'", cases[i].fits);
        run(w, "DROP TABLE label");
        run(w, "DROP DOMAIN short");
    }
}

static void a_type_that_is_known_by_its_text_only(world *w)
{
    static const char *const texts[] = {"10.0.0.0/8", "2001:db8::/32", NULL};
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text inet)");
    goes_round(w, &label_model, texts, 9);
    goes_round(w, &label_model, texts, 1500);
    label bad[] = {{1, "10.0.0.1", 0}, {2, "10.0.0.256", 0}};
    run(w, "DELETE FROM label");
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&label_model, bad, 2), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_CONVERT);
    assert_int_equal(w->err.row, 1);
    expect_number(w, 0, "SELECT count(*) FROM label");
}

static void a_type_that_a_member_cannot_go_to(world *w)
{
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text point)");
    label row = {1, "(1,2)", 0};
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&text_model, &row, 1), NULL, fresh(w), &w->err);
    ok(w, status);
    expect(w, "(1,2)\n", "SELECT text FROM label");
}

static void text_of_fixed_length(world *w)
{
    static const char *const texts[] = {"abcde", "     ", NULL};
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text char(5))");
    goes_round(w, &char_model, texts, 9);
    goes_round(w, &char_model, texts, 1200);
}

static void too_long(world *w, const char *type, size_t n)
{
    run(w, "CREATE TABLE label (id bigint PRIMARY KEY, text %s)", type);
    label *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (label){(int64_t)i, "äöü", 0};
    }
    rows[n - 2].text = "abcd";
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&varchar_model, rows, n), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONVERT, n - 2, "text");
    expect_number(w, 0, "SELECT count(*) FROM label");
    rows[n - 2].text = "abc";
    ok(w, bm_bulk_create(w->db, bm_structs(&varchar_model, rows, n), NULL, fresh(w), &w->err));
    rows[1].text = "wxyz";
    status = bm_update_fields(w->db, bm_structs(&varchar_model, rows, 2), FIELDS("text"), fresh(w),
                              &w->err);
    refused(w, status, BM_CONVERT, 1, "text");
    expect_number(w, 3, "SELECT max(length(text)) FROM label");
    run(w, "DROP TABLE label");
    free(rows);
}

/* Never cut: `$1::varchar(3)[]` would do that in silence. */
static void text_that_is_too_long_is_never_cut(world *w)
{
    too_long(w, "varchar(3)", 5);
    too_long(w, "varchar(3)", 1300);
    too_long(w, "char(3)", 5);
}

typedef struct code {
    const char *code;
    int32_t n;
} code;

static const bm_model code_model =
    BM_MODEL("code", code, BM_FIELD(code, code, BM_CHAR, BM_KEY), BM_FIELD(code, n, BM_INT4, 0));

/* char(n) compares without the spaces behind: 'ab' is the key 'ab   '. */
static void a_key_of_fixed_length(world *w)
{
    run(w, "CREATE TABLE code (code char(5) PRIMARY KEY, n integer)");
    code rows[] = {{"ab", 1}, {"abcde", 2}, {"x", 3}};
    ok(w, bm_bulk_create(w->db, bm_structs(&code_model, rows, 3), NULL, fresh(w), &w->err));
    code again[] = {{"ab   ", 10}, {"x", 30}};
    ok(w,
       bm_update_fields(w->db, bm_structs(&code_model, again, 2), FIELDS("n"), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    code twice[] = {{"ab", 1}, {"ab ", 2}};
    bm_status status =
        bm_update_fields(w->db, bm_structs(&code_model, twice, 2), FIELDS("n"), fresh(w), &w->err);
    refused(w, status, BM_INVALID, 0, "code");
    ok(w, bm_bulk_create(w->db, bm_structs(&code_model, again, 1),
                         CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect_outcomes(w, "u");
    ok(w, bm_delete(w->db, bm_structs(&code_model, again + 1, 1), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 1);
    expect(w, "ab|10\nabcde|2\n", "SELECT rtrim(code), n FROM code ORDER BY code");
}

typedef struct pair {
    int64_t id;
    int32_t side, area;
} pair;

static const bm_model naive_model =
    BM_MODEL("pair", pair, BM_FIELD(pair, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(pair, side, BM_INT4, 0), BM_FIELD(pair, area, BM_INT4, 0));

/* The model does not know that a column is generated: the table does. */
static void a_generated_column_is_never_written(world *w)
{
    run(w,
        "CREATE TABLE pair (id %s, side integer, area integer GENERATED ALWAYS AS (side * side) "
        "STORED)",
        w->on->made_key);
    pair *rows = calloc(1200, sizeof *rows);
    for (size_t i = 0; i < 1200; i++) {
        rows[i] = (pair){.side = 3, .area = -1};
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&naive_model, rows, 1200), NULL, fresh(w), &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&naive_model, rows, 2), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    const pair *made = bm_queryset_at(w->result.queryset, 1);
    assert_int_equal(made->area, 9); /* what the table holds */
    expect(w, "1202|9\n", "SELECT count(*), min(area) FROM pair");
    free(rows);
}

/* ---- which table */

static void a_table_in_a_schema(world *w)
{
    char other[TEST_NAME_MAX];
    test_fresh_name(other);
    make_items(w, "");
    run(w, "CREATE SCHEMA %s", other);
    run(w, "CREATE TABLE %s.item (LIKE item INCLUDING ALL)", other);
    bm_model model = item_model;
    model.schema = other;
    item *rows = some_items(1100, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&model, rows, 1100), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    item *made = bm_queryset_at(w->result.queryset, 0);
    made[4].note = "changed";
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, NULL, &w->err));
    ok(w, bm_delete(w->db, bm_structs(&model, made, 4), NULL, NULL, &w->err));
    expect(w, "1096|1\n",
           "SELECT count(*), sum(CASE note WHEN 'changed' THEN 1 ELSE 0 END) FROM %s.item", other);
    expect_number(w, 0, "SELECT count(*) FROM item");
    run(w, "DROP SCHEMA %s CASCADE", other);
    free(rows);
}

static void a_schema_or_table_that_is_not_there(world *w)
{
    bm_model model = item_model;
    item *rows = some_items(2, 0, 0);
    bm_status status = bm_bulk_create(w->db, bm_structs(&model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    make_items(w, "");
    model.schema = "no_such_schema";
    status = bm_bulk_create(w->db, bm_structs(&model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 2), NULL, fresh(w), &w->err));
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

/* Names are resolved once: a temporary table of the same name does not get the rows. */
static void a_temporary_table_that_shadows(world *w)
{
    make_items(w, "");
    bm_db *db = NULL;
    item *rows = some_items(1200, 0, 0);
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 3), NULL, NULL, &w->err));
    run(w, "CREATE TEMPORARY TABLE item (LIKE %s.item INCLUDING ALL)", w->schema);
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 3), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 1200), NULL, NULL, &w->err));
    expect_number(w, 1206, "SELECT count(*) FROM %s.item", w->schema);
    expect_number(w, 0, "SELECT count(*) FROM pg_temp.item");
    bm_close(db);
    free(rows);
}

static void a_temporary_table(world *w)
{
    run(w, "CREATE TEMPORARY TABLE item (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
           "name text, value integer, note text)");
    bm_db *db = NULL;
    item *rows = some_items(1200, 0, 0);
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 1200), CREATE(.keys_into = rows), NULL,
                         &w->err));
    expect_number(w, rows[1199].id, "SELECT id FROM pg_temp.item WHERE name = 'n1199'");
    bm_close(db);
    free(rows);
}

/* A COPY's error says "COPY name, line N, column c": none of it may be taken from the name. */
static void a_name_that_looks_like_an_error(world *w)
{
    run(w, "CREATE TABLE \"x, line 5, column y\" (id bigint PRIMARY KEY, name varchar(50) CHECK "
           "(name <> 'n1100'), value integer, note text)");
    bm_model model = item_given_model;
    model.table = "x, line 5, column y";
    item *rows = some_items(1200, 1, 1);
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&model, rows, 1200), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1100, "");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, an_enum),
    CASE(ON_POSTGRESQL, an_enum_that_is_renamed),
    CASE(ON_POSTGRESQL, a_domain),
    CASE(ON_POSTGRESQL, a_domain_never_cuts),
    CASE(ON_POSTGRESQL, a_type_that_is_known_by_its_text_only),
    CASE(ON_POSTGRESQL, a_type_that_a_member_cannot_go_to),
    CASE(ON_POSTGRESQL, text_of_fixed_length),
    CASE(ON_POSTGRESQL, text_that_is_too_long_is_never_cut),
    CASE(ON_POSTGRESQL, a_key_of_fixed_length),
    CASE(ON_SQL, a_generated_column_is_never_written),
    CASE(ON_POSTGRESQL, a_table_in_a_schema),
    CASE(ON_SQL, a_schema_or_table_that_is_not_there),
    CASE(ON_POSTGRESQL, a_temporary_table_that_shadows),
    CASE(ON_POSTGRESQL, a_temporary_table),
    CASE(ON_POSTGRESQL, a_name_that_looks_like_an_error),
};

int main(void)
{
    return conformance_run("columns", cases, sizeof cases / sizeof cases[0]);
}
