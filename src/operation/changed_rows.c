/* Which cells of which rows are written: those that differ from the snapshot, or do not stay. */
#include "prepare.h"

#include <stdlib.h>

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

bm_status bm__prepare_same_keys(const bm__call *call, const bm_queryset *queryset,
                                const bm__fields *keys, bm_error *err)
{
    bm__buffer scratch = {0};
    bm_status status = BM_OK;
    const bm__snapshot *snapshot = queryset != NULL ? queryset->snapshot : NULL;
    for (size_t k = 0; snapshot != NULL && k < keys->n; k++) {
        size_t field = keys->at[k];
        const char *name = call->model->fields[field].name;
        bool look = snapshot->columns[field].known && call->has[field];
        for (size_t row = 0; look && status == BM_OK && row < call->n_rows; row++) {
            bool differs;
            status = bm__snapshot_differs(snapshot, field, &call->fields[field], row, &scratch,
                                          &differs, err);
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
    const bm__snapshot *snapshot = queryset->snapshot;
    for (size_t row = 0; row < call->n_rows; row++) {
        bool differs = bm__view_state(&call->fields[field], row) != BM_KEEP;
        if (snapshot != NULL) {
            BM_TRY(bm__snapshot_differs(snapshot, field, &call->fields[field], row, scratch,
                                        &differs, err));
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
