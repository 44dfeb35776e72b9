/* Calls of each kind on the table "load", for the tests that cut and kill: each claims what it does
 * with the rows of one batch. */
#ifndef TEST_FAULT_LOADS_H
#define TEST_FAULT_LOADS_H

#include "bouncer.h"
#include "oracle.h"

enum { LOAD_ROWS_MAX = 2000 };

/* Of the calls that have several; 3. */
extern int load_workers;

typedef struct load_call {
    const char *name;
    size_t n;
    int32_t before; /* of the claim: ORACLE_ABSENT, or 0: the rows are put there first */
    int32_t after;
    bool workers;
    bool alone; /* one statement, its own commit: in doubt when its answer is lost */
    bm_status (*run)(bm_db *db, load_row *rows, size_t n, int32_t batch, bm_result *result,
                     bm_error *err);
} load_call;

extern const load_call load_calls[];
extern const size_t n_load_calls;

/* PgBouncer, whose connections are like those of load_open.  Stopped by the caller. */
bouncer *load_pooler(const oracle *o, const char *mode);

/* The library's connection: `where` is the beginning of a connection string.  The timeout is that
 * of bm_open_options. */
bm_db *load_open(const char *where, const oracle *o, int64_t timeout_ms);

/* Put the rows there that the call is to find, with their keys. */
void load_prepare(oracle *o, const load_call *call, load_row *rows, int32_t batch);

#endif
