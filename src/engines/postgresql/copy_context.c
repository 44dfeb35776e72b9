/*
 * The server's CONTEXT of an error in COPY: CopyFromErrorCallback,
 * src/backend/commands/copyfrom.c, writes "COPY relation, line N, column NAME" in the language of
 * its messages. "COPY" and the order stay; the relation's name is what it is and may look like
 * any part of that.
 */
#include "binary_block.h"

static const char *line_end(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end : line + strlen(line);
}

/* What stands behind "COPY relation, " in the line, or NULL.  The name itself may have line
 * feeds. */
static const char *behind_name(const char *line, const char *relation)
{
    const size_t size = strlen(relation);
    if (strncmp(line, "COPY ", 5) != 0 || strncmp(line + 5, relation, size) != 0 ||
        strncmp(line + 5 + size, ", ", 2) != 0) {
        return NULL;
    }
    return line + 5 + size + 2;
}

static const char *find_line(const char *context, const char *relation)
{
    const char *found = NULL;
    const char *line = context;
    while (line != NULL) {
        const char *behind = behind_name(line, relation);
        found = behind != NULL ? behind : found;
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return found;
}

/* ", column NAME" or ", column NAME: value", in any language. */
static void copy_column(const char *at, const char *end, char *column, size_t size)
{
    char name[256];
    if (end - at < 2 || strncmp(at, ", ", 2) != 0) {
        return;
    }
    at += 2;
    while (at < end && *at != ' ') {
        at++;
    }
    at += at < end;
    const char *stop = at;
    while (stop < end && strncmp(stop, ": ", 2) != 0) {
        stop++;
    }
    size_t length = (size_t)(stop - at) < sizeof name - 1 ? (size_t)(stop - at) : sizeof name - 1;
    memcpy(name, at, length);
    name[length] = '\0';
    bm__copy_text(column, size, name);
}

size_t bm__copy_context_row(const char *context, const char *relation, char *column, size_t size)
{
    if (size > 0) {
        column[0] = '\0';
    }
    const char *at = find_line(context, relation);
    if (at == NULL) {
        return BM_NO_ROW;
    }
    const char *end = line_end(at);
    while (at < end && (*at < '0' || *at > '9')) {
        at++;
    }
    size_t line = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(line, (size_t)10, &line) ||
            __builtin_add_overflow(line, (size_t)(*at - '0'), &line)) {
            return BM_NO_ROW;
        }
    }
    if (line == 0) {
        return BM_NO_ROW;
    }
    if (size > 0) {
        copy_column(at, end, column, size);
    }
    return line - 1;
}
