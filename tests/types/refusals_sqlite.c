/*
 * What SQLite cannot hold exactly, or what Django could not read from it, is refused by row and
 * column on the way in; what a member cannot hold on the way back.
 */
#include "check.h"
#include "embedded.h"
#include "refusal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static embedded em;

#define NOT_A_NUMBER(text_)                                                                        \
    {                                                                                              \
        "decimal", BM_NUMERIC, SLICE_OF(text_), 0, NULL, 0, false                                  \
    }
#define NOT_TEXT(text_)                                                                            \
    {                                                                                              \
        "text", BM_TEXT, SLICE_OF(text_), 0, NULL, 0, false                                        \
    }

static const refusal refusals[] = {
    {"real", BM_FLOAT8, {.float8 = (double)NAN}, 0, NULL, 0, false},
    {"real", BM_FLOAT4, {.float4 = (float)NAN}, 0, NULL, 0, false},
    NOT_A_NUMBER("abc"),
    NOT_A_NUMBER("1.2.3"),
    NOT_A_NUMBER(""),
    NOT_A_NUMBER(" 1"),
    NOT_A_NUMBER("1 "),
    NOT_A_NUMBER("0x1"),
    NOT_A_NUMBER("1e"),
    NOT_A_NUMBER("."),
    NOT_A_NUMBER("NaN"),
    NOT_A_NUMBER("Infinity"),
    NOT_A_NUMBER("1e309"),
    NOT_A_NUMBER("-1e999999"),
    NOT_A_NUMBER("1e99999999999999999999"),
    NOT_TEXT("a\0b"),
    NOT_TEXT("\0"),
    NOT_TEXT("\x80"),
    NOT_TEXT("a\xFF"),
    NOT_TEXT("\xC0\x80"),
    NOT_TEXT("\xED\xA0\x80"),
    NOT_TEXT("\xF4\x90\x80\x80"),
    NOT_TEXT("price \xE2\x82"),
    {"text", BM_TEXT, {.text = {NULL, 5}}, 0, NULL, 0, false},
    {"varchar(5)", BM_VARCHAR, SLICE_OF("a\0b"), 0, NULL, 0, false},
    {"text", BM_JSON, SLICE_OF("\"\xED\xA0\x80\""), 0, NULL, 0, false},
    {"BLOB", BM_BYTEA, {.text = {NULL, 3}}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = -719163}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = 2932897}, 0, NULL, 0, false},
    {"date", BM_DATE, {.int4 = INT32_MIN}, 0, NULL, 0, false},
    {"time", BM_TIME, {.int8 = -1}, 0, NULL, 0, false},
    {"time", BM_TIME, {.int8 = DAY_USECS}, 0, NULL, 0, false},
    {"datetime", BM_TIMESTAMP, {.int8 = -719162 * DAY_USECS - 1}, 0, NULL, 0, false},
    {"datetime", BM_TIMESTAMP, {.int8 = 2932897 * DAY_USECS}, 0, NULL, 0, false},
    {"datetime", BM_TIMESTAMPTZ, {.int8 = INT64_MIN}, 0, NULL, 0, false},
    {"datetime", BM_TIMESTAMPTZ, {.int8 = INT64_MAX}, 0, NULL, 0, false},
};

static void must_do(bm_status status, const bm_error *err)
{
    if (status != BM_OK) {
        fail_msg("%s at %zu, column \"%s\": %s", bm_status_name(status), err->row, err->column,
                 err->message);
    }
}

static void new_table(const char *declared)
{
    embedded_run(&em, "DROP TABLE IF EXISTS t; CREATE TABLE t (id integer PRIMARY KEY, v %s)",
                 declared);
}

static void refused(const refusal *r, size_t n, size_t bad, bool update)
{
    any_model m;
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(r, n);
    any_model_set(&m, "t", r->type, r->layout);
    new_table(r->column);
    if (update) {
        must_do(bm_bulk_create(em.db, bm_structs(&m.model, rows, n), NULL, NULL, &err), &err);
        embedded_run(&em, "UPDATE t SET v = NULL");
    }
    rows[bad].v = r->value;
    bm_rows all = bm_structs(&m.model, rows, n);
    bm_status status =
        update ? bm_update_fields(em.db, all,
                                  BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("v")),
                                  NULL, &err)
               : bm_bulk_create(em.db, all, NULL, NULL, &err);
    assert_int_equal(status, err.status);
    judge_refusal(r, &err, bad, true);
    assert_int_equal(embedded_count(&em, "SELECT count(*) FROM t"), update ? (int64_t)n : 0);
    assert_int_equal(embedded_count(&em, "SELECT count(v) FROM t"), 0);
    embedded_run(&em, "DELETE FROM t");
    must_do(bm_bulk_create(em.db, bm_structs(&m.model, rows, bad == 0 ? 0 : 1), NULL, NULL, &err),
            &err);
    free(rows);
}

static void refuses(void **state)
{
    const refusal *r = *state;
    refused(r, 1500, 1234, false);
    refused(r, 1, 0, false);
    refused(r, 300, 299, true);
}

static void not_null(void **state)
{
    const refusal r = {"integer NOT NULL", BM_INT8, {0}, BM_CONSTRAINT, NULL, 0, true};
    any_model m;
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(&r, 300);
    (void)state;
    rows[250].state = BM_NULL;
    any_model_set(&m, "t", BM_INT8, 0);
    new_table(r.column);
    bm_status status = bm_bulk_create(em.db, bm_structs(&m.model, rows, 300), NULL, NULL, &err);
    assert_int_equal(status, BM_CONSTRAINT);
    assert_int_equal(err.row, 250);
    assert_string_equal(err.column, "v");
    assert_int_equal(embedded_count(&em, "SELECT count(*) FROM t"), 0);
    free(rows);
}

