/* Connections of the caller's; calls that are cancelled or take too long. */
#include "world.h"

#include <sqlite3.h>
#include <unistd.h>

static void add(world *w, bm_db *db, size_t n, int32_t first)
{
    item *rows = some_items(n, 0, 0);
    for (size_t i = 0; i < n; i++) {
        rows[i].value = first + (int32_t)i;
    }
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, n), NULL, NULL, &w->err));
    free(rows);
}

static void breaks(world *w, bm_db *db, size_t n, bm_fate fate)
{
    item *rows = some_items(n, 0, 0);
    rows[n - 1].value = -1;
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_model, rows, n), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, n - 1, "");
    assert_int_equal(w->err.fate, fate);
    free(rows);
}

/* ---- PostgreSQL; the borrowed connection is the judge's own */

static void a_libpq_connection(world *w)
{
    bm_db *db = NULL;
    make_items(w, ", CHECK (value >= 0)");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    add(w, db, 2, 1);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_IDLE);
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY id");
    add(w, db, 1200, 100);
    breaks(w, db, 5, BM_FATE_ROLLED_BACK);
    breaks(w, db, 1200, BM_FATE_ROLLED_BACK);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_IDLE);
    expect_number(w, 1202, "SELECT count(*) FROM item");
    bm_close(db);
    expect_number(w, 1202, "SELECT count(*) FROM item"); /* it is still open */
}

static void a_libpq_connection_in_a_transaction(world *w)
{
    bm_db *db = NULL;
    make_items(w, ", CHECK (value >= 0)");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    run(w, "BEGIN");
    run(w, "INSERT INTO item (name, value) VALUES ('mine', 0)");
    add(w, db, 2, 1);
    add(w, db, 1200, 100);
    breaks(w, db, 5, BM_FATE_IN_CALLERS_TRANSACTION);
    breaks(w, db, 1200, BM_FATE_IN_CALLERS_TRANSACTION);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_INTRANS);
    expect_number(w, 1203, "SELECT count(*) FROM item");
    run(w, "ROLLBACK");
    expect_number(w, 0, "SELECT count(*) FROM item");
    run(w, "BEGIN");
    add(w, db, 2, 1);
    run(w, "COMMIT");
    expect_number(w, 2, "SELECT count(*) FROM item");
    bm_close(db);
}

static void a_transaction_over_a_libpq_connection(world *w)
{
    bm_db *db = NULL;
    bm_db *tx = NULL;
    make_items(w, "");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    run(w, "BEGIN");
    ok(w, bm_begin(db, &tx, &w->err));
    add(w, tx, 1, 1);
    ok(w, bm_commit(tx, &w->err)); /* a savepoint: the caller's transaction goes on */
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_INTRANS);
    ok(w, bm_begin(db, &tx, &w->err));
    add(w, tx, 1, 2);
    bm_rollback(tx);
    run(w, "COMMIT");
    expect(w, "1\n", "SELECT value FROM item");
    ok(w, bm_begin(db, &tx, &w->err));
    add(w, tx, 1, 3);
    ok(w, bm_commit(tx, &w->err));
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_IDLE);
    expect(w, "1\n3\n", "SELECT value FROM item ORDER BY value");
    bm_close(db);
}

static char *settings(world *w)
{
    return rows_of(w, "SELECT name, setting FROM pg_settings WHERE name NOT IN "
                      "('transaction_isolation') ORDER BY name");
}

static void a_libpq_connections_settings_are_left_alone(world *w)
{
    bm_db *db = NULL;
    make_items(w, "");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    char *before = settings(w);
    add(w, db, 3, 1);
    item *rows = some_items(2000, 1, 1);
    ok(w, bm_bulk_create(db, bm_structs(&item_given_model, rows, 2000),
                         CREATE(.update_conflicts = BM_ON), NULL, &w->err));
    ok(w, bm_update_fields(db, bm_structs(&item_given_model, rows, 2000),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), NULL,
                           &w->err));
    char *after = settings(w);
    assert_string_equal(before, after);
    run(w, "BEGIN");
    ok(w, bm_update_fields(db, bm_structs(&item_given_model, rows, 2000),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), NULL,
                           &w->err));
    char *inside = settings(w);
    assert_string_equal(before, inside);
    run(w, "COMMIT");
    assert_int_equal(PQisnonblocking(w->pg), 0);
    free(before);
    free(after);
    free(inside);
    free(rows);
    bm_close(db);
}

