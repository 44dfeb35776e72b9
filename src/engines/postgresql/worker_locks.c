#include "operators.h"
#include "postgresql.h"

#include <inttypes.h>
#include <stdio.h>

/* The first half of the lock's key; the second is the call's number. */
#define LOCK_CLASS "1651340397"

/* On Citus a statement on several shards locks them until COMMIT, unless this is off: its workers
 * would wait for each other.  Deadlocks are found there all the same. */
static void join(char out[BM__TEAM_SQL_MAX], uint32_t team)
{
    snprintf(out, BM__TEAM_SQL_MAX,
             "SELECT pg_catalog.pg_advisory_xact_lock_shared(" LOCK_CLASS ", %" PRIu32
             "), (SELECT pg_catalog.set_config('citus.enable_deadlock_prevention', 'off', true)"
             " WHERE pg_catalog.current_setting('citus.version', true) IS NOT NULL)",
             team);
}

/*
 * Calls, and sessions that are of none (their process, negative), are the nodes of a graph; who
 * waits in the server is an edge.  `ahead` is what can be reached from this call, `back` is what
 * reaches it: both at once is the circle.  A call all of whose workers wait in the server cannot
 * ask, so it does not count.
 */
static void entangled(char out[BM__TEAM_SQL_MAX], uint32_t team)
{
    snprintf(out, BM__TEAM_SQL_MAX,
             "WITH RECURSIVE team AS (SELECT l.pid, l.objid::pg_catalog.int8 AS id"
             " FROM pg_catalog.pg_locks AS l WHERE l.locktype" EQ "'advisory' AND l.granted"
             " AND l.classid" EQ LOCK_CLASS " AND l.objsubid" EQ "2),"
             " waits AS (SELECT DISTINCT l.pid FROM pg_catalog.pg_locks AS l WHERE NOT l.granted),"
             " edge AS (SELECT coalesce(a.id," MINUS "w.pid) AS x, coalesce(b.id," MINUS
             "k.pid) AS y"
             " FROM waits AS w"
             " CROSS JOIN LATERAL pg_catalog.UNNEST(pg_catalog.pg_blocking_pids(w.pid)) AS k (pid)"
             " LEFT JOIN team AS a ON a.pid" EQ "w.pid LEFT JOIN team AS b ON b.pid" EQ "k.pid),"
             " ahead AS (SELECT e.y AS x FROM edge AS e WHERE e.x" EQ "%" PRIu32
             " UNION SELECT e.y FROM ahead AS a JOIN edge AS e ON e.x" EQ "a.x),"
             " back AS (SELECT e.x FROM edge AS e WHERE e.y" EQ "%" PRIu32
             " UNION SELECT e.x FROM back AS b JOIN edge AS e ON e.y" EQ "b.x)"
             " SELECT coalesce(pg_catalog.max(a.x)" EQ "%" PRIu32 ", false)"
             " FROM ahead AS a JOIN back AS b ON b.x" EQ "a.x JOIN team AS t ON t.id" EQ "a.x"
             " WHERE NOT t.pid" EQ "ANY (SELECT w.pid FROM waits AS w)",
             team, team, team);
}

const bm__team_sql bm__postgresql_team = {
    .serializable =
        "SELECT pg_catalog.current_setting('default_transaction_isolation')" EQ "'serializable'",
    .join = join,
    .entangled = entangled,
};
