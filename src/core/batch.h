/*
 * Views and batches: rows as columns, borrowed.  A batch is a table that a statement is made over.
 */
#ifndef BM_CORE_BATCH_H
#define BM_CORE_BATCH_H

#include "cells.h"
#include "error.h"

#include <assert.h>

/* Where the cells of one column stand.  With `rows`, cell i stands at rows[i] + offset (and its
 * state at rows[i] + state_offset); else as bm_column says. */
typedef struct bm__view {
    const char *name; /* of the column, for errors */
    bm_column cells;
    const void *const *rows;
    size_t offset;
    size_t state_offset;   /* with `rows`: BM_NO_STATE where there is no state byte */
    const uint32_t *sizes; /* of each row: bytes of its cell on the wire, as they were measured
                              before; or NULL */
} bm__view;

/* Row i of a batch is row pick[i] of its views, or row first + i where pick is NULL. */
typedef struct bm__batch {
    const bm__view *views;
    size_t n_views;
    size_t n_rows;
    size_t first;
    const size_t *pick;
} bm__batch;

/* The row of the views that row i of the batch is. */
static inline size_t bm__batch_row(const bm__batch *batch, size_t i)
{
    assert(i < batch->n_rows);
    return batch->pick != NULL ? batch->pick[i] : batch->first + i;
}

/* The part of a batch from row `from`, `n` rows. */
bm__batch bm__batch_slice(const bm__batch *batch, size_t from, size_t n);

/* The state of a view's cell in row `row` of the view. */
bm_state bm__view_state(const bm__view *view, size_t row);

/* The states of rows from .. from + n - 1 (n <= BM__BLOCK) as a set of bits, 1 << bm_state, told by
 * their bytes alone; BM__STATE_NONE for a byte that is no bm_state.  Which of BM_VALUE and BM_NULL
 * are there is not told. */
#define BM__STATE_NONE (1u << 31)
unsigned bm__view_states(const bm__view *view, size_t from, size_t n);

/* Where the cell stands, whatever its state. */
const void *bm__view_cell(const bm__view *view, size_t row);

/* True where a cell of the view may be other than BM_VALUE. */
bool bm__view_has_states(const bm__view *view);

/* The same but for pointers that are NULL: true where there are bytes or bits that say states. */
bool bm__view_has_state_bytes(const bm__view *view);

/*
 * Rows from .. from + n - 1 of column `column` of the batch as a block (n <= BM__BLOCK), which is
 * valid as long as the batch's rows and the room.  `addresses`: of BM_CSTR and BM_CHARS only `data`
 * is wanted; `size` of their slices means nothing.
 */
void bm__batch_cells(const bm__batch *batch, size_t column, size_t from, size_t n, bool addresses,
                     bm__room *room, bm__cells *out);

#endif
