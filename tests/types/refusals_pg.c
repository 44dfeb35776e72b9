/*
 * What a PostgreSQL column cannot take is refused by row and column through COPY, through INSERT
 * and through UPDATE; nothing is written and the connection goes on.
 */
#include "check.h"
#include "refusal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static server sv;

static const int64_t wide_elements[] = {1, 32768};
static const bm_slice bad_elements[] = {{"a", 1}, {"a\0b", 3}};
static const bm_slice bad_labels[] = {{"ok", 2}, {"nope", 4}};
static const int32_t days[] = {0, INT32_MAX - 1};
static const uint8_t odd_states[] = {BM_VALUE, BM_DEFAULT_CELL};

static const refusal refusals[] = {
    /* integers, each width of member and column */
    {"int2", BM_INT4, {.int4 = 32768}, 0, NULL, 0, false},
    {"int2", BM_INT4, {.int4 = -32769}, 0, NULL, 0, false},
    {"int2", BM_INT4, {.int4 = INT32_MIN}, 0, NULL, 0, false},
    {"int2", BM_INT8, {.int8 = 32768}, 0, NULL, 0, false},
    {"int2", BM_INT8, {.int8 = -32769}, 0, NULL, 0, false},
    {"int2", BM_INT8, {.int8 = 65536}, 0, NULL, 0, false},
    {"int2", BM_INT8, {.int8 = INT64_C(1) << 32}, 0, NULL, 0, false},
    {"int4", BM_INT8, {.int8 = 2147483648}, 0, NULL, 0, false},
    {"int4", BM_INT8, {.int8 = -2147483649}, 0, NULL, 0, false},
    {"int4", BM_INT8, {.int8 = INT64_C(1) << 32}, 0, NULL, 0, false},
    {"int4", BM_INT8, {.int8 = INT64_MIN}, 0, NULL, 0, false},
    {"whole", BM_INT8, {.int8 = 2147483648}, 0, NULL, 0, false},
    {"whole", BM_INT4, {.int4 = -1}, BM_CONSTRAINT, "23514", 0, false},
    {"numeric(5,2)", BM_INT8, {.int8 = 1000}, 0, NULL, 0, false},
    /* floats */
    {"float4", BM_FLOAT8, {.float8 = 3.5e38}, 0, NULL, 0, false},
    {"float4", BM_FLOAT8, {.float8 = -DBL_MAX}, 0, NULL, 0, false},
    {"float4", BM_FLOAT8, {.float8 = 1e-60}, 0, NULL, 0, false},
    /* decimals */
    {"numeric", BM_NUMERIC, SLICE_OF("abc"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1.2.3"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF(""), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF(" "), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("0x1"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1e"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("--1"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1 2"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("."), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1,5"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1_000"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1\0"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1e999999"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1e131072"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1e-16384"), 0, NULL, 0, false},
    {"numeric", BM_NUMERIC, SLICE_OF("1e99999999999999999999"), 0, NULL, 0, false},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("1000"), 0, NULL, 0, false},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("999.995"), 0, NULL, 0, false},
    {"numeric(5,2)", BM_NUMERIC, SLICE_OF("Infinity"), 0, NULL, 0, false},
    /* text */
    {"text", BM_TEXT, SLICE_OF("a\0b"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\0"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("0123456789012345678901234567890123456789\0"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("a\xFF"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\x80"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xC0\x80"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xC1\xBF"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xE0\x9F\xBF"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xF0\x8F\xBF\xBF"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xED\xA0\x80"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xED\xBF\xBF"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xF4\x90\x80\x80"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xF5\x80\x80\x80"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("price \xE2\x82"), 0, NULL, 0, false},
    {"text", BM_TEXT, SLICE_OF("\xF0\x9F\x98"), 0, NULL, 0, false},
    {"text", BM_TEXT, {.text = {NULL, 5}}, 0, NULL, 0, false},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("a\0b"), 0, NULL, 0, false},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("123456"), 0, NULL, 0, false},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("     6"), 0, NULL, 0, false},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"), 0,
     NULL, 0, false},
    {"char(5)", BM_CHAR, SLICE_OF("123456"), 0, NULL, 0, false},
    {"char(5)", BM_CHAR, SLICE_OF("\xF0\x9F\x98\x80    x"), 0, NULL, 0, false},
    {"short_text", BM_VARCHAR, SLICE_OF("0123456789012345678901"), 0, NULL, 0, false},
    {"short_text", BM_VARCHAR, SLICE_OF("never"), BM_CONSTRAINT, "23514", 0, false},
    {"bytea", BM_BYTEA, {.text = {NULL, 1}}, 0, NULL, 0, false},
    /* dates and times */
    {"date", BM_DATE, {.int4 = -2440589}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = 2145042906}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = INT32_MIN + 1}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = INT32_MAX - 1}, 0, NULL, 0, false},
    {"time", BM_TIME, {.int8 = -1}, 0, NULL, 0, false},
    {"time", BM_TIME, {.int8 = DAY_USECS + 1}, 0, NULL, 0, false},
    {"timestamp", BM_TIMESTAMP, {.int8 = -210866803200000001}, 0, NULL, 0, false},
    {"timestamp", BM_TIMESTAMP, {.int8 = INT64_MIN + 1}, 0, NULL, 0, false},
    {"timestamptz", BM_TIMESTAMPTZ, {.int8 = -210866803200000001}, 0, NULL, 0, false},
    {"timestamptz", BM_TIMESTAMPTZ, {.int8 = INT64_MIN + 1}, 0, NULL, 0, false},
    /* what only the server knows to be wrong */
    {"json", BM_JSON, SLICE_OF(""), 0, "22P02", 0, false},
    {"json", BM_JSON, SLICE_OF("{\"a\":}"), 0, "22P02", 0, false},
    {"json", BM_JSON, SLICE_OF("NaN"), 0, "22P02", 0, false},
    {"json", BM_JSON, SLICE_OF("[1,]"), 0, "22P02", 0, false},
    {"json", BM_JSON, SLICE_OF("\"a\0b\""), 0, NULL, 0, false},
    {"json", BM_JSON, SLICE_OF("\"\xED\xA0\x80\""), 0, NULL, 0, false},
    {"jsonb", BM_JSONB, SLICE_OF("{secret"), 0, "22P02", 0, false},
    {"jsonb", BM_JSONB, SLICE_OF("\"\\u0000\""), 0, "22P05", 0, false},
    {"jsonb", BM_JSONB, SLICE_OF("\"\\ud800\""), 0, "22P02", 0, false},
    {"jsonb", BM_JSONB, SLICE_OF("1e200000"), 0, "22003", 0, false},
    {"mood", BM_ENUM, SLICE_OF("nope"), 0, "22P02", 0, false},
    {"mood", BM_ENUM, SLICE_OF(""), 0, "22P02", 0, false},
    {"mood", BM_ENUM, SLICE_OF("OK"), 0, "22P02", 0, false},
    {"mood", BM_ENUM, SLICE_OF("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789ab"),
     0, "22P02", 0, false},
    {"mood_domain", BM_ENUM, SLICE_OF("nope"), 0, "22P02", 0, false},
    {"uuid", BM_ENUM, SLICE_OF("no uuid"), 0, NULL, 0, false},
    {"inet", BM_TEXT, SLICE_OF("10.0.0.256"), 0, NULL, 0, false},
    {"inet", BM_INET, {.inet = {5, 0, {0}}}, 0, NULL, 0, false},
    {"inet", BM_INET, {.inet = {4, 33, {0}}}, 0, NULL, 0, false},
    {"cidr", BM_INET, {.inet = {4, 8, {10, 1}}}, 0, NULL, 0, false},
    /* arrays: an element that does not fit, or that is neither a value nor NULL */
    {"int2[]", BM_INT8, {.array = {wide_elements, 2, NULL}}, 0, NULL, BM_ARRAY, false},
    {"text[]", BM_TEXT, {.array = {bad_elements, 2, NULL}}, 0, NULL, BM_ARRAY, false},
    {"date[]", BM_DATE, {.array = {days, 2, NULL}}, 0, NULL, BM_ARRAY, false},
    {"int8[]", BM_INT8, {.array = {wide_elements, 2, odd_states}}, 0, NULL, BM_ARRAY, false},
    {"int8[]", BM_INT8, {.array = {NULL, 2, NULL}}, 0, NULL, BM_ARRAY, false},
    {"mood[]", BM_ENUM, {.array = {bad_labels, 2, NULL}}, 0, "22P02", BM_ARRAY, false},
    /* NULL where none may be */
    {"int8 NOT NULL", BM_INT8, {.int8 = 0}, BM_CONSTRAINT, "23502", 0, true},
    {"text NOT NULL", BM_TEXT, {.text = {NULL, 0}}, BM_CONSTRAINT, "23502", BM_CSTR, false},
};

