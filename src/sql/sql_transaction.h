/* The savepoint that a call in the caller's transaction stands in, and that of a nested bm_begin.
 * */
#ifndef BM_SQL_TRANSACTION_H
#define BM_SQL_TRANSACTION_H

#define BM__SQL_SAVEPOINT_CALL "SAVEPOINT bulkmodel_call"
#define BM__SQL_RELEASE_CALL "RELEASE SAVEPOINT bulkmodel_call"
#define BM__SQL_ROLLBACK_TO_CALL "ROLLBACK TO SAVEPOINT bulkmodel_call"
#define BM__SQL_SAVEPOINT_PROBE "SAVEPOINT bulkmodel_probe"
#define BM__SQL_RELEASE_PROBE "RELEASE SAVEPOINT bulkmodel_probe"
#define BM__SQL_ROLLBACK_TO_PROBE "ROLLBACK TO SAVEPOINT bulkmodel_probe"
#define BM__SQL_SAVEPOINT_NESTED "SAVEPOINT bulkmodel_nested"
#define BM__SQL_RELEASE_NESTED "RELEASE SAVEPOINT bulkmodel_nested"
#define BM__SQL_ROLLBACK_TO_NESTED "ROLLBACK TO SAVEPOINT bulkmodel_nested"

#endif
