#include "arrow_cell.h"

#include "arrow_decimal.h"
#include "codec.h"
#include "type.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOT_IN_RANGE "is out of range for the type of its column"
#define BETWEEN_MICROSECONDS "has nanoseconds between two microseconds, which cannot be stored"
#define NO_ROOM "cannot be read: out of memory"
#define EXACT_IN_DOUBLE (INT64_C(1) << 53)
#define MS_PER_DAY INT64_C(86400000)

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "Arrow's floats are C's");
_Static_assert(BM__ARROW_NULL > 0, "a zeroed type is none");

/* ---- formats */

typedef struct format_row {
    const char *format;
    bm__arrow_type type;
} format_row;

/* The specification's table, but for those with parameters. */
static const format_row formats[] = {
    {"n", {.kind = BM__ARROW_NULL}},
    {"b", {.kind = BM__ARROW_BOOL}},
    {"c", {.kind = BM__ARROW_INT, .width = 1}},
    {"C", {.kind = BM__ARROW_UINT, .width = 1}},
    {"s", {.kind = BM__ARROW_INT, .width = 2}},
    {"S", {.kind = BM__ARROW_UINT, .width = 2}},
    {"i", {.kind = BM__ARROW_INT, .width = 4}},
    {"I", {.kind = BM__ARROW_UINT, .width = 4}},
    {"l", {.kind = BM__ARROW_INT, .width = 8}},
    {"L", {.kind = BM__ARROW_UINT, .width = 8}},
    {"e", {.kind = BM__ARROW_FLOAT, .width = 2}},
    {"f", {.kind = BM__ARROW_FLOAT, .width = 4}},
    {"g", {.kind = BM__ARROW_FLOAT, .width = 8}},
    {"z", {.kind = BM__ARROW_BYTES, .bytes = BM__ARROW_OFFSETS_32}},
    {"Z", {.kind = BM__ARROW_BYTES, .bytes = BM__ARROW_OFFSETS_64}},
    {"vz", {.kind = BM__ARROW_BYTES, .bytes = BM__ARROW_VIEWS}},
    {"u", {.kind = BM__ARROW_TEXT, .bytes = BM__ARROW_OFFSETS_32}},
    {"U", {.kind = BM__ARROW_TEXT, .bytes = BM__ARROW_OFFSETS_64}},
    {"vu", {.kind = BM__ARROW_TEXT, .bytes = BM__ARROW_VIEWS}},
    {"tdD", {.kind = BM__ARROW_DATE, .width = 4, .times = 1, .over = 1}},
    {"tdm", {.kind = BM__ARROW_DATE, .width = 8, .times = 1, .over = MS_PER_DAY}},
    {"tts", {.kind = BM__ARROW_TIME, .width = 4, .times = 1000000, .over = 1}},
    {"ttm", {.kind = BM__ARROW_TIME, .width = 4, .times = 1000, .over = 1}},
    {"ttu", {.kind = BM__ARROW_TIME, .width = 8, .times = 1, .over = 1}},
    {"ttn", {.kind = BM__ARROW_TIME, .width = 8, .times = 1, .over = 1000}},
    {"tDs", {.kind = BM__ARROW_DURATION, .width = 8, .times = 1000000, .over = 1}},
    {"tDm", {.kind = BM__ARROW_DURATION, .width = 8, .times = 1000, .over = 1}},
    {"tDu", {.kind = BM__ARROW_DURATION, .width = 8, .times = 1, .over = 1}},
    {"tDn", {.kind = BM__ARROW_DURATION, .width = 8, .times = 1, .over = 1000}},
    {"tiM", {.kind = BM__ARROW_INTERVAL, .width = 4, .months = true}},
    {"tiD", {.kind = BM__ARROW_INTERVAL, .width = 8, .days = true}},
    {"tin", {.kind = BM__ARROW_INTERVAL, .width = 16, .months = true, .days = true}},
};

