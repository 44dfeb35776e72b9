/* Patterns among the files of the command line.  The shell expands those that are not quoted. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "options.h"

/* Replace each pattern by the files that it matches, in the order of their bytes; each file once.
 * A file whose own name looks like a pattern is not one.  BM_CONVERT if nothing matches. */
bm_status cli_files_expand(cli_options *options, bm_error *err);

#endif
