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

/* All states in one word: their bits one over the other. */
static unsigned copy_states(const uint8_t *byte, ptrdiff_t stride, size_t n, uint8_t *to)
{
    unsigned all = 0;
    BM__UNROLL(8)
    for (size_t i = 0; i < n; i++, byte += stride) {
        to[i] = *byte;
        all |= *byte;
    }
    return all;
}

unsigned bm__view_states(const bm__view *view, size_t from, size_t n)
{
    uint8_t states[BM__BLOCK];
    unsigned seen = 0;
    const uint8_t *byte = state_run(view, from);
    assert(n <= BM__BLOCK);
    if (byte != NULL && copy_states(byte, view->cells.state_stride, n, states) <= BM_NULL) {
        return 1u << BM_VALUE | 1u << BM_NULL;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned state = byte != NULL ? states[i] : state_byte(view, from + i);
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

/* ---- blocks */

/* The states of a block's rows by their bytes and bits.  False: all have a value. */
static bool load_states(const bm__batch *batch, const bm__view *view, size_t from, size_t n,
                        uint8_t nulls[BM__BLOCK])
{
    const uint8_t *byte = batch->pick == NULL ? state_run(view, batch->first + from) : NULL;
    unsigned all = 0;
    if (byte != NULL) {
        return copy_states(byte, view->cells.state_stride, n, nulls) != 0;
    }
    for (size_t i = 0; bm__view_has_state_bytes(view) && i < n; i++) {
        nulls[i] = (uint8_t)state_byte(view, bm__batch_row(batch, from + i));
        all |= nulls[i];
    }
    return all != 0;
}

/* Cells of a block that are evenly spaced: the first and the distance; else NULL. */
static const char *even_cells(const bm__batch *batch, const bm__view *view, size_t from)
{
    bool even = batch->pick == NULL && view->rows == NULL;
    return even ? bm__view_cell(view, batch->first + from) : NULL;
}

static BM__ALWAYS_INLINE void copy_cells(const bm__batch *batch, const bm__view *view, size_t from,
                                         size_t n, size_t width, char *to)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(to + i * width, bm__view_cell(view, bm__batch_row(batch, from + i)), width);
    }
}

static void fixed_cells(const bm__batch *batch, const bm__view *view, size_t from, char *room,
                        bm__cells *out)
{
    const size_t width = view->cells.width;
    out->first = even_cells(batch, view, from);
    out->stride = view->cells.stride;
    if (out->first != NULL) {
        return;
    }
    out->first = room;
    out->stride = (ptrdiff_t)width;
    switch (width) {
    case 4:
        copy_cells(batch, view, from, out->n, 4, room);
        break;
    case 8:
        copy_cells(batch, view, from, out->n, 8, room);
        break;
    case 16:
        copy_cells(batch, view, from, out->n, 16, room);
        break;
    default:
        assert(width <= BM__CELL_MAX);
        copy_cells(batch, view, from, out->n, width, room);
        break;
    }
}

/* Cells are asked for so many rows before they are looked at, and text with its cell, before the
 * first text of the block is.  Measured: a fifth of the time where rows are not in the cache. */
#define AHEAD 64

/* Of a slice `size`, too. */
static BM__ALWAYS_INLINE void load_slice(const char *cell, bm_layout layout, bm_slice *out)
{
    if (layout == BM_CSTR) {
        memcpy(&out->data, cell, sizeof out->data);
    } else if (layout == BM_SLICE) {
        memcpy(out, cell, sizeof *out);
    } else {
        out->data = cell;
    }
}

/* True where a pointer of BM_CSTR is NULL. */
static BM__ALWAYS_INLINE bool load_slices(const bm__batch *batch, const bm__view *view, size_t from,
                                          size_t n, bm_layout layout, bm_slice *slices)
{
    const char *cell = even_cells(batch, view, from);
    const bool even = cell != NULL;
    const ptrdiff_t stride = even ? view->cells.stride : 0;
    bool missing = false;
    for (size_t i = 0; i < n; i++, cell += stride) {
        if (!even) {
            cell = bm__view_cell(view, bm__batch_row(batch, from + i));
        }
        /* What is fetched may be behind the last row: no pointer is made of it. */
        __builtin_prefetch((const void *)((uintptr_t)cell + (uintptr_t)(AHEAD * stride)));
        load_slice(cell, layout, &slices[i]);
        if (layout != BM_CHARS) {
            __builtin_prefetch(slices[i].data);
        }
        missing |= layout == BM_CSTR && slices[i].data == NULL;
    }
    return missing;
}

/* A `const char *` that is NULL is SQL NULL, whatever its state byte says. */
static void add_missing(const bm_slice *slices, size_t n, bool states, uint8_t nulls[BM__BLOCK])
{
    for (size_t i = 0; i < n; i++) {
        nulls[i] = (uint8_t)((states ? nulls[i] : BM_VALUE) | (slices[i].data == NULL));
    }
}

static void measure_slices(const bm__cells *cells, bm_layout layout, size_t width, bm_slice *slices)
{
    const uint8_t *nulls = cells->nulls;
    for (size_t i = 0; i < cells->n; i++) {
        if (nulls == NULL || nulls[i] == BM_VALUE) {
            const char *text = slices[i].data;
            slices[i].size = layout == BM_CSTR ? strlen(text) : strnlen(text, width);
        }
    }
}

void bm__batch_cells(const bm__batch *batch, size_t column, size_t from, size_t n, bool addresses,
                     bm__room *room, bm__cells *out)
{
    assert(column < batch->n_views && n <= BM__BLOCK);
    assert(from <= batch->n_rows && n <= batch->n_rows - from);
    const bm__view *view = &batch->views[column];
    const bm_layout layout = view->cells.layout;
    bm_slice *slices = room->cells.slices;
    *out = (bm__cells){.n = n};
    if (n == 0) {
        return; /* rows that are not there have no address */
    }
    bool any = load_states(batch, view, from, n, room->nulls);
    if (layout == BM_FIXED || bm__is_array(layout)) {
        fixed_cells(batch, view, from, room->cells.fixed, out);
    } else if (layout == BM_SLICE) {
        (void)load_slices(batch, view, from, n, BM_SLICE, slices);
        out->slices = slices;
    } else if (layout == BM_CHARS) {
        (void)load_slices(batch, view, from, n, BM_CHARS, slices);
        out->slices = slices;
    } else {
        if (load_slices(batch, view, from, n, BM_CSTR, slices)) {
            add_missing(slices, n, any, room->nulls);
            any = true;
        }
        out->slices = slices;
    }
    out->nulls = any ? room->nulls : NULL;
    if (!addresses && (layout == BM_CSTR || layout == BM_CHARS)) {
        measure_slices(out, layout, view->cells.width, slices);
    }
}
