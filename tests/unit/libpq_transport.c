/* The libpq transport against a server: connecting, each kind of step, and what it answers. */
#include "libpq_steps.h"

static char schema[TEST_NAME_MAX];
static PGconn *judge;
static peer p;

/* The judge's schema is also where the peer works. */
static int set_up(void **state)
{
    (void)state;
    char sql[128];
    judge = psql_open(schema);
    psql_run(judge, "CREATE TABLE t(id int, word text)");
    open_peer(&p, test_postgresql());
    snprintf(sql, sizeof sql, "SET search_path = %s", schema);
    must(&p, do_sql(&p, sql));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_peer(&p);
    psql_close(judge, schema);
    judge = NULL;
    return 0;
}

static bm_status try_open(const char *url, bm_error *err)
{
    const bm_open_options options = {.size = sizeof options};
    bm__conn *conn = NULL;
    *err = BM_ERROR;
    bm_status status = bm__transport_postgresql.open(url, &options, NULL, &conn, err);
    assert_true((status == BM_OK) == (conn != NULL));
    bm__transport_postgresql.close(conn);
    return status;
}

/* ---------------------------------------------------------------------------------- connecting */

static void to_url(char *out, size_t size, const char *scheme, const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    assert_non_null(options);
    size_t n = (size_t)snprintf(out, size, "%s://", scheme);
    char between = '?';
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val != NULL) {
            n += (size_t)snprintf(out + n, size - n, "%c%s=", between, o->keyword);
            between = '&';
            for (const char *at = o->val; *at != '\0'; at++) {
                n += (size_t)snprintf(out + n, size - n, "%%%02X", (unsigned char)*at);
            }
        }
    }
    assert_true(n < size);
    PQconninfoFree(options);
}

static void test_forms_of_url(void **state)
{
    (void)state;
    char url[2048];
    const char *const schemes[] = {"postgresql", "postgres"};
    for (size_t i = 0; i < 2; i++) {
        peer q;
        to_url(url, sizeof url, schemes[i], test_postgresql());
        open_peer(&q, url);
        assert_int_equal(q.conn->server.version, PQserverVersion(judge));
        assert_false(q.conn->server.read_only);
        assert_false(q.conn->borrowed);
        must_be_usable(&q);
        close_peer(&q);
    }
    bm__transport_postgresql.close(NULL);
}

static void test_bad_strings(void **state)
{
    (void)state;
    const char *const bad[] = {"host=/tmp password=hunter2 nonsense",
                               "postgresql://somebody:hunter2@[::1", "no_such_keyword=hunter2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bm_error err;
        assert_int_equal(try_open(bad[i], &err), BM_INVALID);
        assert_int_equal(err.stage, BM_STAGE_CONNECT);
        assert_string_not_equal(err.message, "");
        assert_null(strstr(err.message, "hunter2"));
    }
}

static void test_unknown_server(void **state)
{
    (void)state;
    bm_error err;
    assert_int_equal(try_open("host=/nowhere/at/all password=hunter2", &err), BM_CONNECTION);
    assert_int_equal(err.stage, BM_STAGE_CONNECT);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(strchr(err.message, '\n'));
    assert_null(strstr(err.message, "hunter2"));
}

static void test_unknown_names(void **state)
{
    (void)state;
    char url[1024];
    bm_error err;
    snprintf(url, sizeof url, "%s dbname=bm_no_such_database", test_postgresql());
    assert_int_equal(try_open(url, &err), BM_DATABASE);
    assert_string_equal(err.sqlstate, "3D000");
    assert_non_null(strstr(err.message, "bm_no_such_database"));
    assert_null(strchr(err.message, '\n'));
    snprintf(url, sizeof url, "%s user=bm_no_such_role", test_postgresql());
    assert_int_equal(try_open(url, &err), BM_AUTH);
    assert_string_equal(err.sqlstate, "28000");
}

