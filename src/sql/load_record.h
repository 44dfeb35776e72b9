/* Statements on bulkmodel_load, the table in which loads that can be resumed are recorded. */
#ifndef BM_SQL_LOAD_RECORD_H
#define BM_SQL_LOAD_RECORD_H

#include "dialect.h"

#define BM__LOADS "bulkmodel_load"

/* A load, and one call that carries it on. */
typedef struct bm__sql_load {
    const bm__dialect *dialect;
    const char *id;
    const char *verb;
    const char *target;
    const char *token; /* of the call */
} bm__sql_load;

/* Create the table, if it is not there. */
void bm__sql_load_table(bm__sql *sql);

/* One row or none, which is locked: (verb, target, state, rows, checksum, renewed, now). */
void bm__sql_load_find(bm__sql *sql, const bm__sql_load *load);

/* Record a load that begins; or that this call carries on one which is recorded. */
void bm__sql_load_begin(bm__sql *sql, const bm__sql_load *load, const char *checksum);
void bm__sql_load_take(bm__sql *sql, const bm__sql_load *load);

/* So many rows are written, and have this checksum, if the load is still this call's. */
void bm__sql_load_advance(bm__sql *sql, const bm__sql_load *load, uint64_t rows,
                          const char *checksum, bool finished);

/* The call is alive; or it is over, and the load is not finished. */
void bm__sql_load_renew(bm__sql *sql, const bm__sql_load *load);
void bm__sql_load_stop(bm__sql *sql, const bm__sql_load *load);

#endif
