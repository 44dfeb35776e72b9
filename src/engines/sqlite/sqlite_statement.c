/* Statements of a connection: its handlers, its cache, transactions and what failed. */
#include "sqlite_conn.h"

#include "cancel.h"
#include "sqlite_error.h"

#include <poll.h>
#include <string.h>

#define CACHED_SQL_MAX 65536 /* longer statements are not kept */
#define LOCK_WAIT_NS INT64_C(5000000000)
#define NS_PER_MS INT64_C(1000000)

/* ------------------------------------------------------------------------------------- handlers */

static int64_t deadline_of(const bm__sqlite_conn *c)
{
    return c->step != NULL ? bm__step_moved(c->step, c->deadline_ns) : c->deadline_ns;
}

bool bm__sqlite_must_stop(void *context)
{
    bm__sqlite_conn *c = context;
    if (bm__cancelled(c->cancel)) {
        c->stopped = BM_CANCELLED;
    } else if (c->deadline_ns != 0 && bm__now_ns() >= deadline_of(c)) {
        c->stopped = BM_TIMEOUT;
    }
    return c->stopped != BM_OK;
}

/* The step's deadline, or the time that a lock is waited for, whichever comes first. */
static int64_t lock_deadline(const bm__sqlite_conn *c, int64_t now)
{
    int64_t until = c->lock_timeout_ms < 0   ? INT64_MAX
                    : c->lock_timeout_ms > 0 ? now + c->lock_timeout_ms * NS_PER_MS
                                             : now + LOCK_WAIT_NS;
    return c->deadline_ns != 0 && c->deadline_ns < until ? c->deadline_ns : until;
}

int bm__sqlite_wait_for_lock(void *context, int times)
{
    static const uint8_t pauses_ms[] = {1, 2, 5, 10, 15, 20, 25};
    bm__sqlite_conn *c = context;
    int64_t now = bm__now_ns();
    if (times == 0) {
        c->lock_deadline_ns = lock_deadline(c, now);
    }
    if (bm__cancelled(c->cancel)) {
        c->stopped = BM_CANCELLED;
        return 0;
    }
    int64_t left_ns = c->lock_deadline_ns - now;
    if (left_ns <= 0) {
        bool asked = c->lock_timeout_ms > 0 || (c->deadline_ns != 0 && now >= c->deadline_ns);
        c->stopped = asked ? BM_TIMEOUT : BM_OK; /* else SQLite says busy, and it may be tried
        * again */
        return 0;
    }
    size_t i = (size_t)times < sizeof pauses_ms ? (size_t)times : sizeof pauses_ms - 1;
    int64_t left_ms = left_ns / NS_PER_MS + 1;
    int pause = left_ms < pauses_ms[i] ? (int)left_ms : pauses_ms[i];
    struct pollfd wake = {.fd = c->cancel != NULL ? c->cancel->fd : -1, .events = POLLIN};
    poll(&wake, 1, pause);
    return 1;
}

bool bm__sqlite_has_transaction(const bm__sqlite_conn *c)
{
    return sqlite3_get_autocommit(c->db) == 0;
}

bool bm__sqlite_is_callers(const bm__sqlite_conn *c)
{
    return bm__sqlite_has_transaction(c) && (!c->began || c->savepoints > 0);
}

/* --------------------------------------------------------------------------------------- errors */

bm_status bm__sqlite_stopped(const bm__sqlite_conn *c, bm_stage stage, int code, bm_error *err)
{
    char late[160] = "the connect timeout passed";
    if (c->step != NULL) {
        bm__step_says(c->step, late, sizeof late);
    }
    return bm__sqlite_fail(err, c->stopped, stage, code,
                           c->stopped == BM_CANCELLED ? "cancelled" : late);
}