static void test_encoding_is_ours(void **state)
{
    (void)state;
    const char *before = getenv("PGCLIENTENCODING");
    char kept[64];
    char url[1024];
    snprintf(kept, sizeof kept, "%s", before != NULL ? before : "");
    setenv("PGCLIENTENCODING", "latin1", 1);
    snprintf(url, sizeof url, "%s client_encoding=latin1", test_postgresql());
    const char *const urls[] = {test_postgresql(), url};
    for (size_t i = 0; i < 2; i++) {
        peer q;
        open_peer(&q, urls[i]);
        assert_string_equal(ask(&q, "SELECT current_setting('client_encoding')"), "UTF8\n");
        assert_string_equal(ask(&q, "SELECT chr(8364)"), "\xE2\x82\xAC\n");
        close_peer(&q);
    }
    if (before != NULL) {
        setenv("PGCLIENTENCODING", kept, 1);
    } else {
        unsetenv("PGCLIENTENCODING");
    }
}

/* -------------------------------------------------------------------------------- transactions */

static void test_commit_and_rollback(void **state)
{
    (void)state;
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    assert_true(p.answer.sent);
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1, 'kept')"));
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
    must(&p, do_kind(&p, BM__STEP_COMMIT, NULL));
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 1);
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (2, 'dropped')"));
    must(&p, do_kind(&p, BM__STEP_ROLLBACK, NULL));
    assert_int_equal(state_of(&p), BM__CONN_IDLE);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK, NULL)); /* of nothing */
    psql_expect(judge, "kept", "SELECT string_agg(word, ',') FROM t");
}

static void test_savepoints(void **state)
{
    (void)state;
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1, 'a')"));
    must(&p, do_kind(&p, BM__STEP_SAVEPOINT, "SAVEPOINT \"s\""));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (2, 'b')"));
    must_be(&p, do_sql(&p, "INSERT INTO nowhere VALUES (1)"), BM_INVALID);
    assert_int_equal(state_of(&p), BM__CONN_FAILED);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK_TO, "ROLLBACK TO SAVEPOINT \"s\""));
    assert_int_equal(state_of(&p), BM__CONN_IN_TRANSACTION);
    must(&p, do_sql(&p, "INSERT INTO t VALUES (3, 'c')"));
    must(&p, do_kind(&p, BM__STEP_RELEASE, "RELEASE SAVEPOINT \"s\""));
    must(&p, do_kind(&p, BM__STEP_READY, NULL));
    assert_false(p.answer.sent);
    must(&p, do_kind(&p, BM__STEP_COMMIT, NULL));
    psql_expect(judge, "a,c", "SELECT string_agg(word, ',' ORDER BY id) FROM t");
}

static void test_commit_of_a_failed_transaction(void **state)
{
    (void)state;
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1, 'a')"));
    must_be(&p, do_sql(&p, "SELECT 1 / 0"), BM_CONVERT);
    assert_int_equal(state_of(&p), BM__CONN_FAILED);
    must_be(&p, do_kind(&p, BM__STEP_COMMIT, NULL), BM_DATABASE);
    assert_int_equal(p.err.stage, BM_STAGE_COMMIT);
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

static void test_deferred_constraint(void **state)
{
    (void)state;
    psql_run(judge, "CREATE TABLE u(id int CONSTRAINT once UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO u VALUES (1), (1)"));
    must_be(&p, do_kind(&p, BM__STEP_COMMIT, NULL), BM_CONSTRAINT);
    assert_string_equal(p.err.sqlstate, "23505");
    assert_string_equal(p.err.constraint, "once");
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM u"), 0);
}

