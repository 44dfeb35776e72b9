/* The libpq transport when things go wrong: time, tokens, lost connections, lost answers. */
#include "libpq_proxy.h"
#include "libpq_steps.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COPY_BLOCK ((size_t)65536)

static char schema[TEST_NAME_MAX];
static PGconn *judge;
static peer p;
static proxy *front;

static void enter_schema(peer *q)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SET search_path = %s", schema);
    must(q, do_sql(q, sql));
}

static int set_up(void **state)
{
    (void)state;
    front = NULL;
    judge = psql_open(schema);
    psql_run(judge, "CREATE TABLE t(id int, word text)");
    open_peer(&p, test_postgresql());
    enter_schema(&p);
    return 0;
}

/* The peer of the test goes through the proxy. */
static int set_up_proxy(void **state)
{
    set_up(state);
    close_peer(&p);
    front = proxy_start();
    open_peer(&p, proxy_url(front));
    enter_schema(&p);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_peer(&p);
    proxy_stop(front);
    psql_close(judge, schema);
    judge = NULL;
    return 0;
}

static void sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){ms / 1000, (ms % 1000) * MS}, NULL);
}

/* Within ten seconds the judge must count so many rows of t. */
static void must_appear(int64_t rows)
{
    int64_t until = bm__now_ns() + 10000 * MS;
    while (psql_count(judge, "SELECT count(*) FROM t") != rows && bm__now_ns() < until) {
        sleep_ms(10);
    }
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), rows);
}

/* No other session may be in a transaction that could still write t. */
static void must_stay_empty(void)
{
    psql_run(judge, "BEGIN; LOCK TABLE t; COMMIT");
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

static int pid_of(peer *q)
{
    return (int)strtol(ask(q, "SELECT pg_backend_pid()::text"), NULL, 10);
}

static void terminate(int pid)
{
    psql_run(judge, "SELECT pg_terminate_backend(%d, 5000)", pid);
}

/* A block of rows with ids from 1, as many as fit. */
static uint8_t *make_block(size_t *size)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    uint8_t *block = malloc(COPY_BLOCK);
    assert_non_null(block);
    *size = 0;
    for (uint32_t id = 1; *size + 1100 < COPY_BLOCK; id++) {
        *size += put_row(block + *size, id, text, sizeof text);
    }
    return block;
}

/* ------------------------------------------------------------------------- deadlines and tokens */

static void *set_soon(void *token)
{
    sleep_ms(100);
    bm_cancel_set(token);
    return NULL;
}

static bm_cancel *token_set_soon(pthread_t *thread)
{
    bm_cancel *token;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    assert_int_equal(pthread_create(thread, NULL, set_soon, token), 0);
    return token;
}

static void test_deadline_in_a_statement(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "INSERT INTO t SELECT 1 FROM pg_sleep(60)"};
    for (int autocommit = 0; autocommit < 2; autocommit++) {
        int64_t begun = bm__now_ns();
        step.autocommit = autocommit == 1;
        step.deadline_ns = begun + 200 * MS;
        must_be(&p, do_step(&p, &step), BM_TIMEOUT); /* known: the server said that it stopped */
        int64_t took = bm__now_ns() - begun;
        assert_true(took >= 200 * MS && took < 5000 * MS);
        assert_true(p.answer.sent);
        must_be_usable(&p);
    }
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    step.autocommit = false;
    step.deadline_ns = bm__now_ns() + 100 * MS;
    must_be(&p, do_step(&p, &step), BM_TIMEOUT);
    assert_int_equal(state_of(&p), BM__CONN_FAILED);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK, NULL));
    must_be_usable(&p);
    must_stay_empty();
}

