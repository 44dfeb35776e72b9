/* bm_sync: the rows that a condition selects become those of the call. */
#include "world.h"

#define SYNC(...) BM_OPTIONS(bm_sync_options, __VA_ARGS__)
#define LOW .where = "t.value < 1000 -- the scope"
#define BY_NAME .unique_fields = BM_NAMES("name"), .return_outcomes = BM_ON

/* item, name unique: "n0" to "n<n - 1>" with values 0, 10 ..., and "far", which LOW leaves out. */
static void make(world *w, int n)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "INSERT INTO item VALUES (5000, 'far', 5000, 'other')");
    for (int i = 0; i < n; i++) {
        run(w, "INSERT INTO item VALUES (%d, 'n%d', %d, 'text')", i + 1, i, 10 * i);
    }
    if (w->on->move_on != NULL) {
        run(w, "%s", w->on->move_on);
    }
}

static bm_status sync_rows(world *w, const item *rows, size_t n, const bm_sync_options *options)
{
    return bm_sync(w->db, bm_structs(&item_model, rows, n), options, fresh(w), &w->err);
}

static void expect_counts(const world *w, uint64_t inserted, uint64_t updated, uint64_t unchanged,
                          uint64_t deleted)
{
    assert_int_equal(w->result.inserted, inserted);
    assert_int_equal(w->result.updated, updated);
    assert_int_equal(w->result.unchanged, unchanged);
    assert_int_equal(w->result.deleted, deleted);
}

static void the_scope_becomes_the_rows(world *w)
{
    make(w, 5);
    item *rows = some_items(4, -1, 0); /* n0 n1 n2 n3: n4 is gone */
    rows[1].value = 11;
    rows[3].name = "new"; /* n3 is gone */
    ok(w, sync_rows(w, rows, 4, SYNC(BY_NAME, LOW)));
    expect_outcomes(w, "=u=i");
    expect_counts(w, 1, 1, 2, 2);
    expect(w, "far|5000\nn0|0\nn1|11\nn2|20\nnew|30\n",
           "SELECT name, value FROM item ORDER BY name");
    ok(w, sync_rows(w, rows, 4, SYNC(BY_NAME, LOW)));
    expect_counts(w, 0, 0, 4, 0);
    free(rows);
}

/* Rows that a source gives twice. */
typedef struct reader {
    const item *rows;
    size_t n, at, fewer; /* fewer: at each further reading */
    int closed;
} reader;

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    reader *r = user;
    (void)err;
    for (*n = 0; *n < capacity && *n < 7 && r->at < r->n; ++*n, r->at++) {
        ((item *)rows)[*n] = r->rows[r->at];
    }
    return BM_OK;
}

static bm_status rewind_it(void *user, bm_error *err)
{
    (void)err;
    ((reader *)user)->at = 0;
    ((reader *)user)->n -= ((reader *)user)->fewer;
    return BM_OK;
}

static void close_it(void *user)
{
    ((reader *)user)->closed++;
}

