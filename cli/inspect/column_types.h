/*
 * The type of a column, found from its cells: the narrowest one that holds each of them exactly.
 * Memory is constant, however many cells there are.
 */
#ifndef CLI_COLUMN_TYPES_H
#define CLI_COLUMN_TYPES_H

#include "errors.h"

typedef enum cli_found {
    CLI_FOUND_NONE, /* no cell yet */
    CLI_FOUND_BOOLEAN,
    CLI_FOUND_INTEGER,
    CLI_FOUND_BIGINT,
    CLI_FOUND_NUMERIC,
    CLI_FOUND_DOUBLE,
    CLI_FOUND_DATE,
    CLI_FOUND_TIMESTAMP,
    CLI_FOUND_TIMESTAMPTZ,
    CLI_FOUND_TIME, /* by --date-format alone */
    CLI_FOUND_UUID,
    CLI_FOUND_JSON,
    CLI_FOUND_TEXT
} cli_found;

typedef struct cli_column_type {
    cli_found found;
    size_t integer_digits; /* of numbers: the most before the point, ... */
    size_t scale;          /* ... after it ... */
    size_t digits;         /* ... and in all */
    bool exponent;         /* one is written as 1e5 */
    bool inexact;          /* one has more digits than a double keeps */
    bool words;            /* booleans: "true" or "false" */
    bool t, f;             /* booleans: "t", "f" */
} cli_column_type;

/* Take account of a cell that is not NULL. */
void cli_column_type_add(cli_column_type *type, const char *text, size_t size);

/* Take account of a value of JSON as it is in the file: "abc", 1.5, true, [1]. */
void cli_column_type_add_json(cli_column_type *type, const char *text, size_t size);

/* What was found.  A column without cells is text. */
cli_found cli_column_type_of(const cli_column_type *type);

#define CLI_TYPE_NAME_MAX 40

/* Its name in PostgreSQL, "numeric(8,2)", or in SQLite. */
void cli_column_type_name(const cli_column_type *type, bool sqlite, char out[CLI_TYPE_NAME_MAX]);

#endif
