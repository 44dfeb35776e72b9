/* One cell of an answer. */
#include "job_parts.h"

#include <string.h>

bool bm__cell_integer(const bm__cell *cell, int64_t *out)
{
    if (cell->kind == BM__CELL_INTEGER) {
        *out = cell->integer;
        return true;
    }
    bool bytes = cell->kind == BM__CELL_BYTES &&
                 (cell->size == 1 || cell->size == 2 || cell->size == 4 || cell->size == 8);
    if (!bytes) {
        return false;
    }
    const uint8_t *data = cell->data;
    uint64_t value = data[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < cell->size; i++) {
        value = value << 8 | data[i];
    }
    memcpy(out, &value, sizeof *out);
    return true;
}

bm_status bm__cell_chunk_row(const bm__job *job, const bm__cell *cells, size_t n, size_t *out,
                             bm_error *err)
{
    int64_t ordinal;
    if (n == 0 || !bm__cell_integer(&cells[0], &ordinal) || ordinal < 0 ||
        (uint64_t)ordinal >= job->n) {
        return bm__fail(err, BM_DATABASE,
                        job->phase == BM__PHASE_READ ? BM_STAGE_READ : BM_STAGE_WRITE,
                        "the server's answer does not match the question");
    }
    *out = (size_t)ordinal;
    return BM_OK;
}

static bm_status cannot_read(const bm_field *field, size_t row, const char *fault, bm_error *err)
{
    return bm__fail_cell(err, BM_CONVERT, BM_STAGE_READ, row, field->name,
                         "row %zu, column \"%s\" as read: %s", row, field->name, fault);
}

/* A value into its member; NULL, or why it does not go there. */
static inline const char *decode(const bm__plan *plan, const bm__plan_output *output,
                                 const bm__cell *cell, void *member, bm__arena *arena)
{
    if (plan->engine->format == NULL) {
        const bm_field *field = &plan->model->fields[output->field];
        return plan->engine->storage->read(field->type, field->layout, field->width, cell, member,
                                           arena);
    }
    return output->reader.read(&output->reader, cell->data, cell->size, member, arena);
}

bm_status bm__decode(const bm__plan *plan, const bm__plan_output *output, const bm__cell *cell,
                     void *member, bm__arena *arena, size_t row, bm_error *err)
{
    const char *fault =
        cell->kind == BM__CELL_NULL ? "it is NULL" : decode(plan, output, cell, member, arena);
    return fault == NULL ? BM_OK
                         : cannot_read(&plan->model->fields[output->field], row, fault, err);
}
