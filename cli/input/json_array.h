/*
 * A file that is one JSON array of objects, turned into lines of JSON while it is read: the reader
 * of lines then needs no other form.  Bytes are replaced one by one, so their number stays.
 */
#ifndef CLI_JSON_ARRAY_H
#define CLI_JSON_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cli_json_place {
    CLI_JSON_START, /* nothing but blanks so far */
    CLI_JSON_LINES, /* the file is no array */
    CLI_JSON_INSIDE,
    CLI_JSON_CLOSED
} cli_json_place;

/* A zeroed struct is the start of a file. */
typedef struct cli_json_array {
    cli_json_place place;
    size_t depth; /* of the value in the array */
    bool string;
    bool escaped;
} cli_json_array;

/* The next bytes of the file.  In an array a comma between elements becomes a line end; a line end
 * becomes a carriage return, which JSON allows as a blank; the brackets become spaces. */
void cli_json_array_turn(cli_json_array *array, char *bytes, size_t n);

/* Whether the bytes are those of an array. */
bool cli_json_array_begun(const cli_json_array *array);

/* How many line ends of the file are in a row of an array, and how many of them before its text. */
uint64_t cli_json_array_lines(const char *row, size_t size, uint64_t *before);

#endif
