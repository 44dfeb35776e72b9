#include "arrow_rows.h"

#include "codec.h"
#include "model.h"
#include "type.h"

#include <assert.h>
#include <string.h>

_Static_assert(BM__CELL_MAX % 8 == 0, "cells of a row begin where any of them may");

bm_rows bm_arrow(const bm_model *model, struct ArrowArrayStream *stream)
{
    bm_rows rows = {.kind = (int)BM__ROWS_ARROW, .model = model, .data = stream};
    return rows;
}

/* ---- the schema */

static bm_status column_refused(const char *name, const char *why, const char *format,
                                bm_error *err)
{
    return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                         "column \"%s\" of the Arrow stream %s (\"%s\")", name, why,
                         format != NULL ? format : "");
}

/* The column's type, if it is not a document. */
static bm_status read_type(bm__arrow_column *column, const bm_field *field,
                           const struct ArrowSchema *schema, bm_error *err)
{
    const char *name = field->name;
    if (!bm__arrow_lists_of(schema, &column->lists, &column->type)) {
        return column_refused(name, "has a type that cannot be read", schema->format, err);
    }
    if (column->lists.n > 1 && field->layout == BM_ARRAY) {
        return column_refused(name, "has lists of lists, which need a bm_nd_array", schema->format,
                              err);
    }
    bool is_null = column->lists.n == 0 && column->type.kind == BM__ARROW_NULL;
    bool is_list = column->lists.n > 0;
    assert(column->lists.n <= BM_DIMENSIONS_MAX);
    if ((is_list != bm__is_array(field->layout) && !is_null) ||
        !bm__arrow_fits(&column->type, field->type)) {
        return column_refused(name, "has a type that its field does not hold", schema->format, err);
    }
    return BM_OK;
}

static bm_status add_column(bm__arrow_rows *a, const bm_model *given, bool *taken, int64_t child,
                            bm_error *err)
{
    const struct ArrowSchema *schema = a->schema.children[child];
    bm__arrow_column *column = &a->columns[a->n_columns];
    const char *name = schema->name != NULL ? schema->name : "";
    size_t at = bm__model_find(given, name);
    if (at == SIZE_MAX) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                             "the model of \"%s\" has no column \"%s\", which the Arrow stream has",
                             given->table, name);
    }
    if (taken[at]) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                             "column \"%s\" is in the Arrow stream twice", name);
    }
    assert(at < given->n_fields && a->n_columns < given->n_fields);
    const bm_field *field = &given->fields[at];
    taken[at] = true;
    if ((field->flags & BM_READ_ONLY) != 0) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                             "column \"%s\" is in the Arrow stream, but is never written", name);
    }
    if (!bm__is_array(field->layout) && (field->type == BM_JSON || field->type == BM_JSONB)) {
        column->document = bm__arrow_document_of(schema, &a->arena);
    }
    if (column->document == NULL) {
        BM_TRY(read_type(column, field, schema, err));
    }
    column->name = field->name;
    column->child = child;
    column->field = at;
    a->n_columns++;
    return BM_OK;
}

/* The fields of which there are columns, each with a state; UUIDs of the call have none. */
static bm_status make_model(bm__arrow_rows *a, const bm_model *given, const bool *taken,
                            bm_error *err)
{
    bm_field *fields = bm__arena_array(&a->arena, given->n_fields, sizeof *fields);
    size_t *moved = bm__arena_array(&a->arena, given->n_fields, sizeof *moved);
    size_t n = 0;
    size_t size = 0;
    if (fields == NULL || moved == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < given->n_fields; i++) {
        const bm_field *field = &given->fields[i];
        if (!taken[i] && (field->flags & BM_CREATE_UUID) == 0) {
            continue;
        }
        fields[n] = *field;
        if (!bm__is_array(field->layout)) {
            fields[n].layout = bm__element_layout(field->type, &fields[n].width);
        }
        fields[n].offset = size;
        assert(size % 8 == 0);
        fields[n].state_offset = BM_NO_STATE;
        fields[n].flags &= taken[i] ? ~(unsigned)(BM_ASSIGNED | BM_CREATE_UUID) : ~0u;
        size += (fields[n].width + 7) / 8 * 8;
        moved[i] = n++;
    }
    for (size_t i = 0; i < n; i++) {
        fields[i].state_offset = (fields[i].flags & BM_CREATE_UUID) == 0 ? size++ : BM_NO_STATE;
    }
    for (size_t i = 0; i < a->n_columns; i++) {
        a->columns[i].field = moved[a->columns[i].field];
    }
    assert(n >= a->n_columns && n <= given->n_fields);
    a->model = *given;
    a->model.fields = fields;
    a->model.n_fields = n;
    a->model.row_size = (size + 7) / 8 * 8;
    assert(a->model.row_size > 0);
    return BM_OK;
}

