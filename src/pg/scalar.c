/* bool, int2, int4, int8, float4, float8, uuid:
 * src/backend/utils/adt/{bool,int,int8,float,uuid}.c */
#include "codec.h"

#include <math.h>
#include <stdio.h>

static const char range_int2[] = "out of range for int2";
static const char range_int4[] = "out of range for int4";
static const char range_float4[] = "out of range for float4";

/* ---- encode */

static inline void put_bool(const void *cell, uint8_t *at)
{
    *at = *(const uint8_t *)cell != 0;
}

static inline void put_uuid(const void *cell, uint8_t *at)
{
    memcpy(at, cell, sizeof(bm_uuid));
}

BM__FIXED_CODEC(boolean, 1, put_bool);
BM__FIXED_CODEC(uuid, 16, put_uuid);

static inline const char *int_range(int64_t value, size_t width)
{
    if (width == 2) {
        return value < INT16_MIN || value > INT16_MAX ? range_int2 : NULL;
    }
    if (width == 4) {
        return value < INT32_MIN || value > INT32_MAX ? range_int4 : NULL;
    }
    return NULL;
}

static inline void put_int(int64_t value, size_t width, uint8_t *at)
{
    if (width == 2) {
        bm__put16(at, (uint16_t)value);
    } else if (width == 4) {
        bm__put32(at, (uint32_t)value);
    } else {
        bm__put64(at, (uint64_t)value);
    }
}

/* From a member of from_ bytes to a column of to_ bytes. */
#define INT_PUT(from_, to_)                                                                        \
    static inline void put_int_##from_##_##to_(const void *cell, uint8_t *at)                      \
    {                                                                                              \
        put_int(bm__load_int(cell, from_), to_, at);                                               \
    }
#define INT_CHECK(from_, to_)                                                                      \
    static inline const char *check_int_##from_##_##to_(const void *cell)                          \
    {                                                                                              \
        return int_range(bm__load_int(cell, from_), to_);                                          \
    }
