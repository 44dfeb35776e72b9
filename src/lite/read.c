/* SQLite's storage classes into members. */
#include "lite.h"

#include "number.h"
#include "types.h"
#include "utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char no_memory[] = "out of memory";

/* Bytes into a variable member: a pointer into the arena, or characters in place. */
static const char *store_bytes(bm_layout layout, size_t width, const void *data, size_t size,
                               void *member, bm__arena *arena)
{
    if (layout == BM_CHARS) {
        if (size > width) {
            return "a value longer than the member that is to hold it";
        }
        memset(member, 0, width);
        if (size != 0) {
            memcpy(member, data, size);
        }
        return NULL;
    }
    char *copy = bm__arena_copy(arena, size != 0 ? data : "", size);
    if (copy == NULL) {
        return no_memory;
    }
    if (layout == BM_CSTR) {
        memcpy(member, &copy, sizeof copy);
    } else {
        bm_slice slice = {copy, size};
        memcpy(member, &slice, sizeof slice);
    }
    return NULL;
}

static const char *read_text(bm_layout layout, size_t width, const bm__cell *cell, void *member,
                             bm__arena *arena)
{
    if (cell->kind != BM__CELL_TEXT) {
        return "no TEXT where text is expected";
    }
    const char *fault = bm__text_fault(cell->data, cell->size);
    return fault != NULL ? fault
                         : store_bytes(layout, width, cell->data, cell->size, member, arena);
}

/* The shortest of 15, 16 and 17 digits that is the same number again.  printf writes the decimal
 * point of the process's locale, and scanf reads it: it becomes a point at the end. */
static size_t real_text(double value, char out[BM__TEXT_MAX])
{
    for (int digits = DBL_DIG; digits <= 17; digits++) {
        double back = 0;
        snprintf(out, BM__TEXT_MAX, "%.*g", digits, value);
        if (sscanf(out, "%lf", &back) == 1 && back == value) {
            break;
        }
    }
    size_t size = 0;
    for (const char *c = out; *c != '\0'; c++) {
        if ((*c >= '0' && *c <= '9') || *c == '-' || *c == '+' || *c == 'e') {
            out[size++] = *c;
        } else if (out[size - 1] != '.') {
            out[size++] = '.';
        }
    }
    return size;
}

static const char *read_number(bm_layout layout, size_t width, const bm__cell *cell, void *member,
                               bm__arena *arena)
{
    char text[BM__TEXT_MAX];
    const char *fault;
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        return store_bytes(layout, width, text,
                           (size_t)snprintf(text, sizeof text, "%lld", (long long)cell->integer),
                           member, arena);
    case BM__CELL_REAL:
        if (!isfinite(cell->real)) {
            return "a REAL that is infinite, which no decimal number is";
        }
        return store_bytes(layout, width, text, real_text(cell->real, text), member, arena);
    case BM__CELL_TEXT:
        fault = bm__lite_number_fault(cell->data, cell->size);
        return fault != NULL ? fault
                             : store_bytes(layout, width, cell->data, cell->size, member, arena);
    case BM__CELL_NULL:
    case BM__CELL_BYTES:
    case BM__CELL_BLOB:
        break;
    }
    return "a BLOB where a number is expected";
}

static const char *read_blob(bm_layout layout, size_t width, const bm__cell *cell, void *member,
                             bm__arena *arena)
{
    if (cell->kind != BM__CELL_BLOB) {
        return "no BLOB where bytes are expected";
    }
    return store_bytes(layout, width, cell->data, cell->size, member, arena);
}

static const char *read_float(bm_type type, const bm__cell *cell, void *member)
{
    double value;
    if (cell->kind == BM__CELL_REAL) {
        value = cell->real;
    } else if (cell->kind == BM__CELL_INTEGER) { /* a REAL in a column of NUMERIC affinity */
        value = (double)cell->integer;
    } else {
        return "no REAL where a float is expected";
    }
    if (type == BM_FLOAT8) {
        memcpy(member, &value, sizeof value);
        return NULL;
    }
    if (isfinite(value) && fabs(value) > (double)FLT_MAX) {
        return "a number that float4 cannot hold";
    }
    float narrow = (float)value;
    memcpy(member, &narrow, sizeof narrow);
    return NULL;
}

static const char *read_integer(bm_type type, const bm__cell *cell, void *member)
{
    if (cell->kind != BM__CELL_INTEGER) {
        return "no INTEGER where one is expected";
    }
    int64_t value = cell->integer;
    if (type == BM_INT8) {
        memcpy(member, &value, sizeof value);
    } else if (type == BM_INT4 && value >= INT32_MIN && value <= INT32_MAX) {
        int32_t narrow = (int32_t)value;
        memcpy(member, &narrow, sizeof narrow);
    } else if (type == BM_INT2 && value >= INT16_MIN && value <= INT16_MAX) {
        int16_t narrow = (int16_t)value;
        memcpy(member, &narrow, sizeof narrow);
    } else if (type == BM_BOOL && (value == 0 || value == 1)) {
        bool narrow = value == 1;
        memcpy(member, &narrow, sizeof narrow);
    } else {
        return "an INTEGER outside the range of its type";
    }
    return NULL;
}

static const char *read_calendar(bm_type type, const bm__cell *cell, void *member)
{
    if (cell->kind != BM__CELL_TEXT) {
        return "no TEXT where a date or time is expected";
    }
    int32_t days;
    int64_t usecs;
    if (type == BM_DATE) {
        if (!bm__date_read(cell->data, cell->size, &days)) {
            return "text that is no date";
        }
        memcpy(member, &days, sizeof days);
        return NULL;
    }
    if (type == BM_TIME ? !bm__time_read(cell->data, cell->size, &usecs)
                        : !bm__timestamp_read(cell->data, cell->size, &usecs)) {
        return type == BM_TIME ? "text that is no time" : "text that is no date and time";
    }
    memcpy(member, &usecs, sizeof usecs);
    return NULL;
}

static const char *read_uuid(const bm__cell *cell, void *member)
{
    bm_uuid uuid;
    if (cell->kind != BM__CELL_TEXT || !bm__uuid_read(cell->data, cell->size, &uuid)) {
        return "no TEXT that is a UUID";
    }
    memcpy(member, &uuid, sizeof uuid);
    return NULL;
}

const char *bm__lite_read(bm_type type, bm_layout layout, size_t width, const bm__cell *cell,
                          void *member, bm__arena *arena)
{
    switch (type) {
    case BM_BOOL:
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        return read_integer(type, cell, member);
    case BM_FLOAT4:
    case BM_FLOAT8:
        return read_float(type, cell, member);
    case BM_NUMERIC:
        return read_number(layout, width, cell, member, arena);
    case BM_TEXT:
    case BM_VARCHAR:
    case BM_CHAR:
    case BM_JSON:
    case BM_JSONB:
    case BM_ENUM:
        return read_text(layout, width, cell, member, arena);
    case BM_BYTEA:
        return read_blob(layout, width, cell, member, arena);
    case BM_DATE:
    case BM_TIME:
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        return read_calendar(type, cell, member);
    case BM_UUID:
        return read_uuid(cell, member);
    }
    return "a type that SQLite does not store";
}
