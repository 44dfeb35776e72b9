/*
 * A call of a verb, whatever way it takes: its rows, also those of Arrow, its result, and what its
 * caller's rows are told of it.
 */
#ifndef BM_EXECUTOR_RUN_VERB_H
#define BM_EXECUTOR_RUN_VERB_H

#include "execute.h"

/* Carries a call out that is several: bm__reject_rows, bm__sync_rows, bm__load_parts. */
typedef bm_status bm__set_aside(bm__execution *execution, const void *options, bm_result *result,
                                bm_error *err);

/* One call; `options` is the verb's struct, or NULL.  `rejects` NULL: it writes no rows.  The error
 * is empty. */
bm_status bm__run_verb(bm_db *db, const bm__verb *verb, bm_rows rows, const void *options,
                       bm__set_aside *rejects, bm_result *result, bm_error *err);

#endif
