#include "job_parts.h"

#include <string.h>

/* A block of COPY data ends behind so many bytes: large enough that a system call costs nothing a
 * row, small enough to stay in the second-level cache. */
#define BLOCK_BYTES ((size_t)65536)

/* What all rows are set to stands apart from the rows; a lone row is the only one. */
static size_t row_of_scalar(const bm__plan_column *column, const bm__batch *batch)
{
    return column->supply == BM__SUPPLY_FIELD ? bm__batch_row(batch, 0) : 0;
}

/* One value for all rows: the parameter is NULL, or its bytes. */
static bm_status encode_scalar(const bm__format *format, const bm__plan_column *column,
                               const bm__batch *batch, size_t i, bm__buffer *out, bool *null,
                               bm_error *err)
{
    const bm__view *view = &batch->views[i];
    size_t row = row_of_scalar(column, batch);
    *null = bm__view_state(view, row) != BM_VALUE;
    return *null ? BM_OK
                 : format->value(&column->slot, bm__view_cell(view, row), view->name, out, err);
}

/* A parameter for each column that is sent, in a buffer of its own: arrays grow side by side. */
static bm_status encode_columns(bm__job *job, const bm__plan_column *columns,
                                const bm__batch *batch, bm__step *step, bm_error *err)
{
    const bm__format *format = job->plan->engine->format;
    size_t n = 0;
    size_t n_arrays = 0;
    for (size_t i = 0; i < batch->n_views; i++) {
        if (columns[i].supply == BM__SUPPLY_STATEMENT) {
            continue;
        }
        bm__buffer *out = &job->values[n];
        bool scalar = columns[i].sql.scalar;
        bool null = false;
        out->size = 0;
        if (scalar) {
            BM_TRY(encode_scalar(format, &columns[i], batch, i, out, &null, err));
        } else {
            job->arrays[n_arrays++] =
                (bm__pg_array){.slot = &columns[i].slot, .column = i, .out = out};
        }
        job->params[n] = (bm__param){scalar ? columns[i].slot.oid : 0, null ? NULL : "", 0};
        n++;
    }
    BM_TRY(format->arrays(job->arrays, n_arrays, batch, err));
    for (size_t i = 0; i < n; i++) {
        if (job->values[i].size > 0) {
            job->params[i].data = job->values[i].data;
            job->params[i].size = job->values[i].size;
        }
    }
    step->params = job->params;
    step->n_params = n;
    return BM_OK;
}

/* LOAD: header, rows block by block, trailer.  Rows are collected while the server works. */
static bm_status pull(void *context, const uint8_t **block, size_t *size, bm_error *err)
{
    bm__job *job = context;
    const bm__batch *batch = &job->batch;
    const bm__format *format = job->plan->engine->format;
    job->block.size = 0;
    if (job->encoded == 0 && !job->ended) {
        BM_TRY(bm__buffer_append(&job->block, format->copy_header.data, format->copy_header.size,
                                 err));
    }
    while (job->encoded < batch->n_rows && job->block.size < BLOCK_BYTES) {
        size_t left = batch->n_rows - job->encoded;
        size_t n = left < BM__BLOCK ? left : BM__BLOCK;
        bm_status status =
            format->copy_rows(job->slots, batch, job->encoded, n, &job->room, &job->block, err);
        if (status != BM_OK) {
            if (err->row != BM_NO_ROW) {
                err->row = bm__call_row(job->call, batch, err->row);
            }
            return status;
        }
        job->encoded += n;
    }
    if (job->call->collects) {
        BM_TRY(bm__call_collect(job->call, job->from + job->collected,
                                job->encoded - job->collected, err));
        job->collected = job->encoded;
    }
    if (job->encoded == batch->n_rows && !job->ended) {
        BM_TRY(bm__buffer_append(&job->block, format->copy_trailer.data, format->copy_trailer.size,
                                 err));
        job->ended = true;
    }
    *block = job->block.data;
    *size = job->block.size;
    return BM_OK;
}

bm_status bm__encode_statement(bm__job *job, const bm__statement *statement,
                               const bm__plan_column *columns, const bm__batch *batch,
                               bm__step *step, bm_error *err)
{
    step->kind = statement->kind;
    step->sql = statement->sql;
    step->expect = statement->expect;
    step->n_rows = batch->n_rows;
    if (statement->kind == BM__STEP_LOAD) {
        step->pull = pull;
        return BM_OK;
    }
    if (statement->takes == BM__TAKES_NOTHING) {
        return BM_OK;
    }
    if (job->plan->engine->reads_batch || job->plan->engine->dialect->binds_rows) {
        step->batch = statement->takes == BM__TAKES_TABLE ? &job->table_batch : batch;
        return BM_OK;
    }
    if (statement->takes == BM__TAKES_COLUMNS) {
        bm_status status = encode_columns(job, columns, batch, step, err);
        if (status != BM_OK && err->row != BM_NO_ROW) {
            err->row = bm__call_row(job->call, batch, err->row);
        }
        return status;
    }
    if (statement->takes == BM__TAKES_COUNT) {
        job->params[0] = job->plan->engine->format->count(batch->n_rows, job->count);
    } else {
        job->params[0] = job->plan->engine->format->text(job->plan->verify_table);
        step->n_rows = 0;
    }
    step->params = job->params;
    step->n_params = 1;
    return BM_OK;
}
