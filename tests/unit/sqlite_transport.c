/* The contract of transport.h, on SQLite. */
#include "sqlite_peers.h"

/* ----------------------------------------------------------------------------------------- open */

static void test_open(void **state)
{
    (void)state;
    assert_int_equal(p.conn->server.version, SQLITE_VERSION_NUMBER);
    assert_false(p.conn->server.read_only);
    assert_false(p.conn->borrowed);
    assert_ptr_equal(p.conn->transport, &bm__transport_sqlite);
    assert_string_equal(ask(&p, "PRAGMA foreign_keys", NULL), "1\n");
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    bm__transport_sqlite.close(NULL);
}

static void refuse(const char *bad, bm_status status, const char *reason)
{
    bm_error err = BM_ERROR;
    bm__conn *conn = p.conn;
    assert_int_equal(bm__transport_sqlite.open(bad, NULL, NULL, &conn, &err), status);
    assert_null(conn);
    assert_int_equal(err.stage, BM_STAGE_CONNECT);
    if (strstr(err.message, reason) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
    }
}

static void test_refused_to_open(void **state)
{
    (void)state;
    char other[TEST_PATH_MAX];
    char other_url[TEST_PATH_MAX];
    refuse("sqlite:/no/such/folder/x.db", BM_CONNECTION, "No such file");
    refuse("sqlite:/", BM_CONNECTION, "unable to open");
    refuse("sqlite:", BM_INVALID, "PATH");
    refuse("postgresql://x", BM_INVALID, "PATH");
    test_sqlite_file(other, other_url);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    for (int i = 0; i < 300; i++) {
        fputs("this is no database. ", file);
    }
    fclose(file);
    refuse(other_url, BM_CONNECTION, "not a database");
}

static void test_read_only_file(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a)");
    sqlite3_open_v2(path, &q.db, SQLITE_OPEN_READONLY, NULL);
    must(&q, bm__transport_sqlite.attach(q.db, &q.conn, &q.err));
    assert_true(q.conn->server.read_only);
    assert_true(q.conn->borrowed);
    assert_int_equal(do_sql(&q, "INSERT INTO t VALUES(1)", NULL), BM_DATABASE);
    assert_int_equal(q.err.native_code & 0xFF, SQLITE_READONLY);
    assert_int_equal(state_of(&q), BM__CONN_IDLE);
}

/* --------------------------------------------------------------------------------- transactions */

static void test_commit_and_rollback(void **state)
{
    (void)state;
    open_peer(&q, url);
    MUST(&p, "CREATE TABLE t(a)");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    MUST(&p, "INSERT INTO t VALUES(1)");
    must(&p, do_kind(&p, BM__STEP_READY));
    assert_string_equal(ask(&q, "SELECT count(*) FROM t", NULL), "0\n");
    must(&p, do_kind(&p, BM__STEP_COMMIT));
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_string_equal(ask(&q, "SELECT count(*) FROM t", NULL), "1\n");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "DELETE FROM t");
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "1\n");
    assert_int_equal(do_kind(&p, BM__STEP_COMMIT), BM_DATABASE);
    assert_int_equal(p.err.stage, BM_STAGE_COMMIT);
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO t VALUES(2)");
    close_peer(&p);
    assert_string_equal(ask(&q, "SELECT count(*) FROM t", NULL), "1\n");
}

static void step_sql(bm__step_kind kind, const char *sql)
{
    bm__step step = {.kind = kind, .sql = sql};
    must(&p, do_step(&p, &step));
}

static void test_savepoints(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a)");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO t VALUES(1)");
    step_sql(BM__STEP_SAVEPOINT, "SAVEPOINT s");
    MUST(&p, "INSERT INTO t VALUES(2)");
    step_sql(BM__STEP_ROLLBACK_TO, "ROLLBACK TO s");
    step_sql(BM__STEP_RELEASE, "RELEASE s");
    step_sql(BM__STEP_SAVEPOINT, "SAVEPOINT s");
    MUST(&p, "INSERT INTO t VALUES(3)");
    step_sql(BM__STEP_RELEASE, "RELEASE s");
    must(&p, do_kind(&p, BM__STEP_COMMIT));
    assert_string_equal(ask(&p, "SELECT a FROM t ORDER BY a", NULL), "1\n3\n");
    bm__step step = {.kind = BM__STEP_RELEASE, .sql = "RELEASE s"};
    assert_int_equal(do_step(&p, &step), BM_DATABASE);
}

