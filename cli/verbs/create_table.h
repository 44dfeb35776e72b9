/*
 * --create-table and --add-columns: the table, or its columns, by the types that the file has.  The
 * file is read twice.  --print-ddl prints the statements, which the library writes.
 */
#ifndef CLI_CREATE_TABLE_H
#define CLI_CREATE_TABLE_H

#include "options.h"

/* BM_INVALID if other options, or the files, do not allow it. */
bm_status cli_create_table_check(const cli_options *options, bm_error *err);

/* Begin a transaction, and create the table or add the columns in it. */
bm_status cli_create_table(bm_db *db, const cli_options *options, bm_db **tx, bm_error *err);

/* Print the statements.  `db` is only used with --add-columns; otherwise it may be NULL. */
bm_status cli_create_table_print(bm_db *db, const cli_options *options, bm_error *err);

#endif
