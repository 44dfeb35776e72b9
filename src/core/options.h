/* Options structs that grow: bytes behind what this library knows must be zero. */
#ifndef BM_CORE_OPTIONS_H
#define BM_CORE_OPTIONS_H

#include "error.h"

/*
 * Copy what the caller gave (a struct that begins with `size_t size`, or NULL) into `out` of
 * `known` bytes, the rest zero.  BM_INVALID when its size is 0; BM_UNSUPPORTED when a byte that
 * this library does not know is not zero: a setting is never ignored.
 */
bm_status bm__options_read(void *out, size_t known, const void *given, bm_error *err);

/* The same check for a struct that is borrowed, not copied (bm_model, bm_source): its size must be
 * at least `known`. */
bm_status bm__options_check(size_t known, const void *given, const char *name, bm_error *err);

#endif