/* A timeout of the server's in a COMMIT is an answer: nothing was committed, and we know it. */
static void test_servers_timeout_in_commit(void **state)
{
    (void)state;
    psql_run(judge, "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS "
                    "'BEGIN LOCK TABLE other; RETURN NULL; END'");
    psql_run(judge, "CREATE TABLE other(a int); CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t "
                    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()");
    psql_run(judge, "BEGIN; LOCK TABLE other");
    must(&p, do_sql(&p, "SET lock_timeout = '50ms'"));
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1, 'a')"));
    must_be(&p, do_kind(&p, BM__STEP_COMMIT, NULL), BM_TIMEOUT);
    assert_string_equal(p.err.sqlstate, "55P03");
    psql_run(judge, "COMMIT");
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

/* ---------------------------------------------------------------------------------- statements */

enum { OID_INT4 = 23, OID_TEXT = 25 };

static void test_parameters_and_rows(void **state)
{
    (void)state;
    uint8_t seven[4];
    put_word(seven, 7, 4);
    const bm__param params[] = {
        {OID_INT4, seven, 4}, {OID_TEXT, "a\tb", 3}, {OID_TEXT, NULL, 0}, {OID_TEXT, "", 0}};
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "INSERT INTO t SELECT $1 + i, CASE i WHEN 0 THEN $2 WHEN 1 THEN $3 "
                            "ELSE $4 END FROM generate_series(0, 2) i RETURNING id::text, word",
                     .params = params,
                     .n_params = 4,
                     .push = show_row,
                     .context = &p};
    must(&p, do_step(&p, &step));
    assert_string_equal(p.shown, "7|a\tb\n8|NULL\n9|\n");
    assert_int_equal(p.answer.rows, 3);
    assert_true(p.answer.sent);
    assert_true(p.answer.row == BM_NO_ROW);
    step.push = NULL;
    step.sql = "UPDATE t SET word = coalesce($2, $3, $4) WHERE id > $1";
    must(&p, do_step(&p, &step));
    assert_int_equal(p.answer.rows, 2);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t WHERE word = E'a\\tb'"), 3);
}

static void test_several_statements(void **state)
{
    (void)state;
    must(&p, do_sql(&p, "INSERT INTO t VALUES (1, 'a'); UPDATE t SET id = 2; ; "
                        "INSERT INTO t VALUES (3, 'c'), (4, 'd')"));
    assert_int_equal(p.answer.rows, 2);
    must_be(&p, do_sql(&p, "INSERT INTO t VALUES (5, 'e'); SELECT nothing_such; SELECT 1"),
            BM_INVALID);
    assert_string_equal(p.err.sqlstate, "42703");
    psql_expect(judge, "2,3,4", "SELECT string_agg(id::text, ',' ORDER BY id) FROM t");
    must(&p, do_sql(&p, ""));
    must_be_usable(&p);
}

static void test_rows_one_at_a_time(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC,
                     .sql = "SELECT i::text FROM generate_series(1, 100000) i",
                     .expect = BM__EXPECT_ROWS,
                     .push = show_row,
                     .context = &p};
    must(&p, do_step(&p, &step));
    assert_int_equal(p.pushed, 100000);
    assert_int_equal(p.answer.rows, 100000);
    assert_memory_equal(p.shown, "1\n2\n3\n", 6);
    /* Rows come before the statement is over: those before the error are seen. */
    step.sql = "SELECT (60000 / (60000 - i))::text FROM generate_series(1, 100000) i";
    must_be(&p, do_step(&p, &step), BM_CONVERT);
    assert_string_equal(p.err.sqlstate, "22012");
    assert_int_equal(p.pushed, 59999);
    must_be_usable(&p);
}

