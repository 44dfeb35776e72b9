/* pg_lsn: src/backend/utils/adt/pg_lsn.c.  Binary: int8. */
#include "codec.h"

#include "number.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define MOST_DIGITS 8

static bool take_half(bm_slice *text, uint32_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; n < text->size && bm__hex_digit(text->data[n]) >= 0; n++) {
        *out = *out << 4 | (uint32_t)bm__hex_digit(text->data[n]);
    }
    text->data += n;
    text->size -= n;
    return n > 0 && n <= MOST_DIGITS;
}

const char *bm__form_pg_lsn(bm_slice text, bm__sink *out)
{
    uint32_t high;
    uint32_t low;
    uint8_t bytes[8];
    bool read = take_half(&text, &high) && text.size > 0 && *text.data == '/';
    text.data += read;
    text.size -= read;
    if (!read || !take_half(&text, &low) || text.size > 0) {
        return "is not a log sequence number as 16/B374D848";
    }
    bm__put32(bytes, high);
    bm__put32(bytes + 4, low);
    bm__put(out, (const char *)bytes, sizeof bytes);
    return NULL;
}

void bm__print_pg_lsn(const uint8_t *bytes, size_t size, bm__sink *out)
{
    char text[2 * MOST_DIGITS + 2];
    assert(size == 8);
    (void)size;
    int n =
        snprintf(text, sizeof text, "%" PRIX32 "/%" PRIX32, bm__get32(bytes), bm__get32(bytes + 4));
    bm__put(out, text, (size_t)n);
}
