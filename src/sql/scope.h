/*
 * Statements of a sync.  Two temporary tables hold primary keys: of the rows that the caller's
 * condition selects, as they were locked, and of the rows that the call's rows have matched.  The
 * rows that are gone are in the first and not in the second.
 */
#ifndef BM_SQL_SCOPE_H
#define BM_SQL_SCOPE_H

#include "statement.h"

/* The statements' own columns: those of the key, each with its operator or NULL. */
typedef struct bm__sql_scope {
    const bm__dialect *dialect;
    const char *schema; /* or NULL */
    const char *table;
    const char *const *keys;
    const char *const *equals;
    size_t n_keys;
    const char *const *unique; /* columns by which rows are found */
    size_t n_unique;
    bool overriding;   /* ... one is an identity column that is ALWAYS */
    const char *where; /* as SQL; the row is `t` */
} bm__sql_scope;

/* Fails where no unique index is over exactly these columns; its rows say nothing. */
void bm__sql_scope_arbiter(bm__sql *sql, const bm__sql_scope *scope);

/* ... and their names. */
void bm__sql_scope_unique(bm__sql *sql, const bm__sql_scope *scope);

/* Lock the rows that the condition selects, and keep their keys. */
void bm__sql_scope_take(bm__sql *sql, const bm__sql_scope *scope);

/* The table of keys that are matched, without rows; and rows of the batch put into it, which are
 * found by shape.unique. */
void bm__sql_scope_matches(bm__sql *sql, const bm__sql_scope *scope);
void bm__sql_scope_match(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_scope *scope);

/* One row: keys kept, keys matched, kept and not matched, matched and not kept. */
void bm__sql_scope_count(bm__sql *sql, const bm__sql_scope *scope);

/* Delete the rows that are kept and not matched. */
void bm__sql_scope_delete(bm__sql *sql, const bm__sql_scope *scope);

/* The number of rows that the condition selects now. */
void bm__sql_scope_size(bm__sql *sql, const bm__sql_scope *scope);

/* Rows of the batch that are in the table by shape.unique and that the condition does not select:
 * (ord). */
void bm__sql_scope_outside(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_scope *scope);

/* Drop one of the two tables. */
void bm__sql_scope_drop(bm__sql *sql, const bm__sql_scope *scope, bool matches);

#endif
