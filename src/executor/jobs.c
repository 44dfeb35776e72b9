#include "jobs.h"

#include "result.h"
#include "stream.h"
#include "workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Jobs, and how they ended. */
typedef struct jobs {
    bm__job *at;
    bm__call *twins; /* of several that read a stream */
    size_t n;
    bm__team team;    /* of several */
    bm_error stopped; /* why several were stopped from outside */
} jobs;

static void add_counts(const bm__job *job, bm_result *result)
{
    result->inserted += job->inserted;
    result->updated += job->updated;
    result->unchanged += job->unchanged;
    result->missing += job->missing;
    result->ignored += job->ignored;
    result->deleted += job->deleted;
    result->read += job->read;
}

static bool failed(const bm__job *job)
{
    return job->phase == BM__PHASE_FAILED;
}

static bm_fate part_fate(const jobs *j, size_t i)
{
    bm_fate fate = bm__team_member_fate(&j->team, i);
    bool undone = fate == BM_FATE_COMMITTED && j->at[i].call->dry_run;
    return undone ? BM_FATE_ROLLED_BACK : fate;
}

static bool anything_sent(const jobs *j)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->at[i].sent) {
            return true;
        }
    }
    return false;
}

/* The job whose error is that of the call; NULL: none, or not of a job. */
static const bm__job *first_failed(const jobs *j)
{
    if (j->n > 1) {
        return j->team.first == BM__TEAM_NOBODY ? NULL : &j->at[j->team.first];
    }
    return failed(&j->at[0]) ? &j->at[0] : NULL;
}

/* The error of several jobs: the first that came, whose fate is that of all of them.  Of a dry run
 * nothing stays, even where a ROLLBACK fails. */
static bm_status settle_team(const jobs *j, bm_error *err)
{
    bm_fate fate = bm__team_fate(&j->team);
    if (fate == BM_FATE_COMMITTED) {
        return BM_OK;
    }
    fate = j->at[0].call->dry_run ? BM_FATE_ROLLED_BACK : fate;
    const bm__job *first = first_failed(j);
    *err = first == NULL ? j->stopped : *bm__job_error(first);
    err->fate = fate == BM_FATE_ROLLED_BACK && !anything_sent(j) ? BM_FATE_NOT_STARTED : fate;
    if (fate == BM_FATE_PARTIAL) {
        err->status = BM_PARTIAL;
        err->retryable = false;
    } else if (fate == BM_FATE_UNKNOWN) {
        err->status = BM_COMMIT_UNKNOWN;
    }
    return err->status;
}

/* Rows that the caller's sink has. */
static uint64_t given(const bm__job *job)
{
    return job->call->sink != NULL && job->read >= job->n_rows ? job->read - job->n_rows : 0;
}

static bm_status finish(const jobs *j, bm_result *result, bm_error *err)
{
    size_t parts = 0;
    for (size_t i = 0; i < j->n; i++) {
        bm__job *job = &j->at[i];
        result->statements += job->statements;
        if (!failed(job)) {
            add_counts(job, result);
        } else {
            result->read += given(job);
        }
        if (j->n > 1 && job->n_ranges > 0) { /* without rows it is no part */
            result->parts[parts++] = (bm_part){
                .fate = part_fate(j, i), .n_ranges = job->n_ranges, .ranges = job->ranges};
            job->ranges = NULL;
        }
    }
    result->n_parts = parts;
    if (j->n > 1) {
        return settle_team(j, err);
    }
    if (!failed(&j->at[0])) {
        return BM_OK;
    }
    *err = *bm__job_error(&j->at[0]);
    if (err->status == BM_TIMEOUT && result->read > 0) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %llu rows had been read",
                 (unsigned long long)result->read);
    }
    return err->status;
}

static bm_status run(bm_db *db, jobs *j, bm__conn **conns, bm__call *call, const bm__hooks *hooks,
                     bm_error *err)
{
    bm__reports reports = {.hooks = hooks};
    bm_status status = BM_OK;
    pthread_mutex_init(&reports.lock, NULL);
    if (j->n == 1) {
        bm__run_job(db, &reports, &j->at[0], conns[0], NULL);
    } else {
        status =
            bm__workers_run(db, j->at, conns, j->n, call, &reports, &j->team, &j->stopped, err);
    }
    pthread_mutex_destroy(&reports.lock);
    return status;
}

/* The rows among which that of the error is.  The chunk of a stream is gone with its job: there it
 * is looked for at once. */
static void suspect(const jobs *j, bm__call *call, bm__job_mode mode, bm__conn **conns,
                    const bm__hooks *hooks, bm_result *result, bm_error *err)
{
    bool undone = err->fate == BM_FATE_ROLLED_BACK || err->fate == BM_FATE_IN_CALLERS_TRANSACTION;
    const bm__job *first = undone ? first_failed(j) : NULL;
    call->suspects = first != NULL ? first->suspects : (bm__suspects){0};
    if (call->source == NULL || call->suspects.n == 0) {
        return;
    }
    bm__call *own = first->call;
    own->suspects = call->suspects;
    for (size_t i = 0; own->suspects.n > 0 && i < j->n; i++) {
        bm__conn_state state = conns[i]->transport->state(conns[i], false);
        if (state == BM__CONN_IDLE || mode == BM__JOB_SAVEPOINT) {
            bm__run_locate(own, mode, conns[i], hooks, result, err);
            own->suspects.n = 0;
        }
    }
    call->suspects.n = 0;
}

static bm_status make(jobs *j, bm__call *call, bm__job_mode mode, size_t *made, bm_error *err)
{
    j->at = calloc(j->n, sizeof *j->at);
    j->twins = calloc(j->n, sizeof *j->twins);
    if (j->at == NULL || j->twins == NULL) {
        return bm__no_memory(err);
    }
    while (*made < j->n) {
        size_t i = (*made)++;
        bm__call *own = call;
        if (j->n > 1 && call->source != NULL) {
            own = &j->twins[i];
            BM_TRY(bm__stream_twin(call, own, err));
        }
        BM_TRY(bm__job_begin(&j->at[i], own, mode, err));
    }
    return BM_OK;
}

static void unmake(jobs *j, bm__call *call, size_t made)
{
    for (size_t i = 0; i < made; i++) {
        bm__job_free(&j->at[i]);
        if (j->twins[i].whole != NULL) {
            bm__stream_release(&j->twins[i]);
            bm__stream_twin_free(&j->twins[i]);
        }
    }
    if (call->source != NULL) {
        bm__stream_release(call);
    }
    free(j->twins);
    free(j->at);
}

bm_status bm__jobs_run(bm_db *db, bm__call *call, bm__job_mode mode, bm__conn **conns, size_t n,
                       const bm__hooks *hooks, bm_result *result, bool *entangled, bm_error *err)
{
    jobs j = {.n = n, .stopped = BM_ERROR};
    size_t made = 0;
    *entangled = false;
    /* Before anything is sent: without them nobody could say what was committed.  An earlier
     * attempt may have left some. */
    if (n > 1 || result->n_parts > 0) {
        BM_TRY(bm__result_parts(result, n > 1 ? n : 0, err));
    }
    bm_status status = make(&j, call, mode, &made, err);
    if (status == BM_OK) {
        status = run(db, &j, conns, call, hooks, err);
    }
    if (status == BM_OK) {
        status = finish(&j, result, err);
        *entangled = n > 1 && j.team.entangled;
        suspect(&j, call, mode, conns, hooks, result, err);
    }
    unmake(&j, call, made);
    return status;
}
