/* bm_describe_query and bm_copy_to with a query: issue 13, "--query". */
#include "world.h"

typedef struct total {
    const char *note;
    int64_t n;
    uint8_t note_state;
} total;

static const bm_model total_model =
    BM_MODEL("totals", total, BM_FIELD_STATE(total, note, BM_TEXT, 0, note_state),
             BM_FIELD(total, n, BM_INT8, 0));

static void given(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 10, 'x'), (2, 'b', 20, 'y'), (3, 'c', 5, 'x')");
}

static bm_status copy(world *w, bm_db *db, const char *query)
{
    return bm_copy_to(db, bm_all(&total_model), COPY(.query = query), fresh(w), &w->err);
}

static void expect_totals(world *w)
{
    assert_int_equal(w->result.read, 2);
    const total *first = bm_queryset_at(w->result.queryset, 0);
    const total *second = bm_queryset_at(w->result.queryset, 1);
    assert_string_equal(first->note, "y");
    assert_int_equal(first->n, 20);
    assert_string_equal(second->note, "x");
    assert_int_equal(second->n, 15);
}

static const char sums[] =
    "SELECT count(*) AS many, sum(value) AS n, note FROM item GROUP BY note ORDER BY note DESC";

/* By name, in the query's order, and columns that the model does not have are left out. */
static void rows_of_a_query(world *w)
{
    given(w);
    ok(w, copy(w, w->db, sums));
    expect_totals(w);
}

/* A semicolon and a comment at the end, a WITH, a name that the statement uses itself. */
static void a_query_as_people_write_it(world *w)
{
    given(w);
    ok(w, copy(w, w->db,
               "WITH t AS (SELECT note, value FROM item) -- the rows\n"
               "SELECT note, sum(value) AS n FROM t GROUP BY note ORDER BY 2 DESC ; \n"));
    expect_totals(w);
    ok(w, copy(w, w->db,
               "SELECT note, sum(value) AS n FROM item GROUP BY note ORDER BY note DESC -- ;"));
    expect_totals(w);
    ok(w, copy(w, w->db, "SELECT note, id AS n FROM item WHERE note = 'no; such' -- row"));
    assert_int_equal(w->result.read, 0);
}

static void a_query_in_a_transaction(world *w)
{
    bm_db *tx;
    given(w);
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (4, 'd', 0, 'x')", &w->err));
    ok(w, copy(w, tx, sums));
    expect_totals(w);
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (5, 'e', 0, 'x')", &w->err));
    bm_status status = copy(w, tx, "SELECT nothing AS n, 'x' AS note");
    assert_true(status == BM_INVALID || status == BM_DATABASE);
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (6, 'f', 0, 'x')", &w->err));
    ok(w, bm_commit(tx, &w->err));
    expect_number(w, 6, "SELECT count(*) FROM item");
}

static void refuses(world *w, const char *query, const char *words)
{
    bm_model *model = NULL;
    refused(w, bm_describe_query(w->db, query, &model, &w->err), BM_INVALID, BM_NO_ROW, "");
    assert_null(model);
    if (strstr(w->err.message, words) == NULL) {
        fail_msg("%s: %s", query, w->err.message);
    }
    refused(w, copy(w, w->db, query), BM_INVALID, BM_NO_ROW, "");
}

static void what_is_not_one_query(world *w)
{
    given(w);
    refuses(w, "SELECT 'x' AS note, 1 AS n; SELECT 2", "more than one statement");
    refuses(w, "SELECT 'x' AS note, 1 AS n; DROP TABLE item", "more than one statement");
    refuses(w, "", "returns no columns");
    refuses(w, "-- nothing", "returns no columns");
    expect_number(w, 3, "SELECT count(*) FROM item");
}

/* SQLite carries some PRAGMAs out when they are prepared. */
static void what_is_refused_changes_nothing(world *w)
{
    static const char *const queries[] = {
        "PRAGMA ignore_check_constraints=on",
        "/* a; SELECT */ pragma ignore_check_constraints = 1",
        "-- SELECT\n;PRAGMA ignore_check_constraints=on",
        "EXPLAIN PRAGMA ignore_check_constraints=on",
        "SELECT 'x' AS note, 1 AS n; PRAGMA ignore_check_constraints=on",
        "SELECT 'x' AS note, 1 AS n; -- ;\n PRAGMA ignore_check_constraints=on",
        "SELECT 1 AS [a;b], 'x' AS note, 1 AS `n;`;PRAGMA ignore_check_constraints=on",
        "SELECT $$;PRAGMA ignore_check_constraints=on;$$",
    };
    run(w, "CREATE TABLE checked (id integer CHECK (id > 0))");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        bm_model *model = NULL;
        assert_int_equal(bm_describe_query(w->db, queries[i], &model, &w->err), BM_INVALID);
        assert_int_equal(copy(w, w->db, queries[i]), BM_INVALID);
        assert_int_equal(bm_execute(w->db, "INSERT INTO checked VALUES (-1)", &w->err),
                         BM_CONSTRAINT);
    }
}

