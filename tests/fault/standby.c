/* A standby, or a session that is read-only, is an error by name before anything is sent.  Run by
 * tests/clusters.py, which starts the two servers. */
#include "check.h"

#include <bulkmodel.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct item {
    int64_t id;
    int32_t value;
} item;

static const bm_model model =
    BM_MODEL("item", item, BM_FIELD(item, id, BM_INT8, BM_KEY), BM_FIELD(item, value, BM_INT4, 0));

enum { ROWS = 3000 };

static item rows[ROWS];
static PGconn *primary;
static bm_db *db; /* on the standby */

static PGconn *connected(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    return conn;
}

static int64_t count_of(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int64_t n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return n;
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType got = PQresultStatus(result);
    if (got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    PQclear(result);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fail_msg("%s is not set: run me by tests/clusters.py", name);
    }
    return value;
}

/* The table is on the standby when it has replayed what made it. */
static int set_up(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (item){.id = 1000 + i, .value = i};
    }
    primary = connected(environment("BM_TEST_PRIMARY"));
    run(primary, "CREATE TABLE item (id bigint PRIMARY KEY, value integer);"
                 "INSERT INTO item VALUES (1, 10)");
    PGconn *copied = connected(environment("BM_TEST_STANDBY"));
    const char *there = "SELECT count(*) FROM pg_class c WHERE c.oid = to_regclass('item') AND "
                        "(SELECT count(*) FROM item) = 1";
    for (int i = 0; i < 3000; i++) {
        PGresult *result = PQexec(copied, there);
        bool done = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == '1';
        PQclear(result);
        if (done) {
            break;
        }
        usleep(10000);
    }
    assert_int_equal(count_of(copied, "SELECT count(*) FROM item"), 1);
    PQfinish(copied);
    assert_int_equal(bm_open(environment("BM_TEST_STANDBY"), NULL, &db, &err), BM_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    PQfinish(primary);
    return 0;
}

static void hear(void *user, const char *sql, uint64_t n)
{
    (void)sql;
    (void)n;
    ++*(int *)user;
}

static bm_status ignore(void *user, const bm_error *why, bm_error *err)
{
    (void)user;
    (void)why;
    (void)err;
    return BM_OK;
}

enum { CREATE, UPSERT, UPDATE_FIELDS, UPDATE, DELETE, VERBS };

static bm_status call_verb(bm_db *on, int verb, size_t n, const bm_call *call, bm_switch workers,
                           bm_error *err)
{
    const bm_rows given = bm_structs(&model, rows, n);
    const item values = {.value = 5};
    switch (verb) {
    case CREATE:
        return bm_bulk_create(on, given,
                              BM_OPTIONS(bm_bulk_create_options, .call = call, .batch_size = 500,
                                         .concurrent = workers),
                              NULL, err);
    case UPSERT:
        return bm_upsert(on, given, BM_OPTIONS(bm_upsert_options, .call = call), NULL, err);
    case UPDATE_FIELDS:
        return bm_update_fields(on, given,
                                BM_OPTIONS(bm_update_fields_options, .call = call,
                                           .fields = BM_NAMES("value"), .batch_size = 500,
                                           .concurrent = workers),
                                NULL, err);
    case UPDATE:
        return bm_update(on, bm_all(&model),
                         BM_OPTIONS(bm_update_options, .call = call, .values = &values,
                                    .fields = BM_NAMES("value")),
                         NULL, err);
    default:
        return bm_delete(on, given, BM_OPTIONS(bm_delete_options, .call = call), NULL, err);
    }
}

/* Each verb, with few rows and many, with workers, as a dry run, and with rows set aside. */
static void refused(bm_db *on, const char *word, bm_fate fate)
{
    for (int i = 0; i < VERBS * 5; i++) {
        int heard = 0;
        int how = i / VERBS;
        bm_error err = BM_ERROR;
        const bm_call call = {.size = sizeof call,
                              .user = &heard,
                              .on_statement = hear,
                              .retries = 2,
                              .dry_run = how == 3 ? BM_ON : BM_DEFAULT,
                              .on_error = how == 4 ? BM_ON_ERROR_REJECT : BM_ON_ERROR_FAIL,
                              .on_reject = how == 4 ? ignore : NULL};
        bm_status status =
            call_verb(on, i % VERBS, how == 0 ? 1 : ROWS, &call, how == 2 ? BM_ON : BM_OFF, &err);
        if (how == 4 && i % VERBS == UPDATE) {
            assert_int_equal(status, BM_UNSUPPORTED); /* bm_all has no rows to set aside */
            continue;
        }
        if (status != BM_DATABASE || strstr(err.message, word) == NULL) {
            fail_msg("%d: %s: %s", i, bm_status_name(status), err.message);
        }
        assert_string_equal(err.sqlstate, "25006");
        assert_int_equal(err.row, BM_NO_ROW);
        assert_false(err.retryable);
        assert_int_equal(heard, 0);
        if (how != 4) {
            assert_int_equal(err.fate, fate);
        }
    }
}

static void test_every_verb_names_a_standby(void **state)
{
    (void)state;
    refused(db, "the server is a standby", BM_FATE_NOT_STARTED);
}

