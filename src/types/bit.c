/*
 * bit and varbit: src/backend/utils/adt/varbit.c.  Text is binary digits, perhaps behind a B, or
 * hexadecimal ones behind an X.  Binary: the number of bits, then the bits from the highest on,
 * the last byte filled with zeros.  The server judges the length.
 */
#include "codec.h"

#include "number.h"

#include <assert.h>

static int digit_of(char c, bool hex)
{
    return hex ? bm__hex_digit(c) : c == '0' || c == '1' ? c - '0' : -1;
}

static const char *read_bits(bm_slice text, bm__sink *out)
{
    const char mark = text.size > 0 ? *text.data : '\0';
    const bool hex = mark == 'x' || mark == 'X';
    const unsigned width = hex ? 4 : 1;
    const bool marked = hex || mark == 'b' || mark == 'B';
    uint8_t count[4];
    unsigned char byte = 0;
    text.data += marked;
    text.size -= marked;
    if (text.size > BM__VALUE_MAX / 4) {
        return "is a bit string of too many bits";
    }
    bm__put32(count, (uint32_t)text.size * width);
    bm__put(out, (const char *)count, sizeof count);
    for (size_t i = 0; i < text.size; i++) {
        int digit = digit_of(text.data[i], hex);
        if (digit < 0) {
            return "is not a bit string as 101 or X1F";
        }
        byte = (unsigned char)(byte << width | digit);
        if ((i + 1) * width % 8 == 0) {
            bm__put(out, (const char *)&byte, 1);
        }
    }
    unsigned rest = (unsigned)(text.size * width % 8);
    if (rest != 0) {
        byte = (unsigned char)(byte << (8 - rest));
        bm__put(out, (const char *)&byte, 1);
    }
    return NULL;
}

const char *bm__form_bit(bm_slice text, bm__sink *out)
{
    return read_bits(text, out);
}

const char *bm__form_varbit(bm_slice text, bm__sink *out)
{
    return read_bits(text, out);
}

static void print_bits(const uint8_t *bytes, size_t size, bm__sink *out)
{
    const uint32_t n = bm__get32(bytes);
    assert(size == 4 + ((size_t)n + 7) / 8);
    (void)size;
    for (uint32_t i = 0; i < n; i++) {
        bm__put(out, bytes[4 + i / 8] >> (7 - i % 8) & 1 ? "1" : "0", 1);
    }
}

void bm__print_bit(const uint8_t *bytes, size_t size, bm__sink *out)
{
    print_bits(bytes, size, out);
}

void bm__print_varbit(const uint8_t *bytes, size_t size, bm__sink *out)
{
    print_bits(bytes, size, out);
}
