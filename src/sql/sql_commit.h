/* What another connection asks of a transaction whose COMMIT was not answered.  Into a buffer of
 * the caller's: nothing can fail any more. */
#ifndef BM_SQL_SQL_COMMIT_H
#define BM_SQL_SQL_COMMIT_H

#include <stddef.h>
#include <stdint.h>

#define BM__SQL_COMMIT_MAX 512

/* One text: pg_xact_status's, or "standby" where the server is one and may be behind. */
void bm__sql_commit_status(char out[BM__SQL_COMMIT_MAX], uint64_t id);

/* End the server's process, where that transaction is still its own, unless it waits for a standby:
 * then it has committed here, and would say so too early. */
void bm__sql_commit_end(char out[BM__SQL_COMMIT_MAX], uint64_t id, int backend);

#endif
