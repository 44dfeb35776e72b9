#include "type.h"

#include <string.h>

static void put_plain(bm__sink *out, const char *text, size_t size)
{
    if (out->size < out->room) {
        size_t left = out->room - out->size;
        memcpy(out->at + out->size, text, size < left ? size : left);
    }
    out->size += size;
}

void bm__put(bm__sink *out, const char *text, size_t size)
{
    size_t start = 0;
    for (size_t i = 0; out->escapes && i < size; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            put_plain(out, text + start, i - start);
            put_plain(out, "\\", 1);
            start = i;
        }
    }
    if (size > start) {
        put_plain(out, text + start, size - start);
    }
}
