/*
 * An operation: one call of a verb, opened once for every face, without I/O and without threads.
 *
 * A description goes in: the verb, the rows, the request.  Two steps open it.  bm__operation_open
 * needs no connection; bm__operation_plan needs the table, as the catalog or the model describes
 * it.  After bm__operation_check jobs may carry out the call, after every bm__operation_begin from
 * the first row: an attempt that wrote nothing can be repeated, also with another plan.
 */
#ifndef BM_OPERATION_OPERATION_H
#define BM_OPERATION_OPERATION_H

#include "job.h"
#include "journal.h"
#include "verb.h"

struct bm__operation {
    /* The description.  Of the request: the engine, and the verb's options. */
    const bm__verb *verb;
    bm_rows rows;
    bm__request request;
    bm_call settings; /* what every verb's options share; see settings.h */
    bm_switch concurrent;
    int max_workers;
    bm_duplicates duplicates;
    bool as_given; /* a create writes its rows as they come, even rows that conflict */
    bool apart;    /* rows with equal keys are refused, because workers would wait for each other */
    bool dry_run;
    bool sets_aside; /* part of a call that goes on without rows that fail: each chunk is checked */
    bool checks_commit; /* one statement gets a transaction, too, whose COMMIT can be asked about */
    bool wants_queryset;
    bool wants_outcomes;
    void *keys_into; /* the caller's structs, which get the keys that a create makes; or NULL */
    bm__journal *journal; /* of the transaction that the call takes part in, or NULL */

    /* The opened call. */
    bool nothing; /* there is nothing to do */
    bm__call call;
    bm__plan plan;
    bm__arena arena;
    bool *defaults, *keeps, *changes; /* for each field */
    uint64_t unchanged, missing;
};

/* Check the rows; make views of them, order them, find what changed. */
bm_status bm__operation_open(bm__operation *operation, bm_error *err);

/* Plan the call over this table, for *workers; fewer where the table or the plan requires it.
 * `inside`: in a transaction that the call does not begin.  May be called again. */
bm_status bm__operation_plan(bm__operation *operation, const bm__table *table, size_t *workers,
                             bool inside, bm_error *err);

/* Check every value before the first byte is sent; a stream is checked chunk by chunk. */
bm_status bm__operation_check(bm__operation *operation, bm_error *err);

/* How a job of this plan uses its connection. */
bm__job_mode bm__operation_mode(const bm__operation *operation, size_t workers, bool inside);

/* The jobs that follow write from the first row on.  What an earlier attempt collected is freed. */
bm_status bm__operation_begin(bm__operation *operation, size_t workers, bm_error *err);

/* The jobs have succeeded: collect what they could not collect row by row. */
bm_status bm__operation_end(bm__operation *operation, bm_error *err);

/* Does a cell of some row take its column's default? */
bool bm__operation_writes_defaults(const bm__operation *operation);

/* Does a column get text that is cast to the type that it had when the table was looked at?  If the
 * column's type has changed since, the server may convert once more and lose a part: '12:00+02' as
 * time, and then as timetz. */
bool bm__operation_casts_text(const bm__operation *operation, const bm__table *table);

/* Free what the operation owns.  A zeroed one is legal. */
void bm__operation_free(bm__operation *operation);

#endif
