/*
 * Writing a chunk of rows without those that fail, part by part (chunk_parts.h), in one transaction
 * of the caller's.
 */
#ifndef BM_EXECUTOR_WRITE_CHUNK_H
#define BM_EXECUTOR_WRITE_CHUNK_H

#include "constraints.h"
#include "execute.h"

typedef struct bm__chunk {
    bm__execution *x;
    const void *options;
    bm_db *tx;
    bm_result *sum;
    bm_error *err;
    const void **rows; /* of the chunk */
    size_t *numbers;   /* ... in the caller's rows */
    size_t capacity;
    bm_error *rejected; /* of the chunk */
    size_t n_rejected, rejected_capacity;
    size_t n_chunks;
    uint64_t n_rows; /* so far */
    bm__constraints constraints;
    bool may_look; /* a plain insert: which rows break them can be told by a statement */
    bool looks;    /* ... before a part is written */
    bool found_unique, found_reference; /* ... and the chunk has some */
    bool row_by_row;                    /* a row may need any row before it */
    int64_t until_ns;
} bm__chunk;

/* Ask what may be looked for; once, before the first chunk. */
bm_status bm__chunk_ask(bm__chunk *chunk);

/* Write the first n of chunk->rows; those that fail are in chunk->rejected, in any order. */
bm_status bm__chunk_write(bm__chunk *chunk, size_t n);

void bm__chunk_free(bm__chunk *chunk);

#endif
