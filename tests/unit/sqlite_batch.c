/* bulkmodel_batch: what SQL sees of a batch, which plans SQLite makes with it, which row failed. */
#include "sqlite_steps.h"

#include "sqlite_vtab.h"

#include <math.h>
#include <stdlib.h>

#define N_ROWS 1000

typedef struct row {
    int64_t id;
    const char *name;
    uint8_t name_state;
    int32_t value;
    double real;
} row;

static row rows[N_ROWS];

#define VIEW(type_, layout_, member_)                                                              \
    {                                                                                              \
        .name = #member_, .cells = {                                                               \
            type_,                                                                                 \
            layout_,                                                                               \
            sizeof rows[0].member_,                                                                \
            &rows[0].member_,                                                                      \
            sizeof rows[0],                                                                        \
            NULL,                                                                                  \
            0,                                                                                     \
            NULL                                                                                   \
        }                                                                                          \
    }

static bm__view views[] = {VIEW(BM_INT8, BM_FIXED, id), VIEW(BM_TEXT, BM_CSTR, name),
                           VIEW(BM_INT4, BM_FIXED, value), VIEW(BM_FLOAT8, BM_FIXED, real)};

static bm__batch batch_of(size_t n)
{
    static char names[N_ROWS][12];
    for (size_t i = 0; i < N_ROWS; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        rows[i] = (row){(int64_t)i + 1, names[i], BM_VALUE, (int32_t)(i * 10), (double)i / 2};
    }
    views[1].cells.states = &rows[0].name_state;
    views[1].cells.state_stride = sizeof rows[0];
    return (bm__batch){.views = views, .n_views = 4, .n_rows = n};
}

static peer p;

static int set_up(void **state)
{
    (void)state;
    open_peer(&p, "sqlite::memory:");
    return 0;
}

static int set_up_borrowed(void **state)
{
    (void)state;
    borrow_peer(&p, ":memory:");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_peer(&p);
    return 0;
}

static void test_insert(void **state)
{
    (void)state;
    bm__batch batch = batch_of(N_ROWS);
    rows[2].name_state = BM_NULL;
    rows[3].name_state = BM_KEEP;
    rows[4].name = "";
    rows[5].name = NULL;
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value, real REAL)");
    MUST_BATCH(&p, "INSERT INTO t SELECT c0, c1, c2, c3 FROM bulkmodel_batch", &batch);
    assert_int_equal(p.answer.rows, N_ROWS);
    assert_true(p.answer.sent);
    assert_string_equal(ask(&p, "SELECT * FROM t WHERE id BETWEEN 2 AND 6", NULL),
                        "2|'n1'|10|0.5\n3|NULL|20|1\n4|NULL|30|1.5\n5|''|40|2\n6|NULL|50|2.5\n");
    assert_string_equal(ask(&p,
                            "SELECT count(*), sum(id), sum(value), sum(real), count(name), "
                            "sum(name = 'n' || (id - 1)) FROM t",
                            NULL),
                        "1000|500500|4995000|249750|997|996\n");
}

static void test_picked_rows_and_pointers(void **state)
{
    (void)state;
    batch_of(N_ROWS);
    static const size_t pick[] = {7, 3, 3};
    bm__batch picked = {.views = views, .n_views = 4, .n_rows = 3, .pick = pick};
    assert_string_equal(ask(&p, "SELECT ord, c0, c1 FROM bulkmodel_batch", &picked),
                        "0|8|'n7'\n1|4|'n3'\n2|4|'n3'\n");
    bm__batch part = {.views = views, .n_views = 2, .n_rows = 2, .first = 5};
    assert_string_equal(ask(&p, "SELECT ord, c0, c1 FROM bulkmodel_batch", &part),
                        "0|6|'n5'\n1|7|'n6'\n");
    const void *pointers[] = {&rows[9], &rows[1]};
    rows[1].name_state = BM_NULL;
    bm__view by_pointer[] = {
        {.name = "id",
         .cells = {.type = BM_INT8, .layout = BM_FIXED, .width = 8},
         .rows = pointers,
         .offset = offsetof(row, id),
         .state_offset = BM_NO_STATE},
        {.name = "name",
         .cells = {.type = BM_TEXT, .layout = BM_CSTR, .width = sizeof(char *)},
         .rows = pointers,
         .offset = offsetof(row, name),
         .state_offset = offsetof(row, name_state)},
    };
    bm__batch indirect = {.views = by_pointer, .n_views = 2, .n_rows = 2};
    assert_string_equal(ask(&p, "SELECT c0, c1 FROM bulkmodel_batch", &indirect),
                        "10|'n9'\n2|NULL\n");
    bm__batch none = {.views = views, .n_views = 4, .n_rows = 0};
    assert_string_equal(ask(&p, "SELECT c0 FROM bulkmodel_batch", &none), "");
}

