#include "arrow_stream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static bm_status stream_failed(struct ArrowArrayStream *stream, int code, size_t n_read,
                               bm_error *err)
{
    const char *why = stream->get_last_error != NULL ? stream->get_last_error(stream) : NULL;
    bm_status status = code == ENOMEM ? BM_NOMEM : BM_INVALID;
    assert(code != 0);
    return bm__fail(err, status, BM_STAGE_SOURCE, "the Arrow stream failed after %zu rows%s%s",
                    n_read, why != NULL ? ": " : "", why != NULL ? why : "");
}

bm_status bm__arrow_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out, bm_error *err)
{
    assert(stream->release != NULL);
    int code = stream->get_schema(stream, out);
    if (code != 0) {
        out->release = NULL;
        return stream_failed(stream, code, 0, err);
    }
    if (out->format == NULL || strcmp(out->format, "+s") != 0 || out->n_children < 1 ||
        out->children == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the Arrow stream is not one of structs with columns");
    }
    return BM_OK;
}

static bm_status check_rows(const struct ArrowArray *batch, size_t n_read, bm_error *err)
{
    const uint8_t *bits = batch->n_buffers > 0 && batch->buffers != NULL && batch->null_count != 0
                              ? batch->buffers[0]
                              : NULL;
    assert(batch->length >= 0 && batch->offset >= 0);
    for (int64_t i = 0; bits != NULL && i < batch->length; i++) {
        int64_t at = batch->offset + i;
        if (((bits[at / 8] >> (at % 8)) & 1) == 0) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_SOURCE, n_read + (size_t)i, NULL,
                                 "row %zu of the Arrow stream is NULL as a whole",
                                 n_read + (size_t)i);
        }
    }
    return BM_OK;
}

static bm_status check_batch(const struct ArrowSchema *schema, const bm__arrow_column *columns,
                             size_t n_columns, size_t n_read, const struct ArrowArray *batch,
                             bm_error *err)
{
    if (batch->length < 0 || batch->offset < 0 || batch->length > INT64_MAX - batch->offset ||
        batch->n_children != schema->n_children || batch->children == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_SOURCE,
                        "the Arrow batch after %zu rows does not have the columns of its stream",
                        n_read);
    }
    BM_TRY(check_rows(batch, n_read, err));
    for (size_t i = 0; i < n_columns; i++) {
        const bm__arrow_column *column = &columns[i];
        assert(column->child >= 0 && column->child < batch->n_children);
        const struct ArrowArray *array = batch->children[column->child];
        const int64_t rows = batch->offset + batch->length;
        const char *fault = column->document != NULL
                                ? bm__arrow_document_fault(column->document, array, rows)
                                : bm__arrow_lists_fault(&column->lists, &column->type, array, rows);
        if (fault != NULL) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_SOURCE, BM_NO_ROW, column->name,
                                 "column \"%s\" of the Arrow batch after %zu rows %s", column->name,
                                 n_read, fault);
        }
    }
    return BM_OK;
}

bm_status bm__arrow_batch(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                          const bm__arrow_column *columns, size_t n_columns, size_t n_read,
                          struct ArrowArray *out, bm_error *err)
{
    assert(out->release == NULL);
    int code = stream->get_next(stream, out);
    if (code != 0) {
        out->release = NULL;
        return stream_failed(stream, code, n_read, err);
    }
    if (out->release == NULL) {
        return BM_OK;
    }
    return check_batch(schema, columns, n_columns, n_read, out, err);
}
