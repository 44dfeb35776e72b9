#include "run_job.h"

static uint64_t rows_of(const bm__job *job)
{
    return job->inserted + job->updated + job->unchanged + job->missing + job->ignored +
           job->deleted + job->read;
}

static bool ends(const bm__step *step)
{
    return step->kind == BM__STEP_COMMIT || step->kind == BM__STEP_ROLLBACK ||
           step->kind == BM__STEP_ROLLBACK_TO || step->kind == BM__STEP_RELEASE;
}

static bool is_copy(const bm__step *step)
{
    return step->kind == BM__STEP_LOAD || step->kind == BM__STEP_UNLOAD;
}

static bool gives_rows(const bm__job *job, const bm__step *step)
{
    return step->expect == BM__EXPECT_ROWS && job->phase == BM__PHASE_READ;
}

/* How long a step may take, by what it does. */
static int64_t usual_ms(const bm__job *job, const bm__step *step)
{
    const bm__call *call = bm__call_whole(job->call);
    if (is_copy(step) || gives_rows(job, step)) {
        return call->copy_timeout_ms;
    }
    if (step->kind == BM__STEP_READY) { /* the others have timeouts of their own */
        return 0;
    }
    switch (job->phase) {
    case BM__PHASE_BEFORE:
    case BM__PHASE_CLEAN:
    case BM__PHASE_STAGE:
    case BM__PHASE_WRITE:
    case BM__PHASE_AFTER:
    case BM__PHASE_CLEANED:
    case BM__PHASE_SETTLE:
        return call->statement_timeout_ms;
    case BM__PHASE_BEGIN: /* each phase is named: a new one must be thought of */
    case BM__PHASE_JOIN:
    case BM__PHASE_SETUP:
    case BM__PHASE_CLAIM:
    case BM__PHASE_RESERVE:
    case BM__PHASE_READ:
    case BM__PHASE_CHECK:
    case BM__PHASE_UNHINT:
    case BM__PHASE_VERIFY:
    case BM__PHASE_READY:
    case BM__PHASE_COMMIT:
    case BM__PHASE_RELEASE:
    case BM__PHASE_DONE:
    case BM__PHASE_UNDO:
    case BM__PHASE_UNDO_POINT:
    case BM__PHASE_HIGHEST:
    case BM__PHASE_FAILED:
        break;
    }
    return call->short_timeout_ms;
}

/* When the call is over but for its COMMITs; 0: never. */
static int64_t deadline_of(const bm__call *call)
{
    bool never = call->deadline_ns == 0 || call->deadline_ns >= INT64_MAX - call->paused_ns;
    return never || call->deadline_ns >= INT64_MAX - BM__SLACK_NS
               ? 0
               : call->deadline_ns + call->paused_ns;
}

/* All COMMITs of a call share one clock, which begins with the first. */
static void bound_commit(bm__call *call, bm__step *step)
{
    if (call->commit_timeout_ms <= 0) {
        bm__step_within(step, "the statement timeout", call->statement_timeout_ms);
        return;
    }
    long long until = bm__after_ms(call->commit_timeout_ms);
    long long none = 0;
    if (!atomic_compare_exchange_strong(&call->commit_until_ns, &none, until)) {
        until = none;
    }
    bm__step_until(step, "the commit timeout", call->commit_timeout_ms, until);
    step->end_ns = until < INT64_MAX - BM__SLACK_NS ? until + BM__SLACK_NS : 0;
}

/* Which timeouts end a step.  What undoes gets a little time even when the call has none left. */
static void bound(const bm__job *job, bm__step *step)
{
    bm__call *call = bm__call_whole(job->call);
    step->lock_timeout_ms = call->lock_timeout_ms;
    step->lock_unless_set = call->lock_unless_set;
    step->paused_ns = &call->paused_ns;
    step->paused_before_ns = call->paused_ns;
    if (step->kind == BM__STEP_COMMIT) {
        bound_commit(call, step);
        return;
    }
    int64_t deadline = deadline_of(call);
    if (deadline != 0) {
        step->end_ns = deadline + BM__SLACK_NS;
        bm__step_until(step, "the timeout", call->timeout_ms, ends(step) ? step->end_ns : deadline);
    }
    bool rows = gives_rows(job, step) && call->stall_timeout_ms > 0;
    step->stall_ms = is_copy(step) ? call->stall_timeout_ms : rows ? call->statement_timeout_ms : 0;
    step->answer_ms = call->statement_timeout_ms;
    bm__step_within(step, "the statement timeout", usual_ms(job, step));
}

