/* What reviews found around rows: transactions, connections, the catalog, NULL places. */
#include "world.h"

#include <sqlite3.h>
#include <unistd.h>

#define COPY(...) BM_OPTIONS(bm_copy_to_options, __VA_ARGS__)

static void add(world *w, bm_db *db, int32_t value)
{
    const item row = {.name = "added", .value = value};
    ok(w, bm_bulk_create(db, bm_structs(&item_model, &row, 1), NULL, NULL, &w->err));
}

/* ---- transactions */

/* Three transactions, each in the one before it, of a row each; *middle is a savepoint. */
static void nested(world *w, bm_db **outer, bm_db **middle)
{
    bm_db *inner = NULL;
    ok(w, bm_begin(w->db, outer, &w->err));
    add(w, *outer, 1);
    ok(w, bm_begin(*outer, middle, &w->err));
    add(w, *middle, 2);
    ok(w, bm_begin(*middle, &inner, &w->err));
    add(w, inner, 3);
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
    add(w, w->db, 4);
    expect_number(w, 4, "SELECT count(*) FROM item");
}

static void a_savepoint_ends_the_inner_one(world *w)
{
    bm_db *outer = NULL;
    bm_db *middle = NULL;
    make_items(w, "");
    nested(w, &outer, &middle);
    bm_rollback(middle);
    add(w, outer, 4);
    ok(w, bm_commit(outer, &w->err));
    expect(w, "1\n4\n", "SELECT value FROM item ORDER BY value");
    run(w, "DELETE FROM item");
    nested(w, &outer, &middle);
    ok(w, bm_commit(middle, &w->err));
    add(w, outer, 4);
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
    add(w, w->db, 1);
    expect_number(w, 1, "SELECT count(*) FROM item"); /* it is committed */
}

static void sql_that_commits(world *w)
{
    bm_db *tx = NULL;
    make_items(w, "");
    ok(w, bm_begin(w->db, &tx, &w->err));
    add(w, tx, 1);
    refused(w, bm_execute(tx, "COMMIT", &w->err), BM_INVALID, BM_NO_ROW, "");
    assert_int_not_equal(bm_commit(tx, &w->err), BM_OK);
    assert_true(w->err.message[0] != '\0');
    add(w, w->db, 2);
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
    add(w, inner, 1);
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
    add(w, inner, 1);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_INTRANS);
    bm_close(db);
    assert_int_equal(PQtransactionStatus(w->pg), PQTRANS_IDLE);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

/* ---- connections */

static void a_database_in_memory_is_kept(world *w)
{
    make_items(w, "");
    add(w, w->db, 1);
    refused(w, bm_reset_connection(w->db, &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, bm_execute(w->db, "BEGIN", &w->err), BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 1, "SELECT count(*) FROM item");
}

static void a_database_in_memory_is_not_too_old(world *w)
{
    const bm_open_options options = {.size = sizeof options, .max_connection_age_ms = 1};
    bm_close(w->db);
    w->db = NULL;
    ok(w, bm_open(w->url, &options, &w->db, &w->err));
    make_items(w, "");
    add(w, w->db, 1);
    usleep(20000);
    add(w, w->db, 2);
    expect(w, "1\n2\n", "SELECT value FROM item ORDER BY value");
}

/* ---- the catalog */

typedef struct pull {
    size_t left;
} pull;

static bm_status pull_next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    pull *state = user;
    item *out = rows;
    (void)err;
    *n = state->left < capacity ? state->left : capacity;
    for (size_t i = 0; i < *n; i++) {
        out[i] = (item){.name = "pulled", .value = 5, .note = "n"};
    }
    state->left -= *n;
    return BM_OK;
}

static bm_status stream(world *w, size_t n)
{
    pull state = {n};
    const bm_source source = {.size = sizeof source, .user = &state, .next = pull_next};
    return bm_bulk_create(w->db, bm_stream(&item_model, &source), NULL, fresh(w), &w->err);
}