/* SQLITE_FULL takes the whole transaction back by itself. */
static void test_full(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a); PRAGMA max_page_count = 20");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO t VALUES(1)");
    assert_int_equal(do_sql(&p, "INSERT INTO t VALUES(zeroblob(1000000))", NULL), BM_LIMIT);
    assert_int_equal(p.err.native_code, SQLITE_FULL);
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_int_equal(do_kind(&p, BM__STEP_COMMIT), BM_DATABASE);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "0\n");
    assert_string_equal(ask(&p, "PRAGMA integrity_check", NULL), "'ok'\n");
}

static void test_deferred_constraint_at_commit(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE a(id INTEGER PRIMARY KEY);"
             "CREATE TABLE b(a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO b VALUES(7)");
    assert_int_equal(do_kind(&p, BM__STEP_COMMIT), BM_CONSTRAINT);
    assert_string_equal(p.err.sqlstate, "23503");
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    assert_string_equal(ask(&p, "SELECT count(*) FROM b", NULL), "0\n");
}

/* A file system that reports a failure after the journal is gone: nobody knows. */
static sqlite3_vfs failing;
static int (*real_delete)(sqlite3_vfs *, const char *, int);

static int delete_and_fail(sqlite3_vfs *vfs, const char *name, int sync)
{
    int rc = real_delete(vfs, name, sync);
    return rc == SQLITE_OK ? SQLITE_IOERR_DIR_FSYNC : rc;
}

static void test_commit_unknown(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a)");
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    failing = *usual;
    failing.zName = "failing";
    failing.pNext = NULL;
    real_delete = usual->xDelete;
    sqlite3_vfs_register(&failing, 1);
    open_peer(&q, url);
    sqlite3_vfs_register(usual, 1);
    must(&q, do_kind(&q, BM__STEP_BEGIN));
    MUST(&q, "INSERT INTO t VALUES(1)");
    failing.xDelete = delete_and_fail;
    assert_int_equal(do_kind(&q, BM__STEP_COMMIT), BM_COMMIT_UNKNOWN);
    assert_int_equal(state_of(&q), BM__CONN_IDLE);
    assert_int_equal(do_sql(&q, "INSERT INTO t VALUES(2)", NULL), BM_COMMIT_UNKNOWN);
    failing.xDelete = real_delete;
    close_peer(&q);
    sqlite3_vfs_unregister(&failing);
    assert_string_equal(ask(&p, "SELECT a FROM t", NULL), "1\n2\n");
}

/* ----------------------------------------------------------------------------------------- exec */

static void test_counts(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a); CREATE TABLE log(a);"
             "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES(new.a); END; ");
    assert_int_equal(p.answer.rows, 0);
    MUST(&p, "INSERT INTO t VALUES(1), (2), (3)");
    assert_int_equal(p.answer.rows, 3);
    MUST(&p, "CREATE TABLE other(a)");
    assert_int_equal(p.answer.rows, 0);
    MUST(&p, "UPDATE t SET a = a + 1 WHERE a > 1");
    assert_int_equal(p.answer.rows, 2);
    MUST(&p, "UPDATE t SET a = 0 WHERE a > 99");
    assert_int_equal(p.answer.rows, 0);
    MUST(&p, "SELECT * FROM t");
    assert_int_equal(p.answer.rows, 3);
    ask(&p, "DELETE FROM t WHERE a > 1 RETURNING a", NULL);
    assert_string_equal(p.shown, "3\n4\n");
    assert_int_equal(p.answer.rows, 2);
    MUST(&p, "INSERT INTO t VALUES(5); INSERT INTO t VALUES(6), (7);");
    assert_int_equal(p.answer.rows, 3);
    MUST(&p, "");
    MUST(&p, " ; -- nothing\n");
    MUST(&p, "/* a */ DELETE FROM t; /* b */");
    assert_int_equal(p.answer.rows, 4);
    assert_int_equal(p.answer.row, BM_NO_ROW);
}