static void a_stream_is_read_again(world *w)
{
    make(w, 40);
    item *some = some_items(38, 3, 1); /* keys 3 to 40, values 0, 10 ... */
    reader r = {.rows = some, .n = 38};
    bm_source source = {
        .size = sizeof source, .user = &r, .next = next, .rewind = rewind_it, .close = close_it};
    bm_rows rows = bm_stream(&item_given_model, &source);
    ok(w, bm_sync(w->db, rows, SYNC(LOW, .batch_size = 9), fresh(w), &w->err));
    expect_counts(w, 0, 38, 0, 2);
    assert_int_equal(r.closed, 1);
    expect_number(w, 39, "SELECT count(*) FROM item");
    source.rewind = NULL;
    refused(w, bm_sync(w->db, rows, SYNC(LOW), fresh(w), &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
    assert_int_equal(r.closed, 2);
    free(some);
}

/* Rows that the second reading no longer has would neither be written nor deleted. */
static void a_stream_must_give_the_same_rows(world *w)
{
    make(w, 40);
    item *some = some_items(38, 3, 1);
    reader r = {.rows = some, .n = 38, .fewer = 1};
    bm_source source = {
        .size = sizeof source, .user = &r, .next = next, .rewind = rewind_it, .close = close_it};
    refused(w, bm_sync(w->db, bm_stream(&item_given_model, &source), SYNC(LOW), fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "38 rows, and 37"));
    expect_number(w, 41, "SELECT count(*) FROM item");
    free(some);
}

/* A limit in percent allows 10 rows; a number is that number; and the error has the numbers. */
static void too_many_deletes_are_refused(world *w)
{
    make(w, 40);
    item *rows = some_items(40, -1, 0);
    refused(w, sync_rows(w, rows, 29, SYNC(BY_NAME, LOW)), BM_LIMIT, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "11 of the 40 rows"));
    assert_non_null(strstr(w->err.message, "allows 10"));
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    refused(w, sync_rows(w, rows, 38, SYNC(LOW, BY_NAME, .max_deletes = 1)), BM_LIMIT, BM_NO_ROW,
            "");
    refused(w, sync_rows(w, rows, 39, SYNC(LOW, BY_NAME, .max_deletes = BM_NO_DELETES)), BM_LIMIT,
            BM_NO_ROW, "");
    refused(
        w, sync_rows(w, rows, 10, SYNC(LOW, BY_NAME, .max_deletes = -1, .max_deletes_percent = 50)),
        BM_LIMIT, BM_NO_ROW, "");
    expect_counts(w, 0, 0, 0, 0);
    expect_number(w, 41, "SELECT count(*) FROM item");
    ok(w, sync_rows(w, rows, 30, SYNC(LOW, BY_NAME)));
    expect_counts(w, 0, 0, 30, 10);
    ok(w, sync_rows(w, rows, 15, SYNC(LOW, BY_NAME, .max_deletes_percent = 50)));
    ok(w, sync_rows(w, rows, 1, SYNC(LOW, BY_NAME, .max_deletes = -1)));
    expect(w, "far\nn0\n", "SELECT name FROM item ORDER BY name");
    free(rows);
}

static void no_rows_are_refused(world *w)
{
    make(w, 3);
    refused(w, sync_rows(w, NULL, 0, SYNC(BY_NAME, LOW)), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "allow_empty"));
    expect_number(w, 4, "SELECT count(*) FROM item");
    ok(w, sync_rows(w, NULL, 0, SYNC(BY_NAME, LOW, .allow_empty = BM_ON)));
    expect_counts(w, 0, 0, 0, 3);
    expect(w, "far\n", "SELECT name FROM item");
}

/* Errors by row; nothing is deleted and nothing written. */
static void rows_outside_of_the_scope_are_refused(world *w)
{
    make(w, 4);
    item *rows = some_items(3, -1, 0);
    rows[2].name = "far"; /* exists, with value 5000 */
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)), BM_CONSTRAINT, 2, "name");
    assert_non_null(strstr(w->err.message, "row 2: its key exists"));
    rows[2].name = "new";
    rows[2].value = 1000; /* LOW does not select it */
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)), BM_CONSTRAINT, 2, "name");
    rows[2].name = "n2"; /* is moved out */
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)), BM_CONSTRAINT, 2, "name");
    rows[2].value = 20;
    run(w, "UPDATE item SET value = NULL WHERE name = 'n2'"); /* neither true nor false */
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)), BM_CONSTRAINT, 2, "name");
    expect(w, "far|5000\nn0|0\nn1|10\nn2|NULL\nn3|30\n",
           "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

static void a_dry_run_counts(world *w)
{
    make(w, 5);
    item *rows = some_items(4, -1, 0);
    rows[0].value = 1;
    const bm_call *call = BM_OPTIONS(bm_call, .dry_run = BM_ON);
    ok(w, sync_rows(w, rows, 4, SYNC(BY_NAME, LOW, .call = call)));
    expect_counts(w, 0, 1, 3, 1);
    expect_outcomes(w, "u===");
    expect(w, "0\n", "SELECT value FROM item WHERE name = 'n0'");
    expect_number(w, 6, "SELECT count(*) FROM item");
    refused(w,
            sync_rows(w, rows, 4, SYNC(BY_NAME, LOW, .call = call, .max_deletes = BM_NO_DELETES)),
            BM_LIMIT, BM_NO_ROW, "");
    free(rows);
}

/* Deletes come first: what was unique may be given to another row. */
static void a_value_passes_from_a_row_that_goes(world *w)
{
    make(w, 3);
    run(w, "CREATE UNIQUE INDEX of_note ON item (note, value)");
    item *rows = some_items(3, -1, 0);
    rows[2].name = "heir"; /* has the value of n2 */
    ok(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)));
    expect_counts(w, 1, 0, 2, 1);
    expect(w, "heir|20\n", "SELECT name, value FROM item WHERE value = 20");
    free(rows);
}

