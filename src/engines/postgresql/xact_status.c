#include "postgresql.h"

#include "savepoint.h"

#include <stdio.h>

#define XACT(function)                                                                             \
    "SELECT pg_catalog." function "()::pg_catalog.text, "                                          \
    "pg_catalog.pg_backend_pid()::pg_catalog.text"
#define XACT_IF_ASSIGNED XACT("pg_current_xact_id_if_assigned")

static void ask(char out[BM__COMMIT_SQL_MAX], uint64_t id)
{
    snprintf(out, BM__COMMIT_SQL_MAX,
             "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' ELSE "
             "pg_catalog.pg_xact_status('%llu'::pg_catalog.xid8) END",
             (unsigned long long)id);
}

/* backend_xid has no epoch: the lower 32 bits. */
static void end(char out[BM__COMMIT_SQL_MAX], uint64_t id, int backend)
{
    snprintf(out, BM__COMMIT_SQL_MAX,
             "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))::pg_catalog.text "
             "FROM pg_catalog.pg_stat_activity AS a WHERE a.pid OPERATOR(pg_catalog.=) %d AND "
             "a.backend_xid::pg_catalog.text OPERATOR(pg_catalog.=) '%llu' AND "
             "a.wait_event IS DISTINCT FROM 'SyncRep'",
             backend, (unsigned long long)(id & UINT32_MAX));
}

const bm__commit_sql bm__postgresql_commits = {
    .after_begin = XACT("pg_current_xact_id"),
    .release_call = BM__SQL_RELEASE_CALL "; " XACT_IF_ASSIGNED,
    .told = XACT_IF_ASSIGNED,
    .ask = ask,
    .end = end,
};