bm_status bm__sqlite_failed(const bm__sqlite_conn *c, bm_stage stage, bm_error *err)
{
    int code = sqlite3_extended_errcode(c->db);
    int primary = code & 0xFF;
    if (c->stopped != BM_OK &&
        (primary == SQLITE_INTERRUPT || primary == SQLITE_ABORT || primary == SQLITE_BUSY)) {
        return bm__sqlite_stopped(c, stage, code, err);
    }
    return bm__sqlite_fail(err, bm__sqlite_status(code), stage, code, sqlite3_errmsg(c->db));
}

/* ----------------------------------------------------------------------------------- statements */

void bm__sqlite_empty_cache(bm__sqlite_conn *c)
{
    for (size_t i = 0; i < BM__SQLITE_CACHE; i++) {
        sqlite3_finalize(c->cache[i].stmt);
        c->cache[i] = (bm__sqlite_cached){NULL, 0};
    }
}

int bm__sqlite_prepare(bm__sqlite_conn *c, const char *sql, sqlite3_stmt **out, const char **rest)
{
    for (size_t i = 0; i < BM__SQLITE_CACHE; i++) {
        bm__sqlite_cached *entry = &c->cache[i];
        if (entry->stmt != NULL && strcmp(sqlite3_sql(entry->stmt), sql) == 0) {
            *out = entry->stmt;
            *rest = "";
            entry->stmt = NULL;
            entry->used = 0;
            return SQLITE_OK;
        }
    }
    return sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, rest);
}

/* Keep a statement, which must have been all of the text it was made from. */
static void keep(bm__sqlite_conn *c, sqlite3_stmt *stmt)
{
    bm__sqlite_cached *oldest = &c->cache[0];
    for (size_t i = 1; i < BM__SQLITE_CACHE; i++) {
        if (c->cache[i].used < oldest->used) {
            oldest = &c->cache[i];
        }
    }
    sqlite3_finalize(oldest->stmt);
    *oldest = (bm__sqlite_cached){stmt, ++c->uses};
}

void bm__sqlite_put_back(bm__sqlite_conn *c, sqlite3_stmt *stmt, const char *rest)
{
    if (stmt != NULL && *rest == '\0' && strlen(sqlite3_sql(stmt)) <= CACHED_SQL_MAX) {
        sqlite3_reset(stmt);
        keep(c, stmt);
    } else {
        sqlite3_finalize(stmt);
    }
}

int bm__sqlite_run_plain(bm__sqlite_conn *c, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    const char *rest = "";
    int rc = bm__sqlite_prepare(c, sql, &stmt, &rest);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc == SQLITE_DONE) {
        bm__sqlite_put_back(c, stmt, rest);
        return SQLITE_OK;
    }
    sqlite3_finalize(stmt); /* the connection's error stays */
    return rc;
}

/* With connections of our own the busy handler has waited already. */
int bm__sqlite_run_waiting(bm__sqlite_conn *c, const char *sql)
{
    int times = c->base.borrowed ? 0 : 1;
    int rc;
    do {
        rc = bm__sqlite_run_plain(c, sql);
    } while ((rc & 0xFF) == SQLITE_BUSY &&
             sqlite3_extended_errcode(c->db) != SQLITE_BUSY_SNAPSHOT &&
             bm__sqlite_wait_for_lock(c, times++));
    return rc;
}

/* --------------------------------------------------------------------------------- transactions */

bm_status bm__sqlite_begin(bm__sqlite_conn *c, bm_error *err)
{
    if (bm__sqlite_run_waiting(c, "BEGIN IMMEDIATE") != SQLITE_OK) {
        return bm__sqlite_failed(c, BM_STAGE_WRITE, err);
    }
    c->began = true;
    return BM_OK;
}

bm_status bm__sqlite_roll_back(bm__sqlite_conn *c, bm_error *err)
{
    if (!bm__sqlite_has_transaction(c) || bm__sqlite_run_plain(c, "ROLLBACK") == SQLITE_OK ||
        !bm__sqlite_has_transaction(c)) {
        return BM_OK;
    }
    return bm__sqlite_failed(c, BM_STAGE_WRITE, err);
}