/* One cell for all rows, and NULLs by a bitmap; bytes live on in results. */
static void test_constants_and_validity(void **state)
{
    (void)state;
    static const bm_uuid uuid = {{0xAB, 1}};
    static const int16_t numbers[] = {1, 2, 3};
    static const uint8_t valid[] = {5};
    bm__view mixed[] = {
        {.name = "uuid", .cells = {BM_UUID, BM_FIXED, 16, &uuid, 0, NULL, 0, NULL}},
        {.name = "number", .cells = {BM_INT2, BM_FIXED, 2, numbers, 2, NULL, 0, valid}},
        {.name = "day",
         .cells = {BM_DATE, BM_FIXED, 4, (const int32_t[]){0, 1, 2}, 4, NULL, 0, NULL}},
    };
    bm__batch batch = {.views = mixed, .n_views = 3, .n_rows = 3};
    assert_string_equal(ask(&p, "SELECT c0, c1, c2 FROM bulkmodel_batch ORDER BY c2 DESC", &batch),
                        "'ab010000000000000000000000000000'|3|'1970-01-03'\n"
                        "'ab010000000000000000000000000000'|NULL|'1970-01-02'\n"
                        "'ab010000000000000000000000000000'|1|'1970-01-01'\n");
    assert_string_equal(
        ask(&p, "SELECT max(c2), group_concat(c2, ' ') FROM bulkmodel_batch", &batch),
        "'1970-01-03'|'1970-01-01 1970-01-02 1970-01-03'\n");
}

static void test_ord(void **state)
{
    (void)state;
    bm__batch batch = batch_of(6);
    static const struct {
        const char *where, *expected;
    } cases[] = {
        {"ord = 4", "4\n"},
        {"rowid = 4", "4\n"},
        {"ord BETWEEN 2 AND 3", "2\n3\n"},
        {"ord > 3", "4\n5\n"},
        {"ord >= 5", "5\n"},
        {"ord < 1", "0\n"},
        {"ord <= 1", "0\n1\n"},
        {"ord > 1 AND ord < 3", "2\n"},
        {"ord > 1 AND ord <= 2 AND ord >= 2", "2\n"},
        {"ord = -1", ""},
        {"ord = 6", ""},
        {"ord > 9223372036854775807", ""},
        {"ord <= 9223372036854775807 AND ord > 4", "5\n"},
        {"ord < -9223372036854775808", ""},
        {"ord >= -9223372036854775808 AND ord < 1", "0\n"},
        {"ord = NULL", ""},
        {"ord < 'a' AND ord = 2", "2\n"},
        {"ord > 3.5", "4\n5\n"},
        {"ord > 4 ORDER BY ord", "5\n"},
        {"ord > 3 ORDER BY ord DESC", "5\n4\n"},
        {"ord IN (4, 0, 9)", "0\n4\n"},
        {"ord IN (9, 4, 0) ORDER BY ord DESC", "4\n0\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT ord FROM bulkmodel_batch WHERE %s", cases[i].where);
        const char *shown = ask(&p, sql, &batch);
        if (strcmp(shown, cases[i].expected) != 0) {
            fail_msg("%s gives %s", cases[i].where, shown);
        }
    }
}

