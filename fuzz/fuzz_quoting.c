/* Names in SQL: a quoted name ends where it says, and without its quotes it is the name again.
 * https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
#include "quoting.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a quoted name as the server does.  Returns what follows it, NULL: it does not end. */
static const char *unquote(const char *sql, char *name)
{
    if (*sql++ != '"') {
        return NULL;
    }
    for (; *sql != '\0'; sql++) {
        if (*sql == '"' && *++sql != '"') {
            *name = '\0';
            return sql;
        }
        *name++ = *sql;
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__sql sql = bm__sql_begin(&err);
    char *name = calloc(size + 1, 1);
    char *back = calloc(2 * size + 3, 1);
    const char *text;
    if (name == NULL || back == NULL) {
        abort();
    }
    memcpy(name, data, size);
    bm__sql_name(&sql, name);
    if (bm__sql_end(&sql, &arena, &text) != BM_OK) {
        abort();
    }
    const char *rest = unquote(text, back);
    if (rest == NULL || *rest != '\0' || strcmp(back, name) != 0) {
        abort();
    }
    bm__arena_free(&arena);
    free(name);
    free(back);
    return 0;
}
