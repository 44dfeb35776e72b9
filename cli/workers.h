/*
 * Several connections that write chunks while the next ones are read.  Each has a transaction of
 * its own; when all rows are written they commit one after the other, so that a fault before takes
 * everything back.
 */
#ifndef CLI_WORKERS_H
#define CLI_WORKERS_H

#include "batches.h"

/* `n` workers, at least 2.  The token is set when one has failed, so that the others stop. */
bm_status cli_workers_run(const cli_batches *batches, bm_db *db, size_t n, bm_cancel *token,
                          bm_result *result, bm_error *err);

#endif
