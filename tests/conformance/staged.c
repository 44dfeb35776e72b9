/* A table of postgres_fdw with its stage; the other server is this one. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)
#define N 40

/* What bm_stage_sql says, run: both parts are for this server. */
static void make_stage(world *w)
{
    char *sql;
    ok(w, bm_stage_sql(w->db, NULL, "item", &sql, &w->err));
    run(w, "%s", sql);
    bm_free(sql);
}

/* item, of two tables far_0 and far_1 and one that is here; n rows, (i, n<i>, 10 i, 'note'). */
static void make_far(world *w)
{
    run(w, "CREATE EXTENSION postgres_fdw");
    run(w, "DO $$ BEGIN EXECUTE format('CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS"
           " (host %%L, port %%L, dbname %%L)', split_part(current_setting("
           "'unix_socket_directories'), ', ', 1), current_setting('port'), current_database());"
           " END $$");
    run(w, "CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'postgres')");
    run(w, "CREATE TABLE far_0 (id bigint PRIMARY KEY, name text, value int CHECK (value >= 0), "
           "note text)");
    run(w, "CREATE TABLE far_1 (LIKE far_0 INCLUDING ALL)");
    run(w, "CREATE TABLE item (id bigint, name varchar(50) NOT NULL, value integer DEFAULT 7, "
           "note text DEFAULT 'none') PARTITION BY HASH (id)");
    for (int i = 0; i < 2; i++) {
        run(w,
            "CREATE FOREIGN TABLE item_%d PARTITION OF item FOR VALUES WITH (MODULUS 3, REMAINDER "
            "%d) SERVER far OPTIONS (table_name 'far_%d')",
            i, i, i);
    }
    run(w, "CREATE TABLE item_2 PARTITION OF item FOR VALUES WITH (MODULUS 3, REMAINDER 2)");
    run(w, "INSERT INTO item SELECT i, 'n' || i, 10 * i, 'note' FROM generate_series(1, %d) i", N);
    make_stage(w);
}

static void drop_far(world *w)
{
    if (number(w, "SELECT count(*) FROM pg_class WHERE relname = 'item_bm_stage'") == 1) {
        expect_number(w, 0, "SELECT count(*) FROM item_bm_stage");
    }
    run(w, "DROP EXTENSION postgres_fdw CASCADE");
}

static item *read_all(world *w)
{
    ok(w, bm_copy_to(w->db, bm_all(&item_given_model), COPY(.order_by_key = BM_ON), fresh(w),
                     &w->err));
    return bm_queryset_at(w->result.queryset, 0);
}

static void each_row_keeps_what_it_did_not_change(world *w)
{
    bm_result result = BM_RESULT;
    make_far(w);
    item *rows = read_all(w);
    bm_rows given = bm_queryset_rows(w->result.queryset);
    run(w, "UPDATE item SET note = 'behind'");
    for (size_t i = 0; i < N; i++) {
        if (i % 2 == 0) {
            rows[i].value = (int32_t)i;
        } else {
            rows[i].note = "mine";
        }
    }
    explains(w, "update_fields", given, NULL, "by way of the stage");
    ok(w, bm_update_fields(w->db, given, NULL, &result, &w->err));
    assert_int_equal(result.updated, N);
    expect(w, "20|20|behind\n20|20|mine\n",
           "SELECT count(*), count(*) FILTER (WHERE value = CASE WHEN id %% 2 = 1 THEN id - 1 ELSE "
           "10 * id END), note FROM item GROUP BY note ORDER BY note");
    bm_result_clear(&result);
    drop_far(w);
}

static void one_value_for_all_and_a_default(world *w)
{
    make_far(w);
    item *rows = some_items(N + 2, 1, 1);
    const item values = {.name = "all", .note_state = BM_NULL};
    ok(w, bm_update(w->db, bm_structs(&item_given_model, rows, N + 2),
                    SET(.values = &values, .fields = BM_NAMES("name", "note")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, N);
    assert_int_equal(w->result.missing, 2);
    expect_number(w, N, "SELECT count(*) FROM item WHERE name = 'all' AND note IS NULL");
    rows[4].value_state = BM_DEFAULT_CELL;
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 9),
                           FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON), fresh(w),
                           &w->err));
    expect_outcomes(w, "uuuuuuuuu");
    expect(w, "7\n", "SELECT value FROM item WHERE id = 5");
    free(rows);
    drop_far(w);
}

