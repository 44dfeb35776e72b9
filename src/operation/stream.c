#include "stream.h"

#include <stdlib.h>
#include <string.h>

static bm_status check_states(const bm__call *call, size_t n, bm_error *err)
{
    BM_TRY(bm__call_no_null_keys(call, n, err));
    for (size_t i = 0; i < call->model->n_fields; i++) {
        const bm__view *view = &call->fields[i];
        for (size_t row = 0; bm__view_has_states(view) && row < n; row++) {
            bm_state state = bm__view_state(view, row);
            if ((unsigned)state > BM_KEEP) {
                return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, call->base + row, view->name,
                                     "row %zu, column \"%s\": invalid state byte: expected "
                                     "BM_VALUE, BM_NULL, BM_DEFAULT_CELL or BM_KEEP",
                                     call->base + row, view->name);
            }
            if (state != BM_VALUE && state != BM_NULL) {
                return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, call->base + row,
                                     view->name,
                                     "row %zu: column \"%s\" has no value: rows of a "
                                     "stream hold only values and NULL",
                                     call->base + row, view->name);
            }
        }
    }
    return BM_OK;
}

static void enter(const bm__guard *guard)
{
    if (guard->enter != NULL) {
        guard->enter(guard->user);
    }
}

static void leave(const bm__guard *guard)
{
    if (guard->leave != NULL) {
        guard->leave(guard->user);
    }
}

bool bm__stream_shared(const bm_source *source)
{
    return source->size >= offsetof(bm_source, release) + sizeof source->release &&
           source->release != NULL;
}

static void release(bm__call *call)
{
    const bm_source *source = call->source;
    if (call->holds && bm__stream_shared(source)) {
        source->release(source->user, call->buffer);
    }
    call->holds = false;
}

void bm__stream_release(bm__call *call)
{
    bm__call *whole = bm__call_whole(call);
    enter(&whole->guard);
    release(call);
    leave(&whole->guard);
}

/* Rows from the source, which one job at a time talks to. */
static bm_status fill(bm__call *call, bm__call *whole, size_t *n, bm_error *err)
{
    const bm_source *source = call->source;
    size_t capacity = call->plan->chunk_rows;
    release(call);
    call->base = whole->caller_rows;
    if (bm__cancelled(whole->cancel)) { /* while it waited for the others */
        return bm__fail(err, BM_CANCELLED, BM_STAGE_SOURCE, "cancelled");
    }
    memset(call->buffer, 0, capacity * call->model->row_size);
    bm_status status = source->next(source->user, call->buffer, capacity, n, err);
    if (status != BM_OK) {
        return bm__callback_failed(err, status, "source", call->base);
    }
    if (*n > capacity) {
        return bm__fail(err, BM_INVALID, BM_STAGE_SOURCE,
                        "the source wrote more rows than there is room for");
    }
    call->holds = *n > 0;
    call->pulled = *n;
    whole->caller_rows += *n;
    call->caller_rows = whole->caller_rows;
    return BM_OK;
}

bm_status bm__stream_pull(bm__call *call, size_t *n, bm_error *err)
{
    bm__call *whole = bm__call_whole(call);
    *n = 0;
    call->dropped = 0;
    enter(&whole->guard);
    bm_status status = fill(call, whole, n, err);
    leave(&whole->guard);
    BM_TRY(status);
    BM_TRY(bm__call_room(call, call->caller_rows, err));
    BM_TRY(check_states(call, *n, err));
    if (call->distinct.n > 0 && *n > 0) {
        free(call->pick);
        call->pick = NULL;
        call->n_rows = *n;
        BM_TRY(bm__call_order(call, *n, err));
        *n = call->n_rows;
    }
    return BM_OK;
}

bm_status bm__stream_rewind(bm__call *call, bm_error *err)
{
    const bm_source *source = call->source;
    if (source->rewind == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_SOURCE, "the source can be read only once");
    }
    bm_status status = source->rewind(source->user, err);
    if (status != BM_OK) {
        return bm__callback_failed(err, status, "source", 0);
    }
    bm__call_free_chunk(call); /* the next plan may be another one */
    call->base = call->caller_rows = call->pulled = 0;
    return BM_OK;
}

/* Cells of the same place in another buffer. */
static const void *moved(const void *at, const bm__call *whole, const bm__call *twin)
{
    return at != NULL ? twin->buffer + ((const unsigned char *)at - whole->buffer) : NULL;
}

bm_status bm__stream_twin(bm__call *whole, bm__call *twin, bm_error *err)
{
    size_t n = whole->model->n_fields;
    *twin = *whole;
    twin->whole = whole;
    twin->pick = NULL;
    twin->sizes = NULL;
    twin->n_sizes = twin->sizes_capacity = 0;
    twin->keys = NULL;
    twin->keys_capacity = 0;
    twin->outcomes = NULL;
    twin->outcomes_capacity = 0;
    twin->holds = false;
    twin->fields = calloc(n, sizeof *twin->fields);
    twin->buffer = calloc(whole->plan->chunk_rows, whole->model->row_size);
    if (twin->fields == NULL || twin->buffer == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        twin->fields[i] = whole->fields[i];
        bm_column *cells = &twin->fields[i].cells;
        cells->data = moved(cells->data, whole, twin);
        cells->states = moved(cells->states, whole, twin);
    }
    return bm__call_room(twin, 0, err);
}

void bm__stream_twin_free(bm__call *twin)
{
    bm__call_free_chunk(twin);
    free(twin->fields);
}
