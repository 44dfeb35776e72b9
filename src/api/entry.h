/* How the public functions enter the engine: an error that is always there. */
#ifndef BM_API_ENTRY_H
#define BM_API_ENTRY_H

#include "execute.h"
#include "verbs.h"

/* The caller's error, emptied, or `local`. */
bm_error *bm__error_begin(bm_error *given, bm_error *local);

/* A NULL place for what is given out is BM_INVALID. */
bm_status bm__check_out(const void *out, bm_error *err);

/* The same for a database without a catalog, and for a name that is none. */
bm_status bm__check_named(bm_db *db, const char *schema, const char *table, bm_error *err);

#endif
