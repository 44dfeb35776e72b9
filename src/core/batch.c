#include "batch.h"

#include <string.h>

bm__batch bm__batch_slice(const bm__batch *batch, size_t from, size_t n)
{
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

bm_state bm__view_state(const bm__view *view, size_t row)
{
    bm_state state = state_byte(view, row);
    if (state == BM_VALUE && is_null_pointer(view, bm__view_cell(view, row))) {
        return BM_NULL;
    }
    return state;
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

size_t bm__batch_gather(const bm__batch *batch, size_t column, size_t from, size_t n,
                        const void *at[BM__BLOCK])
{
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
    size_t nulls = 0;
    bool bytes = bm__view_has_state_bytes(view);
    for (size_t i = 0; (bytes || view->cells.layout == BM_CSTR) && i < n; i++) {
        bool null = (bytes && state_byte(view, bm__batch_row(batch, from + i)) != BM_VALUE) ||
                    is_null_pointer(view, at[i]);
        if (null) {
            at[i] = NULL;
            nulls++;
        }
    }
    return nulls;
}
