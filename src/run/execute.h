/*
 * One call of a verb from its rows to its result: rows are prepared, connections taken, the table
 * looked up, the plan made, every value checked, the jobs run.
 */
#ifndef BM_RUN_EXECUTE_H
#define BM_RUN_EXECUTE_H

#include "run.h"

typedef struct bm__execution bm__execution;

struct bm__execution {
    /* set by the verb's face */
    bm_db *db;
    bm_rows rows;
    bm_call shared;
    bm_switch concurrent;
    int max_workers;
    bm_duplicates duplicates;
    bm_status (*plan_verb)(const bm__request *request, bm__plan *plan, bm_error *err);
    /* The verb's own preparation, once the views are there: order, duplicates, what changed. */
    bm_status (*prepare)(bm__execution *execution, bm_error *err);
    bool creates; /* bulk_create: what BM_KEEP means, and whether a table of no rows is written */
    bool reads;   /* copy_to: no transaction of its own */
    bool nothing; /* set by prepare: there is nothing to do */
    bool wants_queryset;
    bool wants_outcomes;
    bm__request request;

    /* made here */
    bm__step limits; /* the call's deadline and token */
    bm__call call;
    bm__plan plan;
    bm__arena arena;
    bool *defaults, *keeps, *changes; /* for each field */
    uint64_t unchanged, missing;
    bm__known_table *known;
    uint64_t asked; /* statements that asked for the catalog */
};

/* A zeroed execution with the verb's members set; frees nothing. */
bm_status bm__execute(bm__execution *execution, bm_result *result, bm_error *err);

/* The same up to the plan, which is written as text. */
bm_status bm__explain(bm__execution *execution, bm__buffer *text, bm_error *err);

void bm__execution_free(bm__execution *execution);

/* The journal of the transaction that a call on `db` takes part in; NULL outside of ours. */
bm__journal *bm__db_journal(bm_db *db);

#endif
