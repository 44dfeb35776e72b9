/* The cancel token: an atomic flag and a descriptor that poll can wait on. */
#ifndef BM_CORE_CANCEL_H
#define BM_CORE_CANCEL_H

#include "error.h"

#include <stdatomic.h>

struct bm_cancel {
    atomic_int set;
    int fd; /* readable while set: the read end of a pipe */
    int write_fd;
};

/* True when a token is given and set. */
bool bm__cancelled(const struct bm_cancel *token);

/* The monotonic clock, nanoseconds. */
int64_t bm__now_ns(void);

/* So many milliseconds (not negative) from now, on that clock, which ends at INT64_MAX. */
int64_t bm__after_ms(int64_t ms);

#endif
