/* The savepoints of a call in the caller's transaction, of a search for its row, and of a nested
 * bm_begin. */
#ifndef BM_SQL_SAVEPOINT_H
#define BM_SQL_SAVEPOINT_H

#define BM__SQL_SAVEPOINT_CALL "SAVEPOINT bulkmodel_call"
#define BM__SQL_RELEASE_CALL "RELEASE SAVEPOINT bulkmodel_call"
#define BM__SQL_ROLLBACK_TO_CALL "ROLLBACK TO SAVEPOINT bulkmodel_call"
#define BM__SQL_SAVEPOINT_LOCATE "SAVEPOINT bulkmodel_locate"
#define BM__SQL_RELEASE_LOCATE "RELEASE SAVEPOINT bulkmodel_locate"
#define BM__SQL_ROLLBACK_TO_LOCATE "ROLLBACK TO SAVEPOINT bulkmodel_locate"
#define BM__SQL_SAVEPOINT_NESTED "SAVEPOINT bulkmodel_nested"
#define BM__SQL_RELEASE_NESTED "RELEASE SAVEPOINT bulkmodel_nested"
#define BM__SQL_ROLLBACK_TO_NESTED "ROLLBACK TO SAVEPOINT bulkmodel_nested"

#endif
