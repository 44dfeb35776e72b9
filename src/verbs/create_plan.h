/* The plan of a create: which statements, by facts of the table and of the call. */
#ifndef BM_VERBS_CREATE_PLAN_H
#define BM_VERBS_CREATE_PLAN_H

#include "operation.h"

bm_status bm__create_plan(const bm__request *request, bm__plan *plan, bm_error *err);

/* bulk_create.c; what an upsert is, too: bm_bulk_create_options, order, keys to the caller. */
bm_status bm__create_options(bm__operation *operation, const void *options, bm_error *err);
bm_status bm__create_prepare(bm__operation *operation, bm_error *err);
bm_status bm__create_done(bm__operation *operation, bm_error *err);

/* create_keys.c; a table that nobody asked the catalog about: the key's default, and what the write
 * must make sure of. */
bm_status bm__create_own_key(bm__plan *plan, bm__plan_column *column, bm_error *err);
bm_status bm__create_proof(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                           bm_error *err);

/* conflict_plan.c; rows of the batch that are in the table. */
bm_status bm__create_lookup(bm__plan *plan, const bm__sql_shape *shape, const size_t *by,
                            size_t n_by, bool keys, bm__statement *out, bm_error *err);

/* BM_UNSUPPORTED where the table, or a key of these columns, is none that ON CONFLICT takes. */
bm_status bm__refuse_foreign(const bm__plan *plan, bm__sql_conflict conflict, bm_error *err);
bm_status bm__refuse_temporal(const bm__plan *plan, const bm__fields *unique, bm_error *err);

/* What is compared, and keys for new rows only; then how rows left as they are are told
 * from rows that were dropped.  Nothing unless the request says so. */
bm_status bm__upsert_shape(const bm__request *request, bm__plan *plan, bm__sql_column *columns,
                           bm__sql_shape *shape, bm_error *err);
bm_status bm__upsert_looks(bm__plan *plan, const bm__sql_shape *shape, bm_error *err);

/* create_tally.c; is each row a statement of its own, to know what became of it? */
bool bm__create_each(const bm__request *request, const bm__plan *plan);
bm__tally bm__create_tally(const bm__request *request, const bm__plan *plan);

/* Does an INSERT whose answer is only counted return keys that the rows have? */
bool bm__create_returns_given(const bm__request *request, const bm__plan *plan);

#endif
