/* Rows of C as a file: CSV, TSV or lines of JSON, which the command reads back as they were. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "options.h"

typedef struct cli_output cli_output;

/*
 * Begin to write to the options' destination, in the format of --format or, without it, of the name
 * `path` (NULL: none).  `fields` are the columns to write, in their order, of rows of the model;
 * both are borrowed.  The line of names is written unless --no-header.
 */
bm_status cli_output_open(const char *path, const cli_options *options, const bm_model *model,
                          const size_t *fields, size_t n_fields, cli_output **out, bm_error *err);

/* `n` rows, one after the other. */
bm_status cli_output_rows(cli_output *output, const void *rows, size_t n, bm_error *err);

/* Write what is left, unless the command failed, and free.  The file is finished then; whether it
 * is published is decided by whoever chose the destination. */
bm_status cli_output_close(cli_output *output, bool failed, bm_error *err);

/* How many bytes were written. */
uint64_t cli_output_bytes(const cli_output *output);

#endif
