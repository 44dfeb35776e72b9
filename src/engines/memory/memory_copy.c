/* PostgreSQL manual, COPY, "Binary Format". */
#include "memory_copy.h"

#include <string.h>

const uint8_t bm__copy_empty[BM__COPY_HEADER + 2] = {
    'P',  'G',  'C', 'O', 'P', 'Y', '\n', 0xFF, '\r', '\n', 0, /* signature */
    0,    0,    0,   0,                                        /* flags */
    0,    0,    0,   0,                                        /* length of the extension */
    0xFF, 0xFF,                                                /* trailer */
};

#define SIGNATURE 11

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

static const char *read_header(bm__copy_shape *shape)
{
    if (memcmp(shape->word, bm__copy_empty, SIGNATURE) != 0) {
        return "the COPY has no binary signature";
    }
    if (read_u32(shape->word + SIGNATURE) >> 16 != 0) {
        return "the COPY has a critical flag that is not known";
    }
    shape->skip = read_u32(shape->word + SIGNATURE + 4);
    if (shape->skip > INT32_MAX) {
        return "the COPY has a negative length of its extension";
    }
    shape->part = BM__COPY_AT_TUPLE;
    return NULL;
}

static void begin_field_or_end_tuple(bm__copy_shape *shape)
{
    if (shape->fields_left > 0) {
        shape->part = BM__COPY_AT_FIELD;
    } else {
        shape->part = BM__COPY_AT_TUPLE;
        shape->tuples++;
    }
}

static const char *read_tuple(bm__copy_shape *shape)
{
    uint16_t fields = read_u16(shape->word);
    if (fields == UINT16_MAX) {
        shape->part = BM__COPY_AT_END;
        return NULL;
    }
    if (fields > INT16_MAX || (shape->has_fields && fields != shape->fields)) {
        return "the COPY has a tuple with another number of fields";
    }
    shape->has_fields = true;
    shape->fields = fields;
    shape->fields_left = fields;
    begin_field_or_end_tuple(shape);
    return NULL;
}

static const char *read_field(bm__copy_shape *shape)
{
    uint32_t length = read_u32(shape->word);
    if (length > INT32_MAX && length != UINT32_MAX) {
        return "the COPY has a field of negative length";
    }
    shape->skip = length != UINT32_MAX ? length : 0;
    shape->fields_left--;
    begin_field_or_end_tuple(shape);
    return NULL;
}

static const char *read_word(bm__copy_shape *shape)
{
    switch (shape->part) {
    case BM__COPY_AT_HEADER:
        return read_header(shape);
    case BM__COPY_AT_TUPLE:
        return read_tuple(shape);
    case BM__COPY_AT_FIELD:
        return read_field(shape);
    case BM__COPY_AT_END:
        break;
    }
    return "the COPY has bytes after its trailer";
}

void bm__copy_shape_read(bm__copy_shape *shape, const uint8_t *bytes, size_t size)
{
    static const uint8_t sizes[] = {BM__COPY_HEADER, 2, 4, 1};
    while (size > 0 && shape->fault == NULL) {
        size_t want = shape->skip > 0 ? shape->skip : sizes[shape->part] - shape->have;
        size_t n = want < size ? want : size;
        if (shape->skip > 0) {
            shape->skip -= (uint32_t)n;
        } else {
            memcpy(shape->word + shape->have, bytes, n);
            shape->have += n;
            if (n == want) {
                shape->have = 0;
                shape->fault = read_word(shape);
            }
        }
        bytes += n;
        size -= n;
    }
}

const char *bm__copy_shape_end(const bm__copy_shape *shape)
{
    if (shape->fault != NULL) {
        return shape->fault;
    }
    return shape->part == BM__COPY_AT_END ? NULL : "the COPY ends before its trailer";
}