/* The transaction of a query is rolled back: nothing of it stays, and nobody asks about its end. */
static void a_query_leaves_no_setting(world *w)
{
    static const char set[] =
        "SELECT set_config('bulkmodel.left', 'yes', false) AS note, 1::bigint AS n";
    static const char left[] =
        "SELECT coalesce(current_setting('bulkmodel.left', true), '') AS note, 1::bigint AS n";
    bm_db *tx;
    given(w);
    ok(w, copy(w, w->db, set));
    ok(w, copy(w, w->db, left));
    assert_string_equal(((const total *)bm_queryset_at(w->result.queryset, 0))->note, "");
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (4, 'd', 0, 'x')", &w->err));
    ok(w, copy(w, tx, set));
    ok(w, copy(w, tx, left));
    assert_string_equal(((const total *)bm_queryset_at(w->result.queryset, 0))->note, "");
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (5, 'e', 0, 'x')", &w->err));
    ok(w, bm_commit(tx, &w->err));
    expect_number(w, 5, "SELECT count(*) FROM item");
}

/* The types of the model are known, so nothing but the read itself runs the query. */
static void a_query_is_explained_without_a_run(world *w)
{
    static const char fails[] = "SELECT 'x' AS note, abs(-9223372036854775808) AS n";
    bm_model *model;
    char *text = NULL;
    ok(w, bm_explain(w->db, "copy_to", bm_all(&total_model), COPY(.query = fails), &text, &w->err));
    bm_free(text);
    assert_int_equal(bm_describe_query(w->db, fails, &model, &w->err), BM_DATABASE);
}

/* How a query may end. */
static void ends_of_a_query(world *w)
{
    static const char *const ends[] = {"; -- all",      ";/* c */",    " ; ;; \n",
                                       " /* ; */ ; --", " -- a\n; --", "/* a */ -- b\n",
                                       ";\n/* a\n */"};
    static const char *const names[] = {"'x;'", "'it''s -- ;'", "'/* ;'", "'\"'"};
    given(w);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            char sql[200];
            snprintf(sql, sizeof sql, "SELECT %s AS note, id AS n FROM item AS \"t;\"%s", names[k],
                     ends[i]);
            ok(w, copy(w, w->db, sql));
            assert_int_equal(w->result.read, 3);
        }
    }
    ok(w, copy(w, w->db, " ;; /* a */ ; select 'x' AS note, 1 AS n"));
}

static void ends_of_a_query_on_postgresql(world *w)
{
    static const char *const queries[] = {
        "SELECT $$;'--$$ AS note, id AS n FROM item; -- all",
        "SELECT $q$ $$; /* $q$ AS note, id AS n FROM item; /* a /* b */ ; */",
        "SELECT E'\\';--' AS note, id AS n FROM item ; -- '",
        "(SELECT 'x' AS note, id AS n FROM item);",
        ("/* a */ ( (SELECT 'x' AS note, id AS n FROM item LIMIT 1) UNION ALL (SELECT 'y', 2) "
         "UNION ALL SELECT 'z', 3);"),
        "WITH a$$ AS (SELECT id FROM item) SELECT 'x' AS note, id AS n FROM a$$; -- $$",
    };
    given(w);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ok(w, copy(w, w->db, queries[i]));
        assert_int_equal(w->result.read, 3);
    }
    refuses(w, "SELECT $a$;$a$ AS note, 1::bigint AS n; SELECT $a$;$a$", "more than one statement");
    run(w, "CREATE VIEW totals AS SELECT note, id AS n FROM item");
    ok(w, copy(w, w->db, "TABLE totals"));
    assert_int_equal(w->result.read, 3);
}

