#include "snapshot.h"

#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(BM__CELL_UNKNOWN > BM_KEEP, "an unknown cell differs from every state");

bm_status bm__snapshot_new(const bm_model *model, size_t capacity, bm__snapshot **out,
                           bm_error *err)
{
    assert(model->n_fields > 0);
    *out = NULL;
    bm__snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (snapshot == NULL) {
        return bm__no_memory(err);
    }
    snapshot->n_columns = model->n_fields;
    snapshot->columns = calloc(model->n_fields, sizeof *snapshot->columns);
    if (snapshot->columns == NULL) {
        free(snapshot);
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < model->n_fields; i++) {
        bm__snapshot_column *column = &snapshot->columns[i];
        column->type = model->fields[i].type;
        column->layout = model->fields[i].layout;
        column->width = column->layout == BM_FIXED ? model->fields[i].width : 0;
        assert(column->layout != BM_FIXED || column->width == bm__type(column->type)->width);
    }
    bm_status status = bm__snapshot_grow(snapshot, capacity, err);
    if (status != BM_OK) {
        bm__snapshot_free(snapshot);
        return status;
    }
    *out = snapshot;
    return BM_OK;
}

void bm__snapshot_free(bm__snapshot *snapshot)
{
    if (snapshot != NULL) {
        for (size_t i = 0; i < snapshot->n_columns; i++) {
            free(snapshot->columns[i].fixed);
            free(snapshot->columns[i].slices);
            free(snapshot->columns[i].states);
        }
        free(snapshot->columns);
        bm__arena_free(&snapshot->arena);
        free(snapshot);
    }
}

static bm_status grow(void **at, size_t count, size_t size, bm_error *err)
{
    size_t total;
    assert(size > 0);
    if (__builtin_mul_overflow(count, size, &total)) {
        return bm__no_memory(err);
    }
    void *grown = realloc(*at, total > 0 ? total : 1);
    if (grown == NULL) {
        return bm__no_memory(err);
    }
    *at = grown;
    return BM_OK;
}

bm_status bm__snapshot_grow(bm__snapshot *snapshot, size_t capacity, bm_error *err)
{
    if (capacity <= snapshot->capacity && snapshot->capacity > 0) {
        return BM_OK;
    }
    assert(snapshot->count <= snapshot->capacity && snapshot->capacity <= capacity);
    for (size_t i = 0; i < snapshot->n_columns; i++) {
        bm__snapshot_column *column = &snapshot->columns[i];
        if (column->width > 0) {
            BM_TRY(grow((void **)&column->fixed, capacity, column->width, err));
        } else {
            BM_TRY(grow((void **)&column->slices, capacity, sizeof(bm_slice), err));
        }
        BM_TRY(grow((void **)&column->states, capacity, 1, err));
        memset(column->states + snapshot->capacity, BM__CELL_UNKNOWN,
               capacity - snapshot->capacity);
    }
    snapshot->capacity = capacity;
    return BM_OK;
}

static bm_status clone_slices(const bm__snapshot *snapshot, size_t i, bm__snapshot *copy,
                              bm_error *err)
{
    const bm__snapshot_column *from = &snapshot->columns[i];
    assert(from->width == 0 && copy->capacity >= snapshot->count);
    for (size_t row = 0; row < snapshot->count; row++) {
        bm_slice *to = &copy->columns[i].slices[row];
        *to = from->slices[row];
        if (from->states[row] == BM_VALUE) {
            to->data = bm__arena_copy(&copy->arena, to->data, to->size);
            if (to->data == NULL) {
                return bm__no_memory(err);
            }
        }
    }
    return BM_OK;
}

static bm_status clone_into(const bm__snapshot *snapshot, bm__snapshot *copy, bm_error *err)
{
    assert(copy->columns == NULL && snapshot->n_columns > 0);
    copy->n_columns = snapshot->n_columns;
    copy->columns = calloc(snapshot->n_columns, sizeof *copy->columns);
    if (copy->columns == NULL) {
        copy->n_columns = 0;
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < snapshot->n_columns; i++) {
        copy->columns[i] = snapshot->columns[i];
        copy->columns[i].fixed = NULL;
        copy->columns[i].slices = NULL;
        copy->columns[i].states = NULL;
    }
    BM_TRY(bm__snapshot_grow(copy, snapshot->capacity, err));
    assert(copy->capacity >= snapshot->count);
    copy->count = snapshot->count;
    for (size_t i = 0; i < snapshot->n_columns; i++) {
        const bm__snapshot_column *from = &snapshot->columns[i];
        if (!from->known || snapshot->count == 0) {
            continue;
        }
        memcpy(copy->columns[i].states, from->states, snapshot->count);
        if (from->width > 0) {
            memcpy(copy->columns[i].fixed, from->fixed, snapshot->count * from->width);
        } else {
            BM_TRY(clone_slices(snapshot, i, copy, err));
        }
    }
    return BM_OK;
}