/* The plan of `sql` must have `first` before `second`. */
static void check_plan(const char *sql, const char *first, const char *second)
{
    bm__batch batch = batch_of(3);
    char explain[512];
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    const char *plan = ask(&p, explain, &batch);
    const char *at = strstr(plan, first);
    if (at == NULL || strstr(at, second) == NULL) {
        fail_msg("%s: the plan is\n%s", sql, plan);
    }
}

static const char outer[] = "SCAN v VIRTUAL TABLE";

/* An IN whose table SQLite believes to be tiny is answered by one scan of the table: not asked
 * then. */
static void check_plans(bool of_in)
{
    if (of_in) {
        check_plan("DELETE FROM t WHERE id IN (SELECT c0 FROM bulkmodel_batch v)",
                   "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)", outer);
    }
    check_plan("UPDATE t SET value = v.c2 FROM bulkmodel_batch v WHERE t.id = v.c0", outer,
               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    check_plan("UPDATE t SET value = v.c2 FROM bulkmodel_batch v WHERE v.c0 = t.id", outer,
               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    check_plan("SELECT v.ord, t.* FROM bulkmodel_batch v JOIN t ON t.id = v.c0", outer,
               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    check_plan("SELECT v.ord, t.* FROM t JOIN bulkmodel_batch v ON t.id = v.c0", outer,
               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    check_plan("SELECT v.ord, t.value FROM bulkmodel_batch v LEFT JOIN t ON t.id = v.c0", outer,
               "SEARCH t USING INTEGER PRIMARY KEY (rowid=?)");
    check_plan("UPDATE u SET value = v.c2 FROM bulkmodel_batch v WHERE u.code = v.c1", outer,
               "INDEX sqlite_autoindex_u_1 (code=?)");
    check_plan("UPDATE w SET value = v.c2 FROM bulkmodel_batch v WHERE w.a = v.c0 AND w.b = v.c1",
               outer, "SEARCH w USING PRIMARY KEY (a=? AND b=?)");
    check_plan("UPDATE x SET value = v.c2 FROM bulkmodel_batch v WHERE x.a = v.c0 AND x.b = v.c1",
               outer, "INDEX sqlite_autoindex_x_1 (a=? AND b=?)");
    check_plan("DELETE FROM x WHERE rowid IN (SELECT x.rowid FROM bulkmodel_batch v JOIN x ON "
               "x.a = v.c0 AND x.b = v.c1)",
               outer, "INDEX sqlite_autoindex_x_1 (a=? AND b=?)");
}

/* The batch is outside and tables are found by key: with no statistics, with those of 10 million
 * rows and of three.  (With less than three SQLite scans the table inside: whatever it is joined
 * with.) */
static void test_plans(void **state)
{
    (void)state;
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, value);"
             "CREATE TABLE u(code TEXT PRIMARY KEY, value);"
             "CREATE TABLE w(a INTEGER, b TEXT, value, PRIMARY KEY(a, b)) WITHOUT ROWID;"
             "CREATE TABLE x(a INTEGER, b TEXT, value, PRIMARY KEY(a, b));");
    check_plans(true);
    MUST(&p, "ANALYZE");
    check_plans(true);
    static const char *const counts[] = {"10000000", "3"};
    for (size_t i = 0; i < 2; i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "DELETE FROM sqlite_stat1;"
                 "INSERT INTO sqlite_stat1 VALUES('t', NULL, '%s'),"
                 "('u', 'sqlite_autoindex_u_1', '%s 1'), ('w', 'w', '%s 100 1'),"
                 "('x', 'sqlite_autoindex_x_1', '%s 100 1'); ANALYZE sqlite_schema;",
                 counts[i], counts[i], counts[i], counts[i]);
        MUST(&p, sql);
        check_plans(i == 0);
    }
}

static void test_update_and_delete(void **state)
{
    (void)state;
    bm__batch batch = batch_of(N_ROWS);
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, value);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
             "INSERT INTO t SELECT i, -1 FROM n");
    MUST_BATCH(&p, "UPDATE t SET value = v.c2 FROM bulkmodel_batch v WHERE t.id = v.c0", &batch);
    assert_int_equal(p.answer.rows, N_ROWS);
    assert_string_equal(ask(&p, "SELECT sum(value = (id - 1) * 10), sum(value = -1) FROM t", NULL),
                        "1000|500\n");
    MUST_BATCH(&p, "DELETE FROM t WHERE id IN (SELECT c0 FROM bulkmodel_batch)", &batch);
    assert_int_equal(p.answer.rows, N_ROWS);
    assert_string_equal(ask(&p, "SELECT count(*), min(id) FROM t", NULL), "500|1001\n");
}

