/* What a cell becomes in SQLite and back, judged by SQLite's typeof() and quote(). */
#include "check.h"

#include "storage.h"

#include <float.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    sqlite3 *db;
    sqlite3_stmt *show; /* typeof, quote */
    bm__arena arena;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){NULL, NULL, {NULL}};
    *state = &f;
    if (sqlite3_open(":memory:", &f.db) != SQLITE_OK) {
        return -1;
    }
    return sqlite3_prepare_v2(f.db, "SELECT typeof(?1), quote(?1)", -1, &f.show, NULL);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    bm__arena_free(&f->arena);
    sqlite3_finalize(f->show);
    return sqlite3_close(f->db);
}

static void bind(sqlite3_stmt *stmt, const bm__cell *cell)
{
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        sqlite3_bind_int64(stmt, 1, cell->integer);
        break;
    case BM__CELL_REAL:
        sqlite3_bind_double(stmt, 1, cell->real);
        break;
    case BM__CELL_TEXT:
        assert_non_null(cell->data);
        sqlite3_bind_text(stmt, 1, cell->data, (int)cell->size, SQLITE_TRANSIENT);
        break;
    case BM__CELL_BLOB:
        assert_non_null(cell->data);
        sqlite3_bind_blob(stmt, 1, cell->data, (int)cell->size, SQLITE_TRANSIENT);
        break;
    default:
        fail_msg("kind %d", (int)cell->kind);
    }
}

static const char *value_of(bm_type type, bm_layout layout, size_t width, const void *cell,
                            char scratch[BM__PRINT_MAX], bm__cell *out)
{
    bm_error err = BM_ERROR;
    assert_int_equal(bm__sqlite_resolve(type, layout, width, &err), BM_OK);
    return bm__sqlite_value(type, layout, width, cell, scratch, out);
}

/* The cell is stored as SQLite shows `quoted`, of class `class`. */
static void check(fixture *f, bm_type type, bm_layout layout, size_t width, const void *cell,
                  const char *class, const char *quoted)
{
    char scratch[BM__PRINT_MAX];
    bm__cell out;
    assert_null(value_of(type, layout, width, cell, scratch, &out));
    bind(f->show, &out);
    assert_int_equal(sqlite3_step(f->show), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(f->show, 0), class);
    assert_string_equal((const char *)sqlite3_column_text(f->show, 1), quoted);
    sqlite3_reset(f->show);
}

#define CHECK(f, type, c_type, value, class, quoted)                                               \
    do {                                                                                           \
        c_type cell_ = value;                                                                      \
        check(f, type, BM_FIXED, sizeof cell_, &cell_, class, quoted);                             \
    } while (0)

static void test_fixed(void **state)
{
    fixture *f = *state;
    CHECK(f, BM_BOOL, bool, true, "integer", "1");
    CHECK(f, BM_BOOL, bool, false, "integer", "0");
    CHECK(f, BM_INT2, int16_t, INT16_MIN, "integer", "-32768");
    CHECK(f, BM_INT4, int32_t, INT32_MIN, "integer", "-2147483648");
    CHECK(f, BM_INT8, int64_t, INT64_MAX, "integer", "9223372036854775807");
    CHECK(f, BM_INT8, int64_t, INT64_MIN, "integer", "-9223372036854775808");
    CHECK(f, BM_FLOAT4, float, 0.5F, "real", "0.5");
    CHECK(f, BM_FLOAT8, double, 1.0, "real", "1.0");
    double infinite = (double)INFINITY;
    char scratch[BM__PRINT_MAX];
    bm__cell out;
    assert_null(value_of(BM_FLOAT8, BM_FIXED, 8, &infinite, scratch, &out));
    assert_true(out.kind == BM__CELL_REAL && isinf(out.real));
    CHECK(f, BM_DATE, int32_t, 19782, "text", "'2024-02-29'");
    CHECK(f, BM_DATE, int32_t, BM__DATE_MIN, "text", "'0001-01-01'");
    CHECK(f, BM_TIME, int64_t, INT64_C(49500000250), "text", "'13:45:00.000250'");
    CHECK(f, BM_TIMESTAMP, int64_t, INT64_C(1709214300000000), "text", "'2024-02-29 13:45:00'");
    CHECK(f, BM_TIMESTAMPTZ, int64_t, -1, "text", "'1969-12-31 23:59:59.999999'");
    /* DurationField of Django is a bigint of microseconds: 1 day and 1 us */
    const bm_interval interval = {1, 1, 0};
    check(f, BM_INTERVAL, BM_FIXED, sizeof interval, &interval, "integer", "86400000001");
    /* GenericIPAddressField is a char(39) */
    const bm_inet inet = {4, 32, {10, 0, 0, 1}};
    check(f, BM_INET, BM_FIXED, sizeof inet, &inet, "text", "'10.0.0.1'");
    const bm_interval month = {0, 0, 1};
    const bm_interval large = {0, INT32_MAX, 0};
    assert_non_null(value_of(BM_INTERVAL, BM_FIXED, sizeof month, &month, scratch, &out));
    assert_non_null(value_of(BM_INTERVAL, BM_FIXED, sizeof large, &large, scratch, &out));
    bm_uuid uuid = {{0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x43, 0x20, 0x9b, 0xac, 0xf8, 0x47, 0xdb,
                     0x41, 0x48, 0xa8}};
    check(f, BM_UUID, BM_FIXED, sizeof uuid, &uuid, "text", "'919108f752d143209bacf847db4148a8'");
}

