#include "entry.h"

#include "type.h"

static bm_status no_type(bm_type type, bm_error *err)
{
    return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "unknown type %d", (int)type);
}

/* `err`, which is large, is written on failure alone: a million cells are read with one. */
bm_status bm_value_parse(bm_type type, bm_slice text, char *room, void *value, bm_error *err)
{
    bm_error local;
    const char *fault = NULL;
    const bool complete = value != NULL && (text.data != NULL || text.size == 0) &&
                          (type != BM_BYTEA || room != NULL);
    text.data = text.data != NULL ? text.data : "";
    if (bm__type(type) != NULL && complete) {
        fault = bm__value_parse(type, text, room, value);
        if (fault == NULL) {
            return BM_OK;
        }
    }
    err = bm__error_begin(err, &local);
    if (bm__type(type) == NULL) {
        return no_type(type, err);
    }
    return complete ? bm__fail(err, BM_CONVERT, BM_STAGE_CONVERT, "%s", fault)
                    : bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                               "text, room and value must not be NULL pointers");
}

/* As above: `err` is written on failure alone. */
bm_status bm_value_print(bm_type type, const void *value, char *out, size_t out_size, size_t *size,
                         bm_error *err)
{
    bm_error local;
    const bool known = bm__type(type) != NULL;
    const bool complete = known && value != NULL && (out != NULL || out_size == 0);
    const char *fault = complete ? bm__value_fault(type, value) : NULL;
    bm__sink sink = {out, out_size > 0 ? out_size - 1 : 0, 0, false};
    if (complete && fault == NULL) {
        bm__type(type)->ops->print(value, &sink);
        if (out_size > 0) {
            out[sink.size < out_size ? sink.size : out_size - 1] = '\0';
        }
        if (size != NULL) {
            *size = sink.size;
        }
        if (sink.size < out_size) {
            return BM_OK;
        }
    }
    err = bm__error_begin(err, &local);
    if (!known) {
        return no_type(type, err);
    }
    if (!complete) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "value and out must not be NULL pointers");
    }
    return fault != NULL ? bm__fail(err, BM_CONVERT, BM_STAGE_CONVERT, "%s", fault)
                         : bm__fail(err, BM_LIMIT, BM_STAGE_CONVERT,
                                    "the text needs %zu bytes and a NUL, and out has %zu",
                                    sink.size, out_size);
}
