#include "locate_row.h"

#include "job_parts.h"
#include "savepoint.h"
#include "sqlstate.h"

#include <string.h>

/* In the order in which a search goes through them. */
enum {
    LOCATE_BEGIN = 0,
    LOCATE_SETUP,
    LOCATE_IMMEDIATE,
    LOCATE_POINT,
    LOCATE_RESERVE,
    LOCATE_CLEAN,
    LOCATE_STAGE,
    LOCATE_WRITE,
    LOCATE_CHECK,
    LOCATE_KEEP,
    LOCATE_DROP,
    LOCATE_UNDO,
    LOCATE_UNDO_POINT,
    LOCATE_OVER
};

/* Whether a row is refused may depend on other rows of the same statement: parts of it would be
 * refused for what the statement accepts. */
static bool needs_all_rows(const bm__job *job, const bm_error *error, const bm__suspects *suspects)
{
    bool refers = bm__says_reference(error);
    bool swaps = suspects->deferred && job->plan->by_key;
    return (refers && job->plan->table->self_reference) || (swaps && !refers);
}

/* Is a row refused for what it is, whatever rows are before it? */
static bool judged_alone(const bm_error *error)
{
    return error->status == BM_CONVERT || bm__says_row_alone(error);
}

static void search(bm__locate *locate, bool alone)
{
    const bm__call *call = locate->job->call;
    const bm__suspects *suspects = &locate->suspects;
    size_t high = suspects->from + suspects->n;
    locate->alone = alone;
    locate->reserves = call->several;
    locate->at = LOCATE_BEGIN;
    locate->rows = (bm__bisect){.low = alone ? suspects->from : 0,
                                .high = alone || !call->several ? high : call->n_rows,
                                .most = locate->job->plan->chunk_rows};
}

bool bm__locate_begin(bm__locate *locate, bm__job *job, const bm_error *error,
                      const bm__suspects *suspects)
{
    *locate = (bm__locate){.job = job, .error = error, .suspects = *suspects, .row = BM_NO_ROW};
    bool in_memory = job->call->source == NULL || suspects->in_place;
    bool alone = suspects->in_place || judged_alone(error);
    if (suspects->n == 0 || needs_all_rows(job, error, suspects)) {
        return false;
    }
    job->phase = BM__PHASE_WRITE; /* its statements take as long as a write */
    search(locate, alone || !in_memory);
    return true;
}

static bm_status ignore_row(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    (void)context;
    (void)cells;
    (void)n;
    (void)err;
    return BM_OK;
}

static bool statement(bm__locate *locate, const bm__statement *what, bm__step *step)
{
    bm__job *job = locate->job;
    bm_error err = BM_ERROR;
    if (bm__encode_statement(job, what, job->plan->columns, &job->batch, step, &err) != BM_OK) {
        return false;
    }
    step->context = job;
    if (what == &job->plan->reserve) {
        bm__expect_rows(job, what, step);
    } else if (what->expect != BM__EXPECT_COUNT) {
        step->push = ignore_row;
    }
    return true;
}

static bool take_part(bm__locate *locate)
{
    bm_error err = BM_ERROR;
    (void)bm__bisect_next(&locate->rows);
    return bm__job_take(locate->job, locate->rows.low, locate->rows.end - locate->rows.low, &err) ==
           BM_OK;
}

static bool set(bm__step *step, bm__step_kind kind, const char *sql)
{
    step->kind = kind;
    step->sql = sql;
    return true;
}

/* Where the search is: a step, or none. */
static bool step_here(bm__locate *locate, bm__step *step)
{
    const bm__plan *plan = locate->job->plan;
    bool nested = locate->job->mode == BM__JOB_SAVEPOINT;
    bool guest = locate->job->mode == BM__JOB_GUEST;
    switch (locate->at) {
    case LOCATE_BEGIN:
        return !guest && set(step, nested ? BM__STEP_SAVEPOINT : BM__STEP_BEGIN,
                             nested ? BM__SQL_SAVEPOINT_CALL : NULL);
    case LOCATE_SETUP:
        if (guest || nested) {
            return plan->stage.sql != NULL && statement(locate, &plan->hint, step);
        }
        return plan->setup.sql != NULL && statement(locate, &plan->setup, step);
    case LOCATE_IMMEDIATE: /* what is deferred already is no fault of these rows */
    case LOCATE_CHECK:
        return locate->suspects.immediate && plan->settle.sql != NULL &&
               set(step, BM__STEP_EXEC, plan->settle.sql);
    case LOCATE_POINT:
        return set(step, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_LOCATE);
    case LOCATE_RESERVE:
        return locate->reserves && plan->reserve.sql != NULL &&
               statement(locate, &plan->reserve, step);
    case LOCATE_CLEAN:
        return plan->clean.sql != NULL && set(step, BM__STEP_EXEC, plan->clean.sql);
    case LOCATE_STAGE:
        return plan->stage.sql != NULL && statement(locate, &plan->stage, step);
    case LOCATE_WRITE:
        return statement(locate, &plan->write, step);
    case LOCATE_KEEP:
        return set(step, BM__STEP_RELEASE, BM__SQL_RELEASE_LOCATE);
    case LOCATE_DROP:
        return set(step, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_LOCATE);
    case LOCATE_UNDO:
        return !guest && set(step, nested ? BM__STEP_ROLLBACK_TO : BM__STEP_ROLLBACK,
                             nested ? BM__SQL_ROLLBACK_TO_CALL : NULL);
    case LOCATE_UNDO_POINT:
        return nested && set(step, BM__STEP_RELEASE, BM__SQL_RELEASE_CALL);
    default:
        return false;
    }
}