static void test_variable(void **state)
{
    fixture *f = *state;
    static const bm_type texts[] = {BM_TEXT, BM_VARCHAR, BM_CHAR, BM_JSON, BM_JSONB, BM_ENUM};
    const char *pointer = "d\xC3\xA9j\xC3\xA0";
    bm_slice slice = {"d\xC3\xA9j\xC3\xA0 vu", 6};
    bm_slice empty = {NULL, 0};
    char full[4] = {'a', 'b', 'c', 'd'};
    char part[8] = "ab";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bm_type type = texts[i];
        check(f, type, BM_CSTR, sizeof pointer, &pointer, "text", "'d\xC3\xA9j\xC3\xA0'");
        check(f, type, BM_SLICE, sizeof slice, &slice, "text", "'d\xC3\xA9j\xC3\xA0'");
        check(f, type, BM_SLICE, sizeof empty, &empty, "text", "''");
        check(f, type, BM_CHARS, sizeof full, full, "text", "'abcd'");
        check(f, type, BM_CHARS, sizeof part, part, "text", "'ab'");
    }
    bm_slice bytes = {"\0\xFF'", 3};
    check(f, BM_BYTEA, BM_SLICE, sizeof bytes, &bytes, "blob", "X'00FF27'");
    check(f, BM_BYTEA, BM_SLICE, sizeof empty, &empty, "blob", "X''");
}

/* Numbers go as text; a column of NUMERIC affinity, as Django declares it, makes numbers of them.
 */
