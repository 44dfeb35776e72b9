/* float4, float8: src/backend/utils/adt/float.c */
#include "codec.h"

#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char range_float4[] = "out of range for float4";

/* ---- text */

/* Decimal digits that a float and a double keep, and that tell each from its neighbours: FLT_DIG,
 * FLT_DECIMAL_DIG, DBL_DIG, DBL_DECIMAL_DIG of IEEE 754. */
#define SINGLE_DIGITS 6
#define SINGLE_DIGITS_MAX 9
#define DOUBLE_DIGITS 15
#define DOUBLE_DIGITS_MAX 17

/* Digits, signs, a point, an exponent, the letters of "infinity" and "nan". */
static bool is_of_number(char c)
{
    return bm__is_digit(c) || (c != '\0' && strchr(".+-eEinfatyINFATY", c) != NULL);
}

static bool copy_number(bm_slice text, char *copy, size_t size)
{
    if (text.size == 0 || text.size >= size) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_of_number(text.data[i])) {
            return false;
        }
        copy[i] = text.data[i];
    }
    copy[text.size] = '\0';
    return true;
}

/* Put the decimal point of the process's locale, which may be several bytes, for the first point.
 * It is asked for only where strtod stopped at a point: printf is half of the time of a number. */
static bool put_locale_point(char *copy, size_t size)
{
    char point[16];
    const int n = snprintf(point, sizeof point, "%.1f", 0.5) - 2; /* without 0 and 5 */
    char *at = strchr(copy, '.');
    if (at == NULL || n < 1 || strlen(copy) + (size_t)n > size) {
        return false;
    }
    memmove(at + n, at + 1, strlen(at));
    memcpy(at, point + 1, (size_t)n);
    return true;
}

static double to_number(const char *copy, bool single, char **end)
{
    return single ? (double)strtof(copy, end) : strtod(copy, end);
}

/* A digit that is not 0, before an exponent. */
static bool has_value(const char *text)
{
    return strcspn(text, "123456789") < strcspn(text, "eE");
}

/* As PostgreSQL reads it: what is too large, and what would become 0, is refused. */
static const char *read_text(bm_slice text, bool single, double *out)
{
    static const char not_a_number[] = "is not a number";
    char copy[512];
    char *end;
    if (!copy_number(text, copy, sizeof copy)) {
        return bm__has_comma(text) ? BM__COMMA : not_a_number;
    }
    *out = to_number(copy, single, &end);
    if (*end == '.' && put_locale_point(copy, sizeof copy)) {
        *out = to_number(copy, single, &end);
    }
    if (*end != '\0') {
        return not_a_number;
    }
    bool word = strpbrk(copy, "nN") != NULL; /* nan, inf */
    return !word && (!isfinite(*out) || (fpclassify(*out) == FP_ZERO && has_value(copy)))
               ? BM__OUT_OF_RANGE
               : NULL;
}

static const char *parse_4(bm_slice text, char *room, void *value)
{
    double wide = 0;
    (void)room;
    const char *fault = read_text(text, true, &wide);
    float read = (float)wide;
    if (fault == NULL) {
        memcpy(value, &read, sizeof read);
    }
    return fault;
}

static const char *parse_8(bm_slice text, char *room, void *value)
{
    double read = 0;
    (void)room;
    const char *fault = read_text(text, false, &read);
    if (fault == NULL) {
        memcpy(value, &read, sizeof read);
    }
    return fault;
}

/* With a point, whatever the locale's is. */
static void put_point(const char *text, bm__sink *out)
{
    bool in_point = false;
    for (const char *at = text; *at != '\0'; at++) {
        bool point = strchr("0123456789+-e", *at) == NULL;
        if (!point || !in_point) {
            bm__put(out, point ? "." : at, 1);
        }
        in_point = point;
    }
}

