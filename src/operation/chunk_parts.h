/*
 * Which rows of a chunk to write next, so that each is judged as if the rows had been written one
 * by one, in order: a part that is refused is written in parts, and what is before a row is written
 * when it is tried alone.  Who writes the parts, and how, is up to the driver.
 */
#ifndef BM_OPERATION_CHUNK_PARTS_H
#define BM_OPERATION_CHUNK_PARTS_H

#include "error.h"

/* Rows low .. high - 1, `step` of them at once. */
typedef struct bm__open_part {
    size_t low, high, step;
} bm__open_part;

typedef struct bm__chunk_parts {
    size_t low, end; /* rows low .. end - 1 are the part to write */
    bool row_by_row; /* a row may need any row before it */

    bm__open_part now;   /* the part is its beginning */
    bm__open_part *open; /* owned; the last one is next */
    size_t n, capacity;
} bm__chunk_parts;

/* Rows low .. high - 1 are to be written. */
bm_status bm__chunk_parts_begin(bm__chunk_parts *parts, size_t low, size_t high, bool row_by_row,
                                bm_error *err);

/* Choose the next part.  False: each row is written, or was rejected. */
bool bm__chunk_parts_next(bm__chunk_parts *parts);

/* The part is written. */
bm_status bm__chunk_parts_written(bm__chunk_parts *parts, bm_error *err);

/*
 * The part was refused, for row `row` of it, or one that is not known (BM_NO_ROW).  *rejected is
 * the row to reject, or BM_NO_ROW.  Not `sent`: the row is refused for its own values, whatever
 * rows are before it.  It is then rejected at once, and the driver moves the rows of the part that
 * are before it one place up.
 */
bm_status bm__chunk_parts_refused(bm__chunk_parts *parts, size_t row, bool sent, size_t *rejected,
                                  bm_error *err);

void bm__chunk_parts_free(bm__chunk_parts *parts);

#endif
