/* Values as parameters of a statement: a column as a binary array, or one value alone. */
#include "block.h"

/* Values of one size, evenly spaced, none NULL: their places are known. */
static bm_status append_run(const bm__slot *slot, const bm__batch *batch, size_t column,
                            size_t from, bm__buffer *out, bm_error *err)
{
    uint8_t *cursor[BM__BLOCK];
    uint8_t *start;
    size_t bad;
    const bm__codec_run *run = slot->codec->run;
    const void *first = bm__even_cells(batch, column, from);
    const ptrdiff_t stride = batch->views[column].cells.stride;
    const size_t n = bm__block_rows(batch, from);
    const size_t size = 4 + (size_t)run->size;
    const char *fault = run->check != NULL ? run->check(first, stride, n, &bad) : NULL;
    if (fault != NULL) {
        return bm__bad_cell(err, from + bad, batch->views[column].name, fault);
    }
    BM_TRY(bm__buffer_reserve(out, n * size, &start, err));
    for (size_t i = 0; i < n; i++) {
        cursor[i] = start + i * size;
    }
    run->write(first, stride, n, cursor, 0);
    out->size += n * size;
    return BM_OK;
}

static bm_status append_block(const bm__slot *slot, const bm__batch *batch, size_t column,
                              size_t from, bm__buffer *out, size_t *nulls, bm_error *err)
{
    const void *at[BM__BLOCK];
    uint32_t sizes[BM__BLOCK];
    uint8_t *cursor[BM__BLOCK];
    size_t bad;
    uint8_t *start;
    const size_t n = bm__block_rows(batch, from);
    if (slot->codec->run != NULL && bm__even_cells(batch, column, from) != NULL) {
        return append_run(slot, batch, column, from, out, err);
    }
    *nulls += bm__batch_gather(batch, column, from, n, at);
    const char *fault = bm__known_sizes(batch, column, from, n, sizes)
                            ? NULL
                            : slot->codec->measure(slot, at, n, sizes, &bad);
    if (fault != NULL) {
        return bm__bad_cell(err, from + bad, batch->views[column].name, fault);
    }
    size_t total = bm__lay_out(sizes, n, NULL, NULL);
    BM_TRY(bm__buffer_reserve(out, total, &start, err));
    (void)bm__lay_out(sizes, n, start, cursor);
    slot->codec->write(slot, at, n, sizes, cursor);
    out->size += total;
    return BM_OK;
}

static bm_status array_too_large(const bm__view *view, bm_error *err)
{
    return bm__fail_cell(err, BM_LIMIT, BM_STAGE_CONVERT, BM_NO_ROW, view->name,
                         "the values of a statement are 1 GB or larger");
}

/* Room for values of one size at once: a buffer that doubles would be copied. */
static bm_status begin_array(bm__pg_array *array, const bm__batch *batch, bm_error *err)
{
    const bm__codec_run *run = array->slot->codec->run;
    const size_t cell = 4 + (size_t)(run != NULL ? run->size : 0);
    uint8_t *header;
    array->nulls = 0;
    if (batch->n_rows > BM__ARRAY_COUNT_MAX || batch->n_rows > BM__VALUE_MAX / 4) {
        return array_too_large(&batch->views[array->column], err);
    }
    size_t room = batch->n_rows <= BM__VALUE_MAX / cell ? batch->n_rows * cell : 0;
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
            BM_TRY(append_block(array->slot, batch, array->column, from, array->out, &array->nulls,
                                err));
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
        } else if (array->nulls > 0) {
            (void)bm__array_header(array->out->data + array->start, batch->n_rows, true,
                                   array->slot->oid);
        }
    }
    return status;
}

bm_status bm__pg_value(const bm__slot *slot, const void *cell, const char *column, bm__buffer *out,
                       bm_error *err)
{
    uint32_t size;
    size_t bad;
    uint8_t *at;
    const char *fault = slot->codec->measure(slot, &cell, 1, &size, &bad);
    if (fault != NULL) {
        return bm__bad_cell(err, BM_NO_ROW, column, fault);
    }
    BM_TRY(bm__buffer_reserve(out, 4 + (size_t)size, &at, err));
    uint8_t *cursor = at;
    slot->codec->write(slot, &cell, 1, &size, &cursor);
    memmove(at, at + 4, size);
    out->size += size;
    return BM_OK;
}
