/*
 * A judge beside the library: plain libpq, values as the server writes them.  What a test believes
 * about a table comes from here, never from our own reading of it.  Each of these ends the test as
 * failed, with the server's message, when it cannot do what it says.  SQL is a printf format: a
 * percent sign in it is written twice.
 */
#ifndef TEST_SUPPORT_PSQL_H
#define TEST_SUPPORT_PSQL_H

#include "testdb.h"

#include <libpq-fe.h>
#include <stdint.h>

/* A connection to the tests' server; `schema`, unless NULL, is filled with the name of a fresh
 * schema, made and first on the search_path. */
PGconn *psql_open(char schema[TEST_NAME_MAX]);

/* Drop the schema, unless NULL, and close.  A NULL connection is legal. */
void psql_close(PGconn *conn, const char *schema);

/* Run one or more statements that must succeed. */
void psql_run(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The only cell of the only row, as text, to be freed by the caller; NULL for SQL NULL. */
char *psql_value(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same as an integer; SQL NULL fails the test. */
int64_t psql_count(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The only cell of the only row must be `expected`; NULL expects SQL NULL. */
void psql_expect(PGconn *conn, const char *expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Rows as text: cells separated by '|', NULL as "NULL", rows by '\n'.  Freed by the caller. */
char *psql_table(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The statement must fail with this SQLSTATE. */
void psql_refused(PGconn *conn, const char *sqlstate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
