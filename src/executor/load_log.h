/* The record of a load in bulkmodel_load, whose token says which call carries the load on. */
#ifndef BM_EXECUTOR_LOAD_LOG_H
#define BM_EXECUTOR_LOAD_LOG_H

#include "execute.h"
#include "load_record.h"

#define BM__LOAD_IS_ALIVE_S 60

typedef struct bm__load_log {
    const bm_call *call;
    uint64_t *statements; /* are counted here */
    bm__sql_load load;
    char *target;
    char token[40];
    bool mine; /* the record has the token */

    /* As the record has it. */
    bool finished;
    uint64_t rows;
    uint64_t checksum;
} bm__load_log;

/* Can loads be recorded in this engine's databases? */
bool bm__load_is_recorded(const bm__engine *engine);

/* Find the load of the call and take it, or record a new one with the checksum of no rows.  A load
 * that is finished is not taken. */
bm_status bm__load_open(bm__load_log *log, bm__execution *x, bm_error *err);

/* In the transaction of a part: it ends at `rows`.  Fails where another call took the load over. */
bm_status bm__load_advance(bm__load_log *log, bm_db *tx, uint64_t rows, uint64_t checksum,
                           bool finished, bm_error *err);

/* The call is still alive. */
bm_status bm__load_renew(bm__load_log *log, bm_db *db, bm_error *err);

/* The call is over: the next one need not wait.  Does what it can, also after a cancel. */
void bm__load_stop(bm__load_log *log, bm_db *db);

void bm__load_close(bm__load_log *log);

#endif