/* The planner's settings are the caller's again, behind a call and behind one that failed. */
static void inside_the_callers_transaction(world *w)
{
    bm_db *tx;
    make_far(w);
    item *rows = some_items(N, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, N);
    ok(w, bm_begin(w->db, &tx, &w->err));
    ok(w, bm_execute(tx, "SET LOCAL enable_mergejoin = off", &w->err));
    size_t bad = (size_t)number(w, "SELECT max(id) - 1 FROM item_1");
    rows[bad].value = -1;
    refused(w, bm_update_fields(tx, given, FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err),
            BM_CONSTRAINT, bad, "");
    rows[bad].value = 1;
    ok(w, bm_update_fields(tx, given, FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err));
    ok(w, bm_delete(tx, bm_structs(&item_given_model, rows, 10), DELETE(.return_outcomes = BM_ON),
                    fresh(w), &w->err));
    expect_outcomes(w, "dddddddddd");
    ok(w, bm_execute(tx,
                     "CREATE TABLE seen AS SELECT current_setting('enable_hashjoin') ||"
                     " current_setting('enable_mergejoin') || current_setting('jit') AS s",
                     &w->err));
    ok(w, bm_commit(tx, &w->err));
    expect(w, "onoffon\n", "SELECT s FROM seen");
    expect_number(w, N - 10, "SELECT count(*) FROM item");
    free(rows);
    drop_far(w);
}

static void a_key_that_does_not_say_where_its_row_is(world *w)
{
    make_far(w);
    item *rows = some_items(3, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    run(w, "DROP TABLE item_bm_stage; DROP TABLE item; TRUNCATE far_0");
    run(w, "DROP TABLE far_0_bm_stage, far_1_bm_stage");
    run(w, "CREATE TABLE item (id bigint, name varchar(50), value integer, note text) PARTITION BY "
           "LIST (name)");
    run(w, "CREATE FOREIGN TABLE item_0 PARTITION OF item DEFAULT SERVER far OPTIONS (table_name "
           "'far_0')");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'y')");
    make_stage(w);
    explains(w, "update_fields", given, FIELDS(.fields = BM_NAMES("value")), "all rows change");
    ok(w, bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    expect(w, "1|0\n2|10\n", "SELECT id, value FROM item ORDER BY id");
    free(rows);
    drop_far(w);
}

/* item again, by what `how` says; far_0 and far_1 have the keys 0 to 99 and 100 to 199. */
static void make_split(world *w, const char *how)
{
    make_far(w);
    run(w, "DROP TABLE item_bm_stage; DROP TABLE item; TRUNCATE far_0, far_1");
    run(w, "DROP TABLE far_0_bm_stage, far_1_bm_stage");
    run(w, "CREATE TABLE item (id bigint, name varchar(50), value integer, note text) PARTITION BY "
           "RANGE (id)");
    run(w, "%s", how);
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (120, 'b', 2, 'y')");
}

#define RANGES                                                                                     \
    "CREATE FOREIGN TABLE item_0 PARTITION OF item FOR VALUES FROM (0) TO (100) SERVER far "       \
    "OPTIONS (table_name 'far_0'); CREATE FOREIGN TABLE item_1 PARTITION OF item FOR VALUES FROM " \
    "(100) TO (200) SERVER far OPTIONS (table_name 'far_1');"

static void expect_a_missing_row(world *w, int64_t missing)
{
    const item rows[] = {{.id = 1, .value = 7, .name = "n", .note = "t"},
                         {.id = missing, .value = 7, .name = "n", .note = "t"},
                         {.id = 120, .value = 7, .name = "n", .note = "t"}};
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    explains(w, "update_fields", given, FIELDS(.fields = BM_NAMES("value")), "by way of the stage");
    ok(w,
       bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON),
                        fresh(w), &w->err));
    expect_outcomes(w, "umu");
    expect(w, "1|7\n120|7\n", "SELECT id, value FROM item ORDER BY id");
    ok(w, bm_delete(w->db, given, NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 2);
    assert_int_equal(w->result.missing, 1);
}

static void a_key_of_no_partition_is_missing(world *w)
{
    make_split(w, RANGES);
    make_stage(w);
    expect_a_missing_row(w, 500);
    drop_far(w);
}

/* The partition that lacks some keys is one of a lower level. */
static void a_key_of_no_partition_below(world *w)
{
    make_split(w, "CREATE TABLE item_low PARTITION OF item DEFAULT PARTITION BY LIST (id);"
                  "CREATE FOREIGN TABLE item_0 PARTITION OF item_low FOR VALUES IN (1, 120) SERVER "
                  "far OPTIONS (table_name 'far_0')");
    make_stage(w);
    expect_a_missing_row(w, 3);
    drop_far(w);
}

