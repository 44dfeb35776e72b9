/* Opens DATABASE and describes TABLE of the command line. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "options.h"

/* Open the database of the options, with one connection for each worker, their timeouts and the
 * token.  The password in options->database is overwritten first, so that a list of processes does
 * not show it while the command waits for the server. */
bm_status cli_database_open(const cli_options *options, bm_cancel *token, bm_db **out,
                            bm_error *err);

/* Does --create-table make a new file of SQLite? */
bool cli_database_is_new(const cli_options *options);

/* After a failure: remove the new file, which is empty. */
void cli_database_remove(const cli_options *options);

/* Print the SQL of the table's stage. */
bm_status cli_database_print_stage(bm_db *db, const char *text, bm_error *err);

/* The model of [SCHEMA.]TABLE in the database.  Free it with bm_free. */
bm_status cli_database_describe(bm_db *db, const char *text, bm_model **out, bm_error *err);

#endif
