/* Loads that resume: load-init, which creates their table, and the words of --load-id. */
#ifndef CLI_LOAD_INIT_H
#define CLI_LOAD_INIT_H

#include "options.h"

/* Create the table, or print the statement (--print-ddl). */
bm_status cli_load_init(bm_db *db, const cli_options *options, bm_error *err);

/* The library's message names its options and functions: name those of the command line. */
void cli_load_words(const cli_options *options, bm_error *err);

/* Is it a load with --load-id that has written nothing? */
bool cli_load_has_none(const cli_options *options, const bm_result *result);

#endif