static void what_is_no_select(world *w)
{
    given(w);
    static const char *const queries[] = {
        "DELETE FROM item RETURNING id AS n, name AS note",
        "WITH a AS (SELECT 1) DELETE FROM item RETURNING id AS n, name AS note",
        "SHOW work_mem",
        "EXPLAIN SELECT 1 AS n",
        "PRAGMA table_info(item)",
        "COPY item TO STDOUT",
        "selection",
        "1",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        refuses(w, queries[i], "expected a SELECT");
    }
    expect_number(w, 3, "SELECT count(*) FROM item");
}

static void names_of_columns(world *w)
{
    given(w);
    bm_model *model;
    static const char *const queries[] = {"SELECT 1 AS \"a\tb\"", "SELECT 1 AS \"a\nb\"",
                                          "SELECT 1 AS \"\r\""};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        refused(w, bm_describe_query(w->db, queries[i], &model, &w->err), BM_INVALID, BM_NO_ROW,
                "");
        assert_non_null(strstr(w->err.message, "column 1 of the query has a tab or a line end"));
    }
}

/* The wrapper's own name is one that the query does not have. */
static void a_table_called_as_the_wrapper(world *w)
{
    run(w, "CREATE TABLE bm_query (note text, n integer)");
    run(w, "CREATE TABLE \"BM_Query1\" (note text, n integer)");
    run(w, "INSERT INTO bm_query VALUES ('x', 1)");
    bm_model *model;
    ok(w, copy(w, w->db, "SELECT note, n FROM bm_query"));
    assert_int_equal(w->result.read, 1);
    ok(w, copy(w, w->db, "SELECT note, n FROM BM_QUERY UNION ALL SELECT * FROM \"BM_Query1\""));
    assert_int_equal(w->result.read, 1);
    ok(w, bm_describe_query(w->db, "SELECT 1 + n AS n FROM bm_query", &model, &w->err));
    bm_free(model);
}

static void what_writes_writes_nothing(world *w)
{
    given(w);
    static const char *const queries[] = {
        "INSERT INTO item (id, name) VALUES (9, 'z') RETURNING id AS n, name AS note",
        "DELETE FROM item RETURNING id AS n, name AS note",
        "CREATE TABLE another (id integer)",
        "DROP TABLE item",
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        bm_status status = copy(w, w->db, queries[i]);
        assert_int_not_equal(status, BM_OK);
        assert_int_equal(w->result.read, 0);
    }
    expect_number(w, 3, "SELECT count(*) FROM item");
}

/* Functions are free to write, and so are the parts of a WITH. */
static void a_transaction_of_a_query_is_read_only(world *w)
{
    bm_db *tx;
    given(w);
    run(w, "CREATE FUNCTION added() RETURNS bigint LANGUAGE sql VOLATILE AS "
           "$$ INSERT INTO item VALUES (7, 'g', 1, 'x') RETURNING id $$");
    refused(w, copy(w, w->db, "SELECT added() AS n, 'x' AS note"), BM_DATABASE, BM_NO_ROW, "");
    assert_string_equal(w->err.sqlstate, "25006");
    ok(w, bm_begin(w->db, &tx, &w->err));
    refused(w, copy(w, tx, "SELECT added() AS n, 'x' AS note"), BM_DATABASE, BM_NO_ROW, "");
    assert_string_equal(w->err.sqlstate, "25006");
    ok(w, copy(w, tx, sums));
    ok(w, bm_execute(tx, "INSERT INTO item VALUES (8, 'h', 1, 'x')", &w->err));
    ok(w, bm_commit(tx, &w->err));
    expect_number(w, 4, "SELECT count(*) FROM item");
    assert_int_not_equal(
        copy(w, w->db,
             "WITH d AS (DELETE FROM item RETURNING id) SELECT id AS n, 'x' AS note "
             "FROM d"),
        BM_OK);
    expect_number(w, 4, "SELECT count(*) FROM item");
}

static void names_that_are_missing_or_twice(world *w)
{
    bm_model *model;
    given(w);
    refused(w, copy(w, w->db, "SELECT note FROM item"), BM_INVALID, BM_NO_ROW, "n");
    assert_non_null(strstr(w->err.message, "the result of the query has no column \"n\""));
    refused(w, copy(w, w->db, "SELECT note, id AS n, value AS n FROM item"), BM_INVALID, BM_NO_ROW,
            "n");
    refused(w, bm_describe_query(w->db, "SELECT a.id, b.id FROM item a, item b", &model, &w->err),
            BM_INVALID, BM_NO_ROW, "id");
    assert_non_null(strstr(w->err.message, "two columns \"id\""));
    ok(w, copy(w, w->db,
               "SELECT 1 AS x, 2 AS x, 'y' AS note, CAST(5 AS bigint) AS n")); /* x is not read */
    assert_int_equal(w->result.read, 1);
}

