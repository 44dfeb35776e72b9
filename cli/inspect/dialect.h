/* How a CSV or TSV file is written, found by reading its first rows in each way that is common. */
#ifndef CLI_DIALECT_H
#define CLI_DIALECT_H

#include "options.h"

/* Set what is not given: delimiter, quote, escape, comment and skip_lines.  *n_columns is the
 * number of cells of a row. */
bm_status cli_dialect_find(cli_options *options, const char *path, bool tabs, size_t *n_columns,
                           bm_error *err);

/* The number of cells of the first row, in the dialect that the options say. */
bm_status cli_dialect_cells(const cli_options *options, const char *path, size_t *n_columns,
                            bm_error *err);

#endif
