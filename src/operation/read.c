#include "job_parts.h"

#include <stdlib.h>
#include <string.h>

/* NULL needs a state byte, or a pointer that can be NULL. */
static bm_status put_null(const bm_field *field, unsigned char *at, size_t row, bm_error *err)
{
    if (field->state_offset == BM_NO_STATE && field->layout != BM_CSTR) {
        return bm__fail_cell(err, BM_CONVERT, BM_STAGE_READ, row, field->name,
                             "row %zu: column \"%s\" is NULL, and its member has no state", row,
                             field->name);
    }
    memset(at + field->offset, 0, field->width);
    return BM_OK;
}

/* Tell the snapshot what the struct of a queryset's row now holds. */
static bm_status imprint(bm__job *job, bm_queryset *made, size_t row, bm_error *err)
{
    for (size_t i = 0; i < job->plan->n_outputs; i++) {
        size_t field = job->plan->outputs[i].field;
        bm__view view;
        if (bm__queryset_view(made, field, &view)) {
            BM_TRY(bm__snapshot_set(made->snapshot, field, row, &view, row, err));
            made->snapshot->columns[field].known = true;
        }
    }
    return BM_OK;
}

static bm_status put_row(bm__job *job, const bm__cell *cells, size_t n, unsigned char *at,
                         bm__arena *arena, size_t row, bm_error *err)
{
    if (n != job->plan->n_outputs) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_READ, "a row of %zu columns, not of %zu", n,
                        job->plan->n_outputs);
    }
    const bm_field *fields = job->plan->model->fields;
    for (size_t i = 0; i < n; i++) {
        const bm__plan_output *output = &job->plan->outputs[i];
        const bm_field *field = &fields[output->field];
        bool null = cells[i].kind == BM__CELL_NULL;
        if (field->state_offset != BM_NO_STATE) {
            at[field->state_offset] = null ? BM_NULL : BM_VALUE;
        }
        if (null) {
            BM_TRY(put_null(field, at, row, err));
            continue;
        }
        BM_TRY(bm__decode(job->plan, output, &cells[i], at + field->offset, arena, row, err));
    }
    return BM_OK;
}

/* Give a full chunk of structs to the caller. */
static bm_status flush(bm__job *job, bm_error *err)
{
    bm__call *call = job->call;
    if (job->n_rows == 0) {
        return BM_OK;
    }
    int64_t begun = bm__now_ns();
    bm_status status = call->sink(call->sink_user, job->rows, job->n_rows, err);
    call->paused_ns += bm__now_ns() - begun;
    if (status != BM_OK) {
        return bm__callback_failed(err, status, "sink", (size_t)job->read - job->n_rows);
    }
    memset(job->rows, 0, job->n_rows * call->model->row_size);
    job->n_rows = 0;
    bm__arena_free(&job->arena);
    return BM_OK;
}

static bm_status to_sink(bm__job *job, const bm__cell *cells, size_t n, size_t row, bm_error *err)
{
    size_t row_size = job->call->model->row_size;
    if (job->rows == NULL) {
        job->rows = calloc(job->call->sink_rows, row_size);
        if (job->rows == NULL) {
            return bm__no_memory(err);
        }
    }
    BM_TRY(put_row(job, cells, n, job->rows + job->n_rows * row_size, &job->arena, row, err));
    job->n_rows++;
    job->read++;
    return job->n_rows == job->call->sink_rows ? flush(job, err) : BM_OK;
}

/* copy_to: members that are not read (outputs are in the model's order) are to stay as they are in
 * an update, unless the caller puts something there. */
static bm_status leave_unread(const bm__plan *plan, bm_queryset *made, size_t row,
                              unsigned char *at, bm_error *err)
{
    size_t output = 0;
    for (size_t i = 0; plan->n_outputs < plan->model->n_fields && i < plan->model->n_fields; i++) {
        const bm_field *field = &plan->model->fields[i];
        bm__view view;
        if (output < plan->n_outputs && plan->outputs[output].field == i) {
            output++;
        } else if (field->state_offset != BM_NO_STATE) {
            at[field->state_offset] = BM_KEEP;
        } else if (bm__queryset_view(made, i, &view)) {
            BM_TRY(bm__snapshot_set(made->snapshot, i, row, &view, row, err));
            made->snapshot->columns[i].known = true;
        }
    }
    return BM_OK;
}

/* copy_to: one more row, which errors call `row`. */
static bm_status append(bm__job *job, const bm__cell *cells, size_t n, size_t row, bm_error *err)
{
    bm_queryset *made = job->call->made;
    if (job->call->sink != NULL) {
        return to_sink(job, cells, n, row, err);
    }
    BM_TRY(bm__queryset_room(made, err));
    unsigned char *at = made->rows + made->count * made->model->row_size;
    BM_TRY(put_row(job, cells, n, at, &made->arena, row, err));
    made->count++;
    made->snapshot->count = made->count;
    job->read++;
    BM_TRY(leave_unread(job->plan, made, made->count - 1, at, err));
    return imprint(job, made, made->count - 1, err);
}

