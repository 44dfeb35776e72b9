/* The only loop over jobs with a transport, and the only threads. */
#ifndef BM_RUN_RUN_H
#define BM_RUN_RUN_H

#include "db.h"
#include "job.h"

/* The caller's hooks; never run at the same time by two threads of one call. */
typedef struct bm__hooks {
    void *user;
    void (*on_progress)(void *user, uint64_t rows_done, uint64_t rows_total);
    void (*on_statement)(void *user, const char *sql, uint64_t rows);
    uint64_t rows_total; /* 0: unknown */
} bm__hooks;

/*
 * Carry a call out over n connections, one job each: one on the calling thread, or n threads that
 * meet at a barrier before they commit one after the other.  Fills the result's counts and parts.
 * What jobs left on a connection is the connection's state.
 */
bm_status bm__run(bm_db *db, bm__call *call, bm__job_mode mode, bm__conn **conns, size_t n,
                  const bm__hooks *hooks, bm_result *result, bm_error *err);

#endif
