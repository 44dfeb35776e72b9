/* bm_call.load_id: the rows of a stream in parts, each a transaction that records where it ends. */
#ifndef BM_EXECUTOR_LOAD_PARTS_H
#define BM_EXECUTOR_LOAD_PARTS_H

#include "run_verb.h"

/* The call of `x`, whose settings have a load_id. */
bm_status bm__load_parts(bm__execution *x, const void *options, bm_result *result, bm_error *err);

#endif
