#include "quoting.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

bm__sql bm__sql_begin(bm_error *err)
{
    return (bm__sql){.err = err, .quote = '"'};
}

static void put_bytes(bm__sql *sql, const char *text, size_t size)
{
    if (sql->status == BM_OK) {
        sql->status = bm__buffer_append(&sql->text, text, size, sql->err);
    }
}

static void put_number(bm__sql *sql, unsigned long long value)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put_bytes(sql, digits + at, sizeof digits - at);
}

/* The value of the conversion at `at`, just behind its %.  Returns its last character. */
static const char *put_value(bm__sql *sql, const char *at, va_list *args)
{
    if (*at == 's') {
        const char *text = va_arg(*args, const char *);
        assert(text != NULL);
        put_bytes(sql, text, strlen(text));
        return at;
    }
    if (*at == '%') {
        put_bytes(sql, at, 1);
        return at;
    }
    if (*at == 'c') {
        char one = (char)va_arg(*args, int);
        put_bytes(sql, &one, 1);
        return at;
    }
    if (*at == 'd') {
        long long value = va_arg(*args, int);
        put_bytes(sql, "-", value < 0);
        put_number(sql, (unsigned long long)(value < 0 ? -value : value));
        return at;
    }
    if (at[0] == 'z' && at[1] == 'u') {
        put_number(sql, va_arg(*args, size_t));
        return at + 1;
    }
    if (at[0] == 'l' && at[1] == 'l' && at[2] == 'u') {
        put_number(sql, va_arg(*args, unsigned long long));
        return at + 2;
    }
    if (strncmp(at, ".*s", 3) != 0) {
        sql->status = bm__fail(sql->err, BM_INTERNAL, BM_STAGE_CHECK, "unknown conversion in SQL");
        return at;
    }
    int size = va_arg(*args, int);
    const char *text = va_arg(*args, const char *);
    assert(size >= 0);
    put_bytes(sql, text, strnlen(text, (size_t)size));
    return at + 2;
}

/* A statement is put together from some sixty pieces for each call, for which vsnprintf() takes
 * half the time of a plan.  So it knows the conversions that are used. */
void bm__sql_put(bm__sql *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    while (sql->status == BM_OK && *format != '\0') {
        size_t plain = strcspn(format, "%");
        put_bytes(sql, format, plain);
        format += plain;
        if (*format == '%') {
            format = put_value(sql, format + 1, &args) + 1;
        }
    }
    va_end(args);
}

static void put_quoted(bm__sql *sql, const char *name, char quote)
{
    size_t size = strlen(name);
    uint8_t *at = NULL;
    if (sql->status != BM_OK) {
        return;
    }
    sql->status = size > PTRDIFF_MAX / 4
                      ? bm__no_memory(sql->err)
                      : bm__buffer_reserve(&sql->text, 2 * size + 2, &at, sql->err);
    if (sql->status != BM_OK) {
        return;
    }
    uint8_t *end = at;
    *end++ = (uint8_t)quote;
    for (size_t i = 0; i < size; i++) {
        if (name[i] == quote) {
            *end++ = (uint8_t)quote;
        }
        *end++ = (uint8_t)name[i];
    }
    *end++ = (uint8_t)quote;
    sql->text.size += (size_t)(end - at);
}

void bm__sql_name(bm__sql *sql, const char *name)
{
    put_quoted(sql, name, sql->quote);
}

void bm__sql_name_text(bm__sql *sql, const char *name)
{
    put_quoted(sql, name, '\'');
}

void bm__sql_table(bm__sql *sql, const char *schema, const char *table)
{
    if (schema != NULL) {
        bm__sql_name(sql, schema);
        bm__sql_put(sql, ".");
    }
    bm__sql_name(sql, table);
}

bm_status bm__sql_end(bm__sql *sql, bm__arena *arena, const char **out)
{
    *out = NULL;
    if (sql->status == BM_OK) {
        *out = bm__arena_copy(arena, sql->text.data, sql->text.size);
        if (*out == NULL) {
            sql->status = bm__no_memory(sql->err);
        }
    }
    bm__buffer_free(&sql->text);
    return sql->status;
}
