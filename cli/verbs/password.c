#include "password.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* libpq takes one of these for the end of a password, unless it is percent-encoded. */
#define ENDS "@/:?#"

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The password of "scheme://user:password@host", or NULL.  It ends at the last '@' before a query,
 * because a password that is not percent-encoded may contain '@', '/' or '?'.  What looks like a
 * query is part of the password if the only '@' comes after it and before the first '/': libpq
 * reads it like that. */
static const char *password_of(const char *url, size_t *size)
{
    const char *from = strstr(url, "://");
    if (from == NULL) {
        return NULL;
    }
    from += 3;
    const char *at = strrchr(from, '@');
    const char *query = strchr(from, '?');
    if (query != NULL && at != NULL && query < at &&
        memchr(query, '=', (size_t)(at - query)) != NULL) {
        at = memrchr(from, '@', (size_t)(query - from));
        at = at != NULL ? at : memrchr(from, '@', strcspn(from, "/"));
    }
    const char *colon = at != NULL ? memchr(from, ':', (size_t)(at - from)) : NULL;
    *size = colon != NULL ? (size_t)(at - colon) - 1 : 0;
    return colon != NULL ? colon + 1 : NULL;
}

/* Overwrite the value of "password=..." in a string of keywords, where blanks are those of
 * isspace(), or in a URL's query. */
static void wipe_keyword(char *text)
{
    static const char word[] = "password";
    static const char blanks[] = " \t\n\v\f\r";
    for (char *at = strcasestr(text, word); at != NULL; at = strcasestr(at, word)) {
        at += sizeof word - 1;
        at += strspn(at, blanks);
        if (*at != '=') {
            continue;
        }
        at += 1 + strspn(at + 1, blanks);
        bool quoted = *at == '\'';
        for (at += quoted; *at != '\0' && *at != (quoted ? '\'' : ' ') && *at != '&'; at++) {
            if (*at == '\\' && at[1] != '\0') {
                *at++ = '*';
            }
            *at = '*';
        }
    }
}

void cli_password_wipe(char *text)
{
    size_t size;
    const char *password = password_of(text, &size);
    if (password != NULL) {
        memset(text + (password - text), '*', size);
    }
    wipe_keyword(text);
}

static bool is_in_word(const char *message, const char *at, size_t size)
{
    return (at > message && isalnum((unsigned char)at[-1]) != 0) ||
           isalnum((unsigned char)at[size]) != 0;
}

/* Replace a part of the password where the message has it, but not in the middle of a word. */
static bool mask(bm_error *err, const char *part, size_t size)
{
    char old[sizeof err->message];
    char *out = err->message;
    size_t left = sizeof err->message;
    bool found = false;
    memcpy(old, err->message, sizeof old);
    for (const char *at = old; *at != '\0' && left > 1;) {
        bool here = strncmp(at, part, size) == 0 && !is_in_word(old, at, size);
        int n = here ? snprintf(out, left, "***") : snprintf(out, left, "%c", *at);
        size_t taken = min_size((size_t)n, left - 1);
        out += taken;
        left -= taken;
        at += here ? size : 1;
        found = found || here;
    }
    return found;
}

void cli_password_mask(const char *url, bm_error *err)
{
    size_t size;
    const char *password = password_of(url, &size);
    if (password == NULL || strcspn(password, ENDS) >= size) {
        return; /* libpq takes it for the password, and shows none */
    }
    bool masked = false;
    for (const char *part = password; part < password + size;) {
        size_t n = min_size(strcspn(part, ENDS), (size_t)(password + size - part));
        masked = (n > 0 && mask(err, part, n)) || masked;
        part += n + 1;
    }
    if (masked) {
        size_t n = strlen(err->message);
        snprintf(
            err->message + n, sizeof err->message - n,
            " (in the password of a URL write @ as %%40, / as %%2F, : as %%3A, ? as %%3F and # "
            "as %%23)");
    }
}
