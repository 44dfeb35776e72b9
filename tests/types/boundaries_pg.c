/*
 * What is just within a PostgreSQL column's limits is written exactly; what a column holds and a
 * member cannot is refused on the way back, by row and column; a table that has changed since it
 * was looked at is found out.
 */
#include "check.h"
#include "refusal.h"

#include <stdlib.h>
#include <string.h>

static server sv;

/* ---- within the limits */

typedef struct within {
    const char *column;
    bm_type type;
    cell value;
    bm_layout layout;
    bool null;
    const char *expected; /* of quote_nullable(v::text) */
} within;

static const int32_t three[] = {1, 0, 3};
static const int32_t endless[] = {INT32_MAX, 0};
static const uint8_t middle_null[] = {BM_VALUE, BM_NULL, BM_VALUE};
static const bm_slice texts[] = {{"", 0}, {NULL, 0}, {"NULL", 4}};

static const within inside[] = {
    {"varchar(5)", BM_VARCHAR, SLICE_OF("1234"), 0, false, "'1234'"},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("12345"), 0, false, "'12345'"},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("12345   "), 0, false, "'12345'"},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("1    "), 0, false, "'1    '"},
    {"varchar(2)", BM_VARCHAR, SLICE_OF("\xC3\xA9\xF0\x9F\x98\x80"), 0, false,
     "'\xC3\xA9\xF0\x9F\x98\x80'"},
    {"varchar", BM_VARCHAR, SLICE_OF("any length"), 0, false, "'any length'"},
    {"char(3)", BM_CHAR, SLICE_OF("a"), 0, false, "'a'"},
    {"char(3)", BM_CHAR, SLICE_OF("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC  "), 0, false,
     "'\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC'"},
    {"text", BM_TEXT, SLICE_OF(""), 0, false, "''"},
    {"text", BM_TEXT, {.text = {NULL, 0}}, 0, false, "''"},
    {"text", BM_TEXT, SLICE_OF("x"), 0, true, "NULL"},
    {"text", BM_TEXT, {.text = {NULL, 0}}, BM_CSTR, false, "NULL"},
    {"text", BM_TEXT, {.int8 = 0}, BM_CHARS, false, "''"},
    {"bytea", BM_BYTEA, SLICE_OF(""), 0, false, "E'\\\\x'"},
    {"bytea", BM_BYTEA, {.text = {NULL, 0}}, 0, false, "E'\\\\x'"},
    {"bytea", BM_BYTEA, SLICE_OF("\0\xFF"), 0, false, "E'\\\\x00ff'"},
    {"bytea", BM_BYTEA, SLICE_OF("x"), 0, true, "NULL"},
    {"int4[]", BM_INT4, {.array = {NULL, 0, NULL}}, BM_ARRAY, false, "'{}'"},
    {"int4[]", BM_INT4, {.array = {three, 3, NULL}}, BM_ARRAY, true, "NULL"},
    {"int4[]", BM_INT4, {.array = {three, 3, middle_null}}, BM_ARRAY, false, "'{1,NULL,3}'"},
    {"text[]",
     BM_TEXT,
     {.array = {texts, 3, middle_null}},
     BM_ARRAY,
     false,
     "'{\"\",NULL,\"NULL\"}'"},
    {"numeric", BM_NUMERIC, SLICE_OF(" 1 "), 0, false, "'1'"},
    {"numeric", BM_NUMERIC, SLICE_OF("NaN"), 0, false, "'NaN'"},
    {"numeric", BM_NUMERIC, SLICE_OF("-Infinity"), 0, false, "'-Infinity'"},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("NaN"), 0, false, "'NaN'"},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("999.994"), 0, false, "'999.99'"},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("1.005"), 0, false, "'1.01'"},
    {"float4", BM_FLOAT8, {.float8 = 16777217.0}, 0, false, "'1.6777216e+07'"},
    {"time", BM_TIME, {.int8 = DAY_USECS}, 0, false, "'24:00:00'"},
    {"time(0)", BM_TIME, {.int8 = 1500000}, 0, false, "'00:00:02'"},
    {"timestamp(3)",
     BM_TIMESTAMP,
     {.int8 = 946684800001500},
     0,
     false,
     "'2000-01-01 00:00:00.002'"},
    {"date", BM_DATE, {.int4 = -719163}, 0, false, "'0001-12-31 BC'"},
    {"date", BM_DATE, {.int4 = 2932897}, 0, false, "'10000-01-01'"},
    {"date", BM_DATE, {.int4 = INT32_MAX}, 0, false, "'infinity'"},
    {"date", BM_DATE, {.int4 = INT32_MIN}, 0, false, "'-infinity'"},
    {"timestamp", BM_TIMESTAMP, {.int8 = INT64_MAX}, 0, false, "'infinity'"},
    {"timestamptz", BM_TIMESTAMPTZ, {.int8 = INT64_MIN}, 0, false, "'-infinity'"},
    {"date[]", BM_DATE, {.array = {endless, 2, NULL}}, BM_ARRAY, false, "'{infinity,1970-01-01}'"},
    {"cidr", BM_INET, {.inet = {4, 8, {10}}}, 0, false, "'10.0.0.0/8'"},
    {"json", BM_JSON, SLICE_OF("\"\\u0000\""), 0, false, "E'\"\\\\u0000\"'"},
    {"json", BM_JSON, SLICE_OF("null"), 0, false, "'null'"},
    {"jsonb", BM_JSONB, SLICE_OF("null"), 0, false, "'null'"},
    {"jsonb", BM_JSONB, SLICE_OF("x"), 0, true, "NULL"},
};

