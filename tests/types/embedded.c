#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif

#include "embedded.h"

#include "check.h"
#include "growing_text.h"
#include "testdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void embedded_open(embedded *em)
{
    char path[TEST_PATH_MAX];
    char url[TEST_PATH_MAX];
    bm_error err = BM_ERROR;
    test_sqlite_file(path, url);
    assert_int_equal(sqlite3_open(path, &em->conn), SQLITE_OK);
    sqlite3_busy_timeout(em->conn, 10000);
    embedded_run(em, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    if (bm_open(url, NULL, &em->db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
}

void embedded_close(embedded *em)
{
    bm_close(em->db);
    sqlite3_close(em->conn);
}

static void run(embedded *em, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(em->conn, sql, NULL, NULL, &message) != SQLITE_OK) {
        print_error("%.500s\n", sql);
        fail_msg("%s", message);
    }
}

static char *text_of(const char *format, va_list arguments)
{
    char *text = NULL;
    assert_true(vasprintf(&text, format, arguments) >= 0);
    return text;
}

void embedded_run(embedded *em, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    run(em, sql);
    free(sql);
}

static sqlite3_stmt *prepare(embedded *em, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(em->conn, sql, -1, &stmt, NULL) != SQLITE_OK) {
        print_error("%.500s\n", sql);
        fail_msg("%s", sqlite3_errmsg(em->conn));
    }
    return stmt;
}

sqlite3_stmt *embedded_query(embedded *em, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    sqlite3_stmt *stmt = prepare(em, sql);
    free(sql);
    return stmt;
}

static int64_t only(sqlite3_stmt *stmt)
{
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

int64_t embedded_count(embedded *em, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    sqlite3_stmt *stmt = prepare(em, sql);
    free(sql);
    return only(stmt);
}

void embedded_create(embedded *em, const sheet *sh, const char *table)
{
    statement sql;
    const char *between = "";
    FILE *out = begin(&sql);
    fprintf(out, "CREATE TABLE %s (", table);
    for (size_t c = 0; c < sh->n_columns; c++) {
        const column *col = &sh->columns[c];
        bool assigned = (col->flags & BM_ASSIGNED) != 0;
        fprintf(out, "%s%s %s", between, sh->names[c], assigned ? "integer" : col->kind->lite);
        if (col->fallback != NULL) {
            fprintf(out, " DEFAULT %s", col->fallback);
        }
        fputs(assigned                                   ? " PRIMARY KEY AUTOINCREMENT"
              : col->nulls == 0 && col->fallback == NULL ? " NOT NULL"
                                                         : "",
              out);
        between = ", ";
    }
    between = ", PRIMARY KEY (";
    for (size_t c = 0; c < sh->n_columns; c++) {
        if ((sh->columns[c].flags & (BM_KEY | BM_ASSIGNED)) == BM_KEY) {
            fprintf(out, "%s%s", between, sh->names[c]);
            between = ", ";
        }
    }
    fputs(strcmp(between, ", ") == 0 ? "))" : ")", out);
    run(em, end(&sql));
    free(sql.text);
}

/* As Django's adapters give it to the sqlite3 module. */
static int bind_value(const sheet *sh, sqlite3_stmt *stmt, int at, size_t row, size_t c)
{
    const kind *k = sh->columns[c].kind;
    const cell *value = sheet_cell(sh, row, c);
    if (*sheet_state(sh, row, c) == BM_NULL) {
        return sqlite3_bind_null(stmt, at);
    }
    switch (k->type) {
    case BM_BOOL:
        return sqlite3_bind_int(stmt, at, value->boolean);
    case BM_INT2:
        return sqlite3_bind_int(stmt, at, value->int2);
    case BM_INT4:
        return sqlite3_bind_int(stmt, at, value->int4);
    case BM_INT8:
        return sqlite3_bind_int64(stmt, at, value->int8);
    case BM_FLOAT4:
        return sqlite3_bind_double(stmt, at, (double)value->float4);
    case BM_FLOAT8:
        return sqlite3_bind_double(stmt, at, value->float8);
    case BM_BYTEA:
        return value->text.size == 0 ? sqlite3_bind_zeroblob(stmt, at, 0)
                                     : sqlite3_bind_blob(stmt, at, value->text.data,
                                                         (int)value->text.size, SQLITE_STATIC);
    default:
        return sqlite3_bind_text(stmt, at, literal_of(sh->source, k, value), -1, SQLITE_STATIC);
    }
}

static void step(embedded *em, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE) {
        fail_msg("%s", sqlite3_errmsg(em->conn));
    }
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_changes(em->conn), 1);
}

