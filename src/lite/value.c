/* Cells to SQLite's storage classes. */
#include "lite.h"

#include "number.h"
#include "types.h"
#include "utf8.h"

#include <math.h>
#include <string.h>

/* SQLite computes with 64-bit floats: from here on a number would become infinity. */
#define MAX_MAGNITUDE 308

bm_status bm__lite_resolve(bm_type type, bm_layout layout, size_t width, bm_error *err)
{
    const bm__type_info *info = bm__type(type);
    if (info == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "there is no type %d", (int)type);
    }
    if (layout == BM_ARRAY) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "SQLite has no arrays (of %s)",
                        info->name);
    }
    if (!bm__type_fits(type, layout, width)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a value of type %s cannot stand in this layout (%zu bytes)", info->name,
                        width);
    }
    return BM_OK;
}

static const char *set_integer(bm__cell *out, int64_t value)
{
    out->kind = BM__CELL_INTEGER;
    out->integer = value;
    return NULL;
}

static const char *set_real(bm__cell *out, double value)
{
    if (isnan(value)) {
        return "NaN, which SQLite would store as NULL";
    }
    out->kind = BM__CELL_REAL;
    out->real = value;
    return NULL;
}

static const char *set_text(bm__cell *out, const char *text, size_t size)
{
    out->kind = BM__CELL_TEXT;
    out->data = text;
    out->size = size;
    return NULL;
}

/* The bytes of a variable cell.  They are never NULL: SQLite takes a NULL pointer for NULL, and an
 * empty text is none. */
static const char *variable_bytes(bm_layout layout, size_t width, const void *cell, bm_slice *out)
{
    if (layout == BM_CSTR) {
        const char *text;
        memcpy(&text, cell, sizeof text);
        if (text == NULL) {
            return "a NULL pointer whose state is not NULL";
        }
        *out = (bm_slice){text, strlen(text)};
        return NULL;
    }
    *out = bm__cell_bytes(layout, width, cell);
    if (out->data == NULL) {
        if (out->size != 0) {
            return "a NULL pointer whose size is not 0";
        }
        out->data = "";
    }
    return NULL;
}

static const char *set_variable_text(bm__cell *out, bm_layout layout, size_t width,
                                     const void *cell)
{
    bm_slice text;
    const char *fault = variable_bytes(layout, width, cell, &text);
    if (fault == NULL) {
        fault = bm__text_fault(text.data, text.size);
    }
    return fault != NULL ? fault : set_text(out, text.data, text.size);
}

static const char *set_blob(bm__cell *out, bm_layout layout, size_t width, const void *cell)
{
    bm_slice bytes;
    const char *fault = variable_bytes(layout, width, cell, &bytes);
    if (fault != NULL) {
        return fault;
    }
    out->kind = BM__CELL_BLOB;
    out->data = bytes.data;
    out->size = bytes.size;
    return NULL;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* An exponent behind its "e"; far beyond what is compared with, it stays there. */
static bool read_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end || skip_digits(at, end) != end) {
        return false;
    }
    int64_t exponent = 0;
    for (; at < end; at++) {
        exponent = exponent < INT32_MAX ? exponent * 10 + (*at - '0') : exponent;
    }
    *out = negative ? -exponent : exponent;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits]: what SQLite takes for a number too (src/util.c, AtoF). */
const char *bm__lite_number_fault(const char *text, size_t size)
{
    const char *end = text + size;
    const char *whole = text + (size > 0 && (*text == '-' || *text == '+'));
    const char *point = skip_digits(whole, end);
    const char *fraction = point + (point < end && *point == '.');
    const char *behind = skip_digits(fraction, end);
    if (point - whole + (behind - fraction) == 0) {
        return "text that is no number";
    }
    int64_t exponent = 0;
    if (behind < end &&
        ((*behind != 'e' && *behind != 'E') || !read_exponent(behind + 1, end, &exponent))) {
        return "text that is no number";
    }
    if (exponent + (point - whole) <= MAX_MAGNITUDE) {
        return NULL;
    }
    const char *first = whole;
    while (first < behind && (*first == '0' || *first == '.')) {
        first++;
    }
    int64_t magnitude = exponent + (point - first) + (first > point);
    return first == behind || magnitude <= MAX_MAGNITUDE ? NULL
                                                         : "a number too large for SQLite (1e308)";
}

static const char *set_number(bm__cell *out, bm_layout layout, size_t width, const void *cell)
{
    bm_slice text;
    const char *fault = variable_bytes(layout, width, cell, &text);
    if (fault == NULL) {
        fault = bm__lite_number_fault(text.data, text.size);
    }
    return fault != NULL ? fault : set_text(out, text.data, text.size);
}

