#include "batch.h"

#include <assert.h>
#include <string.h>

_Static_assert(BM_VALUE == 0, "a zeroed state byte is a value");
_Static_assert((1u << BM_KEEP) < BM__STATE_NONE, "each state has a bit of its own");

bm__batch bm__batch_slice(const bm__batch *batch, size_t from, size_t n)
{
    assert(from <= batch->n_rows && n <= batch->n_rows - from);
    bm__batch slice = *batch;
    slice.n_rows = n;
    if (batch->pick != NULL) {
        slice.pick = batch->pick + from;
    } else {
        slice.first = batch->first + from;
    }
    return slice;
}

const void *bm__view_cell(const bm__view *view, size_t row)
{
    assert(view->rows == NULL || view->cells.data == NULL); /* one place or the other */
    if (view->rows != NULL) {
        return (const char *)view->rows[row] + view->offset;
    }
    return (const char *)view->cells.data + (ptrdiff_t)row * view->cells.stride;
}

/* A `const char *` that is NULL is SQL NULL, whatever its state byte says. */
static bool is_null_pointer(const bm__view *view, const void *cell)
{
    const char *text;
    if (view->cells.layout != BM_CSTR) {
        return false;
    }
    assert(view->cells.width == sizeof text);
    assert(cell != NULL);
    memcpy(&text, cell, sizeof text);
    return text == NULL;
}

static bm_state state_byte(const bm__view *view, size_t row)
{
    const bm_column *cells = &view->cells;
    if (view->rows != NULL) {
        return view->state_offset == BM_NO_STATE
                   ? BM_VALUE
                   : (bm_state)((const uint8_t *)view->rows[row])[view->state_offset];
    }
    if (cells->states != NULL) {
        bm_state state = (bm_state)cells->states[(ptrdiff_t)row * cells->state_stride];
        if (state != BM_VALUE) {
            return state;
        }
    }
    if (cells->validity != NULL && ((cells->validity[row / 8] >> (row % 8)) & 1) == 0) {
        return BM_NULL;
    }
    return BM_VALUE;
}

/* The state byte of the row, where those of the rows behind it stand evenly spaced and say all. */
static const uint8_t *state_run(const bm__view *view, size_t row)
{
    const bm_column *cells = &view->cells;
    assert(cells->states == NULL || view->rows == NULL); /* structs have theirs at an offset */
    bool run = view->rows == NULL && cells->states != NULL && cells->validity == NULL;
    return run ? cells->states + (ptrdiff_t)row * cells->state_stride : NULL;
}

bm_state bm__view_state(const bm__view *view, size_t row)
{
    bm_state state = state_byte(view, row);
    if (state == BM_VALUE && is_null_pointer(view, bm__view_cell(view, row))) {
        return BM_NULL;
    }
    return state;
}

unsigned bm__view_states(const bm__view *view, size_t from, size_t n)
{
    unsigned seen = 0;
    const uint8_t *byte = state_run(view, from);
    const ptrdiff_t stride = view->cells.state_stride;
    for (size_t i = 0; i < n; i++) {
        unsigned state = byte != NULL ? byte[(ptrdiff_t)i * stride] : state_byte(view, from + i);
        seen |= state <= BM_KEEP ? 1u << state : BM__STATE_NONE;
    }
    return seen;
}

bool bm__view_has_state_bytes(const bm__view *view)
{
    return view->rows != NULL ? view->state_offset != BM_NO_STATE
                              : view->cells.states != NULL || view->cells.validity != NULL;
}

bool bm__view_has_states(const bm__view *view)
{
    return bm__view_has_state_bytes(view) || view->cells.layout == BM_CSTR;
}

/* Addresses of cells that hold no value become NULL. */
static size_t drop_nulls(const bm__batch *batch, const bm__view *view, size_t from, size_t n,
                         const void *at[BM__BLOCK])
{
    assert(n <= BM__BLOCK);
    const bool bytes = bm__view_has_state_bytes(view);
    const bool pointers = view->cells.layout == BM_CSTR;
    const uint8_t *byte = batch->pick == NULL ? state_run(view, batch->first + from) : NULL;
    size_t nulls = 0;
    if (byte != NULL && !pointers) {
        for (size_t i = 0; i < n; i++, byte += view->cells.state_stride) {
            at[i] = *byte == BM_VALUE ? at[i] : NULL;
            nulls += *byte != BM_VALUE;
        }
        assert(nulls <= n);
        return nulls;
    }
    for (size_t i = 0; (bytes || pointers) && i < n; i++) {
        bool null = byte != NULL
                        ? byte[(ptrdiff_t)i * view->cells.state_stride] != BM_VALUE
                        : bytes && state_byte(view, bm__batch_row(batch, from + i)) != BM_VALUE;
        if (null || is_null_pointer(view, at[i])) {
            at[i] = NULL;
            nulls++;
        }
    }
    assert(nulls <= n);
    return nulls;
}

size_t bm__batch_gather(const bm__batch *batch, size_t column, size_t from, size_t n,
                        const void *at[BM__BLOCK])
{
    assert(column < batch->n_views);
    assert(n <= BM__BLOCK);
    assert(from <= batch->n_rows && n <= batch->n_rows - from);
    const bm__view *view = &batch->views[column];
    if (batch->pick == NULL && view->rows == NULL) {
        const char *cell = bm__view_cell(view, batch->first + from);
        for (size_t i = 0; i < n; i++) {
            at[i] = cell;
            cell += view->cells.stride;
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            at[i] = bm__view_cell(view, bm__batch_row(batch, from + i));
        }
    }
    return drop_nulls(batch, view, from, n, at);
}
