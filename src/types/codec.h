/*
 * PostgreSQL's binary format of values.  A column on its way to the server is a slot: from the
 * member's form (type and layout) to the type of the server's column.  Encoding is two passes over
 * a block of cells: `measure` checks every value and returns its size, `write` cannot fail.
 * Formats: each type's *_send and *_recv function, src/backend/utils/adt/.
 */
#ifndef BM_TYPES_CODEC_H
#define BM_TYPES_CODEC_H

#include "arena.h"
#include "type.h"

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

#define BM__ALWAYS_INLINE inline __attribute__((always_inline))

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
    /* sizes[i]: bytes of the value at at[i] without its length word; 0 where at[i] is NULL.  NULL
     * when all fit, else the reason in words, static, and *bad is the cell. */
    const char *(*measure)(const bm__slot *slot, const void *const *at, size_t n, uint32_t *sizes,
                           size_t *bad);
    /* Length word and value of each cell to out[i], and out[i] moves behind them; -1 for NULL. */
    void (*write)(const bm__slot *slot, const void *const *at, size_t n, const uint32_t *sizes,
                  uint8_t **out);
    const struct bm__codec_run *run; /* NULL where values differ in size */
} bm__codec;

/* The same for n values of one size that stand `stride` bytes apart, the first at `first`, none of
 * them NULL: the way of a column that cannot be NULL. */
typedef struct bm__codec_run {
    uint32_t size;
    /* NULL where every value fits. */
    const char *(*check)(const void *first, ptrdiff_t stride, size_t n, size_t *bad);
    /* Length word and value to out[i] + offset; out[i] stays. */
    void (*write)(const void *first, ptrdiff_t stride, size_t n, uint8_t *const *out,
                  ptrdiff_t offset);
} bm__codec_run;

/* How a server's column says what it is; from the catalog (pg_attribute, pg_type). */
typedef struct bm__pg_column_type {
    uint32_t oid;      /* of the base type, for a domain */
    uint32_t element;  /* of an array's elements' base type, else 0 */
    int32_t typmod;    /* atttypmod, or the domain's; -1: none */
    char kind;         /* pg_type.typtype of the column's own type: b, d, e, ... */
    char element_kind; /* typtype of the element, for arrays */
} bm__pg_column_type;

struct bm__slot {
    bm_type from;
    bm_layout layout;
    size_t width;
    bm__pg_column_type to;
    uint32_t oid;     /* what is sent: the OID of the bytes, for parameters */
    const char *type; /* its name in SQL, unqualified and built in: "int8", "text" */
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

/* The length word of a cell whose value has `size` bytes, and 0 where it is NULL, to *out, which
 * moves behind the value.  Returns where the value goes; NULL where the cell is. */
static inline uint8_t *bm__put_length(const void *cell, uint32_t size, uint8_t **out)
{
    uint8_t *to = *out;
    bm__put32(to, cell != NULL ? size : UINT32_MAX);
    *out = to + 4 + size;
    return cell != NULL ? to + 4 : NULL;
}

/* ---- codecs of one size: `check` may be NULL where every value fits */

typedef const char *(*bm__fixed_check)(const void *cell);
typedef void (*bm__fixed_put)(const void *cell, uint8_t *at);

static BM__ALWAYS_INLINE const char *bm__measure_fixed(const void *const *at, size_t n,
                                                       uint32_t *sizes, size_t *bad, uint32_t size,
                                                       bm__fixed_check check)
{
    for (size_t i = 0; i < n; i++) {
        sizes[i] = at[i] != NULL ? size : 0;
    }
    for (size_t i = 0; check != NULL && i < n; i++) {
        const char *fault = at[i] != NULL ? check(at[i]) : NULL;
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

static BM__ALWAYS_INLINE void bm__write_fixed(const void *const *at, size_t n, uint8_t **out,
                                              uint32_t size, bm__fixed_put put)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *to = out[i];
        if (at[i] == NULL) {
            bm__put32(to, UINT32_MAX);
            out[i] = to + 4;
        } else {
            bm__put32(to, size);
            put(at[i], to + 4);
            out[i] = to + 4 + size;
        }
    }
}

static BM__ALWAYS_INLINE const char *bm__check_run(const void *first, ptrdiff_t stride, size_t n,
                                                   size_t *bad, bm__fixed_check check)
{
    const char *cell = first;
    for (size_t i = 0; i < n; i++, cell += stride) {
        const char *fault = check(cell);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

static BM__ALWAYS_INLINE void bm__write_run(const void *first, ptrdiff_t stride, size_t n,
                                            uint8_t *const *out, ptrdiff_t offset, uint32_t size,
                                            bm__fixed_put put)
{
    const char *cell = first;
#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++, cell += stride) {
        uint8_t *to = out[i] + offset;
        bm__put32(to, size);
        put(cell, to + 4);
    }
}

#define BM__CODEC_FUNCTIONS(name_, size_, check_, put_)                                            \
    static const char *measure_##name_(const bm__slot *slot, const void *const *at, size_t n,      \
                                       uint32_t *sizes, size_t *bad)                               \
    {                                                                                              \
        (void)slot;                                                                                \
        return bm__measure_fixed(at, n, sizes, bad, size_, check_);                                \
    }                                                                                              \
    static void write_##name_(const bm__slot *slot, const void *const *at, size_t n,               \
                              const uint32_t *sizes, uint8_t **out)                                \
    {                                                                                              \
        (void)slot;                                                                                \
        (void)sizes;                                                                               \
        bm__write_fixed(at, n, out, size_, put_);                                                  \
    }                                                                                              \
    static void write_run_##name_(const void *first, ptrdiff_t stride, size_t n,                   \
                                  uint8_t *const *out, ptrdiff_t offset)                           \
    {                                                                                              \
        bm__write_run(first, stride, n, out, offset, size_, put_);                                 \
    }

