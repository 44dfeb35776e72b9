/* Statements about a table as a whole. */
#ifndef BM_SQL_MAINTAIN_H
#define BM_SQL_MAINTAIN_H

#include "statement.h"

/* All rows away. */
void bm__sql_truncate(bm__sql *sql, const bm__sql_shape *shape);

/* Let the planner's statistics be made anew. */
void bm__sql_analyze(bm__sql *sql, const bm__sql_shape *shape);

/* PostgreSQL: check deferred constraints now, and those of later rows at once. */
void bm__sql_check_constraints(bm__sql *sql);

/* PostgreSQL: a row where the sequence that `column` owns stands below the column's largest value;
 * with `move` it is moved there. */
void bm__sql_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool move);

#endif
