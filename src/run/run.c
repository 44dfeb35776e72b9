#include "workers.h"

#include "result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rows_of(const bm__job *job)
{
    return job->inserted + job->updated + job->missing + job->ignored + job->deleted + job->read;
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
    const bm__call *call = job->call;
    if (is_copy(step) || gives_rows(job, step)) {
        return call->copy_timeout_ms;
    }
    if (step->kind == BM__STEP_READY) { /* the others have timeouts of their own */
        return 0;
    }
    switch (job->phase) {
    case BM__PHASE_BEFORE:
    case BM__PHASE_WRITE:
    case BM__PHASE_AFTER:
    case BM__PHASE_SETTLE:
    case BM__PHASE_PROBE:
        return call->statement_timeout_ms;
    default:
        return call->short_timeout_ms;
    }
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
    long long until = bm__after_ms(call->commit_timeout_ms);
    long long none = 0;
    if (call->commit_timeout_ms <= 0) {
        bm__step_within(step, "the statement timeout", call->statement_timeout_ms);
        return;
    }
    if (!atomic_compare_exchange_strong(&call->commit_until_ns, &none, until)) {
        until = none;
    }
    bm__step_until(step, "the commit timeout", call->commit_timeout_ms, until);
    step->end_ns = until < INT64_MAX - BM__SLACK_NS ? until + BM__SLACK_NS : 0;
}

/* Which timeouts end a step.  What undoes gets a little time even when the call has none left. */
static void bound(const bm__job *job, bm__step *step)
{
    bm__call *call = job->call;
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
    const bm__call *call = job->call;
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

static void report(bm__team *team, bm__job *job, const bm__step *step, uint64_t before)
{
    const bm__hooks *hooks = team->hooks;
    bool statement = hooks->on_statement != NULL && step->sql != NULL;
    bool progress = hooks->on_progress != NULL && rows_of(job) != before;
    if (!statement && !progress) {
        return;
    }
    pthread_mutex_lock(&team->hook_lock);
    if (statement) {
        hooks->on_statement(hooks->user, step->sql, step->n_rows);
    }
    if (progress) {
        team->rows_done += rows_of(job) - before;
        hooks->on_progress(hooks->user, team->rows_done, hooks->rows_total);
    }
    pthread_mutex_unlock(&team->hook_lock);
}

void bm__run_job(bm__team *team, bm__job *job, bm__conn *conn, size_t index)
{
    const bm__transport *transport = conn->transport;
    bm__step step;
    while (bm__job_next(job, &step) == BM__JOB_STEP) {
        bm_error err = BM_ERROR;
        bm__answer answer = {.row = BM_NO_ROW};
        uint64_t before = rows_of(job);
        bm_status status = may_commit(job, &err);
        if (status == BM_OK) {
            bound(job, &step);
            status = may_begin(&step, &err);
        }
        if (status == BM_OK) {
            status = step.kind == BM__STEP_READY ? bm__team_ready(team, index, &step, &err)
                                                 : transport->perform(conn, &step, &answer, &err);
        }
        bool connected = transport->state(conn, false) != BM__CONN_CLOSED;
        bm__job_answer(job, status, &answer, &err, connected);
        if (job->phase == BM__PHASE_UNDO) {
            bm__team_failed(team, job);
        }
        report(team, job, &step, before);
    }
}

static void add_counts(const bm__job *job, bm_result *result)
{
    result->inserted += job->inserted;
    result->updated += job->updated;
    result->missing += job->missing;
    result->ignored += job->ignored;
    result->deleted += job->deleted;
    result->read += job->read;
}

static bool failed(const bm__job *job)
{
    return job->phase == BM__PHASE_FAILED;
}

/* Of several jobs, one that came too late for a chunk has no rows: its fate is nobody's. */
static bool has_rows(const bm__job *job)
{
    return !job->call->several || job->n_ranges > 0;
}

/* The error of a call, if it has one: with several jobs the first that came, whose fate is that of
 * all of them. */
static bm_status settle(const bm__team *team, const bm__job *jobs, size_t n, bm_error *err)
{
    size_t committed = 0;
    size_t lost = 0;
    bool unknown = false;
    for (size_t i = 0; i < n; i++) {
        committed += has_rows(&jobs[i]) && !failed(&jobs[i]);
        lost += has_rows(&jobs[i]) && failed(&jobs[i]);
        unknown = unknown || (has_rows(&jobs[i]) && jobs[i].error.fate == BM_FATE_UNKNOWN);
    }
    if (team->first_job == NULL || (committed > 0 && lost == 0)) {
        return BM_OK;
    }
    *err = *bm__job_error(team->first_job);
    if (committed > 0) {
        err->status = BM_PARTIAL;
        err->fate = BM_FATE_PARTIAL;
        err->retryable = false;
    } else if (unknown) {
        err->status = BM_COMMIT_UNKNOWN;
        err->fate = BM_FATE_UNKNOWN;
    }
    return err->status;
}

static bm_fate fate_of(const bm__job *job)
{
    return failed(job)          ? job->error.fate
           : job->call->dry_run ? BM_FATE_ROLLED_BACK
                                : BM_FATE_COMMITTED;
}

/* Rows that the caller's sink has. */
static uint64_t given(const bm__job *job)
{
    return job->call->sink != NULL && job->read >= job->n_rows ? job->read - job->n_rows : 0;
}

static bm_status finish(bm__team *team, bm__job *jobs, size_t n, bm_result *result, bm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        bm__job *job = &jobs[i];
        result->statements += job->statements;
        if (!failed(job)) {
            add_counts(job, result);
        } else {
            result->read += given(job);
        }
        if (n > 1) {
            result->parts[i] =
                (bm_part){.fate = fate_of(job), .n_ranges = job->n_ranges, .ranges = job->ranges};
            job->ranges = NULL;
        }
    }
    bm_status status = settle(team, jobs, n, err);
    if (status == BM_TIMEOUT && result->read > 0) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %llu rows had been read",
                 (unsigned long long)result->read);
    }
    return status;
}

bm_status bm__run(bm_db *db, bm__call *call, bm__job_mode mode, bm__conn **conns, size_t n,
                  const bm__hooks *hooks, bm_result *result, bm_error *err)
{
    (void)db;
    bm__team team;
    if (n > 1) { /* before anything is sent: without them nobody could say what was committed */
        BM_TRY(bm__result_parts(result, n, err));
    }
    bm__job *jobs = calloc(n, sizeof *jobs);
    if (jobs == NULL) {
        return bm__no_memory(err);
    }
    bm_status status = bm__team_begin(&team, n, hooks, err);
    bool team_begun = status == BM_OK;
    size_t made = 0;
    while (status == BM_OK && made < n) {
        status = bm__job_begin(&jobs[made++], call, mode, err);
    }
    if (status == BM_OK && n == 1) {
        bm__run_job(&team, &jobs[0], conns[0], 0);
        bm__team_done(&team, &jobs[0]);
    } else if (status == BM_OK) {
        status = bm__team_run(&team, jobs, conns, call, err);
    }
    if (status == BM_OK) {
        status = finish(&team, jobs, n, result, err);
    }
    for (size_t i = 0; i < made; i++) {
        bm__job_free(&jobs[i]);
    }
    if (team_begun) {
        bm__team_end(&team);
    }
    free(jobs);
    return status;
}