/* What was sent of a stream is gone: it is not begun again.  What is known is asked again. */
static void a_stream_into_a_table_that_was_altered(world *w)
{
    static const char *const changes[] = {
        "ALTER TABLE item ALTER COLUMN value TYPE bigint",
        "ALTER TABLE item ALTER COLUMN note TYPE varchar(20)",
        "DROP TABLE item; CREATE TABLE item (note text, value integer, name text, id serial)",
    };
    static const size_t sizes[] = {3, 3000};
    make_items(w, "");
    for (size_t i = 0; i < 6; i++) {
        size_t n = sizes[i % 2];
        ok(w, stream(w, n));
        run(w, "%s", changes[i / 2]);
        run(w, "DELETE FROM item");
        bm_status first = stream(w, n);
        expect_number(w, first == BM_OK ? (int64_t)n : 0, "SELECT count(*) FROM item");
        ok(w, stream(w, n));
        expect_number(w, (int64_t)n * (first == BM_OK ? 2 : 1),
                      "SELECT count(*) FROM item WHERE name = 'pulled' AND value = 5");
        run(w, "DELETE FROM item; ALTER TABLE item ALTER COLUMN value TYPE integer");
        (void)stream(w, n);
    }
}

/* All of it on the heap: a model that is freed before its table is asked for again. */
static bm_model *copy_model(const bm_model *of)
{
    bm_model *model = malloc(sizeof *model);
    bm_field *fields = calloc(of->n_fields, sizeof *fields);
    if (model == NULL || fields == NULL) {
        fail_msg("no memory");
    }
    *model = *of;
    model->table = strdup(of->table);
    memcpy(fields, of->fields, of->n_fields * sizeof *fields);
    for (size_t i = 0; i < of->n_fields; i++) {
        fields[i].name = strdup(of->fields[i].name);
    }
    model->fields = fields;
    return model;
}

static void free_text(const char *text)
{
    void *memory;
    memcpy(&memory, &text, sizeof memory);
    free(memory);
}

static void free_model(bm_model *model)
{
    bm_field *fields;
    memcpy(&fields, &model->fields, sizeof fields);
    for (size_t i = 0; i < model->n_fields; i++) {
        free_text(fields[i].name);
    }
    free(fields);
    free_text(model->table);
    free(model);
}

static void a_model_that_is_freed(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    item *rows = some_items(2, 1, 1);
    for (int i = 0; i < 3; i++) {
        bm_model *model = copy_model(&item_given_model);
        const bm_update_fields_options *fields =
            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"));
        ok(w, bm_bulk_create(w->db, bm_structs(model, rows, 2),
                             BM_OPTIONS(bm_bulk_create_options, .ignore_conflicts = BM_ON),
                             fresh(w), &w->err));
        ok(w, bm_update_fields(w->db, bm_structs(model, rows, 2), fields, fresh(w), &w->err));
        free_model(model);
        explains(w, "bulk_create", bm_structs(&item_given_model, rows, 2), NULL, "item");
        ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2), fields, fresh(w),
                               &w->err));
    }
    if (w->on->keeps_rows) {
        rows[1].value = -1;
        bm_status status = bm_update_fields(
            w->db, bm_structs(&item_given_model, rows, 2),
            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, 1, "");
    }
    free(rows);
}

static void rows_of_a_child_table(world *w)
{
    make_items(w, "");
    run(w, "CREATE TABLE child (more integer) INHERITS (item)");
    run(w, "INSERT INTO child (id, name, value, note) VALUES (2, 'child', 5, 'x'); "
           "INSERT INTO item VALUES (1, 'a', 1, 'x'), (3, 'c', 3, 'x')");
    for (int ordered = 0; ordered < 2; ordered++) {
        ok(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.order_by_key = ordered ? BM_ON : BM_OFF),
                         fresh(w), &w->err));
        assert_int_equal(w->result.read, 3);
        assert_int_equal(bm_queryset_count(w->result.queryset), 3);
        const item *rows = bm_queryset_at(w->result.queryset, 0);
        assert_int_equal(rows[0].id + rows[1].id + rows[2].id, 6);
        assert_int_equal(rows[0].value + rows[1].value + rows[2].value, 9);
        for (int64_t i = 0; ordered && i < 3; i++) {
            assert_int_equal(rows[i].id, i + 1);
        }
    }
}

