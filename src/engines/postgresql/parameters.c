/* Values as parameters of a statement: a column as a binary array, or one value alone. */
#include "binary_block.h"

static bm_status append_block(const bm__slot *slot, const bm__batch *batch, size_t column,
                              size_t from, bm__buffer *out, bool *has_null, bm_error *err)
{
    bm__measured block;
    uint8_t *start;
    size_t bad;
    const bm__cells *cells = &block.cells;
    const size_t n = bm__block_rows(batch, from);
    const char *fault = bm__measure_block(slot, batch, column, from, n, &block, &bad);
    if (fault != NULL) {
        return bm__bad_cell(err, from + bad, batch->views[column].name, fault);
    }
    size_t total = bm__values_size(slot->codec, cells, block.sizes);
    BM_TRY(bm__buffer_reserve(out, total, &start, err));
    bm__values_write(slot, cells, block.sizes, start);
    *has_null = *has_null || cells->nulls != NULL;
    out->size += total;
    return BM_OK;
}

static bm_status array_too_large(const bm__view *view, bm_error *err)
{
    return bm__fail_cell(err, BM_LIMIT, BM_STAGE_CONVERT, BM_NO_ROW, view->name,
                         "the values of a statement are 1 GB or larger");
}

/* Room at once where sizes are known: a buffer that doubles would be copied. */
static bm_status begin_array(bm__pg_array *array, const bm__batch *batch, bm_error *err)
{
    const size_t cell = 4 + (size_t)array->slot->codec->size;
    const uint32_t *sizes = batch->views[array->column].sizes;
    uint8_t *header;
    array->has_null = false;
    if (batch->n_rows > BM__ARRAY_COUNT_MAX || batch->n_rows > BM__VALUE_MAX / 4) {
        return array_too_large(&batch->views[array->column], err);
    }
    size_t room = batch->n_rows * cell;
    for (size_t i = 0; sizes != NULL && i < batch->n_rows; i++) {
        room += sizes[bm__batch_row(batch, i)];
    }
    room = room <= BM__VALUE_MAX ? room : 0;
    BM_TRY(bm__buffer_reserve(array->out, BM__ARRAY_HEADER_MAX + room, &header, err));
    array->out->size += bm__array_header(header, batch->n_rows, false, array->slot->oid);
    return BM_OK;
}

static bm_status append_arrays(bm__pg_array *arrays, size_t n, const bm__batch *batch,
                               bm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        BM_TRY(begin_array(&arrays[i], batch, err));
    }
    for (size_t from = 0; from < batch->n_rows; from += BM__BLOCK) {
        for (size_t i = 0; i < n; i++) {
            bm__pg_array *array = &arrays[i];
            BM_TRY(append_block(array->slot, batch, array->column, from, array->out,
                                &array->has_null, err));
            if (array->out->size - array->start > BM__VALUE_MAX) {
                return array_too_large(&batch->views[array->column], err);
            }
        }
    }
    return BM_OK;
}

bm_status bm__pg_arrays(bm__pg_array *arrays, size_t n, const bm__batch *batch, bm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        arrays[i].start = arrays[i].out->size;
    }
    bm_status status = append_arrays(arrays, n, batch, err);
    for (size_t i = 0; i < n; i++) {
        const bm__pg_array *array = &arrays[i];
        if (status != BM_OK) {
            array->out->size = array->start;
        } else if (array->has_null) {
            (void)bm__array_header(array->out->data + array->start, batch->n_rows, true,
                                   array->slot->oid);
        }
    }
    return status;
}

bm_status bm__pg_value(const bm__slot *slot, const void *cell, const char *column, bm__buffer *out,
                       bm_error *err)
{
    const bm__view view = {.name = column,
                           .cells = {slot->from, slot->layout, slot->width, cell, 0, NULL, 0, NULL},
                           .state_offset = BM_NO_STATE};
    const bm__batch batch = {.views = &view, .n_views = 1, .n_rows = 1};
    const size_t start = out->size;
    bool has_null = false;
    bm_status status = append_block(slot, &batch, 0, 0, out, &has_null, err);
    if (status != BM_OK) {
        err->row = BM_NO_ROW;
        return status;
    }
    if (has_null) {
        out->size = start;
        return bm__bad_cell(
            err, BM_NO_ROW, column,
            "a NULL pointer is not a value: set the state to BM_NULL to write NULL");
    }
    out->size -= 4;
    memmove(out->data + start, out->data + start + 4, out->size - start);
    return BM_OK;
}
