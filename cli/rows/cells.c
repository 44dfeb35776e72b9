#include "cells.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NO_NUMBER "is no whole number"
#define OUT_OF_RANGE "is out of the range of its column's type"
#define COMMA "has a decimal comma: write a point, as in 12.5, and no separator of thousands"
#define DAY_FIRST "is no date as 2024-12-31: write year, month and day in this order"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number but for a comma in it. */
static bool has_comma(const char *text, size_t size)
{
    bool digit = false;
    bool comma = false;
    for (size_t i = 0; i < size; i++) {
        digit = digit || is_digit(text[i]);
        comma = comma || text[i] == ',';
        if (!is_digit(text[i]) && strchr(",.+- ", text[i]) == NULL) {
            return false;
        }
    }
    return digit && comma;
}

/* Why a text that is no integer is none. */
static const char *integer_fault(const char *text, size_t size)
{
    size_t n = size > 0 && (text[0] == '-' || text[0] == '+');
    size_t digits = n;
    while (n < size && is_digit(text[n])) {
        n++;
    }
    bool point = n > digits && n < size && text[n] == '.';
    for (size_t i = n + 1; point && i < size; i++) {
        point = is_digit(text[i]);
    }
    if (point) {
        return "has a decimal point, and its column holds whole numbers: write 1, not 1.0";
    }
    if (size == 0) {
        return "is empty and not NULL, and its column holds whole numbers";
    }
    return has_comma(text, size) ? COMMA : NO_NUMBER;
}

