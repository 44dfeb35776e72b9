/* A database, or a transaction on one: connections, what is known of tables, the open transaction.
 * */
#ifndef BM_CONNECTIONS_DB_H
#define BM_CONNECTIONS_DB_H

#include "cancel.h"
#include "catalog.h"
#include "engine.h"
#include "journal.h"
#include "transport.h"

#include <pthread.h>

typedef struct bm__known_table {
    struct bm__known_table *next;
    bm__table *table;
    char *schema; /* as the model says it, or NULL */
    char *name;
    int refs;
    bool dropped; /* not given out any more; freed with the last reference */
} bm__known_table;

struct bm_db {
    const bm__transport *transport;
    const bm__engine *engine;

    /* a database */
    char *url; /* NULL: over a borrowed connection */
    bm_open_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bm__conn **idle; /* room for max_connections; the last one given back is the next given out */
    size_t n_idle;
    size_t n_used; /* places taken: n_used + n_idle is never above max_connections */
    bm__known_table *tables;
    bm_db *transactions; /* open ones, through `sibling` */
    bool keeps;          /* what it holds would be gone with its connection */
    bool borrowed;       /* over a connection of the caller's */
    int64_t deadline_ns; /* of bm_open_options.timeout_ms; 0: none */

    /* a transaction */
    bm_db *root;  /* the database; NULL: this is one */
    bm_db *outer; /* the transaction in which this is a savepoint, or NULL */
    bm_db *inner; /* the open savepoint in this one, or NULL */
    bm_db *sibling;
    bool savepoint;            /* it stands in a transaction, ours or the caller's */
    int64_t commit_timeout_ms; /* 0: that of the database */
    bm__conn *conn;
    pthread_t owner;
    bm__xact xact; /* of the outermost; id 0: not told yet */
    bm__journal journal;
};

/* The timeouts of connections of our own, where the caller gives none. */
#define BM__STATEMENT_MS INT64_C(3600000) /* a statement that writes or reads rows */
#define BM__SHORT_MS INT64_C(30000)       /* catalog, BEGIN, keys, savepoints, ROLLBACK */
#define BM__STALL_MS INT64_C(60000)       /* a COPY in which no byte moves */
#define BM__LOCK_MS INT64_C(60000)        /* a lock, where the session has no lock_timeout */
#define BM__COMMIT_MS INT64_C(5000)       /* all COMMITs of a call that has a timeout */

/* What follows a deadline (a request to stop, ROLLBACK, giving the connection up) has so long. */
#define BM__SLACK_NS INT64_C(300000000)

/* Make a database; nothing is connected. */
bm_status bm__db_new(const bm__transport *transport, const char *url,
                     const bm_open_options *options, bm_db **out, bm_error *err);

/* Close everything and free.  NULL is legal. */
void bm__db_free(bm_db *db);

/* The database behind a transaction, or itself. */
bm_db *bm__db_root(bm_db *db);

/* A default timeout: none (-1) on a connection of the caller's. */
int64_t bm__own_ms(const bm__conn *conn, int64_t ms);

/* What bounds all of a call on `db`: the deadline and the token of the call, or of bm_open. */
bm__step bm__db_limits(bm_db *db, const bm_call *call);

/*
 * Up to `want` places, at least one: *n of them, all at once, so that two calls never wait for each
 * other's half.  Waits, and connects, until the deadline or the token of `limits`.  The first is a
 * connection, and where it cannot be opened it is an error; the others are NULL until they are
 * filled.
 */
bm_status bm__pool_take(bm_db *db, size_t want, const bm__step *limits, bm__conn **conns, size_t *n,
                        bm_error *err);

/* Fill a place that was taken; on failure it stays NULL, and is given back as it is. */
bm_status bm__pool_fill(bm_db *db, const bm__step *limits, bm__conn **out, bm_error *err);

/* Give a place back, NULL too; a connection that is not idle is closed. */
void bm__pool_give(bm_db *db, bm__conn *conn);

/* Close the idle ones. */
void bm__pool_drain(bm_db *db);

/* The error of a transaction whose connection is closed: what the server said last, where it said
 * something. */
bm_status bm__db_lost(bm__conn *conn, bm_error *err);

/* The connection of a call in a transaction (or over a borrowed one with an open transaction), or a
 * pooled one.  `inside` tells which. */
bm_status bm__db_connect(bm_db *db, size_t want, const bm__step *limits, bm__conn **conns,
                         size_t *n, bool *inside, bm_error *err);
void bm__db_disconnect(bm_db *db, bm__conn **conns, size_t n);

/* The connection can write, as far as the server knows: else the error says why, and nothing was
 * sent but the question. */
bm_status bm__conn_writes(bm__conn *conn, const bm__step *limits, bm_error *err);

/* The outermost of the nested transactions that `tx` is in. */
bm_db *bm__db_outermost(bm_db *tx);

/*
 * COMMIT was sent on `lost`, and err says why its answer is not known: ask on another connection to
 * the same server.  BM_OK: it is committed.  BM_CONNECTION: it is rolled back.  BM_COMMIT_UNKNOWN:
 * nobody could say until then (0: five seconds from now).
 */
bm_status bm__commit_resolve(bm_db *root, bm__conn *lost, const bm__xact *xact, int64_t until_ns,
                             bm_error *err);

/* Put an open transaction into the books of its database; take one out, give its connection back
 * and free it. */
void bm__db_enlist(bm_db *tx);
void bm__db_delist(bm_db *tx);

/* What is known of a model's table: asked for on `conn`, with the deadline and the token of
 * `limits`, when it is not known yet (*fresh).  A reference is held until bm__tables_release. */
bm_status bm__tables_get(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                         bm__known_table **out, bool *fresh, bm_error *err);
/* The rows of a query, as a table that the model names; it is asked for each time.  `run`: the
 * limits of a run of the query, where the engine finds types by one (types_run); NULL: no run, and
 * such types stay unknown. */
bm_status bm__tables_query(bm_db *db, bm__conn *conn, const bm_model *model, const char *query,
                           const bm__step *limits, const bm__step *run, bm__known_table **out,
                           bm_error *err);
/* Ask whether a table is still what is known of it. */
bm_status bm__tables_same(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                          const bm__known_table *known, bool *same, bm_error *err);
/* The statements that make a stage of the model's table.  BM_UNSUPPORTED, named: it can have none.
 */
bm_status bm__tables_stage_sql(bm_db *db, bm__conn *conn, const bm_model *model,
                               const bm__step *limits, bm__buffer *text, bm_error *err);
void bm__tables_release(bm_db *db, bm__known_table *known);
/* Forget it, or all (NULL), for the table may have changed. */
void bm__tables_drop(bm_db *db, bm__known_table *known);

#endif
