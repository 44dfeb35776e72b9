/* The only loop over a job with a transport. */
#ifndef BM_EXECUTOR_RUN_JOB_H
#define BM_EXECUTOR_RUN_JOB_H

#include "db.h"
#include "job.h"

/* The caller's hooks; never run at the same time by two threads of one call. */
typedef struct bm__hooks {
    void *user;
    void (*on_progress)(void *user, uint64_t rows_done, uint64_t rows_total);
    void (*on_statement)(void *user, const char *sql, uint64_t rows);
    uint64_t rows_total; /* 0: unknown */
} bm__hooks;

/* The hooks of a call, and what they were told; its jobs share them. */
typedef struct bm__reports {
    const bm__hooks *hooks;
    pthread_mutex_t lock;
    uint64_t rows_done;
} bm__reports;

/* How one of several jobs meets the others. */
typedef struct bm__meeting {
    void *user;
    void (*begins)(void *user, bm__step *step); /* BEGIN comes: bound it */
    void (*begun)(void *user);                  /* it was answered */
    /* All is written: may it commit?  Waits. */
    bm_status (*ready)(void *user, const bm__step *step, bm_error *err);
    void (*failed)(void *user); /* the job is about to roll back */
} bm__meeting;

/* One job to its end, on the thread that calls; `meeting` NULL: it is alone. */
void bm__run_job(bm_db *db, bm__reports *reports, bm__job *job, bm__conn *conn,
                 const bm__meeting *meeting);

/* Perform a step within the limits of the job's call. */
bm_status bm__run_step(const bm__job *job, bm__conn *conn, bm__step *step, bm__answer *answer,
                       bm_error *err);

/* A search takes no longer than this, whatever is left of the call's own time. */
#define BM__LOCATE_MS INT64_C(30000)

/* The call failed, and nothing of it is written: look for the row among call->suspects, on an idle
 * connection, or in the caller's transaction.  Fills err->row where it is found; the status and all
 * else that is reported stay. */
void bm__run_locate(bm__call *call, bm__job_mode mode, bm__conn *conn, const bm__hooks *hooks,
                    bm_result *result, bm_error *err);

#endif
