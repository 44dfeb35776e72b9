#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif

#include "psql.h"
#include "check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NOTICEs would stand between the lines of TAP. */
static void no_notices(void *unused, const char *message)
{
    (void)unused;
    (void)message;
}

static char *text_of(const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) {
        fail_msg("no memory");
    }
    return text;
}

/* Run and free `sql`; the result has rows where `rows` is true. */
static PGresult *run(PGconn *conn, char *sql, bool rows)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && (rows || status != PGRES_COMMAND_OK)) {
        print_error("%s\n", sql);
        free(sql);
        PQclear(result);
        fail_msg("%s", PQerrorMessage(conn));
    }
    free(sql);
    return result;
}

/* The text of the only cell, a copy; NULL for SQL NULL. */
static char *only_cell(PGresult *result)
{
    int rows = PQntuples(result);
    int columns = PQnfields(result);
    char *value = NULL;
    if (rows == 1 && columns == 1 && !PQgetisnull(result, 0, 0)) {
        value = strdup(PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    if (rows != 1 || columns != 1) {
        fail_msg("%d rows of %d columns where one cell was expected", rows, columns);
    }
    return value;
}

PGconn *psql_open(char schema[TEST_NAME_MAX])
{
    PGconn *conn = PQconnectdb(test_postgresql());
    if (PQstatus(conn) != CONNECTION_OK) {
        print_error("%s", PQerrorMessage(conn));
        PQfinish(conn);
        fail_msg("no connection to the tests' PostgreSQL server");
    }
    PQsetNoticeProcessor(conn, no_notices, NULL);
    if (schema != NULL) {
        test_fresh_name(schema);
        psql_run(conn, "CREATE SCHEMA %s; SET search_path = %s, public", schema, schema);
    }
    return conn;
}

void psql_close(PGconn *conn, const char *schema)
{
    if (conn != NULL && schema != NULL) {
        psql_run(conn, "DROP SCHEMA %s CASCADE", schema);
    }
    PQfinish(conn);
}

void psql_run(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    PQclear(run(conn, sql, false));
}

char *psql_value(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    return only_cell(run(conn, sql, true));
}

int64_t psql_count(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    char *value = only_cell(run(conn, sql, true));
    if (value == NULL) {
        fail_msg("NULL where a number was expected");
    }
    char *end = NULL;
    int64_t count = strtoll(value, &end, 10);
    bool whole = end != value && *end == '\0';
    free(value);
    if (!whole) {
        fail_msg("a value that is no integer where a number was expected");
    }
    return count;
}

void psql_expect(PGconn *conn, const char *expected, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    char *value = only_cell(run(conn, sql, true));
    bool same = value == NULL ? expected == NULL : expected != NULL && strcmp(value, expected) == 0;
    if (!same) {
        print_error("the server says %s\nexpected was   %s\n", value != NULL ? value : "NULL",
                    expected != NULL ? expected : "NULL");
    }
    free(value);
    assert_true(same);
}

char *psql_table(PGconn *conn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    PGresult *result = run(conn, sql, true);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < PQnfields(result); column++) {
            bool null = PQgetisnull(result, row, column);
            fprintf(out, "%s%s", column > 0 ? "|" : "",
                    null ? "NULL" : PQgetvalue(result, row, column));
        }
        fputc('\n', out);
    }
    fclose(out);
    PQclear(result);
    return text;
}

void psql_refused(PGconn *conn, const char *sqlstate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *sql = text_of(format, arguments);
    va_end(arguments);
    PGresult *result = PQexec(conn, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool same = state != NULL && strcmp(state, sqlstate) == 0;
    if (!same) {
        print_error("%s\nSQLSTATE is %s, expected was %s\n", sql, state != NULL ? state : "none",
                    sqlstate);
    }
    free(sql);
    PQclear(result);
    assert_true(same);
}