/* Only a rollback will do: the library says so, and does not end it. */
static void a_libpq_connection_in_a_failed_transaction(world *w)
{
    bm_db *db = NULL;
    make_items(w, "");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    add(w, db, 1, 1);
    run(w, "BEGIN");
    psql_refused(w->pg, "42601", "NONSENSE");
    item *rows = some_items(2, 0, 0);
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_model, rows, 2), NULL, fresh(w), &w->err);
    assert_int_not_equal(status, BM_OK);
    assert_true(w->err.message[0] != '\0');
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_INERROR);
    run(w, "ROLLBACK");
    add(w, db, 1, 2);
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY value");
    bm_close(db);
    free(rows);
}

/* ---- SQLite */

static sqlite3 *open_lite(world *w)
{
    sqlite3 *lite = NULL;
    assert_int_equal(sqlite3_open(w->path, &lite), SQLITE_OK);
    return lite;
}

static void lite(sqlite3 *connection, const char *sql)
{
    assert_int_equal(sqlite3_exec(connection, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void a_sqlite_connection(world *w)
{
    bm_db *db = NULL;
    make_items(w, ", CHECK (value >= 0)");
    sqlite3 *connection = open_lite(w);
    ok(w, bm_attach_sqlite(connection, &db, &w->err));
    add(w, db, 2, 1);
    assert_true(sqlite3_get_autocommit(connection));
    breaks(w, db, 5, BM_FATE_ROLLED_BACK);
    assert_true(sqlite3_get_autocommit(connection));
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY id");
    bm_close(db);
    lite(connection, "DELETE FROM item");                   /* it is still open */
    assert_int_equal(sqlite3_close(connection), SQLITE_OK); /* and nothing of ours is left in it */
}

static void a_sqlite_connection_in_a_transaction(world *w)
{
    bm_db *db = NULL;
    bm_db *tx = NULL;
    make_items(w, ", CHECK (value >= 0)");
    sqlite3 *connection = open_lite(w);
    ok(w, bm_attach_sqlite(connection, &db, &w->err));
    lite(connection, "BEGIN; INSERT INTO item (name, value) VALUES ('mine', 50)");
    add(w, db, 2, 1);
    breaks(w, db, 5, BM_FATE_IN_CALLERS_TRANSACTION);
    assert_false(sqlite3_get_autocommit(connection));
    expect_number(w, 0, "SELECT count(*) FROM item");
    ok(w, bm_begin(db, &tx, &w->err));
    add(w, tx, 1, 10);
    bm_rollback(tx);
    assert_false(sqlite3_get_autocommit(connection));
    lite(connection, "COMMIT");
    expect(w, "1\n2\n50\n", "SELECT value FROM item ORDER BY value");
    lite(connection, "BEGIN");
    add(w, db, 2, 1);
    lite(connection, "ROLLBACK");
    expect_number(w, 3, "SELECT count(*) FROM item");
    bm_close(db);
    assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

/* ---- cancelled, too late */

static void cancelled_before_it_begins(world *w)
{
    bm_cancel *token = NULL;
    make_items(w, "");
    ok(w, bm_cancel_create(&token, &w->err));
    const bm_call call = {.size = sizeof call, .cancel = token};
    item *rows = some_items(1200, 0, 0);
    bm_cancel_set(token);
    for (size_t n = 3; n <= 1200; n += 1197) {
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                                          CREATE(.call = &call), fresh(w), &w->err);
        refused(w, status, BM_CANCELLED, BM_NO_ROW, "");
        assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    bm_cancel_reset(token);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), CREATE(.call = &call), fresh(w),
                         &w->err));
    expect_number(w, 3, "SELECT count(*) FROM item");
    bm_cancel_free(token);
    free(rows);
}

static void set(void *user, uint64_t rows_done, uint64_t rows_total)
{
    (void)rows_total;
    if (rows_done >= 200) {
        bm_cancel_set(user);
    }
}

static void cancelled_on_its_way(world *w)
{
    bm_cancel *token = NULL;
    make_items(w, "");
    ok(w, bm_cancel_create(&token, &w->err));
    const bm_call call = {.size = sizeof call, .cancel = token, .user = token, .on_progress = set};
    item *rows = some_items(1000, 0, 0);
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 1000),
                                      CREATE(.call = &call, .batch_size = 100), fresh(w), &w->err);
    refused(w, status, BM_CANCELLED, BM_NO_ROW, "");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(w->result.inserted, 0);
    expect_number(w, 0, "SELECT count(*) FROM item");
    bm_cancel_free(token);
    add(w, w->db, 1, 1);
    free(rows);
}

static bm_status slow(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    size_t *calls = user;
    item *out = rows;
    (void)err;
    usleep(30000);
    *n = capacity < 2 ? capacity : 2;
    for (size_t i = 0; i < *n; i++) {
        out[i] = (item){.name = "slow"};
    }
    return ++*calls > 200 ? BM_INTERNAL : BM_OK; /* it would go on for ever */
}

