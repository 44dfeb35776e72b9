/* A table that the program meets at run time: bm_describe gives the model to read and write it. */
#include "world.h"

static void a_column(const bm_model *model, size_t i, const char *name, bm_type type,
                     unsigned flags)
{
    assert_true(i < model->n_fields);
    assert_string_equal(model->fields[i].name, name);
    assert_int_equal(model->fields[i].type, type);
    assert_int_equal(model->fields[i].flags, flags);
}

/* What is read by the model and written back is what was there. */
static void copies(world *w, const bm_model *model)
{
    ok(w, bm_copy_to(w->db, bm_all(model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 2);
    bm_rows rows = bm_structs(model, bm_queryset_at(w->result.queryset, 0), 2);
    const char *names[64] = {0};
    for (size_t i = 1; i < model->n_fields; i++) {
        names[i - 1] = model->fields[i].name;
    }
    run(w, "UPDATE item SET b = NULL, t = ''");
    ok(w, bm_update_fields(w->db, rows, BM_OPTIONS(bm_update_fields_options, .fields = names), NULL,
                           &w->err));
}

static void every_type_of_postgresql(world *w)
{
    bm_model *m;
    run(w, "CREATE TYPE mood AS ENUM ('sad', 'glad')");
    run(w, "CREATE TABLE item (id bigserial PRIMARY KEY, b bool, i2 smallint, i4 integer, f4 real, "
           "f8 float8, n numeric(10, 2), t text, v varchar(5), c char(3), y bytea, d date, h time, "
           "s timestamp, z timestamptz, u uuid, j json, k jsonb, e mood, a integer[], p inet)");
    run(w, "INSERT INTO item (b, i2, n, t, y, d, z, u, k, e, a, p) VALUES (true, -3, 1.50, 'x', "
           "'\\x00ff', '2024-02-29', '2024-02-29 12:00:00+02', "
           "'00112233-4455-6677-8899-aabbccddeeff', '{\"a\": [1]}', 'glad', '{1,NULL,3}', "
           "'10.0.0.1/8')");
    run(w, "INSERT INTO item DEFAULT VALUES");
    ok(w, bm_describe(w->db, NULL, "item", &m, &w->err));
    static const bm_type types[] = {BM_BOOL,    BM_INT2,  BM_INT4,      BM_FLOAT4,      BM_FLOAT8,
                                    BM_NUMERIC, BM_TEXT,  BM_VARCHAR,   BM_CHAR,        BM_BYTEA,
                                    BM_DATE,    BM_TIME,  BM_TIMESTAMP, BM_TIMESTAMPTZ, BM_UUID,
                                    BM_JSON,    BM_JSONB, BM_ENUM,      BM_ENUM,        BM_INET};
    assert_int_equal(m->n_fields, 1 + sizeof types / sizeof types[0]);
    a_column(m, 0, "id", BM_INT8, BM_KEY | BM_ASSIGNED);
    for (size_t i = 1; i < m->n_fields; i++) {
        assert_int_equal(m->fields[i].type, types[i - 1]);
        assert_int_equal(m->fields[i].flags, 0);
    }
    char *before = rows_of(w, "SELECT item::text FROM item ORDER BY id");
    copies(w, m);
    expect(w, before, "SELECT item::text FROM item ORDER BY id");
    free(before);
    bm_free(m);
}

static void every_type_of_sqlite(world *w)
{
    static const struct {
        const char *declared;
        bm_type type;
    } columns[] = {
        {"bool", BM_BOOL},        {"integer unsigned", BM_INT8},
        {"BIGINT", BM_INT8},      {"real", BM_FLOAT8},
        {"decimal", BM_NUMERIC},  {"numeric(10, 2)", BM_NUMERIC},
        {"varchar(40)", BM_TEXT}, {"char(5)", BM_TEXT},
        {"char(32)", BM_UUID},    {"date", BM_DATE},
        {"time", BM_TIME},        {"datetime", BM_TIMESTAMPTZ},
        {"BLOB", BM_BYTEA},       {"", BM_TEXT},
    };
    char *list;
    FILE *out = text_begin(&list);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        fprintf(out, ", c%zu %s", i, columns[i].declared);
    }
    fclose(out);
    run(w, "CREATE TABLE item (id INTEGER PRIMARY KEY, b bool, t text%s)", list);
    free(list);
    run(w, "INSERT INTO item (b, t, c1, c4, c8, c9, c11, c12) VALUES (1, 'x', 7, 1.5, "
           "'00112233445566778899aabbccddeeff', '2024-02-29', '2024-02-29 12:00:00', x'00ff')");
    run(w, "INSERT INTO item DEFAULT VALUES");
    bm_model *m;
    ok(w, bm_describe(w->db, NULL, "item", &m, &w->err));
    a_column(m, 0, "id", BM_INT8, BM_KEY | BM_ASSIGNED);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        assert_int_equal(m->fields[i + 3].type, columns[i].type);
    }
    char *before = rows_of(w, "SELECT * FROM item ORDER BY id");
    copies(w, m);
    char *after = rows_of(w, "SELECT * FROM item ORDER BY id");
    assert_string_equal(after, before);
    free(before);
    free(after);
    bm_free(m);
}

