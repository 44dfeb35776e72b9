/* Which rows of a create a unique constraint or a foreign key refuses: one statement, in the
 * caller's transaction. */
#ifndef BM_EXECUTOR_FIND_BREACHES_H
#define BM_EXECUTOR_FIND_BREACHES_H

#include "breaches.h"
#include "execute.h"

/* Ask what there is to look for.  Nothing, where the engine cannot say. */
bm_status bm__ask_constraints(bm_db *tx, const bm_model *model, const bm__step *limits,
                              bm__constraints *out, bm_error *err);

/*
 * Look for them among the rows of `x`, whose verb is bm__verb_breaches.  refused[i] is 0, or names
 * the constraint that refuses row i: bm__breach_error says it in the server's words.  What the
 * library itself refuses is an error whose fate is BM_FATE_NOT_STARTED.
 */
bm_status bm__find_breaches(bm__execution *x, uint16_t *refused, bm_result *result, bm_error *err);
void bm__breach_error(const bm__execution *x, uint16_t refused, bm_error *err);

#endif
