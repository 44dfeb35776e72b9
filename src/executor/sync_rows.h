/* bm_sync: calls and statements in one transaction. */
#ifndef BM_EXECUTOR_SYNC_ROWS_H
#define BM_EXECUTOR_SYNC_ROWS_H

#include "run_verb.h"

/* The call of `x`, whose verb has `sync` and whose options are a bm_sync_options. */
bm_status bm__sync_rows(bm__execution *x, const void *options, bm_result *result, bm_error *err);

#endif