static bm_status push_all(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    return append(job, cells, n, (size_t)job->read, err);
}

static bm_status take(void *context, const uint8_t *bytes, size_t size, bm_error *err)
{
    bm__job *job = context;
    return job->plan->engine->format->copy_read(&job->copy, bytes, size, push_all, job, err);
}

/* copy_to by keys: (ord, columns ...), in the order of the keys. */
static bm_status push_keyed(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    size_t i = 0;
    BM_TRY(bm__cell_chunk_row(job, cells, n, &i, err));
    job->seen[i] = BM__SEEN;
    return append(job, cells + 1, n - 1, bm__call_row(job->call, &job->batch, i), err);
}

static bool is_collected(const bm__job *job, size_t i)
{
    const uint8_t *outcomes = job->call->outcomes;
    return outcomes == NULL || outcomes[bm__call_row(job->call, &job->batch, i)] != BM_ROW_IGNORED;
}

/* A cell of a queryset that has no structs: into its snapshot, through a member for the moment. */
static bm_status imprint_cell(bm__job *job, const bm__plan_output *output, const bm__cell *cell,
                              bm__arena *arena, bm_error *err)
{
    const bm_field *field = &job->plan->model->fields[output->field];
    bm__snapshot *snapshot = job->call->made->snapshot;
    uint8_t state = cell->kind == BM__CELL_NULL ? BM_NULL : BM_VALUE;
    void *member = bm__arena_array(arena, 1, field->width);
    if (member == NULL) {
        return bm__no_memory(err);
    }
    if (state == BM_VALUE) {
        size_t row = bm__call_row(job->call, &job->batch, job->place_row);
        BM_TRY(bm__decode(job->plan, output, cell, member, arena, row, err));
    }
    bm__view view = {.name = field->name,
                     .cells = {.type = field->type,
                               .layout = field->layout,
                               .width = field->width,
                               .data = member,
                               .states = &state},
                     .state_offset = BM_NO_STATE};
    snapshot->columns[output->field].known = true;
    return bm__snapshot_set(snapshot, output->field, job->place, &view, 0, err);
}

static bm_status imprint_cells(bm__job *job, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__arena arena = {0};
    bm_status status = BM_OK;
    for (size_t i = 0; status == BM_OK && i < n && i < job->plan->n_outputs; i++) {
        status = imprint_cell(job, &job->plan->outputs[i], &cells[i], &arena, err);
    }
    bm__arena_free(&arena);
    return status;
}

/* bulk_create: columns that the database made, into the rows just collected.  They come in the
 * order of the chunk; rows that were ignored are in no queryset. */
static bm_status push_made(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    bm_queryset *made = job->call->made;
    size_t i = 0;
    BM_TRY(bm__cell_chunk_row(job, cells, n, &i, err));
    if (i < job->place_row) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_READ,
                        "rows arrived in a different order than requested");
    }
    for (; job->place_row < i; job->place_row++) {
        job->place += is_collected(job, job->place_row);
    }
    if (!is_collected(job, i)) {
        return BM_OK;
    }
    if (!made->structs) {
        return imprint_cells(job, cells + 1, n - 1, err);
    }
    unsigned char *at = made->rows + job->place * made->model->row_size;
    BM_TRY(put_row(job, cells + 1, n - 1, at, &made->arena, bm__call_row(job->call, &job->batch, i),
                   err));
    return imprint(job, made, job->place, err);
}

void bm__read_rows(bm__job *job, bm__step *step)
{
    bool creates = job->plan->write.sql != NULL;
    if (step->kind == BM__STEP_UNLOAD) {
        step->take = take;
    } else {
        step->push = creates ? push_made : job->plan->whole_table ? push_all : push_keyed;
    }
    step->expect = BM__EXPECT_ROWS;
}

bm_status bm__read_end(bm__job *job, bm_error *err)
{
    const bm__plan *plan = job->plan;
    bool unload = plan->read.kind == BM__STEP_UNLOAD && plan->engine->ask != NULL;
    if (unload && !job->copy.ended) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_READ, "the server's COPY ended early");
    }
    if (job->call->sink != NULL) {
        BM_TRY(flush(job, err));
    }
    for (size_t i = 0; plan->write.sql == NULL && !plan->whole_table && i < job->n; i++) {
        if (job->seen[i] != 0) {
            continue;
        }
        job->missing++;
        if (job->call->require_all) {
            size_t row = bm__call_row(job->call, &job->batch, i);
            return bm__fail_cell(err, BM_CONSTRAINT, BM_STAGE_READ, row, NULL,
                                 "row %zu is not in \"%s\"", row, plan->model->table);
        }
    }
    return BM_OK;
}