static void test_token_in_a_statement(void **state)
{
    (void)state;
    pthread_t thread;
    bm_cancel *token = token_set_soon(&thread);
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "SELECT pg_sleep(60)", .cancel = token};
    int64_t begun = bm__now_ns();
    must_be(&p, do_step(&p, &step), BM_CANCELLED);
    assert_true(bm__now_ns() - begun < 5000 * MS);
    pthread_join(thread, NULL);
    must_be_usable(&p);
    bm_cancel_free(token);
}

/* Rows that come without a pause must not make the clock and the token forgotten. */
static void test_token_in_rows(void **state)
{
    (void)state;
    pthread_t thread;
    bm_cancel *token = token_set_soon(&thread);
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "SELECT 'x' || generate_series(1, 2000000000)",
                     .expect = BM__EXPECT_ROWS,
                     .push = show_row,
                     .context = &p,
                     .cancel = token};
    int64_t begun = bm__now_ns();
    p.shown[0] = '\0';
    must_be(&p, do_step(&p, &step), BM_CANCELLED);
    assert_true(bm__now_ns() - begun < 8000 * MS);
    pthread_join(thread, NULL);
    must_be_usable(&p);
    bm_cancel_free(token);
}

static void test_time_in_copy(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    pthread_t thread;
    bm_cancel *token = token_set_soon(&thread);
    for (int i = 0; i < 2; i++) {
        feed f = feed_of(block, size, UINT64_MAX);
        bm__step step = load_step(COPY_IN, &f);
        step.cancel = i == 0 ? token : NULL;
        step.deadline_ns = i == 0 ? 0 : bm__now_ns() + 100 * MS;
        must_be(&p, do_step(&p, &step), i == 0 ? BM_CANCELLED : BM_TIMEOUT);
        assert_string_equal(p.err.sqlstate, "");
        must_be_usable(&p);
    }
    pthread_join(thread, NULL);
    bm_cancel_free(token);
    free(block);
    must_stay_empty();
}

/* A server that waits for a lock reads nothing, not even CopyFail. */
static void test_time_in_a_blocked_copy(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    psql_run(judge, "CREATE TABLE other(a int); CREATE FUNCTION wait() RETURNS trigger LANGUAGE "
                    "plpgsql AS 'BEGIN LOCK TABLE other; RETURN NEW; END'; CREATE TRIGGER wait "
                    "BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION wait()");
    const char *const locked[] = {"t", "other"};
    for (size_t i = 0; i < 2; i++) {
        feed f = feed_of(block, size, UINT64_MAX);
        bm__step step = load_step(COPY_IN, &f);
        psql_run(judge, "BEGIN; LOCK TABLE %s", locked[i]);
        int64_t begun = bm__now_ns();
        step.deadline_ns = begun + 200 * MS;
        must_be(&p, do_step(&p, &step), BM_TIMEOUT);
        assert_true(bm__now_ns() - begun < 3000 * MS);
        must_be_usable(&p);
        psql_run(judge, "ROLLBACK");
    }
    free(block);
    must_stay_empty();
}

/* --------------------------------------------------------------------------- COPY that is noisy */

static void test_error_in_the_first_row(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    psql_run(judge, "ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0)");
    for (int i = 0; i < 5; i++) {
        feed f = feed_of(block, size, 1600); /* 100 MB */
        f.head_size += put_row(f.head + f.head_size, 0, "first", 5);
        must_be(&p, load(&p, COPY_IN, &f), BM_CONSTRAINT);
        assert_string_equal(p.err.constraint, "positive");
        assert_memory_equal(p.answer.context, "COPY t, line 1", 14);
        assert_true(f.pulled < 3000000);
        must_be_usable(&p);
    }
    free(block);
    must_stay_empty();
}

static void noisy_trigger(const char *raise)
{
    psql_run(judge,
             "CREATE OR REPLACE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS "
             "'BEGIN %s; RETURN NEW; END'",
             raise);
    psql_run(judge, "CREATE OR REPLACE TRIGGER noise BEFORE INSERT ON t FOR EACH ROW "
                    "EXECUTE FUNCTION noise()");
}

