/* The jobs of one call on threads of their own: a driver of the rules in team.h. */
#ifndef BM_EXECUTOR_WORKERS_H
#define BM_EXECUTOR_WORKERS_H

#include "run_job.h"
#include "team.h"

/*
 * Run n jobs, 2 to BM__TEAM_MAX, until all have ended; the calling thread watches the caller's
 * token.  conns[0] is open; the others are places in the pool, which a worker fills, or does
 * without: a worker that has no connection and no answer to BEGIN within a second is not waited
 * for.  What became of each job is in `team`, why it failed in the job, or where the team was
 * stopped from outside in *stopped.  Not BM_OK: nothing was begun.
 */
bm_status bm__workers_run(bm_db *db, bm__job *jobs, bm__conn **conns, size_t n, bm__call *call,
                          bm__reports *reports, bm__team *team, bm_error *stopped, bm_error *err);

/* May several transactions of one call commit one after the other?  Not where the server may let
 * them fail each other at COMMIT: SERIALIZABLE. */
bm_status bm__workers_allowed(bm__conn *conn, const bm__step *limits, bool *allowed, bm_error *err);

#endif