static void written(const within *w, size_t n)
{
    const refusal good = {w->column, w->type, {0}, BM_OK, NULL, w->layout, false};
    any_model m;
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(&good, n);
    rows[n - 1].v = w->value;
    rows[n - 1].state = w->null ? BM_NULL : BM_VALUE;
    any_model_set(&m, "t", w->type, w->layout);
    must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, n), NULL, NULL, &err), &err);
    psql_expect(sv.conn, w->expected, "SELECT quote_nullable(v::text) FROM t WHERE id = %zu",
                n - 1);
    psql_run(sv.conn, "UPDATE t SET v = NULL");
    must(bm_update_fields(sv.db, bm_structs(&m.model, rows, n),
                          BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("v")), NULL,
                          &err),
         &err);
    psql_expect(sv.conn, w->expected, "SELECT quote_nullable(v::text) FROM t WHERE id = %zu",
                n - 1);
    psql_run(sv.conn, "TRUNCATE t");
    free(rows);
}

static void takes(void **state)
{
    const within *w = *state;
    psql_run(sv.conn, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY, v %s)",
             w->column);
    psql_run(sv.conn, "SET timezone = 'UTC'");
    written(w, 1);
    written(w, 1200);
}

/* ---- on the way back */

typedef struct lost {
    const char *column;
    const char *value; /* in SQL */
    bm_type type;
    bm_layout layout;
    bool stateless; /* the member has no state */
} lost;

static const lost unreadable[] = {
    {"timestamp", "'294276-12-31 23:59:59.999999'", BM_TIMESTAMP, 0, false},
    {"int4", "32768", BM_INT2, 0, false},
    {"int8", "-2147483649", BM_INT4, 0, false},
    {"int8[]", "'{1,2147483648}'", BM_INT4, BM_ARRAY, false},
    {"float8", "0.1", BM_FLOAT4, 0, false},
    {"float8", "1e300", BM_FLOAT4, 0, false},
    {"int4[]", "'{{1,2},{3,4}}'", BM_INT4, BM_ARRAY, false},
    {"text", "repeat('x', 25)", BM_TEXT, BM_CHARS, false},
    {"numeric", "1e30", BM_NUMERIC, BM_CHARS, false},
    {"int4", "NULL", BM_INT4, 0, true},
    {"text", "NULL", BM_TEXT, BM_CHARS, true},
    {"text", "NULL", BM_TEXT, 0, true},
    {"int4[]", "NULL", BM_INT4, BM_ARRAY, true},
};

static void judge_read(const bm_error *err, bm_status status, size_t row)
{
    if (status != BM_CONVERT || err->status != BM_CONVERT || err->row != row ||
        strcmp(err->column, "v") != 0 || err->stage != BM_STAGE_READ) {
        fail_msg("%s at row %zu, column \"%s\": %s", bm_status_name(status), err->row, err->column,
                 err->message);
    }
}

static void not_read(void **state)
{
    const lost *l = *state;
    int64_t keys[300];
    any_model m;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    any_model_set(&m, "t", l->type, l->layout);
    m.fields[1].state_offset = l->stateless ? BM_NO_STATE : m.fields[1].state_offset;
    psql_run(sv.conn, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY, v %s)",
             l->column);
    const char *good =
        l->layout == BM_ARRAY ? "'{}'"
        : strstr(l->column, "int") != NULL || l->type == BM_FLOAT4 || l->type == BM_NUMERIC
            ? "1"
            : "'2024-02-29'";
    psql_run(sv.conn,
             "INSERT INTO t SELECT i, CASE i WHEN 250 THEN %s::%s ELSE %s END "
             "FROM generate_series(0, 299) AS i",
             l->value, l->column, good);
    for (size_t i = 0; i < 300; i++) {
        keys[i] = (int64_t)(299 - i);
    }
    bm_status status =
        bm_copy_to(sv.db, bm_all(&m.model), BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON),
                   &result, &err);
    judge_read(&err, status, 250);
    bm_result_clear(&result);
    status = bm_copy_to(sv.db, bm_keys(&m.model, keys, 300), NULL, &result, &err);
    judge_read(&err, status, 49);
    bm_result_clear(&result);
    must(bm_copy_to(sv.db, bm_keys(&m.model, keys, 49), NULL, &result, &err), &err);
    assert_int_equal(bm_queryset_count(result.queryset), 49);
    bm_result_clear(&result);
}

