/*
 * Does a statement wait for a lock?  Asked on a second connection, once the lock timeout has
 * passed: a statement that is its own commit has no transaction in which lock_timeout could be
 * set, and setting it for the session would leave it to whoever gets the session next (PgBouncer).
 */
#include "libpq_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bm_status push_yes(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    (void)cells;
    (void)n;
    (void)err;
    *(bool *)context = true;
    return BM_OK;
}

/* pg_locks has waitstart since PostgreSQL 14: without it a wait of any length counts. */
static void question(char *out, size_t size, int pid, int64_t ms)
{
    snprintf(out, size,
             "SELECT 1 FROM pg_catalog.pg_locks l"
             " WHERE l.pid OPERATOR(pg_catalog.=) %d AND NOT l.granted"
             " AND pg_catalog.current_setting('lock_timeout') OPERATOR(pg_catalog.=) '0'"
             " AND coalesce((pg_catalog.to_jsonb(l) OPERATOR(pg_catalog.->>) 'waitstart')"
             "::pg_catalog.timestamptz OPERATOR(pg_catalog.<=) (pg_catalog.clock_timestamp()"
             " OPERATOR(pg_catalog.-) '%lld ms'::pg_catalog.interval), true)",
             pid, (long long)ms);
}

bool bm__libpq_waits_for_lock(const bm__libpq *conn, const bm__step *step, int64_t ms)
{
    char sql[600];
    bm__conn *other = NULL;
    bool waits = false;
    bm_error ignored = BM_ERROR;
    bm__answer answer;
    bm__step limits = {.cancel = step->cancel};
    bm__step_until(&limits, NULL, 0, bm__step_moved(step, step->deadline_ns));
    bm__step_within(&limits, NULL, 5000);
    /* It has the same lock_timeout, unless the session has set its own. */
    if (bm__libpq_connect_as(conn, &limits, &other, &ignored) == BM_OK) {
        question(sql, sizeof sql, PQbackendPID(conn->pg), ms);
        limits.kind = BM__STEP_EXEC;
        limits.sql = sql;
        limits.push = push_yes;
        limits.context = &waits;
        limits.end_ns = limits.deadline_ns;
        (void)other->transport->perform(other, &limits, &answer, &ignored);
    }
    bm__libpq_close(other);
    return waits;
}
