/*
 * A verb: what one call of it is told, does and leaves behind.  Each is a constant in verbs/, and
 * nothing else asks for a verb's name.
 */
#ifndef BM_OPERATION_VERB_H
#define BM_OPERATION_VERB_H

#include "plan.h"

typedef struct bm__operation bm__operation;
struct bm__sql_scope;

/* What a sync is beside its verb, which finds the rows that exist. */
typedef struct bm__sync_parts {
    const struct bm__verb *outside; /* BM_CONSTRAINT at the first row that exists and that the
                                       condition does not select */
    const struct bm__verb *upsert;

    /* The statements around the passes.  Names are those of the table; BM_UNSUPPORTED where it is
     * none that ON CONFLICT takes. */
    bm_status (*scope)(const bm__request *request, const bm_model *model, const bm__table *table,
                       const bm__engine *engine, bm__arena *arena, struct bm__sql_scope *out,
                       bm_error *err);
} bm__sync_parts;

typedef struct bm__verb {
    const char *name;

    /* Read and check the options of the public function, a struct or NULL. */
    bm_status (*options)(bm__operation *operation, const void *options, bm_error *err);

    /* Order, duplicates and what changed, once views of the rows exist; NULL: nothing. */
    bm_status (*prepare)(bm__operation *operation, bm_error *err);

    /* The statements. */
    bm_status (*plan)(const bm__request *request, bm__plan *plan, bm_error *err);

    /* The call is over, as err says: what the caller's rows and queryset are to know of it; NULL:
     * nothing. */
    bm_status (*done)(bm__operation *operation, bm_error *err);

    bm_row_outcome hit;         /* what a row is that the write reached */
    bool creates;               /* what BM_KEEP means, and whether a table of no rows is written */
    bool reads;                 /* no transaction of its own */
    bool keys_only;             /* the rows are keys, or all: no columns to write */
    const bm__sync_parts *sync; /* several calls in one transaction, this one first; or NULL */
} bm__verb;

#endif
