/* When a call is made again, and after which pause. */
#ifndef BM_EXECUTOR_RETRY_H
#define BM_EXECUTOR_RETRY_H

#include "execute.h"
#include "stream.h"

typedef struct bm__retry {
    int left;    /* attempts */
    int most_ms; /* the next pause is at most so long */
    int64_t until_ns;
} bm__retry;

bm__retry bm__retry_begin(const bm__execution *execution);

/*
 * An attempt has failed.  True: it is to be made again, the pause is over, err is empty, the source
 * stands at its first row and the counts at 0.  False: err says why the call has failed.
 */
bool bm__retry_again(bm__retry *retry, bm__execution *execution, bm_result *result, bm_error *err);

#endif