static void test_storage_classes(void **state)
{
    (void)state;
    assert_string_equal(ask(&p,
                            "SELECT -1, 0.5, 'd\xC3\xA9j\xC3\xA0', '', x'', x'00ff', NULL, "
                            "9223372036854775807, zeroblob(3)",
                            NULL),
                        "-1|0.5|'d\xC3\xA9j\xC3\xA0'|''|blob of 0|blob of 2|NULL|"
                        "9223372036854775807|blob of 3\n");
}

static void test_internal(void **state)
{
    (void)state;
    bm__param param = {.oid = 23};
    bm__step steps[] = {
        {.kind = BM__STEP_EXEC, .sql = "SELECT 1", .params = &param, .n_params = 1},
        {.kind = BM__STEP_LOAD, .sql = "COPY t FROM STDIN"},
        {.kind = BM__STEP_UNLOAD, .sql = "COPY t TO STDOUT"},
        {.kind = BM__STEP_EXEC, .sql = "SELECT 1; SELECT 2", .push = show_row, .context = &p},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_int_equal(do_step(&p, &steps[i]), BM_INTERNAL);
        assert_int_equal(state_of(&p), BM__CONN_IDLE);
    }
    assert_string_equal(ask(&p, "SELECT 1;\n", NULL), "1\n");
}

static bm_status refuse_second(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    (void)cells;
    (void)n;
    int *calls = context;
    return ++*calls < 2 ? BM_OK : bm__fail(err, BM_CONVERT, BM_STAGE_SOURCE, "enough");
}

/* What push says is what comes back, and a write whose rows were not taken is not committed. */
static void test_failing_push(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2), (3)");
    int calls = 0;
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "SELECT a FROM t",
                     .autocommit = true,
                     .push = refuse_second,
                     .context = &calls};
    assert_int_equal(do_step(&p, &step), BM_CONVERT);
    assert_string_equal(p.err.message, "enough");
    calls = 0;
    step.sql = "INSERT INTO t VALUES(4), (5), (6) RETURNING a";
    assert_int_equal(do_step(&p, &step), BM_CONVERT);
    assert_int_equal(calls, 2);
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "3\n");
    step.sql = "INSERT INTO t VALUES(4) RETURNING a";
    calls = 0;
    must(&p, do_step(&p, &step));
    assert_int_equal(p.answer.rows, 1);
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "4\n");
}