/* SQLite has no DEFAULT in VALUES: such a column is not named. */
static void write_row(embedded *em, const sheet *sh, const char *table, size_t row)
{
    statement sql;
    int n = 0;
    FILE *out = begin(&sql);
    fprintf(out, "INSERT INTO %s (", table);
    for (size_t c = 0; c < sh->n_columns; c++) {
        if (*sheet_state(sh, row, c) != BM_DEFAULT_CELL) {
            fprintf(out, "%s%s", n++ > 0 ? ", " : "", sh->names[c]);
        }
    }
    fputs(") VALUES (", out);
    for (int i = 0; i < n; i++) {
        fputs(i > 0 ? ", ?" : "?", out);
    }
    fputs(")", out);
    sqlite3_stmt *stmt = prepare(em, end(&sql));
    free(sql.text);
    int at = 0;
    for (size_t c = 0; c < sh->n_columns; c++) {
        if (*sheet_state(sh, row, c) != BM_DEFAULT_CELL) {
            assert_int_equal(bind_value(sh, stmt, ++at, row, c), SQLITE_OK);
        }
    }
    step(em, stmt);
}

void embedded_write(embedded *em, const sheet *sh, const char *table, size_t from, size_t n)
{
    run(em, "BEGIN");
    for (size_t row = from; row < from + n; row++) {
        write_row(em, sh, table, row);
    }
    run(em, "COMMIT");
}

void embedded_update(embedded *em, const sheet *sh, const char *table, size_t row, size_t c)
{
    statement sql;
    const char *before = " WHERE ";
    FILE *out = begin(&sql);
    fprintf(out, "UPDATE %s SET %s = ?", table, sh->names[c]);
    for (size_t k = 0; k < sh->n_columns; k++) {
        if ((sh->columns[k].flags & BM_KEY) != 0) {
            fprintf(out, "%s%s = ?", before, sh->names[k]);
            before = " AND ";
        }
    }
    sqlite3_stmt *stmt = prepare(em, end(&sql));
    free(sql.text);
    int at = 1;
    assert_int_equal(bind_value(sh, stmt, at, row, c), SQLITE_OK);
    for (size_t k = 0; k < sh->n_columns; k++) {
        if ((sh->columns[k].flags & BM_KEY) != 0) {
            assert_int_equal(bind_value(sh, stmt, ++at, row, k), SQLITE_OK);
        }
    }
    step(em, stmt);
}

static void put_select(FILE *out, const sheet *sh, const char *table)
{
    fputs("SELECT 1", out);
    for (size_t c = 0; c < sh->n_columns; c++) {
        fprintf(out, ", typeof(%s), quote(%s)", sh->names[c], sh->names[c]);
    }
    fprintf(out, " FROM %s", table);
}

static int64_t not_in(embedded *em, const sheet *sh, const char *a, const char *b)
{
    statement sql;
    FILE *out = begin(&sql);
    fputs("SELECT count(*) FROM (", out);
    put_select(out, sh, a);
    fputs(" EXCEPT ", out);
    put_select(out, sh, b);
    fputs(")", out);
    sqlite3_stmt *stmt = prepare(em, end(&sql));
    free(sql.text);
    return only(stmt);
}

/* For a reader of a failure: which columns hold values that the other table's do not. */
static void print_differences(embedded *em, const sheet *sh, const char *a, const char *b)
{
    for (size_t c = 0; c < sh->n_columns; c++) {
        const char *name = sh->names[c];
        sqlite3_stmt *stmt = embedded_query(
            em,
            "SELECT typeof(%s), substr(quote(%s), 1, 60) FROM %s EXCEPT SELECT typeof(%s), "
            "substr(quote(%s), 1, 60) FROM %s",
            name, name, a, name, name, b);
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            print_error("%s %s: only %s has %s %s\n", name, sh->columns[c].kind->lite, a,
                        (const char *)sqlite3_column_text(stmt, 0),
                        (const char *)sqlite3_column_text(stmt, 1));
        }
        sqlite3_finalize(stmt);
    }
}

void embedded_same(embedded *em, const sheet *sh, const char *a, const char *b)
{
    assert_int_equal(embedded_count(em, "SELECT count(*) FROM %s", a),
                     embedded_count(em, "SELECT count(*) FROM %s", b));
    int64_t only_a = not_in(em, sh, a, b);
    int64_t only_b = not_in(em, sh, b, a);
    if (only_a + only_b != 0) {
        print_differences(em, sh, a, b);
        print_differences(em, sh, b, a);
    }
    assert_int_equal(only_a + only_b, 0);
}
