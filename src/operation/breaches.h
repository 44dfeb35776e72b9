/*
 * Which rows of a create a unique constraint or a foreign key refuses, as if each were inserted
 * alone, in order.  One statement says what rows of the batch have to do with the table and with
 * each other; what that means for each of them is decided here, without I/O.
 *
 * A row is refused for certain only if it breaks a constraint with the table, or with a row before
 * it that is not refused.  If all others can then be written together, the result is that of rows
 * one by one: more rows before a row never make it good, but for its parent, which is looked for.
 */
#ifndef BM_OPERATION_BREACHES_H
#define BM_OPERATION_BREACHES_H

#include "constraints.h"
#include "job.h"
#include "operation.h"

/* A verb for nobody's rows but those of a create; request.constraints are what to look for. */
extern const bm__verb bm__verb_breaches;

typedef struct bm__breach {
    size_t row;
    size_t rule;
    int what; /* BM__BREACH_... */
    size_t group;
} bm__breach;

typedef struct bm__breaches {
    bm__breach *all; /* owned */
    size_t n, capacity;
} bm__breaches;

/* The step that looks among all rows of the call, which a job of the verb has begun. */
bm_status bm__breaches_step(bm__breaches *breaches, bm__job *job, bm__step *step, bm_error *err);

/* After it: of each of n rows the rule that refuses it, + 1, or 0. */
bm_status bm__breaches_decide(bm__breaches *breaches, size_t n, size_t n_rules, uint16_t *refused,
                              bm_error *err);

void bm__breaches_free(bm__breaches *breaches);

#endif
