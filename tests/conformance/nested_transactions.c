/* Transactions in transactions, ended by calls or by the caller's own SQL. */
#include "world.h"

#include <sqlite3.h>
#include <unistd.h>

/* Three transactions, each in the one before it, of a row each; *middle is a savepoint. */
static void nested(world *w, bm_db **outer, bm_db **middle)
{
    bm_db *inner = NULL;
    ok(w, bm_begin(w->db, outer, &w->err));
    add_item(w, *outer, 1);
    ok(w, bm_begin(*outer, middle, &w->err));
    add_item(w, *middle, 2);
    ok(w, bm_begin(*middle, &inner, &w->err));
    add_item(w, inner, 3);
}

static void the_outer_one_ends_the_inner_ones(world *w)
{
    bm_db *outer = NULL;
    bm_db *middle = NULL;
    make_items(w, "");
    nested(w, &outer, &middle);
    bm_rollback(outer);
    expect_number(w, 0, "SELECT count(*) FROM item");
    nested(w, &outer, &middle);
    ok(w, bm_commit(outer, &w->err));
    expect(w, "1\n2\n3\n", "SELECT value FROM item ORDER BY value");
    add_item(w, w->db, 4);
    expect_number(w, 4, "SELECT count(*) FROM item");
}

static void a_savepoint_ends_the_inner_one(world *w)
{
    bm_db *outer = NULL;
    bm_db *middle = NULL;
    make_items(w, "");
    nested(w, &outer, &middle);
    bm_rollback(middle);
    add_item(w, outer, 4);
    ok(w, bm_commit(outer, &w->err));
    expect(w, "1\n4\n", "SELECT value FROM item ORDER BY value");
    run(w, "DELETE FROM item");
    nested(w, &outer, &middle);
    ok(w, bm_commit(middle, &w->err));
    add_item(w, outer, 4);
    ok(w, bm_commit(outer, &w->err));
    expect(w, "1\n2\n3\n4\n", "SELECT value FROM item ORDER BY value");
    run(w, "DELETE FROM item");
    nested(w, &outer, &middle);
    ok(w, bm_commit(middle, &w->err));
    bm_rollback(outer);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void sql_that_begins(world *w)
{
    make_items(w, "");
    refused(w, bm_execute(w->db, "BEGIN", &w->err), BM_INVALID, BM_NO_ROW, "");
    refused(w, bm_execute(w->db, "BEGIN; INSERT INTO item (name) VALUES ('lost')", &w->err),
            BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    add_item(w, w->db, 1);
    expect_number(w, 1, "SELECT count(*) FROM item"); /* it is committed */
}

static void sql_that_commits(world *w)
{
    bm_db *tx = NULL;
    make_items(w, "");
    ok(w, bm_begin(w->db, &tx, &w->err));
    add_item(w, tx, 1);
    refused(w, bm_execute(tx, "COMMIT", &w->err), BM_INVALID, BM_NO_ROW, "");
    assert_int_not_equal(bm_commit(tx, &w->err), BM_OK);
    assert_true(w->err.message[0] != '\0');
    add_item(w, w->db, 2);
    expect_number(w, 1, "SELECT count(*) FROM item WHERE value = 2");
}

static void a_borrowed_sqlite_connection_closed_in_a_transaction(world *w)
{
    sqlite3 *lite = NULL;
    bm_db *db = NULL;
    bm_db *outer = NULL;
    bm_db *inner = NULL;
    make_items(w, "");
    assert_int_equal(sqlite3_open(w->path, &lite), SQLITE_OK);
    ok(w, bm_attach_sqlite(lite, &db, &w->err));
    ok(w, bm_begin(db, &outer, &w->err));
    ok(w, bm_begin(outer, &inner, &w->err));
    add_item(w, inner, 1);
    assert_false(sqlite3_get_autocommit(lite));
    bm_close(db);
    assert_true(sqlite3_get_autocommit(lite));
    expect_number(w, 0, "SELECT count(*) FROM item");
    assert_int_equal(sqlite3_close(lite), SQLITE_OK);
}

static void a_borrowed_libpq_connection_closed_in_a_transaction(world *w)
{
    bm_db *db = NULL;
    bm_db *outer = NULL;
    bm_db *inner = NULL;
    make_items(w, "");
    ok(w, bm_attach_libpq(w->pg, &db, &w->err));
    ok(w, bm_begin(db, &outer, &w->err));
    ok(w, bm_begin(outer, &inner, &w->err));
    add_item(w, inner, 1);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_INTRANS);
    bm_close(db);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_IDLE);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, the_outer_one_ends_the_inner_ones),
    CASE(ON_SQL, a_savepoint_ends_the_inner_one),
    CASE(ON_SQL, sql_that_begins),
    CASE(ON_SQL, sql_that_commits),
    CASE(ON_FILE, a_borrowed_sqlite_connection_closed_in_a_transaction),
    CASE(ON_POSTGRESQL, a_borrowed_libpq_connection_closed_in_a_transaction),
};

int main(void)
{
    return conformance_run("nested_transactions", cases, sizeof cases / sizeof cases[0]);
}
