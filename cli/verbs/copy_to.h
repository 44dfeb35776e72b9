/* The verb that writes the rows of a table to a file. */
#ifndef CLI_COPY_TO_H
#define CLI_COPY_TO_H

#include "options.h"

/* Carry out; the result says how many rows were read.  The token ends it. */
bm_status cli_copy_to(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                      bm_error *err);

#endif
