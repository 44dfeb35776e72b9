/* What sync has of its own: its limits, and errors in the words of the command line. */
#ifndef CLI_SYNC_H
#define CLI_SYNC_H

#include "options.h"

/* Read --max-deletes, and check that --where is given. */
bm_status cli_sync_limits(const cli_options *options, bm_sync_options *out, bm_error *err);

/* The library's message names its options: name those of the command line. */
void cli_sync_words(bm_error *err);

/* Did --max-deletes refuse the call, and no other limit?  After cli_sync_words. */
bool cli_sync_refused(const bm_error *err);

#endif
