/* Binary arrays: what is read is written again, and that reads as the same elements. */
#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    bm_type type;
    uint32_t element;
    size_t width; /* 0: a bm_slice */
} kinds[] = {
    {BM_INT4, 23, 4}, {BM_TEXT, 25, 0},        {BM_NUMERIC, 1700, 0}, {BM_BYTEA, 17, 0},
    {BM_BOOL, 16, 1}, {BM_TIMESTAMP, 1114, 8}, {BM_JSONB, 3802, 0},   {BM_DATE, 1082, 4},
};

static bool same_elements(const bm_array *a, const bm_array *b, size_t width)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const bool null = a->states != NULL && a->states[i] != BM_VALUE;
        if (null != (b->states != NULL && b->states[i] != BM_VALUE)) {
            return false;
        }
        if (null) {
            continue;
        }
        if (width > 0) {
            if (memcmp((const char *)a->data + i * width, (const char *)b->data + i * width,
                       width) != 0) {
                return false;
            }
            continue;
        }
        const bm_slice *x = (const bm_slice *)a->data + i;
        const bm_slice *y = (const bm_slice *)b->data + i;
        if (x->size != y->size || memcmp(x->data, y->data, x->size) != 0) {
            return false;
        }
    }
    return true;
}

static bool same(const bm_nd_array *a, const bm_nd_array *b, size_t width)
{
    const size_t shape = a->n_dimensions * sizeof a->lengths[0];
    return a->n_dimensions == b->n_dimensions && memcmp(a->lengths, b->lengths, shape) == 0 &&
           same_elements(&a->elements, &b->elements, width);
}

static void round_trip(size_t kind, bm_layout layout, const uint8_t *data, size_t size)
{
    const bm__pg_column_type type = {
        .oid = 1, .element = kinds[kind].element, .typmod = -1, .kind = 'b', .element_kind = 'b'};
    const bm_type member = kinds[kind].type;
    bm__slot slot;
    bm__slot text;
    bm__pg_reader reader;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__buffer out = {0};
    bm_nd_array first = {.n_dimensions = 0};
    bm_nd_array second = {.n_dimensions = 0};
    const size_t width = layout == BM_ARRAY ? sizeof(bm_array) : sizeof first;
    if (bm__slot_resolve(member, layout, width, &type, false, &slot, &err) != BM_OK ||
        bm__slot_resolve(member, layout, width, &type, true, &text, &err) != BM_OK ||
        bm__reader_resolve(member, layout, width, &type, &reader, &err) != BM_OK) {
        abort();
    }
    if (reader.read(&reader, data, size, &first, &arena) == NULL) {
        if (bm__pg_value(&slot, &first, "c", &out, &err) != BM_OK ||
            reader.read(&reader, out.data, out.size, &second, &arena) != NULL ||
            !same(&first, &second, kinds[kind].width) ||
            bm__pg_value(&text, &first, "c", &out, &err) != BM_OK) {
            abort();
        }
    }
    bm__buffer_free(&out);
    bm__arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const size_t kind = data[0] % (sizeof kinds / sizeof kinds[0]);
    round_trip(kind, BM_ARRAY, data + 1, size - 1);
    round_trip(kind, BM_ND_ARRAY, data + 1, size - 1);
    /* with a sound header, so that elements are reached at once */
    uint8_t *copy = malloc(20 + size);
    if (copy == NULL) {
        abort();
    }
    memset(copy, 0, 20);
    copy[3] = 1;
    copy[7] = (uint8_t)(data[0] >> 7);
    copy[10] = (uint8_t)(kinds[kind].element >> 8);
    copy[11] = (uint8_t)kinds[kind].element;
    copy[15] = (data[0] >> 4) & 7;
    copy[19] = 1;
    memcpy(copy + 20, data + 1, size - 1);
    round_trip(kind, BM_ARRAY, copy, 20 + size - 1);
    copy[3] += (data[0] >> 3) & 1; /* the first element is a dimension, too */
    round_trip(kind, BM_ND_ARRAY, copy, 20 + size - 1);
    free(copy);
    return 0;
}
