#include "query.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The end of a query is found as the server's own lexer finds it. */

static bool begins_word(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static const char *word_end(const char *at)
{
    while (begins_word(*at) || isdigit((unsigned char)*at) || *at == '$') {
        at++;
    }
    return at;
}

/* Behind the closing quote; one that is doubled closes nothing. */
static const char *quote_end(const char *at, char close, bool escapes)
{
    for (at++; *at != '\0'; at++) {
        if (escapes && *at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == close && at[1] == close && close != ']') {
            at++;
        } else if (*at == close) {
            return at + 1;
        }
    }
    return at;
}

static const char *comment_end(const char *at, bool nested)
{
    size_t depth = 1;
    for (at += 2; *at != '\0' && depth > 0; at++) {
        if (at[0] == '*' && at[1] == '/') {
            depth--;
            at++;
        } else if (nested && at[0] == '/' && at[1] == '*') {
            depth++;
            at++;
        }
    }
    return at;
}

/* Behind $tag$ ... $tag$, or behind the $ where none begins. */
static const char *dollar_end(const char *at)
{
    const char *tag = at + 1;
    while (begins_word(*tag) || (tag > at + 1 && isdigit((unsigned char)*tag))) {
        tag++;
    }
    if (*tag != '$') {
        return at + 1;
    }
    const size_t size = (size_t)(tag + 1 - at);
    for (const char *end = tag + 1; (end = strchr(end, '$')) != NULL; end++) {
        if (strncmp(end, at, size) == 0) {
            return end + size;
        }
    }
    return at + strlen(at);
}

/* Behind blanks and comments. */
static const char *skip_blanks(const bm__dialect *dialect, const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\v\f");
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, dialect->dollar_quotes ? "\r\n" : "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            at = comment_end(at, dialect->dollar_quotes);
        } else {
            return at;
        }
    }
}

/* Behind the token that begins here. */
static const char *token_end(const bm__dialect *dialect, const char *at)
{
    const bool server = dialect->dollar_quotes;
    assert(*at != '\0');
    if (server && (*at == 'E' || *at == 'e') && at[1] == '\'') {
        return quote_end(at + 1, '\'', true);
    }
    if (begins_word(*at) || isdigit((unsigned char)*at)) {
        return word_end(at);
    }
    if (*at == '\'' || *at == '"' || (*at == '`' && !server)) {
        return quote_end(at, *at, false);
    }
    if (*at == '[' && !server) {
        return quote_end(at, ']', false);
    }
    return *at == '$' && server ? dollar_end(at) : at + 1;
}

static bool is_word(const char *at, const char *word)
{
    const size_t size = strlen(word);
    return strncasecmp(at, word, size) == 0 && word_end(at) == at + size;
}

static bool is_one_of(const char *at, const char *const *words)
{
    while (*words != NULL && !is_word(at, *words)) {
        words++;
    }
    return *words != NULL;
}

/* The word that says what the statement does where it does not read; NULL: it reads. */
static const char *other_verb(const bm__dialect *dialect, const char *begin, const char *end)
{
    static const char *const reads[] = {"SELECT", "WITH", "VALUES", NULL};
    static const char *const writes[] = {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", NULL};
    const char *at = begin;
    while (dialect->dollar_quotes && *at == '(') {
        at = skip_blanks(dialect, at + 1);
    }
    if (!is_one_of(at, reads) && !(dialect->dollar_quotes && is_word(at, "TABLE"))) {
        return begin;
    }
    size_t depth = 0;
    bool closed = false; /* WITH a AS (...) DELETE */
    for (bool with = is_word(at, "WITH"); with && at < end;) {
        if (closed && depth == 0 && is_one_of(at, writes)) {
            return at;
        }
        if (depth == 0 && is_one_of(at, reads) && !is_word(at, "WITH")) {
            return NULL;
        }
        closed = *at == ')';
        depth += *at == '(';
        depth -= closed && depth > 0;
        at = skip_blanks(dialect, token_end(dialect, at));
    }
    return NULL;
}

bm__query bm__query_of(const bm__dialect *dialect, const char *query)
{
    bm__query out = {.text = query};
    const char *at = skip_blanks(dialect, query);
    while (*at == ';') {
        at = skip_blanks(dialect, at + 1);
    }
    out.text = at;
    while (*at != '\0' && *at != ';') {
        out.unites = out.unites || is_word(at, "UNION");
        const char *end = token_end(dialect, at);
        assert(end > at);
        out.size = (size_t)(end - out.text);
        at = skip_blanks(dialect, end);
    }
    while (*at == ';') {
        at = skip_blanks(dialect, at + 1);
    }
    out.several = *at != '\0';
    out.verb = out.size > 0 ? other_verb(dialect, out.text, out.text + out.size) : NULL;
    out.verb_size = out.verb != NULL ? (int)(word_end(out.verb) - out.verb) : 0;
    return out;
}

static bool contains(const char *text, const char *word)
{
    const size_t size = strlen(word);
    while (*text != '\0' && strncasecmp(text, word, size) != 0) {
        text++;
    }
    return *text != '\0';
}

/* A table of this name in the query would be the query. */
void bm__sql_put_query_name(bm__sql *sql, const char *query)
{
    char name[32] = "bm_query";
    for (size_t i = 1; contains(query, name); i++) {
        snprintf(name, sizeof name, "bm_query%zu", i);
    }
    bm__sql_put(sql, "%s", name);
}

void bm__sql_put_query(bm__sql *sql, const bm__dialect *dialect, const char *query, size_t n)
{
    const bm__query q = bm__query_of(dialect, query);
    bm__sql_put(sql, "WITH ");
    bm__sql_put_query_name(sql, query);
    bm__sql_put(sql, "(");
    for (size_t i = 0; i < n; i++) {
        bm__sql_put(sql, "%sc%zu", i > 0 ? ", " : "", i);
    }
    bm__sql_put(sql, ") AS (%.*s) ", (int)q.size, q.text);
}
