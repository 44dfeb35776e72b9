/* Statements about a table as a whole. */
#ifndef BM_SQL_MAINTAIN_H
#define BM_SQL_MAINTAIN_H

#include "statement.h"

/* All rows away. */
void bm__sql_truncate(bm__sql *sql, const bm__sql_shape *shape);

/* SQLite has no TRUNCATE, and DELETE does more.  What it would do it to: (name) of each other table
 * with a foreign key to this one, and (name, text) of each trigger of this one. */
void bm__sql_truncate_reaches(bm__sql *sql, const bm__sql_shape *shape);

/* Is it a trigger on DELETE?  `text` is that of sqlite_master.  Yes where it is not understood. */
bool bm__sql_is_delete_trigger(const char *text);

/* Let the planner's statistics be made anew. */
void bm__sql_analyze(bm__sql *sql, const bm__sql_shape *shape);

/* PostgreSQL: check deferred constraints now, and those of later rows at once. */
void bm__sql_check_constraints(bm__sql *sql);

/* PostgreSQL: a row where the sequence that `column` owns stands below the column's largest value;
 * with `move` it is moved there. */
void bm__sql_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool move);

#endif
