/* Rows of C as a file: CSV, TSV or lines of JSON, which the command reads back as they were. */
#ifndef CLI_ROW_WRITER_H
#define CLI_ROW_WRITER_H

#include "options.h"

typedef struct cli_row_writer cli_row_writer;

/*
 * Begin to write to the options' destination, in the format of --format or, without it, of the name
 * `path` (NULL: none).  `fields` are the columns to write, in their order, of rows of the model;
 * both are borrowed.  The line of names is written unless --no-header.
 */
bm_status cli_row_writer_open(const char *path, const cli_options *options, const bm_model *model,
                              const size_t *fields, size_t n_fields, cli_row_writer **out,
                              bm_error *err);

/* `n` rows, one after the other. */
bm_status cli_row_writer_rows(cli_row_writer *writer, const void *rows, size_t n, bm_error *err);

/* Write what is left, unless the command failed, and free.  The file is finished then; whether it
 * is published is decided by whoever chose the destination. */
bm_status cli_row_writer_close(cli_row_writer *writer, bool failed, bm_error *err);

/* How many bytes were written. */
uint64_t cli_row_writer_bytes(const cli_row_writer *writer);

#endif