/* In a transaction of the caller, twice; a failure leaves what was before it. */
static void it_takes_part_in_a_transaction(world *w)
{
    make(w, 3);
    bm_db *tx;
    item *rows = some_items(3, -1, 0);
    bm_rows two = bm_structs(&item_model, rows, 2);
    ok(w, bm_begin(w->db, &tx, &w->err));
    add_item(w, tx, 3);
    ok(w, bm_sync(tx, two, SYNC(BY_NAME, LOW), fresh(w), &w->err));
    expect_counts(w, 0, 0, 2, 2);
    rows[1].name = "far";
    refused(w, bm_sync(tx, two, SYNC(BY_NAME, LOW), fresh(w), &w->err), BM_CONSTRAINT, 1, "name");
    assert_int_equal(w->err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
    rows[1].name = "n1";
    rows[1].value = 12;
    ok(w, bm_sync(tx, two, SYNC(BY_NAME, LOW), fresh(w), &w->err));
    expect_counts(w, 0, 1, 1, 0);
    ok(w, bm_commit(tx, &w->err));
    expect(w, "far|5000\nn0|0\nn1|12\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

static void bad_options_are_refused(world *w)
{
    make(w, 3);
    item *rows = some_items(3, -1, 0);
    const bm_call *rejects = BM_OPTIONS(bm_call, .on_error = BM_ON_ERROR_REJECT);
    refused(w, sync_rows(w, rows, 3, NULL), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "where"));
    refused(w, sync_rows(w, rows, 3, SYNC(LOW, .max_deletes_percent = 101)), BM_INVALID, BM_NO_ROW,
            "");
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW, .call = rejects)), BM_UNSUPPORTED,
            BM_NO_ROW, "");
    refused(w, sync_rows(w, rows, 3, SYNC(LOW, .unique_fields = BM_NAMES("nix"))), BM_INVALID,
            BM_NO_ROW, "nix");
    refused(w, sync_rows(w, rows, 3, SYNC(LOW)), BM_INVALID, BM_NO_ROW, "id"); /* has no value */
    const bool lite = (w->on->bit & ON_SQLITE) != 0;
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, .where = "nix > 1")),
            lite ? BM_DATABASE : BM_INVALID, BM_NO_ROW, "");
    rows[2].name = "n0";
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW)), BM_INVALID, 0, "name");
    assert_int_equal(w->err.other_row, 2);
    expect_number(w, 4, "SELECT count(*) FROM item");
    free(rows);
}

/* Rows that another session inserts after the scope was locked: on_statement is called then. */
typedef struct other {
    world *w;
    const char *sql;
} other;

static void insert_meanwhile(void *user, const char *sql, uint64_t rows)
{
    other *o = user;
    (void)rows;
    if (o->sql != NULL && strstr(sql, "\"bulkmodel_scope\" AS SELECT") != NULL) {
        run(o->w, "%s", o->sql);
        o->sql = NULL;
    }
}

