#include "prepare.h"

#include <stdlib.h>
#include <string.h>

bm_status bm__prepare_rows(bm__call *call, const bm_rows *rows, bm_error *err)
{
    size_t n = rows->model->n_fields;
    call->model = rows->model;
    call->fields = calloc(n, sizeof *call->fields);
    call->has = calloc(n, sizeof *call->has);
    call->flags = calloc(n, sizeof *call->flags);
    if (call->fields == NULL || call->has == NULL || call->flags == NULL) {
        return bm__no_memory(err);
    }
    if (rows->kind == BM__ROWS_STREAM) {
        call->source = rows->data;
        memset(call->has, true, n);
        return BM_OK;
    }
    call->n_rows = call->caller_rows = rows->kind == BM__ROWS_ALL ? 1 : rows->count;
    for (size_t row = 0; rows->kind == BM__ROWS_POINTERS && row < rows->count; row++) {
        if (((const void *const *)rows->data)[row] == NULL) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, row, NULL,
                                 "row %zu is a NULL pointer", row);
        }
    }
    for (size_t i = 0; i < n; i++) {
        call->has[i] = bm__rows_view(rows, i, &call->fields[i]);
    }
    return BM_OK;
}

bm_status bm__prepare_stream(bm__call *call, bm_error *err)
{
    size_t rows = call->plan->chunk_rows;
    call->buffer = calloc(rows, call->model->row_size);
    if (call->buffer == NULL) {
        return bm__no_memory(err);
    }
    bm_rows chunk = bm_structs(call->model, call->buffer, rows);
    for (size_t i = 0; i < call->model->n_fields; i++) {
        call->has[i] = bm__rows_view(&chunk, i, &call->fields[i]);
    }
    call->n_rows = rows;
    return BM_OK;
}

static bm_status no_state(const bm__view *view, size_t from, bm_error *err)
{
    size_t row = from;
    while ((unsigned)bm__view_state(view, row) <= BM_KEEP) {
        row++;
    }
    return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, row, view->name,
                         "row %zu, column \"%s\": invalid state byte: expected BM_VALUE, BM_NULL, "
                         "BM_DEFAULT_CELL or BM_KEEP",
                         row, view->name);
}

bm_status bm__prepare_states(const bm__call *call, bool create, bool *defaults, bool *keeps,
                             bm_error *err)
{
    const size_t n_fields = call->model->n_fields;
    memset(defaults, false, n_fields * sizeof *defaults);
    memset(keeps, false, n_fields * sizeof *keeps);
    for (size_t from = 0; call->source == NULL && from < call->n_rows; from += BM__BLOCK) {
        size_t n = call->n_rows - from < BM__BLOCK ? call->n_rows - from : BM__BLOCK;
        for (size_t i = 0; i < n_fields; i++) {
            const bm__view *view = &call->fields[i];
            if (!call->has[i] || !bm__view_has_state_bytes(view)) {
                continue;
            }
            unsigned states = bm__view_states(view, from, n);
            if ((states & BM__STATE_NONE) != 0) {
                return no_state(view, from, err);
            }
            bool kept = (states & 1u << BM_KEEP) != 0;
            defaults[i] = defaults[i] || (states & 1u << BM_DEFAULT_CELL) != 0 || (create && kept);
            keeps[i] = keeps[i] || (!create && kept);
        }
    }
    return BM_OK;
}

bm_status bm__prepare_flags(bm__call *call, const bool *defaults, bm_error *err)
{
    for (size_t i = 0; i < call->model->n_fields; i++) {
        if (!defaults[i] || call->flags[i] != NULL) {
            continue;
        }
        call->flags[i] = malloc(call->caller_rows > 0 ? call->caller_rows : 1);
        if (call->flags[i] == NULL) {
            return bm__no_memory(err);
        }
        for (size_t row = 0; row < call->caller_rows; row++) {
            bm_state state = bm__view_state(&call->fields[i], row);
            call->flags[i][row] = state == BM_DEFAULT_CELL || state == BM_KEEP;
        }
    }
    return BM_OK;
}

bm_status bm__prepare_order(bm__call *call, const bm__fields *fields, bm_duplicates rule,
                            bool nulls, bm_error *err)
{
    if (fields->n == 0 || fields->n > BM__KEYS_MAX) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "a key of %zu columns", fields->n);
    }
    for (size_t i = 0; i < fields->n; i++) {
        if (!call->has[fields->at[i]]) {
            const char *name = call->model->fields[fields->at[i]].name;
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                                 "the rows do not hold column \"%s\", by which they are found",
                                 name);
        }
    }
    call->distinct = *fields;
    call->duplicates = rule;
    call->nulls_differ = nulls;
    return call->source != NULL ? BM_OK : bm__call_order(call, call->caller_rows, err);
}
