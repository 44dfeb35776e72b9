/* Which lines of which file are in the table, where not all are. */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "source.h"

/* Tell it on standard error, in the order of the files. */
void cli_parts(const cli_options *options, const cli_source *source, const bm_result *result);

#endif