static void spoil(const refusal *r, any_row *row)
{
    row->v = r->value;
    row->state = r->null ? BM_NULL : BM_VALUE;
}

/* The connection goes on: two good rows are written, counted, and taken away. */
static void goes_on(const refusal *r, const any_model *m)
{
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(r, 2);
    must(bm_bulk_create(sv.db, bm_structs(&m->model, rows, 2), NULL, NULL, &err), &err);
    free(rows);
    psql_expect(sv.conn, "2", "SELECT count(*) FROM t");
    psql_run(sv.conn, "TRUNCATE t");
    must(bm_execute(sv.db, "SELECT 1", &err), &err);
}

static void refused_create(const refusal *r, size_t n, size_t bad)
{
    any_model m;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    any_row *rows = good_rows(r, n);
    spoil(r, &rows[bad]);
    any_model_set(&m, "t", r->type, r->layout);
    bm_status status = bm_bulk_create(sv.db, bm_structs(&m.model, rows, n), NULL, &result, &err);
    assert_int_equal(status, err.status);
    judge_refusal(r, &err, bad, n > 1000);
    assert_int_equal(result.inserted, 0);
    psql_expect(sv.conn, "0", "SELECT count(*) FROM t");
    bm_result_clear(&result);
    goes_on(r, &m);
    free(rows);
}

