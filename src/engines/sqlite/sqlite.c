/*
 * SQLite.  A connection of ours has foreign keys on and waits for locks as the step says: to its
 * deadline, else five seconds, and no longer than its cancel token is clear.
 *
 * On a borrowed connection settings stay as they are: its busy handler is the caller's, and BEGIN
 * and COMMIT are tried again when that gave up.  While a step with a deadline or a token runs, the
 * connection's progress handler is ours; SQLite cannot tell which one was there before, so
 * afterwards there is none.
 *
 * What an interrupt costs: SQLite takes back the whole transaction when a statement that writes is
 * interrupted (sqlite3_interrupt).  A transaction of the step's own may be lost so; one of the
 * caller's (it was open before, or a savepoint is) may not: there only the scan of the batch is
 * stopped, and a statement past it runs to its end.
 *
 * After an error inside a transaction rows of the failed statement may still be there (a table
 * without constraints has no statement journal): roll back to a savepoint, or all.
 */
#include "cancel.h"
#include "sqlite_conn.h"
#include "sqlite_error.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_WAIT_MS 10000
#define NS_PER_MS INT64_C(1000000)

/* --------------------------------------------------------------------------------------- steps */

static bm_status savepoint(bm__sqlite_conn *c, const bm__step *step, bm_error *err)
{
    if (bm__sqlite_run_plain(c, step->sql) != SQLITE_OK) {
        return bm__sqlite_failed(c, BM_STAGE_WRITE, err);
    }
    if (step->kind == BM__STEP_SAVEPOINT) {
        c->savepoints++;
    } else if (step->kind == BM__STEP_RELEASE && c->savepoints > 0) {
        c->savepoints--;
    }
    return BM_OK;
}

static bm_status perform(bm__sqlite_conn *c, const bm__step *step, bm__answer *answer,
                         bm_error *err)
{
    bool starts = step->kind == BM__STEP_BEGIN || step->kind == BM__STEP_SAVEPOINT ||
                  step->kind == BM__STEP_EXEC || step->kind == BM__STEP_DESCRIBE;
    if (starts && bm__sqlite_must_stop(c)) {
        return bm__sqlite_stopped(c, BM_STAGE_WRITE, 0, err);
    }
    answer->sent = step->kind != BM__STEP_READY && step->kind != BM__STEP_EXEC;
    switch (step->kind) {
    case BM__STEP_BEGIN:
        return bm__sqlite_begin(c, err);
    case BM__STEP_SAVEPOINT:
    case BM__STEP_RELEASE:
    case BM__STEP_ROLLBACK_TO:
        return savepoint(c, step, err);
    case BM__STEP_EXEC:
        return step->batch != NULL ? bm__sqlite_run_over_batch(c, step, answer, err)
                                   : bm__sqlite_run_sql(c, step, answer, err);
    case BM__STEP_DESCRIBE:
        return bm__sqlite_describe(c, step, err);
    case BM__STEP_READY:
        return BM_OK;
    case BM__STEP_COMMIT:
        return bm__sqlite_commit(c, err);
    case BM__STEP_ROLLBACK:
        return bm__sqlite_roll_back(c, err);
    case BM__STEP_LOAD:
    case BM__STEP_UNLOAD:
        break;
    }
    return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "SQLite does not know step %d",
                    (int)step->kind);
}

static bm_status sqlite_perform(bm__conn *conn, const bm__step *step, bm__answer *answer,
                                bm_error *err)
{
    bm__sqlite_conn *c = (bm__sqlite_conn *)conn;
    answer->rows = 0;
    answer->sent = false;
    answer->row = BM_NO_ROW;
    answer->context[0] = '\0';
    answer->routine[0] = '\0';
    if (step->n_params != 0) {
        return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "parameters are not used with SQLite");
    }
    c->step = step;
    c->deadline_ns = step->deadline_ns;
    c->cancel = step->cancel;
    c->lock_timeout_ms = step->lock_timeout_ms;
    c->lock_deadline_ns = 0;
    c->stopped = BM_OK;
    bm_status status = perform(c, step, answer, err);
    c->step = NULL;
    c->deadline_ns = 0;
    c->cancel = NULL;
    if (!bm__sqlite_has_transaction(c)) {
        c->began = false;
        c->savepoints = 0;
    }
    return status;
}

static bm__conn_state sqlite_state(bm__conn *conn, bool look)
{
    (void)look;
    return bm__sqlite_has_transaction((bm__sqlite_conn *)conn) ? BM__CONN_IN_TRANSACTION
                                                               : BM__CONN_IDLE;
}

/* -------------------------------------------------------------------------------- open and close
 */