static void test_numeric(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *text, *class, *stored;
    } cases[] = {
        {"-12.50", "real", "-12.5"}, {"7", "integer", "7"},     {"+7.0", "integer", "7"},
        {"1e-7", "real", "1e-07"},   {".5", "real", "0.5"},     {"5.", "integer", "5"},
        {"1E3", "integer", "1000"},  {"0e999", "integer", "0"}, {"0.001e5", "integer", "100"},
    };
    assert_int_equal(sqlite3_exec(f->db, "CREATE TABLE n(v decimal)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *put;
    sqlite3_stmt *get;
    sqlite3_prepare_v2(f->db, "INSERT INTO n VALUES(?1)", -1, &put, NULL);
    sqlite3_prepare_v2(f->db, "SELECT typeof(v), quote(v) FROM n ORDER BY rowid DESC LIMIT 1", -1,
                       &get, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char scratch[BM__PRINT_MAX];
        bm__cell cell;
        assert_null(value_of(BM_NUMERIC, BM_CSTR, sizeof(char *), &cases[i].text, scratch, &cell));
        bind(put, &cell);
        assert_int_equal(sqlite3_step(put), SQLITE_DONE);
        assert_int_equal(sqlite3_step(get), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(get, 0), cases[i].class);
        assert_true(strtod((const char *)sqlite3_column_text(get, 1), NULL) ==
                    strtod(cases[i].stored, NULL));
        sqlite3_reset(put);
        sqlite3_reset(get);
    }
    sqlite3_finalize(put);
    sqlite3_finalize(get);
}

static void refuse(bm_type type, bm_layout layout, size_t width, const void *cell,
                   const char *reason)
{
    char scratch[BM__PRINT_MAX];
    bm__cell out;
    const char *fault = value_of(type, layout, width, cell, scratch, &out);
    assert_non_null(fault);
    if (strstr(fault, reason) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", fault, reason);
    }
}

static void test_refused(void **state)
{
    (void)state;
    double nan8 = (double)NAN;
    float nan4 = NAN;
    refuse(BM_FLOAT8, BM_FIXED, 8, &nan8, "NaN");
    refuse(BM_FLOAT4, BM_FIXED, 4, &nan4, "NaN");
    int32_t days[] = {BM__DATE_MIN - 1, BM__DATE_MAX + 1, INT32_MIN, INT32_MAX};
    int64_t stamps[] = {BM__DATE_MIN * BM__USECS_PER_DAY - 1,
                        (BM__DATE_MAX + 1) * BM__USECS_PER_DAY, INT64_MIN, INT64_MAX};
    int64_t times[] = {-1, BM__USECS_PER_DAY, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        refuse(BM_DATE, BM_FIXED, 4, &days[i], "years 1 to 9999");
        refuse(BM_TIMESTAMP, BM_FIXED, 8, &stamps[i], "years 1 to 9999");
        refuse(BM_TIMESTAMPTZ, BM_FIXED, 8, &stamps[i], "years 1 to 9999");
        refuse(BM_TIME, BM_FIXED, 8, &times[i], "time");
    }
    const char *null = NULL;
    bm_slice broken = {NULL, 3};
    refuse(BM_TEXT, BM_CSTR, sizeof null, &null, "NULL pointer");
    refuse(BM_NUMERIC, BM_CSTR, sizeof null, &null, "NULL pointer");
    refuse(BM_TEXT, BM_SLICE, sizeof broken, &broken, "NULL pointer");
    refuse(BM_BYTEA, BM_SLICE, sizeof broken, &broken, "NULL pointer");
    static const bm_slice texts[] = {
        {"a\0b", 3}, {"\0", 1}, {"\xFF", 1}, {"\xED\xA0\x80", 3}, {"\xC0\xAF", 2}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refuse(BM_VARCHAR, BM_SLICE, sizeof(bm_slice), &texts[i], i < 2 ? "NUL" : "UTF-8");
    }
    static const char *const numbers[] = {"",   "abc", "NaN",  "Infinity", " 1",
                                          "1 ", "1,5", "--1",  "1e",       "1e+",
                                          ".",  "e5",  "0x10", "1.2.3",    "+"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        refuse(BM_NUMERIC, BM_CSTR, sizeof(char *), &numbers[i], "not a number");
    }
    static const char *const large[] = {"1e308", "0.01e310", "99999999e99999999999999999999"};
    for (size_t i = 0; i < 3; i++) {
        refuse(BM_NUMERIC, BM_CSTR, sizeof(char *), &large[i], "too large");
    }
}

static void test_large_numbers(void **state)
{
    (void)state;
    static const char *const taken[] = {"9.99e307", "0.0000001e314", "1e-99999",
                                        "-123456789012345678901234567890.123456789"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        char scratch[BM__PRINT_MAX];
        bm__cell out;
        assert_null(value_of(BM_NUMERIC, BM_CSTR, sizeof(char *), &taken[i], scratch, &out));
        assert_int_equal(out.size, strlen(taken[i]));
    }
}

static void test_resolve(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__sqlite_resolve(BM_INT4, BM_ARRAY, sizeof(bm_array), &err), BM_UNSUPPORTED);
    assert_non_null(strstr(err.message, "int4"));
    bm__error_reset(&err);
    assert_int_equal(bm__sqlite_resolve(BM_INT4, BM_FIXED, 8, &err), BM_INVALID);
    bm__error_reset(&err);
    assert_int_equal(bm__sqlite_resolve(BM_BYTEA, BM_CSTR, sizeof(char *), &err), BM_INVALID);
    bm__error_reset(&err);
    assert_int_equal(bm__sqlite_resolve((bm_type)99, BM_FIXED, 8, &err), BM_INVALID);
}

