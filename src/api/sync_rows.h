/* bm_sync: calls and statements in one transaction. */
#ifndef BM_API_SYNC_ROWS_H
#define BM_API_SYNC_ROWS_H

#include "entry.h"

/* The call of `x`, whose options are a bm_sync_options. */
bm_status bm__sync_rows(bm__execution *x, const void *options, bm_result *result, bm_error *err);

#endif
