#include "parts.h"

#include "sql_transaction.h"

/*
 * Which row did a statement over many rows fail for?  The engine does not say (PostgreSQL's unnest,
 * SQLite's UPDATE FROM), so the statement is done again, when all is rolled back, over halves of
 * the chunk, each under a savepoint: a half that goes well stays, since later rows may need it,
 * and at the end all is rolled back again.  log2(n) statements, and only after a failure.
 */
enum {
    PROBE_BEGIN = 0,
    PROBE_POINT,
    PROBE_WRITE,
    PROBE_KEEP,
    PROBE_DROP,
    PROBE_END,
    PROBE_LET_GO,
    PROBE_OVER
};

static void set(bm__step *step, bm__step_kind kind, const char *sql)
{
    step->kind = kind;
    step->sql = sql;
}

static bm_status ignore_row(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    (void)context;
    (void)cells;
    (void)n;
    (void)err;
    return BM_OK;
}

static bool encode_half(bm__job *job, bm__step *step)
{
    bm__probe *probe = &job->probe;
    bm_error err = BM_ERROR;
    probe->middle =
        probe->high - probe->low > 1 ? probe->low + (probe->high - probe->low) / 2 : probe->high;
    bm__batch half = bm__batch_slice(&job->batch, probe->low, probe->middle - probe->low);
    job->probe_batch = half;
    bm_status status = bm__encode_statement(job, &job->plan->write, job->plan->columns,
                                            &job->probe_batch, step, &err);
    if (job->plan->write.expect != BM__EXPECT_COUNT) {
        step->push = ignore_row;
        step->context = job;
    }
    return status == BM_OK;
}

bool bm__probe_next(bm__job *job, bm__step *step)
{
    bm__probe *probe = &job->probe;
    bool nested = job->mode == BM__JOB_SAVEPOINT;
    step->context = job;
    switch (probe->at) {
    case PROBE_BEGIN:
        set(step, nested ? BM__STEP_SAVEPOINT : BM__STEP_BEGIN, BM__SQL_SAVEPOINT_CALL);
        return true;
    case PROBE_POINT:
        set(step, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_PROBE);
        return true;
    case PROBE_WRITE:
        if (encode_half(job, step)) {
            return true;
        }
        probe->at = PROBE_END;
        return bm__probe_next(job, step);
    case PROBE_KEEP:
        set(step, BM__STEP_RELEASE, BM__SQL_RELEASE_PROBE);
        return true;
    case PROBE_DROP:
        set(step, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_PROBE);
        return true;
    case PROBE_END:
        set(step, nested ? BM__STEP_ROLLBACK_TO : BM__STEP_ROLLBACK, BM__SQL_ROLLBACK_TO_CALL);
        return true;
    case PROBE_LET_GO:
        set(step, BM__STEP_RELEASE, BM__SQL_RELEASE_CALL);
        if (nested) {
            return true;
        }
        break;
    default:
        break;
    }
    if (probe->found) {
        job->error.row = bm__call_row(job->call, &job->batch, probe->low);
    }
    return false;
}

/* A half was written: the row is in the other one.  It was not: it is in this one. */
static void halve(bm__job *job, bool written)
{
    bm__probe *probe = &job->probe;
    if (written) {
        probe->low = probe->middle;
        probe->at = probe->low == probe->high ? PROBE_END : PROBE_KEEP;
        return;
    }
    probe->high = probe->middle;
    probe->found = probe->high - probe->low == 1;
    probe->at = probe->found ? PROBE_END : PROBE_DROP;
}

void bm__probe_answer(bm__job *job, bm_status status, const bm__answer *answer)
{
    bm__probe *probe = &job->probe;
    (void)answer;
    if (status != BM_OK && probe->at != PROBE_WRITE) {
        probe->at = probe->at >= PROBE_END || probe->at == PROBE_BEGIN ? PROBE_OVER : PROBE_END;
        return;
    }
    switch (probe->at) {
    case PROBE_WRITE:
        if (status != BM_OK && status != job->error.status) {
            probe->at = PROBE_END; /* another failure than the one that is looked for */
            break;
        }
        halve(job, status == BM_OK);
        break;
    case PROBE_KEEP:
    case PROBE_DROP:
        probe->at = PROBE_POINT;
        break;
    default:
        probe->at++;
        break;
    }
}
