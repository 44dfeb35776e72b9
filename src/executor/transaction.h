/* Transactions, and savepoints within them: each is a bm_db that calls are made on. */
#ifndef BM_EXECUTOR_TRANSACTION_H
#define BM_EXECUTOR_TRANSACTION_H

#include "db.h"

/* A transaction on `db`, or a savepoint where that is one itself.  One of the others ends it,
 * whether or not that succeeds. */
bm_status bm__begin(bm_db *db, bm_db **out, bm_error *err);
bm_status bm__commit(bm_db *transaction, bm_error *err);
void bm__rollback(bm_db *transaction);

#endif
