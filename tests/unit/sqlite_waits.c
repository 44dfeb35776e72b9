/* SQLite: deadlines, tokens, locks, and what a borrowed connection may expect. */
#include "sqlite_peers.h"

#include <pthread.h>
#include <time.h>

#define MS INT64_C(1000000)

static bm_status begin_until(peer *peer_, int64_t deadline_ms, const bm_cancel *cancel)
{
    bm__step step = {.kind = BM__STEP_BEGIN,
                     .deadline_ns = deadline_ms != 0 ? bm__now_ns() + deadline_ms * MS : 0,
                     .cancel = cancel};
    return do_step(peer_, &step);
}

static void step_sql(bm__step_kind kind, const char *sql)
{
    bm__step step = {.kind = kind, .sql = sql};
    must(&p, do_step(&p, &step));
}

/* ------------------------------------------------------------------------- deadlines and tokens */

static const char endless[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";

static void *set_soon(void *token)
{
    nanosleep(&(struct timespec){0, 50 * MS}, NULL);
    bm_cancel_set(token);
    return NULL;
}

static void test_stop_while_running(void **state)
{
    (void)state;
    bm_cancel *token;
    pthread_t thread;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    assert_int_equal(pthread_create(&thread, NULL, set_soon, token), 0);
    bm__step step = {.kind = BM__STEP_EXEC, .sql = endless, .cancel = token};
    int64_t begun = bm__now_ns();
    assert_int_equal(do_step(&p, &step), BM_CANCELLED);
    assert_true(bm__now_ns() - begun < 5000 * MS);
    pthread_join(thread, NULL);
    step.sql = "SELECT 1";
    assert_int_equal(do_step(&p, &step), BM_CANCELLED);
    assert_false(p.answer.sent);
    step.cancel = NULL;
    step.sql = endless;
    step.deadline_ns = bm__now_ns() + 50 * MS;
    assert_int_equal(do_step(&p, &step), BM_TIMEOUT);
    assert_true(bm__now_ns() >= step.deadline_ns);
    assert_string_equal(ask(&p, "SELECT 1", NULL), "1\n");
    bm_cancel_free(token);
}

static void test_lock_and_deadline(void **state)
{
    (void)state;
    open_peer(&q, url);
    MUST(&q, "CREATE TABLE t(a)");
    must(&q, do_kind(&q, BM__STEP_BEGIN));
    int64_t begun = bm__now_ns();
    assert_int_equal(begin_until(&p, 100, NULL), BM_TIMEOUT);
    int64_t waited = bm__now_ns() - begun;
    assert_true(waited >= 100 * MS && waited < 2000 * MS);
    assert_int_equal(p.err.native_code & 0xFF, SQLITE_BUSY);
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    bm__step write = {.kind = BM__STEP_EXEC,
                      .sql = "INSERT INTO t VALUES(1)",
                      .deadline_ns = bm__now_ns() + 100 * MS};
    assert_int_equal(do_step(&p, &write), BM_TIMEOUT);
    bm_cancel *token;
    pthread_t thread;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    assert_int_equal(pthread_create(&thread, NULL, set_soon, token), 0);
    begun = bm__now_ns();
    assert_int_equal(begin_until(&p, 60000, token), BM_CANCELLED);
    assert_true(bm__now_ns() - begun < 4000 * MS);
    pthread_join(thread, NULL);
    bm_cancel_free(token);
    must(&q, do_kind(&q, BM__STEP_ROLLBACK));
    must(&p, begin_until(&p, 100, NULL));
    must(&p, do_kind(&p, BM__STEP_COMMIT));
}

/* Without a deadline: five seconds, and then it is worth another try. */
static void test_lock_without_deadline(void **state)
{
    (void)state;
    open_peer(&q, url);
    must(&q, do_kind(&q, BM__STEP_BEGIN));
    int64_t begun = bm__now_ns();
    assert_int_equal(do_kind(&p, BM__STEP_BEGIN), BM_RETRY);
    assert_true(p.err.retryable);
    int64_t waited = bm__now_ns() - begun;
    assert_true(waited >= 5000 * MS && waited < 8000 * MS);
}

/* A reader holds COMMIT up: it is tried to its deadline, no token ends it, and it can come later.
 */
static void test_busy_at_commit(void **state)
{
    (void)state;
    bm_cancel *token;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    bm_cancel_set(token);
    MUST(&p, "CREATE TABLE t(a)");
    open_peer(&q, url);
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    MUST(&p, "INSERT INTO t VALUES(1)");
    MUST(&q, "BEGIN; SELECT count(*) FROM t");
    bm__step commit = {
        .kind = BM__STEP_COMMIT, .deadline_ns = bm__now_ns() + 100 * MS, .cancel = token};
    assert_int_equal(do_step(&p, &commit), BM_TIMEOUT);
    assert_true(bm__now_ns() >= commit.deadline_ns);
    assert_int_equal(p.err.stage, BM_STAGE_COMMIT);
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    must(&q, do_kind(&q, BM__STEP_ROLLBACK));
    commit.deadline_ns = bm__now_ns() + 100 * MS;
    must(&p, do_step(&p, &commit));
    assert_string_equal(ask(&q, "SELECT a FROM t", NULL), "1\n");
    bm_cancel_free(token);
}

static void test_snapshot(void **state)
{
    (void)state;
    assert_string_equal(ask(&p, "PRAGMA journal_mode = wal", NULL), "'wal'\n");
    MUST(&p, "CREATE TABLE t(a)");
    open_peer(&q, url);
    MUST(&p, "BEGIN; SELECT * FROM t");
    MUST(&q, "INSERT INTO t VALUES(1)");
    int64_t begun = bm__now_ns();
    assert_int_equal(do_sql(&p, "INSERT INTO t VALUES(2)", NULL), BM_RETRY);
    assert_int_equal(p.err.native_code, SQLITE_BUSY_SNAPSHOT);
    assert_true(bm__now_ns() - begun < 2000 * MS);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    MUST(&p, "INSERT INTO t VALUES(2)");
}

/* --------------------------------------------------------------------------- borrowed connections
 */

/* SQL that sets the token: trip(n) gives n. */
static void trip(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_int(argv[0]) == 600) {
        bm_cancel_set(sqlite3_user_data(context));
    }
    sqlite3_result_value(context, argv[0]);
}

