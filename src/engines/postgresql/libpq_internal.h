/* The parts of the libpq transport.  Nothing here blocks inside libpq: the connection is
 * non-blocking and every wait is a poll of ours, with the step's deadline and token. */
#ifndef BM_ENGINES_LIBPQ_INTERNAL_H
#define BM_ENGINES_LIBPQ_INTERNAL_H

#include "cancel.h"
#include "transport.h"

#include <libpq-fe.h>
#include <sys/types.h>

typedef struct bm__libpq bm__libpq;

struct bm__libpq {
    bm__conn base;
    PGconn *pg;
    pid_t pid;       /* of the process that connected: a child of it must not say goodbye */
    bool given_up;   /* closed by us in the middle of something; a borrowed one: shut down */
    int64_t look_ns; /* when to look next whether the statement waits for a lock; 0: never */
    int64_t look_ms; /* the lock timeout */
    bool (*waits_for_lock)(const bm__libpq *conn, const bm__step *step, int64_t ms);
    char host[256]; /* that the connection was opened to, and its port */
    bool piped;     /* a setting goes ahead of the statement; its result is nobody's */
    bool doomed;    /* the server said, unasked, that it ends the connection: */
    char last_sqlstate[8];
    char last_words[256];
    size_t notices; /* received so far; what they say is dropped.  Not where it is borrowed */
};

/* libpq_wait.c */

/* BM_CANCELLED, BM_TIMEOUT: for what goes on without waiting. */
bm_status bm__libpq_in_time(const bm__step *step, bm_error *err);

/* Poll the socket for `events`; *ready says which came.  Bounded by the step's deadline, its stall
 * timeout and its token: BM_TIMEOUT, BM_CANCELLED, BM_CONNECTION. */
bm_status bm__libpq_poll(bm__libpq *conn, short events, const bm__step *step, short *ready,
                         bm_error *err);

/* The next result; *out is NULL at the end of the statement. */
bm_status bm__libpq_result(bm__libpq *conn, const bm__step *step, PGresult **out, bm_error *err);

/* Bring the connection out of whatever it is in: end a COPY, read all results, until the step's
 * end or with a few seconds' grace; or give it up.  `cancel`: ask the server to stop first.  True
 * when the server said that the statement failed: false leaves in doubt what became of it. */
bool bm__libpq_settle(bm__libpq *conn, const bm__step *step, bool cancel);

/* Close the connection now.  A borrowed one is the caller's to close: its socket is shut down, so
 * that the caller's next use of it fails and does not wait; state() says that it is of no use. */
void bm__libpq_give_up(bm__libpq *conn);

/* libpq_cancel.c: ask the server to stop the statement; true once it has taken the request.  Comes
 * back at `until_ns` at the latest. */
bool bm__libpq_ask_to_stop(const bm__libpq *conn, int64_t until_ns);

/* libpq_error.c */

/* Record the error of a result (or of the connection, when result is NULL). */
bm_status bm__libpq_fail(bm__libpq *conn, const PGresult *result, bm_stage stage,
                         bm__answer *answer, bm_error *err);

/* Record why the server did not take the connection. */
bm_status bm__libpq_refused(bm__libpq *conn, bm_error *err);

/* Record why a connection ended that the server ended unasked: last_sqlstate and last_words. */
bm_status bm__libpq_last_words(bm__libpq *conn, bm_stage stage, bm_error *err);

/* libpq_copy.c: COPY has begun with this statement; these end it on every path. */
bm_status bm__libpq_load(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err);
bm_status bm__libpq_unload(bm__libpq *conn, const bm__step *step, bm__answer *answer,
                           bm_error *err);

/* libpq_result.c: the results behind a statement; the first error counts, the last tag gives the
 * rows.  BM_COMMIT_UNKNOWN where the step is its own commit and the server did not say that it
 * failed. */
bm_status bm__libpq_drain(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err);

/* One result of a statement.  BM_OK also for those that say nothing. */
bm_status bm__libpq_take(bm__libpq *conn, PGresult *result, const bm__step *step,
                         bm__answer *answer, bm_error *err);

/* No statement can be sent on it any more. */
bool bm__libpq_is_closed(const bm__libpq *conn);

/* libpq_connect.c: what the server has reported so far of whether it can write. */
void bm__libpq_note_read_only(bm__libpq *conn);

/* libpq_lock.c: has the statement waited for one lock for so long?  False where nobody knows. */
bool bm__libpq_waits_for_lock(const bm__libpq *conn, const bm__step *step, int64_t ms);

/* libpq_connect.c.  The transport of what is opened here is set by libpq.c. */
bm_status bm__libpq_connect(const char *const *names, const char *const *values,
                            const bm__step *limits, bm__conn **out, bm_error *err);
bm_status bm__libpq_open(const char *url, const bm_open_options *options, const bm__step *limits,
                         bm__conn **out, bm_error *err);
bm_status bm__libpq_again(bm__conn *lost, const char *url, const bm_open_options *options,
                          const bm__step *limits, bm__conn **out, bm_error *err);
bm_status bm__libpq_connect_as(const bm__libpq *conn, const bm__step *limits, bm__conn **out,
                               bm_error *err);
bm_status bm__libpq_borrow(struct pg_conn *connection, bm__conn **out, bm_error *err);
void bm__libpq_close(bm__conn *conn);

#endif
