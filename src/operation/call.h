/*
 * A call: what all its jobs share.  The rows, the plan, the keys that were made, what became of
 * each row.  Jobs touch disjoint rows of it; only bm__call_claim is shared, and it is atomic.
 */
#ifndef BM_OPERATION_CALL_H
#define BM_OPERATION_CALL_H

#include "cancel.h"
#include "plan.h"
#include "queryset.h"
#include "rows.h"

#include <stdatomic.h>

/* One at a time; the functions are NULL where nobody else is there. */
typedef struct bm__guard {
    void *user;
    void (*enter)(void *user);
    void (*leave)(void *user);
} bm__guard;

/* The rows, in the order of the write, of which an error may be about one. */
typedef struct bm__suspects {
    size_t from, n; /* n 0: the row is known, or nothing is */
    bool deferred;  /* the error came after the write: constraints were deferred; of a stream the
                       rows are gone, and n is 0 */
    bool immediate; /* constraints may be deferred: a search makes them immediate */
    bool in_place;  /* the rows before these are written, and stay while the row is looked for */
} bm__suspects;

typedef struct bm__call {
    const bm__plan *plan;
    const bm_model *model;
    bm__view *fields; /* for each field of the model: where its cells stand */
    bool *has;        /* ... if they do */
    size_t n_rows;    /* rows that are written: of pick, or of the caller's */
    size_t *pick;     /* owned: the caller's rows, in the order of the write; NULL: all, in order */
    uint8_t **flags; /* owned: for a field with a flag column: 1 for each row that is the default */
    uint64_t
        *masks; /* owned: mask_words words for each of the caller's rows: a bit for each field */
    size_t mask_words;
    uint32_t **sizes; /* owned: for each of the plan's columns what the check measured, by row */
    size_t n_sizes, sizes_capacity;
    unsigned char *keys; /* owned: a cell of key_field for each of the caller's rows */
    size_t keys_capacity;
    int64_t highest_given; /* SQLite, one writer: of key_field, among all of the caller's rows */
    bool knows_highest;
    bm_uuid uuid;
    const void *values; /* of bm_update */

    bm__fields distinct;      /* fields by which rows are ordered and are to be different ... */
    bm_duplicates duplicates; /* ... or by this rule left out; of a stream, in each chunk */
    size_t dropped;           /* rows that were left out by it; of a stream: of this chunk */
    bool nulls_differ;

    const bm_source *source; /* a stream: its rows are pulled into `buffer`, a chunk at a time */
    unsigned char *buffer;   /* owned */
    size_t base;             /* the caller's rows before the chunk in the buffer */
    size_t pulled;           /* rows of the chunk, as they came */
    bool holds;              /* the source has not been told that the chunk is done with */
    struct bm__call *whole;  /* of a stream's further chunk: the call; NULL: this is the call */
    bm__guard guard;         /* several jobs read the source */

    size_t caller_rows; /* rows given; of a stream: so far */
    uint8_t *outcomes;  /* owned: a bm_row_outcome for each of the caller's rows, or NULL */
    size_t outcomes_capacity;
    bool keeps_outcomes;
    bm_queryset *made;  /* owned: rows to give back, or NULL */
    bool collects;      /* jobs append to `made` as they go; else it is done at the end */
    atomic_size_t next; /* the first row that no job has claimed */

    bool several; /* several jobs share the call */
    bool dry_run;
    bool probes;                  /* deferred constraints are checked with each chunk */
    bool tells_commit;            /* a lost answer to COMMIT is to be resolved */
    bm__xact *outer;              /* the caller's transaction, where it is ours; or NULL */
    int64_t deadline_ns;          /* no COMMIT is begun after it; 0: none */
    int64_t timeout_ms;           /* how long that was, for messages */
    int64_t statement_timeout_ms; /* of a statement that writes; <= 0: none.  So the others */
    int64_t short_timeout_ms;     /* of BEGIN, keys, catalog, ROLLBACK and the like */
    int64_t copy_timeout_ms;      /* of a COPY, or a read, as a whole */
    int64_t stall_timeout_ms;     /* of one in which no byte moves */
    int64_t lock_timeout_ms;
    bool lock_unless_set;         /* ... it is a default, for sessions that have none */
    int64_t paused_ns;            /* time spent in `sink`: no timeout counts it */
    int64_t commit_timeout_ms;    /* for all COMMITs; <= 0: no limit of its own */
    atomic_llong commit_until_ns; /* when they must have ended: set at the first; 0: not begun */
    const bm_cancel *cancel;      /* the caller's token, or that of a team of workers */
    const bm_cancel *asked;       /* the caller's */
    bm_status (*sink)(void *user, const void *rows, size_t n, bm_error *err); /* copy_to */
    void *sink_user;
    size_t sink_rows;
    bool require_all;
    bm__suspects suspects; /* of the error that the jobs ended with */
} bm__call;

/* The call that a job works on: what is set for all its jobs stands there. */
static inline bm__call *bm__call_whole(bm__call *call)
{
    return call->whole != NULL ? call->whole : call;
}

/* Free what the call owns; and of that, what belongs to a chunk of a stream. */
void bm__call_free(bm__call *call);
void bm__call_free_chunk(bm__call *call);

/* Jobs claim from the first row again; what was collected is freed. */
void bm__call_rewind(bm__call *call);

/* The next rows to write: *from and *n in the order of the write; *n is 0 at the end.  Of a stream
 * see stream.h. */
void bm__call_claim(bm__call *call, size_t *from, size_t *n);

/* Order the rows of the views (`rows` of them) by call->distinct and apply the rule for duplicates:
 * pick and n_rows are what is left. */
bm_status bm__call_order(bm__call *call, size_t rows, bm_error *err);

/* A key that the rows give is never NULL, which SQLite would take for "make one". */
bm_status bm__call_no_null_keys(const bm__call *call, size_t n, bm_error *err);

/* The caller's number of row i of a batch. */
size_t bm__call_row(const bm__call *call, const bm__batch *batch, size_t i);

/* Views of the plan's columns over the call's rows. */
void bm__call_views(const bm__call *call, const bm__plan_column *columns, size_t n, bm__view *out);

/* Check that every cell of the batch, views of the plan's columns, fits its column; the error names
 * the caller's row.  Sizes on the wire are kept for the views that are made next. */
bm_status bm__call_check(bm__call *call, const bm__batch *batch, bm_error *err);

/* Room for keys and outcomes of `rows` of the caller's rows. */
bm_status bm__call_room(bm__call *call, size_t rows, bm_error *err);

/* The view of the keys that the call keeps. */
bm__view bm__call_key_view(const bm__call *call);

/* Append rows from .. from + n - 1 (in the order of the write) to `made`: those that were written.
 * */
bm_status bm__call_collect(bm__call *call, size_t from, size_t n, bm_error *err);

#endif
