/*
 * A job: one conversation on one connection, without waiting.
 *
 *     while (bm__job_next(job, &step) == BM__JOB_STEP) {
 *         status = perform step on the connection, filling answer and error;
 *         bm__job_answer(job, status, &answer, &error);
 *     }
 *
 * Everything that is decided, encoded or tried again is decided here; the loop above, in executor/
 * or in a driver that owns its connection, only carries steps and answers.  A job is used by one
 * thread.
 */
#ifndef BM_OPERATION_JOB_H
#define BM_OPERATION_JOB_H

#include "call.h"
#include "lost_commit.h"
#include "step.h"

typedef enum bm__job_state {
    BM__JOB_STEP = 1, /* perform the step */
    BM__JOB_DONE,
    BM__JOB_FAILED /* the error is in bm__job_error */
} bm__job_state;

typedef enum bm__job_mode {
    BM__JOB_OWN = 0,    /* BEGIN ... COMMIT */
    BM__JOB_SAVEPOINT,  /* inside the caller's transaction */
    BM__JOB_AUTOCOMMIT, /* one statement */
    BM__JOB_GUEST       /* the driver has begun a transaction, and it will end it, whatever comes */
} bm__job_mode;

/* In the order in which a job goes through them. */
typedef enum bm__phase {
    BM__PHASE_BEGIN = 0,
    BM__PHASE_JOIN,
    BM__PHASE_SETUP,
    BM__PHASE_CLAIM,
    BM__PHASE_RESERVE,
    BM__PHASE_BEFORE,
    BM__PHASE_CLEAN,
    BM__PHASE_STAGE,
    BM__PHASE_WRITE,
    BM__PHASE_AFTER,
    BM__PHASE_READ,
    BM__PHASE_CHECK,
    BM__PHASE_CLEANED,
    BM__PHASE_UNHINT,
    BM__PHASE_SETTLE,
    BM__PHASE_VERIFY,
    BM__PHASE_READY,
    BM__PHASE_COMMIT,
    BM__PHASE_RELEASE, /* of a savepoint that was rolled back to: a dry run, a query */
    BM__PHASE_DONE,
    BM__PHASE_UNDO,       /* ROLLBACK, or ROLLBACK TO */
    BM__PHASE_UNDO_POINT, /* RELEASE of the savepoint that was rolled back to */
    BM__PHASE_HIGHEST,    /* was it the last key? */
    BM__PHASE_FAILED
} bm__phase;

typedef struct bm__job {
    bm__call *call;
    const bm__plan *plan;
    bm__job_mode mode;
    bm__phase phase;
    bm_error error; /* the first */
    bool begun;     /* the connection has a transaction (or savepoint) of ours */
    bool lost;      /* the connection is closed */
    bool stuck;     /* a rollback failed */
    bool sent;      /* something was handed to the connection */
    bool committed; /* AUTOCOMMIT: the statement is done, and with it the commit */
    bm__xact xact;  /* OWN: what may be asked for behind a COMMIT that was not answered */

    bm__slot *slots; /* of plan->columns, side by side */
    bm__view *views; /* of plan->columns */
    bm__view *read_views;
    size_t from, n;  /* the chunk, in the order of the write */
    bm__batch batch; /* the chunk, over `views` */
    bm__batch read_batch;

    const char *table_name;
    bm__view table_view; /* a batch of one cell: the table's name (SQLite) */
    bm__batch table_batch;

    bm__buffer block; /* the bytes of a LOAD's block */
    bm__buffer room;  /* for the cells that they are made of */
    size_t encoded;   /* rows of the chunk that were encoded (LOAD) */
    size_t collected; /* ... that were collected */
    bool ended;       /* the trailer was sent */
    bm__param *params;
    bm__buffer *values;   /* of each parameter: its bytes */
    bm__pg_array *arrays; /* of those that are arrays */
    size_t n_values;
    uint8_t count[8];     /* a parameter: the rows of the chunk */
    bm__copy_reader copy; /* UNLOAD */

    uint8_t *seen; /* of each chunk row: BM__SEEN_... */
    size_t seen_capacity;
    uint64_t wrote;          /* the server's count of the chunk's rows */
    size_t n_keys;           /* keys that came for the chunk */
    bool watched;            /* ... each for its row, whatever their order */
    size_t place, place_row; /* read-back: the queryset's row of chunk row `place_row` */
    int64_t highest;
    bool same_table; /* verify's answer */
    bool unproved;   /* the first write did nothing: what it relies on does not hold */
    bool unsorted;   /* keys that are believed to rise with the rows did not come so */
    bool looks_up;   /* hint's answer: plan->looked_up is what writes */

    uint64_t inserted, updated, unchanged, missing, ignored, deleted, read, statements;
    size_t *ranges; /* pairs: the caller's rows that this job wrote */
    size_t n_ranges, ranges_capacity;
    bm__arena arena;     /* keys that are text; cells of rows given to the caller's sink */
    unsigned char *rows; /* copy_to with a sink: a chunk of structs */
    size_t n_rows;
    bm__suspects suspects;         /* of the first error */
    struct bm__breaches *breaches; /* rows that a constraint refuses, as the server finds them */
} bm__job;

/* Make a job of a call.  On failure bm__job_free is legal.
 * */
bm_status bm__job_begin(bm__job *job, bm__call *call, bm__job_mode mode, bm_error *err);
void bm__job_free(bm__job *job);

/* What to do next. */
bm__job_state bm__job_next(bm__job *job, bm__step *step);

/* What came of it.  `connected`: the connection still is. */
void bm__job_answer(bm__job *job, bm_status status, const bm__answer *answer, bm_error *err,
                    bool connected);

/* A driver that sees the keys of rows as they are inserted (plan.watched) puts those of the chunk,
 * from row `first`, here; NULL: they come back from the statement. */
int64_t *bm__job_watch(bm__job *job, size_t first);

/* `n` keys of the chunk are there: said before the answer, instead of rows that come back. */
void bm__job_watched(bm__job *job, size_t n);

/* Give up, for a reason outside the job (another worker failed): the next step is the rollback. */
void bm__job_abort(bm__job *job, const bm_error *reason);

/* The first error, its fate and row filled in. */
const bm_error *bm__job_error(const bm__job *job);

/* An integer, or a bool, of either engine; false for anything else. */
bool bm__cell_integer(const bm__cell *cell, int64_t *out);

#endif