/* All suspects were written without those before them: then the row fails for what is before. */
static bool goes_on(bm__locate *locate)
{
    bool innocent = !locate->gave_up && !locate->rows.found;
    bool earlier = locate->suspects.from > 0 && locate->job->call->source == NULL;
    if (!innocent || !locate->alone || locate->suspects.in_place || !earlier) {
        return false;
    }
    search(locate, false);
    return true;
}

static void settle(bm__locate *locate)
{
    const bm__call *call = locate->job->call;
    const bm__batch all = {.pick = call->pick, .n_rows = locate->rows.low + 1};
    if (!locate->gave_up && locate->rows.found) {
        locate->row = bm__call_row(call, &all, locate->rows.low);
    }
}

static bool writes_rows(const bm__locate *locate)
{
    bool stages = locate->job->plan->stage.sql != NULL;
    return locate->at == LOCATE_WRITE || (locate->at == LOCATE_STAGE && stages);
}

bool bm__locate_next(bm__locate *locate, bm__step *step)
{
    for (;;) {
        *step = (bm__step){.kind = BM__STEP_EXEC};
        if (locate->at == LOCATE_RESERVE && !locate->gave_up && !take_part(locate)) {
            locate->gave_up = true;
            locate->at = LOCATE_UNDO;
        } else if (step_here(locate, step)) {
            return true;
        } else if (writes_rows(locate)) { /* it cannot be encoded */
            locate->gave_up = true;
            locate->at = LOCATE_UNDO;
        } else if (locate->at < LOCATE_OVER) {
            locate->at++;
        } else if (!goes_on(locate)) {
            settle(locate);
            return false;
        }
    }
}

bool bm__locate_ends(const bm__locate *locate)
{
    return locate->at >= LOCATE_UNDO;
}

static bool same_failure(const bm_error *a, const bm_error *b)
{
    return a->status == b->status && a->native_code == b->native_code &&
           strcmp(a->sqlstate, b->sqlstate) == 0 && strcmp(a->constraint, b->constraint) == 0 &&
           strcmp(a->column, b->column) == 0;
}

static void give_up(bm__locate *locate)
{
    bool begins = locate->at == LOCATE_BEGIN;
    locate->stuck = locate->stuck || bm__locate_ends(locate);
    locate->gave_up = true;
    locate->at = begins || locate->stuck ? LOCATE_OVER : LOCATE_UNDO;
}

void bm__locate_answer(bm__locate *locate, bm_status status, bm_error *err)
{
    int at = locate->at;
    locate->statements++;
    if (status == BM_OK && at == LOCATE_RESERVE) {
        status = bm__reserved(locate->job, err);
    }
    if (status != BM_OK) {
        bm__job_of_shard(locate->job, err);
        status = err->status;
    }
    bool writes = at == LOCATE_STAGE || at == LOCATE_WRITE || at == LOCATE_CHECK;
    if (status != BM_OK && writes && same_failure(err, locate->error)) {
        bm__bisect_answer(&locate->rows, false);
        locate->at = LOCATE_DROP;
    } else if (status != BM_OK) {
        give_up(locate);
    } else if (at == LOCATE_KEEP || at == LOCATE_DROP) {
        if (at == LOCATE_KEEP) {
            bm__bisect_answer(&locate->rows, true);
        }
        bool over = locate->rows.found || locate->rows.low == locate->rows.high;
        locate->at = over ? LOCATE_UNDO : LOCATE_POINT;
    } else {
        locate->at++;
    }
}