static bm_status read_schema(bm__arrow_rows *a, const bm_model *given, bm_error *err)
{
    assert(a->columns == NULL && a->n_columns == 0);
    BM_TRY(bm__arrow_schema(a->stream, &a->schema, err));
    const struct ArrowSchema *schema = &a->schema;
    size_t n = (size_t)schema->n_children;
    if (n > given->n_fields) {
        n = given->n_fields; /* one is there twice, or is not of the model */
    }
    a->columns = bm__arena_array(&a->arena, n + 1, sizeof *a->columns);
    bool *taken = bm__arena_array(&a->arena, given->n_fields, sizeof *taken);
    if (a->columns == NULL || taken == NULL) {
        return bm__no_memory(err);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        BM_TRY(add_column(a, given, taken, i, err));
    }
    return make_model(a, given, taken, err);
}

/* ---- the rows */

static void release_batch(bm__arrow_rows *a)
{
    if (a->batch.release != NULL) {
        a->batch.release(&a->batch);
    }
    a->batch = (struct ArrowArray){0};
    a->at = 0;
}

/* A batch with rows that are not read, or none at the end.  What was written of the one before is
 * done with. */
static bm_status next_batch(bm__arrow_rows *a, bm_error *err)
{
    while (a->batch.release == NULL || a->at >= a->batch.length) {
        release_batch(a);
        BM_TRY(bm__arrow_batch(a->stream, &a->schema, a->columns, a->n_columns, a->n_read,
                               &a->batch, err));
        if (a->batch.release == NULL) {
            return BM_OK;
        }
    }
    assert(a->at < a->batch.length);
    return BM_OK;
}

/* Row `row` of the batch's child as a cell. */
static const char *fill_cell(bm__arrow_rows *a, const bm__arrow_column *column,
                             const struct ArrowArray *array, int64_t row, char *cell,
                             uint8_t *state)
{
    const bm_type as = a->model.fields[column->field].type;
    const bm_layout layout = a->model.fields[column->field].layout;
    bm_nd_array list = {.n_dimensions = 0};
    if (column->document != NULL) {
        bm_slice text = {NULL, 0};
        const char *wrong = bm__arrow_json(column->document, array, row, &a->texts, &text, state);
        memcpy(cell, &text, sizeof text);
        return wrong;
    }
    if (column->lists.n == 0) {
        return bm__arrow_cell(&column->type, array, row, as, &a->texts, cell, state);
    }
    const char *fault =
        bm__arrow_list(&column->lists, &column->type, array, row, as, &a->texts, &list, state);
    assert(fault != NULL || layout == BM_ND_ARRAY || list.n_dimensions <= 1);
    memcpy(cell, &list, layout == BM_ND_ARRAY ? sizeof list : sizeof list.elements);
    return fault;
}

static bm_status fill_column(bm__arrow_rows *a, const bm__arrow_column *column, char *rows,
                             size_t n, bm_error *err)
{
    const struct ArrowArray *array = a->batch.children[column->child];
    const bm_field *field = &a->model.fields[column->field];
    assert(a->at + (int64_t)n <= a->batch.length);
    assert(field->state_offset < a->model.row_size);
    for (size_t i = 0; i < n; i++, rows += a->model.row_size) {
        const char *fault = fill_cell(a, column, array, a->batch.offset + a->at + (int64_t)i,
                                      rows + field->offset, (uint8_t *)rows + field->state_offset);
        if (fault != NULL) {
            return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, a->n_read + i, field->name,
                                 "row %zu, column \"%s\": the value %s", a->n_read + i, field->name,
                                 fault);
        }
    }
    return BM_OK;
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    bm__arrow_rows *a = user;
    *n = 0;
    bm__arena_free(&a->texts);
    BM_TRY(next_batch(a, err));
    if (a->batch.release == NULL) {
        return BM_OK;
    }
    size_t left = (size_t)(a->batch.length - a->at);
    size_t take = left < capacity ? left : capacity;
    assert(take > 0);
    for (size_t i = 0; i < a->n_columns; i++) {
        BM_TRY(fill_column(a, &a->columns[i], rows, take, err));
    }
    a->at += (int64_t)take;
    a->n_read += take;
    *n = take;
    return BM_OK;
}

bm_status bm__arrow_begin(bm__arrow_rows *made, bm_rows *rows, bm_error *err)
{
    if (rows->kind != BM__ROWS_ARROW || rows->data == NULL) {
        return BM_OK; /* bm__rows_check says what is wrong */
    }
    memcpy(&made->stream, &rows->data, sizeof made->stream);
    if (made->stream->release == NULL) {
        made->stream = NULL;
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the Arrow stream was released before");
    }
    BM_TRY(bm__model_check(rows->model, err));
    BM_TRY(read_schema(made, rows->model, err));
    made->source = (bm_source){.size = sizeof made->source, .user = made, .next = next};
    *rows = bm_stream(&made->model, &made->source);
    return BM_OK;
}

void bm__arrow_end(bm__arrow_rows *made)
{
    release_batch(made);
    if (made->schema.release != NULL) {
        made->schema.release(&made->schema);
    }
    if (made->stream != NULL && made->stream->release != NULL) {
        made->stream->release(made->stream);
    }
    bm__arena_free(&made->texts);
    bm__arena_free(&made->arena);
    *made = (bm__arrow_rows){0};
}
