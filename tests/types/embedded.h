/* Tables on SQLite beside the library: rows written one by one with sqlite3_bind. */
#ifndef TEST_TYPES_EMBEDDED_H
#define TEST_TYPES_EMBEDDED_H

#include "sheet.h"

#include <sqlite3.h>

typedef struct embedded {
    sqlite3 *conn;
    bm_db *db;
} embedded;

void embedded_open(embedded *em);
void embedded_close(embedded *em);

/* Run SQL, made as printf does, that must succeed. */
void embedded_run(embedded *em, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The integer in the only cell. */
int64_t embedded_count(embedded *em, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A statement that is ready to be stepped; the caller finalizes it. */
sqlite3_stmt *embedded_query(embedded *em, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Create `table` for the sheet's columns, declared as Django declares them. */
void embedded_create(embedded *em, const sheet *sh, const char *table);

/* Write rows from .. from + n - 1, one INSERT a row, each value bound as Django binds it. */
void embedded_write(embedded *em, const sheet *sh, const char *table, size_t from, size_t n);

/* Write a cell of a row that is there, found by its key. */
void embedded_update(embedded *em, const sheet *sh, const char *table, size_t row, size_t c);

/* The two tables must hold the same rows: storage class and value of every column. */
void embedded_same(embedded *em, const sheet *sh, const char *a, const char *b);

#endif
