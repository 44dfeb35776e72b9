/* SQLite's storage classes into members. */
#include "storage_table.h"

#include "utf8.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BESIDE = 1 }; /* steps from a REAL to those beside it */

static const char no_memory[] = "out of memory";

/* Bytes into a variable member: a pointer into the arena, or characters in place. */
static const char *store_bytes(const bm__stored *to, const void *data, size_t size,
                               bm__arena *arena)
{
    const bm_layout layout = to->layout;
    const size_t width = to->width;
    void *member = to->member;
    if (layout == BM_CHARS) {
        if (size > width) {
            return "too long for its member";
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

/* A REAL as text has a point or an exponent, so that it is not taken for an INTEGER. */
static const char *store_real(double value, const bm__stored *to, bm__arena *arena)
{
    char text[BM__PRINT_MAX + 2];
    size_t size = bm__value_print(BM_FLOAT8, &value, text);
    const bool whole = isfinite(value) && text[strspn(text, "-0123456789")] == '\0';
    assert(size > 0 && size < BM__PRINT_MAX);
    if (whole) {
        memcpy(text + size, ".0", 2);
        size += 2;
    }
    return store_bytes(to, text, size, arena);
}

/* A column without a declared type, or with one that SQLite does not know, holds numbers, too. */
const char *bm__take_text(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    const bool document = to->type == BM_JSON || to->type == BM_JSONB;
    char number[BM__PRINT_MAX];
    const char *fault;
    switch (cell->kind) {
    case BM__CELL_TEXT:
        fault = bm__text_fault(cell->data, cell->size);
        return fault != NULL ? fault : store_bytes(to, cell->data, cell->size, arena);
    case BM__CELL_INTEGER:
        return store_bytes(to, number, bm__value_print(BM_INT8, &cell->integer, number), arena);
    case BM__CELL_REAL:
        return document && !isfinite(cell->real) ? "an infinite REAL is not JSON"
                                                 : store_real(cell->real, to, arena);
    case BM__CELL_NULL:
    case BM__CELL_BYTES:
    case BM__CELL_BLOB:
        break;
    }
    return "expected TEXT or a number, found a BLOB";
}

/* The REAL that SQLite makes of 47.985792 may be the one beside the nearest (3.40 reads decimal
 * numbers so), and would be printed with 17 digits.  SQLite promises 15 digits of a number in a
 * column of NUMERIC affinity, and Django reads 15: where they give this REAL or one of those beside
 * it, they are the number that was meant. */
static double as_was_meant(double value)
{
    assert(isfinite(value));
    char text[BM__PRINT_MAX];
    snprintf(text, sizeof text, "%.15g", value);
    const double meant = strtod(text, NULL);
    int64_t places[2]; /* REALs of one sign in their order */
    memcpy(&places[0], &value, sizeof value);
    memcpy(&places[1], &meant, sizeof meant);
    const int64_t apart = places[0] - places[1];
    return isfinite(meant) && apart >= -BESIDE && apart <= BESIDE ? meant : value;
}

const char *bm__take_number(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    char text[BM__PRINT_MAX];
    const char *fault;
    double meant;
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        return store_bytes(to, text, bm__value_print(BM_INT8, &cell->integer, text), arena);
    case BM__CELL_REAL:
        if (!isfinite(cell->real)) {
            return "an infinite REAL is not a decimal number";
        }
        meant = as_was_meant(cell->real);
        return store_bytes(to, text, bm__value_print(BM_FLOAT8, &meant, text), arena);
    case BM__CELL_TEXT:
        fault = bm__sqlite_number_fault(cell->data, cell->size);
        return fault != NULL ? fault : store_bytes(to, cell->data, cell->size, arena);
    case BM__CELL_NULL:
    case BM__CELL_BYTES:
    case BM__CELL_BLOB:
        break;
    }
    return "expected a number, found a BLOB";
}

const char *bm__take_blob(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    if (cell->kind != BM__CELL_BLOB) {
        return "expected a BLOB";
    }
    return store_bytes(to, cell->data, cell->size, arena);
}

const char *bm__take_float(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    (void)arena;
    double value;
    if (cell->kind == BM__CELL_REAL) {
        value = cell->real;
    } else if (cell->kind == BM__CELL_INTEGER) { /* a REAL in a column of NUMERIC affinity */
        value = (double)cell->integer;
    } else {
        return "expected a REAL";
    }
    if (to->type == BM_FLOAT8) {
        memcpy(to->member, &value, sizeof value);
        return NULL;
    }
    if (isfinite(value) && fabs(value) > (double)FLT_MAX) {
        return "out of range for float4";
    }
    float narrow = (float)value;
    memcpy(to->member, &narrow, sizeof narrow);
    return NULL;
}

const char *bm__take_integer(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    const bm_type type = to->type;
    void *member = to->member;
    (void)arena;
    if (cell->kind != BM__CELL_INTEGER) {
        return "expected an INTEGER";
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
        return "the INTEGER is out of range for its type";
    }
    return NULL;
}

const char *bm__take_printed(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    (void)arena;
    if (cell->kind != BM__CELL_TEXT) {
        return "expected TEXT";
    }
    bm_slice text = {cell->data, cell->size};
    return bm__value_parse(to->type, text, NULL, to->member) == NULL
               ? NULL
               : "the TEXT is not a value of its type";
}

const char *bm__take_date(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    int32_t days;
    const bm__stored read = {.type = BM_DATE, .member = &days};
    const char *fault = bm__take_printed(cell, &read, arena);
    if (fault == NULL && (days < BM__DATE_MIN || days > BM__DATE_MAX)) {
        fault = "the date is outside the years 1 to 9999";
    }
    if (fault == NULL) {
        memcpy(to->member, &days, sizeof days);
    }
    return fault;
}

/* PostgreSQL reads 24:00 as the next day's midnight.  SQLite orders times as text, where that is
 * the end of another day, and Django refuses it. */
static bool has_hour_24(const bm__cell *cell)
{
    const char *end = (const char *)cell->data + cell->size;
    const char *at = cell->data;
    while (at < end && strchr(" Tt", *at) == NULL) {
        at++;
    }
    return end - at > 2 && at[1] == '2' && at[2] == '4';
}

/* An offset is applied, also where the column's times have none. */
const char *bm__take_timestamp(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    int64_t usecs;
    const bm__stored read = {.type = BM_TIMESTAMPTZ, .member = &usecs};
    const char *fault = bm__take_printed(cell, &read, arena);
    if (fault == NULL && has_hour_24(cell)) {
        fault = "the TEXT is not a value of its type";
    }
    if (fault == NULL && !bm__sqlite_has_year(usecs)) {
        fault = "the date is outside the years 1 to 9999";
    }
    if (fault == NULL) {
        memcpy(to->member, &usecs, sizeof usecs);
    }
    return fault;
}

const char *bm__take_interval(const bm__cell *cell, const bm__stored *to, bm__arena *arena)
{
    (void)arena;
    if (cell->kind != BM__CELL_INTEGER) {
        return "expected an INTEGER of microseconds";
    }
    const bm_interval interval = {cell->integer, 0, 0};
    memcpy(to->member, &interval, sizeof interval);
    return NULL;
}