static void test_notices(void **state)
{
    (void)state;
    uint8_t rows[4096];
    size_t size = 0;
    for (uint32_t i = 0; i < 100; i++) {
        size += put_row(rows + size, i, "0123456789", 10);
    }
    feed f = feed_of(rows, size, 1000);
    noisy_trigger("RAISE NOTICE ''row %'', NEW.id");
    int64_t begun = bm__now_ns();
    must(&p, load(&p, COPY_IN, &f));
    assert_int_equal(p.answer.rows, 100000);
    assert_true(bm__now_ns() - begun < 30000 * MS);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 100000);
    /* Notices that do not come in one piece. */
    noisy_trigger("RAISE NOTICE ''%'', repeat(''x'', 1000000)");
    f = feed_of(rows, size, 1);
    must(&p, load(&p, COPY_IN, &f));
    size_t large;
    uint8_t *block = make_block(&large);
    f = feed_of(block, large, 3);
    must(&p, load(&p, COPY_IN, &f));
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 100100 + (int64_t)p.answer.rows);
    free(block);
    must_be_usable(&p);
}

/* The error stands behind a notice: found, early or late. */
static void test_notice_and_error(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    noisy_trigger("RAISE NOTICE ''a''; RAISE EXCEPTION ''no more'' USING ERRCODE = ''23514''");
    feed f = feed_of(block, size, 100);
    must_be(&p, load(&p, COPY_IN, &f), BM_CONSTRAINT);
    assert_string_equal(p.err.message, "no more");
    must_be_usable(&p);
    free(block);
    must_stay_empty();
}

/* ----------------------------------------------------------------------------- lost connections */

static void terminate_at_block_50(feed *f)
{
    if (f->given == 50) {
        terminate(*(int *)f->own);
    }
}

static void test_backend_ended_in_copy(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    int pid = pid_of(&p);
    feed f = feed_of(block, size, 1600);
    f.between = terminate_at_block_50;
    f.own = &pid;
    bm__step step = load_step(COPY_IN, &f);
    step.autocommit = true; /* CopyDone was never sent: no doubt */
    must_be(&p, do_step(&p, &step), BM_CONNECTION);
    assert_string_equal(p.err.sqlstate, "57P01");
    assert_true(f.given < 100);
    assert_int_equal(state_of(&p), BM__CONN_CLOSED);
    must_be(&p, do_sql(&p, "SELECT 1"), BM_CONNECTION);
    assert_false(p.answer.sent);
    must_stay_empty();
    free(block);
}

static void test_borrowed_ended_in_copy(void **state)
{
    (void)state;
    size_t size;
    uint8_t *block = make_block(&size);
    PGconn *mine = PQconnectdb(test_postgresql());
    int pid = PQbackendPID(mine);
    peer q = {.err = BM_ERROR};
    must(&q, bm__transport_postgresql.attach(mine, &q.conn, &q.err));
    enter_schema(&q);
    feed f = feed_of(block, size, 1600);
    f.between = terminate_at_block_50;
    f.own = &pid;
    must_be(&q, load(&q, COPY_IN, &f), BM_CONNECTION);
    assert_true(f.given < 100);
    assert_int_equal(state_of(&q), BM__CONN_CLOSED);
    close_peer(&q);
    assert_int_equal(PQstatus(mine), CONNECTION_BAD); /* and still ours to close */
    PQfinish(mine);
    must_stay_empty();
    free(block);
}

static void test_idle_connection_closed(void **state)
{
    (void)state;
    must(&p, do_sql(&p, "SET idle_session_timeout = '200ms'"));
    assert_int_equal(p.conn->transport->state(p.conn, true), BM__CONN_IDLE);
    int64_t until = bm__now_ns() + 5000 * MS;
    while (p.conn->transport->state(p.conn, true) != BM__CONN_CLOSED && bm__now_ns() < until) {
        sleep_ms(20);
    }
    assert_int_equal(p.conn->transport->state(p.conn, true), BM__CONN_CLOSED);
    must_be(&p, do_sql(&p, "SELECT 1"), BM_CONNECTION);
    assert_false(p.answer.sent);
}

