#include "decimal.h"

#include "number.h"

#define INTEGER_GROUPS (BM__DECIMAL_GROUPS - BM__DECIMAL_PLACES / BM__NUMERIC_DIGITS)

uint8_t *bm__put_numeric(uint8_t *to, uint32_t groups, int64_t weight, uint16_t sign,
                         int64_t decimals)
{
    bm__put16(to, (uint16_t)groups);
    bm__put16(to + 2, (uint16_t)weight);
    bm__put16(to + 4, sign);
    bm__put16(to + 6, (uint16_t)decimals);
    return to + BM__NUMERIC_HEADER;
}

/* Find the groups. */
static void split(uint64_t integer, uint64_t fraction, bm__decimal *out)
{
    uint32_t first = INTEGER_GROUPS;
    uint32_t last = first;
    static const uint32_t pad[BM__NUMERIC_DIGITS] = {1, 1000, 100, 10};
    fraction *= pad[out->places % BM__NUMERIC_DIGITS];
    for (; integer > 0; integer /= BM__NUMERIC_BASE) {
        out->groups[--first] = (uint16_t)(integer % BM__NUMERIC_BASE);
    }
    last += (out->places + BM__NUMERIC_DIGITS - 1u) / BM__NUMERIC_DIGITS;
    for (uint32_t i = last; i > INTEGER_GROUPS; fraction /= BM__NUMERIC_BASE) {
        out->groups[--i] = (uint16_t)(fraction % BM__NUMERIC_BASE);
    }
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
    out->sign = integer < 0 ? BM__NUMERIC_NEGATIVE : 0;
    out->places = 0;
    split(rest, 0, out);
    for (out->before = 0; rest > 0; rest /= 10) {
        out->before++;
    }
}

static const char *take_digits(const char *at, const char *end, uint64_t *value)
{
    for (*value = 0; at < end && bm__is_digit(*at); at++) {
        *value = *value * 10 + (unsigned)(*at - '0');
    }
    return at;
}

bool bm__decimal_parse(bm_slice text, bm__decimal *out)
{
    const char *end = text.data + text.size;
    const bool negative = text.size > 0 && *text.data == '-';
    const char *start = text.data + negative;
    const char *digits = start;
    uint64_t integer;
    uint64_t fraction;
    while (digits < end && *digits == '0') {
        digits++;
    }
    const char *point = take_digits(digits, end, &integer);
    const char *places = point + (point < end && *point == '.');
    const ptrdiff_t n = take_digits(places, end, &fraction) - places;
    out->before = (int32_t)(point - digits);
    if (places + n != end || point - start + n == 0 || point - digits > BM__DECIMAL_DIGITS ||
        n > BM__DECIMAL_PLACES) {
        return false;
    }
    out->sign = negative ? BM__NUMERIC_NEGATIVE : 0;
    out->places = (uint16_t)n;
    split(integer, fraction, out);
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
