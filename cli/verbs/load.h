/* The verbs that read files: create, update-fields, upsert, sync, delete, and explain of each. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "options.h"

/* Run the verb.  The result has the counts.  The token cancels it. */
bm_status cli_load(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                   bm_error *err);

#endif
