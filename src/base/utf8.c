#include "utf8.h"

#include <assert.h>

static const char not_utf8[] = "not UTF-8";
static const char has_nul[] = "has a NUL character";

/* True where all bytes are 1 .. 127; the last step of each length overlaps the one before it. */
static inline bool plain(const char *text, size_t size)
{
    if (size >= 16) {
        for (size_t i = 0; i + 16 < size; i += 16) {
            if (!bm__plain16(text + i)) {
                return false;
            }
        }
        return bm__plain16(text + size - 16);
    }
    if (size >= 8) {
        return bm__plain8(text) && bm__plain8(text + size - 8);
    }
    for (size_t i = 0; i < size; i++) {
        if ((signed char)text[i] <= 0) {
            return false;
        }
    }
    return true;
}

/* The bytes of the character at `text`, whose first byte is not ASCII; 0 where it is none.
 * The Unicode Standard, table 3-7. */
static size_t character(const uint8_t *text, size_t left)
{
    assert(left > 0 && text[0] >= 0x80);
    uint8_t lead = text[0];
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    size_t size;
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        low = lead == 0xE0 ? 0xA0 : 0x80;
        high = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        low = lead == 0xF0 ? 0x90 : 0x80;
        high = lead == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (left < size || text[1] < low || text[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    assert(size <= left);
    return size;
}

static const char *slow_fault(const char *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        if (size - i >= 16 && bm__plain16(text + i)) {
            i += 16;
        } else if ((uint8_t)text[i] < 0x80) {
            if (text[i] == '\0') {
                return has_nul;
            }
            i++;
        } else {
            size_t step = character((const uint8_t *)text + i, size - i);
            if (step == 0) {
                return not_utf8;
            }
            i += step;
        }
    }
    assert(i == size);
    return NULL;
}

const char *bm__text_fault(const char *text, size_t size)
{
    return plain(text, size) ? NULL : slow_fault(text, size);
}

size_t bm__text_character(const char *text, size_t left)
{
    assert(left > 0);
    return (uint8_t)text[0] < 0x80 ? 1 : character((const uint8_t *)text, left);
}

size_t bm__text_length(const char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        length += ((uint8_t)text[i] & 0xC0) != 0x80;
    }
    assert(length <= size);
    return length;
}

bm_slice bm__cell_bytes(bm_layout layout, size_t width, const void *cell)
{
    bm_slice bytes = {NULL, 0};
    assert(layout == BM_CSTR || layout == BM_SLICE || layout == BM_CHARS);
    assert(cell != NULL && width > 0);
    if (layout == BM_CSTR) {
        memcpy(&bytes.data, cell, sizeof bytes.data);
        bytes.size = bytes.data != NULL ? strlen(bytes.data) : 0;
    } else if (layout == BM_SLICE) {
        memcpy(&bytes, cell, sizeof bytes);
        if (bytes.data == NULL && bytes.size == 0) {
            bytes.data = "";
        }
    } else {
        bytes.data = cell;
        bytes.size = strnlen(cell, width);
    }
    return bytes;
}
