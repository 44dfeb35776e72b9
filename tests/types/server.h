/* Tables on PostgreSQL beside the library: rows written one by one as text. */
#ifndef TEST_TYPES_SERVER_H
#define TEST_TYPES_SERVER_H

#include "psql.h"
#include "sheet.h"

/* A schema with the types of `kinds`, and the library's connection into it, whose settings are as
 * unlike the defaults as a role may have them. */
typedef struct server {
    PGconn *conn;
    bm_db *db;
    char schema[TEST_NAME_MAX];
} server;

void server_open(server *sv);
void server_close(server *sv);

/* Create `table` for the sheet's columns. */
void server_create(server *sv, const sheet *sh, const char *table);

/* Write rows from .. from + n - 1 of the sheet, one INSERT a row, every value a text parameter. */
void server_write(server *sv, const sheet *sh, const char *table, size_t from, size_t n);

/* Write a cell of a row that is there, found by its key. */
void server_update(server *sv, const sheet *sh, const char *table, size_t row, size_t c);

/* The two tables must hold the same rows, every column compared as the server's text. */
void server_same(server *sv, const sheet *sh, const char *a, const char *b);

/* The call must have succeeded: fails the test with the error's text. */
void must(bm_status status, const bm_error *err);

#endif
