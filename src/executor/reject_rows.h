/* bm_call.on_error = BM_ON_ERROR_REJECT: a call that goes on without the rows that fail. */
#ifndef BM_EXECUTOR_REJECT_ROWS_H
#define BM_EXECUTOR_REJECT_ROWS_H

#include "run_verb.h"

/* The call of `x`, whose verb's options are `options`: in one transaction, chunk by chunk. */
bm_status bm__reject_rows(bm__execution *x, const void *options, bm_result *result, bm_error *err);

#endif
