/* The jobs of one call on threads of their own, and the barrier at which they meet. */
#ifndef BM_RUN_WORKERS_H
#define BM_RUN_WORKERS_H

#include "run.h"

typedef struct bm__team {
    const bm__hooks *hooks;
    pthread_mutex_t hook_lock;
    uint64_t rows_done;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n;
    size_t n_ready; /* jobs at the barrier */
    size_t turn;    /* the job that may commit */
    size_t n_done;  /* jobs that have ended */
    bool failed;
    const bm__job *first_job; /* the first that failed */
    bm_cancel *stop;          /* set when one has failed: the others are cancelled */
} bm__team;

bm_status bm__team_begin(bm__team *team, size_t n, const bm__hooks *hooks, bm_error *err);
void bm__team_end(bm__team *team);

/* Wait until all jobs are ready and it is this one's turn to commit; a failure when another failed,
 * or when the deadline passes. */
bm_status bm__team_ready(bm__team *team, size_t index, const bm__step *step, bm_error *err);

/* A job has failed, and is about to roll back and to look for the row: the others stop now, since
 * they may hold what it would wait for. */
void bm__team_failed(bm__team *team, const bm__job *job);

/* A job has ended: the next one may commit, or all others stop. */
void bm__team_done(bm__team *team, const bm__job *job);

/* Run jobs on threads; the calling thread waits, and passes the caller's token on. */
bm_status bm__team_run(bm__team *team, bm__job *jobs, bm__conn **conns, bm__call *call,
                       bm_error *err);

/* One job to its end, on the thread that calls. */
void bm__run_job(bm__team *team, bm__job *job, bm__conn *conn, size_t index);

#endif
