/*
 * A block: the cells of one column in at most BM__BLOCK rows, as every codec sees them.
 *
 * Cells are in one of two layouts, whatever the member's layout and the order of the rows:
 *
 *   fixed   cell i is at first + i * stride, unaligned (BM_FIXED and arrays)
 *   slices  cell i is slices[i] (BM_CSTR, BM_SLICE, BM_CHARS)
 *
 * One byte a row says whether it has a value.  The fixed cell of a row without a value can be read,
 * but its content means nothing; its slice means nothing either.
 *
 * A block owns nothing.  It points into the caller's rows where their memory has this form, else
 * into the room that was given to the function that made it.  bm__batch_cells (core/batch.h) makes
 * blocks of views: of strides, pointers, picked rows, state bytes and bitmaps.  array.c makes them
 * of an array's elements.  Another source of cells is another such function.
 */
#ifndef BM_TYPES_CELLS_H
#define BM_TYPES_CELLS_H

#include "type.h"

#define BM__ALWAYS_INLINE inline __attribute__((always_inline))

/* Before a loop: so many of its turns together.  gcc warns of it where it does not optimize. */
#ifdef __OPTIMIZE__
#define BM__PRAGMA(text) _Pragma(#text)
#define BM__UNROLL(turns) BM__PRAGMA(GCC unroll turns)
#else
#define BM__UNROLL(turns)
#endif

/* Bytes of the largest fixed cell: a bm_nd_array. */
#define BM__CELL_MAX sizeof(bm_nd_array)
#define BM__TYPE(id_, ops_, name_, width_, oid_, array_oid_)                                       \
    _Static_assert(width_ <= BM__CELL_MAX, "a value of " name_ " is larger than BM__CELL_MAX");
#include "types.def"
#undef BM__TYPE

typedef struct bm__cells {
    size_t n;
    const char *first; /* fixed */
    ptrdiff_t stride;
    const bm_slice *slices; /* ... or slices; data is NULL only where size is 0, or at a fault */
    const uint8_t *nulls;   /* not 0: row i has no value.  NULL: every row has one */
} bm__cells;

/* Room for the cells of a block that are not in memory in this form. */
typedef struct bm__room {
    uint8_t nulls[BM__BLOCK];
    union {
        bm_slice slices[BM__BLOCK];
        char fixed[BM__BLOCK * BM__CELL_MAX];
    } cells;
} bm__room;

static inline bool bm__is_null(const bm__cells *cells, size_t i)
{
    return cells->nulls != NULL && cells->nulls[i] != BM_VALUE;
}

static inline const char *bm__fixed_cell(const bm__cells *cells, size_t i)
{
    return cells->first + (ptrdiff_t)i * cells->stride;
}

#endif
