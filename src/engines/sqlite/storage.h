/*
 * SQLite's values: each cell is stored as Django stores it (django.db.backends.sqlite3, 5.2), so
 * that C, the command and Django read what another wrote.  No SQLite header here.
 *
 *   bool 0 / 1; integers INTEGER; floats REAL; numeric as its text (the column's affinity decides);
 *   text, enum and JSON as TEXT; bytea BLOB; date, time and timestamp as text "2024-02-29",
 *   "13:45:00.000250", "2024-02-29 13:45:00"; timestamptz the same in UTC; uuid 32 hex digits;
 *   interval INTEGER, its microseconds.
 */
#ifndef BM_SQLITE_STORAGE_H
#define BM_SQLITE_STORAGE_H

#include "arena.h"
#include "batch.h"
#include "calendar.h"
#include "step.h"

/* BM_UNSUPPORTED, by name, for what SQLite has no storage of here: arrays. */
bm_status bm__sqlite_resolve(bm_type type, bm_layout layout, size_t width, bm_error *err);

/* The value of a cell.  Text that is made (dates, UUIDs) is written to `scratch`.  NULL on success,
 * else the reason in words: text that is not UTF-8 or has a NUL, NaN (SQLite stores it as NULL),
 * a date outside years 1 to 9999, text that is no number. */
const char *bm__sqlite_value(bm_type type, bm_layout layout, size_t width, const void *cell,
                             char scratch[BM__PRINT_MAX], bm__cell *out);

/* Check that every cell of the batch can be stored.  The error names row (of the batch) and
 * column. */
bm_status bm__sqlite_check(const bm__batch *batch, bm_error *err);

/* A value that came back, into a member; variable data goes to the arena, NUL-terminated.  NULL on
 * success, else the reason.  Numeric: INTEGER and REAL become text; of a REAL the 15 digits that
 * Django reads where they give it or one beside it, else as many as give it.  The cell is not
 * NULL. */
const char *bm__sqlite_read(bm_type type, bm_layout layout, size_t width, const bm__cell *cell,
                            void *member, bm__arena *arena);

#endif
