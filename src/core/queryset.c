#include "queryset.h"

#include "journal.h"
#include "model.h"
#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bm_status bm__queryset_new(const bm_model *model, bool structs, size_t capacity, bm_queryset **out,
                           bm_error *err)
{
    assert(model != NULL && model->n_fields > 0);
    *out = NULL;
    bm_queryset *queryset = calloc(1, sizeof *queryset);
    if (queryset == NULL) {
        return bm__no_memory(err);
    }
    queryset->model = model;
    queryset->structs = structs && model->row_size > 0;
    queryset->capacity = capacity > 0 ? capacity : 1;
    bm_status status = bm__snapshot_new(model, queryset->capacity, &queryset->snapshot, err);
    if (status == BM_OK && queryset->structs) {
        queryset->rows = calloc(queryset->capacity, model->row_size);
        status = queryset->rows != NULL ? BM_OK : bm__no_memory(err);
    }
    if (status != BM_OK) {
        bm_queryset_free(queryset);
        return status;
    }
    *out = queryset;
    return BM_OK;
}

bm_status bm__queryset_room(bm_queryset *queryset, bm_error *err)
{
    assert(queryset->count <= queryset->capacity && queryset->capacity > 0);
    if (queryset->count < queryset->capacity) {
        return BM_OK;
    }
    assert(queryset->capacity <= PTRDIFF_MAX / 2); /* each row has a byte at least */
    size_t capacity = queryset->capacity * 2;
    size_t row_size = queryset->model->row_size;
    if (queryset->snapshot != NULL) {
        assert(queryset->snapshot->capacity >= queryset->capacity);
        BM_TRY(bm__snapshot_grow(queryset->snapshot, capacity, err));
    }
    if (queryset->structs) {
        size_t total;
        if (__builtin_mul_overflow(capacity, row_size, &total)) {
            return bm__no_memory(err);
        }
        unsigned char *rows = realloc(queryset->rows, total);
        if (rows == NULL) {
            return bm__no_memory(err);
        }
        memset(rows + queryset->capacity * row_size, 0, total - queryset->capacity * row_size);
        queryset->rows = rows;
    }
    queryset->capacity = capacity;
    assert(queryset->count < queryset->capacity);
    return BM_OK;
}

static unsigned char *struct_at(const bm_queryset *queryset, size_t row)
{
    assert(queryset->structs && queryset->rows != NULL);
    assert(row < queryset->capacity);
    return queryset->rows + row * queryset->model->row_size;
}

bm_status bm__queryset_own(bm_queryset *queryset, size_t row, size_t i, bm_error *err)
{
    assert(i < queryset->model->n_fields);
    const bm_field *field = &queryset->model->fields[i];
    assert(field->offset + field->width <= queryset->model->row_size);
    unsigned char *at = struct_at(queryset, row);
    unsigned char *member = at + field->offset;
    if (field->state_offset != BM_NO_STATE && at[field->state_offset] != BM_VALUE) {
        return BM_OK;
    }
    if (bm__is_array(field->layout)) {
        bm_array array; /* a bm_nd_array begins with it */
        memcpy(&array, member, sizeof array);
        BM_TRY(bm__array_copy(field->type, &array, &queryset->arena, &array, err));
        memcpy(member, &array, sizeof array);
    } else if (field->layout == BM_CSTR || field->layout == BM_SLICE) {
        bm_slice bytes = bm__cell_bytes(field->layout, field->width, member);
        bytes.data = bm__arena_copy(&queryset->arena, bytes.data, bytes.size);
        if (bytes.data == NULL) {
            return bm__no_memory(err);
        }
        if (field->layout == BM_CSTR) {
            memcpy(member, &bytes.data, sizeof bytes.data);
        } else {
            memcpy(member, &bytes, sizeof bytes);
        }
    }
    return BM_OK;
}

/* Store one cell into the struct: state byte, value, and a copy of what it points to. */
static bm_status put_member(bm_queryset *queryset, size_t place, size_t i, const bm__view *view,
                            size_t row, bm_error *err)
{
    const bm_field *field = &queryset->model->fields[i];
    unsigned char *at = struct_at(queryset, place);
    bm_state state = view != NULL ? bm__view_state(view, row) : BM_NULL;
    if (field->state_offset != BM_NO_STATE) {
        at[field->state_offset] = (uint8_t)state;
    }
    if (state != BM_VALUE) {
        return BM_OK;
    }
    const void *cell = bm__view_cell(view, row);
    if (field->layout == view->cells.layout && field->width == view->cells.width) {
        memcpy(at + field->offset, cell, field->width);
        return bm__queryset_own(queryset, place, i, err);
    }
    return bm__fail_cell(err, BM_INTERNAL, BM_STAGE_CHECK, row, field->name,
                         "a view differs from the form of its member");
}

