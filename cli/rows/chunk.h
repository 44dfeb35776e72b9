/*
 * Rows as they are read: C structs as the column map defines them, the text that they point to, and
 * the line of each.  Memory is reused from one chunk to the next; no cell is allocated by itself.
 */
#ifndef CLI_CHUNK_H
#define CLI_CHUNK_H

#include "column_map.h"

typedef struct cli_page cli_page;

typedef struct cli_chunk {
    char *rows;
    uint64_t *lines;
    size_t n;
    size_t capacity;
    cli_page *pages; /* the first one is being filled */
    cli_page *spare;
    size_t bytes;     /* of text */
    uint64_t first;   /* rows of the input before it */
    const char *file; /* that all its rows are of */
} cli_chunk;

/* Where a reader puts cells. */
typedef struct cli_sink {
    const cli_column_map *map;
    cli_chunk *chunk;
    const char *null_text; /* a cell of it without quotes is NULL */
    size_t null_size;
    const char *file;
    uint64_t line; /* of the row */
    char *row;     /* that is being filled, or NULL */
    bm_error *err;
    bm_status status; /* once it is not BM_OK, what comes is left alone */
} cli_sink;

/* Begin a row. */
void cli_sink_begin(cli_sink *sink);

/* Column `column` of the file, less than the map's n_columns.  In quotes it is never NULL. */
void cli_sink_cell(cli_sink *sink, size_t column, const char *text, size_t size, bool quoted);

/* A field is NULL, or the text, whatever --null says. */
void cli_sink_null(cli_sink *sink, size_t field);
void cli_sink_value(cli_sink *sink, size_t field, const char *text, size_t size);

/* The row is whole. */
void cli_sink_end(cli_sink *sink);

/* A fault of the file in the sink's line, and of one of its columns. */
void cli_sink_fail(cli_sink *sink, const char *words);
void cli_sink_fail_cell(cli_sink *sink, const char *column, const char *words);

/* Go on in another chunk, whose rows are forgotten and whose memory is kept; a row that is being
 * filled goes with the sink. */
void cli_sink_move(cli_sink *sink, cli_chunk *to);

void cli_chunk_free(cli_chunk *chunk);

/*
 * The library tells a fault of row `err->row`, counted from the chunk's first: say where it
 * stands, and of a cell that could not be converted what to do.  Nothing where it is no row of the
 * chunk.
 */
void cli_chunk_locate(const cli_chunk *chunk, const cli_column_map *map, bm_error *err);

#endif