/* ---- a table that has changed */

typedef struct change {
    const char *before, *after; /* the column */
    bm_type type;
    cell value;
    const char *expected;
} change;

static const change changes[] = {
    {"int2", "int4", BM_INT8, {.int8 = 70000}, "70000"},
    {"int4", "int8", BM_INT8, {.int8 = INT64_MAX}, "9223372036854775807"},
    {"int8", "int4", BM_INT8, {.int8 = 7}, "7"},
    {"varchar(3)", "varchar(9)", BM_VARCHAR, SLICE_OF("longer"), "longer"},
    {"varchar(3)", "text", BM_VARCHAR, SLICE_OF("longer"), "longer"},
    {"json", "jsonb", BM_JSON, SLICE_OF("[1]"), "[1]"},
    {"jsonb", "json", BM_JSON, SLICE_OF("[1]"), "[1]"},
    {"jsonb", "text", BM_JSON, SLICE_OF("[1]"), "[1]"},
    {"text", "bytea", BM_ENUM, SLICE_OF("abc"), "\\x616263"},
    {"text", "mood", BM_TEXT, SLICE_OF("happy"), "happy"},
    {"mood", "text", BM_TEXT, SLICE_OF("no label"), "no label"},
    {"numeric(5,2)", "numeric", BM_NUMERIC, SLICE_OF("12345.678"), "12345.678"},
    {"int4", "numeric", BM_INT4, {.int4 = -5}, "-5"},
    {"float4", "float8", BM_FLOAT8, {.float8 = 1e300}, "1e+300"},
};

static void changed(void **state)
{
    const change *c = *state;
    const refusal good = {c->before, c->type, {0}, BM_OK, NULL, 0, false};
    static const size_t sizes[] = {3, 1200};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        any_model m;
        bm_error err = BM_ERROR;
        any_row *rows = good_rows(&good, sizes[i]);
        bool label = strcmp(c->after, "mood") == 0 || strcmp(c->before, "mood") == 0;
        any_model_set(&m, "t", c->type, 0);
        psql_run(sv.conn, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY, v %s)",
                 c->before);
        for (size_t row = 0; label && row < sizes[i]; row++) {
            rows[row].v.text = (bm_slice){"ok", 2};
        }
        must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, sizes[i]), NULL, NULL, &err), &err);
        psql_run(sv.conn, "TRUNCATE t; ALTER TABLE t ALTER v TYPE %s USING NULL", c->after);
        rows[1].v = c->value;
        must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, sizes[i]), NULL, NULL, &err), &err);
        psql_expect(sv.conn, c->expected, "SELECT v::text FROM t WHERE id = 1");
        assert_int_equal(psql_count(sv.conn, "SELECT count(*) FROM t"), (int64_t)sizes[i]);
        free(rows);
    }
}

/* The default that is written is the one that the column has now. */
static void changed_default(void **state)
{
    any_model m;
    bm_error err = BM_ERROR;
    any_row rows[2] = {{.id = 1, .state = BM_DEFAULT_CELL}, {.id = 2, .v = {.int4 = 5}}};
    (void)state;
    any_model_set(&m, "t", BM_INT4, 0);
    psql_run(sv.conn, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY, v int4 DEFAULT "
                      "10)");
    must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, 2), NULL, NULL, &err), &err);
    psql_run(sv.conn, "ALTER TABLE t ALTER v SET DEFAULT 20");
    rows[0].id = 3;
    rows[1].id = 4;
    must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, 2), NULL, NULL, &err), &err);
    psql_expect(sv.conn, "10 5 20 5", "SELECT string_agg(v::text, ' ' ORDER BY id) FROM t");
}

static int open_server(void **state)
{
    (void)state;
    server_open(&sv);
    return 0;
}

static int close_server(void **state)
{
    (void)state;
    server_close(&sv);
    return 0;
}

static struct CMUnitTest case_of(const char *name, CMUnitTestFunction function, const void *what)
{
    struct CMUnitTest test = {.name = name, .test_func = function};
    memcpy(&test.initial_state, &what, sizeof what);
    return test;
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(inside) + COUNT_OF(unreadable) + COUNT_OF(changes) + 1];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        tests[n++] = case_of(inside[i].expected, takes, &inside[i]);
    }
    for (size_t i = 0; i < COUNT_OF(unreadable); i++) {
        tests[n++] = case_of(unreadable[i].value, not_read, &unreadable[i]);
    }
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        tests[n++] = case_of(changes[i].before, changed, &changes[i]);
    }
    tests[n++] = case_of("default", changed_default, NULL);
    return _cmocka_run_group_tests("boundaries_pg", tests, n, open_server, close_server);
}