static const char *set_date(bm__cell *out, const void *cell, char scratch[BM__TEXT_MAX])
{
    int32_t days;
    memcpy(&days, cell, sizeof days);
    if (days < BM__DATE_MIN || days > BM__DATE_MAX) {
        return "a date outside the years 1 to 9999";
    }
    return set_text(out, scratch, bm__date_text(days, scratch));
}

static const char *set_time(bm__cell *out, const void *cell, char scratch[BM__TEXT_MAX])
{
    int64_t usecs;
    memcpy(&usecs, cell, sizeof usecs);
    if (usecs < 0 || usecs >= BM__USECS_PER_DAY) { /* 24:00:00 is no time to Django */
        return "a time outside 00:00:00 to 23:59:59.999999";
    }
    return set_text(out, scratch, bm__time_text(usecs, scratch));
}

static const char *set_timestamp(bm__cell *out, const void *cell, char scratch[BM__TEXT_MAX])
{
    int64_t usecs;
    memcpy(&usecs, cell, sizeof usecs);
    if (usecs < BM__DATE_MIN * BM__USECS_PER_DAY ||
        usecs >= (BM__DATE_MAX + 1) * BM__USECS_PER_DAY) {
        return "a date outside the years 1 to 9999";
    }
    return set_text(out, scratch, bm__timestamp_text(usecs, scratch));
}

static const char *set_uuid(bm__cell *out, const void *cell, char scratch[BM__TEXT_MAX])
{
    bm_uuid uuid;
    memcpy(&uuid, cell, sizeof uuid);
    return set_text(out, scratch, bm__uuid_text(&uuid, false, scratch));
}

static const char *set_float(bm__cell *out, bm_type type, const void *cell)
{
    if (type == BM_FLOAT8) {
        double value;
        memcpy(&value, cell, sizeof value);
        return set_real(out, value);
    }
    float value;
    memcpy(&value, cell, sizeof value);
    return set_real(out, (double)value);
}

static const char *set_whole(bm__cell *out, bm_type type, const void *cell)
{
    if (type == BM_INT8) {
        int64_t value;
        memcpy(&value, cell, sizeof value);
        return set_integer(out, value);
    }
    if (type == BM_INT4) {
        int32_t value;
        memcpy(&value, cell, sizeof value);
        return set_integer(out, value);
    }
    if (type == BM_INT2) {
        int16_t value;
        memcpy(&value, cell, sizeof value);
        return set_integer(out, value);
    }
    uint8_t value;
    memcpy(&value, cell, sizeof value);
    return set_integer(out, value != 0);
}

const char *bm__lite_value(bm_type type, bm_layout layout, size_t width, const void *cell,
                           char scratch[BM__TEXT_MAX], bm__cell *out)
{
    switch (type) {
    case BM_BOOL:
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        return set_whole(out, type, cell);
    case BM_FLOAT4:
    case BM_FLOAT8:
        return set_float(out, type, cell);
    case BM_NUMERIC:
        return set_number(out, layout, width, cell);
    case BM_TEXT:
    case BM_VARCHAR:
    case BM_CHAR:
    case BM_JSON:
    case BM_JSONB:
    case BM_ENUM:
        return set_variable_text(out, layout, width, cell);
    case BM_BYTEA:
        return set_blob(out, layout, width, cell);
    case BM_DATE:
        return set_date(out, cell, scratch);
    case BM_TIME:
        return set_time(out, cell, scratch);
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        return set_timestamp(out, cell, scratch);
    case BM_UUID:
        return set_uuid(out, cell, scratch);
    }
    return "a type that SQLite does not store";
}

static bm_status check_block(const bm__batch *batch, size_t column, size_t from, size_t n,
                             bm_error *err)
{
    const bm__view *view = &batch->views[column];
    const bm_column *cells = &view->cells;
    const void *at[BM__BLOCK];
    char scratch[BM__TEXT_MAX];
    bm__cell unused;
    bm__batch_gather(batch, column, from, n, at);
    for (size_t i = 0; i < n; i++) {
        if (at[i] == NULL) {
            continue;
        }
        const char *fault =
            bm__lite_value(cells->type, cells->layout, cells->width, at[i], scratch, &unused);
        if (fault != NULL) {
            return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, from + i, view->name,
                                 "the value cannot be stored: %s", fault);
        }
    }
    return BM_OK;
}

/* Types of which every value can be stored. */
static bool is_always_storable(bm_type type)
{
    return type == BM_BOOL || bm__type_is_integer(type) || type == BM_UUID;
}

bm_status bm__lite_check(const bm__batch *batch, bm_error *err)
{
    for (size_t from = 0; from < batch->n_rows; from += BM__BLOCK) {
        size_t left = batch->n_rows - from;
        size_t n = left < BM__BLOCK ? left : BM__BLOCK;
        for (size_t column = 0; column < batch->n_views; column++) {
            if (!is_always_storable(batch->views[column].cells.type)) {
                BM_TRY(check_block(batch, column, from, n, err));
            }
        }
    }
    return BM_OK;
}
