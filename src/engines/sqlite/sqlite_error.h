/* What SQLite's result codes mean here. */
#ifndef BM_ENGINES_SQLITE_ERROR_H
#define BM_ENGINES_SQLITE_ERROR_H

#include "error.h"

/* The status of an extended result code (https://www.sqlite.org/rescode.html).  Not of SQLITE_OK.
 */
bm_status bm__sqlite_status(int code);

/*
 * Record a failure: `message` is SQLite's, which shows names and never values.  Where it is of a
 * constraint, its name or columns, its column where it is of one, and the SQLSTATE that PostgreSQL
 * has for it are taken over.
 */
bm_status bm__sqlite_fail(bm_error *err, bm_status status, bm_stage stage, int code,
                          const char *message);

#endif
