/* EXEC: a statement's way through SQLite, its rows, and the batch it reads. */
#include "sqlite_conn.h"

#include "sqlite_error.h"

#include <stdlib.h>
#include <string.h>

#define PROGRESS_OPS 1000

#if SQLITE_VERSION_NUMBER >= 3037000
#define changes64 sqlite3_changes64
#define total_changes64 sqlite3_total_changes64
#else
#define changes64 sqlite3_changes
#define total_changes64 sqlite3_total_changes
#endif

static int on_progress(void *context)
{
    return bm__sqlite_must_stop(context);
}

static void watch(bm__sqlite_conn *c, sqlite3_stmt *stmt)
{
    bool may_end = c->cancel != NULL || c->deadline_ns != 0;
    if (may_end && (sqlite3_stmt_readonly(stmt) || !bm__sqlite_is_callers(c))) {
        sqlite3_progress_handler(c->db, PROGRESS_OPS, on_progress, c);
        c->watched = true;
    }
}

static void unwatch(bm__sqlite_conn *c)
{
    if (c->watched) {
        sqlite3_progress_handler(c->db, 0, NULL, NULL);
        c->watched = false;
    }
}

static void fill_cell(sqlite3_stmt *stmt, int i, bm__cell *cell)
{
    *cell = (bm__cell){.kind = BM__CELL_NULL};
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        cell->kind = BM__CELL_INTEGER;
        cell->integer = sqlite3_column_int64(stmt, i);
        break;
    case SQLITE_FLOAT:
        cell->kind = BM__CELL_REAL;
        cell->real = sqlite3_column_double(stmt, i);
        break;
    case SQLITE_TEXT:
        cell->kind = BM__CELL_TEXT;
        cell->data = sqlite3_column_text(stmt, i);
        cell->size = (size_t)sqlite3_column_bytes(stmt, i);
        break;
    case SQLITE_BLOB:
        cell->kind = BM__CELL_BLOB;
        cell->data = sqlite3_column_blob(stmt, i);
        cell->size = (size_t)sqlite3_column_bytes(stmt, i);
        break;
    default:
        break;
    }
}

static bm_status push_row(bm__sqlite_conn *c, const bm__step *step, sqlite3_stmt *stmt,
                          bm_error *err)
{
    size_t n = (size_t)sqlite3_column_count(stmt);
    if (n > c->n_cells) {
        bm__cell *cells = realloc(c->cells, n * sizeof *cells);
        if (cells == NULL) {
            return bm__no_memory(err);
        }
        c->cells = cells;
        c->n_cells = n;
    }
    for (size_t i = 0; i < n; i++) {
        bm__cell *cell = &c->cells[i];
        fill_cell(stmt, (int)i, cell);
        bool lost = cell->kind == BM__CELL_TEXT ? cell->data == NULL
                                                : cell->data == NULL && cell->size != 0;
        if (lost) { /* no memory to convert from UTF-16 or to unpack a zeroblob */
            return bm__no_memory(err);
        }
    }
    return step->push(step->context, c->cells, n, err);
}

/* One statement, to its end. */
static bm_status run(bm__sqlite_conn *c, const bm__step *step, sqlite3_stmt *stmt,
                     bm__answer *answer, bm_error *err)
{
    bool reads = sqlite3_stmt_readonly(stmt);
    bool is_commit = !reads && !bm__sqlite_has_transaction(c);
    bm_stage stage = reads ? BM_STAGE_READ : BM_STAGE_WRITE;
    int64_t before = total_changes64(c->db);
    uint64_t rows = 0;
    bm_status status = BM_OK;
    int rc;
    if (is_commit) {
        bm__sqlite_before_commit(c);
    }
    watch(c, stmt);
    answer->sent = true;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
        status = step->push != NULL ? push_row(c, step, stmt, err) : BM_OK;
        if (status != BM_OK) {
            break;
        }
    }
    if (status == BM_OK && rc != SQLITE_DONE) {
        status = is_commit ? bm__sqlite_failed_to_commit(c, stage, err)
                           : bm__sqlite_failed(c, stage, err);
    }
    sqlite3_reset(stmt);
    unwatch(c);
    if (status == BM_OK) {
        bool wrote = total_changes64(c->db) != before;
        answer->rows += reads ? rows : wrote ? (uint64_t)changes64(c->db) : 0;
    }
    return status;
}

/* A write that gives rows and is its own commit.  SQLite commits it even where reading its rows was
 * broken off, so it is put into a transaction that can be taken back. */
static bm_status run_in_transaction(bm__sqlite_conn *c, const bm__step *step, sqlite3_stmt *stmt,
                                    bm__answer *answer, bm_error *err)
{
    BM_TRY(bm__sqlite_begin(c, err));
    bm_status status = run(c, step, stmt, answer, err);
    if (status == BM_OK) {
        status = bm__sqlite_commit(c, err);
    }
    if (status != BM_OK) {
        bm_error unwanted = BM_ERROR;
        bm__sqlite_roll_back(c, &unwanted);
        answer->rows = 0;
    }
    return status;
}

/* Blanks and semicolons at the end are no statement. */
static const char *skip_blanks(const char *sql)
{
    return sql + strspn(sql, " \t\r\n;");
}

