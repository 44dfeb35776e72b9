/* The table of types, made from types.def. */
#ifndef BM_CORE_TYPES_H
#define BM_CORE_TYPES_H

#include "bulkmodel.h"

#define BM__TYPE_COUNT 20 /* bm_type runs from 1 to BM__TYPE_COUNT - 1 */

typedef struct bm__type_info {
    const char *name; /* as SQL knows it */
    size_t width;     /* of the C value; 0: variable */
    uint32_t oid;
    uint32_t array_oid;
} bm__type_info;

/* The row of a type; NULL for a number that is none. */
const bm__type_info *bm__type(bm_type type);

/* Text without NUL, in UTF-8: all variable types but BYTEA. */
bool bm__type_is_text(bm_type type);
bool bm__type_is_integer(bm_type type);

/* May a cell of this type stand in memory in this layout, `width` bytes wide? */
bool bm__type_fits(bm_type type, bm_layout layout, size_t width);

#endif
