/* A statement that grows. */
#ifndef TEST_TYPES_GROWING_TEXT_H
#define TEST_TYPES_GROWING_TEXT_H

#include "check.h"

#include <stdio.h>

typedef struct statement {
    char *text; /* free it */
    size_t size;
    FILE *out;
} statement;

static inline FILE *begin(statement *sql)
{
    sql->out = open_memstream(&sql->text, &sql->size);
    assert_non_null(sql->out);
    return sql->out;
}

static inline const char *end(statement *sql)
{
    fclose(sql->out);
    return sql->text;
}

#endif