/* "ts", a unit, a colon, and the zone, if there is one. */
static bool timestamp_of(const char *format, bm__arrow_type *out)
{
    static const char units[] = "smun";
    static const int64_t times[] = {1000000, 1000, 1, 1};
    assert(strncmp(format, "ts", 2) == 0);
    const char *unit = format[2] != '\0' ? strchr(units, format[2]) : NULL;
    if (unit == NULL || format[3] != ':') {
        return false;
    }
    *out = (bm__arrow_type){.kind = BM__ARROW_TIMESTAMP,
                            .width = 8,
                            .times = times[unit - units],
                            .over = *unit == 'n' ? 1000 : 1,
                            .zoned = format[4] != '\0'};
    return true;
}

static bool parametric(const char *format, bm__arrow_type *out)
{
    int precision = 0;
    int scale = 0;
    int bits = 128;
    int end = 0;
    if (strncmp(format, "ts", 2) == 0) {
        return timestamp_of(format, out);
    }
    if (strncmp(format, "w:", 2) == 0) {
        int size = 0;
        bool read = sscanf(format, "w:%9d%n", &size, &end) == 1 && format[end] == '\0';
        *out = (bm__arrow_type){
            .kind = BM__ARROW_BYTES, .bytes = BM__ARROW_SAME_SIZE, .width = (size_t)size};
        return read && size >= 0;
    }
    if (strncmp(format, "d:", 2) != 0) {
        return false;
    }
    bool read = sscanf(format, "d:%9d,%9d%n", &precision, &scale, &end) == 2;
    if (read && format[end] == ',') {
        int more = 0;
        read = sscanf(format + end, ",%9d%n", &bits, &more) == 1;
        end += more;
    }
    *out = (bm__arrow_type){.kind = BM__ARROW_DECIMAL, .width = (size_t)bits / 8, .scale = scale};
    bool known = bits == 32 || bits == 64 || bits == 128 || bits == 256;
    return read && format[end] == '\0' && known && scale >= -BM__ARROW_SCALE_MAX &&
           scale <= BM__ARROW_SCALE_MAX;
}

static bool plain_type(const char *format, bm__arrow_type *out)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(format, formats[i].format) == 0) {
            *out = formats[i].type;
            return true;
        }
    }
    return parametric(format, out);
}

/* A type, or indices of the values of a dictionary. */
static bool type_of_values(const struct ArrowSchema *schema, bm__arrow_type *out)
{
    bm__arrow_type index;
    if (schema->format == NULL || !plain_type(schema->format, out)) {
        return false;
    }
    if (schema->dictionary == NULL) {
        return true;
    }
    index = *out;
    if ((index.kind != BM__ARROW_INT && index.kind != BM__ARROW_UINT) ||
        schema->dictionary->format == NULL || schema->dictionary->dictionary != NULL ||
        !plain_type(schema->dictionary->format, out)) {
        return false;
    }
    out->is_dictionary = true;
    out->signed_index = index.kind == BM__ARROW_INT;
    out->index_width = index.width;
    assert(out->index_width >= 1 && out->index_width <= 8);
    return true;
}

bool bm__arrow_type_of(const struct ArrowSchema *schema, bm__arrow_type *out)
{
    bm__arrow_type ends;
    if (schema->format == NULL || strcmp(schema->format, "+r") != 0) {
        return type_of_values(schema, out);
    }
    if (schema->n_children != 2 || schema->children == NULL ||
        !type_of_values(schema->children[0], &ends) || ends.is_dictionary ||
        ends.kind != BM__ARROW_INT || ends.width < 2 || !type_of_values(schema->children[1], out)) {
        return false;
    }
    out->run_width = ends.width;
    assert(out->run_width == 2 || out->run_width == 4 || out->run_width == 8);
    return true;
}

