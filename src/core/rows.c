#include "rows.h"

#include "model.h"
#include "options.h"
#include "queryset.h"
#include "type.h"

#include <assert.h>
#include <string.h>

_Static_assert(BM__ROWS_STRUCTS > 0, "zeroed rows are of no kind");

static bm_rows make(bm__rows_kind kind, const bm_model *model, const void *data, size_t n)
{
    bm_rows rows = {.kind = (int)kind, .model = model, .data = data, .count = n};
    return rows;
}

bm_rows bm_structs(const bm_model *model, const void *rows, size_t n)
{
    return make(BM__ROWS_STRUCTS, model, rows, n);
}

bm_rows bm_struct_pointers(const bm_model *model, const void *const *rows, size_t n)
{
    return make(BM__ROWS_POINTERS, model, rows, n);
}

bm_rows bm_columns(const bm_model *model, const bm_column *columns, size_t n)
{
    return make(BM__ROWS_COLUMNS, model, columns, n);
}

bm_rows bm_keys(const bm_model *model, const void *keys, size_t n)
{
    return make(BM__ROWS_KEYS, model, keys, n);
}

bm_rows bm_all(const bm_model *model)
{
    return make(BM__ROWS_ALL, model, NULL, 0);
}

bm_rows bm_stream(const bm_model *model, const bm_source *source)
{
    return make(BM__ROWS_STREAM, model, source, 0);
}

bm_rows bm_queryset_rows(bm_queryset *queryset)
{
    return make(BM__ROWS_QUERYSET, queryset != NULL ? queryset->model : NULL, queryset,
                bm_queryset_count(queryset));
}

static bm_status check_columns(const bm_rows *rows, bm_error *err)
{
    const bm_column *columns = rows->data;
    for (size_t i = 0; i < rows->model->n_fields; i++) {
        const bm_column *column = &columns[i];
        const bm_field *field = &rows->model->fields[i];
        if (column->data == NULL) {
            continue;
        }
        if (!bm__type_fits(column->type, column->layout, column->width)) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\": type, layout and width do not match", field->name);
        }
        if (column->type != field->type ||
            (column->layout != field->layout &&
             (bm__is_array(column->layout) || bm__is_array(field->layout)))) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\": its type differs from the model's", field->name);
        }
    }
    return BM_OK;
}

static bm_status check_keys(const bm_rows *rows, bm_error *err)
{
    size_t keys = 0;
    for (size_t i = 0; i < rows->model->n_fields; i++) {
        keys += (rows->model->fields[i].flags & BM_KEY) != 0;
    }
    if (keys != 1) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_keys needs a key of one column; the key of \"%s\" has %zu",
                        rows->model->table, keys);
    }
    return BM_OK;
}

static bm_status check_source(const bm_rows *rows, bm_error *err)
{
    const bm_source *source = rows->data;
    const size_t sizes[] = {offsetof(bm_source, release), offsetof(bm_source, skip)}; /* older */
    const size_t known = source->size >= sizeof *source ? sizeof *source
                         : source->size >= sizes[1]     ? sizes[1]
                                                        : sizes[0];
    BM_TRY(bm__options_check(known, source, "bm_source", err));
    if (source->next == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "a bm_source needs its next function");
    }
    if (rows->model->row_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a stream needs a model with a row struct");
    }
    return BM_OK;
}

bm_status bm__rows_check(const bm_rows *rows, bm_error *err)
{
    if (rows->kind < BM__ROWS_STRUCTS || rows->kind > BM__ROWS_ARROW) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "make bm_rows with bm_structs, bm_columns or another function for them");
    }
    BM_TRY(bm__model_check(rows->model, err));
    bool empty = rows->count == 0 && rows->kind != BM__ROWS_STREAM && rows->kind != BM__ROWS_ARROW;
    if (rows->data == NULL && rows->kind != BM__ROWS_ALL && !empty) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the rows have no data");
    }
    switch ((bm__rows_kind)rows->kind) {
    case BM__ROWS_STRUCTS:
    case BM__ROWS_POINTERS:
        if (rows->model->row_size == 0) {
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the model has no row struct");
        }
        return BM_OK;
    case BM__ROWS_COLUMNS:
        return empty ? BM_OK : check_columns(rows, err);
    case BM__ROWS_KEYS:
        return check_keys(rows, err);
    case BM__ROWS_STREAM:
        return check_source(rows, err);
    case BM__ROWS_ARROW:
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "bm_arrow: not for this function");
    case BM__ROWS_ALL:
    case BM__ROWS_QUERYSET:
        return BM_OK;
    }
    return BM_OK;
}

static void view_structs(const bm_rows *rows, const bm_field *field, bm__view *out)
{
    assert(rows->kind == BM__ROWS_STRUCTS && field->offset < rows->model->row_size);
    const char *base = rows->data;
    if (base == NULL) {
        return; /* no rows */
    }
    size_t stride = rows->model->row_size;
    out->cells.data = base + field->offset;
    out->cells.stride = (ptrdiff_t)stride;
    if (field->state_offset != BM_NO_STATE) {
        out->cells.states = (const uint8_t *)base + field->state_offset;
        out->cells.state_stride = (ptrdiff_t)stride;
    }
}

bool bm__rows_view(const bm_rows *rows, size_t i, bm__view *out)
{
    assert(i < rows->model->n_fields);
    const bm_field *field = &rows->model->fields[i];
    *out =
        (bm__view){.name = field->name,
                   .cells = {.type = field->type, .layout = field->layout, .width = field->width},
                   .state_offset = BM_NO_STATE};
    switch ((bm__rows_kind)rows->kind) {
    case BM__ROWS_STRUCTS:
        view_structs(rows, field, out);
        return true;
    case BM__ROWS_POINTERS:
        assert(field->offset < rows->model->row_size);
        out->rows = rows->data;
        out->offset = field->offset;
        out->state_offset = field->state_offset;
        return true;
    case BM__ROWS_COLUMNS:
        if (rows->data != NULL) {
            out->cells = ((const bm_column *)rows->data)[i];
        }
        return out->cells.data != NULL;
    case BM__ROWS_KEYS:
        out->cells.data = rows->data;
        out->cells.stride = (ptrdiff_t)field->width;
        return (field->flags & BM_KEY) != 0;
    case BM__ROWS_QUERYSET:
        return bm__queryset_view(rows->data, i, out);
    case BM__ROWS_ALL:
    case BM__ROWS_STREAM:
    case BM__ROWS_ARROW:
        break;
    }
    return false;
}

bm_queryset *bm__rows_queryset(const bm_rows *rows)
{
    assert(rows->kind >= BM__ROWS_STRUCTS && rows->kind <= BM__ROWS_ARROW);
    bm_queryset *queryset = NULL;
    if (rows->kind == BM__ROWS_QUERYSET) {
        memcpy(&queryset, &rows->data, sizeof queryset);
    }
    return queryset;
}