/* A batch of 1,000 rows, picked in reverse: NaN in the row of the views 7, text in 300 of the
 * other. */
static void test_check(void **state)
{
    (void)state;
    static double reals[1000];
    static const char *texts[1000];
    static uint8_t states[1000];
    static size_t pick[1000];
    for (size_t i = 0; i < 1000; i++) {
        reals[i] = (double)i;
        texts[i] = "fine";
        pick[i] = 999 - i;
    }
    bm__view views[2] = {
        {.name = "real", .cells = {BM_FLOAT8, BM_FIXED, 8, reals, 8, states, 1, NULL}},
        {.name = "text", .cells = {BM_TEXT, BM_CSTR, 8, texts, 8, NULL, 0, NULL}},
    };
    bm__batch batch = {views, 2, 1000, 0, pick};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__sqlite_check(&batch, &err), BM_OK);
    reals[7] = (double)NAN;
    states[7] = BM_NULL;
    assert_int_equal(bm__sqlite_check(&batch, &err), BM_OK);
    states[7] = BM_VALUE;
    assert_int_equal(bm__sqlite_check(&batch, &err), BM_CONVERT);
    assert_int_equal(err.row, 992);
    assert_string_equal(err.column, "real");
    bm__error_reset(&err);
    texts[300] = "\xFF";
    assert_int_equal(bm__sqlite_check(&batch, &err), BM_CONVERT);
    assert_int_equal(err.row, 699);
    assert_string_equal(err.column, "text");
}

/* ------------------------------------------------------------------------------------------ back
 */

static bm__cell integer_cell(int64_t value)
{
    return (bm__cell){.kind = BM__CELL_INTEGER, .integer = value};
}

static bm__cell real_cell(double value)
{
    return (bm__cell){.kind = BM__CELL_REAL, .real = value};
}

static bm__cell text_cell(const char *text)
{
    return (bm__cell){.kind = BM__CELL_TEXT, .data = text, .size = strlen(text)};
}

static void test_read_fixed(void **state)
{
    fixture *f = *state;
    static const struct {
        bm_type type;
        size_t width;
    } all[] = {{BM_BOOL, 1}, {BM_INT2, 2}, {BM_INT4, 4}, {BM_INT8, 8}};
    static const int64_t low[] = {0, INT16_MIN, INT32_MIN, INT64_MIN};
    static const int64_t high[] = {1, INT16_MAX, INT32_MAX, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        for (int top = 0; top < 2; top++) {
            int64_t value = top != 0 ? high[i] : low[i];
            uint64_t member = 0;
            char scratch[BM__PRINT_MAX];
            bm__cell cell = integer_cell(value);
            bm__cell again;
            assert_null(
                bm__sqlite_read(all[i].type, BM_FIXED, all[i].width, &cell, &member, &f->arena));
            assert_null(
                bm__sqlite_value(all[i].type, BM_FIXED, all[i].width, &member, scratch, &again));
            assert_int_equal(again.integer, value);
            if (i < 3) {
                cell = integer_cell(top != 0 ? value + 1 : value - 1);
                assert_non_null(bm__sqlite_read(all[i].type, BM_FIXED, all[i].width, &cell, &member,
                                                &f->arena));
            }
        }
        bm__cell real = real_cell(1.0);
        uint64_t member;
        assert_non_null(
            bm__sqlite_read(all[i].type, BM_FIXED, all[i].width, &real, &member, &f->arena));
    }
}

static void test_read_floats(void **state)
{
    fixture *f = *state;
    double eight = 0;
    float four = 0;
    bm__cell cell = real_cell(0.1);
    assert_null(bm__sqlite_read(BM_FLOAT8, BM_FIXED, 8, &cell, &eight, &f->arena));
    assert_true(eight == 0.1);
    assert_null(bm__sqlite_read(BM_FLOAT4, BM_FIXED, 4, &cell, &four, &f->arena));
    assert_true(four == 0.1F);
    cell = integer_cell(-3);
    assert_null(bm__sqlite_read(BM_FLOAT8, BM_FIXED, 8, &cell, &eight, &f->arena));
    assert_true(eight == -3.0);
    cell = real_cell((double)INFINITY);
    assert_null(bm__sqlite_read(BM_FLOAT4, BM_FIXED, 4, &cell, &four, &f->arena));
    assert_true(isinf(four));
    cell = real_cell(DBL_MAX);
    assert_non_null(bm__sqlite_read(BM_FLOAT4, BM_FIXED, 4, &cell, &four, &f->arena));
    cell = text_cell("0.1");
    assert_non_null(bm__sqlite_read(BM_FLOAT8, BM_FIXED, 8, &cell, &eight, &f->arena));
}