static bm_status put_cell(bm_queryset *queryset, size_t place, size_t i, const bm__view *view,
                          size_t row, bm_error *err)
{
    if (queryset->structs) {
        BM_TRY(put_member(queryset, place, i, view, row, err));
    }
    if (view != NULL) {
        assert(queryset->snapshot != NULL && place < queryset->snapshot->capacity);
        BM_TRY(bm__snapshot_set(queryset->snapshot, i, place, view, row, err));
        queryset->snapshot->columns[i].known = true;
    }
    return BM_OK;
}

bm_status bm__queryset_append(bm_queryset *queryset, const bm__view *views, const bool *has,
                              size_t row, bm_error *err)
{
    BM_TRY(bm__queryset_room(queryset, err));
    assert(queryset->snapshot != NULL);
    for (size_t i = 0; i < queryset->model->n_fields; i++) {
        BM_TRY(put_cell(queryset, queryset->count, i, has[i] ? &views[i] : NULL, row, err));
    }
    queryset->count++;
    queryset->snapshot->count = queryset->count;
    return BM_OK;
}

/* Columns whose cells are evenly spaced values of the member's own form. */
static bool is_even(const bm_field *field, const bm__view *view)
{
    return view != NULL && view->rows == NULL && !bm__view_has_state_bytes(view) &&
           (field->layout == BM_FIXED || field->layout == BM_CSTR) &&
           view->cells.layout == field->layout && view->cells.width == field->width;
}

/* n cells of `width` bytes from one stride to another. */
static void copy_cells(unsigned char *to, size_t to_stride, const unsigned char *from,
                       ptrdiff_t from_stride, size_t n, size_t width)
{
    assert(width > 0 && to_stride >= width);
    for (size_t i = 0; i < n; i++, to += to_stride, from += from_stride) {
        switch (width) {
        case 4:
            memcpy(to, from, 4);
            break;
        case 8:
            memcpy(to, from, 8);
            break;
        case 16:
            memcpy(to, from, 16);
            break;
        default:
            memcpy(to, from, width);
        }
    }
}

static bm_status append_texts(bm_queryset *queryset, size_t i, const bm__view *view, size_t first,
                              size_t n, bm_error *err)
{
    const bm_field *field = &queryset->model->fields[i];
    bm__snapshot *snapshot = queryset->snapshot;
    assert(snapshot->columns[i].slices != NULL && view->cells.layout == BM_CSTR);
    for (size_t k = 0; k < n; k++) {
        size_t place = queryset->count + k;
        const char *text;
        memcpy(&text, bm__view_cell(view, first + k), sizeof text);
        if (text == NULL) {
            BM_TRY(put_cell(queryset, place, i, view, first + k, err));
            continue;
        }
        size_t size = strlen(text);
        bm_slice *slice = &snapshot->columns[i].slices[place];
        slice->data = bm__arena_copy(&snapshot->arena, text, size);
        slice->size = size;
        snapshot->columns[i].states[place] = BM_VALUE;
        const char *own =
            queryset->structs ? bm__arena_copy(&queryset->arena, text, size) : slice->data;
        if (slice->data == NULL || own == NULL) {
            *slice = (bm_slice){0};
            snapshot->columns[i].states[place] = BM__CELL_UNKNOWN;
            return bm__no_memory(err);
        }
        if (queryset->structs) {
            memcpy(struct_at(queryset, place) + field->offset, &own, sizeof own);
        }
    }
    return BM_OK;
}

static bm_status append_column(bm_queryset *queryset, size_t i, const bm__view *view, size_t first,
                               size_t n, bm_error *err)
{
    const bm_field *field = &queryset->model->fields[i];
    bm__snapshot_column *column = &queryset->snapshot->columns[i];
    assert(n <= queryset->capacity - queryset->count);
    assert(queryset->capacity <= queryset->snapshot->capacity);
    if (is_even(field, view)) {
        column->known = true;
        if (field->layout == BM_CSTR) {
            return append_texts(queryset, i, view, first, n, err);
        }
        const unsigned char *from = bm__view_cell(view, first);
        size_t row_size = queryset->model->row_size;
        assert(column->fixed != NULL && column->width == view->cells.width);
        memset(column->states + queryset->count, BM_VALUE, n);
        copy_cells(column->fixed + queryset->count * column->width, column->width, from,
                   view->cells.stride, n, column->width);
        if (queryset->structs) { /* whose state bytes are 0, BM_VALUE */
            copy_cells(struct_at(queryset, queryset->count) + field->offset, row_size, from,
                       view->cells.stride, n, column->width);
        }
        return BM_OK;
    }
    for (size_t k = 0; k < n; k++) {
        BM_TRY(put_cell(queryset, queryset->count + k, i, view, first + k, err));
    }
    return BM_OK;
}