/* Performs the statement, which must break a constraint; returns the row that is told. */
static size_t failing_row(const char *sql, const bm__batch *batch)
{
    assert_int_equal(do_sql(&p, sql, batch), BM_CONSTRAINT);
    return p.answer.row;
}

static void test_failing_row(void **state)
{
    (void)state;
    static const char insert[] = "INSERT INTO t SELECT c0, c1, c2 FROM bulkmodel_batch";
    static const size_t places[] = {0, 1, 255, 256, 600, N_ROWS - 1};
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, value INTEGER UNIQUE "
             "CONSTRAINT positive CHECK(value >= 0))");
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t at = places[i];
        bm__batch batch = batch_of(N_ROWS);
        rows[at].name_state = BM_NULL;
        assert_int_equal(failing_row(insert, &batch), at);
        assert_string_equal(p.err.column, "name");
        assert_string_equal(p.err.sqlstate, "23502");
        batch = batch_of(N_ROWS);
        rows[at].value = -1;
        assert_int_equal(failing_row(insert, &batch), at);
        assert_string_equal(p.err.constraint, "positive");
        assert_string_equal(p.err.sqlstate, "23514");
        if (at > 0) {
            batch = batch_of(N_ROWS);
            rows[at].value = 0;
            assert_int_equal(failing_row(insert, &batch), at);
            assert_string_equal(p.err.constraint, "t.value");
            assert_string_equal(p.err.column, "value");
            assert_string_equal(p.err.sqlstate, "23505");
            assert_int_equal(p.err.native_code, SQLITE_CONSTRAINT_UNIQUE);
        }
    }
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "0\n");
}

/* Where the statement reads the whole batch before it writes, or reads it twice, no row is told. */
static void test_unknown_row(void **state)
{
    (void)state;
    bm__batch batch = batch_of(10);
    MUST(&p, "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
             "CREATE TABLE t(id INTEGER PRIMARY KEY, value UNIQUE, "
             "parent INTEGER REFERENCES parent);"
             "CREATE TABLE seen(id); CREATE TABLE guarded(id INTEGER PRIMARY KEY);"
             "CREATE TRIGGER g AFTER INSERT ON guarded BEGIN INSERT INTO seen VALUES(new.id); END;"
             "INSERT INTO t(id, value) VALUES(3, 20), (4, 30), (40, 50)");
    assert_int_equal(
        failing_row("UPDATE t SET value = 1 FROM bulkmodel_batch v WHERE id = v.c0", &batch),
        BM_NO_ROW);
    assert_int_equal(failing_row("INSERT INTO t SELECT c0 + 100, c2 + 1000, c0 FROM "
                                 "bulkmodel_batch",
                                 &batch),
                     BM_NO_ROW);
    assert_string_equal(p.err.sqlstate, "23503");
    rows[4].id = 1;
    assert_int_equal(failing_row("INSERT INTO guarded SELECT c0 FROM bulkmodel_batch", &batch),
                     BM_NO_ROW);
    assert_int_equal(failing_row("INSERT INTO t(id) SELECT c0 FROM bulkmodel_batch v WHERE EXISTS "
                                 "(SELECT 1 FROM bulkmodel_batch w WHERE w.c0 = v.c0)",
                                 &batch),
                     BM_NO_ROW);
    assert_int_equal(failing_row("UPDATE t SET value = (SELECT 5 FROM bulkmodel_batch v WHERE "
                                 "v.c0 = t.id)",
                                 &batch),
                     BM_NO_ROW);
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "3\n");
}

