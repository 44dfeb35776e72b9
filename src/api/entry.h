/* How the public functions enter the engine: an error that is always there. */
#ifndef BM_API_ENTRY_H
#define BM_API_ENTRY_H

#include "execute.h"
#include "verbs.h"

/* The caller's error, emptied, or `local`. */
bm_error *bm__error_begin(bm_error *given, bm_error *local);

/* A NULL place for what is given out is BM_INVALID. */
bm_status bm__check_out(const void *out, bm_error *err);

/* A call that asks the catalog for one table, named by the caller, on a connection of its own. */
typedef struct bm__lookup {
    bm_db *root;
    bm_model asked;
    bm__conn *conn;
    bm__step limits;
} bm__lookup;

/* Check the names and connect.  Once it succeeded, bm__lookup_end is due. */
bm_status bm__lookup_begin(bm__lookup *lookup, bm_db *db, const char *schema, const char *table,
                           bm_error *err);
void bm__lookup_end(bm__lookup *lookup, bm_db *db);

#endif