static void a_deadline_ends_a_slow_source(world *w)
{
    size_t calls = 0;
    make_items(w, "");
    const bm_source source = {.size = sizeof source, .user = &calls, .next = slow};
    const bm_call call = {.size = sizeof call, .timeout_ms = 200};
    bm_status status = bm_bulk_create(w->db, bm_stream(&item_model, &source),
                                      CREATE(.call = &call, .batch_size = 2), fresh(w), &w->err);
    refused(w, status, BM_TIMEOUT, BM_NO_ROW, "");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    assert_true(calls < 100);
    expect_number(w, 0, "SELECT count(*) FROM item");
    add(w, w->db, 1, 1);
}

/* A statement that would take a minute. */
static void too_late(world *w, const bm_call *call)
{
    make_items(w, "");
    run(w, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); "
           "RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON item FOR EACH ROW EXECUTE "
           "FUNCTION f()");
    item *rows = some_items(1200, 0, 0);
    for (size_t n = 2; n <= 1200; n += 1198) {
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                                          CREATE(.call = call), fresh(w), &w->err);
        refused(w, status, BM_TIMEOUT, BM_NO_ROW, "");
        assert_true(w->result.seconds < 20);
        assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    }
    run(w, "DROP TRIGGER t ON item");
    expect_number(w, 0, "SELECT count(*) FROM item");
    add(w, w->db, 1, 1);
    free(rows);
}

static void a_deadline_ends_a_slow_statement(world *w)
{
    const bm_call call = {.size = sizeof call, .timeout_ms = 300};
    too_late(w, &call);
}

static void a_statement_timeout_ends_a_slow_statement(world *w)
{
    const bm_call call = {.size = sizeof call, .statement_timeout_ms = 300};
    too_late(w, &call);
}

/* Of the statement; and, where nothing is known of the table yet, of the question. */
static void a_lock_timeout_ends_waiting(world *w)
{
    const bm_call call = {.size = sizeof call, .lock_timeout_ms = 300};
    make_items(w, "");
    item *rows = some_items(2, 0, 0);
    bm_db *others[] = {open_again(w, ""), open_again(w, "")};
    add(w, others[0], 1, 1);
    run(w, "BEGIN; LOCK TABLE item");
    for (size_t i = 0; i < 2; i++) {
        bm_status status = bm_bulk_create(others[i], bm_structs(&item_model, rows, 2),
                                          CREATE(.call = &call), fresh(w), &w->err);
        refused(w, status, BM_TIMEOUT, BM_NO_ROW, "");
        assert_true(w->result.seconds < 20);
        assert_int_equal(w->err.fate, i == 0 ? BM_FATE_ROLLED_BACK : BM_FATE_NOT_STARTED);
    }
    run(w, "ROLLBACK");
    expect_number(w, 1, "SELECT count(*) FROM item");
    for (size_t i = 0; i < 2; i++) {
        add(w, others[i], 1, 1);
        bm_close(others[i]);
    }
    free(rows);
}

/* More milliseconds than the clock has. */
static void the_longest_deadline_is_none(world *w)
{
    const bm_call call = {
        .size = sizeof call, .timeout_ms = INT64_MAX, .statement_timeout_ms = INT64_MAX};
    make_items(w, "");
    item *rows = some_items(1200, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1200), CREATE(.call = &call),
                         fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 1200);
    expect_number(w, 1200, "SELECT count(*) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, a_libpq_connection),
    CASE(ON_POSTGRESQL, a_libpq_connection_in_a_transaction),
    CASE(ON_POSTGRESQL, a_transaction_over_a_libpq_connection),
    CASE(ON_POSTGRESQL, a_libpq_connections_settings_are_left_alone),
    CASE(ON_POSTGRESQL, a_libpq_connection_in_a_failed_transaction),
    CASE(ON_FILE, a_sqlite_connection),
    CASE(ON_FILE, a_sqlite_connection_in_a_transaction),
    CASE(ON_ALL, cancelled_before_it_begins),
    CASE(ON_ALL, cancelled_on_its_way),
    CASE(ON_ALL, a_deadline_ends_a_slow_source),
    CASE(ON_POSTGRESQL, a_deadline_ends_a_slow_statement),
    CASE(ON_POSTGRESQL, a_statement_timeout_ends_a_slow_statement),
    CASE(ON_ALL, the_longest_deadline_is_none),
    CASE(ON_POSTGRESQL, a_lock_timeout_ends_waiting),
};

int main(void)
{
    return conformance_run("borrowed", cases, sizeof cases / sizeof cases[0]);
}
