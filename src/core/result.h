/* Results: filled on every return, in the size that the caller's header knows. */
#ifndef BM_CORE_RESULT_H
#define BM_CORE_RESULT_H

#include "error.h"

/* The result to work in: the caller's, emptied, or `local` when there is none. */
bm_result *bm__result_begin(bm_result *given, bm_result *local);

/* n parts, zeroed. */
bm_status bm__result_parts(bm_result *result, size_t n, bm_error *err);

/* The counts of rows of one part of a call; statements are counted where they are sent. */
void bm__result_add(bm_result *sum, const bm_result *part);

#endif
