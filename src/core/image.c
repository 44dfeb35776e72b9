#include "image.h"

#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(BM__CELL_UNKNOWN > BM_KEEP, "an unknown cell differs from every state");

bm_status bm__image_new(const bm_model *model, size_t capacity, bm__image **out, bm_error *err)
{
    assert(model->n_fields > 0);
    *out = NULL;
    bm__image *image = calloc(1, sizeof *image);
    if (image == NULL) {
        return bm__no_memory(err);
    }
    image->n_columns = model->n_fields;
    image->columns = calloc(model->n_fields, sizeof *image->columns);
    if (image->columns == NULL) {
        free(image);
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < model->n_fields; i++) {
        bm__image_column *column = &image->columns[i];
        column->type = model->fields[i].type;
        column->layout = model->fields[i].layout;
        column->width = column->layout == BM_FIXED ? model->fields[i].width : 0;
        assert(column->layout != BM_FIXED || column->width == bm__type(column->type)->width);
    }
    bm_status status = bm__image_grow(image, capacity, err);
    if (status != BM_OK) {
        bm__image_free(image);
        return status;
    }
    *out = image;
    return BM_OK;
}

void bm__image_free(bm__image *image)
{
    if (image != NULL) {
        for (size_t i = 0; i < image->n_columns; i++) {
            free(image->columns[i].fixed);
            free(image->columns[i].slices);
            free(image->columns[i].states);
        }
        free(image->columns);
        bm__arena_free(&image->arena);
        free(image);
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

bm_status bm__image_grow(bm__image *image, size_t capacity, bm_error *err)
{
    if (capacity <= image->capacity && image->capacity > 0) {
        return BM_OK;
    }
    assert(image->count <= image->capacity && image->capacity <= capacity);
    for (size_t i = 0; i < image->n_columns; i++) {
        bm__image_column *column = &image->columns[i];
        if (column->width > 0) {
            BM_TRY(grow((void **)&column->fixed, capacity, column->width, err));
        } else {
            BM_TRY(grow((void **)&column->slices, capacity, sizeof(bm_slice), err));
        }
        BM_TRY(grow((void **)&column->states, capacity, 1, err));
        memset(column->states + image->capacity, BM__CELL_UNKNOWN, capacity - image->capacity);
    }
    image->capacity = capacity;
    return BM_OK;
}

static bm_status clone_slices(const bm__image *image, size_t i, bm__image *copy, bm_error *err)
{
    const bm__image_column *from = &image->columns[i];
    assert(from->width == 0 && copy->capacity >= image->count);
    for (size_t row = 0; row < image->count; row++) {
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

static bm_status clone_into(const bm__image *image, bm__image *copy, bm_error *err)
{
    assert(copy->columns == NULL && image->n_columns > 0);
    copy->n_columns = image->n_columns;
    copy->columns = calloc(image->n_columns, sizeof *copy->columns);
    if (copy->columns == NULL) {
        copy->n_columns = 0;
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < image->n_columns; i++) {
        copy->columns[i] = image->columns[i];
        copy->columns[i].fixed = NULL;
        copy->columns[i].slices = NULL;
        copy->columns[i].states = NULL;
    }
    BM_TRY(bm__image_grow(copy, image->capacity, err));
    assert(copy->capacity >= image->count);
    copy->count = image->count;
    for (size_t i = 0; i < image->n_columns; i++) {
        const bm__image_column *from = &image->columns[i];
        if (!from->known || image->count == 0) {
            continue;
        }
        memcpy(copy->columns[i].states, from->states, image->count);
        if (from->width > 0) {
            memcpy(copy->columns[i].fixed, from->fixed, image->count * from->width);
        } else {
            BM_TRY(clone_slices(image, i, copy, err));
        }
    }
    return BM_OK;
}

bm_status bm__image_clone(const bm__image *image, bm__image **out, bm_error *err)
{
    *out = NULL;
    bm__image *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return bm__no_memory(err);
    }
    bm_status status = clone_into(image, copy, err);
    if (status != BM_OK) {
        bm__image_free(copy);
        return status;
    }
    assert(copy->count == image->count && copy->count <= copy->capacity);
    *out = copy;
    return BM_OK;
}

/* The bytes of a variable cell as the arena's; *out is left alone where that fails. */
static bm_status copy_variable(bm__image *image, size_t i, const bm__view *view, size_t row,
                               bm_slice *out, bm_error *err)
{
    const bm__image_column *column = &image->columns[i];
    assert(column->width == 0);
    assert((column->layout == BM_ARRAY) == (view->cells.layout == BM_ARRAY));
    const void *cell = bm__view_cell(view, row);
    bm_slice bytes = {0};
    bm__buffer canonical = {0};
    bm_status status = BM_OK;
    if (column->layout == BM_ARRAY) {
        bm_array array;
        memcpy(&array, cell, sizeof array);
        status = bm__array_canonical(column->type, &array, &canonical, err);
        bytes = (bm_slice){(const char *)canonical.data, canonical.size};
    } else {
        bytes = bm__cell_bytes(view->cells.layout, view->cells.width, cell);
    }
    if (status == BM_OK) {
        bytes.data = bm__arena_copy(&image->arena, bytes.data, bytes.size);
        status = bytes.data != NULL ? BM_OK : bm__no_memory(err);
    }
    bm__buffer_free(&canonical);
    if (status == BM_OK) {
        *out = bytes;
    }
    return status;
}

bm_status bm__image_set(bm__image *image, size_t i, size_t at, const bm__view *view, size_t row,
                        bm_error *err)
{
    assert(i < image->n_columns && at < image->capacity);
    bm__image_column *column = &image->columns[i];
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
        BM_TRY(copy_variable(image, i, view, row, &column->slices[at], err));
    }
    column->states[at] = (uint8_t)state;
    return BM_OK;
}

/* Has the caller left out a pointer?  What is to be written is refused where it is converted. */
static bool lacks_pointer(const bm__view *view, const void *cell)
{
    if (view->cells.layout != BM_ARRAY) {
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

bm_status bm__image_differs(const bm__image *image, size_t i, const bm__view *view, size_t row,
                            bm__buffer *scratch, bool *differs, bm_error *err)
{
    assert(i < image->n_columns && scratch != NULL);
    const bm__image_column *column = &image->columns[i];
    assert(column->type == view->cells.type);
    bm_state state = bm__view_state(view, row);
    if (state == BM_KEEP) {
        *differs = false;
        return BM_OK;
    }
    if (!column->known || row >= image->count || column->states[row] != (uint8_t)state ||
        state == BM_DEFAULT_CELL) {
        *differs = true;
        return BM_OK;
    }
    if (state == BM_NULL) {
        *differs = false;
        return BM_OK;
    }
    const void *cell = bm__view_cell(view, row);
    assert(row < image->count && image->count <= image->capacity);
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
    if (column->layout == BM_ARRAY) {
        bm_array array;
        memcpy(&array, cell, sizeof array);
        scratch->size = 0;
        BM_TRY(bm__array_canonical(column->type, &array, scratch, err));
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
