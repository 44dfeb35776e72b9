#include "parts.h"

#include "sql_transaction.h"

/*
 * Which row did a statement over many rows fail for?  The engine does not say (PostgreSQL's unnest,
 * a foreign key behind its COPY, SQLite's UPDATE FROM), so the statement is done again, when all is
 * rolled back, over halves of the chunk, each under a savepoint: a half that goes well stays, since
 * later rows may need it, and at the end all is rolled back again.  log2(n) statements, and only
 * after a failure.  When the whole chunk goes well by itself, the row fails for what an earlier
 * chunk wrote: then the same is done behind those.
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

/* The part that is written next: the chunks before the job's own as they are, then halves, of the
 * job's own or of that which failed this time. */
static void next_part(bm__job *job)
{
    bm__halves *rows = &job->probe.rows;
    (void)bm__halves_next(rows);
    if (rows->low < job->from && job->from < rows->high) {
        size_t earlier = job->from - rows->low;
        size_t chunk = job->plan->chunk_rows;
        rows->end = rows->low + (earlier < chunk ? earlier : chunk);
    }
}

static bool encode_half(bm__job *job, bm__step *step)
{
    bm__probe *probe = &job->probe;
    bm_error err = BM_ERROR;
    bm__batch all = job->batch;
    all.first = 0;
    all.pick = job->call->pick;
    next_part(job);
    job->probe_batch = bm__batch_slice(&all, probe->rows.low, probe->rows.end - probe->rows.low);
    job->encoded = 0;
    job->ended = false;
    bm_status status = bm__encode_statement(job, &job->plan->write, job->plan->columns,
                                            &job->probe_batch, step, &err);
    if (job->plan->write.expect != BM__EXPECT_COUNT) {
        step->push = ignore_row;
        step->context = job;
    }
    return status == BM_OK;
}

void bm__probe_begin(bm__job *job)
{
    job->probe = (bm__probe){.rows = {.low = job->from, .high = job->from + job->n}};
}

/* Once more, behind the chunks before this one; several workers have not written those alone. */
static bool goes_on(bm__job *job)
{
    bm__probe *probe = &job->probe;
    bool innocent = probe->rows.low == probe->rows.high;
    if (!innocent || probe->again || job->from == 0 || job->call->several) {
        return false;
    }
    *probe = (bm__probe){.rows = {.high = job->from + job->n}, .again = true};
    return true;
}

bool bm__probe_ends(const bm__job *job)
{
    return job->probe.at >= PROBE_END;
}

bool bm__probe_next(bm__job *job, bm__step *step)
{
    bm__probe *probe = &job->probe;
    bool nested = job->mode == BM__JOB_SAVEPOINT;
    step->context = job;
    switch (probe->at) {
    case PROBE_BEGIN:
        set(step, nested ? BM__STEP_SAVEPOINT : BM__STEP_BEGIN,
            nested ? BM__SQL_SAVEPOINT_CALL : NULL);
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
    if (probe->rows.found) {
        bm__batch all = {.pick = job->call->pick};
        job->error.row = bm__call_row(job->call, &all, probe->rows.low);
    }
    return goes_on(job) && bm__probe_next(job, step);
}

static void halve(bm__probe *probe, bool written)
{
    bm__halves_answer(&probe->rows, written);
    if (probe->rows.found || probe->rows.low == probe->rows.high) {
        probe->at = PROBE_END;
    } else {
        probe->at = written ? PROBE_KEEP : PROBE_DROP;
    }
}

void bm__probe_answer(bm__job *job, bm_status status, const bm__answer *answer)
{
    bm__probe *probe = &job->probe;
    (void)answer;
    if (status != BM_OK && probe->at != PROBE_WRITE) {
        bool over = probe->at >= PROBE_END || probe->at == PROBE_BEGIN;
        job->stuck = job->stuck || over;
        probe->at = over ? PROBE_OVER : PROBE_END;
        return;
    }
    switch (probe->at) {
    case PROBE_WRITE:
        if (status != BM_OK && status != job->error.status) {
            probe->at = PROBE_END; /* another failure than the one that is looked for */
            break;
        }
        halve(probe, status == BM_OK);
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
