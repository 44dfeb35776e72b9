/*
 * The contract between the engine and a connection.
 *
 * A transport performs steps (core/step.h) on one connection, one at a time, and waits for nothing
 * without a deadline, a cancel token or an answer in sight.  It decides nothing: which statement,
 * whether to go on and what an error means for the call is decided by the job.
 *
 * What holds after perform() returns:
 *   - BM_OK: the step was done and the whole answer was read.
 *   - any other status: *err says why (sqlstate, constraint, column, detail where the server gave
 *     them; never rows' values in message), and state() is the truth: FAILED where the engine wants
 *     a ROLLBACK first, IDLE where the transaction is gone, CLOSED where the connection is lost or
 *     was given up.  Never in between: no COPY is open, no result is unread, no statement runs.
 *   - `answer` is filled in either case.
 * COMMIT is done only when the engine said COMMIT: BM_DATABASE where it answered with a rollback,
 * BM_COMMIT_UNKNOWN where it was sent and the answer was lost or waited for too long,
 * BM_CONNECTION where it was never sent.  It is not cancelled by a token.
 *
 * pull, push, column and take run inside perform(), on its thread; when one fails its status and
 * error are what perform returns, after the connection was brought out of the middle of things.
 * A step with `autocommit` that was sent, and that the engine did not refuse, is in doubt in the
 * same way when it is not BM_OK: BM_COMMIT_UNKNOWN, also where only push failed, with its message.
 */
#ifndef BM_ENGINES_TRANSPORT_H
#define BM_ENGINES_TRANSPORT_H

#include "engine.h"

typedef enum bm__conn_state {
    BM__CONN_IDLE = 0,       /* no transaction */
    BM__CONN_IN_TRANSACTION, /* open, and sound */
    BM__CONN_FAILED,         /* open, and only a rollback will do */
    BM__CONN_CLOSED
} bm__conn_state;

typedef struct bm__conn bm__conn;

/* What a server says of itself once there is a connection to it. */
typedef struct bm__server {
    int version;    /* server_version_num, or SQLITE_VERSION_NUMBER */
    bool read_only; /* a standby, a session that is read-only, or a file that cannot be written: as
                       far as is known here; a server's question says it for sure */
} bm__server;

typedef struct bm__transport {
    const bm__engine *engine; /* whose statements it carries */

    /* Connect.  `url` is what bm_open was given; `limits` is a step whose deadline and token end
     * the wait, or NULL.  On failure *out is NULL and nothing is left. */
    bm_status (*open)(const char *url, const bm_open_options *options, const bm__step *limits,
                      bm__conn **out, bm_error *err);

    /* A connection over the client library's own handle, which stays the caller's.  NULL: none. */
    bm_status (*attach)(void *handle, bm__conn **out, bm_error *err);

    /* Does what the URL names live in its connection, and end with it?  NULL: never. */
    bool (*keeps)(const char *url);

    /* A connection is kept though it is disconnected: what it recorded can still be read. */
    bool outlives;

    /* Another connection to the server of `lost`, whose state does not matter; as open, or where
     * `url` is NULL with what `lost` was opened with.  BM_CONNECTION where another server answers.
     * NULL: nothing can be asked elsewhere. */
    bm_status (*again)(bm__conn *lost, const char *url, const bm_open_options *options,
                       const bm__step *limits, bm__conn **out, bm_error *err);

    /* Perform one step, as said above.  Blocks until done, the deadline or the token. */
    bm_status (*perform)(bm__conn *conn, const bm__step *step, bm__answer *answer, bm_error *err);

    /* The state as far as is known here; never blocks, never writes to the wire.  With `look`, a
     * peer that has closed the connection between two steps is noticed. */
    bm__conn_state (*state)(bm__conn *conn, bool look);

    /* Close and free; a transaction is thereby rolled back.  A borrowed connection is only let go.
     * NULL is legal.  Does not block longer than an orderly goodbye. */
    void (*close)(bm__conn *conn);
} bm__transport;

/* What every connection begins with; the transport's own members follow in its file. */
struct bm__conn {
    const bm__transport *transport;
    const bm__engine *engine; /* what the server turned out to be; as the transport's, or near it */
    bm__server server;
    int64_t born_ns; /* set by the pool */
    bool borrowed;   /* the caller's: never closed, its settings are left as they are */
};

/* Of engines that only a driver names there is none. */
#define BM__ENGINE(name_) extern const bm__transport bm__transport_##name_;
#include "engines.def"
#undef BM__ENGINE

/* The transport of an engine; NULL where it was not built. */
const bm__transport *bm__transport_of(const bm__engine *engine);

#endif
