/* The jobs of a call: made, run on one thread or on several, counted. */
#ifndef BM_EXECUTOR_JOBS_H
#define BM_EXECUTOR_JOBS_H

#include "run_job.h"

/*
 * Carry a call out over n connections, one job each: one on the calling thread, or n threads that
 * meet before they commit one after the other (workers.h).  Fills the result's counts and parts.
 * What jobs left on a connection is the connection's state.  *entangled: nothing was written, since
 * workers would have waited for each other; one connection can do it.
 */
bm_status bm__jobs_run(bm_db *db, bm__call *call, bm__job_mode mode, bm__conn **conns, size_t n,
                       const bm__hooks *hooks, bm_result *result, bool *entangled, bm_error *err);

#endif
