#include "workers.h"

#include <stdlib.h>

typedef struct worker {
    bm__team *team;
    bm__job *job;
    bm__conn *conn;
    size_t index;
    pthread_t thread;
} worker;

bm_status bm__team_begin(bm__team *team, size_t n, const bm__hooks *hooks, bm_error *err)
{
    *team = (bm__team){.hooks = hooks, .n = n};
    if (n > 1) {
        BM_TRY(bm_cancel_create(&team->stop, err));
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&team->hook_lock, NULL);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return BM_OK;
}

void bm__team_end(bm__team *team)
{
    pthread_cond_destroy(&team->changed);
    pthread_mutex_destroy(&team->lock);
    pthread_mutex_destroy(&team->hook_lock);
    bm_cancel_free(team->stop);
}

/* With the lock held: sleep until something changes, but not for long. */
static void wait_a_little(bm__team *team)
{
    int64_t until = bm__now_ns() + 20000000;
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
                          .tv_nsec = (long)(until % 1000000000)};
    pthread_cond_timedwait(&team->changed, &team->lock, &at);
}

bm_status bm__team_ready(bm__team *team, size_t index, const bm__step *step, bm_error *err)
{
    bm_status status = BM_OK;
    pthread_mutex_lock(&team->lock);
    team->n_ready++;
    pthread_cond_broadcast(&team->changed);
    while (status == BM_OK && (team->n_ready < team->n || team->turn != index)) {
        /* Once all are here they commit, each in the time that COMMIT has: half would be worse. */
        bool meeting = team->n_ready < team->n;
        bool late = meeting && step->deadline_ns != 0 && bm__now_ns() >= step->deadline_ns;
        if (team->failed) {
            status = bm__fail(err, BM_CANCELLED, BM_STAGE_COMMIT, "another worker failed");
        } else if (late) {
            status = bm__fail(err, BM_TIMEOUT, BM_STAGE_COMMIT,
                              "the deadline passed while waiting for the other workers");
            team->n_ready--; /* nobody may take this one for ready */
        } else {
            wait_a_little(team);
        }
    }
    if (status == BM_OK && team->failed) {
        status = bm__fail(err, BM_CANCELLED, BM_STAGE_COMMIT, "another worker failed");
    }
    pthread_mutex_unlock(&team->lock);
    return status;
}

/* With the lock held. */
static void note_failure(bm__team *team, const bm__job *job)
{
    if (!team->failed) {
        team->failed = true;
        team->first_job = job;
        if (team->stop != NULL) {
            bm_cancel_set(team->stop);
        }
    }
}

void bm__team_failed(bm__team *team, const bm__job *job)
{
    pthread_mutex_lock(&team->lock);
    note_failure(team, job);
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->lock);
}

void bm__team_done(bm__team *team, const bm__job *job)
{
    pthread_mutex_lock(&team->lock);
    team->n_done++;
    if (job->phase == BM__PHASE_FAILED) {
        note_failure(team, job);
    } else {
        team->turn++;
    }
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->lock);
}

static void *work(void *argument)
{
    worker *self = argument;
    bm__run_job(self->team, self->job, self->conn, self->index);
    bm__team_done(self->team, self->job);
    return NULL;
}

static void watch(bm__team *team, const bm_cancel *token, size_t n)
{
    pthread_mutex_lock(&team->lock);
    while (team->n_done < n) {
        if (bm__cancelled(token)) {
            bm_cancel_set(team->stop);
        }
        wait_a_little(team);
    }
    pthread_mutex_unlock(&team->lock);
}

/* Threads that could not be started: their jobs fail, and with them the call. */
static void give_up(bm__team *team, bm__job *jobs, size_t from)
{
    bm_error err = BM_ERROR;
    bm__fail(&err, BM_LIMIT, BM_STAGE_CHECK, "only %zu of %zu threads could be started", from,
             team->n);
    for (size_t i = from; i < team->n; i++) {
        bm__step step;
        bm__job_abort(&jobs[i], &err);
        (void)bm__job_next(&jobs[i], &step); /* nothing was sent: it has failed at once */
        bm__team_done(team, &jobs[i]);
    }
}

bm_status bm__team_run(bm__team *team, bm__job *jobs, bm__conn **conns, bm__call *call,
                       bm_error *err)
{
    const bm_cancel *token = call->cancel;
    worker *workers = calloc(team->n, sizeof *workers);
    if (workers == NULL) {
        return bm__no_memory(err);
    }
    call->cancel = team->stop;
    size_t started = 0;
    for (; started < team->n; started++) {
        workers[started] =
            (worker){.team = team, .job = &jobs[started], .conn = conns[started], .index = started};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) {
            break;
        }
    }
    if (started < team->n) {
        give_up(team, jobs, started);
    }
    watch(team, token, team->n);
    for (size_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    call->cancel = token;
    free(workers);
    return BM_OK;
}
