/* Writes rows as CSV, TSV, lines or an array of JSON.  The command reads them back unchanged. */
#ifndef CLI_ROW_WRITER_H
#define CLI_ROW_WRITER_H

#include "options.h"

typedef struct cli_row_writer cli_row_writer;

/*
 * Begin to write to options->destination.  The format is --format, or that of the name `path`
 * (NULL: none).  `fields` are the columns of the model to write, in this order.  The model and the
 * fields are borrowed.  Writes the header line unless --no-header is given.
 */
bm_status cli_row_writer_open(const char *path, const cli_options *options, const bm_model *model,
                              const size_t *fields, size_t n_fields, cli_row_writer **out,
                              bm_error *err);

/* These are the table's fields, and the model reads those of dates as the text that is stored. */
void cli_row_writer_stored(cli_row_writer *writer, const bm_field *fields);

/* Write `n` rows. */
bm_status cli_row_writer_rows(cli_row_writer *writer, const void *rows, size_t n, bm_error *err);

/* Write what is buffered and finish the destination, unless the command failed; then free.  The
 * caller publishes the destination. */
bm_status cli_row_writer_close(cli_row_writer *writer, bool failed, bm_error *err);

#endif