/* Every value fits. */
#define BM__FIXED_CODEC(name_, size_, put_)                                                        \
    BM__CODEC_FUNCTIONS(name_, size_, NULL, put_)                                                  \
    static const bm__codec_run run_##name_ = {size_, NULL, write_run_##name_};                     \
    static const bm__codec bm__codec_##name_ = {measure_##name_, write_##name_, &run_##name_}

#define BM__CHECKED_CODEC(name_, size_, check_, put_)                                              \
    BM__CODEC_FUNCTIONS(name_, size_, check_, put_)                                                \
    static const char *check_run_##name_(const void *first, ptrdiff_t stride, size_t n,            \
                                         size_t *bad)                                              \
    {                                                                                              \
        return bm__check_run(first, stride, n, bad, check_);                                       \
    }                                                                                              \
    static const bm__codec_run run_##name_ = {size_, check_run_##name_, write_run_##name_};        \
    static const bm__codec bm__codec_##name_ = {measure_##name_, write_##name_, &run_##name_}

/* What a member may go to, and the codec for each layout; what it may be read from. */
typedef struct bm__pg_to {
    uint32_t oid;
    const bm__codec *codec[BM_ARRAY];
} bm__pg_to;

typedef struct bm__pg_from {
    uint32_t oid;
    bm__pg_read read;
} bm__pg_from;

#define BM__FIXED(name_)                                                                           \
    {                                                                                              \
        [BM_FIXED] = &bm__codec_##name_                                                            \
    }
#define BM__TEXT                                                                                   \
    {                                                                                              \
        [BM_CSTR] = &bm__codec_cstr, [BM_SLICE] = &bm__codec_slice, [BM_CHARS] = &bm__codec_chars  \
    }

/* What more than one file needs: integers may go to numeric, and text travels everywhere. */
extern const bm__codec bm__codec_int_numeric;
extern const bm__codec bm__codec_cstr, bm__codec_slice, bm__codec_chars;
extern const bm__codec bm__codec_array, bm__codec_array_text;

/* Rows of a COPY in which only one cell, a text, varies in size. */
typedef struct bm__text_rows {
    const void *first; /* the texts' cells */
    ptrdiff_t stride;
    size_t n;              /* at most BM__BLOCK */
    const uint32_t *known; /* their sizes, as they were checked before, or NULL: look now */
    uint16_t n_fields;
    size_t lead;                /* bytes of each row before its text's length word */
    size_t fixed;               /* bytes of each row but the text */
    uint8_t *at, *end;          /* where the rows go, and what they may not reach */
    const char *fault;          /* of the row at which it stopped, or NULL */
    size_t need;                /* bytes of that row */
    uint8_t *begin[BM__BLOCK];  /* of each row */
    uint8_t *behind[BM__BLOCK]; /* ... its text */
} bm__text_rows;

/* The same for cells that stand `stride` bytes apart and have no states (of BM_CSTR a pointer that
 * is NULL is NULL): no addresses need be gathered.  NULL where a codec has none. */
typedef struct bm__codec_even {
    const char *(*measure)(const bm__slot *slot, const void *first, ptrdiff_t stride, size_t n,
                           uint32_t *sizes, size_t *bad);
    void (*write)(const bm__slot *slot, const void *first, ptrdiff_t stride, size_t n,
                  const uint32_t *sizes, uint8_t **out);
    /* Begin rows one behind the other and write this column's cells; returns how many, fewer than
     * asked where the next has a fault or there is no room for it. */
    size_t (*place)(const bm__slot *slot, bm__text_rows *rows);
} bm__codec_even;
const bm__codec_even *bm__codec_even_of(const bm__codec *codec);

/* ---- arrays */

/* array_in and array_recv take no more elements: MaxArraySize, src/include/utils/array.h. */
#define BM__ARRAY_COUNT_MAX ((size_t)134217727)

/* Member elements of an array stand in this layout and width. */
bm_layout bm__element_layout(bm_type type, size_t *width);

/* Header of a binary array of `count` elements: 12 bytes, or 20 where there are elements. */
#define BM__ARRAY_HEADER_MAX 20
size_t bm__array_header(uint8_t *at, size_t count, bool has_null, uint32_t element_oid);

/* Where values of these sizes go, one behind the other, each with its length word.  Returns the
 * bytes of all; `start` and `out` may be NULL. */
static inline size_t bm__lay_out(const uint32_t *sizes, size_t n, uint8_t *start, uint8_t **out)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        if (out != NULL) {
            out[i] = start + total;
        }
        total += 4 + (size_t)sizes[i];
    }
    return total;
}

/* ---- readers */

const char *bm__read_text(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena);
const char *bm__read_array(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                           void *member, bm__arena *arena);

/* Store text or bytes in a member of layout CSTR, SLICE or CHARS. */
const char *bm__store_bytes(const bm__pg_reader *reader, const void *data, size_t size,
                            void *member, bm__arena *arena);

#endif
