/* What an error says, by its SQLSTATE.  Every transport sets one, SQLite's too. */
#ifndef BM_ENGINES_SQLSTATE_H
#define BM_ENGINES_SQLSTATE_H

#include "error.h"

/* A foreign key refuses the row, or the row is still referenced. */
bool bm__says_reference(const bm_error *err);

/* A row is refused for what it is, whatever other rows there are: its NULL, its check, the row that
 * it refers to, a policy of row-level security.  Of an error that is of a row. */
bool bm__says_row_alone(const bm_error *err);

/* The row is in the table already, or was given before: a unique constraint. */
bool bm__says_duplicate(const bm_error *err);

/* A sequence has given its last value. */
bool bm__says_sequence_ended(const bm_error *err);

/* A number does not fit its column. */
bool bm__says_out_of_range(const bm_error *err);

#endif
