#include "arrow_decimal.h"

#include <assert.h>
#include <string.h>

#define WORDS 8

_Static_assert(WORDS * sizeof(uint32_t) == 32, "the widest decimal");

/* The magnitude in words, the least significant first; true: the number is negative. */
static bool load_words(const uint8_t *bytes, size_t width, uint32_t words[WORDS])
{
    const bool negative = (bytes[width - 1] & 0x80) != 0;
    uint64_t carry = negative;
    assert(width > 0);
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t word = 0;
        for (size_t k = 0; 4 * i < width && k < 4; k++) {
            word |= (uint32_t)bytes[4 * i + k] << (8 * k);
        }
        if (negative && 4 * i < width) {
            uint64_t sum = (uint64_t)(uint32_t)~word + carry;
            word = (uint32_t)sum;
            carry = sum >> 32;
        }
        words[i] = word;
    }
    return negative;
}

/* Divide by ten; the rest. */
static char next_digit(uint32_t words[WORDS], bool *more)
{
    uint64_t rest = 0;
    *more = false;
    for (size_t i = WORDS; i-- > 0;) {
        uint64_t part = rest << 32 | words[i];
        words[i] = (uint32_t)(part / 10);
        rest = part % 10;
        *more = *more || words[i] != 0;
    }
    assert(rest < 10);
    return (char)('0' + rest);
}

size_t bm__arrow_decimal(const uint8_t *bytes, size_t width, int scale,
                         char out[BM__ARROW_DECIMAL_TEXT])
{
    uint32_t words[WORDS];
    char digits[BM__ARROW_DECIMAL_TEXT];
    size_t n = 0;
    size_t size = 0;
    bool more = true;
    assert(width % 4 == 0 && width <= 32);
    assert(scale >= -BM__ARROW_SCALE_MAX && scale <= BM__ARROW_SCALE_MAX);
    const bool negative = load_words(bytes, width, words);
    const size_t places = scale > 0 ? (size_t)scale : 0;
    while (more || n <= places) { /* at least one digit before the point */
        assert(n < sizeof digits);
        digits[n++] = next_digit(words, &more);
    }
    if (negative) {
        out[size++] = '-';
    }
    while (n > 0) {
        if (n == places) {
            out[size++] = '.';
        }
        out[size++] = digits[--n];
    }
    for (int i = scale; i < 0; i++) {
        assert(size < BM__ARROW_DECIMAL_TEXT);
        out[size++] = '0';
    }
    assert(size <= BM__ARROW_DECIMAL_TEXT);
    return size;
}
