#include "quoting.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bm__sql bm__sql_begin(bm_error *err)
{
    return (bm__sql){.err = err, .quote = '"'};
}

void bm__sql_put(bm__sql *sql, const char *format, ...)
{
    if (sql->status != BM_OK) {
        return;
    }
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *at = NULL;
    sql->status = size < 0 ? bm__fail(sql->err, BM_INTERNAL, BM_STAGE_CHECK, "no SQL")
                           : bm__buffer_reserve(&sql->text, (size_t)size + 1, &at, sql->err);
    if (sql->status == BM_OK) {
        va_start(args, format);
        vsnprintf((char *)at, (size_t)size + 1, format, args);
        va_end(args);
        sql->text.size += (size_t)size;
    }
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
