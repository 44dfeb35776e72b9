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
    cli_page *pages; /* the first page is being filled */
    cli_page *spare;
    size_t bytes;     /* of text */
    bool null_texts;  /* a cell was NULL by its text */
    uint64_t first;   /* number of rows of the input before it */
    const char *file; /* the path of the file that all its rows are from */
} cli_chunk;

/* Receives the cells that a reader finds. */
typedef struct cli_sink {
    const cli_column_map *map;
    cli_chunk *chunk;
    const cli_options *options;
    const char *file; /* its name in messages */
    const char *joined_file;
    uint64_t joined_line; /* a cell of TSV here has line ends and tabs; 0: none has */
    uint64_t line;        /* where the row begins */
    char *row;            /* the row that is being filled, or NULL */
    bm_error *err;
    bm_status status; /* once it is not BM_OK, further cells are ignored */
} cli_sink;

/* Begin a row. */
void cli_sink_begin(cli_sink *sink);

/* The cell of column `column` (less than map->n_columns).  A quoted cell is NULL only in
 * --null-columns. */
void cli_sink_cell(cli_sink *sink, size_t column, const char *text, size_t size, bool quoted);

/* Set a field to NULL, or to the text, regardless of --null. */
void cli_sink_null(cli_sink *sink, size_t field);
void cli_sink_value(cli_sink *sink, size_t field, const char *text, size_t size);

/* The row is complete. */
void cli_sink_end(cli_sink *sink);

/* Record an error at the current line, or at one of its columns. */
void cli_sink_fail(cli_sink *sink, const char *words);
void cli_sink_fail_cell(cli_sink *sink, const char *column, const char *words);

/* Continue in another chunk: its rows are dropped and its memory is reused.  A row that is being
 * filled moves along. */
void cli_sink_move(cli_sink *sink, cli_chunk *to);

void cli_chunk_free(cli_chunk *chunk);

/*
 * The library reported an error in row `err->row`, counted from the first row of the chunk: put the
 * file and line into the message, and a hint if a cell could not be converted.  Does nothing if the
 * chunk has no such row.
 */
void cli_chunk_locate(const cli_chunk *chunk, const cli_column_map *map, bm_error *err);

#endif
