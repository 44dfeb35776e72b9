/* What a sync needs beside its descriptor, which finds the rows that exist. */
#ifndef BM_VERBS_SYNC_H
#define BM_VERBS_SYNC_H

#include "scope.h"
#include "verbs.h"

/* BM_CONSTRAINT at the first row that exists and that the condition does not select. */
extern const bm__verb bm__sync_outside;

/* The statements around the passes.  Names are those of the table; BM_UNSUPPORTED where it is none
 * that ON CONFLICT takes. */
bm_status bm__sync_scope(const bm__request *request, const bm_model *model, const bm__table *table,
                         const bm__engine *engine, bm__arena *arena, bm__sql_scope *out,
                         bm_error *err);

#endif
