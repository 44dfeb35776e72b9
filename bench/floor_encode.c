#include "floor.h"
#include "wire.h"

#define BUFFER_BYTES 65536
#define ROW_BYTES_MAX 1024

/* Continuation bytes behind a first byte and the least second byte and the greatest (RFC 3629). */
static bool utf8_tail(const unsigned char **at)
{
    const unsigned char *c = *at;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    size_t n = c[0] < 0xE0 ? 1 : c[0] < 0xF0 ? 2 : 3;
    if (c[0] < 0xC2 || c[0] > 0xF4) {
        return false;
    }
    low = c[0] == 0xE0 ? 0xA0 : c[0] == 0xF0 ? 0x90 : low;
    high = c[0] == 0xED ? 0x9F : c[0] == 0xF4 ? 0x8F : high;
    for (size_t i = 1; i <= n; i++) {
        if (c[i] < (i == 1 ? low : 0x80) || c[i] > (i == 1 ? high : 0xBF)) {
            return false;
        }
    }
    *at = c + n + 1;
    return true;
}

/* Eight bytes at a time while they are ASCII. */
static bool is_utf8(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + size;
    while (at < end) {
        uint64_t word;
        if (end - at >= 8) {
            memcpy(&word, at, sizeof word);
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                at += 8;
                continue;
            }
        }
        if (*at < 0x80) {
            at++;
        } else if (!utf8_tail(&at)) {
            return false;
        }
    }
    return true;
}

size_t floor_encode(const foo *rows, size_t n)
{
    static char buffer[BUFFER_BYTES];
    char *at = buffer;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(rows[i].name);
        if (!is_utf8(rows[i].name, size)) {
            return SIZE_MAX;
        }
        if (at > buffer + sizeof buffer - ROW_BYTES_MAX) {
            bytes += (size_t)(at - buffer);
            at = buffer;
        }
        at = put_int16(at, 4);
        at = put_int32(at, 8);
        at = put_int64(at, (uint64_t)rows[i].id);
        at = put_bytes(at, rows[i].name, size);
        at = put_int32(at, 4);
        at = put_int32(at, (uint32_t)rows[i].value);
        at = put_bytes(at, rows[i].bm_create_uuid.bytes, 16);
    }
    return bytes + (size_t)(at - buffer);
}