bm_status bm__queryset_append_run(bm_queryset *queryset, const bm__view *views, const bool *has,
                                  size_t first, size_t n, bm_error *err)
{
    while (n > 0) {
        BM_TRY(bm__queryset_room(queryset, err));
        size_t room = queryset->capacity - queryset->count;
        size_t some = n < BM__BLOCK ? n : BM__BLOCK; /* so that a row stays in the cache */
        some = some < room ? some : room;
        assert(some > 0 && some <= n);
        for (size_t i = 0; i < queryset->model->n_fields; i++) {
            BM_TRY(append_column(queryset, i, has[i] ? &views[i] : NULL, first, some, err));
        }
        queryset->count += some;
        queryset->snapshot->count = queryset->count;
        assert(queryset->count <= queryset->capacity);
        first += some;
        n -= some;
    }
    return BM_OK;
}

bm_status bm__queryset_imprint(bm_queryset *queryset, size_t row, const bool *has, bm_error *err)
{
    assert(row < queryset->capacity);
    if (queryset->snapshot == NULL) { /* a rollback took it */
        BM_TRY(bm__snapshot_new(queryset->model, queryset->capacity, &queryset->snapshot, err));
    }
    for (size_t i = 0; i < queryset->model->n_fields; i++) {
        bm__view view;
        if (has[i] && bm__queryset_view(queryset, i, &view)) {
            BM_TRY(bm__snapshot_set(queryset->snapshot, i, row, &view, row, err));
            queryset->snapshot->columns[i].known = true;
        }
    }
    if (queryset->snapshot->count <= row) {
        queryset->snapshot->count = row + 1;
    }
    assert(queryset->snapshot->count <= queryset->snapshot->capacity);
    return BM_OK;
}

/* Cells that are known by the snapshot only. */
static bool view_snapshot(const bm_queryset *queryset, size_t i, bm__view *out)
{
    const bm__snapshot *snapshot = queryset->snapshot;
    if (snapshot == NULL || !snapshot->columns[i].known ||
        bm__is_array(snapshot->columns[i].layout)) {
        return false;
    }
    const bm__snapshot_column *column = &snapshot->columns[i];
    assert(i < snapshot->n_columns && column->states != NULL);
    assert(column->width > 0 ? column->fixed != NULL : column->slices != NULL);
    out->cells.states = column->states;
    out->cells.state_stride = 1;
    if (column->width > 0) {
        out->cells.data = column->fixed;
        out->cells.stride = (ptrdiff_t)column->width;
    } else {
        out->cells.data = column->slices;
        out->cells.stride = (ptrdiff_t)sizeof(bm_slice);
        out->cells.layout = BM_SLICE;
        out->cells.width = sizeof(bm_slice);
    }
    return true;
}

bool bm__queryset_view(const bm_queryset *queryset, size_t i, bm__view *out)
{
    const bm_model *model = queryset->model;
    assert(i < model->n_fields);
    const bm_field *field = &model->fields[i];
    *out =
        (bm__view){.name = field->name,
                   .cells = {.type = field->type, .layout = field->layout, .width = field->width},
                   .state_offset = BM_NO_STATE};
    if (!queryset->structs) {
        return view_snapshot(queryset, i, out);
    }
    out->cells.data = queryset->rows + field->offset;
    out->cells.stride = (ptrdiff_t)model->row_size;
    if (field->state_offset != BM_NO_STATE) {
        out->cells.states = queryset->rows + field->state_offset;
        out->cells.state_stride = (ptrdiff_t)model->row_size;
    }
    return true;
}

size_t bm_queryset_count(const bm_queryset *queryset)
{
    return queryset != NULL ? queryset->count : 0;
}

void *bm_queryset_at(bm_queryset *queryset, size_t i)
{
    if (queryset == NULL || !queryset->structs || i >= queryset->count) {
        return NULL;
    }
    return struct_at(queryset, i);
}

bm_status bm_queryset_column(const bm_queryset *queryset, const char *name, bm_column *out)
{
    bool asked = queryset != NULL && name != NULL && out != NULL;
    size_t field = asked ? bm__model_find(queryset->model, name) : SIZE_MAX;
    bm__view view;
    if (field == SIZE_MAX || !bm__queryset_view(queryset, field, &view)) {
        return BM_INVALID;
    }
    *out = view.cells;
    return BM_OK;
}

void bm_queryset_free(bm_queryset *queryset)
{
    if (queryset != NULL) {
        bm__journal_forget(queryset);
        bm__snapshot_free(queryset->snapshot);
        bm__arena_free(&queryset->arena);
        free(queryset->rows);
        free(queryset);
    }
}
