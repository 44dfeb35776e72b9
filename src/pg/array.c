/* A bm_array as PostgreSQL's binary array: array_recv, src/backend/utils/adt/arrayfuncs.c.  ndim,
 * flags (1: has NULL), element OID, then for each dimension its length and lower bound, then the
 * elements, each with a length word. */
#include "codec.h"

bm_layout bm__element_layout(bm_type type, size_t *width)
{
    const bm__type_info *info = bm__type(type);
    *width = info->width != 0 ? info->width : sizeof(bm_slice);
    return info->width != 0 ? BM_FIXED : BM_SLICE;
}

bm__slot bm__element_slot(const bm__slot *slot)
{
    bm__slot element = *slot;
    element.layout = bm__element_layout(slot->from, &element.width);
    element.to.oid = slot->to.element;
    element.to.element = 0;
    element.to.kind = slot->to.element_kind;
    element.codec = slot->element_codec;
    element.element_codec = NULL;
    return element;
}

bm_array bm__array_load(const void *cell)
{
    bm_array array;
    memcpy(&array, cell, sizeof array);
    return array;
}

const char *bm__array_fault(const bm_array *array)
{
    if (array->count > BM__ARRAY_COUNT_MAX) {
        return "an array with too many elements";
    }
    if (array->data == NULL && array->count > 0) {
        return "an array whose data is a NULL pointer";
    }
    for (size_t i = 0; array->states != NULL && i < array->count; i++) {
        if (array->states[i] > BM_NULL) {
            return "an array with an element that is neither a value nor NULL";
        }
    }
    return NULL;
}

size_t bm__array_gather(const bm_array *array, size_t width, size_t from, size_t n,
                        const void *at[BM__BLOCK])
{
    size_t nulls = 0;
    const char *data = (const char *)array->data + from * width;
    for (size_t i = 0; i < n; i++) {
        bool null = array->states != NULL && array->states[from + i] != BM_VALUE;
        at[i] = null ? NULL : data + i * width;
        nulls += null;
    }
    return nulls;
}

size_t bm__array_header(uint8_t *at, size_t count, bool has_null, uint32_t element_oid)
{
    bm__put32(at, count > 0);
    bm__put32(at + 4, has_null);
    bm__put32(at + 8, element_oid);
    if (count == 0) {
        return 12;
    }
    bm__put32(at + 12, (uint32_t)count);
    bm__put32(at + 16, 1);
    return BM__ARRAY_HEADER_MAX;
}

static size_t block_of(const bm_array *array, size_t from)
{
    return array->count - from < BM__BLOCK ? array->count - from : BM__BLOCK;
}

static const char *measure_one(const bm__slot *element, const bm_array *array, size_t *size)
{
    const char *fault = bm__array_fault(array);
    size_t total = array->count > 0 ? 20 : 12;
    for (size_t from = 0; fault == NULL && from < array->count; from += BM__BLOCK) {
        const void *at[BM__BLOCK];
        uint32_t sizes[BM__BLOCK];
        size_t bad;
        size_t n = block_of(array, from);
        (void)bm__array_gather(array, element->width, from, n, at);
        fault = element->codec->measure(element, at, n, sizes, &bad);
        if (fault == NULL) {
            total += bm__lay_out(sizes, n, NULL, NULL);
            fault = total > BM__VALUE_MAX ? "is 1 GB or larger" : NULL;
        }
    }
    *size = total;
    return fault;
}

static const char *measure_array(const bm__slot *slot, const void *const *at, size_t n,
                                 uint32_t *sizes, size_t *bad)
{
    const bm__slot element = bm__element_slot(slot);
    for (size_t i = 0; i < n; i++) {
        sizes[i] = 0;
        if (at[i] == NULL) {
            continue;
        }
        bm_array array = bm__array_load(at[i]);
        size_t size;
        const char *fault = measure_one(&element, &array, &size);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
        sizes[i] = (uint32_t)size;
    }
    return NULL;
}

static void write_one(const bm__slot *element, const bm_array *array, uint8_t *to)
{
    size_t nulls = 0;
    uint8_t *next = to + (array->count > 0 ? 20 : 12);
    for (size_t from = 0; from < array->count; from += BM__BLOCK) {
        const void *at[BM__BLOCK];
        uint32_t sizes[BM__BLOCK];
        uint8_t *out[BM__BLOCK];
        size_t bad;
        size_t n = block_of(array, from);
        nulls += bm__array_gather(array, element->width, from, n, at);
        (void)element->codec->measure(element, at, n, sizes, &bad); /* fitted before */
        next += bm__lay_out(sizes, n, next, out);
        element->codec->write(element, at, n, sizes, out);
    }
    (void)bm__array_header(to, array->count, nulls > 0, element->to.oid);
}

static void write_array(const bm__slot *slot, const void *const *at, size_t n,
                        const uint32_t *sizes, uint8_t **out)
{
    const bm__slot element = bm__element_slot(slot);
    for (size_t i = 0; i < n; i++) {
        bm__put32(out[i], at[i] != NULL ? sizes[i] : UINT32_MAX);
        if (at[i] != NULL) {
            bm_array array = bm__array_load(at[i]);
            write_one(&element, &array, out[i] + 4);
        }
        out[i] += 4 + sizes[i];
    }
}

const bm__codec bm__codec_array = {measure_array, write_array, NULL};
