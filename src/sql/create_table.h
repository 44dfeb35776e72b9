/* The statements that make a table, or columns of it, in the SQL that all engines have. */
#ifndef BM_SQL_CREATE_TABLE_H
#define BM_SQL_CREATE_TABLE_H

#include "quoting.h"

void bm__sql_create_table(bm__sql *sql, const bm_create_table_options *options);

/* A statement a column: not each engine takes more in one. */
void bm__sql_add_columns(bm__sql *sql, const bm_create_table_options *options);

#endif