static void no_arrays(void **state)
{
    const refusal r = {"text", BM_INT4, {0}, 0, NULL, BM_ARRAY, false};
    any_model m;
    bm_error err = BM_ERROR;
    any_row *rows = good_rows(&r, 2);
    (void)state;
    any_model_set(&m, "t", BM_INT4, BM_ARRAY);
    new_table(r.column);
    bm_status status = bm_bulk_create(em.db, bm_structs(&m.model, rows, 2), NULL, NULL, &err);
    assert_int_equal(status, BM_UNSUPPORTED);
    assert_string_equal(err.column, "v");
    assert_int_equal(embedded_count(&em, "SELECT count(*) FROM t"), 0);
    free(rows);
}

/* What is no value of the member's type in the file: written by others, or by hand. */
typedef struct lost {
    const char *column;
    const char *value;
    bm_type type;
    bm_layout layout;
    bool stateless;
} lost;

static const lost unreadable[] = {
    {"integer", "'abc'", BM_INT8, 0, false},
    {"integer", "3.5", BM_INT8, 0, false},
    {"integer", "x'00'", BM_INT8, 0, false},
    {"integer", "2147483648", BM_INT4, 0, false},
    {"integer", "-32769", BM_INT2, 0, false},
    {"bool", "2", BM_BOOL, 0, false},
    {"real", "'abc'", BM_FLOAT8, 0, false},
    {"real", "1e39", BM_FLOAT4, 0, false},
    {"decimal", "'abc'", BM_NUMERIC, 0, false},
    {"decimal", "9e999", BM_NUMERIC, 0, false},
    {"decimal", "x'31'", BM_NUMERIC, 0, false},
    {"text", "x'61'", BM_TEXT, 0, false},
    {"text", "cast(x'ff' AS text)", BM_TEXT, 0, false},
    {"text", "'a' || char(0) || 'b'", BM_TEXT, 0, false},
    {"text", "'0123456789012345678901234'", BM_TEXT, BM_CHARS, false},
    {"BLOB", "'abc'", BM_BYTEA, 0, false},
    {"date", "'2023-02-29'", BM_DATE, 0, false},
    {"date", "'0000-01-01'", BM_DATE, 0, false},
    {"date", "20240229", BM_DATE, 0, false},
    {"time", "'25:00:00'", BM_TIME, 0, false},
    {"datetime", "'2024-02-29 24:00:00'", BM_TIMESTAMP, 0, false},
    {"datetime", "'10000-01-01 00:00:00'", BM_TIMESTAMPTZ, 0, false},
    {"char(32)", "'0123456789abcdef0123456789abcdeg'", BM_UUID, 0, false},
    {"char(32)", "'0123'", BM_UUID, 0, false},
    {"integer", "NULL", BM_INT8, 0, true},
    {"text", "NULL", BM_TEXT, 0, true},
};

static const char *good_of(const lost *l)
{
    switch (l->type) {
    case BM_DATE:
        return "'2024-02-29'";
    case BM_TIME:
        return "'13:45:00'";
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        return "'2024-02-29 13:45:00.000250'";
    case BM_UUID:
        return "'0123456789abcdef0123456789abcdef'";
    case BM_BYTEA:
        return "x'00'";
    case BM_TEXT:
        return "'ok'";
    default:
        return "1";
    }
}

static void not_read(void **state)
{
    const lost *l = *state;
    any_model m;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    int64_t keys[300];
    any_model_set(&m, "t", l->type, l->layout);
    m.fields[1].state_offset = l->stateless ? BM_NO_STATE : m.fields[1].state_offset;
    new_table(l->column);
    embedded_run(&em,
                 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < "
                 "299) INSERT INTO t SELECT i, CASE i WHEN 250 THEN %s ELSE %s END FROM n",
                 l->value, good_of(l));
    for (size_t i = 0; i < 300; i++) {
        keys[i] = (int64_t)(299 - i);
    }
    bm_status status =
        bm_copy_to(em.db, bm_all(&m.model), BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON),
                   &result, &err);
    assert_int_equal(status, BM_CONVERT);
    assert_int_equal(err.row, 250);
    assert_string_equal(err.column, "v");
    bm_result_clear(&result);
    status = bm_copy_to(em.db, bm_keys(&m.model, keys, 300), NULL, &result, &err);
    assert_int_equal(status, BM_CONVERT);
    assert_int_equal(err.row, 49);
    assert_string_equal(err.column, "v");
    bm_result_clear(&result);
    must_do(bm_copy_to(em.db, bm_keys(&m.model, keys, 49), NULL, &result, &err), &err);
    assert_int_equal(bm_queryset_count(result.queryset), 49);
    bm_result_clear(&result);
}

static int open_file(void **state)
{
    (void)state;
    embedded_open(&em);
    return 0;
}

static int close_file(void **state)
{
    (void)state;
    embedded_close(&em);
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
    static struct CMUnitTest tests[COUNT_OF(refusals) + COUNT_OF(unreadable) + 2];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        tests[n++] = case_of(refusals[i].column, refuses, &refusals[i]);
    }
    for (size_t i = 0; i < COUNT_OF(unreadable); i++) {
        tests[n++] = case_of(unreadable[i].value, not_read, &unreadable[i]);
    }
    tests[n++] = case_of("not null", not_null, NULL);
    tests[n++] = case_of("no arrays", no_arrays, NULL);
    return _cmocka_run_group_tests("refusals_sqlite", tests, n, open_file, close_file);
}
