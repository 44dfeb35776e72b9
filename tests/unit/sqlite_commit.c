/*
 * W7: a COMMIT on SQLite that fails is asked about.  The n-th write, fsync, truncation or deletion
 * fails in each journal mode, once or from then on, and what was reported is compared with the
 * table.
 */
#include "sqlite_steps.h"

#include "testdb.h"

#include <stdlib.h>

/* A file system of which one call fails.  The methods of its files are the usual ones but three. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *usual;
    const sqlite3_io_methods *real;
    sqlite3_io_methods methods[2]; /* of the database, of other files: those take no locks */
    int left;                      /* calls until one fails; negative: none does */
    bool sticky;
    bool done;    /* one has failed */
    bool removes; /* a deletion that fails has happened all the same */
} disk;

static bool fails(void)
{
    if (disk.left < 0) {
        return false;
    }
    bool now = disk.left == 0 || (disk.sticky && disk.done);
    disk.left -= disk.left > 0;
    disk.done = disk.done || now;
    if (now && !disk.sticky) {
        disk.left = -1;
    }
    return now;
}

static int write_or_fail(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    return fails() ? SQLITE_IOERR_WRITE : disk.real->xWrite(file, bytes, size, at);
}

static int sync_or_fail(sqlite3_file *file, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : disk.real->xSync(file, flags);
}

/* It is done, and then its caller is told that it is not. */
static int truncate_and_fail(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = disk.real->xTruncate(file, size);
    return fails() ? SQLITE_IOERR_TRUNCATE : rc;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int rc = disk.usual->xOpen(disk.usual, name, file, flags, out);
    if (rc == SQLITE_OK) {
        sqlite3_io_methods *methods = &disk.methods[(flags & SQLITE_OPEN_MAIN_DB) == 0];
        disk.real = file->pMethods; /* which all do these three the same way */
        *methods = *disk.real;
        methods->xWrite = write_or_fail;
        methods->xSync = sync_or_fail;
        methods->xTruncate = truncate_and_fail;
        file->pMethods = methods;
    }
    return rc;
}

static int delete_or_fail(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    bool now = fails();
    if (now && !disk.removes) {
        return SQLITE_IOERR_DELETE;
    }
    int rc = disk.usual->xDelete(disk.usual, name, sync);
    return now && rc == SQLITE_OK ? SQLITE_IOERR_DIR_FSYNC : rc;
}

static int set_up_disk(void **state)
{
    (void)state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    disk.usual = usual;
    disk.vfs = *usual;
    disk.vfs.zName = "failing";
    disk.vfs.pNext = NULL;
    disk.vfs.xOpen = open_file;
    disk.vfs.xDelete = delete_or_fail;
    disk.left = -1;
    return sqlite3_vfs_register(&disk.vfs, 0);
}

static int tear_down_disk(void **state)
{
    (void)state;
    return sqlite3_vfs_unregister(&disk.vfs);
}

typedef struct mode {
    const char *journal;
    const char *set; /* further settings of the connection */
    bool autocommit; /* one statement, that is its own commit */
    bool removes;
    bool may_doubt; /* where every later call fails, too, SQLite cannot be asked */
} mode;

/* Rows that a new connection, on a disk that works, finds; it rolls back what is left over. */
static int rows_found(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, disk.usual->zName),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE a > 0", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int n = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

static void open_failing(peer *p, const char *path, const char *url)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    sqlite3_vfs_register(&disk.vfs, 1);
    open_peer(p, url);
    sqlite3_vfs_register(usual, 1);
    assert_int_equal(rows_found(path), 0);
}

static void make_table(const char *path, const mode *m)
{
    char sql[256];
    sqlite3 *db = NULL;
    snprintf(sql, sizeof sql,
             "PRAGMA journal_mode = %s; CREATE TABLE t(a, b); INSERT INTO t VALUES(0, 0)",
             m->journal);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static bm_status write_row(peer *p, const mode *m, int n, bool sticky)
{
    static const char insert[] = "INSERT INTO t VALUES(1, zeroblob(20000))";
    bm__step alone = {.kind = BM__STEP_EXEC, .sql = insert, .autocommit = true};
    if (!m->autocommit) {
        must(p, do_kind(p, BM__STEP_BEGIN));
        MUST(p, insert);
    }
    disk.left = n;
    disk.sticky = sticky;
    disk.done = false;
    disk.removes = m->removes;
    bm_status status = m->autocommit ? do_step(p, &alone) : do_kind(p, BM__STEP_COMMIT);
    return status;
}

/* False: no call was left to fail. */
static bool commit_fails(const mode *m, int n, bool sticky, int *doubts)
{
    char path[TEST_PATH_MAX];
    char url[TEST_PATH_MAX];
    char set[256];
    peer p;
    test_sqlite_file(path, url);
    make_table(path, m);
    open_failing(&p, path, url);
    snprintf(set, sizeof set, "PRAGMA journal_mode = %s; %s", m->journal, m->set);
    MUST(&p, set);
    bm_status status = write_row(&p, m, n, sticky);
    bool failed = disk.done;
    if (status != BM_OK) {
        (void)do_kind(&p, BM__STEP_ROLLBACK);
    }
    disk.left = -1;
    close_peer(&p);
    int rows = rows_found(path);
    if ((status == BM_OK && rows != 1) ||
        (status != BM_OK && status != BM_COMMIT_UNKNOWN && rows != 0) ||
        (status == BM_COMMIT_UNKNOWN && rows == 0 && !(m->may_doubt && sticky))) {
        fail_msg("%s, %s, call %d%s: %s, and %d rows", m->journal, m->set, n,
                 sticky ? " and all that follow" : "", bm_status_name(status), rows);
    }
    *doubts += status == BM_COMMIT_UNKNOWN;
    return failed;
}

static int all_failures(const mode *m)
{
    int doubts = 0;
    for (int sticky = 0; sticky < 2; sticky++) {
        int n = 0;
        while (commit_fails(m, n, sticky != 0, &doubts)) {
            n++;
        }
        assert_true(n >= 2);
    }
    return doubts;
}

/* Nothing is in doubt where SQLite commits by removing the journal, or by the log. */
static void test_no_doubt(void **state)
{
    static const mode modes[] = {
        {.journal = "delete", .set = ""},
        {.journal = "delete", .set = "", .autocommit = true},
        {.journal = "delete", .set = "PRAGMA synchronous = NORMAL"},
        {.journal = "wal", .set = ""},
        {.journal = "wal", .set = "", .autocommit = true},
        {.journal = "wal", .set = "PRAGMA synchronous = NORMAL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(all_failures(&modes[i]), 0);
    }
}

/* Where the last act of a commit was done and then reported to have failed, it is in doubt, and the
 * rows are there; before that, it is not.  Where nothing works any more nobody can ask. */
static void test_doubt(void **state)
{
    static const mode modes[] = {
        {.journal = "truncate", .set = "", .may_doubt = true},
        {.journal = "truncate", .set = "", .autocommit = true, .may_doubt = true},
        {.journal = "persist", .set = "", .may_doubt = true},
        {.journal = "delete", .set = "", .removes = true},
        {.journal = "delete", .set = "PRAGMA synchronous = EXTRA", .may_doubt = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_true(all_failures(&modes[i]) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_doubt),
        cmocka_unit_test(test_doubt),
    };
    return cmocka_run_group_tests(tests, set_up_disk, tear_down_disk);
}
