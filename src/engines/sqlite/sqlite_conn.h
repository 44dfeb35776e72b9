/* A connection to SQLite, shared by the files of this transport. */
#ifndef BM_ENGINES_SQLITE_CONN_H
#define BM_ENGINES_SQLITE_CONN_H

#include "sqlite_vtab.h"
#include "transport.h"

#include <sqlite3.h>

#define BM__SQLITE_CACHE 16 /* statements kept prepared */

typedef struct bm__sqlite_cached {
    sqlite3_stmt *stmt; /* reset, or NULL */
    uint64_t used;
} bm__sqlite_cached;

typedef struct bm__sqlite_conn {
    bm__conn base;
    sqlite3 *db;
    bm__sqlite_source *source;
    bool registered; /* the source is this connection's bulkmodel_batch, as far as is known */
    bm__sqlite_cached cache[BM__SQLITE_CACHE];
    uint64_t uses;
    bm__cell *cells; /* one row, for push */
    size_t n_cells;
    bool began;        /* the open transaction began by a step */
    size_t savepoints; /* of steps, open */
    uint32_t counter;  /* the file's change counter before a COMMIT ... */
    bool counted;      /* ... where it could be read */

    /* Of the step that is performed, for the handlers. */
    const bm__step *step; /* or NULL: SQLite is being opened */
    int64_t deadline_ns;
    const bm_cancel *cancel;
    int64_t lock_timeout_ms;
    int64_t lock_deadline_ns;
    bm_status stopped; /* why a handler stopped the statement */
    bool watched;      /* the progress handler is ours */
} bm__sqlite_conn;

/* A transaction is open. */
bool bm__sqlite_has_transaction(const bm__sqlite_conn *c);

/* The open transaction, or its part below a savepoint, is not the step's own. */
bool bm__sqlite_is_callers(const bm__sqlite_conn *c);

/* The token is set or the deadline has passed; c->stopped says which.  `context` is the connection.
 */
bool bm__sqlite_must_stop(void *context);

/* sqlite3_busy_handler's function: wait a little for the times-th time; 0 to give up. */
int bm__sqlite_wait_for_lock(void *context, int times);

/* Record why a handler stopped the step. */
bm_status bm__sqlite_stopped(const bm__sqlite_conn *c, bm_stage stage, int code, bm_error *err);

/* Record the failure that SQLite has just reported. */
bm_status bm__sqlite_failed(const bm__sqlite_conn *c, bm_stage stage, bm_error *err);

/* Said before what may be a commit: what tells afterwards whether it was one. */
void bm__sqlite_before_commit(bm__sqlite_conn *c);

/* The same as bm__sqlite_failed, of what was a commit by itself, or of COMMIT with the transaction
 * gone: BM_COMMIT_UNKNOWN only where it may have been done. */
bm_status bm__sqlite_failed_to_commit(const bm__sqlite_conn *c, bm_stage stage, bm_error *err);

/* The statement that `sql` begins with, NULL where there is none (blanks, comments); *rest is the
 * SQL behind it.  A SQLite result code.  To be given back by put_back, whatever became of it. */
int bm__sqlite_prepare(bm__sqlite_conn *c, const char *sql, sqlite3_stmt **out, const char **rest);
void bm__sqlite_put_back(bm__sqlite_conn *c, sqlite3_stmt *stmt, const char *rest);
void bm__sqlite_empty_cache(bm__sqlite_conn *c);

/* Run a statement that gives no rows.  A SQLite result code; the failure stays on the connection.
 */
int bm__sqlite_run_plain(bm__sqlite_conn *c, const char *sql);

/* BEGIN and COMMIT: again while another connection holds the lock, as long as may be waited. */
int bm__sqlite_run_waiting(bm__sqlite_conn *c, const char *sql);

bm_status bm__sqlite_begin(bm__sqlite_conn *c, bm_error *err);
bm_status bm__sqlite_commit(bm__sqlite_conn *c, bm_error *err);

/* Fine where the transaction is gone already. */
bm_status bm__sqlite_roll_back(bm__sqlite_conn *c, bm_error *err);

/* EXEC. */
bm_status bm__sqlite_run_sql(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                             bm_error *err);
bm_status bm__sqlite_describe(bm__sqlite_conn *c, const bm__step *step, bm_error *err);
bm_status bm__sqlite_run_all(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                             bm_error *err);
bm_status bm__sqlite_run_over_batch(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                                    bm_error *err);

#endif
