#include "call.h"

#include <stdlib.h>
#include <string.h>

static void free_sizes(bm__call *call)
{
    for (size_t i = 0; i < call->n_sizes; i++) {
        free(call->sizes[i]);
    }
    free(call->sizes);
    call->sizes = NULL;
    call->n_sizes = call->sizes_capacity = 0;
}

void bm__call_free_chunk(bm__call *call)
{
    free_sizes(call);
    free(call->pick);
    free(call->keys);
    free(call->buffer);
    free(call->outcomes);
    call->pick = NULL;
    call->keys = NULL;
    call->buffer = NULL;
    call->outcomes = NULL;
    call->keys_capacity = call->outcomes_capacity = 0;
}

void bm__call_free(bm__call *call)
{
    for (size_t i = 0; call->flags != NULL && i < call->model->n_fields; i++) {
        free(call->flags[i]);
    }
    free(call->flags);
    free(call->fields);
    free(call->has);
    free(call->masks);
    bm__call_free_chunk(call);
    bm_queryset_free(call->made);
}

static bm_status grow(void **at, size_t count, size_t size, bm_error *err)
{
    size_t total;
    void *grown = NULL;
    if (!__builtin_mul_overflow(count, size, &total)) {
        grown = realloc(*at, total > 0 ? total : 1);
    }
    if (grown == NULL) {
        return bm__no_memory(err);
    }
    *at = grown;
    return BM_OK;
}

bm_status bm__call_room(bm__call *call, size_t rows, bm_error *err)
{
    const bm__plan *plan = call->plan;
    size_t in_memory = plan != NULL && call->source != NULL ? plan->chunk_rows : rows;
    if (plan != NULL && plan->key_tracked && call->keys_capacity < in_memory) {
        size_t width = plan->model->fields[plan->key_field].width;
        BM_TRY(grow((void **)&call->keys, in_memory, width, err));
        memset(call->keys + call->keys_capacity * width, 0,
               (in_memory - call->keys_capacity) * width);
        call->keys_capacity = in_memory;
    }
    if (call->keeps_outcomes && call->outcomes_capacity < rows) {
        size_t capacity = call->source != NULL && rows < 2 * call->outcomes_capacity
                              ? 2 * call->outcomes_capacity
                              : rows;
        BM_TRY(grow((void **)&call->outcomes, capacity, 1, err));
        memset(call->outcomes + call->outcomes_capacity, 0, capacity - call->outcomes_capacity);
        call->outcomes_capacity = capacity;
    }
    return BM_OK;
}

size_t bm__call_row(const bm__call *call, const bm__batch *batch, size_t i)
{
    return call->base + bm__batch_row(batch, i);
}

bm__view bm__call_key_view(const bm__call *call)
{
    const bm_field *field = &call->model->fields[call->plan->key_field];
    return (bm__view){.name = field->name,
                      .cells = {.type = field->type,
                                .layout = field->layout,
                                .width = field->width,
                                .data = call->keys,
                                .stride = (ptrdiff_t)field->width},
                      .state_offset = BM_NO_STATE};
}

static bm__view helper_view(const bm__call *call, const bm__plan_column *column)
{
    bm__view view = {.name = "", .state_offset = BM_NO_STATE};
    if (column->supply == BM__SUPPLY_MASK) {
        view.cells = (bm_column){.type = BM_INT8,
                                 .layout = BM_FIXED,
                                 .width = 8,
                                 .data = call->masks + column->word,
                                 .stride = (ptrdiff_t)(8 * call->mask_words)};
    } else if (column->supply == BM__SUPPLY_FLAG) {
        view.cells = (bm_column){.type = BM_BOOL,
                                 .layout = BM_FIXED,
                                 .width = 1,
                                 .data = call->flags[column->field],
                                 .stride = 1};
    }
    return view;
}

static bm__view constant_view(const bm__call *call, const bm__plan_column *column)
{
    const bm_field *field = &call->model->fields[column->field];
    bm__view view = {.name = field->name,
                     .cells = {.type = field->type, .layout = field->layout, .width = field->width},
                     .state_offset = BM_NO_STATE};
    if (column->supply == BM__SUPPLY_UUID) {
        view.cells.data = &call->uuid;
    } else {
        view.cells.data = (const char *)call->values + field->offset;
        if (field->state_offset != BM_NO_STATE) {
            view.cells.states = (const uint8_t *)call->values + field->state_offset;
        }
    }
    return view;
}

void bm__call_views(const bm__call *call, const bm__plan_column *columns, size_t n, bm__view *out)
{
    for (size_t i = 0; i < n; i++) {
        switch (columns[i].supply) {
        case BM__SUPPLY_FIELD:
            out[i] = call->fields[columns[i].field];
            if (columns == call->plan->columns && i < call->n_sizes) {
                out[i].sizes = call->sizes[i];
            }
            break;
        case BM__SUPPLY_KEY:
            out[i] = bm__call_key_view(call);
            break;
        case BM__SUPPLY_UUID:
        case BM__SUPPLY_VALUES:
            out[i] = constant_view(call, &columns[i]);
            break;
        case BM__SUPPLY_FLAG:
        case BM__SUPPLY_MASK:
        case BM__SUPPLY_STATEMENT:
            out[i] = helper_view(call, &columns[i]);
            break;
        }
    }
}

