/* The libpq transport over a connection of the caller's. */
#include "libpq_steps.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static char schema[TEST_NAME_MAX];
static PGconn *judge; /* also the one that is borrowed, mostly */

static int set_up(void **state)
{
    (void)state;
    judge = psql_open(schema);
    psql_run(judge, "CREATE TABLE t(id int, word text)");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    psql_close(judge, schema);
    judge = NULL;
    return 0;
}

static void count_notice(void *context, const PGresult *result)
{
    (void)result;
    ++*(int *)context;
}

static void borrow(peer *q, PGconn *from)
{
    *q = (peer){.err = BM_ERROR};
    must(q, bm__transport_postgresql.attach(from, &q->conn, &q->err));
    assert_true(q->conn->borrowed);
}

static void test_borrowed_settings(void **state)
{
    (void)state;
    static const char noisy[] = "DO 'BEGIN RAISE NOTICE ''heard''; END'";
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        peer q;
        int heard = 0;
        PGconn *mine = psql_open(NULL);
        PQsetnonblocking(mine, nonblocking);
        PQsetNoticeReceiver(mine, count_notice, &heard);
        borrow(&q, mine);
        must_be_usable(&q);
        must_be(&q, do_sql(&q, "SELECT nothing_such"), BM_INVALID);
        must(&q, do_sql(&q, noisy));
        close_peer(&q);
        assert_int_equal(PQisnonblocking(mine), nonblocking);
        assert_int_equal(heard, 1);
        PQclear(PQexec(mine, noisy));
        assert_int_equal(heard, 2);
        assert_true(PQsetNoticeReceiver(mine, NULL, NULL) == count_notice);
        assert_int_equal(PQstatus(mine), CONNECTION_OK);
        PQfinish(mine);
    }
}

static void test_borrowed_transaction(void **state)
{
    (void)state;
    peer q;
    uint8_t rows[128];
    feed f = feed_of(rows, three_rows(rows), UINT64_MAX);
    psql_run(judge, "BEGIN; INSERT INTO t VALUES (1, 'mine'); SAVEPOINT s");
    borrow(&q, judge);
    assert_int_equal(state_of(&q), BM__CONN_IN_TRANSACTION);
    f.refuse_after = 30000;
    must_be(&q, load(&q, COPY_IN, &f), BM_CONVERT);
    assert_int_equal(state_of(&q), BM__CONN_FAILED);
    must(&q, do_kind(&q, BM__STEP_ROLLBACK_TO, "ROLLBACK TO SAVEPOINT s"));
    f = feed_of(rows, three_rows(rows), 1);
    must(&q, load(&q, COPY_IN, &f));
    assert_int_equal(state_of(&q), BM__CONN_IN_TRANSACTION);
    close_peer(&q);
    assert_int_equal(PQtransactionStatus(judge), PQTRANS_INTRANS);
    psql_run(judge, "COMMIT");
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 4);
}

static void test_encoding_changed(void **state)
{
    (void)state;
    peer q;
    borrow(&q, judge);
    must(&q, do_kind(&q, BM__STEP_BEGIN, NULL));
    PQsetClientEncoding(judge, "LATIN1");
    must_be(&q, do_sql(&q, "INSERT INTO t VALUES (1, 'x')"), BM_INVALID);
    assert_false(q.answer.sent);
    must(&q, do_kind(&q, BM__STEP_ROLLBACK, NULL));
    assert_int_equal(state_of(&q), BM__CONN_IDLE);
    close_peer(&q);
}

static void *go_on(void *pid)
{
    usleep(200000);
    kill(*(const pid_t *)pid, SIGCONT);
    return NULL;
}

/* The server begins the transaction after we have stopped waiting for it: it is taken back. */
static void test_begin_that_comes_late(void **state)
{
    (void)state;
    for (int64_t lock_ms = 0; lock_ms <= 1000; lock_ms += 1000) {
        peer q;
        pthread_t thread;
        PGconn *mine = psql_open(NULL);
        pid_t backend = PQbackendPID(mine);
        borrow(&q, mine);
        must_be_usable(&q);
        assert_int_equal(kill(backend, SIGSTOP), 0);
        pthread_create(&thread, NULL, go_on, &backend);
        const bm__step begin = {.kind = BM__STEP_BEGIN,
                                .lock_timeout_ms = lock_ms,
                                .deadline_ns = bm__now_ns() + 50 * MS};
        must_be(&q, do_step(&q, &begin), BM_TIMEOUT);
        pthread_join(thread, NULL);
        assert_int_equal(state_of(&q), BM__CONN_IDLE);
        must_be_usable(&q);
        close_peer(&q);
        assert_int_equal(PQtransactionStatus(mine), PQTRANS_IDLE);
        PQfinish(mine);
    }
}

static void must_not_borrow(PGconn *from, bm_status expected)
{
    bm_error err = BM_ERROR;
    bm__conn *conn = NULL;
    assert_int_equal(bm__transport_postgresql.attach(from, &conn, &err), expected);
    assert_null(conn);
    assert_string_not_equal(err.message, "");
}

static void test_borrowed_in_the_middle(void **state)
{
    (void)state;
    must_not_borrow(NULL, BM_CONNECTION);
    PGresult *result = PQexec(judge, COPY_IN);
    assert_int_equal(PQresultStatus(result), PGRES_COPY_IN);
    PQclear(result);
    must_not_borrow(judge, BM_INVALID);
    assert_int_equal(PQputCopyEnd(judge, "the test is over"), 1);
    must_not_borrow(judge, BM_INVALID);
    while ((result = PQgetResult(judge)) != NULL) {
        PQclear(result);
    }
    assert_int_equal(PQenterPipelineMode(judge), 1);
    must_not_borrow(judge, BM_INVALID);
    assert_int_equal(PQexitPipelineMode(judge), 1);
    PQsetClientEncoding(judge, "LATIN1");
    must_not_borrow(judge, BM_INVALID);
    PQsetClientEncoding(judge, "UTF8");
    peer q;
    borrow(&q, judge);
    close_peer(&q);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_borrowed_settings),      TEST(test_borrowed_transaction),
        TEST(test_encoding_changed),       TEST(test_begin_that_comes_late),
        TEST(test_borrowed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