static void test_push_fails(void **state)
{
    (void)state;
    bm__step step = {.kind = BM__STEP_EXEC, .push = show_row, .context = &p};
    const struct {
        const char *sql;
        bm__expect expect;
        uint64_t at;
    } cases[] = {
        {"INSERT INTO t SELECT i, 'x' FROM generate_series(1, 9) i RETURNING word", BM__EXPECT_KEYS,
         1},
        {"INSERT INTO t SELECT i, 'x' FROM generate_series(1, 9) i RETURNING word", BM__EXPECT_ROWS,
         9},
        {"SELECT i::text FROM generate_series(1, 10000000) i", BM__EXPECT_ROWS, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
        step.sql = cases[i].sql;
        step.expect = cases[i].expect;
        p.refuse_at = cases[i].at;
        must_be(&p, do_step(&p, &step), BM_CONVERT);
        p.refuse_at = 0;
        assert_string_equal(p.err.message, "a row of no use");
        assert_string_equal(p.err.sqlstate, "");
        assert_int_equal(p.pushed, cases[i].at);
        must(&p, do_kind(&p, BM__STEP_ROLLBACK, NULL));
        must_be_usable(&p);
    }
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

static void test_token_and_deadline_before(void **state)
{
    (void)state;
    bm_cancel *token;
    bm_error err = BM_ERROR;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    bm_cancel_set(token);
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "INSERT INTO t VALUES (1)", .cancel = token};
    must_be(&p, do_step(&p, &step), BM_CANCELLED);
    assert_false(p.answer.sent);
    step.cancel = NULL;
    step.deadline_ns = bm__now_ns() - 1;
    must_be(&p, do_step(&p, &step), BM_TIMEOUT);
    assert_false(p.answer.sent);
    must_be_usable(&p);
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    must(&p, do_sql(&p, "INSERT INTO t VALUES (2)"));
    must(&p, do_step(&p, &(bm__step){.kind = BM__STEP_COMMIT, .cancel = token}));
    psql_expect(judge, "2", "SELECT string_agg(id::text, ',') FROM t");
    bm_cancel_free(token);
}

/* ---------------------------------------------------------------------------------------- COPY */

static const char copy_out[] =
    "COPY (SELECT id, word FROM t ORDER BY id) TO STDOUT (FORMAT binary)";

static void test_load(void **state)
{
    (void)state;
    uint8_t rows[128];
    size_t size = three_rows(rows);
    feed f = feed_of(rows, size, 1);
    must(&p, load(&p, COPY_IN, &f));
    assert_int_equal(p.answer.rows, 3);
    assert_true(p.answer.sent);
    assert_int_equal(f.part, 3);
    char *table = psql_table(judge, "SELECT id, word FROM t ORDER BY id");
    assert_string_equal(table, "-3|NULL\n1|one\n2|\n");
    free(table);
    f = feed_of(rows, size, 50000); /* 2 MB in blocks of 45 bytes */
    must(&p, load(&p, COPY_IN, &f));
    assert_int_equal(p.answer.rows, 150000);
    f = feed_of(rows, size, 0);
    must(&p, load(&p, COPY_IN, &f));
    assert_int_equal(p.answer.rows, 0);
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 150003);
}

typedef struct sink {
    uint8_t bytes[512];
    size_t size;
    size_t pieces;
    size_t refuse_at;
} sink;

static bm_status take_bytes(void *context, const uint8_t *bytes, size_t size, bm_error *err)
{
    sink *s = context;
    s->pieces++;
    if (s->pieces == s->refuse_at) {
        return bm__fail(err, BM_LIMIT, BM_STAGE_SOURCE, "the disk is full");
    }
    size_t room = sizeof s->bytes - s->size;
    memcpy(s->bytes + s->size, bytes, size < room ? size : room);
    s->size += size < room ? size : room;
    return BM_OK;
}

static void test_unload(void **state)
{
    (void)state;
    uint8_t expected[256] = COPY_HEADER;
    sink s = {.size = 0};
    psql_run(judge, "INSERT INTO t VALUES (1, 'one'), (2, ''), (3, 'drei')");
    bm__step step = {.kind = BM__STEP_UNLOAD, .sql = copy_out, .take = take_bytes, .context = &s};
    must(&p, do_step(&p, &step));
    size_t n = COPY_HEADER_SIZE;
    n += put_row(expected + n, 1, "one", 3);
    n += put_row(expected + n, 2, "", 0);
    n += put_row(expected + n, 3, "drei", 4);
    memcpy(expected + n, COPY_TRAILER, COPY_TRAILER_SIZE);
    n += COPY_TRAILER_SIZE;
    assert_int_equal(s.size, n);
    assert_memory_equal(s.bytes, expected, n);
    assert_int_equal(p.answer.rows, 3);
    s = (sink){.size = 0};
    step.sql = "COPY (SELECT 6 / (3 - i) FROM generate_series(1, 5) i) TO STDOUT (FORMAT binary)";
    must_be(&p, do_step(&p, &step), BM_CONVERT);
    assert_string_equal(p.err.sqlstate, "22012");
    must_be_usable(&p);
}

