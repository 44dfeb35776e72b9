/* A bm_array as an array literal: PostgreSQL manual, "Array Input and Output Syntax".  Numbers and
 * bools stand as they are; everything else in quotes, with backslashes before quotes and
 * backslashes. */
#include "codec.h"

#include "utf8.h"

/* Counts what is put, and writes it where `at` is not NULL. */
typedef struct sink {
    uint8_t *at;
    size_t size;
} sink;

static void put(sink *out, const char *data, size_t size)
{
    if (out->at != NULL && size > 0) {
        memcpy(out->at + out->size, data, size);
    }
    out->size += size;
}

static void put_quoted(sink *out, bm_slice text)
{
    put(out, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') {
            put(out, text.data + start, i - start);
            put(out, "\\", 1);
            start = i;
        }
    }
    put(out, text.data + start, text.size - start);
    put(out, "\"", 1);
}

static void put_hex(sink *out, bm_slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    put(out, "\"\\\\x", 4);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = (uint8_t)bytes.data[i];
        char pair[2] = {hex[byte >> 4], hex[byte & 15]};
        put(out, pair, sizeof pair);
    }
    put(out, "\"", 1);
}

static void put_uuid(sink *out, const uint8_t *bytes)
{
    static const char hex[] = "0123456789abcdef";
    char text[36];
    size_t size = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[size++] = '-';
        }
        text[size++] = hex[bytes[i] >> 4];
        text[size++] = hex[bytes[i] & 15];
    }
    put(out, text, size);
}

static void put_float(sink *out, const void *cell, size_t width)
{
    float narrow;
    double value;
    char text[BM__LITERAL_MAX];
    if (width == sizeof narrow) {
        memcpy(&narrow, cell, sizeof narrow);
        value = (double)narrow;
    } else {
        memcpy(&value, cell, sizeof value);
    }
    put(out, text, bm__float_literal(value, width == sizeof narrow ? 9 : 17, text));
}

static void put_element(sink *out, const bm__slot *element, const void *cell)
{
    char text[BM__LITERAL_MAX];
    switch (element->from) {
    case BM_BOOL:
        put(out, *(const uint8_t *)cell != 0 ? "t" : "f", 1);
        break;
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        put(out, text, bm__int_literal(bm__load_int(cell, element->width), text));
        break;
    case BM_FLOAT4:
    case BM_FLOAT8:
        put_float(out, cell, element->width);
        break;
    case BM_DATE:
    case BM_TIME:
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        put_quoted(out, (bm_slice){text, bm__datetime_literal(element->from, cell, text)});
        break;
    case BM_UUID:
        put_uuid(out, cell);
        break;
    case BM_BYTEA:
        put_hex(out, bm__cell_bytes(BM_SLICE, element->width, cell));
        break;
    default:
        put_quoted(out, bm__cell_bytes(BM_SLICE, element->width, cell));
        break;
    }
}

static void put_array(sink *out, const bm__slot *element, const bm_array *array)
{
    put(out, "{", 1);
    for (size_t i = 0; i < array->count; i++) {
        if (i > 0) {
            put(out, ",", 1);
        }
        if (array->states != NULL && array->states[i] != BM_VALUE) {
            put(out, "NULL", 4);
        } else {
            put_element(out, element, (const char *)array->data + i * element->width);
        }
    }
    put(out, "}", 1);
}

/* The elements must fit the column's elements, though they travel as text. */
static const char *element_fault(const bm__slot *element, const bm_array *array)
{
    const char *fault = bm__array_fault(array);
    for (size_t from = 0; fault == NULL && from < array->count; from += BM__BLOCK) {
        const void *at[BM__BLOCK];
        uint32_t sizes[BM__BLOCK];
        size_t bad;
        size_t n = array->count - from < BM__BLOCK ? array->count - from : BM__BLOCK;
        (void)bm__array_gather(array, element->width, from, n, at);
        fault = element->codec->measure(element, at, n, sizes, &bad);
    }
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
        const char *fault = element_fault(&element, &array);
        sink count = {NULL, 0};
        if (fault == NULL) {
            put_array(&count, &element, &array);
            fault = count.size >= BM__VALUE_MAX ? "is 1 GB or larger" : NULL;
        }
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
        sizes[i] = (uint32_t)count.size;
    }
    return NULL;
}

static void write_array(const bm__slot *slot, const void *const *at, size_t n,
                        const uint32_t *sizes, uint8_t **out)
{
    const bm__slot element = bm__element_slot(slot);
    for (size_t i = 0; i < n; i++) {
        bm__put32(out[i], at[i] != NULL ? sizes[i] : UINT32_MAX);
        if (at[i] != NULL) {
            bm_array array = bm__array_load(at[i]);
            sink text = {out[i] + 4, 0};
            put_array(&text, &element, &array);
        }
        out[i] += 4 + sizes[i];
    }
}

const bm__codec bm__codec_array_text = {measure_array, write_array, NULL};