bm_status bm__snapshot_clone(const bm__snapshot *snapshot, bm__snapshot **out, bm_error *err)
{
    *out = NULL;
    bm__snapshot *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return bm__no_memory(err);
    }
    bm_status status = clone_into(snapshot, copy, err);
    if (status != BM_OK) {
        bm__snapshot_free(copy);
        return status;
    }
    assert(copy->count == snapshot->count && copy->count <= copy->capacity);
    *out = copy;
    return BM_OK;
}

/* An array's elements after its shape, where it has elements: an empty array has none. */
static bm_status canonical_of(const bm__snapshot_column *column, const void *cell, bm__buffer *out,
                              bm_error *err)
{
    const bm_nd_array array = bm__load_array(column->layout, cell);
    const size_t n = array.elements.count > 0 ? array.n_dimensions : 0;
    assert(column->width == 0);
    if (n > BM_DIMENSIONS_MAX) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "an array has %zu dimensions: expected at most %d", n, BM_DIMENSIONS_MAX);
    }
    BM_TRY(bm__buffer_append(out, &n, sizeof n, err));
    BM_TRY(bm__buffer_append(out, array.lengths, n * sizeof array.lengths[0], err));
    return bm__array_canonical(column->type, &array.elements, out, err);
}

/* The bytes of a variable cell as the arena's; *out is left alone where that fails. */
static bm_status copy_variable(bm__snapshot *snapshot, size_t i, const bm__view *view, size_t row,
                               bm_slice *out, bm_error *err)
{
    const bm__snapshot_column *column = &snapshot->columns[i];
    assert(column->width == 0);
    assert(column->layout == view->cells.layout || !bm__is_array(column->layout));
    const void *cell = bm__view_cell(view, row);
    bm_slice bytes = {0};
    bm__buffer canonical = {0};
    bm_status status = BM_OK;
    if (bm__is_array(column->layout)) {
        status = canonical_of(column, cell, &canonical, err);
        bytes = (bm_slice){(const char *)canonical.data, canonical.size};
    } else {
        bytes = bm__cell_bytes(view->cells.layout, view->cells.width, cell);
    }
    if (status == BM_OK) {
        bytes.data = bm__arena_copy(&snapshot->arena, bytes.data, bytes.size);
        status = bytes.data != NULL ? BM_OK : bm__no_memory(err);
    }
    bm__buffer_free(&canonical);
    if (status == BM_OK) {
        *out = bytes;
    }
    return status;
}

bm_status bm__snapshot_set(bm__snapshot *snapshot, size_t i, size_t at, const bm__view *view,
                           size_t row, bm_error *err)
{
    assert(i < snapshot->n_columns && at < snapshot->capacity);
    bm__snapshot_column *column = &snapshot->columns[i];
    assert(column->type == view->cells.type);
    assert(column->width == 0 || column->width == view->cells.width);
    bm_state state = bm__view_state(view, row);
    if (state != BM_VALUE) {
        if (column->width > 0) {
            memset(column->fixed + at * column->width, 0, column->width);
        } else {
            column->slices[at] = (bm_slice){0};
        }
    } else if (column->width > 0) {
        memmove(column->fixed + at * column->width, bm__view_cell(view, row), column->width);
    } else {
        BM_TRY(copy_variable(snapshot, i, view, row, &column->slices[at], err));
    }
    column->states[at] = (uint8_t)state;
    return BM_OK;
}

/* Has the caller left out a pointer?  What is to be written is refused where it is converted. */
static bool lacks_pointer(const bm__view *view, const void *cell)
{
    if (!bm__is_array(view->cells.layout)) {
        return bm__cell_bytes(view->cells.layout, view->cells.width, cell).data == NULL;
    }
    bm_array array;
    memcpy(&array, cell, sizeof array);
    if (array.data == NULL || bm__type(view->cells.type)->width > 0) {
        return array.data == NULL && array.count > 0;
    }
    const bm_slice *slices = array.data;
    for (size_t i = 0; i < array.count; i++) {
        bool value = array.states == NULL || array.states[i] == BM_VALUE;
        if (value && slices[i].data == NULL && slices[i].size > 0) {
            return true;
        }
    }
    return false;
}

