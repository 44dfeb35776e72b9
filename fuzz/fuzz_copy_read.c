/* A COPY read whole and cut: both see the same rows and the same end. */
#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct seen {
    uint64_t rows;
    uint64_t hash;
} seen;

static void mix(seen *s, uint64_t value)
{
    s->hash = (s->hash ^ value) * UINT64_C(1099511628211);
}

static bm_status note(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    (void)err;
    seen *s = context;
    s->rows++;
    for (size_t i = 0; i < n; i++) {
        if (cells[i].kind == BM__CELL_NULL) { /* it has no data */
            mix(s, UINT64_MAX);
            continue;
        }
        const uint8_t *bytes = cells[i].data;
        mix(s, cells[i].size);
        for (size_t byte = 0; byte < cells[i].size; byte++) {
            mix(s, bytes[byte]);
        }
    }
    return BM_OK;
}

static bm_status read_cut(size_t n_fields, const uint8_t *data, size_t size, size_t step, seen *s,
                          bool *ended)
{
    bm__copy_reader reader = {.n_fields = n_fields};
    bm_error err = BM_ERROR;
    bm_status status = BM_OK;
    for (size_t at = 0; at < size && status == BM_OK; at += step) {
        const size_t n = size - at < step ? size - at : step;
        uint8_t *copy = malloc(n);
        if (copy == NULL) {
            abort();
        }
        memcpy(copy, data + at, n);
        status = bm__copy_read(&reader, copy, n, note, s, &err);
        free(copy);
    }
    *ended = reader.ended;
    bm__copy_reader_free(&reader);
    return status;
}

static void compare(size_t n_fields, const uint8_t *data, size_t size, size_t step)
{
    seen whole = {0};
    seen cut = {0};
    bool whole_ended;
    bool cut_ended;
    bm_status first = read_cut(n_fields, data, size, size > 0 ? size : 1, &whole, &whole_ended);
    bm_status second = read_cut(n_fields, data, size, step, &cut, &cut_ended);
    if (first != second || whole.rows != cut.rows || whole.hash != cut.hash ||
        whole_ended != cut_ended) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const size_t n_fields = data[0] % 5;
    const size_t step = 1 + data[1] % 17;
    compare(n_fields, data + 2, size - 2, step);
    /* behind a sound header, so that rows are reached at once */
    const size_t rest = size - 2;
    uint8_t *copy = malloc(BM__COPY_HEADER_SIZE + rest);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bm__copy_header, BM__COPY_HEADER_SIZE);
    if (rest > 0) {
        memcpy(copy + BM__COPY_HEADER_SIZE, data + 2, rest);
    }
    compare(n_fields, copy, BM__COPY_HEADER_SIZE + rest, step);
    free(copy);
    return 0;
}