static void options_that_a_query_has_itself(world *w)
{
    given(w);
    const int64_t keys[] = {1};
    bm_status status = bm_copy_to(w->db, bm_all(&total_model), COPY(.query = sums, .where = "true"),
                                  fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status = bm_copy_to(w->db, bm_all(&total_model), COPY(.query = sums, .order_by = "n"), fresh(w),
                        &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status =
        bm_copy_to(w->db, bm_keys(&item_model, keys, 1), COPY(.query = sums), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
}

static const bm_field *field(const bm_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_fields; i++) {
        if (strcmp(model->fields[i].name, name) == 0) {
            return &model->fields[i];
        }
    }
    fail_msg("no column %s", name);
    return NULL;
}

static void types_of_a_query(world *w)
{
    bm_model *model;
    given(w);
    ok(w, bm_describe_query(w->db,
                            "SELECT id, name, value + 1 AS more, 1.5 * value AS half, "
                            "'x' || note AS text FROM item",
                            &model, &w->err));
    bool lite = (w->on->bit & ON_SQLITE) != 0;
    assert_string_equal(model->table, "query");
    assert_int_equal(model->n_fields, 5);
    assert_int_equal(field(model, "id")->type, BM_INT8);
    assert_int_equal(field(model, "more")->type, lite ? BM_INT8 : BM_INT4);
    assert_int_equal(field(model, "half")->type, lite ? BM_FLOAT8 : BM_NUMERIC);
    assert_int_equal(field(model, "text")->type, BM_TEXT);
    assert_int_equal(field(model, "id")->flags, 0);
    bm_free(model);
}

/* A domain is its base type, an array and a composite are read as text. */
static void types_of_a_query_on_postgresql(world *w)
{
    bm_model *model;
    run(w, "CREATE DOMAIN amount AS numeric(8,2); CREATE TYPE mood AS ENUM ('sad', 'glad')");
    ok(w, bm_describe_query(w->db,
                            "SELECT 1.5::amount AS a, 'sad'::mood AS m, ARRAY[1, 2] AS l, "
                            "ROW(1, 'x') AS r, NULL AS u, now() AS z, '{}'::jsonb AS j, "
                            "ARRAY['sad'::mood] AS moods",
                            &model, &w->err));
    assert_int_equal(field(model, "a")->type, BM_NUMERIC);
    assert_int_equal(field(model, "m")->type, BM_ENUM);
    assert_int_equal(field(model, "l")->type, BM_ENUM);
    assert_int_equal(field(model, "r")->type, BM_ENUM);
    assert_int_equal(field(model, "u")->type, BM_TEXT);
    assert_int_equal(field(model, "z")->type, BM_TIMESTAMPTZ);
    assert_int_equal(field(model, "j")->type, BM_JSONB);
    assert_int_equal(field(model, "moods")->type, BM_ENUM);
    bm_free(model);
}

/* Expressions have no declared type: values of one type make one. */
static void types_of_a_query_on_sqlite(world *w)
{
    bm_model *model;
    run(w, "CREATE TABLE v (a, b, c, d, e)");
    run(w, "INSERT INTO v VALUES (1, 1, 'x', x'00', NULL), (NULL, 0.5, 'y', x'01', NULL)");
    ok(w, bm_describe_query(w->db, "SELECT a, b, c, d, e FROM v", &model, &w->err));
    assert_int_equal(field(model, "a")->type, BM_INT8);
    assert_int_equal(field(model, "b")->type, BM_TEXT);
    assert_int_equal(field(model, "c")->type, BM_TEXT);
    assert_int_equal(field(model, "d")->type, BM_BYTEA);
    assert_int_equal(field(model, "e")->type, BM_TEXT);
    bm_free(model);
    refused(w, bm_describe_query(w->db, "SELECT 1 AS \"\"", &model, &w->err), BM_INVALID, BM_NO_ROW,
            "");
    assert_non_null(strstr(w->err.message, "column 1 of the query has no name"));
}

/* The first part of a compound declares a type that the others need not have. */
static void types_of_a_compound(world *w)
{
    bm_model *model;
    run(w, "CREATE TABLE m (k integer, f real, d decimal(8,2), t text, b blob, o bool)");
    run(w, "INSERT INTO m VALUES (1, 1.0, 2.5, 'x', x'00', 1), (2, 0.5, 1, 'y', NULL, 0)");
    ok(w, bm_describe_query(w->db,
                            "SELECT k, f, d, t, b, o, 1 AS e FROM m UNION ALL "
                            "SELECT 'total', 3, 3, 4, 'x', 5, 2",
                            &model, &w->err));
    assert_int_equal(field(model, "k")->type, BM_TEXT);
    assert_int_equal(field(model, "f")->type, BM_FLOAT8);
    assert_int_equal(field(model, "d")->type, BM_NUMERIC);
    assert_int_equal(field(model, "t")->type, BM_TEXT);
    assert_int_equal(field(model, "b")->type, BM_TEXT);
    assert_int_equal(field(model, "e")->type, BM_INT8);
    bm_free(model);
    ok(w, bm_describe_query(w->db, "SELECT k, f FROM m union SELECT 0.5, NULL", &model, &w->err));
    assert_int_equal(field(model, "k")->type, BM_TEXT);
    assert_int_equal(field(model, "f")->type, BM_FLOAT8);
    bm_free(model);
    ok(w, bm_describe_query(w->db, "SELECT * FROM (SELECT k FROM m UNION ALL SELECT 'total')",
                            &model, &w->err));
    assert_int_equal(field(model, "k")->type, BM_TEXT);
    bm_free(model);
}

/* SQLite gives at most 2000 columns. */
static void many_expressions(world *w)
{
    bm_model *model;
    enum { MANY = 1500 };
    char *sql;
    FILE *text = text_begin(&sql);
    for (size_t i = 0; i < MANY; i++) {
        fprintf(text, "%s %zu AS x%zu", i > 0 ? "," : "SELECT", i, i);
    }
    fclose(text);
    ok(w, bm_describe_query(w->db, sql, &model, &w->err));
    assert_int_equal(model->n_fields, MANY);
    assert_int_equal(field(model, "x1499")->type,
                     (w->on->bit & ON_SQLITE) != 0 ? BM_INT8 : BM_INT4);
    bm_free(model);
    free(sql);
}

static void a_query_is_explained(world *w)
{
    char *text = NULL;
    given(w);
    ok(w, bm_explain(w->db, "copy_to", bm_all(&total_model), COPY(.query = sums), &text, &w->err));
    assert_non_null(strstr(text, sums));
    bm_free(text);
}

static void a_database_without_queries(world *w)
{
    bm_model *model;
    refused(w, copy(w, w->db, sums), BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, bm_describe_query(w->db, sums, &model, &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, rows_of_a_query),
    CASE(ON_SQL, a_query_as_people_write_it),
    CASE(ON_SQL, a_query_in_a_transaction),
    CASE(ON_SQL, what_is_not_one_query),
    CASE(ON_SQL, what_writes_writes_nothing),
    CASE(ON_POSTGRESQL, a_transaction_of_a_query_is_read_only),
    CASE(ON_SQL, names_that_are_missing_or_twice),
    CASE(ON_SQL, options_that_a_query_has_itself),
    CASE(ON_SQL, types_of_a_query),
    CASE(ON_POSTGRESQL, types_of_a_query_on_postgresql),
    CASE(ON_SQLITE, types_of_a_query_on_sqlite),
    CASE(ON_SQL, a_query_is_explained),
    CASE(ON_SQLITE, what_is_refused_changes_nothing),
    CASE(ON_POSTGRESQL, a_query_leaves_no_setting),
    CASE(ON_SQLITE, a_query_is_explained_without_a_run),
    CASE(ON_SQL, ends_of_a_query),
    CASE(ON_POSTGRESQL, ends_of_a_query_on_postgresql),
    CASE(ON_SQL, what_is_no_select),
    CASE(ON_SQL, names_of_columns),
    CASE(ON_SQL, a_table_called_as_the_wrapper),
    CASE(ON_SQLITE, types_of_a_compound),
    CASE(ON_SQL, many_expressions),
    CASE(ON_MEMORY, a_database_without_queries),
};

int main(void)
{
    return conformance_run("queries", cases, sizeof cases / sizeof cases[0]);
}
