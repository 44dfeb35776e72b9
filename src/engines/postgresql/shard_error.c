/*
 * What Citus says of a row that a shard refuses, as PostgreSQL would say it of the table.  Where it
 * copies rows to the shards it keeps the words and loses the SQLSTATE (ReportCopyError); names have
 * the shard's number behind them, which has six digits at least: the first shard is 102008.
 */
#include "postgresql.h"

#include <assert.h>
#include <string.h>

#define DIGITS "0123456789"
#define LEAST_DIGITS 6

/* Where the shard's number begins, "_102008" behind a name of `size` bytes; NULL: there is none. */
static const char *number_of(const char *name, size_t size)
{
    size_t digits = 0;
    while (digits < size && strchr(DIGITS, name[size - digits - 1]) != NULL) {
        digits++;
    }
    bool found = digits >= LEAST_DIGITS && digits + 1 < size && name[size - digits - 1] == '_';
    return found ? name + size - digits - 1 : NULL;
}

/* Does a message of `size` bytes end with a word before a name that has a number?  Columns and
 * values have none. */
static bool before_name(const char *text, size_t size)
{
    static const char *const words[] = {"relation ", "table ", "constraint ", "index "};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        found = found || (size >= n && memcmp(text + size - n, words[i], n) == 0);
    }
    return found;
}

/* The names of a message, in quotes, lose their numbers. */
static void shorten(char *text)
{
    char *out = text;
    const char *opened = NULL;
    bool is_name = false;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' && opened != NULL) {
            const char *number = is_name ? number_of(opened, (size_t)(at - opened)) : NULL;
            out -= number != NULL ? at - number : 0;
        } else if (*at == '"') {
            is_name = before_name(text, (size_t)(out - text));
        }
        opened = *at != '"' ? opened : opened == NULL ? at + 1 : NULL;
        *out++ = *at;
    }
    assert(out <= text + strlen(text));
    *out = '\0';
}

/* The name in quotes behind `words`, in a message that has them. */
static bool named(const char *message, const char *words, char *out, size_t size)
{
    const char *at = strstr(message, words);
    if (at == NULL) {
        return false;
    }
    at += strlen(words);
    size_t n = strcspn(at, "\"");
    if (at[n] != '"' || n + 1 > size) {
        return false;
    }
    memcpy(out, at, n);
    out[n] = '\0';
    return true;
}

/* PostgreSQL's own words: nbtinsert.c, execMain.c, ri_triggers.c. */
static const struct {
    const char *words, *sqlstate;
    bool column; /* they name a column, not a constraint */
} refusals[] = {
    {"duplicate key value violates unique constraint \"", "23505", false},
    {"violates check constraint \"", "23514", false},
    {"violates foreign key constraint \"", "23503", false},
    {"null value in column \"", "23502", true},
};

void bm__postgresql_of_shard(bm_error *err)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char *out = refusals[i].column ? err->column : err->constraint;
        size_t size = refusals[i].column ? sizeof err->column : sizeof err->constraint;
        if (strcmp(err->sqlstate, "XX000") == 0 &&
            named(err->message, refusals[i].words, out, size)) {
            bm__copy_text(err->sqlstate, sizeof err->sqlstate, refusals[i].sqlstate);
            err->status = bm__status_of_sqlstate(err->sqlstate);
        }
    }
    if (strncmp(err->sqlstate, "23", 2) != 0) {
        return; /* not what a row may not be: quotes may have a value of the row */
    }
    shorten(err->message);
    const char *number = number_of(err->constraint, strlen(err->constraint));
    if (number != NULL) {
        err->constraint[number - err->constraint] = '\0';
    }
}
