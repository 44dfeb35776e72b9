/* The plan of a create: which statements, by facts of the table and of the call. */
#ifndef BM_VERBS_CREATE_PLAN_H
#define BM_VERBS_CREATE_PLAN_H

#include "verb.h"

bm_status bm__create_plan(const bm__request *request, bm__plan *plan, bm_error *err);

/* create_keys.c; a table that nobody asked the catalog about: the key's default, and what the write
 * must make sure of. */
bm_status bm__create_own_key(bm__plan *plan, bm__plan_column *column, bm_error *err);
bm_status bm__create_proof(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                           bm_error *err);

/* create_tally.c; is each row a statement of its own, to know what became of it? */
bool bm__create_each(const bm__request *request, const bm__plan *plan);
bm__tally bm__create_tally(const bm__request *request, const bm__plan *plan);

/* Does an INSERT whose answer is only counted return keys that the rows have? */
bool bm__create_returns_given(const bm__request *request, const bm__plan *plan);

#endif
