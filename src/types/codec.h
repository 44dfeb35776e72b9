/*
 * PostgreSQL's binary format of values.  A column on its way to the server is a slot: from the
 * member's form (type and layout) to the type of the server's column.  Encoding is two passes over
 * a block of cells: `measure` checks every value and returns its size, `write` cannot fail.
 * Formats: each type's *_send and *_recv function, src/backend/utils/adt/.
 */
#ifndef BM_TYPES_CODEC_H
#define BM_TYPES_CODEC_H

#include "arena.h"
#include "cells.h"

#include <string.h>

/* A value is shorter than 1 GB: MaxAllocSize, src/include/utils/memutils.h. */
#define BM__VALUE_MAX ((size_t)0x3FFFFFFF)

/* By the table, and what is no type of a member: PostgreSQL, src/include/catalog/pg_type.dat. */
enum {
#define BM__TYPE(id_, ops_, name_, width_, oid_, array_oid_) BM__OID_##id_ = oid_,
#include "types.def"
#undef BM__TYPE
    BM__OID_NAME = 19
};

/* ---- network order; the host's is little-endian or big-endian, nothing between */

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define BM__NET16(value_) (value_)
#define BM__NET32(value_) (value_)
#define BM__NET64(value_) (value_)
#else
#define BM__NET16(value_) __builtin_bswap16(value_)
#define BM__NET32(value_) __builtin_bswap32(value_)
#define BM__NET64(value_) __builtin_bswap64(value_)
#endif

static inline void bm__put16(uint8_t *at, uint16_t value)
{
    value = BM__NET16(value);
    memcpy(at, &value, sizeof value);
}

static inline void bm__put32(uint8_t *at, uint32_t value)
{
    value = BM__NET32(value);
    memcpy(at, &value, sizeof value);
}

static inline void bm__put64(uint8_t *at, uint64_t value)
{
    value = BM__NET64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint16_t bm__get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return BM__NET16(value);
}

static inline uint32_t bm__get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return BM__NET32(value);
}

static inline uint64_t bm__get64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return BM__NET64(value);
}

/* A member of 2, 4 or 8 bytes, which may stand unaligned. */
static inline int64_t bm__load_int(const void *cell, size_t width)
{
    int16_t two;
    int32_t four;
    int64_t eight;
    switch (width) {
    case 2:
        memcpy(&two, cell, sizeof two);
        return two;
    case 4:
        memcpy(&four, cell, sizeof four);
        return four;
    default:
        memcpy(&eight, cell, sizeof eight);
        return eight;
    }
}

typedef struct bm__slot bm__slot;

typedef struct bm__codec {
    uint32_t size; /* of every value; 0: `measure` says it */
    /* NULL when all values fit, else the reason in words, static, and *bad is the cell.  Where
     * `size` is 0, sizes[i] becomes the bytes of value i without its length word, 0 for NULL.  A
     * codec of one size has no `measure` if every value fits, and leaves `sizes` alone. */
    const char *(*measure)(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                           size_t *bad);
    /* Write length word and value of each cell to out[i], which moves behind them; -1 for NULL.
     * Where there is `fill`, one of the cells at least is NULL. */
    void (*write)(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                  uint8_t **out);
    /* Of one size: write cells of which none is NULL to out[i] + offset; out[i] stays.  Where `out`
     * is NULL, write them from `to` on, one behind the other. */
    void (*fill)(const bm__cells *cells, uint8_t *const *out, ptrdiff_t offset, uint8_t *to);
    bool from_address; /* `write` looks at a slice's data and at sizes[i], not at its size */
} bm__codec;

/* How a server's column says what it is; from the catalog (pg_attribute, pg_type). */
typedef struct bm__pg_column_type {
    uint32_t oid;     /* of the base type, for a domain */
    uint32_t element; /* of an array's elements' base type, else 0 */
    int32_t typmod;   /* atttypmod, or the domain's; -1: none */
    char kind; /* pg_type.typtype of the column's own type: b, d, ...; e: its bytes are text */
    char element_kind; /* the same of the element, for arrays */
} bm__pg_column_type;