bm_status bm__snapshot_differs(const bm__snapshot *snapshot, size_t i, const bm__view *view,
                               size_t row, bm__buffer *scratch, bool *differs, bm_error *err)
{
    assert(i < snapshot->n_columns && scratch != NULL);
    const bm__snapshot_column *column = &snapshot->columns[i];
    assert(column->type == view->cells.type);
    bm_state state = bm__view_state(view, row);
    if (state == BM_KEEP) {
        *differs = false;
        return BM_OK;
    }
    if (!column->known || row >= snapshot->count || column->states[row] != (uint8_t)state ||
        state == BM_DEFAULT_CELL) {
        *differs = true;
        return BM_OK;
    }
    if (state == BM_NULL) {
        *differs = false;
        return BM_OK;
    }
    const void *cell = bm__view_cell(view, row);
    assert(row < snapshot->count && snapshot->count <= snapshot->capacity);
    if (column->width > 0) {
        assert(column->width == view->cells.width);
        *differs = memcmp(column->fixed + row * column->width, cell, column->width) != 0;
        return BM_OK;
    }
    if (lacks_pointer(view, cell)) {
        *differs = true;
        return BM_OK;
    }
    bm_slice bytes;
    if (bm__is_array(column->layout)) {
        scratch->size = 0;
        BM_TRY(canonical_of(column, cell, scratch, err));
        bytes = (bm_slice){(const char *)scratch->data, scratch->size};
    } else {
        bytes = bm__cell_bytes(view->cells.layout, view->cells.width, cell);
    }
    const bm_slice *known = &column->slices[row];
    assert(known->data != NULL && bytes.data != NULL); /* both are values */
    *differs = known->size != bytes.size ||
               (bytes.size > 0 && memcmp(known->data, bytes.data, bytes.size) != 0);
    return BM_OK;
}

bm_status bm__array_canonical(bm_type type, const bm_array *array, bm__buffer *out, bm_error *err)
{
    assert(bm__type(type) != NULL);
    size_t width = bm__type(type)->width;
    BM_TRY(bm__buffer_append(out, &array->count, sizeof array->count, err));
    for (size_t i = 0; i < array->count; i++) {
        uint8_t state = array->states != NULL && array->states[i] != BM_VALUE ? BM_NULL : BM_VALUE;
        BM_TRY(bm__buffer_append(out, &state, 1, err));
        if (state != BM_VALUE) {
            continue;
        }
        if (width > 0) {
            BM_TRY(bm__buffer_append(out, (const char *)array->data + i * width, width, err));
        } else {
            const bm_slice *slice = (const bm_slice *)array->data + i;
            BM_TRY(bm__buffer_append(out, &slice->size, sizeof slice->size, err));
            BM_TRY(bm__buffer_append(out, slice->data, slice->size, err));
        }
    }
    return BM_OK;
}

bm_status bm__array_copy(bm_type type, const bm_array *array, bm__arena *arena, bm_array *out,
                         bm_error *err)
{
    assert(bm__type(type) != NULL);
    size_t width = bm__type(type)->width;
    size_t element = width > 0 ? width : sizeof(bm_slice);
    const bm_array from = *array; /* *out may be the same */
    *out = (bm_array){.count = from.count};
    void *data = bm__arena_array(arena, from.count, element);
    if (data == NULL) {
        return bm__no_memory(err);
    }
    out->data = data;
    if (from.states != NULL) {
        out->states = (const uint8_t *)bm__arena_copy(arena, from.states, from.count);
        if (out->states == NULL) {
            return bm__no_memory(err);
        }
    }
    if (width > 0) {
        if (from.count > 0) {
            memcpy(data, from.data, from.count * width);
        }
        return BM_OK;
    }
    bm_slice *slices = data;
    for (size_t i = 0; i < from.count; i++) {
        const bm_slice *slice = (const bm_slice *)from.data + i;
        bool null = from.states != NULL && from.states[i] != BM_VALUE;
        slices[i].size = null ? 0 : slice->size;
        slices[i].data = null ? NULL : bm__arena_copy(arena, slice->data, slice->size);
        if (!null && slices[i].data == NULL) {
            return bm__no_memory(err);
        }
    }
    return BM_OK;
}
