/* After a partial commit: which lines of which file are in the table. */
#ifndef CLI_PARTIAL_COMMIT_H
#define CLI_PARTIAL_COMMIT_H

#include "source.h"

/* Print them to standard error, in the order of the files. */
void cli_partial_commit(const cli_options *options, const cli_source *source,
                        const bm_result *result);

#endif