static void test_maintenance_names_it_too(void **state)
{
    (void)state;
    const bm_maintenance writes[] = {BM_ANALYZE, BM_TRUNCATE, BM_SYNC_SEQUENCES};
    for (size_t i = 0; i < 3; i++) {
        bm_error err = BM_ERROR;
        assert_int_equal(
            bm_maintain(db, &model, BM_OPTIONS(bm_maintain_options, .what = writes[i]), NULL, &err),
            BM_DATABASE);
        assert_non_null(strstr(err.message, "standby"));
        assert_string_equal(err.sqlstate, "25006");
    }
    bm_error err = BM_ERROR;
    uint64_t n = 1;
    assert_int_equal(bm_maintain(db, &model,
                                 BM_OPTIONS(bm_maintain_options, .what = BM_FIND_SEQUENCES), &n,
                                 &err),
                     BM_OK);
    assert_int_equal(n, 0);
}

static void test_reads_work_there(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bm_model *found;
    char *text;
    bm_db *tx;
    assert_int_equal(bm_copy_to(db, bm_all(&model), NULL, &result, &err), BM_OK);
    assert_int_equal(bm_queryset_count(result.queryset), 1);
    bm_result_clear(&result);
    assert_int_equal(bm_describe(db, NULL, "item", &found, &err), BM_OK);
    bm_free(found);
    assert_int_equal(
        bm_explain(db, "bulk_create", bm_structs(&model, rows, ROWS), NULL, &text, &err), BM_OK);
    assert_non_null(strstr(text, "COPY"));
    bm_free(text);
    assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
    assert_int_equal(bm_copy_to(tx, bm_all(&model), NULL, &result, &err), BM_OK);
    assert_int_equal(result.read, 1);
    refused(tx, "the server is a standby", BM_FATE_NOT_STARTED);
    bm_result_clear(&result);
    assert_int_equal(bm_commit(tx, &err), BM_OK);
}

static void test_a_borrowed_connection(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm_db *borrowed;
    PGconn *conn = connected(environment("BM_TEST_STANDBY"));
    assert_int_equal(bm_attach_libpq(conn, &borrowed, &err), BM_OK);
    refused(borrowed, "the server is a standby", BM_FATE_NOT_STARTED);
    bm_close(borrowed);
    PQfinish(conn);
}

static void test_a_read_only_session(void **state)
{
    (void)state;
    char url[1024];
    bm_error err = BM_ERROR;
    bm_db *only;
    bm_db *tx;
    snprintf(url, sizeof url, "%s options='-c default_transaction_read_only=on'",
             environment("BM_TEST_PRIMARY"));
    assert_int_equal(bm_open(url, NULL, &only, &err), BM_OK);
    refused(only, "the session is read-only", BM_FATE_NOT_STARTED);
    assert_int_equal(bm_begin(only, &tx, &err), BM_OK);
    refused(tx, "the session is read-only", BM_FATE_NOT_STARTED);
    bm_rollback(tx);
    assert_int_equal(bm_execute(only, "SET default_transaction_read_only = off", &err), BM_OK);
    assert_int_equal(call_verb(only, CREATE, ROWS, NULL, BM_OFF, &err), BM_OK);
    assert_int_equal(count_of(primary, "SELECT count(*) FROM item"), 1 + ROWS);
    assert_int_equal(call_verb(only, DELETE, ROWS, NULL, BM_OFF, &err), BM_OK);
    bm_close(only);
}

/* The session's default is not the transaction's mode. */
static void test_a_transaction_of_another_mode(void **state)
{
    (void)state;
    char url[1024];
    bm_error err = BM_ERROR;
    bm_db *inside;
    snprintf(url, sizeof url, "%s options='-c default_transaction_read_only=on'",
             environment("BM_TEST_PRIMARY"));
    PGconn *conn = connected(url);
    run(conn, "BEGIN READ WRITE");
    assert_int_equal(bm_attach_libpq(conn, &inside, &err), BM_OK);
    assert_int_equal(call_verb(inside, CREATE, ROWS, NULL, BM_OFF, &err), BM_OK);
    bm_close(inside);
    run(conn, "COMMIT");
    assert_int_equal(count_of(primary, "SELECT count(*) FROM item"), 1 + ROWS);
    run(primary, "DELETE FROM item WHERE id >= 1000; BEGIN READ ONLY");
    assert_int_equal(bm_attach_libpq(primary, &inside, &err), BM_OK);
    assert_int_equal(call_verb(inside, CREATE, ROWS, NULL, BM_OFF, &err), BM_DATABASE);
    assert_string_equal(err.sqlstate, "25006"); /* nothing reports this mode: the server says it */
    assert_int_equal(err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
    bm_close(inside);
    run(primary, "COMMIT");
    PQfinish(conn);
}

/* A connection that was opened before: the server reports the change with its next answer. */
static void test_a_promoted_standby_is_written(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    PGconn *conn = connected(environment("BM_TEST_STANDBY"));
    assert_int_equal(call_verb(db, CREATE, 1, NULL, BM_OFF, &err), BM_DATABASE);
    run(conn, "SELECT pg_promote()");
    assert_int_equal(call_verb(db, CREATE, ROWS, NULL, BM_OFF, &err), BM_OK);
    assert_int_equal(count_of(conn, "SELECT count(*) FROM item"), 1 + ROWS);
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_names_a_standby),
        cmocka_unit_test(test_maintenance_names_it_too),
        cmocka_unit_test(test_reads_work_there),
        cmocka_unit_test(test_a_borrowed_connection),
        cmocka_unit_test(test_a_read_only_session),
        cmocka_unit_test(test_a_transaction_of_another_mode),
        cmocka_unit_test(test_a_promoted_standby_is_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
