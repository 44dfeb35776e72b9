/*
 * The rows of all files of the command line, one after the other, as a bm_source: read in chunks,
 * in constant memory.  The first file is opened at once, since its columns make the row.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "reader.h"

typedef struct cli_source cli_source;

/* Open the first file; the options and the table's model are borrowed. */
bm_status cli_source_open(const cli_options *options, const bm_model *table, cli_source **out,
                          bm_error *err);

/* What the rows are.  Borrowed from the source. */
const cli_column_map *cli_source_map(const cli_source *source);

/* Rows that the library was given at once, all of one file. */
typedef struct cli_piece {
    const void *rows; /* where it has them, until they are released */
    size_t chunk;
    uint64_t first; /* row of the input */
    uint64_t n;
    const char *file;
    uint64_t first_line, last_line;
} cli_piece;

/* The rows, for one call with so many workers; its thread reads from now on.  Once. */
bm_status cli_source_rows(cli_source *source, size_t workers, const bm_source **out, bm_error *err);

/* What was given out, in the order of rows. */
const cli_piece *cli_source_pieces(const cli_source *source, size_t *n);

/* Or chunk by chunk, into chunks of the caller's, one other than the one before: `rows` rows or
 * somewhat more or fewer, all of one file; none at the end. */
bm_status cli_source_fill(cli_source *source, cli_chunk *chunk, size_t rows, bm_error *err);

/* Rows for a chunk, so that rows and text of a wide table stay in some megabytes. */
size_t cli_source_chunk(const cli_source *source);

/* Say where a row stands of which the library tells a fault: file, line, and what to do. */
void cli_source_locate(const cli_source *source, bm_error *err);

/* Bytes read of all files and their sum; 0: not known, as of standard input. */
void cli_source_progress(const cli_source *source, uint64_t *taken, uint64_t *total);

/* NULL is legal. */
void cli_source_close(cli_source *source);

#endif