static const char *read_integer(const char *text, size_t size, int64_t min, int64_t max,
                                int64_t *out)
{
    bool negative = size > 0 && text[0] == '-';
    size_t i = negative || (size > 0 && text[0] == '+');
    uint64_t value = 0;
    bool overflow = false;
    if (i == size) {
        return integer_fault(text, size);
    }
    for (; i < size; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9) {
            return integer_fault(text, size);
        }
        overflow = overflow || value > (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    uint64_t most = negative ? (uint64_t)0 - (uint64_t)min : (uint64_t)max;
    if (overflow || value > most) {
        return OUT_OF_RANGE;
    }
    *out = (int64_t)(negative ? (uint64_t)0 - value : value);
    return NULL;
}

/* A digit that is not 0, before an exponent. */
static bool has_value(const char *text)
{
    return strcspn(text, "123456789") < strcspn(text, "eE");
}

/* As PostgreSQL does: what is too large, and what would become 0, is refused. */
static const char *read_float(const char *text, size_t size, bool single, double *out)
{
    char copy[512];
    char *end;
    if (size == 0 || size >= sizeof copy || memchr(text, 'x', size) != NULL ||
        memchr(text, 'X', size) != NULL || memchr(text, '(', size) != NULL) {
        return "is no number";
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    *out = single ? strtof(copy, &end) : strtod(copy, &end);
    if (end != copy + size) {
        return has_comma(text, size) ? COMMA : "is no number";
    }
    bool written_so = strpbrk(copy, "nN") != NULL; /* nan, inf */
    bool infinite = (*out - *out) != 0;
    return !written_so && (infinite || (*out == 0 && has_value(copy))) ? OUT_OF_RANGE : NULL;
}

static const char *read_bool(const char *text, size_t size, bool *out)
{
    static const char *const words[] = {"true",  "t", "yes", "y", "on",  "1",
                                        "false", "f", "no",  "n", "off", "0"};
    size_t n = sizeof words / sizeof words[0];
    for (size_t i = 0; i < n; i++) {
        if (strlen(words[i]) == size && strncasecmp(words[i], text, size) == 0) {
            *out = i < n / 2;
            return NULL;
        }
    }
    return "is neither true nor false";
}

static int hex(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *read_uuid(const char *text, size_t size, uint8_t out[16])
{
    size_t n = 0;
    if (size > 1 && text[0] == '{' && text[size - 1] == '}') {
        text++;
        size -= 2;
    }
    for (size_t i = 0; i < size; i++) {
        int digit = hex(text[i]);
        if (text[i] == '-' && n % 4 == 0 && n > 0 && text[i - 1] != '-') {
            continue;
        }
        if (digit < 0 || n == 32) {
            return "is no UUID";
        }
        out[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : out[n / 2] | digit);
        n++;
    }
    return n == 32 && text[size - 1] != '-' ? NULL : "is no UUID";
}

/* Digits, a separator, digits, the same separator, digits: a date in some other order. */
static bool is_other_date(const char *text, size_t size)
{
    size_t groups = 0;
    for (size_t i = 0; i < size && groups < 3; i++) {
        if (is_digit(text[i]) && (i + 1 == size || !is_digit(text[i + 1]))) {
            groups++;
            if (groups < 3 && (i + 1 == size || strchr("./-", text[i + 1]) == NULL)) {
                return false;
            }
        }
    }
    return groups == 3;
}

static const char *date_fault(bm_type type, const char *text, size_t size)
{
    int64_t usecs;
    cli_zone zone;
    if (type == BM_DATE && cli_timestamp_read(text, size, &usecs, &zone)) {
        return "has a time of day, and its column holds dates";
    }
    if (size >= 10 && text[4] == '-' && text[7] == '-') {
        return type == BM_DATE ? "is no date of the calendar"
                               : "is no time as 2024-12-31 23:59:59.999999+00:00";
    }
    if (is_other_date(text, size)) {
        return DAY_FIRST;
    }
    return type == BM_DATE ? "is no date as 2024-12-31"
                           : "is no time as 2024-12-31 23:59:59.999999+00:00";
}

static const char *read_timestamp(bm_type type, const char *text, size_t size, int64_t *out)
{
    cli_zone zone;
    if (!cli_timestamp_read(text, size, out, &zone)) {
        return date_fault(type, text, size);
    }
    if (type == BM_TIMESTAMP && zone == CLI_ZONE_GIVEN) {
        return "has an offset, and its column holds times without one";
    }
    return NULL;
}

static const char *store_integer(const char *text, size_t size, size_t width, void *member)
{
    int64_t value = 0;
    int64_t max = (int64_t)(UINT64_MAX >> (65 - 8 * width));
    const char *fault = read_integer(text, size, -max - 1, max, &value);
    if (fault == NULL) {
        if (width == 2) {
            *(int16_t *)member = (int16_t)value;
        } else if (width == 4) {
            *(int32_t *)member = (int32_t)value;
        } else {
            *(int64_t *)member = value;
        }
    }
    return fault;
}

static const char *store_float4(const char *text, size_t size, float *member)
{
    double value = 0;
    const char *fault = read_float(text, size, true, &value);
    *member = (float)value;
    return fault;
}

const char *cli_cell_read(bm_type type, const char *text, size_t size, void *member)
{
    while (size > 0 && text[0] == ' ') {
        text++;
        size--;
    }
    while (size > 0 && text[size - 1] == ' ') {
        size--;
    }
    switch (type) {
    case BM_INT2:
        return store_integer(text, size, 2, member);
    case BM_INT4:
        return store_integer(text, size, 4, member);
    case BM_INT8:
        return store_integer(text, size, 8, member);
    case BM_BOOL:
        return read_bool(text, size, member);
    case BM_FLOAT4:
        return store_float4(text, size, member);
    case BM_FLOAT8:
        return read_float(text, size, false, member);
    case BM_DATE:
        return cli_date_read(text, size, member) ? NULL : date_fault(type, text, size);
    case BM_TIME:
        return cli_time_read(text, size, member) ? NULL : "is no time as 23:59:59.999999";
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        return read_timestamp(type, text, size, member);
    case BM_UUID:
        return read_uuid(text, size, member);
    default:
        return "is of a type that the command cannot read";
    }
}

size_t cli_bytes_read(const char *text, size_t size, char *out)
{
    if (size < 2 || text[0] != '\\' || text[1] != 'x' || size % 2 != 0) {
        return SIZE_MAX;
    }
    for (size_t i = 2; i < size; i += 2) {
        int high = hex(text[i]);
        int low = hex(text[i + 1]);
        if (high < 0 || low < 0) {
            return SIZE_MAX;
        }
        *out++ = (char)(high << 4 | low);
    }
    return size / 2 - 1;
}

/* A lead byte is followed by as many others as it says; what is left over is of another encoding.
 */
static bool looks_utf8(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i++];
        size_t more = c < 0x80 ? 0 : c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
        if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || more > size - i) {
            return false;
        }
        for (; more > 0; more--, i++) {
            if (((unsigned char)text[i] & 0xC0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

const char *cli_cell_fault(bm_type type, const char *text, size_t size)
{
    if (!looks_utf8(text, size)) {
        return "is not UTF-8: say the file's encoding, as in --encoding=WINDOWS-1252";
    }
    if (memchr(text, '\0', size) != NULL) {
        return "has a NUL byte: is the file UTF-16? --encoding=UTF-16 reads it";
    }
    if (type == BM_NUMERIC) {
        return has_comma(text, size) ? COMMA : "is no number";
    }
    return NULL;
}
