/*
 * One call of a verb from its rows to its result: the operation is opened, connections are taken,
 * the table is looked up, the call is planned and checked, the jobs run.
 */
#ifndef BM_EXECUTOR_EXECUTE_H
#define BM_EXECUTOR_EXECUTE_H

#include "jobs.h"
#include "operation.h"

typedef struct bm__execution bm__execution;

struct bm__execution {
    /* set by the entry */
    bm_db *db;
    bm__operation op;

    /* made here */
    bm__step limits; /* the call's deadline and token */
    bm__known_table *known;
    bool inside;    /* the last attempt was in a transaction of the caller's */
    bool entangled; /* workers waited for each other: nothing is written, one can do it */
    uint64_t asked; /* statements that asked for the catalog */
};

/* A zeroed execution with the verb's members set; frees nothing. */
bm_status bm__execute(bm__execution *execution, bm_result *result, bm_error *err);

/* The same up to the jobs, in a transaction, on its connection. */
bm_status bm__execute_prepare(bm__execution *execution, bm__conn *conn, bm_error *err);

/* The same up to the plan, which is written as text. */
bm_status bm__explain(bm__execution *execution, bm__buffer *text, bm_error *err);

void bm__execution_free(bm__execution *execution);

/* The journal of the transaction that a call on `db` takes part in; NULL outside of ours. */
bm__journal *bm__db_journal(bm_db *db);

#endif
