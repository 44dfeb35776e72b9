/* COMMIT, and what became of one that failed. */
#include "sqlite_conn.h"

#include "sqlite_error.h"

#include <stdlib.h>
#include <string.h>

/* The file change counter: sqlite.org/fileformat2.html, section 1.3.7. */
#define COUNTER_AT 24
#define COUNTER_SIZE 4

#define SYNCHRONOUS_EXTRA 3

/* False: the database is not in a file, or the file cannot be read. */
static bool read_counter(sqlite3 *db, uint32_t *out)
{
    sqlite3_file *file = NULL;
    uint8_t at[COUNTER_SIZE];
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc != SQLITE_OK || file == NULL || file->pMethods == NULL) {
        return false;
    }
    memset(at, 0, sizeof at);
    rc = file->pMethods->xRead(file, at, COUNTER_SIZE, COUNTER_AT);
    *out = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ; /* an empty file */
}

void bm__sqlite_before_commit(bm__sqlite_conn *c)
{
    c->counted = read_counter(c->db, &c->counter);
}

typedef struct answer {
    char text[32]; /* of the last row's first column */
} answer;

static int take_row(void *context, int n, char **values, char **names)
{
    answer *a = context;
    const char *value = n > 0 && values[0] != NULL ? values[0] : "";
    (void)names;
    a->text[0] = '\0';
    strncat(a->text, value, sizeof a->text - 1);
    return 0;
}

/* False: SQLite does not answer. */
static bool ask(sqlite3 *db, const char *sql, answer *out)
{
    *out = (answer){.text = ""};
    return sqlite3_exec(db, sql, take_row, out, NULL) == SQLITE_OK;
}

/* The counter as it is now.  Reading first lets SQLite roll back what a hot journal holds. */
static bool is_unchanged(const bm__sqlite_conn *c)
{
    uint32_t now;
    answer locking;
    answer ignored;
    bool counts = ask(c->db, "PRAGMA main.locking_mode", &locking) &&
                  strcmp(locking.text, "normal") == 0; /* exclusive: it is changed once only */
    return counts && c->counted &&
           ask(c->db, "SELECT count(*) FROM main.sqlite_master", &ignored) &&
           read_counter(c->db, &now) && now == c->counter;
}

/*
 * Is nothing of the transaction in the database?  With a write-ahead log the commit shows only once
 * nothing can fail any more (walWriteFrames).  With a journal that is deleted it is committed by
 * the removal, and SQLite reports a failure behind that as one of these two codes.  A journal
 * that is cut or overwritten instead is asked by what a commit always changes in the file.
 */
static bool is_rolled_back(const bm__sqlite_conn *c, int code)
{
    answer attached;
    answer mode;
    answer synchronous;
    bool removed = code == SQLITE_IOERR_DELETE_NOENT || code == SQLITE_IOERR_DIR_FSYNC;
    if (!ask(c->db, "PRAGMA database_list", &attached) || strtol(attached.text, NULL, 10) > 1 ||
        !ask(c->db, "PRAGMA main.journal_mode", &mode) ||
        !ask(c->db, "PRAGMA main.synchronous", &synchronous)) {
        return false;
    }
    if (strcmp(mode.text, "wal") == 0) {
        return true;
    }
    bool extra = strtol(synchronous.text, NULL, 10) >= SYNCHRONOUS_EXTRA;
    if (strcmp(mode.text, "delete") == 0 && !removed && !extra) {
        return true;
    }
    return is_unchanged(c);
}

/* What SQLite says of the failure is kept: the questions replace it. */
bm_status bm__sqlite_failed_to_commit(const bm__sqlite_conn *c, bm_stage stage, bm_error *err)
{
    int code = sqlite3_extended_errcode(c->db);
    bool of_read = code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ;
    bool in_doubt = (code & 0xFF) == SQLITE_IOERR && !of_read && code != SQLITE_IOERR_NOMEM;
    if (!in_doubt) {
        return bm__sqlite_failed(c, stage, err);
    }
    bool first = err->status == BM_OK;
    bm_status status = bm__sqlite_fail(err, BM_COMMIT_UNKNOWN, stage, code, sqlite3_errmsg(c->db));
    if (!bm__sqlite_has_transaction(c) && is_rolled_back(c, code)) {
        status = BM_DATABASE;
        err->status = first ? status : err->status;
    }
    return status;
}

bm_status bm__sqlite_commit(bm__sqlite_conn *c, bm_error *err)
{
    if (!bm__sqlite_has_transaction(c)) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_COMMIT,
                        "nothing to commit: the transaction was rolled back");
    }
    c->cancel = NULL; /* a COMMIT is not cancelled */
    bm__sqlite_before_commit(c);
    int rc = bm__sqlite_run_waiting(c, "COMMIT");
    if (rc != SQLITE_OK) {
        return bm__sqlite_has_transaction(c) ? bm__sqlite_failed(c, BM_STAGE_COMMIT, err)
                                             : bm__sqlite_failed_to_commit(c, BM_STAGE_COMMIT, err);
    }
    if (bm__sqlite_has_transaction(c)) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_COMMIT, "COMMIT left the transaction open");
    }
    return BM_OK;
}