/* The server ended the transaction before COMMIT was sent: there is no doubt. */
static void test_ended_before_commit(void **state)
{
    (void)state;
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1)"));
    terminate(pid_of(&p));
    must_be(&p, do_kind(&p, BM__STEP_COMMIT, NULL), BM_CONNECTION);
    assert_int_equal(p.err.stage, BM_STAGE_COMMIT);
    assert_false(p.answer.sent);
    assert_int_equal(state_of(&p), BM__CONN_CLOSED);
    must_stay_empty();
}

static int child_of_fork(void)
{
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "INSERT INTO t VALUES (2)"};
    bm_error err = BM_ERROR;
    bm__answer answer;
    if (state_of(&p) != BM__CONN_CLOSED ||
        p.conn->transport->perform(p.conn, &step, &answer, &err) != BM_CONNECTION) {
        return 1;
    }
    bm__transport_postgresql.close(p.conn);
    return 0;
}

static void test_fork(void **state)
{
    (void)state;
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1)"));
    pid_t child = fork();
    if (child == 0) {
        _exit(child_of_fork());
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    must(&p, do_kind(&p, BM__STEP_COMMIT, NULL));
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT sum(id) FROM t"), 1);
}

/* ------------------------------------------------------------------------------ lost answers */

static void begin_and_insert(void)
{
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1)"));
}

static void must_be_in_doubt(bm_status status)
{
    must_be(&p, status, BM_COMMIT_UNKNOWN);
    assert_false(p.err.retryable);
    assert_true(p.answer.sent);
    assert_int_equal(state_of(&p), BM__CONN_CLOSED);
}

static void test_commit_answer_lost(void **state)
{
    (void)state;
    begin_and_insert();
    proxy_set(front, PROXY_CUT_AFTER, "COMMIT");
    must_be_in_doubt(do_kind(&p, BM__STEP_COMMIT, NULL));
    assert_int_equal(p.err.stage, BM_STAGE_COMMIT);
    must_appear(1);
}

static void test_commit_lost(void **state)
{
    (void)state;
    begin_and_insert();
    proxy_set(front, PROXY_CUT_BEFORE, "COMMIT");
    must_be_in_doubt(do_kind(&p, BM__STEP_COMMIT, NULL));
    must_stay_empty();
}

static void test_lost_before_commit(void **state)
{
    (void)state;
    begin_and_insert();
    proxy_close_all(front);
    must_be(&p, do_kind(&p, BM__STEP_COMMIT, NULL), BM_CONNECTION);
    assert_false(p.answer.sent);
    assert_int_equal(state_of(&p), BM__CONN_CLOSED);
    must_stay_empty();
}

static void test_autocommit_answer_lost(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "INSERT INTO t VALUES (1)", .autocommit = true};
    proxy_set(front, PROXY_CUT_AFTER, "INSERT");
    must_be_in_doubt(do_step(&p, &step));
    must_appear(1);
    close_peer(&p);
    open_peer(&p, proxy_url(front));
    enter_schema(&p);
    step.autocommit = false; /* in a transaction that is gone */
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must_be(&p, do_step(&p, &step), BM_CONNECTION);
    must_appear(1);
}

/* A COMMIT that lasts too long is neither cancelled nor waited for. */
static void test_commit_too_long(void **state)
{
    (void)state;
    bm_cancel *token;
    bm_error err = BM_ERROR;
    psql_run(judge, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
                    "'BEGIN PERFORM pg_sleep(1); RETURN NULL; END'; CREATE CONSTRAINT TRIGGER slow "
                    "AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
                    "EXECUTE FUNCTION slow()");
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    begin_and_insert();
    bm_cancel_set(token);
    int64_t begun = bm__now_ns();
    bm__step step = {.kind = BM__STEP_COMMIT, .deadline_ns = begun + 100 * MS, .cancel = token};
    proxy_set(front, PROXY_FORWARD, NULL);
    must_be_in_doubt(do_step(&p, &step));
    assert_true(bm__now_ns() - begun < 900 * MS);
    assert_int_equal(proxy_connections(front), 1); /* a request to cancel would be another */
    bm_cancel_free(token);
    must_appear(1);
}

