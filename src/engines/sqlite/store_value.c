/* Cells to SQLite's storage classes. */
#include "storage_table.h"

#include "codec.h"
#include "utf8.h"

#include <math.h>
#include <string.h>

/* SQLite computes with 64-bit floats: from here on a number would become infinity. */
#define MAX_MAGNITUDE 308

static const char *set_integer(bm__cell *out, int64_t value)
{
    out->kind = BM__CELL_INTEGER;
    out->integer = value;
    return NULL;
}

static const char *set_real(bm__cell *out, double value)
{
    if (isnan(value)) {
        return "SQLite cannot store NaN: it would become NULL";
    }
    out->kind = BM__CELL_REAL;
    out->real = value;
    return NULL;
}

static const char *set_text(bm__cell *out, const char *text, size_t size)
{
    out->kind = BM__CELL_TEXT;
    out->data = text;
    out->size = size;
    return NULL;
}

/* The bytes of a variable cell.  They are never NULL: SQLite takes a NULL pointer for NULL, and an
 * empty text is none. */
static const char *variable_bytes(bm_layout layout, size_t width, const void *cell, bm_slice *out)
{
    *out = bm__cell_bytes(layout, width, cell);
    if (out->data != NULL) {
        return NULL;
    }
    return layout == BM_CSTR
               ? "a NULL pointer is not a value: set the state to BM_NULL to write NULL"
               : "a NULL pointer must have size 0";
}

const char *bm__give_text(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    bm_slice text;
    (void)scratch;
    const char *fault = variable_bytes(from->layout, from->width, from->cell, &text);
    if (fault == NULL) {
        fault = bm__text_fault(text.data, text.size);
    }
    return fault != NULL ? fault : set_text(out, text.data, text.size);
}

const char *bm__give_blob(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    bm_slice bytes;
    (void)scratch;
    const char *fault = variable_bytes(from->layout, from->width, from->cell, &bytes);
    if (fault != NULL) {
        return fault;
    }
    out->kind = BM__CELL_BLOB;
    out->data = bytes.data;
    out->size = bytes.size;
    return NULL;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* An exponent behind its "e"; far beyond what is compared with, it stays there. */
static bool read_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || skip_digits(at, end) != end) {
        return false;
    }
    int64_t exponent = 0;
    for (; at < end; at++) {
        exponent = exponent < INT32_MAX ? exponent * 10 + (*at - '0') : exponent;
    }
    *out = negative ? -exponent : exponent;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits]: what SQLite takes for a number too (src/util.c, AtoF). */
const char *bm__sqlite_number_fault(const char *text, size_t size)
{
    const char *end = text + size;
    const char *whole = text + (size > 0 && (*text == '-' || *text == '+'));
    const char *point = skip_digits(whole, end);
    const char *fraction = point + (point < end && *point == '.');
    const char *behind = skip_digits(fraction, end);
    if (point - whole + (behind - fraction) == 0) {
        return "the text is not a number";
    }
    int64_t exponent = 0;
    if (behind < end &&
        ((*behind != 'e' && *behind != 'E') || !read_exponent(behind + 1, end, &exponent))) {
        return "the text is not a number";
    }
    if (exponent + (point - whole) <= MAX_MAGNITUDE) {
        return NULL;
    }
    const char *first = whole;
    while (first < behind && (*first == '0' || *first == '.')) {
        first++;
    }
    int64_t magnitude = exponent + (point - first) + (first > point);
    return first == behind || magnitude <= MAX_MAGNITUDE
               ? NULL
               : "the number is too large for SQLite, whose limit is 1e308";
}

const char *bm__give_number(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    bm_slice text;
    (void)scratch;
    const char *fault = variable_bytes(from->layout, from->width, from->cell, &text);
    if (fault == NULL) {
        fault = bm__sqlite_number_fault(text.data, text.size);
    }
    return fault != NULL ? fault : set_text(out, text.data, text.size);
}

const char *bm__give_printed(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    return set_text(out, scratch, bm__value_print(from->type, from->cell, scratch));
}

const char *bm__give_date(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    int32_t days;
    memcpy(&days, from->cell, sizeof days);
    if (days < BM__DATE_MIN || days > BM__DATE_MAX) {
        return "the date is outside the years 1 to 9999";
    }
    return bm__give_printed(from, scratch, out);
}

const char *bm__give_time(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    int64_t usecs;
    memcpy(&usecs, from->cell, sizeof usecs);
    if (usecs < 0 || usecs >= BM__USECS_PER_DAY) { /* 24:00:00 is no time to Django */
        return "the time is outside 00:00:00 to 23:59:59.999999";
    }
    return bm__give_printed(from, scratch, out);
}

const char *bm__give_timestamp(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    int64_t usecs;
    memcpy(&usecs, from->cell, sizeof usecs);
    if (!bm__sqlite_has_year(usecs)) {
        return "the date is outside the years 1 to 9999";
    }
    return set_text(out, scratch, bm__timestamp_text(usecs, false, scratch));
}

/* 32 hexadecimal digits. */
const char *bm__give_uuid(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    size_t size = 0;
    bm__value_print(BM_UUID, from->cell, scratch);
    for (const char *at = scratch; *at != '\0'; at++) {
        if (*at != '-') {
            scratch[size++] = *at;
        }
    }
    return set_text(out, scratch, size);
}

const char *bm__give_float(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    double value;
    float narrow;
    (void)scratch;
    if (from->type == BM_FLOAT8) {
        memcpy(&value, from->cell, sizeof value);
        return set_real(out, value);
    }
    memcpy(&narrow, from->cell, sizeof narrow);
    return set_real(out, (double)narrow);
}

const char *bm__give_bool(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    (void)scratch;
    return set_integer(out, *(const uint8_t *)from->cell != 0);
}

const char *bm__give_integer(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    (void)scratch;
    return set_integer(out, bm__load_int(from->cell, bm__type(from->type)->width));
}

/* Microseconds; a day has 24 hours. */
const char *bm__give_interval(const bm__stored *from, char scratch[BM__PRINT_MAX], bm__cell *out)
{
    bm_interval interval;
    int64_t usecs;
    (void)scratch;
    memcpy(&interval, from->cell, sizeof interval);
    if (interval.months != 0) {
        return "the interval has months: SQLite stores microseconds, and a month has no fixed "
               "number of them";
    }
    if (__builtin_mul_overflow((int64_t)interval.days, BM__USECS_PER_DAY, &usecs) ||
        __builtin_add_overflow(usecs, interval.microseconds, &usecs)) {
        return "the interval has more microseconds than a 64-bit integer can hold";
    }
    return set_integer(out, usecs);
}
