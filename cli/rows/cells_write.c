#include "cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t write_uuid(const uint8_t bytes[16], char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[n++] = '-';
        }
        out[n++] = digits[bytes[i] >> 4];
        out[n++] = digits[bytes[i] & 15];
    }
    out[n] = '\0';
    return n;
}

/* The fewest digits that read back as the same number. */
static size_t write_float(double value, bool single, char *out)
{
    if (isnan(value) || isinf(value)) {
        return (size_t)snprintf(out, CLI_CELL_MAX, "%s",
                                isnan(value) ? "NaN"
                                : value > 0  ? "Infinity"
                                             : "-Infinity");
    }
    int n = 0;
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        n = snprintf(out, CLI_CELL_MAX, "%.*g", digits, value);
        bool same = single ? strtof(out, NULL) == (float)value : strtod(out, NULL) == value;
        if (same) {
            break;
        }
    }
    return (size_t)n;
}

static size_t write_integer(bm_type type, const void *member, char *out)
{
    long long value = type == BM_INT2   ? *(const int16_t *)member
                      : type == BM_INT4 ? *(const int32_t *)member
                                        : *(const int64_t *)member;
    return (size_t)snprintf(out, CLI_CELL_MAX, "%lld", value);
}

size_t cli_cell_write(bm_type type, const void *member, char out[CLI_CELL_MAX])
{
    switch (type) {
    case BM_BOOL:
        return (size_t)snprintf(out, CLI_CELL_MAX, "%s", *(const bool *)member ? "true" : "false");
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        return write_integer(type, member, out);
    case BM_FLOAT4:
        return write_float(*(const float *)member, true, out);
    case BM_FLOAT8:
        return write_float(*(const double *)member, false, out);
    case BM_DATE:
        return cli_date_write(*(const int32_t *)member, out);
    case BM_TIME:
        return cli_time_write(*(const int64_t *)member, out);
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        return cli_timestamp_write(*(const int64_t *)member, type == BM_TIMESTAMPTZ, out);
    case BM_UUID:
        return write_uuid(member, out);
    default:
        return 0;
    }
}

void cli_bytes_write(const char *data, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '\\';
    *out++ = 'x';
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[(unsigned char)data[i] >> 4];
        *out++ = digits[(unsigned char)data[i] & 15];
    }
}
