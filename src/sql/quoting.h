/* SQL text under construction, its names quoted.  After a failure nothing more is added;
 * bm__sql_end says so. */
#ifndef BM_SQL_QUOTING_H
#define BM_SQL_QUOTING_H

#include "arena.h"
#include "buffer.h"

typedef struct bm__sql {
    bm__buffer text;
    bm_error *err;
    bm_status status;
    char quote; /* of names */
} bm__sql;

bm__sql bm__sql_begin(bm_error *err);

/* Text of the program's own, or of the server's catalog; never a value, never a name. */
void bm__sql_put(bm__sql *sql, const char *format, ...) BM__PRINTF(2, 3);

/* An identifier in sql->quote, with every quote in it doubled: "a".  The only way a name gets into
 * SQL. */
void bm__sql_name(bm__sql *sql, const char *name);

/* A name as a string literal, for functions that take names as text: 'it''s'. */
void bm__sql_name_text(bm__sql *sql, const char *name);

/* "schema"."table", or "table" where schema is NULL. */
void bm__sql_table(bm__sql *sql, const char *schema, const char *table);

/* The text in the arena; frees the buffer on every return. */
bm_status bm__sql_end(bm__sql *sql, bm__arena *arena, const char **out);

#endif
