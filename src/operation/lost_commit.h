/*
 * What became of a transaction whose COMMIT was sent and not answered: a conversation on another
 * connection to the same server, without waiting.
 *
 *     while (bm__commit_next(&question, now, &step, &wait_ms)) {
 *         wait; perform step on another connection, opening one where there is none;
 *         bm__commit_answer(&question, status, &error);
 *     }
 *
 * The server may still be at it, in which case it is asked again; when half of the time is over its
 * process is ended, which makes the transaction what it is.
 */
#ifndef BM_OPERATION_LOST_COMMIT_H
#define BM_OPERATION_LOST_COMMIT_H

#include "engine.h"
#include "step.h"

typedef enum bm__commit_fate {
    BM__COMMIT_OPEN = 0, /* not known yet */
    BM__COMMIT_DONE,
    BM__COMMIT_UNDONE,
    BM__COMMIT_UNKNOWN
} bm__commit_fate;

typedef struct bm__commit_question {
    const bm__commit_sql *asks;
    bm__xact xact;
    int64_t begun_ns;
    int64_t until_ns;
    unsigned asked;
    bool in_progress; /* the last answer */
    bool ends;        /* the step under way ends the process ... */
    bool ended;       /* ... which was done */
    bm__commit_fate fate;
    char sql[BM__COMMIT_SQL_MAX];
} bm__commit_question;

/* A row of bm__commit_sql; `context` is a bm__xact. */
bm_status bm__xact_push(void *context, const bm__cell *cells, size_t n, bm_error *err);

/* Begin to ask; no longer than until `until_ns`.  Over at once where
 * there is no id. */
void bm__commit_begin(bm__commit_question *q, const bm__commit_sql *asks, const bm__xact *xact,
                      int64_t now_ns, int64_t until_ns);

/* The step to perform *wait_ms from now; false: it is over, see `fate`.  Borrows from q. */
bool bm__commit_next(bm__commit_question *q, int64_t now_ns, bm__step *step, int64_t *wait_ms);

/* What came of it, or of opening a connection for it. */
void bm__commit_answer(bm__commit_question *q, bm_status status);

#endif