/* A statement that is its own commit is over by the time its rows are looked at. */
static void test_autocommit_and_push(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "INSERT INTO t VALUES (1) RETURNING id::text",
                     .autocommit = true,
                     .push = show_row,
                     .context = &p};
    p.refuse_at = 1;
    must_be(&p, do_step(&p, &step), BM_COMMIT_UNKNOWN);
    assert_string_equal(p.err.message, "a row of no use");
    p.refuse_at = 0;
    must_be_usable(&p);
    must_appear(1);
}

/* ---------------------------------------------------------------------------------- connecting */

static void must_not_open(const char *url, bm_status expected, const char *sqlstate)
{
    const bm_open_options options = {.size = sizeof options, .connect_timeout_ms = 300};
    bm__conn *conn = NULL;
    p.err = BM_ERROR;
    int64_t begun = bm__now_ns();
    must_be(&p, bm__transport_postgresql.open(url, &options, NULL, &conn, &p.err), expected);
    assert_true(bm__now_ns() - begun < 3000 * MS);
    assert_null(conn);
    assert_int_equal(p.err.stage, BM_STAGE_CONNECT);
    assert_string_equal(p.err.sqlstate, sqlstate);
    assert_null(strstr(p.err.message, "hunter2"));
    assert_null(strchr(p.err.message, '\n'));
}

static void test_refused(void **state)
{
    (void)state;
    char url[600];
    const struct {
        const char *said;
        bm_status status;
    } cases[] = {
        {"28P01:password authentication failed for user \"u\"", BM_AUTH},
        {"28000:no pg_hba.conf entry", BM_AUTH},
        {"3D000:database \"d\" does not exist", BM_DATABASE},
        {"53300:sorry, too many clients already", BM_LIMIT},
        {"57P03:the database system is starting up", BM_CONNECTION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sqlstate[6];
        snprintf(sqlstate, sizeof sqlstate, "%.5s", cases[i].said);
        proxy_set(front, PROXY_REFUSE, cases[i].said);
        must_not_open(proxy_url(front), cases[i].status, sqlstate);
        assert_non_null(strstr(p.err.message, cases[i].said + 6));
    }
    snprintf(url, sizeof url, "%s passfile=/nowhere password=''", proxy_url(front));
    must_not_open(url, BM_AUTH, "");
}

static void test_deaf(void **state)
{
    (void)state;
    proxy_set(front, PROXY_DEAF, NULL);
    must_not_open(proxy_url(front), BM_TIMEOUT, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define PROXIED(name) cmocka_unit_test_setup_teardown(name, set_up_proxy, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_deadline_in_a_statement),
        TEST(test_token_in_a_statement),
        TEST(test_token_in_rows),
        TEST(test_time_in_copy),
        TEST(test_time_in_a_blocked_copy),
        TEST(test_error_in_the_first_row),
        TEST(test_notices),
        TEST(test_notice_and_error),
        TEST(test_backend_ended_in_copy),
        TEST(test_borrowed_ended_in_copy),
        TEST(test_idle_connection_closed),
        TEST(test_ended_before_commit),
        TEST(test_fork),
        PROXIED(test_commit_answer_lost),
        PROXIED(test_commit_lost),
        PROXIED(test_lost_before_commit),
        PROXIED(test_autocommit_answer_lost),
        PROXIED(test_commit_too_long),
        TEST(test_autocommit_and_push),
        PROXIED(test_refused),
        PROXIED(test_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