static void keys_and_columns_that_are_not_written(world *w)
{
    bm_model *m;
    run(w, "CREATE TABLE pair (b varchar(9) NOT NULL, a integer NOT NULL, s integer GENERATED "
           "ALWAYS AS (a + 1) STORED, PRIMARY KEY (a, b))");
    ok(w, bm_describe(w->db, NULL, "pair", &m, &w->err));
    bm_type text = w->on->bit == ON_POSTGRESQL ? BM_VARCHAR : BM_TEXT;
    bm_type number = w->on->bit == ON_POSTGRESQL ? BM_INT4 : BM_INT8;
    assert_int_equal(m->n_fields, 3);
    a_column(m, 0, "b", text, BM_KEY);
    a_column(m, 1, "a", number, BM_KEY);
    a_column(m, 2, "s", number, BM_READ_ONLY);
    bm_free(m);
}

/* What was known of the table is forgotten. */
static void a_table_that_has_changed(world *w)
{
    bm_model *m;
    make_items(w, "");
    ok(w, bm_describe(w->db, NULL, "item", &m, &w->err));
    size_t n = m->n_fields;
    bm_free(m);
    run(w, "ALTER TABLE item ADD COLUMN more text");
    ok(w, bm_describe(w->db, NULL, "item", &m, &w->err));
    assert_int_equal(m->n_fields, n + 1);
    bm_free(m);
}

static void what_is_not_there(world *w)
{
    bm_model one;
    bm_model *m = &one;
    assert_int_equal(bm_describe(w->db, NULL, "nothing", &m, &w->err), BM_INVALID);
    assert_null(m);
    assert_int_equal(bm_describe(w->db, "nowhere", "item", &m, &w->err), BM_INVALID);
    assert_int_equal(bm_describe(w->db, NULL, "", &m, &w->err), BM_INVALID);
    assert_int_equal(bm_describe(w->db, NULL, NULL, &m, &w->err), BM_INVALID);
    assert_int_equal(bm_describe(NULL, NULL, "item", &m, &w->err), BM_INVALID);
    assert_int_equal(bm_describe(w->db, NULL, "item", NULL, &w->err), BM_INVALID);
}

/* L15.  What SELECT * gives: fts5 has hidden columns of its own. */
static void virtual_tables(world *w)
{
    bm_model *m;
    run(w, "CREATE VIRTUAL TABLE item USING fts5(title, body)");
    run(w, "CREATE VIRTUAL TABLE box USING rtree(id, low, high)");
    ok(w, bm_describe(w->db, NULL, "item", &m, &w->err));
    assert_int_equal(m->n_fields, 2);
    a_column(m, 0, "title", BM_TEXT, 0);
    a_column(m, 1, "body", BM_TEXT, 0);
    run(w, "INSERT INTO item VALUES ('a', 'b')");
    ok(w, bm_copy_to(w->db, bm_all(m), NULL, fresh(w), &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(m, bm_queryset_at(w->result.queryset, 0), 1), NULL, NULL,
                         &w->err));
    expect(w, "1|a|b\n2|a|b\n", "SELECT rowid, * FROM item ORDER BY rowid");
    bm_free(m);
    ok(w, bm_describe(w->db, NULL, "box", &m, &w->err));
    assert_int_equal(m->n_fields, 3);
    bm_free(m);
}

typedef struct box {
    int64_t id;
    double low, high;
} box;

static const bm_model box_model =
    BM_MODEL("box", box, BM_FIELD(box, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(box, low, BM_FLOAT8, 0), BM_FIELD(box, high, BM_FLOAT8, 0));

/* L15.  A key that SQLite does not tell is refused, and named. */
static void keys_of_virtual_tables(world *w)
{
    box rows[2] = {{0, 1, 2}, {0, 3, 4}};
    run(w, "CREATE VIRTUAL TABLE box USING rtree(id, low, high)");
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&box_model, rows, 2),
                       BM_OPTIONS(bm_bulk_create_options, .keys_into = rows), NULL, &w->err);
    refused(w, status, BM_UNSUPPORTED, BM_NO_ROW, "id");
    ok(w, bm_bulk_create(w->db, bm_structs(&box_model, rows, 2), NULL, NULL, &w->err));
    expect(w, "1|1.0|2.0\n2|3.0|4.0\n", "SELECT * FROM box ORDER BY id");
}

#define NEW_TABLE(...) BM_OPTIONS(bm_create_table_options, __VA_ARGS__)