static void what_is_inserted_meanwhile_is_not_deleted(world *w)
{
    make(w, 3);
    item *rows = some_items(3, -1, 0);
    other o = {w, "INSERT INTO item VALUES (900, 'late', 1, '')"};
    const bm_call *call = BM_OPTIONS(bm_call, .user = &o, .on_statement = insert_meanwhile);
    ok(w, sync_rows(w, rows, 2, SYNC(BY_NAME, LOW, .call = call)));
    expect_counts(w, 0, 0, 2, 1);
    expect(w, "far\nlate\nn0\nn1\n", "SELECT name FROM item ORDER BY name");
    o.sql = "INSERT INTO item VALUES (901, 'n2', 20, '')"; /* a key of the call */
    refused(w, sync_rows(w, rows, 3, SYNC(BY_NAME, LOW, .call = call, .max_deletes = -1)),
            BM_CONSTRAINT, BM_NO_ROW, "");
    expect_number(w, 5, "SELECT count(*) FROM item");
    free(rows);
}

/* A key of two columns, texts among them, with letters that a collation calls equal. */
typedef struct pair {
    const char *a;
    int32_t b, n;
} pair;

static const bm_model pair_model =
    BM_MODEL("pair", pair, BM_FIELD(pair, a, BM_TEXT, BM_KEY), BM_FIELD(pair, b, BM_INT4, BM_KEY),
             BM_FIELD(pair, n, BM_INT4, 0));

static void by_a_key_of_two_columns(world *w)
{
    const bool lite = (w->on->bit & ON_SQLITE) != 0;
    run(w, "CREATE TABLE pair (a text%s NOT NULL, b int NOT NULL, n int, PRIMARY KEY (a, b))",
        lite ? " COLLATE NOCASE" : "");
    run(w, "INSERT INTO pair VALUES ('X', 1, 1), ('X', 2, 2), ('y', 1, 3), ('it''s', 1, 4)");
    const pair rows[] = {{"X", 1, 1}, {lite ? "Y" : "y", 1, 30}, {"z\"", 2, 5}};
    ok(w,
       bm_sync(w->db, bm_structs(&pair_model, rows, 3), SYNC(.where = "true"), fresh(w), &w->err));
    expect_counts(w, 1, 1, 1, 2);
    expect(w, "X|1|1\ny|1|30\nz\"|2|5\n", "SELECT a, b, n FROM pair ORDER BY a, b");
}

/* A trigger that keeps a row is no success. */
static void a_row_that_a_trigger_keeps_is_an_error(world *w)
{
    make(w, 3);
    if (w->on->bit == ON_POSTGRESQL) {
        run(w, "CREATE FUNCTION keep_it() RETURNS trigger LANGUAGE plpgsql AS "
               "$$ BEGIN RETURN NULL; END $$");
        run(w, "CREATE TRIGGER kept BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION keep_it()");
    } else {
        run(w, "CREATE TRIGGER kept BEFORE DELETE ON item BEGIN SELECT RAISE(IGNORE); END");
    }
    item *rows = some_items(2, -1, 0);
    rows[0].value = 1;
    refused(w, sync_rows(w, rows, 2, SYNC(BY_NAME, LOW)), BM_DATABASE, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "0 of 1 rows"));
    expect(w, "0\n", "SELECT value FROM item WHERE name = 'n0'");
    free(rows);
}

static void it_is_explained(world *w)
{
    make(w, 3);
    item *rows = some_items(3, -1, 0);
    explains(w, "sync", bm_structs(&item_model, rows, 3), SYNC(BY_NAME, LOW), "deleted");
    expect_number(w, 4, "SELECT count(*) FROM item");
    free(rows);
}

/* A table whose columns have the names that statements of ours use. */
typedef struct named {
    int64_t ord;
    const char *c0;
    int32_t t, k0;
    uint8_t ord_state;
} named;

static const bm_model named_model =
    BM_MODEL("named", named, BM_FIELD_STATE(named, ord, BM_INT8, BM_KEY, ord_state),
             BM_FIELD(named, c0, BM_TEXT, 0), BM_FIELD(named, t, BM_INT4, 0),
             BM_FIELD(named, k0, BM_INT4, 0));