bool bm__arrow_fits(const bm__arrow_type *type, bm_type as)
{
    const bool integer = type->kind == BM__ARROW_INT || type->kind == BM__ARROW_UINT;
    const bool text = type->kind == BM__ARROW_TEXT;
    if (type->kind == BM__ARROW_NULL) {
        return true;
    }
    switch (as) {
    case BM_BOOL:
        return type->kind == BM__ARROW_BOOL;
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        return integer;
    case BM_FLOAT4:
        return type->kind == BM__ARROW_FLOAT && type->width <= 4;
    case BM_FLOAT8:
        return type->kind == BM__ARROW_FLOAT || integer;
    case BM_NUMERIC:
        return type->kind == BM__ARROW_DECIMAL || integer || text;
    case BM_BYTEA:
        return type->kind == BM__ARROW_BYTES;
    case BM_DATE:
        return type->kind == BM__ARROW_DATE;
    case BM_TIME:
        return type->kind == BM__ARROW_TIME;
    case BM_TIMESTAMP:
        return type->kind == BM__ARROW_TIMESTAMP && !type->zoned;
    case BM_TIMESTAMPTZ:
        return type->kind == BM__ARROW_TIMESTAMP && type->zoned;
    case BM_UUID:
        return text || (type->kind == BM__ARROW_BYTES && type->bytes == BM__ARROW_SAME_SIZE &&
                        type->width == sizeof(bm_uuid));
    case BM_INTERVAL:
        return type->kind == BM__ARROW_DURATION || type->kind == BM__ARROW_INTERVAL;
    default:
        return text;
    }
}

/* ---- arrays */

static int64_t buffers_of(const bm__arrow_type *type)
{
    if (type->kind == BM__ARROW_NULL) {
        return 0;
    }
    bool bytes = type->kind == BM__ARROW_TEXT || type->kind == BM__ARROW_BYTES;
    return bytes && type->bytes != BM__ARROW_SAME_SIZE ? 3 : 2;
}

static const char *plain_fault(const bm__arrow_type *type, const struct ArrowArray *array,
                               int64_t rows)
{
    int64_t wanted = buffers_of(type);
    bool views = type->bytes == BM__ARROW_VIEWS;
    assert(rows >= 0);
    assert(!views || wanted == 3);
    if (array->length < rows || array->offset < 0 || array->offset > INT64_MAX - array->length) {
        return "has a length or an offset that cannot be";
    }
    if (type->kind == BM__ARROW_NULL) {
        return NULL; /* none is read; polars gives one, as early versions of the format had */
    }
    if (views ? array->n_buffers < wanted : array->n_buffers != wanted) {
        return "does not have the buffers of its type";
    }
    if (array->length > 0 && (array->buffers == NULL || array->buffers[1] == NULL) &&
        !(type->bytes == BM__ARROW_SAME_SIZE && type->width == 0)) {
        return "has no values";
    }
    return NULL;
}

int64_t bm__arrow_load(const void *buffer, int64_t at, size_t width)
{
    const char *from = (const char *)buffer + at * (int64_t)width;
    assert(buffer != NULL && at >= 0);
    assert(width == 1 || width == 2 || width == 4 || width == 8);
    return width == 1 ? (int8_t)*from : bm__load_int(from, width);
}

static const char *values_fault(const bm__arrow_type *type, const struct ArrowArray *array,
                                int64_t rows)
{
    if (!type->is_dictionary) {
        return plain_fault(type, array, rows);
    }
    const bm__arrow_type index = {.kind = BM__ARROW_INT, .width = type->index_width};
    const char *fault = plain_fault(&index, array, rows);
    if (fault != NULL) {
        return fault;
    }
    return array->dictionary != NULL ? plain_fault(type, array->dictionary, 0)
                                     : "has no dictionary";
}

/* Ends of runs ascend, the last one is behind the last row, and there is a value for each. */
static const char *runs_fault(const bm__arrow_type *type, const struct ArrowArray *array,
                              int64_t rows)
{
    const bm__arrow_type end_type = {.kind = BM__ARROW_INT, .width = type->run_width};
    if (array->length < rows || array->offset < 0 || array->offset > INT64_MAX - array->length ||
        array->n_children != 2 || array->children == NULL) {
        return "does not have the runs of its type";
    }
    const struct ArrowArray *ends = array->children[0];
    const char *fault = plain_fault(&end_type, ends, 0);
    fault = fault != NULL ? fault : values_fault(type, array->children[1], ends->length);
    int64_t last = 0;
    for (int64_t i = 0; fault == NULL && i < ends->length; i++) {
        int64_t end = bm__arrow_load(ends->buffers[1], ends->offset + i, type->run_width);
        fault = end > last ? NULL : "has runs whose ends do not ascend";
        last = end;
    }
    return fault == NULL && last < array->offset + rows ? "has runs that end too early" : fault;
}

