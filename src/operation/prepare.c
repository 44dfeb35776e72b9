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

static bm_status new_masks(bm__call *call, bm_error *err)
{
    call->mask_words = (call->model->n_fields + BM__MASK_BITS - 1) / BM__MASK_BITS;
    size_t n = call->caller_rows > 0 ? call->caller_rows : 1;
    call->masks = calloc(n, call->mask_words * sizeof *call->masks);
    return call->masks != NULL ? BM_OK : bm__no_memory(err);
}

static void mark(bm__call *call, size_t row, size_t field)
{
    call->masks[row * call->mask_words + field / BM__MASK_BITS] |= UINT64_C(1)
                                                                   << field % BM__MASK_BITS;
}

static bool marked(const bm__call *call, size_t row, size_t field)
{
    uint64_t word = call->masks[row * call->mask_words + field / BM__MASK_BITS];
    return (word >> field % BM__MASK_BITS & 1) != 0;
}

bm_status bm__prepare_keeps(bm__call *call, const bool *keeps, bm_error *err)
{
    bool any = false;
    for (size_t i = 0; i < call->model->n_fields; i++) {
        any = any || keeps[i];
    }
    if (!any) {
        return BM_OK;
    }
    BM_TRY(new_masks(call, err));
    for (size_t i = 0; i < call->model->n_fields; i++) {
        for (size_t row = 0; keeps[i] && row < call->n_rows; row++) {
            if (bm__view_state(&call->fields[i], row) != BM_KEEP) {
                mark(call, row, i);
            }
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

bm_status bm__prepare_same_keys(const bm__call *call, const bm_queryset *queryset,
                                const bm__fields *keys, bm_error *err)
{
    bm__buffer scratch = {0};
    bm_status status = BM_OK;
    const bm__image *image = queryset != NULL ? queryset->image : NULL;
    for (size_t k = 0; image != NULL && k < keys->n; k++) {
        size_t field = keys->at[k];
        const char *name = call->model->fields[field].name;
        bool look = image->columns[field].known && call->has[field];
        for (size_t row = 0; look && status == BM_OK && row < call->n_rows; row++) {
            bool differs;
            status =
                bm__image_differs(image, field, &call->fields[field], row, &scratch, &differs, err);
            if (status == BM_OK && differs) {
                status = bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, row, name,
                                       "row %zu: its key column \"%s\" was changed", row, name);
            }
        }
    }
    bm__buffer_free(&scratch);
    return status;
}

static bm_status compare(bm__call *call, const bm_queryset *queryset, size_t field,
                         bm__buffer *scratch, bool *changed, bm_error *err)
{
    const bm__image *image = queryset->image;
    for (size_t row = 0; row < call->n_rows; row++) {
        bool differs = bm__view_state(&call->fields[field], row) != BM_KEEP;
        if (image != NULL) {
            BM_TRY(
                bm__image_differs(image, field, &call->fields[field], row, scratch, &differs, err));
        }
        if (differs) {
            mark(call, row, field);
            *changed = true;
        }
    }
    return BM_OK;
}

static bool any_bit(const bm__call *call, size_t row)
{
    uint64_t bits = 0;
    for (size_t word = 0; word < call->mask_words; word++) {
        bits |= call->masks[row * call->mask_words + word];
    }
    return bits != 0;
}

static bm_status pick_changed(bm__call *call, uint64_t *unchanged, bm_error *err)
{
    size_t n = 0;
    for (size_t row = 0; row < call->n_rows; row++) {
        n += any_bit(call, row);
    }
    *unchanged = call->n_rows - n;
    if (n == call->n_rows) {
        return BM_OK;
    }
    call->pick = malloc((n > 0 ? n : 1) * sizeof *call->pick);
    if (call->pick == NULL) {
        return bm__no_memory(err);
    }
    n = 0;
    for (size_t row = 0; row < call->n_rows; row++) {
        if (any_bit(call, row)) {
            call->pick[n++] = row;
        } else if (call->outcomes != NULL) {
            call->outcomes[row] = BM_ROW_UNCHANGED;
        }
    }
    call->n_rows = n;
    return BM_OK;
}

bm_status bm__prepare_changes(bm__call *call, const bm_queryset *queryset, bool *changes,
                              bool *keeps, uint64_t *unchanged, bm_error *err)
{
    const bm_model *model = call->model;
    bm__buffer scratch = {0};
    bm_status status = new_masks(call, err);
    for (size_t i = 0; i < model->n_fields; i++) {
        bool compared = call->has[i] && (model->fields[i].flags & (BM_KEY | BM_READ_ONLY)) == 0;
        changes[i] = keeps[i] = false;
        if (status == BM_OK && compared) {
            status = compare(call, queryset, i, &scratch, &changes[i], err);
        }
    }
    bm__buffer_free(&scratch);
    BM_TRY(status);
    BM_TRY(pick_changed(call, unchanged, err));
    for (size_t i = 0; i < model->n_fields; i++) {
        for (size_t k = 0; changes[i] && !keeps[i] && k < call->n_rows; k++) {
            keeps[i] = !marked(call, call->pick != NULL ? call->pick[k] : k, i);
        }
    }
    return BM_OK;
}