/* The fewest digits that read back as the same number. */
static void print_float(double value, bool single, bm__sink *out)
{
    char text[BM__PRINT_MAX];
    if (isnan(value)) {
        bm__put(out, "NaN", 3);
        return;
    }
    if (isinf(value)) {
        bm__put(out, value < 0 ? "-Infinity" : "Infinity", value < 0 ? 9 : 8);
        return;
    }
    const bool subnormal = isless(fabs(value), single ? (double)FLT_MIN : DBL_MIN);
    const int least = single ? SINGLE_DIGITS : DOUBLE_DIGITS;
    const int most = single ? SINGLE_DIGITS_MAX : DOUBLE_DIGITS_MAX;
    /* Trailing zeros are not printed, so `least` digits are also right for all numbers with fewer;
     * but a subnormal keeps fewer digits the smaller it is. */
    for (int digits = subnormal ? 1 : least; digits <= most; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        double back = single ? (double)strtof(text, NULL) : strtod(text, NULL);
        if (!isless(back, value) && !isgreater(back, value)) {
            break;
        }
    }
    put_point(text, out);
}

static double load(const void *value, size_t width)
{
    float narrow;
    double wide;
    if (width == sizeof narrow) {
        memcpy(&narrow, value, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, value, sizeof wide);
    return wide;
}

static void print_4(const void *value, bm__sink *out)
{
    print_float(load(value, 4), true, out);
}

static void print_8(const void *value, bm__sink *out)
{
    print_float(load(value, 8), false, out);
}

/* ---- order: NaN is above all and equals itself, as in PostgreSQL's btree */

static int compare_floats(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (isnan(a) != 0) - (isnan(b) != 0);
    }
    return (a > b) - (a < b);
}

static int compare_4(const void *a, const void *b)
{
    return compare_floats(load(a, 4), load(b, 4));
}

static int compare_8(const void *a, const void *b)
{
    return compare_floats(load(a, 8), load(b, 8));
}

/* ---- encode */

static inline void put_same_4(const void *cell, uint8_t *at)
{
    bm__put32(at, (uint32_t)bm__load_int(cell, 4));
}

static inline void put_same_8(const void *cell, uint8_t *at)
{
    bm__put64(at, (uint64_t)bm__load_int(cell, 8));
}

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

BM__FIXED_CODEC(float_4_4, 4, put_same_4);
BM__FIXED_CODEC(float_4_8, 8, put_float_4_8);
BM__CHECKED_CODEC(float_8_4, 4, check_float_8_4, put_float_8_4);
BM__FIXED_CODEC(float_8_8, 8, put_same_8);

/* ---- decode */

/* A float8 comes into a float member only where it is one: nothing is lost. */
static const char *narrow_float(double value, void *member)
{
    float narrow = (float)value;
    if (!isnan(value) && (isless((double)narrow, value) || isgreater((double)narrow, value))) {
        return "has more digits than a float4 can hold";
    }
    memcpy(member, &narrow, sizeof narrow);
    return NULL;
}

static const char *read_float(const bm__pg_reader *reader, const uint8_t *data, size_t size,
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

const bm__type_ops bm__ops_float4 = {
    .parse = parse_4,
    .print = print_4,
    .compare = compare_4,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_FLOAT4, BM__FIXED(float_4_4)},
                              {BM__OID_FLOAT8, BM__FIXED(float_4_8)},
                              {0}},
    .from = (const bm__pg_from[]){{BM__OID_FLOAT4, read_float}, {BM__OID_FLOAT8, read_float}, {0}},
};

const bm__type_ops bm__ops_float8 = {
    .parse = parse_8,
    .print = print_8,
    .compare = compare_8,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_FLOAT4, BM__FIXED(float_8_4)},
                              {BM__OID_FLOAT8, BM__FIXED(float_8_8)},
                              {0}},
    .from = (const bm__pg_from[]){{BM__OID_FLOAT4, read_float}, {BM__OID_FLOAT8, read_float}, {0}},
};