static void make_named(world *w, const char *constraint)
{
    run(w, "CREATE TABLE named (ord bigint PRIMARY KEY, c0 text, t int, k0 int%s)", constraint);
    run(w, "INSERT INTO named VALUES (1, 'a', 1, 1), (2, 'b', 1, 2), (3, 'far', 9, 3)");
}

static bm_status sync_named(world *w, const named *rows, size_t n, const bm_sync_options *options)
{
    return bm_sync(w->db, bm_structs(&named_model, rows, n), options, fresh(w), &w->err);
}

/* Without `t` before them: they are the table's, also where a row is looked for that is outside. */
static void a_condition_names_any_column(world *w)
{
    const char *const conditions[] = {"ord < 3", "c0 <> 'far'", "k0 < 3"};
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        named rows[] = {{1, "a", 1, 1, 0}, {3, "x", 1, 1, 0}};
        make_named(w, "");
        refused(w, sync_named(w, rows, 2, SYNC(.where = conditions[i])), BM_CONSTRAINT, 1, "ord");
        assert_non_null(strstr(w->err.message, "row 1: its key exists"));
        rows[1] = (named){4, "far", 1, 5, 0};
        refused(w, sync_named(w, rows, 2, SYNC(.where = conditions[i])), BM_CONSTRAINT, 1, "ord");
        assert_non_null(strstr(w->err.message, "does not select it"));
        ok(w, sync_named(w, rows, 1, SYNC(.where = conditions[i])));
        expect_counts(w, 0, 0, 1, 1);
        expect(w, "1|a\n3|far\n", "SELECT ord, c0 FROM named ORDER BY 1");
        run(w, "DROP TABLE named");
    }
}

/* It is said before any row is looked for, in one statement: each row would be a scan. */
static void without_a_unique_index_it_is_refused_at_once(world *w)
{
    static const char *const kinds[] = {"", "CREATE UNIQUE INDEX wide ON named (c0, k0)",
                                        "CREATE UNIQUE INDEX part ON named (c0) WHERE t > 0",
                                        "CREATE INDEX plain ON named (c0)"};
    const named rows[] = {{1, "a", 1, 1, 0}, {2, "b", 1, 2, 0}};
    const bm_sync_options *by_c0 = SYNC(.where = "t = 1", .unique_fields = BM_NAMES("c0"));
    make_named(w, "");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i][0] != '\0') {
            run(w, "%s", kinds[i]);
        }
        refused(w, sync_named(w, rows, 2, by_c0), BM_INVALID, BM_NO_ROW, "");
        assert_non_null(
            strstr(w->err.message, "\"named\" has no unique index over exactly (\"c0\")"));
        assert_true(w->result.statements <= 4);
    }
    run(w, "CREATE UNIQUE INDEX pair ON named (k0, c0)");
    ok(w, sync_named(w, rows, 2, SYNC(.where = "t = 1", .unique_fields = BM_NAMES("c0", "k0"))));
    run(w, "CREATE UNIQUE INDEX one ON named (c0)");
    ok(w, sync_named(w, rows, 2, by_c0));
    expect_counts(w, 0, 0, 2, 0);
}

/* Not "no unique index": it has one, over the column that it had. */
static void a_column_that_is_gone_is_named(world *w)
{
    const named rows[] = {{1, "a", 1, 1, 0}, {2, "b", 1, 2, 0}};
    const bm_sync_options *by_c0 = SYNC(.where = "t = 1", .unique_fields = BM_NAMES("c0"));
    make_named(w, "");
    run(w, "CREATE UNIQUE INDEX one ON named (c0)");
    ok(w, sync_named(w, rows, 2, by_c0));
    run(w, "ALTER TABLE named RENAME COLUMN c0 TO moved");
    assert_int_not_equal(sync_named(w, rows, 2, by_c0), BM_OK);
    assert_null(strstr(w->err.message, "unique index"));
    assert_non_null(strstr(w->err.message, "c0"));
}

