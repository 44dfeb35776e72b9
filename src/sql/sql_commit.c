#include "sql_commit.h"

#include <stdio.h>

void bm__sql_commit_status(char out[BM__SQL_COMMIT_MAX], uint64_t id)
{
    snprintf(out, BM__SQL_COMMIT_MAX,
             "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' ELSE "
             "pg_catalog.pg_xact_status('%llu'::pg_catalog.xid8) END",
             (unsigned long long)id);
}

/* backend_xid has no epoch: the lower 32 bits. */
void bm__sql_commit_end(char out[BM__SQL_COMMIT_MAX], uint64_t id, int backend)
{
    snprintf(out, BM__SQL_COMMIT_MAX,
             "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))::pg_catalog.text "
             "FROM pg_catalog.pg_stat_activity AS a WHERE a.pid OPERATOR(pg_catalog.=) %d AND "
             "a.backend_xid::pg_catalog.text OPERATOR(pg_catalog.=) '%llu' AND "
             "a.wait_event IS DISTINCT FROM 'SyncRep'",
             backend, (unsigned long long)(id & UINT32_MAX));
}
