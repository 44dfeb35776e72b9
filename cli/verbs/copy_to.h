/* The verb that writes the rows of a table to a file. */
#ifndef CLI_COPY_TO_H
#define CLI_COPY_TO_H

#include "options.h"

/* Run the verb.  The result has the number of rows that were read.  The token cancels it. */
bm_status cli_copy_to(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                      bm_error *err);

#endif
