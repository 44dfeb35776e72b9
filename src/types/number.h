/* What texts of numbers and of bytes have in common. */
#ifndef BM_TYPES_NUMBER_H
#define BM_TYPES_NUMBER_H

#include "bulkmodel.h"

#include <string.h>

#define BM__OUT_OF_RANGE "is out of range for the type of its column"
#define BM__COMMA "has a comma: use a decimal point, as in 12.5, and no thousands separators"

static inline bool bm__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit; -1 where it is none. */
static inline int bm__hex_digit(char c)
{
    if (bm__is_digit(c)) {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number but for a comma in it. */
static inline bool bm__has_comma(bm_slice text)
{
    bool digit = false;
    bool comma = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        digit = digit || bm__is_digit(c);
        comma = comma || c == ',';
        if (c == '\0' || (!bm__is_digit(c) && strchr(",.+- ", c) == NULL)) {
            return false;
        }
    }
    return digit && comma;
}

#endif