bm_status bm__sqlite_run_all(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                             bm_error *err)
{
    bool single = step->push != NULL || step->batch != NULL;
    bm_status status = BM_OK;
    const char *sql = step->sql;
    while (status == BM_OK && *sql != '\0') {
        sqlite3_stmt *stmt = NULL;
        const char *rest;
        if (bm__sqlite_prepare(c, sql, &stmt, &rest) != SQLITE_OK) {
            return bm__sqlite_failed(c, step->push != NULL ? BM_STAGE_READ : BM_STAGE_WRITE, err);
        }
        const char *next = skip_blanks(rest);
        if (single && *next != '\0') {
            status = bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK,
                              "several statements where one is expected");
        } else if (stmt != NULL && step->autocommit && step->push != NULL &&
                   !bm__sqlite_has_transaction(c) && !sqlite3_stmt_readonly(stmt)) {
            status = run_in_transaction(c, step, stmt, answer, err);
        } else if (stmt != NULL) {
            status = run(c, step, stmt, answer, err);
        }
        bm__sqlite_put_back(c, stmt, rest);
        sql = next;
    }
    return status;
}

/* ------------------------------------------------------------------------------------ describe */

static bm_status push_columns(sqlite3_stmt *stmt, const bm__step *step, bm_error *err)
{
    if (!sqlite3_stmt_readonly(stmt)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                        "the query writes to the database: expected a SELECT");
    }
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);
        const char *declared = sqlite3_column_decltype(stmt, i);
        BM_TRY(name == NULL
                   ? bm__no_memory(err)
                   : step->column(step->context, name, 0, declared != NULL ? declared : "", err));
    }
    return BM_OK;
}

bm_status bm__sqlite_describe(bm__sqlite_conn *c, const bm__step *step, bm_error *err)
{
    sqlite3_stmt *stmt = NULL;
    const char *rest;
    if (sqlite3_prepare_v2(c->db, step->sql, -1, &stmt, &rest) != SQLITE_OK) {
        return bm__sqlite_failed(c, BM_STAGE_CATALOG, err);
    }
    bm_status status = BM_OK;
    if (*skip_blanks(rest) != '\0') { /* not prepared: that would carry a PRAGMA out */
        status = bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, BM__SEVERAL_STATEMENTS);
    } else if (stmt != NULL) {
        status = push_columns(stmt, step, err);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* --------------------------------------------------------------------------------- over a batch */

/* The failure of a statement over a batch: the row, and the column where a cell is at fault. */
static bm_status failed_over(bm__sqlite_conn *c, const bm__batch *batch, bm_status status,
                             bm__answer *answer, bm_error *err)
{
    bm__sqlite_place place = bm__sqlite_source_place(c->source);
    if (place.fault != NULL) {
        answer->row = place.row;
        bm__error_reset(err);
        return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, BM_NO_ROW,
                             batch->views[place.view].name, "the value cannot be stored: %s",
                             place.fault);
    }
    int primary = err->native_code & 0xFF;
    if (primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH || primary == SQLITE_TOOBIG) {
        answer->row = place.row;
    }
    return status;
}

static bm_status register_source(bm__sqlite_conn *c, bm_error *err)
{
    int rc = bm__sqlite_source_register(c->source, c->db);
    c->registered = rc == SQLITE_OK;
    return c->registered ? BM_OK : bm__sqlite_failed(c, BM_STAGE_WRITE, err);
}

/* Another bm_db over the same borrowed connection may have put its own module in the place of ours,
 * or have taken ours away: then the statement never got to our batch. */
static bool lost_module(const bm__sqlite_conn *c, bm_status status, const bm_error *err)
{
    return status == BM_DATABASE && c->base.borrowed && (err->native_code & 0xFF) == SQLITE_ERROR &&
           !bm__sqlite_source_place(c->source).was_read;
}

static bm_status run_lent(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                          bm_error *err)
{
    bool is_first = err->status == BM_OK;
    bm_status status = bm__sqlite_run_all(c, step, answer, err);
    if (is_first && lost_module(c, status, err)) {
        bm__error_reset(err);
        bm__sqlite_empty_cache(c);
        BM_TRY(register_source(c, err));
        status = bm__sqlite_run_all(c, step, answer, err);
    }
    return status != BM_OK && is_first ? failed_over(c, step->batch, status, answer, err) : status;
}

/* The function that it calls comes with the source, which another bm_db over the same borrowed
 * connection may have taken away. */
bm_status bm__sqlite_run_sql(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                             bm_error *err)
{
    bool calls = strcmp(step->sql, BM__SQLITE_SETTLE) == 0;
    if (calls && (!c->registered || c->base.borrowed)) {
        BM_TRY(register_source(c, err));
    }
    return bm__sqlite_run_all(c, step, answer, err);
}

bm_status bm__sqlite_run_over_batch(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                                    bm_error *err)
{
    bool widened;
    int rc = bm__sqlite_source_offer(c->source, step->batch, bm__sqlite_must_stop, c, &widened);
    if (rc == SQLITE_RANGE) {
        return bm__fail(err, BM_LIMIT, BM_STAGE_CHECK, "%zu columns: SQLite takes at most %d here",
                        step->batch->n_views, BM__SQLITE_MAX_VIEWS);
    }
    if (rc != SQLITE_OK) {
        return bm__no_memory(err);
    }
    bm_status status = BM_OK;
    if (widened || !c->registered) {
        status = register_source(c, err);
    }
    if (status == BM_OK) {
        status = run_lent(c, step, answer, err);
    }
    bm__sqlite_source_withdraw(c->source);
    return status;
}
