#include "names.h"

#include <stdlib.h>
#include <string.h>

bm_status cli_names_add(cli_names *names, const char *text, size_t size, bm_error *err)
{
    char **at = realloc(names->at, (names->n + 1) * sizeof *at);
    if (at == NULL) {
        return cli_no_memory(err);
    }
    names->at = at;
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        return cli_no_memory(err);
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    names->at[names->n++] = copy;
    return BM_OK;
}

size_t cli_names_find(const cli_names *names, const char *text)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->at[i], text) == 0) {
            return i;
        }
    }
    return CLI_NONE;
}

/* Copy a quoted name that begins at `text`, with "" as one quote.  Returns the position after the
 * closing quote, or NULL if there is none. */
static const char *unquote(const char *text, char *out)
{
    for (text++; *text != '\0'; text++) {
        if (*text == '"' && *++text != '"') {
            *out = '\0';
            return text;
        }
        *out++ = *text;
    }
    return NULL;
}

/* Copy the name that begins at `text`.  Returns where it ends: at the separator or the end of the
 * text; or NULL. */
static const char *take_name(const char *text, char separator, char *out)
{
    const char both[] = {separator, '\0'};
    const char *end = text + strcspn(text, both);
    if (*text == '"') {
        end = unquote(text, out);
    } else {
        memcpy(out, text, (size_t)(end - text));
        out[end - text] = '\0';
    }
    return end != NULL && (*end == '\0' || *end == separator) ? end : NULL;
}

bm_status cli_names_split(cli_names *names, const char *text, char separator, bool empty,
                          bm_error *err)
{
    char *name = malloc(strlen(text) + 1);
    if (name == NULL) {
        return cli_no_memory(err);
    }
    bm_status status = BM_OK;
    for (const char *at = text; status == BM_OK; at++) {
        const char *end = take_name(at, separator, name);
        if (end == NULL || (name[0] == '\0' && !empty)) {
            status = cli_fail(err, BM_INVALID, "\"%s\" is not a list of names", text);
            break;
        }
        status = cli_names_add(names, name, strlen(name), err);
        if (*end == '\0') {
            break;
        }
        at = end;
    }
    free(name);
    return status;
}

bm_status cli_names_pair(cli_names *names, const char *text, bool empty, bm_error *err)
{
    char *left = malloc(strlen(text) + 1);
    if (left == NULL) {
        return cli_no_memory(err);
    }
    bm_status status = BM_OK;
    const char *equals = take_name(text, '=', left);
    if (equals == NULL || *equals != '=' || (left[0] == '\0' && !empty)) {
        status = cli_fail(err, BM_INVALID, "\"%s\" has no equals sign between two names", text);
    }
    if (status == BM_OK) {
        status = cli_names_add(names, left, strlen(left), err);
    }
    if (status == BM_OK) {
        status = cli_names_add(names, equals + 1, strlen(equals + 1), err);
    }
    free(left);
    return status;
}

void cli_names_free(cli_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->at[i]);
    }
    free(names->at);
    *names = (cli_names){0};
}