static void refused_update(const refusal *r)
{
    const size_t n = 300;
    const size_t bad = 250;
    any_model m;
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(r, n);
    any_model_set(&m, "t", r->type, r->layout);
    must(bm_bulk_create(sv.db, bm_structs(&m.model, rows, n), NULL, NULL, &err), &err);
    char *before = psql_value(sv.conn, "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM t");
    spoil(r, &rows[bad]);
    bm_status status =
        bm_update_fields(sv.db, bm_structs(&m.model, rows, n),
                         BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("v")), NULL, &err);
    assert_int_equal(status, err.status);
    judge_refusal(r, &err, bad, false);
    psql_expect(sv.conn, before, "SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM t");
    psql_run(sv.conn, "TRUNCATE t");
    free(before);
    goes_on(r, &m);
    free(rows);
}

static void refuses(void **state)
{
    const refusal *r = *state;
    psql_run(sv.conn, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int8 PRIMARY KEY, v %s)",
             r->column);
    refused_create(r, 1500, 1234);
    refused_create(r, 300, 250);
    refused_create(r, 1, 0);
    refused_create(r, 1500, 1499);
    refused_update(r);
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

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(refusals)];
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const void *r = &refusals[i];
        tests[i] = (struct CMUnitTest){.name = refusals[i].column, .test_func = refuses};
        memcpy(&tests[i].initial_state, &r, sizeof r);
    }
    return _cmocka_run_group_tests("refusals_pg", tests, COUNT_OF(tests), open_server,
                                   close_server);
}
