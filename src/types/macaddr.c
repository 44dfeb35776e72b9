/*
 * macaddr and macaddr8: src/backend/utils/adt/mac.c, mac8.c.  Text is what macaddr_in's formats of
 * sscanf take, and what macaddr8_in does.  Binary: the bytes.
 */
#include "codec.h"

#include "number.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#define TEXT_MAX 127

static const char not_a_mac[] = "is not a MAC address as 08:00:2b:01:02:03";

/* The server's own formats, in its order; what stands behind the address is refused. */
static int scan(const char *text, unsigned b[6])
{
    static const char *const formats[] = {
        "%x:%x:%x:%x:%x:%x%1s",   "%x-%x-%x-%x-%x-%x%1s",    "%2x%2x%2x:%2x%2x%2x%1s",
        "%2x%2x%2x-%2x%2x%2x%1s", "%2x%2x.%2x%2x.%2x%2x%1s", "%2x%2x-%2x%2x-%2x%2x%1s",
        "%2x%2x%2x%2x%2x%2x%1s",
    };
    int found = 0;
    for (size_t i = 0; found != 6 && i < sizeof formats / sizeof formats[0]; i++) {
        char junk[2];
        found = sscanf(text, formats[i], &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], junk);
    }
    return found;
}

const char *bm__form_macaddr(bm_slice text, bm__sink *out)
{
    char copy[TEXT_MAX + 1];
    unsigned b[6];
    uint8_t bytes[6];
    if (text.size > TEXT_MAX || memchr(text.data, '\0', text.size) != NULL) {
        return not_a_mac;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (scan(copy, b) != 6) {
        return not_a_mac;
    }
    for (size_t i = 0; i < 6; i++) {
        if (b[i] > 255) {
            return not_a_mac;
        }
        bytes[i] = (uint8_t)b[i];
    }
    bm__put(out, (const char *)bytes, sizeof bytes);
    return NULL;
}

static bool is_blank(char c)
{
    return isspace((unsigned char)c) != 0;
}

/* Pairs of digits with one kind of separator, or none, between any; blanks around.  Six bytes get
 * FF FE in their middle. */
const char *bm__form_macaddr8(bm_slice text, bm__sink *out)
{
    const char *at = text.data;
    const char *end = text.data + text.size;
    uint8_t bytes[8];
    size_t n = 0;
    char separator = '\0';
    while (at < end && is_blank(*at)) {
        at++;
    }
    while (end - at > 1) {
        int high = bm__hex_digit(at[0]);
        int low = bm__hex_digit(at[1]);
        if (high < 0 || low < 0 || n == 8) {
            return not_a_mac;
        }
        bytes[n++] = (uint8_t)(high << 4 | low);
        at += 2;
        if (at < end && (*at == ':' || *at == '-' || *at == '.')) {
            if (separator != '\0' && separator != *at) {
                return not_a_mac;
            }
            separator = *at++;
        }
        if ((n == 6 || n == 8) && at < end && is_blank(*at)) {
            while (at < end && is_blank(*at)) {
                at++;
            }
            if (at < end) {
                return not_a_mac;
            }
        }
    }
    if (n != 6 && n != 8) {
        return not_a_mac;
    }
    if (n == 6) {
        memmove(bytes + 5, bytes + 3, 3);
        bytes[3] = 0xFF;
        bytes[4] = 0xFE;
    }
    bm__put(out, (const char *)bytes, sizeof bytes);
    return NULL;
}

static void print_mac(const uint8_t *bytes, size_t size, bm__sink *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        const char pair[3] = {':', digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        bm__put(out, i > 0 ? pair : pair + 1, i > 0 ? 3 : 2);
    }
}

void bm__print_macaddr(const uint8_t *bytes, size_t size, bm__sink *out)
{
    assert(size == 6);
    print_mac(bytes, size, out);
}

void bm__print_macaddr8(const uint8_t *bytes, size_t size, bm__sink *out)
{
    assert(size == 8);
    print_mac(bytes, size, out);
}