struct bm__slot {
    bm_type from;
    bm_layout layout;
    size_t width;
    bm__pg_column_type to;
    uint32_t oid;     /* what is sent: the OID of the bytes, for parameters */
    const char *type; /* its name in SQL, unqualified and built in: "int8", "text" */
    bool is_text;     /* text and varchar: a statement may leave the type of a parameter open */
    bool as_text;     /* text is sent where the column is another type: the statement must cast */
    const bm__codec *codec;
    const bm__codec *element_codec; /* of arrays */
};

/* ---- back from the server */

typedef struct bm__pg_reader bm__pg_reader;

/* NULL on success, else the reason, static.  Writes the member; variable data goes to the arena,
 * NUL-terminated.  `size` bytes at `data` are untrusted. */
typedef const char *(*bm__pg_read)(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                                   void *member, bm__arena *arena);

struct bm__pg_reader {
    bm_type to; /* the member's type and layout */
    bm_layout layout;
    size_t width;
    bm__pg_column_type from;
    bool as_text; /* the statement casts the column to text */
    bm__pg_read read;
    bm__pg_read element_read;
};

/* The length word of a cell whose value has `size` bytes to *out, which moves behind the value.
 * Returns where the value goes; NULL where the cell is. */
static inline uint8_t *bm__put_length(bool null, uint32_t size, uint8_t **out)
{
    uint8_t *to = *out;
    bm__put32(to, null ? UINT32_MAX : size);
    *out = to + 4 + (null ? 0 : size);
    return null ? NULL : to + 4;
}

/* As codec->measure, which may be missing. */
static inline const char *bm__measure(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                      size_t *bad)
{
    return slot->codec->measure != NULL ? slot->codec->measure(slot, cells, sizes, bad) : NULL;
}

/* Bytes of all values, each with its length word. */
size_t bm__values_size(const bm__codec *codec, const bm__cells *cells, const uint32_t *sizes);

/* Write them from `to` on, one behind the other. */
void bm__values_write(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                      uint8_t *to);

/* ---- codecs of one size: `check` is NULL where every value fits */

typedef const char *(*bm__fixed_check)(const void *cell);
typedef void (*bm__fixed_put)(const void *cell, uint8_t *at);

static BM__ALWAYS_INLINE const char *bm__measure_fixed(const bm__cells *cells, size_t *bad,
                                                       bm__fixed_check check)
{
    for (size_t i = 0; i < cells->n; i++) {
        const char *fault = bm__is_null(cells, i) ? NULL : check(bm__fixed_cell(cells, i));
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

/* A cell without a value is written aside: which rows have one is no branch. */
static BM__ALWAYS_INLINE void bm__write_fixed(const bm__cells *cells, uint8_t **out, uint32_t size,
                                              bm__fixed_put put)
{
    uint8_t aside[BM__CELL_MAX];
    const bm__cells all = *cells; /* what is written could be *cells: it is not */
    for (size_t i = 0; i < all.n; i++) {
        const bool null = all.nulls[i] != BM_VALUE;
        uint8_t *to = out[i];
        bm__put32(to, null ? UINT32_MAX : size);
        put(bm__fixed_cell(&all, i), null ? aside : to + 4);
        out[i] = to + 4 + (null ? 0 : size);
    }
}

static BM__ALWAYS_INLINE void bm__fill_fixed(const bm__cells *cells, uint8_t *const *out,
                                             ptrdiff_t offset, uint8_t *to, uint32_t size,
                                             bm__fixed_put put)
{
    const size_t n = cells->n;
    const char *cell = cells->first;
    const ptrdiff_t stride = cells->stride;
    BM__UNROLL(4)
    for (size_t i = 0; out != NULL && i < n; i++, cell += stride) {
        uint8_t *at = out[i] + offset;
        bm__put32(at, size);
        put(cell, at + 4);
    }
    BM__UNROLL(4)
    for (size_t i = 0; out == NULL && i < n; i++, cell += stride) {
        bm__put32(to + i * (4 + (size_t)size), size);
        put(cell, to + i * (4 + (size_t)size) + 4);
    }
}

#define BM__FIXED_FUNCTIONS(name_, size_, put_)                                                    \
    static void write_##name_(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes, \
                              uint8_t **out)                                                       \
    {                                                                                              \
        (void)slot;                                                                                \
        (void)sizes;                                                                               \
        bm__write_fixed(cells, out, size_, put_);                                                  \
    }                                                                                              \
    static void fill_##name_(const bm__cells *cells, uint8_t *const *out, ptrdiff_t offset,        \
                             uint8_t *to)                                                          \
    {                                                                                              \
        bm__fill_fixed(cells, out, offset, to, size_, put_);                                       \
    }