/* A token in the middle of a batch, in a transaction of the caller's: that stays open, with its
 * rows. */
static void test_callers_transaction_survives(void **state)
{
    (void)state;
    static int32_t numbers[2000];
    bm__view view = {.name = "n", .cells = {BM_INT4, BM_FIXED, 4, numbers, 4, NULL, 0, NULL}};
    bm__batch batch = {.views = &view, .n_views = 1, .n_rows = 2000};
    bm_cancel *token;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    sqlite3_create_function(p.db, "trip", 1, SQLITE_UTF8, token, trip, NULL, NULL);
    MUST(&p, "CREATE TABLE t(a)");
    sqlite3_exec(p.db, "BEGIN; INSERT INTO t VALUES(-1)", NULL, NULL, NULL);
    step_sql(BM__STEP_SAVEPOINT, "SAVEPOINT ours");
    bm__step step = {.kind = BM__STEP_EXEC,
                     .batch = &batch,
                     .cancel = token,
                     .sql = "INSERT INTO t SELECT trip(ord) FROM bulkmodel_batch"};
    assert_int_equal(do_step(&p, &step), BM_CANCELLED);
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    step_sql(BM__STEP_ROLLBACK_TO, "ROLLBACK TO ours");
    step_sql(BM__STEP_RELEASE, "RELEASE ours");
    sqlite3_exec(p.db, "COMMIT", NULL, NULL, NULL);
    assert_string_equal(ask(&p, "SELECT a FROM t", NULL), "-1\n");

    /* A statement of its own: cancelled all the same, and nothing is left. */
    bm_cancel_reset(token);
    assert_int_equal(do_step(&p, &step), BM_CANCELLED);
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_string_equal(ask(&p, "SELECT a FROM t", NULL), "-1\n");
    bm_cancel_free(token);
}

static void interrupt(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_interrupt(sqlite3_context_db_handle(context));
}

static void test_callers_interrupt(void **state)
{
    (void)state;
    sqlite3_create_function(p.db, "interrupt", 0, SQLITE_UTF8, NULL, interrupt, NULL, NULL);
    MUST(&p, "CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)");
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    assert_int_equal(do_sql(&p, "UPDATE t SET a = interrupt()", NULL), BM_CANCELLED);
    assert_int_equal(state_of(&p), BM__CONN_IDLE); /* SQLite took the transaction back */
    must(&p, do_kind(&p, BM__STEP_ROLLBACK));
    assert_string_equal(ask(&p, "SELECT a FROM t", NULL), "1\n2\n");
}

static int count_calls(void *context, int times)
{
    (void)times;
    ++*(int *)context;
    return 0;
}

/* Their settings stay theirs, and what is left behind is a connection as it came. */
static void test_borrowed_is_left_usable(void **state)
{
    (void)state;
    static const int32_t one = 1;
    bm__view view = {.name = "n", .cells = {BM_INT4, BM_FIXED, 4, &one, 4, NULL, 0, NULL}};
    bm__batch batch = {.views = &view, .n_views = 1, .n_rows = 1};
    int calls = 0;
    sqlite3_busy_handler(p.db, count_calls, &calls);
    assert_string_equal(ask(&p, "PRAGMA foreign_keys", NULL), "0\n");
    assert_string_equal(ask(&p, "SELECT c0 FROM bulkmodel_batch", &batch), "1\n");
    open_peer(&q, url);
    must(&q, do_kind(&q, BM__STEP_BEGIN));
    assert_int_equal(begin_until(&p, 100, NULL), BM_TIMEOUT);
    assert_true(calls > 1);
    must(&q, do_kind(&q, BM__STEP_ROLLBACK));
    must(&p, do_kind(&p, BM__STEP_BEGIN));
    p.conn->transport->close(p.conn);
    p.conn = NULL;
    assert_int_equal(sqlite3_get_autocommit(p.db), 0);
    assert_int_equal(sqlite3_exec(p.db, "ROLLBACK; CREATE TABLE t(a)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(p.db, "SELECT * FROM bulkmodel_batch", NULL, NULL, NULL),
                     SQLITE_ERROR);
    assert_string_equal(sqlite3_errmsg(p.db), "no such table: bulkmodel_batch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stop_while_running, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_and_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_without_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy_at_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_callers_transaction_survives, set_up_borrowed,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_callers_interrupt, set_up_borrowed, tear_down),
        cmocka_unit_test_setup_teardown(test_borrowed_is_left_usable, set_up_borrowed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