/* The first COMMIT is not sent after the deadline, nor is a savepoint released: all is still to be
 * taken back.  Further COMMITs are: half would be worse. */
static bm_status may_commit(const bm__job *job, bm_error *err)
{
    const bm__call *call = bm__call_whole(job->call);
    int64_t deadline = deadline_of(call);
    bool first = job->phase == BM__PHASE_COMMIT && atomic_load(&call->commit_until_ns) == 0;
    if (first && deadline != 0 && bm__now_ns() >= deadline) {
        const bm__step late = {.limit = "the timeout", .limit_ms = call->timeout_ms};
        return bm__step_late(&late, BM_STAGE_COMMIT, err);
    }
    return BM_OK;
}

/* Nothing is begun once the token is set or the deadline is past, but what ends a transaction. */
static bm_status may_begin(const bm__step *step, bm_error *err)
{
    if (ends(step)) {
        return BM_OK;
    }
    if (bm__cancelled(step->cancel)) {
        return bm__fail(err, BM_CANCELLED, BM_STAGE_WRITE, "cancelled");
    }
    if (step->deadline_ns != 0 && bm__now_ns() >= step->deadline_ns) {
        return bm__step_late(step, BM_STAGE_WRITE, err);
    }
    return BM_OK;
}

static void report(bm__reports *reports, const bm__job *job, const bm__step *step, uint64_t before)
{
    const bm__hooks *hooks = reports->hooks;
    bool statement =
        hooks->on_statement != NULL && step->sql != NULL && step->kind != BM__STEP_BEGIN;
    bool progress = hooks->on_progress != NULL && rows_of(job) != before;
    if (!statement && !progress) {
        return;
    }
    pthread_mutex_lock(&reports->lock);
    if (statement) {
        hooks->on_statement(hooks->user, step->sql, step->n_rows);
    }
    if (progress) {
        reports->rows_done += rows_of(job) - before;
        hooks->on_progress(hooks->user, reports->rows_done, hooks->rows_total);
    }
    pthread_mutex_unlock(&reports->lock);
}

bm_status bm__run_step(const bm__job *job, bm__conn *conn, bm__step *step, bm__answer *answer,
                       bm_error *err)
{
    bound(job, step);
    BM_TRY(may_begin(step, err));
    return conn->transport->perform(conn, step, answer, err);
}

static bm_status perform(bm__conn *conn, const bm__step *step, const bm__meeting *meeting,
                         bm__answer *answer, bm_error *err)
{
    if (step->kind == BM__STEP_READY) {
        return meeting != NULL ? meeting->ready(meeting->user, step, err) : BM_OK;
    }
    return conn->transport->perform(conn, step, answer, err);
}

/* The others are told. */
static void meet(const bm__meeting *meeting, const bm__job *job, bm__phase phase, bm_status status)
{
    if (meeting != NULL && status == BM_OK && phase == BM__PHASE_BEGIN) {
        meeting->begun(meeting->user);
    }
    if (meeting != NULL && job->phase == BM__PHASE_UNDO) {
        meeting->failed(meeting->user);
    }
}

void bm__run_job(bm_db *db, bm__reports *reports, bm__job *job, bm__conn *conn,
                 const bm__meeting *meeting)
{
    const bm__transport *transport = conn->transport;
    bm__step step;
    while (bm__job_next(job, &step) == BM__JOB_STEP) {
        bm_error err = BM_ERROR;
        bm__answer answer = {.row = BM_NO_ROW};
        uint64_t before = rows_of(job);
        bm__phase phase = job->phase;
        bm_status status = may_commit(job, &err);
        if (status == BM_OK) {
            bound(job, &step);
            if (meeting != NULL && phase == BM__PHASE_BEGIN) {
                meeting->begins(meeting->user, &step);
            }
            status = may_begin(&step, &err);
        }
        if (status == BM_OK) {
            status = perform(conn, &step, meeting, &answer, &err);
        }
        if (status == BM_COMMIT_UNKNOWN && step.kind == BM__STEP_COMMIT) {
            bool timed = bm__call_whole(job->call)->commit_timeout_ms > 0;
            int64_t until = timed ? step.deadline_ns : 0;
            status = bm__commit_resolve(db, conn, &job->xact, until, &err);
        }
        bool connected = transport->state(conn, false) != BM__CONN_CLOSED;
        bm__job_answer(job, status, &answer, &err, connected);
        meet(meeting, job, phase, status);
        report(reports, job, &step, before);
    }
}