/* Every value fits. */
#define BM__FIXED_CODEC(name_, size_, put_)                                                        \
    BM__FIXED_FUNCTIONS(name_, size_, put_)                                                        \
    static const bm__codec bm__codec_##name_ = {                                                   \
        .size = size_, .write = write_##name_, .fill = fill_##name_}

#define BM__CHECKED_CODEC(name_, size_, check_, put_)                                              \
    BM__FIXED_FUNCTIONS(name_, size_, put_)                                                        \
    static const char *measure_##name_(const bm__slot *slot, const bm__cells *cells,               \
                                       uint32_t *sizes, size_t *bad)                               \
    {                                                                                              \
        (void)slot;                                                                                \
        (void)sizes;                                                                               \
        return bm__measure_fixed(cells, bad, check_);                                              \
    }                                                                                              \
    static const bm__codec bm__codec_##name_ = {                                                   \
        .size = size_, .measure = measure_##name_, .write = write_##name_, .fill = fill_##name_}

#define BM__FIXED(name_) &bm__codec_##name_
#define BM__TEXT &bm__codec_text

/* What a member may go to; what it may be read from. */
typedef struct bm__pg_to {
    uint32_t oid;
    const bm__codec *codec;
} bm__pg_to;

typedef struct bm__pg_from {
    uint32_t oid;
    bm__pg_read read;
} bm__pg_from;

/* What more than one file needs: integers may go to numeric, and text travels everywhere. */
extern const bm__codec bm__codec_int_numeric;
extern const bm__codec bm__codec_text;
extern const bm__codec bm__codec_array, bm__codec_array_text;

/* How a value of fixed width goes to a column of its own type; NULL for variable types. */
const bm__codec *bm__type_codec(const bm__type_info *info);

/* Text in the bytes of a type that is not its own: NULL on success, else what is wrong with it.
 * It takes all that the server takes, and nothing else. */
typedef const char *bm__read_form(bm_slice text, bm__sink *out);

/* The text of such bytes, as the server reads it. */
typedef void bm__print_form(const uint8_t *bytes, size_t size, bm__sink *out);

typedef struct bm__form {
    const char *name; /* of the type */
    uint32_t oid;
    bm__read_form *read;   /* NULL: the type's own `parse` */
    bm__print_form *print; /* NULL: the type's own `print` */
} bm__form;

#define BM__FORM(name_, oid_)                                                                      \
    bm__read_form bm__form_##name_;                                                                \
    bm__print_form bm__print_##name_;
#include "forms.def"
#undef BM__FORM

/* NULL where only the server can read the text. */
const bm__form *bm__form_of(uint32_t oid);
extern const bm__codec bm__codec_form;

/* ---- arrays */

/* array_in and array_recv take no more elements: MaxArraySize, src/include/utils/array.h. */
#define BM__ARRAY_COUNT_MAX ((size_t)134217727)

/* Member elements of an array stand in this layout and width. */
bm_layout bm__element_layout(bm_type type, size_t *width);

/* Header of a binary array of `count` elements: 12 bytes, or 20 where there are elements. */
#define BM__ARRAY_HEADER_MAX 20
size_t bm__array_header(uint8_t *at, size_t count, bool has_null, uint32_t element_oid);

/* ---- readers */

const char *bm__read_text(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena);
const char *bm__read_array(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                           void *member, bm__arena *arena);

/* Store text or bytes in a member of layout CSTR, SLICE or CHARS. */
const char *bm__store_bytes(const bm__pg_reader *reader, const void *data, size_t size,
                            void *member, bm__arena *arena);

#endif