static char *table_sql(world *w, const bm_create_table_options *options)
{
    char *sql;
    ok(w, bm_create_table_sql(options, &sql, &w->err));
    return sql;
}

/* What is written is executed; the judge says what is there. */
static void a_table_is_created(world *w)
{
    const bm_new_column columns[] = {{"id", "bigint", BM_ON},
                                     {"two\"s", "numeric(8,2)", BM_OFF},
                                     {"Order", "varchar(5) DEFAULT 'x'", BM_DEFAULT}};
    const bm_new_column more[] = {{"a b", "date", BM_OFF}, {"c;d", "text", BM_OFF}};
    bm_model *m;
    char *sql = table_sql(w, NEW_TABLE(.table = "we\"ird", .columns = columns, .n_columns = 3,
                                       .key = BM_NAMES("id", "two\"s")));
    ok(w, bm_execute(w->db, sql, &w->err));
    bm_free(sql);
    sql = table_sql(w, NEW_TABLE(.schema = w->pg != NULL ? w->schema : "main", .table = "we\"ird",
                                 .columns = more, .n_columns = 2, .add_columns = BM_ON));
    ok(w, bm_execute(w->db, sql, &w->err));
    bm_free(sql);
    run(w, "INSERT INTO \"we\"\"ird\" (id, \"two\"\"s\", \"a b\") VALUES (1, 2.5, '2024-02-29')");
    expect(w, "1|x|2024-02-29|NULL\n", "SELECT id, \"Order\", \"a b\", \"c;d\" FROM \"we\"\"ird\"");
    ok(w, bm_describe(w->db, NULL, "we\"ird", &m, &w->err));
    assert_int_equal(m->n_fields, 5);
    assert_string_equal(m->fields[1].name, "two\"s");
    assert_true((m->fields[0].flags & BM_KEY) != 0 && (m->fields[1].flags & BM_KEY) != 0);
    assert_true((m->fields[2].flags & BM_KEY) == 0);
    bm_free(m);
}

static void tables_that_cannot_be_created(world *w)
{
    const bm_new_column columns[] = {{"id", "bigint", BM_OFF}};
    const bm_new_column nameless[] = {{"id", "int", BM_OFF}, {"", "int", BM_OFF}};
    const bm_new_column typeless[] = {{"id", "int", BM_OFF}, {"b", NULL, BM_OFF}};
    const bm_create_table_options *const wrong[] = {
        NEW_TABLE(.columns = columns, .n_columns = 1),
        NEW_TABLE(.table = "t"),
        NEW_TABLE(.table = "t", .n_columns = 1),
        NEW_TABLE(.table = "t", .columns = nameless, .n_columns = 2),
        NEW_TABLE(.table = "t", .columns = columns, .n_columns = 1, .add_columns = BM_ON,
                  .key = BM_NAMES("id")),
        NEW_TABLE(.table = "t", .columns = columns, .n_columns = 1, .add_columns = (bm_switch)7)};
    char *sql;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        refused(w, bm_create_table_sql(wrong[i], &sql, &w->err), BM_INVALID, BM_NO_ROW, "");
        assert_null(sql);
    }
    refused(w, bm_create_table_sql(NULL, &sql, &w->err), BM_INVALID, BM_NO_ROW, "");
    refused(w, bm_create_table_sql(wrong[0], NULL, &w->err), BM_INVALID, BM_NO_ROW, "");
    refused(w,
            bm_create_table_sql(NEW_TABLE(.table = "t", .columns = typeless, .n_columns = 2), &sql,
                                &w->err),
            BM_INVALID, BM_NO_ROW, "b");
    refused(w,
            bm_create_table_sql(
                NEW_TABLE(.table = "t", .columns = columns, .n_columns = 1, .key = BM_NAMES("nix")),
                &sql, &w->err),
            BM_INVALID, BM_NO_ROW, "nix");
    sql = table_sql(w, NEW_TABLE(.table = "t", .add_columns = BM_ON));
    assert_string_equal(sql, "");
    bm_free(sql);
}

static void a_database_without_a_catalog(world *w)
{
    bm_model *m;
    assert_int_equal(bm_describe(w->db, NULL, "item", &m, &w->err), BM_UNSUPPORTED);
    assert_null(m);
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, every_type_of_postgresql),
    CASE(ON_SQLITE, every_type_of_sqlite),
    CASE(ON_SQL, keys_and_columns_that_are_not_written),
    CASE(ON_SQL, a_table_that_has_changed),
    CASE(ON_SQL, what_is_not_there),
    CASE(ON_SQLITE, virtual_tables),
    CASE(ON_SQLITE, keys_of_virtual_tables),
    CASE(ON_SQL, a_table_is_created),
    CASE(ON_MEMORY, tables_that_cannot_be_created),
    CASE(ON_MEMORY, a_database_without_a_catalog),
};

int main(void)
{
    return conformance_run("describe", cases, sizeof cases / sizeof cases[0]);
}
