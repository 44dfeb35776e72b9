/* W2: the default timeouts of libpq: of a lock, and of a COPY in which nothing moves. */
#include "libpq_proxy.h"
#include "libpq_steps.h"

static char schema[TEST_NAME_MAX];
static PGconn *judge;
static peer p;

static void enter_schema(peer *q)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SET search_path = %s", schema);
    must(q, do_sql(q, sql));
}

static int set_up(void **state)
{
    (void)state;
    judge = psql_open(schema);
    psql_run(judge, "CREATE TABLE t(id int, word text)");
    open_peer(&p, test_postgresql());
    enter_schema(&p);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_peer(&p);
    psql_close(judge, schema);
    return 0;
}

/* No other session may be in a transaction that could still write t. */
static void must_stay_empty(void)
{
    psql_run(judge, "BEGIN; LOCK TABLE t; COMMIT");
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

/* W2: a statement that is its own commit waits for a lock.  By default nothing is set for it: a
 * second connection is asked. */
static void test_lock_of_a_single_statement(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "INSERT INTO t VALUES (1, 'one') RETURNING 'written'",
                     .push = show_row,
                     .context = &p,
                     .autocommit = true,
                     .lock_timeout_ms = 300};
    const char *const words[] = {"lock timeout", "the lock timeout of 300 ms passed"};
    for (int i = 0; i < 2; i++) {
        step.lock_unless_set = i == 1;
        psql_run(judge, "BEGIN; LOCK TABLE t");
        int64_t begun = bm__now_ns();
        must_be(&p, do_step(&p, &step), BM_TIMEOUT);
        assert_non_null(strstr(p.err.message, words[i]));
        assert_true(bm__now_ns() - begun >= 300 * MS && bm__now_ns() - begun < 5000 * MS);
        psql_run(judge, "ROLLBACK");
        must_be_usable(&p);
        must_stay_empty();
        must(&p, do_step(&p, &step));
        assert_string_equal(p.shown, "written\n");
        assert_int_equal(p.answer.rows, 1);
        psql_run(judge, "TRUNCATE t");
        assert_string_equal(ask(&p, "SELECT current_setting('lock_timeout')"), "0\n");
    }
}

/* A statement that is slow by itself is not ended by a lock timeout, nor is one of a session that
 * has a lock_timeout of its own. */
static void test_slow_without_a_lock(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "SELECT pg_sleep(0.8)",
                     .autocommit = true,
                     .lock_timeout_ms = 200,
                     .lock_unless_set = true};
    must(&p, do_step(&p, &step));
    must_be_usable(&p);
}

/* W2: nothing moves for as long as the stall timeout, though nothing else ends the COPY. */
static void test_stall_in_copy(void **state)
{
    (void)state;
    uint8_t rows[128];
    size_t size = three_rows(rows);
    proxy *stalling = proxy_start();
    for (int i = 0; i < 2; i++) {
        peer q;
        feed f = feed_of(rows, size, UINT64_MAX);
        bm__step load = load_step(COPY_IN, &f);
        bm__step unload = {.kind = BM__STEP_UNLOAD, .sql = "COPY t TO STDOUT"};
        proxy_set(stalling, PROXY_FORWARD, NULL);
        open_peer(&q, proxy_url(stalling));
        enter_schema(&q);
        proxy_set(stalling, i == 0 ? PROXY_SWALLOW : PROXY_SILENT, i == 0 ? NULL : "COPY");
        proxy_set_type(stalling, i == 0 ? 'd' : 'Q');
        bm__step *step = i == 0 ? &load : &unload;
        step->stall_ms = 200;
        step->answer_ms = 200;
        step->end_ns = bm__now_ns() + 1000 * MS;
        int64_t begun = bm__now_ns();
        must_be(&q, do_step(&q, step), BM_TIMEOUT);
        assert_true(bm__now_ns() - begun < 3000 * MS);
        assert_int_equal(state_of(&q), BM__CONN_CLOSED);
        close_peer(&q);
        proxy_close_all(stalling);
    }
    proxy_stop(stalling);
    must_stay_empty();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_lock_of_a_single_statement),
        TEST(test_slow_without_a_lock),
        TEST(test_stall_in_copy),
    };
    return cmocka_run_group_tests_name("unit_libpq_limits", tests, NULL, NULL);
}
