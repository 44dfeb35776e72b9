/* Is it a binary COPY?  The shape only: what the fields hold is not looked at. */
#ifndef BM_ENGINES_MEMORY_COPY_H
#define BM_ENGINES_MEMORY_COPY_H

#include "error.h"

#define BM__COPY_HEADER 19 /* signature, flags, length of the extension */

typedef enum bm__copy_part {
    BM__COPY_AT_HEADER = 0,
    BM__COPY_AT_TUPLE, /* before a tuple's number of fields, or the trailer */
    BM__COPY_AT_FIELD, /* before a field's length */
    BM__COPY_AT_END    /* behind the trailer */
} bm__copy_part;

/* A zeroed one is before the first byte. */
typedef struct bm__copy_shape {
    uint64_t tuples;
    const char *fault; /* the first, in words, static; NULL: none */
    bm__copy_part part;
    uint8_t word[BM__COPY_HEADER]; /* what is read as one, as far as it has come */
    size_t have;
    uint32_t skip;        /* bytes of a field or of the extension that are to come */
    uint16_t fields;      /* of every tuple */
    uint16_t fields_left; /* of the tuple that is read */
    bool has_fields;      /* `fields` is known */
} bm__copy_shape;

/* Read the next bytes, cut anywhere. */
void bm__copy_shape_read(bm__copy_shape *shape, const uint8_t *bytes, size_t size);

/* What is wrong with all that was read, in words; NULL: it is a whole COPY. */
const char *bm__copy_shape_end(const bm__copy_shape *shape);

/* A COPY of no rows: header and trailer. */
extern const uint8_t bm__copy_empty[BM__COPY_HEADER + 2];

#endif
