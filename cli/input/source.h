/*
 * The rows of all files of the command line, in sequence, as a bm_source.  They are read in chunks,
 * in constant memory.  The first file is opened at once, because its columns define the row.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "reader.h"

typedef struct cli_source cli_source;

/* The format of a file, by --format or its name.  *tabs: it is TSV. */
const cli_format *cli_format_of(const cli_options *options, const char *name, bool *tabs);

/* Open the first file.  The options and the table's model are borrowed. */
bm_status cli_source_open(const cli_options *options, const bm_model *table, cli_source **out,
                          bm_error *err);

/*
 * Who writes down the rows that are set aside (--rejects).  `rows` is called for each chunk when
 * the library is done with it, `end` when all rows were passed on.
 */
typedef struct cli_set_aside {
    void *user;
    bm_status (*rows)(void *user, cli_chunk *chunk, bm_error *err);
    bm_status (*end)(void *user, bm_error *err);
} cli_set_aside;

/* Before cli_source_rows.  The struct is copied. */
void cli_source_set_aside(cli_source *source, const cli_set_aside *to);

/* The library rejected a row: add it to those of its chunk. */
bm_status cli_source_reject(cli_source *source, const bm_error *why, bm_error *err);

/* The header of the first file as it is there; empty without one. */
bm_slice cli_source_header(const cli_source *source);

/* The columns of the rows.  Borrowed from the source. */
const cli_column_map *cli_source_map(const cli_source *source);

/* Rows of one file that were passed to the library together. */
typedef struct cli_piece {
    const void *rows; /* where the library has them, until it releases them */
    size_t chunk;
    uint64_t first; /* number of its first row in the input */
    uint64_t n;
    const char *file;
    uint64_t first_line, last_line;
} cli_piece;

/* The rows, for one call with `workers` workers.  Starts the thread that reads.  Call it once. */
bm_status cli_source_rows(cli_source *source, size_t workers, const bm_source **out, bm_error *err);

/* The pieces passed to the library so far, in the order of rows. */
const cli_piece *cli_source_pieces(const cli_source *source, size_t *n);

/* Or read chunk by chunk: about `rows` rows of one file; none at the end.  The chunk must not be
 * that of the previous call. */
bm_status cli_source_fill(cli_source *source, cli_chunk *chunk, size_t rows, bm_error *err);

/* The number of rows of a chunk, so that a chunk of a wide table takes a few megabytes. */
size_t cli_source_chunk(const cli_source *source);

/* Put the file and line into an error that the library reported for a row. */
void cli_source_locate(const cli_source *source, bm_error *err);

/* The line of a cell of TSV that has line ends and tabs, and its file; 0: there is none. */
uint64_t cli_source_joined(const cli_source *source, const char **file);

/* Bytes read so far, and the size of all files; 0 if unknown (standard input). */
void cli_source_progress(const cli_source *source, uint64_t *taken, uint64_t *total);

/* NULL is legal. */
void cli_source_close(cli_source *source);

#endif
