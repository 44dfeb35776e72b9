/* The contenders: the same work, written by hand for this one table. */
#ifndef BM_BENCH_FLOOR_H
#define BM_BENCH_FLOOR_H

#include "bench.h"

#include <libpq-fe.h>

struct sqlite3;

/* A binary COPY of the structs, keys left to the server, or those of the structs. */
void floor_pg_copy(PGconn *pg, const foo *rows, size_t n, bool with_keys);

/* Keys by nextval, stored in the structs, then COPY with them. */
void floor_pg_copy_keys(PGconn *pg, foo *rows, size_t n);

/* Half of the rows each, by two processes that are connected and wait for floor_pg_pair_go.  What
 * they need is inherited, so `rows` must not change between the two. */
typedef struct floor_pair {
    int go[2], done[2];
} floor_pair;
void floor_pg_pair_begin(floor_pair *pair, const char *url, const foo *rows, size_t n);
void floor_pg_pair_go(floor_pair *pair);

/* INSERT ... SELECT FROM unnest RETURNING id, one statement. */
void floor_pg_insert(PGconn *pg, foo *rows, size_t n);

/* UPDATE ... FROM unnest of `value` by key, one statement. */
void floor_pg_update(PGconn *pg, const foo *rows, size_t n);

/* COPY TO, every piece taken and dropped. */
void floor_copy_out(PGconn *pg, size_t n);

/* 100 rows a prepared INSERT; a prepared UPDATE a row; one transaction. */
void floor_sqlite_create(struct sqlite3 *db, const foo *rows, size_t n);
void floor_sqlite_update(struct sqlite3 *db, const foo *rows, size_t n);

/* Rows as tuples of a binary COPY into a buffer that is used again when it is full; the number of
 * bytes, SIZE_MAX when text is not UTF-8. */
size_t floor_encode(const foo *rows, size_t n);

#endif
