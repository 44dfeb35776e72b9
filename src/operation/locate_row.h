/*
 * The row that a call failed for, found by writing its rows again: one conversation on one
 * connection, without waiting, for every face.
 *
 *     if (bm__locate_begin(&locate, job, &error, &suspects))
 *         while (bm__locate_next(&locate, &step)) {
 *             status = perform step on the connection, filling answer and error;
 *             bm__locate_answer(&locate, status, &error);
 *         }
 *     locate.row is the caller's row, or BM_NO_ROW
 *
 * The engine often does not name the row: PostgreSQL's unnest, a foreign key after a COPY, a
 * deferred constraint, SQLite's UPDATE FROM.  When all is rolled back, the rows are written again
 * in parts, each under a savepoint, and at the end all is rolled back again.  Nothing is committed,
 * and nothing is reported but a row.  It takes a logarithm of the rows, in statements, and
 * the time of the call at most.  It ends without a row when another failure comes.
 */
#ifndef BM_OPERATION_LOCATE_ROW_H
#define BM_OPERATION_LOCATE_ROW_H

#include "bisect.h"
#include "job.h"

typedef struct bm__locate {
    bm__job *job; /* encodes the statements */
    const bm_error *error;
    bm__suspects suspects;
    bm__bisect rows;
    int at;
    bool alone;    /* the rows before the suspects are not written */
    bool reserves; /* keys are drawn for each part: some rows may have none */
    bool gave_up;
    bool stuck; /* the last rollback failed */
    uint64_t statements;
    size_t row;
} bm__locate;

/* Begin to look for the row of `error`, with a job that was begun for this only, in the mode of the
 * one that failed.  `job` and `error` outlive the search.  False: it cannot be looked for. */
bool bm__locate_begin(bm__locate *locate, bm__job *job, const bm_error *error,
                      const bm__suspects *suspects);

/* The next step, or false at the end.  Of a guest's search the driver begins the transaction and
 * rolls it back; inside one, rows of an earlier search that found none stay written. */
bool bm__locate_next(bm__locate *locate, bm__step *step);

/* What became of the step. */
void bm__locate_answer(bm__locate *locate, bm_status status, bm_error *err);

/* Does the step that was given last undo?  Then no token stops it. */
bool bm__locate_ends(const bm__locate *locate);

#endif