#define INT_WIDENS(from_, to_)                                                                     \
    INT_PUT(from_, to_)                                                                            \
    BM__FIXED_CODEC(int_##from_##_##to_, to_, put_int_##from_##_##to_)
#define INT_NARROWS(from_, to_)                                                                    \
    INT_PUT(from_, to_)                                                                            \
    INT_CHECK(from_, to_)                                                                          \
    BM__CHECKED_CODEC(int_##from_##_##to_, to_, check_int_##from_##_##to_, put_int_##from_##_##to_)

INT_WIDENS(2, 2);
INT_WIDENS(2, 4);
INT_WIDENS(2, 8);
INT_NARROWS(4, 2);
INT_WIDENS(4, 4);
INT_WIDENS(4, 8);
INT_NARROWS(8, 2);
INT_NARROWS(8, 4);
INT_WIDENS(8, 8);

static inline void put_float_4_8(const void *cell, uint8_t *at)
{
    float value;
    memcpy(&value, cell, sizeof value);
    double wide = (double)value;
    uint64_t bits;
    memcpy(&bits, &wide, sizeof bits);
    bm__put64(at, bits);
}

/* dtof, float.c: what becomes infinite or zero is refused. */
static const char *check_float_8_4(const void *cell)
{
    double value;
    memcpy(&value, cell, sizeof value);
    float narrow = (float)value;
    bool lost = (isinf(narrow) && !isinf(value)) ||
                (fpclassify(narrow) == FP_ZERO && fpclassify(value) != FP_ZERO);
    return lost ? range_float4 : NULL;
}

static inline void put_float_8_4(const void *cell, uint8_t *at)
{
    double value;
    memcpy(&value, cell, sizeof value);
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    bm__put32(at, bits);
}

BM__FIXED_CODEC(float_4_4, 4, put_int_4_4);
BM__FIXED_CODEC(float_4_8, 8, put_float_4_8);
BM__CHECKED_CODEC(float_8_4, 4, check_float_8_4, put_float_8_4);
BM__FIXED_CODEC(float_8_8, 8, put_int_8_8);

/* ---- as text */

size_t bm__int_literal(int64_t value, char out[BM__LITERAL_MAX])
{
    return (size_t)snprintf(out, BM__LITERAL_MAX, "%lld", (long long)value);
}

size_t bm__float_literal(double value, int digits, char out[BM__LITERAL_MAX])
{
    if (isnan(value)) {
        memcpy(out, "NaN", 4);
        return 3;
    }
    if (isinf(value)) {
        const char *name = value < 0 ? "-Infinity" : "Infinity";
        size_t size = strlen(name);
        memcpy(out, name, size + 1);
        return size;
    }
    char text[BM__LITERAL_MAX];
    snprintf(text, sizeof text, "%.*g", digits, value);
    size_t size = 0;
    bool in_point = false; /* the decimal point of a locale may be several bytes */
    for (const char *at = text; *at != '\0'; at++) {
        bool point = strchr("0123456789+-e", *at) == NULL;
        if (!point || !in_point) {
            out[size++] = '.';
        }
        if (!point) {
            out[size - 1] = *at;
        }
        in_point = point;
    }
    out[size] = '\0';
    return size;
}

/* ---- decode */

const char *bm__read_bool(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 1 || data[0] > 1) {
        return "not a bool";
    }
    bool value = data[0] == 1;
    memcpy(member, &value, sizeof value);
    return NULL;
}

static size_t int_size(uint32_t oid)
{
    return oid == BM__OID_INT2 ? 2 : oid == BM__OID_INT4 ? 4 : 8;
}

static int64_t take_int(const uint8_t *data, size_t size)
{
    return size == 2   ? (int16_t)bm__get16(data)
           : size == 4 ? (int32_t)bm__get32(data)
                       : (int64_t)bm__get64(data);
}

const char *bm__read_int(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                         void *member, bm__arena *arena)
{
    (void)arena;
    if (size != int_size(reader->from.oid)) {
        return "not an integer";
    }
    int64_t value = take_int(data, size);
    const char *fault = int_range(value, reader->width);
    if (fault != NULL) {
        return fault;
    }
    int16_t two = (int16_t)value;
    int32_t four = (int32_t)value;
    if (reader->width == sizeof two) {
        memcpy(member, &two, sizeof two);
    } else if (reader->width == sizeof four) {
        memcpy(member, &four, sizeof four);
    } else {
        memcpy(member, &value, sizeof value);
    }
    return NULL;
}

/* Of one width on both sides: most columns. */
#define READ_SAME(bits_)                                                                           \
    static const char *read_same_##bits_(const bm__pg_reader *reader, const uint8_t *data,         \
                                         size_t size, void *member, bm__arena *arena)              \
    {                                                                                              \
        (void)reader;                                                                              \
        (void)arena;                                                                               \
        if (size != bits_ / 8) {                                                                   \
            return "not an integer";                                                               \
        }                                                                                          \
        uint##bits_##_t value = bm__get##bits_(data);                                              \
        memcpy(member, &value, sizeof value);                                                      \
        return NULL;                                                                               \
    }
READ_SAME(16)
READ_SAME(32)
READ_SAME(64)

bm__pg_read bm__int_reader(uint32_t oid, size_t width)
{
    return width != int_size(oid) ? bm__read_int
           : width == 2           ? read_same_16
           : width == 4           ? read_same_32
                                  : read_same_64;
}

/* A float8 comes into a float member only where it is one: nothing is lost. */
static const char *narrow_float(double value, void *member)
{
    float narrow = (float)value;
    if (!isnan(value) && (isless((double)narrow, value) || isgreater((double)narrow, value))) {
        return "has more digits than float4 holds";
    }
    memcpy(member, &narrow, sizeof narrow);
    return NULL;
}

const char *bm__read_float(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                           void *member, bm__arena *arena)
{
    (void)arena;
    if (size != (reader->from.oid == BM__OID_FLOAT4 ? 4u : 8u)) {
        return "not a float";
    }
    if (size == 4) {
        uint32_t bits = bm__get32(data);
        if (reader->width == sizeof bits) {
            memcpy(member, &bits, sizeof bits);
            return NULL;
        }
        float value;
        memcpy(&value, &bits, sizeof value);
        double wide = (double)value;
        memcpy(member, &wide, sizeof wide);
        return NULL;
    }
    uint64_t bits = bm__get64(data);
    if (reader->width == sizeof bits) {
        memcpy(member, &bits, sizeof bits);
        return NULL;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return narrow_float(value, member);
}

const char *bm__read_uuid(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != sizeof(bm_uuid)) {
        return "not a uuid";
    }
    memcpy(member, data, size);
    return NULL;
}