static void sqlite_close(bm__conn *conn)
{
    bm__sqlite_conn *c = (bm__sqlite_conn *)conn;
    if (c == NULL) {
        return;
    }
    bm__sqlite_empty_cache(c);
    if (!c->base.borrowed) {
        sqlite3_close_v2(c->db);
    } else if (c->registered) {
        bm__sqlite_source_unregister(c->db);
    }
    bm__sqlite_source_release(c->source);
    free(c->cells);
    free(c);
}

static bm__sqlite_conn *make(sqlite3 *db, bool borrowed)
{
    bm__sqlite_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->base.transport = &bm__transport_sqlite;
    c->base.engine = &bm__engine_sqlite;
    c->base.borrowed = borrowed;
    c->db = db;
    c->source = bm__sqlite_source_create();
    if (c->source == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

static void find_facts(bm__sqlite_conn *c)
{
    c->base.server.version = sqlite3_libversion_number();
    c->base.server.read_only = sqlite3_db_readonly(c->db, "main") == 1;
}

/* SQLite opens the file when it is first read: that the path is a database is found out now. */
static int prepare_own(bm__sqlite_conn *c)
{
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_handler(c->db, bm__sqlite_wait_for_lock, c);
    int rc = sqlite3_exec(c->db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return rc == SQLITE_OK ? sqlite3_exec(c->db, "PRAGMA schema_version", NULL, NULL, NULL) : rc;
}

static bm_status failed_to_open(bm__sqlite_conn *c, const char *path, bm_error *err)
{
    int code = sqlite3_extended_errcode(c->db);
    bm_status status = c->stopped != BM_OK ? c->stopped : bm__sqlite_status(code);
    status = status == BM_DATABASE || status == BM_INTERNAL ? BM_CONNECTION : status;
    int system = sqlite3_system_errno(c->db);
    char reason[128] = "";
    if (system != 0 && strerror_r(system, reason, sizeof reason) != 0) {
        reason[0] = '\0';
    }
    if (err->status == BM_OK) {
        bm__fail(err, status, BM_STAGE_CONNECT, "%s: %s%s%s", path, sqlite3_errmsg(c->db),
                 reason[0] != '\0' ? ": " : "", reason);
        err->native_code = code;
    }
    return status;
}

static bm_status open_path(const char *path, const bm__step *limits, bm__sqlite_conn **out,
                           bm_error *err)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    bm__sqlite_conn *c = db != NULL ? make(db, false) : NULL;
    if (c == NULL) {
        sqlite3_close(db);
        return bm__no_memory(err);
    }
    c->deadline_ns = limits->deadline_ns;
    c->cancel = limits->cancel;
    if (rc == SQLITE_OK) {
        rc = prepare_own(c);
    }
    if (rc != SQLITE_OK) {
        bm_status status = failed_to_open(c, path, err);
        sqlite_close(&c->base);
        return status;
    }
    c->deadline_ns = 0;
    c->cancel = NULL;
    find_facts(c);
    *out = c;
    return BM_OK;
}

static bm_status sqlite_open(const char *url, const bm_open_options *options,
                             const bm__step *limits, bm__conn **out, bm_error *err)
{
    static const char scheme[] = "sqlite:";
    *out = NULL;
    if (strncmp(url, scheme, strlen(scheme)) != 0 || url[strlen(scheme)] == '\0') {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT,
                        "not \"sqlite:PATH\" or \"sqlite::memory:\"");
    }
    int64_t wait_ms = CONNECT_WAIT_MS;
    if (options != NULL && options->connect_timeout_ms != 0) {
        wait_ms = options->connect_timeout_ms;
    }
    bm__sqlite_conn *c = NULL;
    bm__step within = limits != NULL ? *limits : (bm__step){0};
    bm__step_within(&within, "the connect timeout", wait_ms);
    BM_TRY(open_path(url + strlen(scheme), &within, &c, err));
    *out = &c->base;
    return BM_OK;
}

static bm_status attach(void *handle, bm__conn **out, bm_error *err)
{
    *out = NULL;
    bm__sqlite_conn *c = make(handle, true);
    if (c == NULL) {
        return bm__no_memory(err);
    }
    find_facts(c);
    *out = &c->base;
    return BM_OK;
}

/* sqlite.org/inmemorydb.html: in memory, and the temporary file of an empty name. */
static bool keeps(const char *url)
{
    const char *path = strchr(url, ':');
    return path != NULL && (path[1] == '\0' || strcmp(path + 1, ":memory:") == 0);
}

const bm__transport bm__transport_sqlite = {
    .keeps = keeps,
    .engine = &bm__engine_sqlite,
    .open = sqlite_open,
    .attach = attach,
    .perform = sqlite_perform,
    .state = sqlite_state,
    .close = sqlite_close,
};