/* SQLite makes a key of a NULL in an INTEGER PRIMARY KEY: a new row at each call. */
static void a_key_without_a_value_is_refused(world *w)
{
    named rows[] = {{1, "a", 1, 1, 0}, {0, "n", 1, 1, BM_NULL}};
    make_named(w, "");
    refused(w, sync_named(w, rows, 2, SYNC(.where = "t = 1")), BM_INVALID, 1, "ord");
    expect_number(w, 3, "SELECT count(*) FROM named");
    run(w, "DROP TABLE named");
    run(w, "CREATE TABLE named (ord integer PRIMARY KEY, c0 text, t int, k0 int)");
    refused(w, sync_named(w, rows, 2, SYNC(.where = "t = 1")), BM_INVALID, 1, "ord");
    expect_number(w, 0, "SELECT count(*) FROM named");
}

/* 'A' is 'a' to the index, and not by its bytes. */
static void a_key_whose_collation_ignores_case(world *w)
{
    run(w, "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = "
           "false)");
    run(w, "CREATE TABLE word (word text COLLATE nocase PRIMARY KEY, n int)");
    run(w, "INSERT INTO word VALUES ('a', 1), ('b', 2), ('far', 3)");
    word rows[] = {{"A", 1}, {"B", 3}, {"c", 4}};
    ok(w, bm_sync(w->db, bm_structs(&word_model, rows, 3), SYNC(.where = "word <> 'FAR'"), fresh(w),
                  &w->err));
    expect_counts(w, 1, 1, 1, 0);
    expect(w, "a|1\nb|3\nc|4\nfar|3\n", "SELECT word, n FROM word ORDER BY word");
    rows[0].n = 5;
    rows[1].word = "a"; /* twice, in other letters */
    bm_status status =
        bm_upsert(w->db, bm_structs(&word_model, rows, 2),
                  BM_OPTIONS(bm_upsert_options, .return_outcomes = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, BM_NO_ROW, "");
    assert_string_equal(w->err.sqlstate, "21000");
    expect(w, "a|1\nb|3\nc|4\nfar|3\n", "SELECT word, n FROM word ORDER BY word");
    rows[0].n = 1;
    rows[1].word = "D";
    ok(w, bm_upsert(w->db, bm_structs(&word_model, rows, 3),
                    BM_OPTIONS(bm_upsert_options, .return_outcomes = BM_ON), fresh(w), &w->err));
    expect_outcomes(w, "=i=");
}

int main(void)
{
    static const conformance_case cases[] = {
        CASE(ON_SQL, the_scope_becomes_the_rows),
        CASE(ON_SQL, a_stream_is_read_again),
        CASE(ON_SQL, a_stream_must_give_the_same_rows),
        CASE(ON_SQL, too_many_deletes_are_refused),
        CASE(ON_SQL, no_rows_are_refused),
        CASE(ON_SQL, rows_outside_of_the_scope_are_refused),
        CASE(ON_SQL, a_dry_run_counts),
        CASE(ON_SQL, a_value_passes_from_a_row_that_goes),
        CASE(ON_SQL, it_takes_part_in_a_transaction),
        CASE(ON_SQL, bad_options_are_refused),
        CASE(ON_POSTGRESQL, what_is_inserted_meanwhile_is_not_deleted),
        CASE(ON_SQL, by_a_key_of_two_columns),
        CASE(ON_SQL, a_row_that_a_trigger_keeps_is_an_error),
        CASE(ON_SQL, it_is_explained),
        CASE(ON_SQL, a_condition_names_any_column),
        CASE(ON_SQL, without_a_unique_index_it_is_refused_at_once),
        CASE(ON_SQL, a_column_that_is_gone_is_named),
        CASE(ON_SQL, a_key_without_a_value_is_refused),
        CASE(ON_POSTGRESQL, a_key_whose_collation_ignores_case),
    };
    return conformance_run("sync", cases, sizeof cases / sizeof cases[0]);
}
