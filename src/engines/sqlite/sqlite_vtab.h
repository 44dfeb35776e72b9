/*
 * The table `bulkmodel_batch`: a batch that SQL can read.
 *
 * An eponymous-only virtual table (https://www.sqlite.org/vtab.html, 2.1.2) with a column c0, c1,
 * ... for each view of the batch, as SQLite stores it (lite.h; NULL where the state is not
 * BM_VALUE), and a hidden column `ord`, also its rowid: the row's number in the batch, from 0.  A
 * scan runs in the batch's order.  The planner puts it outermost and finds the rows of tables by
 * their keys (unless sqlite_stat1 says that the table has less than three rows); ranges of `ord`
 * are cut out without a scan.  Triggers and views cannot name it (SQLITE_VTAB_DIRECTONLY).
 *
 * The function bulkmodel_settled() fails, as COMMIT would, where the transaction has foreign keys
 * that are deferred and not met.
 *
 * A source is what the module of one connection reads: it holds a batch from offer to withdraw,
 * while one statement runs.  Needs core, lite and SQLite's API only; with BM_SQLITE_EXTENSION that
 * is the API of the SQLite which loads it.
 */
#ifndef BM_ENGINES_SQLITE_VTAB_H
#define BM_ENGINES_SQLITE_VTAB_H

#include "batch.h"

#define BM__SQLITE_SETTLE "SELECT 1 WHERE bulkmodel_settled()"

struct sqlite3;

typedef struct bm__sqlite_source bm__sqlite_source;

/* Where the last statement over the batch stood, for errors. */
typedef struct bm__sqlite_place {
    bool was_read; /* the batch was opened, by this connection's module */
    size_t row;    /* of the batch, where there was one scan and it was not over; or BM_NO_ROW */
    const char *fault; /* why a cell cannot be stored, static, or NULL; then at ... */
    size_t view;
    size_t n_keys; /* of a watched INSERT: so many rows have one */
    bool blind;    /* it read on before its first row was there, and was ended: it wrote nothing */
} bm__sqlite_place;

/* As many views as a batch may have: SQLITE_MAX_COLUMN, less `ord`. */
#define BM__SQLITE_MAX_VIEWS 1999

/* NULL when there is no memory. */
bm__sqlite_source *bm__sqlite_source_create(void);

/* The owner's farewell; modules and statements that still know the source see no batch. */
void bm__sqlite_source_release(bm__sqlite_source *source);

/* Make `source` what `bulkmodel_batch` reads on this connection.  A SQLite result code. */
int bm__sqlite_source_register(bm__sqlite_source *source, struct sqlite3 *db);

/* Take the table away from the connection. */
void bm__sqlite_source_unregister(struct sqlite3 *db);

/* Lend a batch, which must stay as it is until withdrawn; statements must be reset by then.
 * *widened: it has more views than the table has columns, so the source must be registered again.
 * `stop`, where set, is asked now and then during scans: true ends the statement, and leaves the
 * transaction open as an interrupt would not.  A SQLite result code. */
int bm__sqlite_source_offer(bm__sqlite_source *source, const bm__batch *batch,
                            bool (*stop)(void *context), void *context, bool *widened);
void bm__sqlite_source_withdraw(bm__sqlite_source *source);

/*
 * The statement to come inserts the rows of the batch offered, into one table: keys[i] becomes the
 * rowid of row i.  SQLite says what a row's rowid is (sqlite3_last_insert_rowid) until the next one
 * is inserted, and reads that only then, unless it keeps all rows aside first, as for a table with
 * triggers: there the statement is ended, and `place` says so.
 */
void bm__sqlite_source_watch(bm__sqlite_source *source, int64_t *keys);

bm__sqlite_place bm__sqlite_source_place(const bm__sqlite_source *source);

#endif