static void test_read_intervals(void **state)
{
    fixture *f = *state;
    bm_interval interval = {0, 7, 7};
    bm__cell cell = integer_cell(-86400000001);
    assert_null(
        bm__sqlite_read(BM_INTERVAL, BM_FIXED, sizeof interval, &cell, &interval, &f->arena));
    assert_true(interval.microseconds == -86400000001 && interval.days == 0 &&
                interval.months == 0);
    cell = text_cell("1");
    assert_non_null(
        bm__sqlite_read(BM_INTERVAL, BM_FIXED, sizeof interval, &cell, &interval, &f->arena));
}

static void test_read_text_forms(void **state)
{
    fixture *f = *state;
    int32_t days = 0;
    int64_t usecs = 0;
    bm_uuid uuid;
    bm__cell cell = text_cell("2024-02-29");
    assert_null(bm__sqlite_read(BM_DATE, BM_FIXED, 4, &cell, &days, &f->arena));
    assert_int_equal(days, 19782);
    /* a date alone is its midnight, as datetime.fromisoformat reads it */
    assert_null(bm__sqlite_read(BM_TIMESTAMP, BM_FIXED, 8, &cell, &usecs, &f->arena));
    assert_int_equal(usecs, INT64_C(1709164800000000));
    cell = text_cell("13:45:00.000250");
    assert_null(bm__sqlite_read(BM_TIME, BM_FIXED, 8, &cell, &usecs, &f->arena));
    assert_int_equal(usecs, INT64_C(49500000250));
    cell = text_cell("2024-02-29 14:45:00+01:00");
    assert_null(bm__sqlite_read(BM_TIMESTAMPTZ, BM_FIXED, 8, &cell, &usecs, &f->arena));
    assert_int_equal(usecs, INT64_C(1709214300000000));
    cell = text_cell("919108f752d143209bacf847db4148a8");
    assert_null(bm__sqlite_read(BM_UUID, BM_FIXED, 16, &cell, &uuid, &f->arena));
    assert_int_equal(uuid.bytes[15], 0xa8);
    cell = integer_cell(19782);
    assert_non_null(bm__sqlite_read(BM_DATE, BM_FIXED, 4, &cell, &days, &f->arena));
    assert_non_null(bm__sqlite_read(BM_UUID, BM_FIXED, 16, &cell, &uuid, &f->arena));
}

static void test_read_variable(void **state)
{
    fixture *f = *state;
    const char *pointer = NULL;
    bm_slice slice = {NULL, 0};
    char chars[4] = "zzz";
    bm__cell cell = text_cell("d\xC3\xA9j");
    assert_null(bm__sqlite_read(BM_TEXT, BM_CSTR, sizeof pointer, &cell, &pointer, &f->arena));
    assert_string_equal(pointer, "d\xC3\xA9j");
    assert_null(bm__sqlite_read(BM_TEXT, BM_CHARS, sizeof chars, &cell, chars, &f->arena));
    assert_memory_equal(chars, "d\xC3\xA9j", 4);
    cell = text_cell("x");
    assert_null(bm__sqlite_read(BM_TEXT, BM_CHARS, sizeof chars, &cell, chars, &f->arena));
    assert_memory_equal(chars, "x\0\0\0", 4);
    cell = text_cell("five!");
    assert_non_null(bm__sqlite_read(BM_TEXT, BM_CHARS, sizeof chars, &cell, chars, &f->arena));
    cell = (bm__cell){.kind = BM__CELL_TEXT, .data = "a\0b", .size = 3};
    assert_non_null(bm__sqlite_read(BM_TEXT, BM_CSTR, sizeof pointer, &cell, &pointer, &f->arena));
    cell = (bm__cell){.kind = BM__CELL_BLOB, .data = NULL, .size = 0};
    assert_null(bm__sqlite_read(BM_BYTEA, BM_SLICE, sizeof slice, &cell, &slice, &f->arena));
    assert_int_equal(slice.size, 0);
    assert_non_null(slice.data);
    assert_non_null(bm__sqlite_read(BM_TEXT, BM_CSTR, sizeof pointer, &cell, &pointer, &f->arena));
    cell = (bm__cell){.kind = BM__CELL_BLOB, .data = "\0\xFF", .size = 2};
    assert_null(bm__sqlite_read(BM_BYTEA, BM_SLICE, sizeof slice, &cell, &slice, &f->arena));
    assert_int_equal(slice.size, 2);
    assert_memory_equal(slice.data, "\0\xFF\0", 3);
}