/* Text is looked at once: its sizes are kept until it is sent. */
static bm_status begin_sizes(bm__call *call, size_t rows, bm_error *err)
{
    const bm__plan *plan = call->plan;
    bool stream = call->source != NULL; /* whose plan is the same for all chunks */
    if (plan->engine->format == NULL || (stream && rows <= call->sizes_capacity)) {
        return BM_OK;
    }
    free_sizes(call);
    call->sizes = calloc(plan->n_columns + 1, sizeof *call->sizes);
    if (call->sizes == NULL) {
        return bm__no_memory(err);
    }
    call->n_sizes = plan->n_columns;
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (plan->columns[i].supply != BM__SUPPLY_FIELD ||
            !plan->engine->format->varies(&plan->columns[i].slot)) {
            continue;
        }
        call->sizes[i] = calloc(rows, sizeof *call->sizes[i]);
        if (call->sizes[i] == NULL) {
            return bm__no_memory(err);
        }
    }
    call->sizes_capacity = rows;
    return BM_OK;
}

/* Of the columns, those whose cells are the caller's, or are set for all rows. */
static bm_status check_block(bm__call *call, const bm__batch *block, bool first, bm_error *err)
{
    const bm__engine *engine = call->plan->engine;
    const bm__plan_column *columns = call->plan->columns;
    for (size_t i = 0; i < block->n_views; i++) {
        bm__batch one = *block;
        one.views = &block->views[i];
        one.n_views = 1;
        if (columns[i].supply == BM__SUPPLY_VALUES && first) {
            one.n_rows = 1;
            one.pick = NULL;
            one.first = 0;
        } else if (columns[i].supply != BM__SUPPLY_FIELD) {
            continue;
        }
        BM_TRY(engine->format == NULL
                   ? engine->storage->check(&one, err)
                   : engine->format->check(&columns[i].slot, &one, call->sizes + i, err));
    }
    return BM_OK;
}

/* Block by block: a struct of many members is fetched once, not once a column. */
static bm_status check_columns(bm__call *call, const bm__batch *batch, bm_error *err)
{
    for (size_t from = 0; from < batch->n_rows; from += BM__BLOCK) {
        size_t left = batch->n_rows - from;
        bm__batch block = bm__batch_slice(batch, from, left < BM__BLOCK ? left : BM__BLOCK);
        bm_status status = check_block(call, &block, from == 0, err);
        if (status != BM_OK) {
            err->row += err->row != BM_NO_ROW ? from : 0;
            return status;
        }
    }
    return BM_OK;
}

bm_status bm__call_check(bm__call *call, const bm__batch *batch, bm_error *err)
{
    size_t rows = call->source != NULL ? call->plan->chunk_rows : call->caller_rows;
    BM_TRY(begin_sizes(call, rows > 0 ? rows : 1, err));
    bm_status status = check_columns(call, batch, err);
    if (status != BM_OK && err->row != BM_NO_ROW && batch->n_rows > 0) {
        err->row = bm__call_row(call, batch, err->row);
    }
    return status;
}

bm_status bm__call_no_null_keys(const bm__call *call, size_t n, bm_error *err)
{
    for (size_t i = 0; i < call->model->n_fields; i++) {
        const bm__view *view = &call->fields[i];
        unsigned flags = call->model->fields[i].flags & (BM_KEY | BM_ASSIGNED);
        bool given = flags == BM_KEY && call->has[i] && bm__view_has_states(view);
        for (size_t row = 0; given && row < n; row++) {
            if (bm__view_state(view, row) == BM_NULL) {
                return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, call->base + row, view->name,
                                     "row %zu: the key column \"%s\" is NULL", call->base + row,
                                     view->name);
            }
        }
    }
    return BM_OK;
}

void bm__call_rewind(bm__call *call)
{
    atomic_store(&call->next, 0);
    atomic_store(&call->commit_until_ns, 0);
    call->base = 0;
    bm_queryset_free(call->made);
    call->made = NULL;
    call->suspects = (bm__suspects){0};
}

void bm__call_claim(bm__call *call, size_t *from, size_t *n)
{
    size_t chunk = call->plan->chunk_rows;
    *from = atomic_fetch_add(&call->next, chunk);
    *n = *from >= call->n_rows ? 0 : call->n_rows - *from < chunk ? call->n_rows - *from : chunk;
}

bm_status bm__call_collect(bm__call *call, size_t from, size_t n, bm_error *err)
{
    const bm__plan *plan = call->plan;
    bm__view views[64];
    bool has[64];
    size_t fields = call->model->n_fields;
    bm__view *v = fields <= 64 ? views : malloc(fields * sizeof *v);
    bool *h = fields <= 64 ? has : malloc(fields * sizeof *h);
    bm_status status = v != NULL && h != NULL ? BM_OK : bm__no_memory(err);
    for (size_t i = 0; status == BM_OK && i < fields; i++) {
        bm__plan_column uuid = {.supply = BM__SUPPLY_UUID, .field = i};
        bool constant = (call->model->fields[i].flags & BM_CREATE_UUID) != 0;
        bool key = plan->key_tracked && i == plan->key_field;
        v[i] = key ? bm__call_key_view(call) : call->fields[i];
        if (constant) {
            bm__call_views(call, &uuid, 1, &v[i]);
        }
        h[i] =
            key || constant || (call->has[i] && (call->model->fields[i].flags & BM_READ_ONLY) == 0);
    }
    bool run = call->pick == NULL && call->outcomes == NULL;
    if (run && status == BM_OK) {
        status = bm__queryset_append_run(call->made, v, h, from, n, err);
    }
    for (size_t i = from; !run && status == BM_OK && i < from + n; i++) {
        size_t row = call->pick != NULL ? call->pick[i] : i;
        if (call->outcomes == NULL || call->outcomes[call->base + row] != BM_ROW_IGNORED) {
            status = bm__queryset_append(call->made, v, h, row, err);
        }
    }
    if (v != views) {
        free(v);
    }
    if (h != has) {
        free(h);
    }
    return status;
}
