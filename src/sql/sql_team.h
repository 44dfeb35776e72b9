/*
 * What the workers of one call have in common on a PostgreSQL server: each holds an advisory lock,
 * shared, whose key names the call.  Whoever reads pg_locks then knows that these transactions wait
 * for each other before they commit, which the server does not.
 */
#ifndef BM_SQL_SQL_TEAM_H
#define BM_SQL_SQL_TEAM_H

#include <stdint.h>

#define BM__SQL_TEAM_MAX 2048

/* Workers of a call whose transactions the server may let fail each other at COMMIT? */
#define BM__SQL_SERIALIZABLE                                                                       \
    "SELECT pg_catalog.current_setting('default_transaction_isolation') OPERATOR(pg_catalog.=) "   \
    "'serializable'"

/* Take part in the call `team`, until the transaction ends. */
void bm__sql_team_lock(char out[BM__SQL_TEAM_MAX], uint32_t team);

/*
 * One boolean: does the call wait for itself?  A worker that waits in the server, for one of its
 * own call, or for a session or another call that waits for this one, waits for ever.  Of the
 * calls in such a circle that have somebody to ask, one is told: that with the highest number.
 */
void bm__sql_team_entangled(char out[BM__SQL_TEAM_MAX], uint32_t team);

#endif
