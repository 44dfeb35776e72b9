#include "error.h"

#include "utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *bm_status_name(bm_status status)
{
    static const char *const names[] = {
        "OK",         "INVALID",        "UNSUPPORTED", "CONVERT",   "CONSTRAINT", "RETRY",
        "CONNECTION", "AUTH",           "TIMEOUT",     "CANCELLED", "NOMEM",      "LIMIT",
        "PARTIAL",    "COMMIT_UNKNOWN", "DATABASE",    "INTERNAL",
    };
    _Static_assert(sizeof names / sizeof names[0] == (size_t)BM_INTERNAL + 1,
                   "each status has a name");
    size_t i = (size_t)status;
    return i < sizeof names / sizeof names[0] ? names[i] : "UNKNOWN";
}

void bm__error_reset(bm_error *err)
{
    _Static_assert(offsetof(bm_error, size) == 0, "an options struct begins with its size");
    assert(err != NULL);
    const bm_error empty = BM_ERROR_INIT;
    size_t size = err->size < sizeof empty ? err->size : sizeof empty;
    if (size > sizeof err->size) {
        memcpy((char *)err + sizeof err->size, (const char *)&empty + sizeof empty.size,
               size - sizeof empty.size);
    }
}

/* The Unicode Standard, 3.9: a byte that belongs to no character becomes U+FFFD. */
static const char replacement[] = "\xEF\xBF\xBD";

void bm__copy_text(char *out, size_t size, const char *text)
{
    assert(out != NULL && size > 0);
    size_t n = 0;
    for (size_t left = text != NULL ? strlen(text) : 0; left > 0;) {
        size_t step = bm__text_character(text, left);
        const char *from = step > 0 ? text : replacement;
        size_t wide = step > 0 ? step : sizeof replacement - 1;
        if (n + wide >= size) {
            break;
        }
        memcpy(out + n, from, wide);
        n += wide;
        step = step > 0 ? step : 1;
        assert(step <= left && n < size);
        text += step;
        left -= step;
    }
    assert(n < size);
    out[n] = '\0';
}

static void fill(bm_error *err, bm_status status, bm_stage stage, size_t row, const char *column)
{
    assert(status > BM_OK && status <= BM_INTERNAL);
    err->status = status;
    err->stage = stage;
    err->row = row;
    err->retryable = status == BM_RETRY;
    bm__copy_text(err->column, sizeof err->column, column);
}

/* Through a longer text, so that the cut falls between characters. */
static void BM__PRINTF(2, 0) put_message(bm_error *err, const char *format, va_list args)
{
    char text[sizeof err->message + 4];
    int size = vsnprintf(text, sizeof text, format, args);
    assert(size >= 0); /* no wide characters, whose form may be wrong */
    (void)size;
    bm__copy_text(err->message, sizeof err->message, text);
}

bm_status bm__fail(bm_error *err, bm_status status, bm_stage stage, const char *format, ...)
{
    assert(err != NULL && status != BM_OK);
    if (err->status == BM_OK) {
        fill(err, status, stage, BM_NO_ROW, NULL);
        va_list args;
        va_start(args, format);
        put_message(err, format, args);
        va_end(args);
    }
    return status;
}

bm_status bm__fail_cell(bm_error *err, bm_status status, bm_stage stage, size_t row,
                        const char *column, const char *format, ...)
{
    assert(err != NULL && status != BM_OK);
    if (err->status == BM_OK) {
        fill(err, status, stage, row, column);
        va_list args;
        va_start(args, format);
        put_message(err, format, args);
        va_end(args);
    }
    return status;
}

void bm__say(bm_error *err, const char *format, ...)
{
    assert(err->status != BM_OK);
    va_list args;
    va_start(args, format);
    put_message(err, format, args);
    va_end(args);
}

void bm__number_message(bm_error *err, size_t row)
{
    char rest[sizeof err->message];
    char *end = err->message;
    assert(err->status != BM_OK && row != BM_NO_ROW);
    if (strncmp(err->message, "row ", 4) == 0) {
        (void)strtoull(err->message + 4, &end, 10);
    }
    if (end > err->message + 4) {
        snprintf(rest, sizeof rest, "%s", end);
        bm__say(err, "row %zu%s", row, rest);
    }
}

bm_status bm__callback_failed(bm_error *err, bm_status status, const char *what, size_t rows)
{
    assert(status != BM_OK && what != NULL);
    if (err->message[0] == '\0') {
        snprintf(err->message, sizeof err->message, "the %s failed after %zu rows", what, rows);
    }
    err->status = status;
    err->stage = BM_STAGE_SOURCE;
    err->retryable = false;
    return status;
}

bm_status bm__no_memory(bm_error *err)
{
    return bm__fail(err, BM_NOMEM, BM_STAGE_CHECK, "out of memory");
}

typedef struct sqlstate_rule {
    const char *prefix;
    bm_status status;
} sqlstate_rule;

/* PostgreSQL manual, appendix A; the first row that fits. */
static const sqlstate_rule sqlstate_rules[] = {
    {"40002", BM_CONSTRAINT}, {"40003", BM_COMMIT_UNKNOWN},
    {"40", BM_RETRY},         {"55P03", BM_TIMEOUT},
    {"57014", BM_CANCELLED},  {"57P01", BM_CONNECTION},
    {"57P02", BM_CONNECTION}, {"57P03", BM_CONNECTION},
    {"57P05", BM_CONNECTION}, {"25P03", BM_TIMEOUT},
    {"25P04", BM_TIMEOUT},    {"08P01", BM_DATABASE},
    {"08", BM_CONNECTION},    {"23", BM_CONSTRAINT},
    {"44000", BM_CONSTRAINT}, {"21000", BM_CONSTRAINT},
    {"2200H", BM_LIMIT},      {"22", BM_CONVERT},
    {"42501", BM_AUTH},       {"28", BM_AUTH},
    {"53200", BM_DATABASE},   {"53", BM_LIMIT},
    {"54", BM_LIMIT},         {"0A000", BM_UNSUPPORTED},
    {"42P10", BM_INVALID},    {"42P01", BM_INVALID},
    {"42703", BM_INVALID},    {"428C9", BM_INVALID},
    {"42804", BM_INVALID},
};

bm_status bm__status_of_sqlstate(const char *sqlstate)
{
    assert(sqlstate != NULL);
    for (size_t i = 0; i < sizeof sqlstate_rules / sizeof sqlstate_rules[0]; i++) {
        const char *prefix = sqlstate_rules[i].prefix;
        assert(strlen(prefix) >= 2 && strlen(prefix) <= 5); /* a class, or a state of it */
        if (strncmp(sqlstate, prefix, strlen(prefix)) == 0) {
            return sqlstate_rules[i].status;
        }
    }
    return BM_DATABASE;
}