static int allow_reads(void *context, int action, const char *a, const char *b, const char *c,
                       const char *d)
{
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return action == SQLITE_DELETE ? SQLITE_DENY : SQLITE_OK;
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bm_status status;
        const char *sqlstate, *constraint, *column;
    } cases[] = {
        {"INSERT INTO t(id) VALUES(1)", BM_CONSTRAINT, "23505", "t.id", "id"},
        {"INSERT INTO t(a, b) VALUES(1, 1)", BM_CONSTRAINT, "23505", "t.a, t.b", ""},
        {"INSERT INTO t(e) VALUES('X')", BM_CONSTRAINT, "23505", "t_lower", ""},
        {"INSERT INTO t(n) VALUES(NULL)", BM_CONSTRAINT, "23502", "t.n", "n"},
        {"INSERT INTO t(a) VALUES(-1)", BM_CONSTRAINT, "23514", "a_positive", ""},
        {"INSERT INTO t(parent) VALUES(9)", BM_CONSTRAINT, "23503", "", ""},
        {"INSERT INTO \"a.b\"(c) VALUES(1), (1)", BM_CONSTRAINT, "23505", "a.b.c", ""},
        {"INSERT INTO guarded VALUES(1)", BM_CONSTRAINT, "P0001", "", ""},
        {"INSERT INTO exact VALUES('x')", BM_CONVERT, "42804", "", "a"},
        {"INSERT INTO t(id) VALUES('x')", BM_CONVERT, "", "", ""},
        {"INSERT INTO t(b) VALUES(zeroblob(2000000000))", BM_LIMIT, "", "", ""},
        {"DELETE FROM t", BM_AUTH, "", "", ""},
        {"SELECT * FROM missing", BM_DATABASE, "", "", ""},
        {"SELEKT", BM_DATABASE, "", "", ""},
    };
    MUST(&p, "PRAGMA foreign_keys = ON;"
             "CREATE TABLE t(id INTEGER PRIMARY KEY, a CONSTRAINT a_positive CHECK(a > 0), b, "
             "e, n NOT NULL DEFAULT 0, parent REFERENCES t, UNIQUE(a, b));"
             "CREATE UNIQUE INDEX t_lower ON t(lower(e));"
             "CREATE TABLE \"a.b\"(c UNIQUE); CREATE TABLE exact(a INTEGER) STRICT;"
             "CREATE TABLE guarded(a);"
             "CREATE TRIGGER g BEFORE INSERT ON guarded BEGIN SELECT RAISE(ABORT, 'no'); END;"
             "INSERT INTO t VALUES(1, 1, 1, 'x', 0, NULL)");
    sqlite3_set_authorizer(p.db, allow_reads, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(do_sql(&p, cases[i].sql, NULL), cases[i].status);
        assert_string_equal(p.err.sqlstate, cases[i].sqlstate);
        assert_string_equal(p.err.constraint, cases[i].constraint);
        assert_string_equal(p.err.column, cases[i].column);
        assert_int_not_equal(p.err.native_code, 0);
        assert_int_equal(p.err.native_code, sqlite3_extended_errcode(p.db));
        assert_int_equal(state_of(&p), BM__CONN_IDLE);
    }
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "1\n");
}

/* A failed statement leaves the transaction as it was before, and usable. */
static void test_error_inside_transaction(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(a UNIQUE)");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO t VALUES(1)");
    assert_int_equal(do_sql(&p, "INSERT INTO t VALUES(2), (1)", NULL), BM_CONSTRAINT);
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    must(&p, do_kind(&p, BM__STEP_COMMIT));
    assert_string_equal(ask(&p, "SELECT a FROM t", NULL), "1\n");
}

/* As many statements as the cache holds stay prepared, the last ones, and none after the end. */
static void test_statement_cache(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            char sql[64];
            char expected[16];
            snprintf(sql, sizeof sql, "SELECT %d", i);
            snprintf(expected, sizeof expected, "%d\n", i);
            assert_string_equal(ask(&p, sql, NULL), expected);
            assert_string_equal(ask(&p, sql, NULL), expected);
        }
    }
    int kept = 0;
    bool has_last = false;
    sqlite3_stmt *stmt = NULL;
    while ((stmt = sqlite3_next_stmt(p.db, stmt)) != NULL) {
        kept++;
        assert_false(sqlite3_stmt_busy(stmt));
        has_last = has_last || strcmp(sqlite3_sql(stmt), "SELECT 39") == 0;
    }
    assert_int_equal(kept, 16);
    assert_true(has_last);
    MUST(&p, "CREATE TABLE t(a)");
    assert_string_equal(ask(&p, "SELECT * FROM t", NULL), "");
    MUST(&p, "ALTER TABLE t ADD b DEFAULT 7; INSERT INTO t(a) VALUES(1)");
    assert_string_equal(ask(&p, "SELECT * FROM t", NULL), "1|7\n");
    p.conn->transport->close(p.conn);
    p.conn = NULL;
    assert_null(sqlite3_next_stmt(p.db, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_to_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_only_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commit_and_rollback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_savepoints, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deferred_constraint_at_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commit_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_storage_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_internal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_push, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up_borrowed, tear_down),
        cmocka_unit_test_setup_teardown(test_error_inside_transaction, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statement_cache, set_up_borrowed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
