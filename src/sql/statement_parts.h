/* What statements are put together from; also for those that only one engine has. */
#ifndef BM_SQL_STATEMENT_PARTS_H
#define BM_SQL_STATEMENT_PARTS_H

#include "statement.h"

/* "schema"."table" */
void bm__sql_put_target(bm__sql *sql, const bm__sql_shape *shape);

/* (columns that are written) */
void bm__sql_put_written_names(bm__sql *sql, const bm__sql_shape *shape);

/* The cell of column i, or the column's default where its flag says so. */
void bm__sql_put_value(bm__sql *sql, const bm__sql_shape *shape, size_t i);

/* Puts what column i of the batch is, wherever the batch stands. */
typedef void bm__sql_put_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i);

/* SET "a" = value, ...; a row that keeps some cells has them written where its mask says so. */
void bm__sql_put_set(bm__sql *sql, const bm__sql_shape *shape, const char *prefix,
                     bm__sql_put_cell *cell, bm__sql_put_cell *value);

/* t."key" = cell AND ... */
void bm__sql_put_match(bm__sql *sql, const bm__sql_shape *shape, bm__sql_put_cell *cell);

/* INSERT INTO t (...) [OVERRIDING SYSTEM VALUE], and [ON CONFLICT ...] */
void bm__sql_put_insert_head(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_put_conflict(bm__sql *sql, const bm__sql_shape *shape);

/* Behind the source of rows: [WHERE what makes sure of the keys] */
void bm__sql_put_proof(bm__sql *sql, const bm__sql_shape *shape);

/* The key's columns, each behind `prefix`; and their places among the columns. */
void bm__sql_put_key_names(bm__sql *sql, const bm__sql_shape *shape, const char *prefix);

/* The same as they come back: some as text; and what stands behind the name of one. */
void bm__sql_put_key_outputs(bm__sql *sql, const bm__sql_shape *shape, const char *prefix);
void bm__sql_put_key_output(bm__sql *sql, const bm__sql_shape *shape, size_t column);
size_t bm__sql_keys(const bm__sql_shape *shape, size_t out[32]);

/* FROM v JOIN t ON t."x" = v.c0 AND ..., of the columns `by`. */
void bm__sql_put_found(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by);

/* The same where each row is surely looked up in the index, for planners take a scan of the table
 * too early: only dialects with a fence.  Between the two the caller puts the columns of t that it
 * reads.  `outer`: rows that are not found stay, too. */
void bm__sql_put_lookup(bm__sql *sql, const bm__sql_shape *shape, bool outer);
void bm__sql_put_looked_up(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                           bool outer);

/* Each of shape.also behind ", " and `prefix`. */
void bm__sql_put_also(bm__sql *sql, const bm__sql_shape *shape, const char *prefix);

void bm__sql_put_outputs(bm__sql *sql, const bm__sql_shape *shape, const char *prefix,
                         const bm__sql_output *outputs, size_t n);

/* Between two of a list. */
static inline void bm__sql_put_separator(bm__sql *sql, bool *first, const char *separator)
{
    if (!*first) {
        bm__sql_put(sql, "%s", separator);
    }
    *first = false;
}

/* The parameter of column i: parameters are numbered in the order of the columns that have one. */
static inline size_t bm__sql_parameter(const bm__sql_shape *shape, size_t column)
{
    size_t number = 0;
    for (size_t i = 0; i <= column; i++) {
        number += !shape->columns[i].made;
    }
    return number;
}

#endif
