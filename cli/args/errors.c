#include "errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bm_status cli_fail(bm_error *err, bm_status status, const char *format, ...)
{
    if (err->status == BM_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        err->status = status;
    }
    return status;
}

bm_status cli_fail_errno(bm_error *err, bm_status status, const char *what)
{
    char words[128];
    return cli_fail(err, status, "%s: %s", what, strerror_r(errno, words, sizeof words));
}

const char *cli_short_path(const char *path)
{
    const size_t most = sizeof(((bm_error *)NULL)->message) / 2;
    const size_t size = strlen(path);
    return size > most ? path + (size - most) : path;
}

/* The length of the UTF-8 character at `text`; 0 if it is invalid (the Unicode Standard, table
 * 3-7). */
static size_t character(const unsigned char *text)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t size;
    } rows[] = {
        {0x01, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (text[0] < rows[i].first || text[0] > rows[i].last) {
            continue;
        }
        bool fits = rows[i].size == 1 || (text[1] >= rows[i].low && text[1] <= rows[i].high);
        for (size_t k = 2; fits && k < rows[i].size; k++) {
            fits = (text[k] & 0xC0) == 0x80;
        }
        return fits ? rows[i].size : 0;
    }
    return 0;
}

void cli_make_plain(char *text)
{
    unsigned char *at = (unsigned char *)text;
    while (*at != '\0') {
        size_t size = character(at);
        bool control = (at[0] < 0x20 && at[0] != '\n' && at[0] != '\t') || at[0] == 0x7F ||
                       (size == 2 && at[0] == 0xC2 && at[1] < 0xA0);
        for (size_t i = 0; i < (size > 0 ? size : 1) && (control || size == 0); i++) {
            at[i] = '?';
        }
        at += size > 0 ? size : 1;
    }
}

void cli_reword(bm_error *err, size_t after, const char *words, const char *by)
{
    char changed[sizeof err->message];
    const bool inside = after < strnlen(err->message, sizeof err->message);
    const char *at = inside ? strstr(err->message + after, words) : NULL;
    if (at != NULL) {
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - err->message), err->message, by,
                 at + strlen(words));
        memcpy(err->message, changed, sizeof changed);
    }
}

bm_status cli_no_memory(bm_error *err)
{
    return cli_fail(err, BM_NOMEM, "out of memory");
}

int cli_exit_code(bm_status status)
{
    switch (status) {
    case BM_OK:
        return CLI_EXIT_OK;
    case BM_INVALID:
    case BM_UNSUPPORTED:
        return CLI_EXIT_USAGE;
    case BM_CONVERT:
        return CLI_EXIT_INPUT;
    case BM_CONSTRAINT:
        return CLI_EXIT_CONSTRAINT;
    case BM_CONNECTION:
    case BM_AUTH:
        return CLI_EXIT_CONNECTION;
    case BM_RETRY:
    case BM_TIMEOUT:
        return CLI_EXIT_RETRY;
    case BM_PARTIAL:
    case BM_COMMIT_UNKNOWN:
        return CLI_EXIT_UNKNOWN;
    case BM_CANCELLED:
        return CLI_EXIT_CANCELLED;
    case BM_NOMEM:
    case BM_LIMIT:
    case BM_DATABASE:
    case BM_INTERNAL:
        break;
    }
    return CLI_EXIT_FAILED;
}
