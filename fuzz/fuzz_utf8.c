/* UTF-8: a text is good if and only if RFC 3629, section 4, says so and it has no NUL; its
 * characters are as many as the bytes that begin one. */
#include "utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(const uint8_t *at, size_t left, size_t i, unsigned low, unsigned high)
{
    return i < left && at[i] >= low && at[i] <= high;
}

/* The size of the character that begins here, 0: there is none. */
static size_t character(const uint8_t *at, size_t left)
{
    unsigned a = at[0];
    if (a >= 0x01 && a <= 0x7F) {
        return 1;
    }
    if (a >= 0xC2 && a <= 0xDF) {
        return within(at, left, 1, 0x80, 0xBF) ? 2 : 0;
    }
    if (a >= 0xE0 && a <= 0xEF) {
        bool second = within(at, left, 1, a == 0xE0 ? 0xA0 : 0x80, a == 0xED ? 0x9F : 0xBF);
        return second && within(at, left, 2, 0x80, 0xBF) ? 3 : 0;
    }
    if (a >= 0xF0 && a <= 0xF4) {
        bool second = within(at, left, 1, a == 0xF0 ? 0x90 : 0x80, a == 0xF4 ? 0x8F : 0xBF);
        bool rest = within(at, left, 2, 0x80, 0xBF) && within(at, left, 3, 0x80, 0xBF);
        return second && rest ? 4 : 0;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0;
    size_t at = 0;
    while (at < size) {
        size_t one = character(data + at, size - at);
        if (one == 0) {
            break;
        }
        at += one;
        n++;
    }
    bool good = bm__text_fault((const char *)data, size) == NULL;
    if (good != (at == size) || (good && bm__text_length((const char *)data, size) != n)) {
        abort();
    }
    return 0;
}
