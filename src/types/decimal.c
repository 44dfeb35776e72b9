#include "decimal.h"

#include "number.h"

#define INTEGER_GROUPS (BM__DECIMAL_DIGITS / BM__NUMERIC_DIGITS)

uint8_t *bm__put_numeric(uint8_t *to, uint32_t groups, int64_t weight, uint16_t sign,
                         int64_t decimals)
{
    bm__put16(to, (uint16_t)groups);
    bm__put16(to + 2, (uint16_t)weight);
    bm__put16(to + 4, sign);
    bm__put16(to + 6, (uint16_t)decimals);
    return to + BM__NUMERIC_HEADER;
}

/* Leave out the zeros at both ends of groups first .. last - 1. */
static void trim(uint32_t first, uint32_t last, bm__decimal *out)
{
    while (first < last && out->groups[first] == 0) {
        first++;
    }
    while (last > first && out->groups[last - 1] == 0) {
        last--;
    }
    out->first = first;
    out->n = last - first;
    out->sign = out->n > 0 ? out->sign : 0;
}

void bm__decimal_set(int64_t integer, bm__decimal *out)
{
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    uint32_t first = INTEGER_GROUPS;
    out->sign = integer < 0 ? BM__NUMERIC_NEGATIVE : 0;
    out->places = 0;
    out->before = 0;
    for (uint64_t left = rest; left > 0; left /= 10) {
        out->before++;
    }
    for (; rest > 0; rest /= BM__NUMERIC_BASE) {
        out->groups[--first] = (uint16_t)(rest % BM__NUMERIC_BASE);
    }
    trim(first, INTEGER_GROUPS, out);
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && bm__is_digit(*at)) {
        at++;
    }
    return at;
}

static BM__ALWAYS_INLINE uint16_t group_of(const char *digits, ptrdiff_t n)
{
    unsigned group = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        group = group * 10 + (unsigned)(digits[i] - '0');
    }
    return (uint16_t)group;
}

/* Four digits at a time, to both sides of the point. */
static void group(const char *digits, const char *point, const char *places, const char *end,
                  bm__decimal *out)
{
    static const uint16_t scale[BM__NUMERIC_DIGITS] = {1, 1000, 100, 10};
    uint32_t first = INTEGER_GROUPS;
    uint32_t last = INTEGER_GROUPS;
    for (; point - digits >= BM__NUMERIC_DIGITS; point -= BM__NUMERIC_DIGITS) {
        out->groups[--first] = group_of(point - BM__NUMERIC_DIGITS, BM__NUMERIC_DIGITS);
    }
    if (point > digits) {
        out->groups[--first] = group_of(digits, point - digits);
    }
    for (; end - places >= BM__NUMERIC_DIGITS; places += BM__NUMERIC_DIGITS) {
        out->groups[last++] = group_of(places, BM__NUMERIC_DIGITS);
    }
    if (end > places) {
        out->groups[last++] = (uint16_t)(group_of(places, end - places) * scale[end - places]);
    }
    trim(first, last, out);
}

bool bm__decimal_parse(bm_slice text, bm__decimal *out)
{
    const char *end = text.data + text.size;
    const bool negative = text.size > 0 && *text.data == '-';
    const char *start = text.data + negative;
    const char *digits = start;
    while (digits < end && *digits == '0') {
        digits++;
    }
    const char *point = skip_digits(digits, end);
    const char *places = point + (point < end && *point == '.');
    const ptrdiff_t n = skip_digits(places, end) - places;
    if (places + n != end || point - start + n == 0 || point - digits > BM__DECIMAL_DIGITS ||
        n > BM__DECIMAL_PLACES) {
        return false;
    }
    out->sign = negative ? BM__NUMERIC_NEGATIVE : 0;
    out->places = (uint16_t)n;
    out->before = (int32_t)(point - digits);
    group(digits, point, places, end, out);
    return true;
}

/* numeric_typmod_scale, numeric.c: a scale of 11 bits, signed. */
bool bm__decimal_fits(const bm__decimal *value, int32_t typmod)
{
    int32_t precision = ((typmod - 4) >> 16) & 0xFFFF;
    int32_t scale = (((typmod - 4) & 0x7FF) ^ 1024) - 1024;
    return typmod < 4 || (value->places <= scale && value->before <= precision - scale);
}

void bm__decimal_put(const bm__decimal *value, uint8_t *to)
{
    int64_t weight = value->n > 0 ? INTEGER_GROUPS - 1 - (int64_t)value->first : 0;
    to = bm__put_numeric(to, value->n, weight, value->sign, value->places);
    for (uint32_t i = value->first; i < value->first + value->n; i++, to += 2) {
        bm__put16(to, value->groups[i]);
    }
}
