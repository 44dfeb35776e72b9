/* What a sync needs beside its descriptor, which finds the rows that exist. */
#ifndef BM_VERBS_SYNC_H
#define BM_VERBS_SYNC_H

#include "scope.h"
#include "verbs.h"

/* BM_CONSTRAINT at the first row that exists and that the condition does not select. */
extern const bm__verb bm__sync_outside;

/* The statements around the passes.  Names are those of the table. */
bm_status bm__sync_scope(const bm_model *model, const bm__table *table, const bm__engine *engine,
                         const char *where, bm__arena *arena, bm__sql_scope *out, bm_error *err);

#endif
