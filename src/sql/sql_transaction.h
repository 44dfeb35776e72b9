/* The savepoints of a call in the caller's transaction, of a search for its row, and of a nested
 * bm_begin. */
#ifndef BM_SQL_TRANSACTION_H
#define BM_SQL_TRANSACTION_H

/* The transaction's id and the server's process, as text: what follows BEGIN and gives the
 * transaction its id, a RELEASE and a question that give none (NULL) where it wrote nothing. */
#define BM__SQL_XACT(function)                                                                     \
    "SELECT pg_catalog." function "()::pg_catalog.text, "                                          \
    "pg_catalog.pg_backend_pid()::pg_catalog.text"
#define BM__SQL_BEGIN_TOLD BM__SQL_XACT("pg_current_xact_id")
#define BM__SQL_RELEASE_CALL_TOLD                                                                  \
    BM__SQL_RELEASE_CALL "; " BM__SQL_XACT("pg_current_xact_id_if_assigned")
#define BM__SQL_XACT_TOLD BM__SQL_XACT("pg_current_xact_id_if_assigned")

#define BM__SQL_SAVEPOINT_CALL "SAVEPOINT bulkmodel_call"
#define BM__SQL_RELEASE_CALL "RELEASE SAVEPOINT bulkmodel_call"
#define BM__SQL_ROLLBACK_TO_CALL "ROLLBACK TO SAVEPOINT bulkmodel_call"
#define BM__SQL_SAVEPOINT_LOCATE "SAVEPOINT bulkmodel_locate"
#define BM__SQL_RELEASE_LOCATE "RELEASE SAVEPOINT bulkmodel_locate"
#define BM__SQL_ROLLBACK_TO_LOCATE "ROLLBACK TO SAVEPOINT bulkmodel_locate"
#define BM__SQL_SAVEPOINT_NESTED "SAVEPOINT bulkmodel_nested"
#define BM__SQL_RELEASE_NESTED "RELEASE SAVEPOINT bulkmodel_nested"
#define BM__SQL_ROLLBACK_TO_NESTED "ROLLBACK TO SAVEPOINT bulkmodel_nested"

#define BM__SQL_IMMEDIATE "SET CONSTRAINTS ALL IMMEDIATE"

#endif