static void test_take_fails(void **state)
{
    (void)state;
    sink s = {.refuse_at = 1000};
    bm__step step = {.kind = BM__STEP_UNLOAD,
                     .sql = "COPY (SELECT generate_series(1, 10000000)) TO STDOUT (FORMAT binary)",
                     .take = take_bytes,
                     .context = &s};
    must_be(&p, do_step(&p, &step), BM_LIMIT);
    assert_string_equal(p.err.message, "the disk is full");
    assert_string_equal(p.err.sqlstate, "");
    assert_int_equal(s.pieces, 1000);
    must_be_usable(&p);
}

static void test_pull_fails(void **state)
{
    (void)state;
    uint8_t rows[128];
    size_t size = three_rows(rows);
    const uint64_t after[] = {1, 3, 30000};
    for (size_t i = 0; i < 3; i++) {
        feed f = feed_of(rows, size, UINT64_MAX);
        f.refuse_after = after[i];
        must_be(&p, load(&p, COPY_IN, &f), BM_CONVERT);
        assert_string_equal(p.err.message, "no more of this");
        assert_int_equal(p.err.stage, BM_STAGE_SOURCE);
        assert_string_equal(p.err.sqlstate, "");
        must_be_usable(&p);
    }
    must(&p, do_kind(&p, BM__STEP_BEGIN, NULL));
    feed f = feed_of(rows, size, 10);
    f.refuse_after = 2;
    must_be(&p, load(&p, COPY_IN, &f), BM_CONVERT);
    assert_int_equal(state_of(&p), BM__CONN_FAILED);
    must(&p, do_kind(&p, BM__STEP_ROLLBACK, NULL));
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

/* A stream that ends without a trailer is the server's to judge; one cut in a row is refused. */
static void test_cut_in_a_row(void **state)
{
    (void)state;
    uint8_t rows[128];
    feed f = feed_of(rows, three_rows(rows) - 5, 1);
    must_be(&p, load(&p, COPY_IN, &f), BM_CONVERT);
    assert_string_equal(p.err.sqlstate, "22P04");
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

static void test_wrong_kind_of_statement(void **state)
{
    (void)state;
    uint8_t rows[128];
    sink s = {.size = 0};
    feed f = feed_of(rows, three_rows(rows), 1);
    must_be(&p, load(&p, "SELECT 1", &f), BM_INVALID);
    must_be_usable(&p);
    must_be(&p, load(&p, copy_out, &f), BM_INVALID);
    must_be_usable(&p);
    must_be(&p, load(&p, "COPY nowhere FROM STDIN", &f), BM_INVALID);
    assert_string_equal(p.err.sqlstate, "42P01");
    must_be_usable(&p);
    assert_int_equal(f.pulled, 0);
    bm__step step = {.kind = BM__STEP_UNLOAD, .sql = COPY_IN, .take = take_bytes, .context = &s};
    must_be(&p, do_step(&p, &step), BM_INVALID);
    must_be_usable(&p);
    must_be(&p, do_sql(&p, COPY_IN), BM_INVALID);
    must_be_usable(&p);
    must_be(&p, do_sql(&p, copy_out), BM_INVALID);
    must_be_usable(&p);
    assert_int_equal(psql_count(judge, "SELECT count(*) FROM t"), 0);
}

/* -------------------------------------------------------------------------------------- errors */

static void test_constraints(void **state)
{
    (void)state;
    psql_run(judge, "CREATE TABLE c(id int CONSTRAINT c_key PRIMARY KEY, "
                    "n int NOT NULL CONSTRAINT small CHECK (n < 100))");
    must(&p, do_sql(&p, "INSERT INTO c VALUES (1234, 5)"));
    must_be(&p, do_sql(&p, "INSERT INTO c VALUES (1234, 6)"), BM_CONSTRAINT);
    assert_string_equal(p.err.sqlstate, "23505");
    assert_string_equal(p.err.constraint, "c_key");
    assert_null(strstr(p.err.message, "1234"));
    assert_non_null(strstr(p.err.detail, "1234"));
    must_be(&p, do_sql(&p, "INSERT INTO c VALUES (2, NULL)"), BM_CONSTRAINT);
    assert_string_equal(p.err.sqlstate, "23502");
    assert_string_equal(p.err.column, "n");
    must_be(&p, do_sql(&p, "INSERT INTO c VALUES (3, 4321)"), BM_CONSTRAINT);
    assert_string_equal(p.err.sqlstate, "23514");
    assert_string_equal(p.err.constraint, "small");
    assert_null(strstr(p.err.message, "4321"));
    assert_int_equal(p.err.stage, BM_STAGE_WRITE);
    must_be_usable(&p);
}

static void test_no_values_in_messages(void **state)
{
    (void)state;
    const struct {
        const char *sql;
        const char *sqlstate;
    } cases[] = {
        {"SELECT 'hunter2'::int", "22P02"},   {"SELECT '99999999999901'::int", "22003"},
        {"SELECT 'hunter2'::date", "22007"},  {"SELECT '2020-13-41'::date", "22008"},
        {"SELECT '{hunter2'::json", "22P02"}, {"SELECT to_timestamp('hunter2', 'YYYY')", "22007"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        must_be(&p, do_sql(&p, cases[i].sql), BM_CONVERT);
        assert_string_equal(p.err.sqlstate, cases[i].sqlstate);
        assert_string_not_equal(p.err.message, "");
        assert_null(strstr(p.err.message, "hunter2"));
        assert_null(strstr(p.err.message, "99999999999901"));
        assert_null(strstr(p.err.message, "2020-13-41"));
    }
    must_be_usable(&p);
}

static void test_context_of_copy(void **state)
{
    (void)state;
    uint8_t rows[128];
    size_t size = three_rows(rows);
    psql_run(judge, "CREATE TABLE s(id int, word varchar(4)); "
                    "CREATE TABLE k(id int CONSTRAINT k_key UNIQUE, word text)");
    feed f = feed_of(rows, size, 2);
    must_be(&p, load(&p, "COPY k FROM STDIN (FORMAT binary)", &f), BM_CONSTRAINT);
    assert_string_equal(p.err.constraint, "k_key");
    assert_string_equal(p.answer.context, "COPY k, line 4");
    size += put_row(rows + size, 4, "hunter2", 7);
    f = feed_of(rows, size, 1);
    must_be(&p, load(&p, "COPY s FROM STDIN (FORMAT binary)", &f), BM_CONVERT);
    assert_string_equal(p.err.sqlstate, "22001");
    assert_null(strstr(p.err.message, "hunter2"));
    assert_memory_equal(p.answer.context, "COPY s, line 4, column word", 27);
    must_be_usable(&p);
    must(&p, do_sql(&p, "SELECT 1"));
    assert_string_equal(p.answer.context, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_forms_of_url),
        cmocka_unit_test(test_bad_strings),
        cmocka_unit_test(test_unknown_server),
        TEST(test_unknown_names),
        TEST(test_encoding_is_ours),
        TEST(test_commit_and_rollback),
        TEST(test_savepoints),
        TEST(test_commit_of_a_failed_transaction),
        TEST(test_deferred_constraint),
        TEST(test_servers_timeout_in_commit),
        TEST(test_parameters_and_rows),
        TEST(test_several_statements),
        TEST(test_rows_one_at_a_time),
        TEST(test_push_fails),
        TEST(test_token_and_deadline_before),
        TEST(test_load),
        TEST(test_unload),
        TEST(test_take_fails),
        TEST(test_pull_fails),
        TEST(test_cut_in_a_row),
        TEST(test_wrong_kind_of_statement),
        TEST(test_constraints),
        TEST(test_no_values_in_messages),
        TEST(test_context_of_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