static void test_faulty_cell(void **state)
{
    (void)state;
    bm__batch batch = batch_of(N_ROWS);
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, name, real)");
    rows[700].real = (double)NAN;
    static const char sql[] = "INSERT INTO t SELECT c0, c1, c3 FROM bulkmodel_batch";
    assert_int_equal(do_sql(&p, sql, &batch), BM_CONVERT);
    assert_int_equal(p.answer.row, 700);
    assert_string_equal(p.err.column, "real");
    assert_non_null(strstr(p.err.message, "NaN"));
    rows[20].name = "a\xFF";
    assert_int_equal(do_sql(&p, sql, &batch), BM_CONVERT);
    assert_int_equal(p.answer.row, 20);
    assert_string_equal(p.err.column, "name");
    assert_null(strstr(p.err.message, "a\xFF"));
    assert_string_equal(ask(&p, "SELECT count(*) FROM t", NULL), "0\n");
}

static void test_without_a_batch(void **state)
{
    (void)state;
    bm__batch batch = batch_of(2);
    assert_int_equal(do_sql(&p, "SELECT c0 FROM bulkmodel_batch", NULL), BM_DATABASE);
    assert_string_equal(ask(&p, "SELECT c0 FROM bulkmodel_batch", &batch), "1\n2\n");
    assert_int_equal(do_sql(&p, "SELECT c0 FROM bulkmodel_batch", NULL), BM_DATABASE);
    assert_non_null(strstr(p.err.message, "no batch"));
    batch.n_views = 2;
    assert_int_equal(do_sql(&p, "SELECT c3 FROM bulkmodel_batch", &batch), BM_DATABASE);
    assert_non_null(strstr(p.err.message, "no such column"));
    MUST(&p, "CREATE TABLE t(id); CREATE TRIGGER r AFTER INSERT ON t BEGIN "
             "DELETE FROM t WHERE id IN (SELECT c0 FROM bulkmodel_batch); END");
    assert_int_equal(do_sql(&p, "INSERT INTO t SELECT c0 FROM bulkmodel_batch", &batch),
                     BM_DATABASE);
    assert_non_null(strstr(p.err.message, "unsafe"));
}

/* A caller's statement that outlives the step in which it began, and the connection: no batch. */
static void run_later(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_stmt **stmt = sqlite3_user_data(context);
    sqlite3_prepare_v2(p.db, "SELECT c1 FROM bulkmodel_batch", -1, stmt, NULL);
    sqlite3_result_int(context, sqlite3_step(*stmt));
}

static void test_statement_that_outlives_its_batch(void **state)
{
    (void)state;
    bm__batch batch = batch_of(5);
    sqlite3_stmt *held = NULL;
    sqlite3_create_function(p.db, "run_later", 0, SQLITE_UTF8, &held, run_later, NULL, NULL);
    assert_string_equal(ask(&p, "SELECT run_later() FROM bulkmodel_batch WHERE ord = 0", &batch),
                        "100\n");
    assert_int_equal(sqlite3_step(held), SQLITE_ERROR);
    assert_non_null(strstr(sqlite3_errmsg(p.db), "no longer exists"));
    sqlite3_reset(held);
    assert_int_equal(sqlite3_step(held), SQLITE_ERROR);
    sqlite3_reset(held);
    p.conn->transport->close(p.conn);
    p.conn = NULL;
    assert_int_equal(sqlite3_step(held), SQLITE_ERROR);
    sqlite3_finalize(held);
}

/* Two of ours over one connection of a caller's take turns, and one goes first. */
static void test_two_over_one_connection(void **state)
{
    (void)state;
    static const char sql[] = "SELECT sum(c0) FROM bulkmodel_batch";
    bm__batch batch = batch_of(4);
    bm__batch smaller = batch_of(2);
    peer other = {.err = BM_ERROR};
    must(&other, bm__transport_sqlite.attach(p.db, &other.conn, &other.err));
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ask(&p, sql, &batch), "10\n");
        assert_string_equal(ask(&other, sql, &smaller), "3\n");
        assert_string_equal(ask(&p, "SELECT count(*) FROM bulkmodel_batch", &batch), "4\n");
    }
    close_peer(&other);
    assert_string_equal(ask(&p, "SELECT count(c1) FROM bulkmodel_batch", &batch), "4\n");
}