/* Numbers of a column without a declared type (issue 9): a REAL stays one. */
static void test_read_numbers_as_text(void **state)
{
    fixture *f = *state;
    const struct {
        bm__cell cell;
        const char *expected;
    } rows[] = {
        {integer_cell(5), "5"},
        {integer_cell(INT64_MIN), "-9223372036854775808"},
        {integer_cell(INT64_C(9007199254740993)), "9007199254740993"},
        {real_cell(5), "5.0"},
        {real_cell(-0.0), "-0.0"},
        {real_cell(1.5), "1.5"},
        {real_cell(0.1 + 0.2), "0.30000000000000004"},
        {real_cell(1e300), "1e+300"},
        {real_cell((double)INFINITY), "Infinity"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = NULL;
        assert_null(
            bm__sqlite_read(BM_TEXT, BM_CSTR, sizeof text, &rows[i].cell, &text, &f->arena));
        assert_string_equal(text, rows[i].expected);
    }
    const char *text = NULL;
    const bm__cell one = integer_cell(1);
    const bm__cell infinite = real_cell((double)INFINITY);
    assert_null(bm__sqlite_read(BM_JSON, BM_CSTR, sizeof text, &one, &text, &f->arena));
    assert_string_equal(text, "1");
    assert_non_null(bm__sqlite_read(BM_JSON, BM_CSTR, sizeof text, &infinite, &text, &f->arena));
}

static const char *number(fixture *f, bm__cell cell)
{
    const char *text = NULL;
    assert_null(bm__sqlite_read(BM_NUMERIC, BM_CSTR, sizeof text, &cell, &text, &f->arena));
    return text;
}

static void test_read_numeric(void **state)
{
    fixture *f = *state;
    assert_string_equal(number(f, integer_cell(INT64_MIN)), "-9223372036854775808");
    assert_string_equal(number(f, real_cell(-12.5)), "-12.5");
    assert_string_equal(number(f, real_cell(0.1)), "0.1");
    assert_string_equal(number(f, text_cell("1.10")), "1.10");
    /* What SQLite 3.40 makes of "47.985792" and "-87.59553528": not the nearest REAL. */
    assert_string_equal(number(f, real_cell(47.985792000000004)), "47.985792");
    assert_string_equal(number(f, real_cell(-87.59553528000001)), "-87.59553528");
    assert_string_equal(number(f, real_cell(0.1 + 0.2)), "0.3");
    assert_string_equal(number(f, real_cell(0.0)), "0");
    static const double reals[] = {1.0 / 3, 1e300, -5e-324, DBL_MAX, 123456789.125, 2.5e-310};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        assert_true(strtod(number(f, real_cell(reals[i])), NULL) == reals[i]);
    }
    const char *text;
    bm__cell cell = real_cell((double)INFINITY);
    assert_non_null(bm__sqlite_read(BM_NUMERIC, BM_CSTR, sizeof text, &cell, &text, &f->arena));
    cell = text_cell("abc");
    assert_non_null(bm__sqlite_read(BM_NUMERIC, BM_CSTR, sizeof text, &cell, &text, &f->arena));
    cell = (bm__cell){.kind = BM__CELL_BLOB, .data = "1", .size = 1};
    assert_non_null(bm__sqlite_read(BM_NUMERIC, BM_CSTR, sizeof text, &cell, &text, &f->arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fixed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_variable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numeric, set_up, tear_down),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_large_numbers),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_check),
        cmocka_unit_test_setup_teardown(test_read_fixed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_floats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_text_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_intervals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_variable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_numbers_as_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_numeric, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