const char *bm__arrow_array_fault(const bm__arrow_type *type, const struct ArrowArray *array,
                                  int64_t rows)
{
    return type->run_width > 0 ? runs_fault(type, array, rows) : values_fault(type, array, rows);
}

/* The run that holds row `at`: the first one that ends behind it. */
static int64_t run_of(const bm__arrow_type *type, const struct ArrowArray *ends, int64_t at)
{
    int64_t low = 0;
    int64_t high = ends->length - 1;
    assert(high >= 0 && at >= 0);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (bm__arrow_load(ends->buffers[1], ends->offset + middle, type->run_width) > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool bm__arrow_is_null(const struct ArrowArray *array, int64_t at)
{
    assert(at >= 0);
    const uint8_t *bits = array->n_buffers > 0 && array->null_count != 0 ? array->buffers[0] : NULL;
    return bits != NULL && ((bits[at / 8] >> (at % 8)) & 1) == 0;
}

/* ---- values */

/* False where the value is above INT64_MAX. */
static bool load_integer(const void *buffer, int64_t at, size_t width, bool is_signed, int64_t *out)
{
    assert(width <= sizeof *out);
    *out = bm__arrow_load(buffer, at, width);
    if (!is_signed && width < 8) {
        *out &= (INT64_C(1) << (8 * width)) - 1;
    }
    return is_signed || *out >= 0;
}

/* The bytes of a value; false where its offsets cannot be. */
static bool load_bytes(const bm__arrow_type *type, const struct ArrowArray *array, int64_t at,
                       bm_slice *out)
{
    size_t offset_width = type->bytes == BM__ARROW_OFFSETS_32 ? 4 : 8;
    assert(type->kind == BM__ARROW_TEXT || type->kind == BM__ARROW_BYTES);
    assert(array->n_buffers >= buffers_of(type));
    if (type->bytes == BM__ARROW_SAME_SIZE) {
        out->data = (const char *)array->buffers[1] + at * (int64_t)type->width;
        out->size = type->width;
        return true;
    }
    if (type->bytes != BM__ARROW_VIEWS) {
        int64_t from = bm__arrow_load(array->buffers[1], at, offset_width);
        int64_t to = bm__arrow_load(array->buffers[1], at + 1, offset_width);
        if (from < 0 || to < from || (to > from && array->buffers[2] == NULL)) {
            return false;
        }
        out->data = to > from ? (const char *)array->buffers[2] + from : "";
        out->size = (size_t)(to - from);
        return true;
    }
    const char *view = (const char *)array->buffers[1] + at * 16;
    int64_t size = bm__arrow_load(view, 0, 4);
    int64_t buffer = bm__arrow_load(view, 2, 4);
    int64_t offset = bm__arrow_load(view, 3, 4);
    int64_t variadic = array->n_buffers - 3;
    out->data = view + 4;
    out->size = (size_t)size;
    if (size < 0 || size <= 12) {
        return size >= 0;
    }
    const void *sizes = array->buffers[array->n_buffers - 1];
    if (buffer < 0 || buffer >= variadic || sizes == NULL || array->buffers[2 + buffer] == NULL ||
        offset < 0 || offset + size > bm__arrow_load(sizes, buffer, 8)) {
        return false;
    }
    out->data = (const char *)array->buffers[2 + buffer] + offset;
    return true;
}

/* ---- cells */

static const char *put_integer(int64_t value, bm_type as, bm__arena *texts, void *cell)
{
    const int16_t two = (int16_t)value;
    const int32_t four = (int32_t)value;
    const double real = (double)value;
    char text[24];
    switch (as) {
    case BM_INT2:
        memcpy(cell, &two, sizeof two);
        return two == value ? NULL : NOT_IN_RANGE;
    case BM_INT4:
        memcpy(cell, &four, sizeof four);
        return four == value ? NULL : NOT_IN_RANGE;
    case BM_INT8:
        memcpy(cell, &value, sizeof value);
        return NULL;
    case BM_FLOAT8:
        memcpy(cell, &real, sizeof real);
        return value >= -EXACT_IN_DOUBLE && value <= EXACT_IN_DOUBLE ? NULL : NOT_IN_RANGE;
    default:
        break;
    }
    assert(as == BM_NUMERIC);
    int size = snprintf(text, sizeof text, "%" PRId64, value);
    assert(size > 0 && (size_t)size < sizeof text);
    const bm_slice slice = {bm__arena_copy(texts, text, (size_t)size), (size_t)size};
    memcpy(cell, &slice, sizeof slice);
    return slice.data != NULL ? NULL : NO_ROOM;
}

/* IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction.  A float holds each exactly. */
static float load_half(const void *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof half);
    const uint32_t fraction = half & 0x3FF;
    const uint32_t exponent = half >> 10 & 0x1F;
    uint32_t bits = (uint32_t)(half & 0x8000) << 16;
    float value = (float)fraction / 16777216.0f; /* without a leading one: times 2^-24 */
    assert(exponent <= 31 && fraction <= 1023);
    if (exponent == 0) {
        return bits != 0 ? -value : value;
    }
    bits |= (exponent == 31 ? 0xFF : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const char *put_float(const bm__arrow_type *type, const struct ArrowArray *array, int64_t at,
                             bm_type as, void *cell)
{
    float four;
    double eight;
    assert(as == BM_FLOAT8 || (as == BM_FLOAT4 && type->width <= 4));
    if (type->width == 8) {
        memcpy(cell, (const char *)array->buffers[1] + at * 8, 8);
        return NULL;
    }
    if (type->width == 2) {
        four = load_half((const char *)array->buffers[1] + at * 2);
    } else {
        memcpy(&four, (const char *)array->buffers[1] + at * 4, 4);
    }
    eight = four;
    if (as == BM_FLOAT4) {
        memcpy(cell, &four, sizeof four);
    } else {
        memcpy(cell, &eight, sizeof eight);
    }
    return NULL;
}

/* Days of a date, else microseconds.  The outermost values are PostgreSQL's infinities. */
static const char *put_time(const bm__arrow_type *type, const struct ArrowArray *array, int64_t at,
                            void *cell)
{
    int64_t value = bm__arrow_load(array->buffers[1], at, type->width);
    assert(type->over > 0 && type->times > 0);
    if (value % type->over != 0) {
        return type->kind == BM__ARROW_DATE ? "is not a whole day" : BETWEEN_MICROSECONDS;
    }
    if (__builtin_mul_overflow(value / type->over, type->times, &value)) {
        return NOT_IN_RANGE;
    }
    if (type->kind == BM__ARROW_DATE) {
        const int32_t days = (int32_t)value;
        memcpy(cell, &days, sizeof days);
        return days == value && days != INT32_MIN && days != INT32_MAX ? NULL : NOT_IN_RANGE;
    }
    if (type->kind == BM__ARROW_DURATION) {
        const bm_interval interval = {value, 0, 0};
        memcpy(cell, &interval, sizeof interval);
        return NULL;
    }
    memcpy(cell, &value, sizeof value);
    return value != INT64_MIN && value != INT64_MAX ? NULL : NOT_IN_RANGE;
}

/* Months, or days and milliseconds, or months, days and nanoseconds. */
static const char *put_interval(const bm__arrow_type *type, const struct ArrowArray *array,
                                int64_t at, void *cell)
{
    const char *from = (const char *)array->buffers[1] + at * (int64_t)type->width;
    bm_interval interval = {0};
    assert(type->width == 4 || type->width == 8 || type->width == 16);
    if (type->months) {
        interval.months = (int32_t)bm__arrow_load(from, 0, 4);
    }
    if (type->days) {
        interval.days = (int32_t)bm__arrow_load(from, type->months, 4);
    }
    if (type->width == 8) {
        interval.microseconds = bm__arrow_load(from, 1, 4) * 1000;
    }
    if (type->width == 16) {
        int64_t ns = bm__arrow_load(from, 1, 8);
        if (ns % 1000 != 0) {
            return BETWEEN_MICROSECONDS;
        }
        interval.microseconds = ns / 1000;
    }
    memcpy(cell, &interval, sizeof interval);
    return NULL;
}

static const char *put_bytes(const bm__arrow_type *type, const struct ArrowArray *array, int64_t at,
                             bm_type as, void *cell)
{
    bm_slice bytes;
    if (!load_bytes(type, array, at, &bytes)) {
        return "lies outside of the buffers of its column";
    }
    if (as == BM_UUID && type->kind == BM__ARROW_BYTES) {
        assert(bytes.size == sizeof(bm_uuid));
        memcpy(cell, bytes.data, sizeof(bm_uuid));
        return NULL;
    }
    if (as == BM_UUID || as == BM_INET) {
        return bm__value_parse(as, bytes, NULL, cell);
    }
    memcpy(cell, &bytes, sizeof bytes);
    return NULL;
}

static const char *put_decimal(const bm__arrow_type *type, const struct ArrowArray *array,
                               int64_t at, bm__arena *texts, void *cell)
{
    char text[BM__ARROW_DECIMAL_TEXT];
    const uint8_t *bytes = (const uint8_t *)array->buffers[1] + at * (int64_t)type->width;
    size_t size = bm__arrow_decimal(bytes, type->width, type->scale, text);
    assert(size > 0 && size <= sizeof text);
    const bm_slice slice = {bm__arena_copy(texts, text, size), size};
    memcpy(cell, &slice, sizeof slice);
    return slice.data != NULL ? NULL : NO_ROOM;
}

const char *bm__arrow_cell(const bm__arrow_type *type, const struct ArrowArray *array, int64_t row,
                           bm_type as, bm__arena *texts, void *cell, uint8_t *state)
{
    int64_t at = array->offset + row;
    int64_t value;
    assert(row >= 0);
    assert(bm__arrow_fits(type, as));
    if (type->run_width > 0) {
        at = run_of(type, array->children[0], at);
        array = array->children[1];
        at += array->offset;
    }
    if (type->kind == BM__ARROW_NULL || bm__arrow_is_null(array, at)) {
        *state = BM_NULL;
        return NULL;
    }
    if (type->is_dictionary) {
        bool read =
            load_integer(array->buffers[1], at, type->index_width, type->signed_index, &value);
        assert(array->dictionary != NULL);
        array = array->dictionary;
        if (!read || value < 0 || value >= array->length) {
            return "has an index outside of its dictionary";
        }
        at = array->offset + value;
        if (bm__arrow_is_null(array, at)) {
            *state = BM_NULL;
            return NULL;
        }
    }
    switch (type->kind) {
    case BM__ARROW_BOOL:
        *(bool *)cell = ((((const uint8_t *)array->buffers[1])[at / 8] >> (at % 8)) & 1) != 0;
        return NULL;
    case BM__ARROW_INT:
    case BM__ARROW_UINT:
        return load_integer(array->buffers[1], at, type->width, type->kind == BM__ARROW_INT, &value)
                   ? put_integer(value, as, texts, cell)
                   : NOT_IN_RANGE;
    case BM__ARROW_FLOAT:
        return put_float(type, array, at, as, cell);
    case BM__ARROW_DECIMAL:
        return put_decimal(type, array, at, texts, cell);
    case BM__ARROW_TEXT:
    case BM__ARROW_BYTES:
        return put_bytes(type, array, at, as, cell);
    case BM__ARROW_DATE:
    case BM__ARROW_TIME:
    case BM__ARROW_TIMESTAMP:
    case BM__ARROW_DURATION:
        return put_time(type, array, at, cell);
    case BM__ARROW_INTERVAL:
        return put_interval(type, array, at, cell);
    case BM__ARROW_NULL:
        break;
    }
    return NULL;
}