static void test_column_limit(void **state)
{
    (void)state;
    enum { MOST = 1999 };
    static int32_t cells[MOST + 1];
    bm__view *wide = calloc(MOST + 1, sizeof *wide);
    char *sql = malloc(65536);
    assert_true(wide != NULL && sql != NULL);
    size_t used = (size_t)snprintf(sql, 65536, "SELECT ");
    for (int i = 0; i <= MOST; i++) {
        cells[i] = i;
        wide[i] =
            (bm__view){.name = "c", .cells = {BM_INT4, BM_FIXED, 4, &cells[i], 4, NULL, 0, NULL}};
        if (i < MOST) {
            used += (size_t)snprintf(sql + used, 65536 - used, "%sc%d", i > 0 ? "+" : "", i);
        }
    }
    snprintf(sql + used, 65536 - used, " FROM bulkmodel_batch");
    bm__batch batch = {.views = wide, .n_views = 20, .n_rows = 1};
    assert_string_equal(ask(&p, "SELECT c19 FROM bulkmodel_batch", &batch), "19\n");
    batch.n_views = MOST;
    assert_string_equal(ask(&p, "SELECT c1998, c19 FROM bulkmodel_batch", &batch), "1998|19\n");
    assert_string_equal(ask(&p, "SELECT c19 FROM bulkmodel_batch", &batch), "19\n");
    batch.n_views = MOST + 1;
    assert_int_equal(do_sql(&p, "SELECT c0 FROM bulkmodel_batch", &batch), BM_LIMIT);
    batch.n_views = 1;
    assert_string_equal(ask(&p, "SELECT c0 FROM bulkmodel_batch", &batch), "0\n");
    free(wide);
    free(sql);
}

/* The rowids of new rows, as the table sees them: so many; -1 where it sees none. */
static int watch(sqlite3 *db, const char *sql, int64_t keys[5])
{
    bm__batch batch = batch_of(5);
    bm__sqlite_source *source = bm__sqlite_source_create();
    bool widened;
    assert_int_equal(bm__sqlite_source_register(source, db), SQLITE_OK);
    assert_int_equal(bm__sqlite_source_offer(source, &batch, NULL, NULL, &widened), SQLITE_OK);
    bm__sqlite_source_watch(source, keys);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    bm__sqlite_place place = bm__sqlite_source_place(source);
    bm__sqlite_source_withdraw(source);
    bm__sqlite_source_unregister(db);
    bm__sqlite_source_release(source);
    assert_int_equal(rc, place.blind ? SQLITE_ERROR : SQLITE_OK);
    return place.blind ? -1 : (int)place.n_keys;
}

static void test_watched_keys(void **state)
{
    (void)state;
    static const char insert[] = "INSERT INTO t(name) SELECT c1 FROM bulkmodel_batch";
    int64_t keys[5];
    MUST(&p, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT IGNORE)");
    MUST(&p, "CREATE TABLE log(name)");
    MUST(&p, "INSERT INTO t VALUES (41, 'n2')");
    assert_int_equal(watch(p.db, insert, keys), 4); /* n2 is there */
    const int64_t made[] = {42, 43, 43, 44, 45};
    assert_memory_equal(keys, made, sizeof keys);
    assert_string_equal(ask(&p, "SELECT * FROM t", NULL),
                        "41|'n2'\n42|'n0'\n43|'n1'\n44|'n3'\n45|'n4'\n");
    MUST(&p, "DELETE FROM t");
    MUST(&p, "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.name); END");
    assert_int_equal(watch(p.db, insert, keys), -1);
    assert_string_equal(ask(&p, "SELECT count(*), last_insert_rowid() FROM t", NULL), "0|45\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_insert, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_picked_rows_and_pointers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_constants_and_validity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ord, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plans, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_update_and_delete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failing_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faulty_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statement_that_outlives_its_batch, set_up_borrowed,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_two_over_one_connection, set_up_borrowed, tear_down),
        cmocka_unit_test_setup_teardown(test_column_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_watched_keys, set_up_borrowed, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