static void a_table_of_hashes_with_a_gap_has_no_stage(world *w)
{
    char *sql;
    make_far(w);
    run(w, "DROP TABLE item_2, item_2_bm_stage");
    item *rows = some_items(N, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, N);
    ok(w, bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value")), fresh(w), &w->err));
    assert_int_equal(w->result.updated, number(w, "SELECT count(*) FROM item"));
    assert_int_equal(w->result.updated + w->result.missing, N);
    refused(w, bm_stage_sql(w->db, NULL, "item", &sql, &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "remainders"));
    free(rows);
    drop_far(w);
}

/* A program that runs has used the stage before. */
static void drop_stage(world *w, bool inside)
{
    bm_db *db = w->db;
    const bm_update_fields_options *values = FIELDS(.fields = BM_NAMES("value"));
    make_far(w);
    item *rows = some_items(N, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, N);
    ok(w, bm_update_fields(w->db, given, values, fresh(w), &w->err));
    explains(w, "update_fields", given, values, "by way of the stage");
    if (inside) {
        ok(w, bm_begin(w->db, &db, &w->err));
    }
    run(w, "DROP TABLE item_bm_stage, far_0_bm_stage, far_1_bm_stage");
    rows[0].value = 77;
    ok(w, bm_update_fields(db, given, values, fresh(w), &w->err));
    assert_int_equal(w->result.updated, N);
    if (inside) {
        ok(w, bm_commit(db, &w->err));
    }
    expect(w, "77\n", "SELECT value FROM item WHERE id = 1");
    free(rows);
    drop_far(w);
}

static void a_stage_that_is_dropped_is_not_used(world *w)
{
    drop_stage(w, false);
}

static void a_stage_that_is_dropped_meanwhile(world *w)
{
    drop_stage(w, true);
}

/* What was asked before is freed: the sanitizers say so. */
static void a_question_that_waits_too_long(world *w)
{
    char *sql;
    make_far(w);
    bm_db *db;
    ok(w, bm_open(w->url, BM_OPTIONS(bm_open_options, .timeout_ms = 400), &db, &w->err));
    run(w, "BEGIN; LOCK TABLE item_2_bm_stage");
    bm_status status = bm_stage_sql(db, NULL, "item", &sql, &w->err);
    run(w, "ROLLBACK");
    bm_close(db);
    refused(w, status, BM_TIMEOUT, BM_NO_ROW, "");
    assert_null(sql);
    drop_far(w);
}

/* Keys of the default partition are now those of another: the old stage would send them there. */
static void a_partition_that_is_attached_is_seen(world *w)
{
    const item rows[] = {{.id = 1, .value = 7, .name = "n", .note = "t"},
                         {.id = 250, .value = 7, .name = "n", .note = "t"}};
    bm_rows given = bm_structs(&item_given_model, rows, 2);
    const bm_update_fields_options *values = FIELDS(.fields = BM_NAMES("value"));
    make_split(w, RANGES "CREATE TABLE item_d PARTITION OF item DEFAULT");
    make_stage(w);
    explains(w, "update_fields", given, values, "by way of the stage");
    ok(w, bm_update_fields(w->db, given, values, fresh(w), &w->err));
    assert_int_equal(w->result.missing, 1);
    run(w, "CREATE TABLE item_new PARTITION OF item FOR VALUES FROM (200) TO (300)");
    run(w, "INSERT INTO item VALUES (250, 'new', 0, 'z')");
    ok(w, bm_update_fields(w->db, given, values, fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    expect(w, "7\n", "SELECT value FROM item WHERE id = 250");
    drop_far(w);
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, each_row_keeps_what_it_did_not_change),
    CASE(ON_POSTGRESQL, one_value_for_all_and_a_default),
    CASE(ON_POSTGRESQL, inside_the_callers_transaction),
    CASE(ON_POSTGRESQL, a_key_that_does_not_say_where_its_row_is),
    CASE(ON_POSTGRESQL, a_key_of_no_partition_is_missing),
    CASE(ON_POSTGRESQL, a_key_of_no_partition_below),
    CASE(ON_POSTGRESQL, a_table_of_hashes_with_a_gap_has_no_stage),
    CASE(ON_POSTGRESQL, a_stage_that_is_dropped_is_not_used),
    CASE(ON_POSTGRESQL, a_stage_that_is_dropped_meanwhile),
    CASE(ON_POSTGRESQL, a_partition_that_is_attached_is_seen),
    CASE(ON_POSTGRESQL, a_question_that_waits_too_long),
};

int main(void)
{
    return conformance_run("staged", cases, sizeof cases / sizeof cases[0]);
}