/* ---- NULL places */

static void places_that_are_null(world *w)
{
    bm_db *db = NULL;
    bm_column column;
    make_items(w, "");
    item *rows = some_items(3, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    const bm_status got[] = {
        bm_open(w->url, NULL, NULL, &w->err),
        bm_open(NULL, NULL, &db, &w->err),
        bm_begin(w->db, NULL, &w->err),
        bm_begin(NULL, &db, &w->err),
        bm_commit(NULL, &w->err),
        bm_cancel_create(NULL, &w->err),
        bm_explain(w->db, "bulk_create", given, NULL, NULL, &w->err),
        bm_uuid_random(NULL),
        bm_attach_sqlite(NULL, &db, &w->err),
        bm_attach_sqlite(NULL, NULL, &w->err),
        bm_attach_libpq(NULL, &db, &w->err),
        bm_attach_libpq(w->pg, NULL, &w->err),
        bm_execute(w->db, NULL, &w->err),
        bm_bulk_create(NULL, given, NULL, fresh(w), &w->err),
        bm_queryset_column(NULL, "id", &column),
    };
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        if (got[i] != BM_INVALID) {
            fail_msg("call %zu: %s", i, bm_status_name(got[i]));
        }
    }
    assert_null(db);
    bm_cancel_set(NULL);
    bm_cancel_reset(NULL);
    bm_cancel_free(NULL);
    bm_rollback(NULL);
    bm_close(NULL);
    bm_queryset_free(NULL);
    bm_result_clear(NULL);
    bm_free(NULL);
    free(rows);
}

static void a_column_without_a_place(world *w)
{
    make_items(w, "");
    item *rows = some_items(2, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2),
                         BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), fresh(w),
                         &w->err));
    assert_int_equal(bm_queryset_column(w->result.queryset, "id", NULL), BM_INVALID);
    bm_column column;
    assert_int_equal(bm_queryset_column(w->result.queryset, NULL, &column), BM_INVALID);
    free(rows);
}

static void a_row_that_is_a_null_pointer(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 1, 1);
    const void *const pointers[] = {&rows[0], &rows[1], NULL};
    bm_rows given = bm_struct_pointers(&item_given_model, pointers, 3);
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    refused(w,
            bm_update_fields(w->db, given,
                             BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")),
                             fresh(w), &w->err),
            BM_INVALID, 2, "");
    refused(w, bm_delete(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    refused(w, bm_copy_to(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, 2, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, the_outer_one_ends_the_inner_ones),
    CASE(ON_SQL, a_savepoint_ends_the_inner_one),
    CASE(ON_SQL, sql_that_begins),
    CASE(ON_SQL, sql_that_commits),
    CASE(ON_FILE, a_borrowed_sqlite_connection_closed_in_a_transaction),
    CASE(ON_POSTGRESQL, a_borrowed_libpq_connection_closed_in_a_transaction),
    CASE(ON_LITE_MEMORY, a_database_in_memory_is_kept),
    CASE(ON_LITE_MEMORY, a_database_in_memory_is_not_too_old),
    CASE(ON_POSTGRESQL, a_stream_into_a_table_that_was_altered),
    CASE(ON_ALL, a_model_that_is_freed),
    CASE(ON_POSTGRESQL, rows_of_a_child_table),
    CASE(ON_ALL, places_that_are_null),
    CASE(ON_SQL, a_column_without_a_place),
    CASE(ON_SQL, a_row_that_is_a_null_pointer),
};

int main(void)
{
    return conformance_run("reviewed_more", cases, sizeof cases / sizeof cases[0]);
}
