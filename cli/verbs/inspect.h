/* inspect: print how a file is read, and what its columns are.  It needs no database. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "options.h"

bm_status cli_inspect(const cli_options *options, bm_error *err);

#endif
