/*
 * Every type that SQLite takes: what is stored is, by typeof() and quote(), what Django stores for
 * the same value, and it comes back as it was.
 */
#include "check.h"
#include "embedded.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS ((size_t)1100)

static embedded em;

typedef struct round {
    source source;
    sheet sheet; /* id, v */
    const kind *kind;
} round;

static void must(bm_status status, const bm_error *err)
{
    if (status != BM_OK) {
        fail_msg("%s at %zu, column \"%s\": %s", bm_status_name(status), err->row, err->column,
                 err->message);
    }
}

static void fill(round *r, const kind *k, bm_layout layout)
{
    r->kind = k;
    sheet_begin(&r->sheet, &r->source, "created");
    sheet_add(&r->sheet, kind_of("int8", BM_INT8), 0, "id")->flags = BM_KEY;
    sheet_add(&r->sheet, k, layout, "v")->nulls = 5;
    sheet_fill(&r->sheet, ROWS, true);
    for (size_t row = 0; row < ROWS; row++) {
        sheet_cell(&r->sheet, row, 0)->int8 = (int64_t)row;
        sheet_store(&r->sheet, row, r->sheet.rows + row * r->sheet.model.row_size);
    }
}

static const char *quoted(source *s, const char *text)
{
    char *out = source_alloc(s, 2 * strlen(text) + 3);
    char *at = out;
    *at++ = '\'';
    for (; *text != '\0'; text++) {
        *at++ = *text;
        if (*text == '\'') {
            *at++ = '\'';
        }
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

static const char *blob(source *s, bm_slice bytes)
{
    char *out = source_alloc(s, 2 * bytes.size + 4);
    char *at = out;
    *at++ = 'X';
    *at++ = '\'';
    for (size_t i = 0; i < bytes.size; i++) {
        at += snprintf(at, 3, "%02X", (unsigned char)bytes.data[i]);
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

static bool is_number(bm_type type)
{
    return type == BM_FLOAT4 || type == BM_FLOAT8 || type == BM_NUMERIC;
}

/* What typeof() and quote() must say of a value that is no float and no decimal. */
static void expectation(round *r, const cell *value, const char **type, const char **quote)
{
    source *s = &r->source;
    switch (r->kind->type) {
    case BM_BOOL:
        *type = "integer";
        *quote = value->boolean ? "1" : "0";
        break;
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        *type = "integer";
        *quote = literal_of(s, r->kind, value);
        break;
    case BM_BYTEA:
        *type = "blob";
        *quote = blob(s, value->text);
        break;
    default:
        *type = "text";
        *quote = quoted(s, literal_of(s, r->kind, value));
    }
}

static double number_of(const kind *k, const cell *value)
{
    if (k->type == BM_NUMERIC) {
        char text[400];
        snprintf(text, sizeof text, "%.*s", (int)value->text.size, value->text.data);
        return strtod(text, NULL);
    }
    return k->type == BM_FLOAT4 ? (double)value->float4 : value->float8;
}

static size_t count_digits(bm_slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        n += isdigit((unsigned char)text.data[i]) != 0;
    }
    return n;
}

/* A float column keeps REAL; a decimal column keeps an integer where the number is one.  Of
 * decimals only those of up to 15 digits are judged here: of others SQLite's own reading, in the
 * reference table, is the judge. */
static void judge_number(const round *r, sqlite3_stmt *stmt, const cell *value)
{
    double expected = number_of(r->kind, value);
    double found = sqlite3_column_double(stmt, 3);
    const char *type = (const char *)sqlite3_column_text(stmt, 1);
    if (r->kind->type != BM_NUMERIC) {
        assert_string_equal(type, "real");
        assert_memory_equal(&found, &expected, sizeof found);
        return;
    }
    if (count_digits(value->text) > 15) {
        assert_true(strcmp(type, "real") == 0 || strcmp(type, "integer") == 0);
        return;
    }
    bool whole = expected > -9e18 && expected < 9e18 && expected == (double)(int64_t)expected;
    assert_string_equal(type, whole ? "integer" : "real");
    double error = found - expected; /* SQLite 3.40 reads 1e-300 up to a few units beside */
    double size = expected < 0 ? -expected : expected;
    assert_true((error < 0 ? -error : error) <= size * 1e-15);
}

/* Every stored value, literally. */
static void judge_literally(round *r, const char *table)
{
    sqlite3_stmt *stmt =
        embedded_query(&em, "SELECT id, typeof(v), quote(v), v FROM %s ORDER BY id", table);
    for (size_t row = 0; row < ROWS; row++) {
        const char *type = "null";
        const char *quote = "NULL";
        const cell *value = sheet_cell(&r->sheet, row, 1);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int64(stmt, 0), (int64_t)row);
        bool there = *sheet_state(&r->sheet, row, 1) == BM_VALUE;
        if (there && is_number(r->kind->type)) {
            judge_number(r, stmt, value);
            continue;
        }
        if (there) {
            expectation(r, value, &type, &quote);
        }
        assert_string_equal((const char *)sqlite3_column_text(stmt, 1), type);
        assert_string_equal((const char *)sqlite3_column_text(stmt, 2), quote);
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
}

static void judge(round *r, const char *table)
{
    judge_literally(r, table);
    embedded_same(&em, &r->sheet, table, "ref");
}

static void create(round *r)
{
    bm_error err = BM_ERROR;
    embedded_create(&em, &r->sheet, "created");
    must(bm_bulk_create(em.db, sheet_rows(&r->sheet), NULL, NULL, &err), &err);
    judge(r, "created");
}

static void table_of_nulls(round *r, const char *table)
{
    embedded_create(&em, &r->sheet, table);
    for (size_t row = 0; row < ROWS; row++) {
        embedded_run(&em, "INSERT INTO %s (id) VALUES (%zu)", table, row);
    }
    r->sheet.model.table = table;
}

static void update_named(round *r)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    embedded_run(&em, "BEGIN");
    table_of_nulls(r, "named");
    embedded_run(&em, "COMMIT");
    must(bm_update_fields(em.db, sheet_as_columns(&r->sheet),
                          BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("v")), &result,
                          &err),
         &err);
    assert_int_equal(result.updated, ROWS);
    bm_result_clear(&result);
    judge(r, "named");
}

static void update_snapshot(round *r)
{
    bm_error err = BM_ERROR;
    bm_result read = BM_RESULT;
    embedded_run(&em, "BEGIN");
    table_of_nulls(r, "by_snapshot");
    embedded_run(&em, "COMMIT");
    must(bm_copy_to(em.db, bm_all(&r->sheet.model),
                    BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &read, &err),
         &err);
    for (size_t row = 0; row < ROWS; row++) {
        sheet_store_cell(&r->sheet, row, 1, bm_queryset_at(read.queryset, row));
    }
    must(bm_update_fields(em.db, bm_queryset_rows(read.queryset), NULL, NULL, &err), &err);
    bm_result_clear(&read);
    judge(r, "by_snapshot");
}

/* A decimal comes back as the number that SQLite keeps, or as its 15 digits, which Django reads. */
static void judge_decimal(const round *r, size_t row, const void *at)
{
    cell value;
    if (!sheet_load(&r->sheet, at, 1, &value)) {
        assert_int_equal(*sheet_state(&r->sheet, row, 1), BM_NULL);
        return;
    }
    double found = number_of(r->kind, &value);
    sqlite3_stmt *stmt = embedded_query(&em, "SELECT v FROM created WHERE id = %zu", row);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    double stored = sqlite3_column_double(stmt, 0);
    bool integer = sqlite3_column_type(stmt, 0) == SQLITE_INTEGER;
    if (integer) {
        cell written = {.text = {(const char *)sqlite3_column_text(stmt, 0), 0}};
        written.text.size = strlen(written.text.data);
        assert_int_equal(value.text.size, written.text.size);
        assert_memory_equal(value.text.data, written.text.data, written.text.size);
    }
    sqlite3_finalize(stmt);
    char digits[40];
    snprintf(digits, sizeof digits, "%.15g", stored);
    const double meant = strtod(digits, NULL);
    assert_true(integer || memcmp(&found, &stored, sizeof found) == 0 ||
                memcmp(&found, &meant, sizeof found) == 0);
}

static void judge_back(round *r, bm_queryset *queryset, const int64_t *keys)
{
    assert_int_equal(bm_queryset_count(queryset), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        size_t row = keys != NULL ? (size_t)keys[i] : i;
        assert_true(sheet_same(&r->sheet, row, bm_queryset_at(queryset, i)));
        if (r->kind->type == BM_NUMERIC) {
            judge_decimal(r, row, bm_queryset_at(queryset, i));
        }
    }
}

static void read_back(round *r)
{
    bm_error err = BM_ERROR;
    bm_result all = BM_RESULT;
    bm_result some = BM_RESULT;
    int64_t *keys = source_alloc(&r->source, ROWS * sizeof *keys);
    for (size_t i = 0; i < ROWS; i++) {
        keys[i] = (int64_t)((i * 7) % ROWS);
    }
    r->sheet.model.table = "created";
    must(bm_copy_to(em.db, bm_all(&r->sheet.model),
                    BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &all, &err),
         &err);
    must(bm_copy_to(em.db, bm_keys(&r->sheet.model, keys, ROWS), NULL, &some, &err), &err);
    judge_back(r, all.queryset, NULL);
    judge_back(r, some.queryset, keys);
    bm_result_clear(&all);
    bm_result_clear(&some);
}

static void run(const kind *k, bm_layout layout)
{
    static uint64_t seed = 19700101;
    round r = {.source = source_begin(seed++, k->lite)};
    r.source.lite = true;
    embedded_open(&em);
    fill(&r, k, layout);
    embedded_create(&em, &r.sheet, "ref");
    embedded_write(&em, &r.sheet, "ref", 0, ROWS);
    create(&r);
    update_named(&r);
    update_snapshot(&r);
    read_back(&r);
    embedded_close(&em);
    source_end(&r.source);
}

static void round_trip(void **state)
{
    const kind *k = *state;
    run(k, 0);
    if (is_variable(k->type) && k->type != BM_BYTEA) {
        run(k, BM_CSTR);
        run(k, BM_CHARS);
    }
}

typedef struct pair {
    int64_t id;
    double v;
} pair;

static const bm_model zeros =
    BM_MODEL("zeros", pair, BM_FIELD(pair, id, BM_INT8, BM_KEY), BM_FIELD(pair, v, BM_FLOAT8, 0));

/* A REAL column keeps whole numbers as integers on disk (SQLite, "Datatypes", 2 and 3): the sign of
 * -0.0 is lost there, by whatever program it is written. */
static void minus_zero(void **state)
{
    const pair rows[] = {{1, -0.0}};
    bm_error err = BM_ERROR;
    (void)state;
    embedded_open(&em);
    embedded_run(&em, "CREATE TABLE zeros (id integer PRIMARY KEY, v real)");
    must(bm_bulk_create(em.db, bm_structs(&zeros, rows, 1), NULL, NULL, &err), &err);
    embedded_run(&em, "INSERT INTO zeros VALUES (2, -0.0)");
    assert_int_equal(embedded_count(&em, "SELECT count(*) FROM zeros WHERE quote(v) = '0.0' AND "
                                         "typeof(v) = 'real'"),
                     2);
    embedded_close(&em);
}

int main(void)
{
    static struct CMUnitTest tests[100] = {cmocka_unit_test(minus_zero)};
    size_t n = 1;
    for (size_t i = 0; i < n_kinds; i++) {
        const void *k = &kinds[i];
        if (kinds[i].lite == NULL) {
            continue;
        }
        tests[n] = (struct CMUnitTest){.name = kinds[i].column, .test_func = round_trip};
        memcpy(&tests[n].initial_state, &k, sizeof k);
        n++;
    }
    return _cmocka_run_group_tests("roundtrip_sqlite", tests, n, NULL, NULL);
}
