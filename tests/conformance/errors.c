/* What is wrong is named by row and column, nothing is written, and the connection goes on. */
#include "world.h"

#include <math.h>

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

/* Rows that fail at row `at`: through the small statement, through COPY, and in a later chunk. */
typedef struct attempt {
    size_t n, at, batch_size;
} attempt;

static const attempt attempts[] = {{1, 0, 0},      {5, 0, 0},          {5, 4, 0},
                                   {1000, 999, 0}, {1300, 0, 0},       {1300, 1299, 0},
                                   {5, 3, 2},      {1300, 1001, 1000}, {3500, 3456, 1100}};

/* Do it with each of the attempts; the table stays as it was, and takes rows afterwards. */
static void fails(world *w, void (*spoil)(item *row), bm_status want, const char *sqlstate,
                  const char *column)
{
    int64_t before = w->on->keeps_rows ? number(w, "SELECT count(*) FROM item") : 0;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        const attempt *a = &attempts[i];
        item *rows = some_items(a->n, 0, 0);
        spoil(&rows[a->at]);
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, a->n),
                                          CREATE(.batch_size = a->batch_size), fresh(w), &w->err);
        refused(w, status, want, a->at, column);
        assert_string_equal(w->err.sqlstate, sqlstate);
        assert_string_equal(w->err.verb, "bulk_create");
        assert_string_equal(w->err.detail, "");
        assert_int_equal(w->err.other_row, BM_NO_ROW);
        bool sent = w->err.sqlstate[0] != '\0';
        assert_int_equal(w->err.fate, sent ? BM_FATE_ROLLED_BACK : BM_FATE_NOT_STARTED);
        assert_int_equal(w->err.stage, sent ? BM_STAGE_WRITE : BM_STAGE_CONVERT);
        assert_false(w->err.retryable);
        assert_int_equal(w->result.inserted, 0);
        expect_number(w, before, "SELECT count(*) FROM item");
        free(rows);
    }
    item *rows = some_items(2, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 2), NULL, NULL, &w->err));
    expect_number(w, before + 2, "SELECT count(*) FROM item");
    free(rows);
}

static void null_name(item *row)
{
    row->name = NULL;
}

static void null_in_not_null(world *w)
{
    make_items(w, "");
    fails(w, null_name, BM_CONSTRAINT, "23502", "name");
}

static void seven(item *row)
{
    row->value = -7;
}

static void a_check(world *w)
{
    make_items(w, ", CONSTRAINT positive CHECK (value >= 0)");
    fails(w, seven, BM_CONSTRAINT, "23514", "");
    item *rows = some_items(2, 0, 0);
    rows[1].value = -1;
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&item_model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1, "");
    assert_string_equal(w->err.constraint, "positive");
    free(rows);
}

static void taken(item *row)
{
    row->note = "taken";
}

static void a_unique_column(world *w)
{
    make_items(w, "");
    run(w, "CREATE UNIQUE INDEX item_note ON item (note) WHERE note <> 'text'");
    run(w, "INSERT INTO item VALUES (-5, 'x', 1, 'taken')");
    fails(w, taken, BM_CONSTRAINT, "23505", w->on->names_constraint ? "" : "note");
}

static void stray(item *row)
{
    row->value = 5;
}

static void a_foreign_key(world *w)
{
    run(w, "CREATE TABLE parent (id integer PRIMARY KEY)");
    run(w, "INSERT INTO parent WITH RECURSIVE r(id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM r "
           "WHERE id < 4000) SELECT id * 10 FROM r");
    make_items(w, ", FOREIGN KEY (value) REFERENCES parent (id)");
    if (w->on->bit & ON_SQLITE) {
        ok(w, bm_execute(w->db, "PRAGMA foreign_keys = on", &w->err));
    }
    fails(w, stray, BM_CONSTRAINT, "23503", "");
}

static char long_text[64];

static void fifty_one(item *row)
{
    memset(long_text, 'x', 51);
    row->name = long_text;
}

static void text_too_long(world *w)
{
    make_items(w, "");
    fails(w, fifty_one, BM_CONVERT, "", "name");
}

/* SQLite's varchar(50) is text. */
static void text_of_any_length_where_the_engine_has_no_limit(world *w)
{
    make_items(w, "");
    item *rows = some_items(1, 0, 0);
    fifty_one(rows);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1), NULL, NULL, &w->err));
    expect_number(w, 51, "SELECT length(name) FROM item");
    free(rows);
}

static void half_a_character(item *row)
{
    row->note = "ends in half a character \xE2\x82";
}

static void text_that_is_no_utf8(world *w)
{
    make_items(w, "");
    fails(w, half_a_character, BM_CONVERT, "", "note");
}

static void surrogate(item *row)
{
    row->name = "\xED\xA0\x80";
}

static void text_with_a_surrogate(world *w)
{
    make_items(w, "");
    fails(w, surrogate, BM_CONVERT, "", "name");
}

typedef struct blob {
    int64_t id;
    bm_slice text;
    double real;
    int16_t small;
} blob;

static const bm_model blob_model =
    BM_MODEL("blob", blob, BM_FIELD(blob, id, BM_INT8, BM_KEY), BM_FIELD(blob, text, BM_TEXT, 0),
             BM_FIELD(blob, real, BM_FLOAT8, 0), BM_FIELD(blob, small, BM_INT2, 0));

static void a_nul_in_text(world *w)
{
    run(w, "CREATE TABLE blob (id bigint PRIMARY KEY, text text, real double precision, small "
           "smallint)");
    blob rows[] = {{1, {"a", 1}, 0, 0}, {2, {"a\0b", 3}, 0, 0}};
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&blob_model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 1, "text");
    ok(w, bm_bulk_create(w->db, bm_structs(&blob_model, rows, 1), NULL, fresh(w), &w->err));
    expect_number(w, 1, "SELECT count(*) FROM blob");
}

/* SQLite would store it as NULL. */
static void a_nan_where_the_engine_has_none(world *w)
{
    run(w, "CREATE TABLE blob (id bigint PRIMARY KEY, text text, real double precision, small "
           "smallint)");
    blob rows[] = {{1, {"", 0}, 0, 0}, {2, {"", 0}, NAN, 0}};
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&blob_model, rows, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 1, "real");
    expect_number(w, 0, "SELECT count(*) FROM blob");
}

static const bm_model narrow_model = BM_MODEL("narrow", blob, BM_FIELD(blob, id, BM_INT8, BM_KEY),
                                              BM_FIELD(blob, small, BM_INT2, 0));

/* The member is wider than the column. */
static void out_of_range(world *w, size_t n, size_t at, int64_t value)
{
    blob *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i].id = (int64_t)i;
    }
    rows[at].id = value;
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&narrow_model, rows, n), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONVERT, at, "id");
    expect_number(w, 0, "SELECT count(*) FROM narrow");
    free(rows);
}

static void a_number_out_of_range(world *w)
{
    run(w, "CREATE TABLE narrow (id smallint PRIMARY KEY, small smallint)");
    out_of_range(w, 3, 1, 32768);
    out_of_range(w, 3, 2, -32769);
    out_of_range(w, 1200, 1100, INT64_MAX);
    out_of_range(w, 1200, 0, INT64_MIN);
    const blob edges[] = {{.id = 32767}, {.id = -32768}};
    ok(w, bm_bulk_create(w->db, bm_structs(&narrow_model, edges, 2), NULL, NULL, &w->err));
    expect(w, "-32768\n32767\n", "SELECT id FROM narrow ORDER BY id");
}

/* ---- rows that are found by key: named as the caller numbers them */

static void an_update_names_the_callers_row(world *w)
{
    make_items(w, ", CONSTRAINT positive CHECK (value >= 0)");
    item *rows = some_items(2500, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2500), NULL, NULL, &w->err));
    for (size_t i = 0; i < 2500; i++) {
        rows[i].id = (int64_t)(i * 1777 % 2500);
    }
    static const size_t bad[] = {0, 1, 1234, 2499};
    for (size_t i = 0; i < 4; i++) {
        rows[bad[i]].value = -1;
        bm_status status =
            bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2500),
                             BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"),
                                        .batch_size = i % 2 == 0 ? 0 : 700),
                             fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, bad[i], "");
        assert_string_equal(w->err.sqlstate, "23514");
        assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(w->result.updated, 0);
        rows[bad[i]].value = 1;
    }
    rows[7].note = "\xFF";
    bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2500),
                                        FIELDS("note"), fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 7, "note");
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    expect_number(w, 0, "SELECT count(*) FROM item WHERE value <> 10 * id");
    free(rows);
}

/* Row 3 takes the name that row 1 gives in the same statement's time: found where it stands. */
static void a_unique_column_in_an_update(world *w)
{
    make_items(w, ", UNIQUE (name)");
    item *rows = some_items(40, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 40), NULL, NULL, &w->err));
    rows[30].name = "n39";
    bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 35),
                                        FIELDS("name"), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 30, w->on->names_constraint ? "" : "name");
    assert_string_equal(w->err.sqlstate, "23505");
    free(rows);
}

/* A row that fails only because of what an earlier chunk of the call wrote. */
static void a_row_that_fails_for_an_earlier_chunk(world *w)
{
    make_items(w, ", UNIQUE (name)");
    static const size_t sizes[][3] = {{40, 37, 10}, {2500, 2499, 1100}};
    for (size_t i = 0; i < 2; i++) {
        item *rows = some_items(sizes[i][0], 0, 0);
        rows[sizes[i][1]].name = "n5";
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, sizes[i][0]),
                                          CREATE(.batch_size = sizes[i][2]), fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, sizes[i][1], w->on->names_constraint ? "" : "name");
        expect_number(w, 0, "SELECT count(*) FROM item");
        free(rows);
    }
    item *rows = some_items(30, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 30), NULL, NULL, &w->err));
    rows[3].name = rows[28].name = "same";
    bm_status status = bm_update_fields(
        w->db, bm_structs(&item_given_model, rows, 30),
        BM_OPTIONS(bm_update_fields_options, .batch_size = 7, .fields = BM_NAMES("name")), fresh(w),
        &w->err);
    refused(w, status, BM_CONSTRAINT, 28, w->on->names_constraint ? "" : "name");
    free(rows);
}

static void an_upsert_names_the_callers_row(world *w)
{
    make_items(w, ", CONSTRAINT positive CHECK (value >= 0)");
    item *rows = some_items(50, 100, -1);
    rows[31].value = -1;
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 50),
                                      CREATE(.update_conflicts = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 31, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void with_keys_back_the_row_is_named(world *w)
{
    make_items(w, ", CONSTRAINT positive CHECK (value >= 0)");
    static const size_t sizes[] = {20, 1500};
    for (size_t i = 0; i < 2; i++) {
        item *rows = some_items(sizes[i], 0, 0);
        rows[sizes[i] - 3].value = -1;
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, sizes[i]),
                                          CREATE(.keys_into = rows), fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, sizes[i] - 3, "");
        assert_int_equal(rows[0].id, 0); /* no key is stored */
        free(rows);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    size_t *made = user;
    item *out = rows;
    (void)err;
    for (*n = 0; *n < capacity && *made < 2500; (*n)++, (*made)++) {
        out[*n] = (item){.name = "x", .value = (int32_t)*made, .note = "text"};
        out[*n].note = *made == 2222 ? "\x80" : "text";
    }
    return BM_OK;
}

static void a_streams_row_is_counted_from_its_beginning(world *w)
{
    make_items(w, ", CONSTRAINT small CHECK (value < 2345)");
    size_t made = 0;
    const bm_source source = {.size = sizeof source, .user = &made, .next = next};
    bm_status status = bm_bulk_create(w->db, bm_stream(&item_model, &source),
                                      CREATE(.batch_size = 1000), fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 2222, "note");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    made = 2223;
    const bm_source later = {.size = sizeof source, .user = &made, .next = next};
    status = bm_bulk_create(w->db, bm_stream(&item_model, &later), CREATE(.batch_size = 100),
                            fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 2345 - 2223, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static bm_status breaks(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    (void)user, (void)rows, (void)capacity, (void)n;
    snprintf(err->message, sizeof err->message, "line 7 is cut");
    return BM_INVALID;
}

static void the_words_of_a_source_are_kept(world *w)
{
    make_items(w, "");
    const bm_source source = {.size = sizeof source, .next = breaks};
    assert_int_equal(bm_bulk_create(w->db, bm_stream(&item_model, &source),
                                    CREATE(.batch_size = 10), fresh(w), &w->err),
                     BM_INVALID);
    assert_string_equal(w->err.message, "line 7 is cut");
    assert_int_equal(w->err.stage, BM_STAGE_SOURCE);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

/* ---- model and table */

typedef struct other {
    int64_t id;
    const char *value; /* the column is an integer */
} other;

static const bm_model other_model = BM_MODEL("item", other, BM_FIELD(other, id, BM_INT8, BM_KEY),
                                             BM_FIELD(other, value, BM_VARCHAR, 0));

static void a_struct_that_does_not_match(world *w)
{
    make_items(w, "");
    const other row = {1, "one"};
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&other_model, &row, 1), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "value");
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    status = bm_copy_to(w->db, bm_all(&other_model), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "value");
}

static void a_column_that_is_not_there(world *w)
{
    run(w, "CREATE TABLE item (id bigint PRIMARY KEY, name varchar(50), value integer)");
    item *rows = some_items(2, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 2);
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, BM_NO_ROW,
            "note");
    refused(w, bm_update_fields(w->db, given, FIELDS("note"), fresh(w), &w->err), BM_INVALID,
            BM_NO_ROW, "note");
    refused(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err), BM_INVALID,
            BM_NO_ROW, "note");
    ok(w, bm_update_fields(w->db, given, FIELDS("value"), fresh(w), &w->err));
    free(rows);
}

static void a_column_that_must_have_a_value(world *w)
{
    run(w, "CREATE TABLE item (id bigint PRIMARY KEY, name varchar(50), value integer, note text, "
           "more integer NOT NULL)");
    item *rows = some_items(1200, 1, 1);
    for (size_t n = 2; n <= 1200; n += 1198) {
        bm_status status =
            bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n), NULL, fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, 0, "more");
    }
    free(rows);
}

static void a_table_that_is_not_there(world *w)
{
    item *rows = some_items(2, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 2);
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, BM_NO_ROW, "");
    assert_int_equal(w->err.stage, BM_STAGE_CATALOG);
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    refused(w, bm_delete(w->db, given, NULL, fresh(w), &w->err), BM_INVALID, BM_NO_ROW, "");
    refused(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err), BM_INVALID,
            BM_NO_ROW, "");
    make_items(w, ""); /* it is looked for again */
    ok(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err));
    free(rows);
}

static void urls_that_are_none(world *w)
{
    static const char *const urls[] = {"mysql://localhost/x", "", "postgres", "foo:bar",
                                       "SQLITE:x"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        bm_db *db = w->db;
        refused(w, bm_open(urls[i], NULL, &db, &w->err), BM_INVALID, BM_NO_ROW, "");
        assert_null(db);
        assert_int_equal(w->err.stage, BM_STAGE_CONNECT);
    }
    bm_db *db = w->db;
    bm_status status = bm_open("postgresql://u:secret@127.0.0.1:1/none", NULL, &db, &w->err);
    refused(w, status, BM_CONNECTION, BM_NO_ROW, "");
    assert_null(strstr(w->err.message, "secret"));
    assert_null(db);
    status = bm_open("sqlite:/no/such/folder/file.db", NULL, &db, &w->err);
    assert_int_not_equal(status, BM_OK);
    assert_null(db);
}

/* ---- detail, counters, more than one fault */

static void detail_is_shown_on_request_only(world *w)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "INSERT INTO item VALUES (-5, 'n1', 1, 'x')");
    item *rows = some_items(2, 0, 0);
    bm_rows given = bm_structs(&item_model, rows, 2);
    const bm_call call = {.size = sizeof call, .error_detail = BM_ON};
    refused(w, bm_bulk_create(w->db, given, NULL, fresh(w), &w->err), BM_CONSTRAINT, 1, "");
    assert_string_equal(w->err.detail, "");
    assert_string_equal(w->err.constraint, "item_name_key");
    refused(w, bm_bulk_create(w->db, given, CREATE(.call = &call), fresh(w), &w->err),
            BM_CONSTRAINT, 1, "");
    assert_non_null(strstr(w->err.detail, "(n1)"));
    assert_null(strstr(w->err.message, "n1)"));
    free(rows);
}

static void an_exclusion_constraint(world *w)
{
    make_items(w, ", CONSTRAINT apart EXCLUDE USING btree (value WITH =)");
    item *rows = some_items(1300, 0, 0);
    rows[1200].value = 10;
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&item_model, rows, 1300), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1200, "");
    assert_string_equal(w->err.sqlstate, "23P01");
    assert_string_equal(w->err.constraint, "apart");
    free(rows);
}

static void the_first_of_several_faults_is_named(world *w)
{
    make_items(w, "");
    item *rows = some_items(1300, 0, 0);
    rows[1250].note = "\xFF";
    rows[40].name = "\xFF";
    rows[41].note = "\xFF";
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&item_model, rows, 1300), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 40, "name"); /* also column by column */
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, null_in_not_null),
    CASE(ON_SQL, a_check),
    CASE(ON_SQL, a_unique_column),
    CASE(ON_SQL, a_foreign_key),
    CASE(ON_POSTGRESQL, text_too_long),
    CASE(ON_SQLITE, text_of_any_length_where_the_engine_has_no_limit),
    CASE(ON_ALL, text_that_is_no_utf8),
    CASE(ON_ALL, text_with_a_surrogate),
    CASE(ON_ALL, a_nul_in_text),
    CASE(ON_SQLITE, a_nan_where_the_engine_has_none),
    CASE(ON_POSTGRESQL, a_number_out_of_range),
    CASE(ON_SQL, an_update_names_the_callers_row),
    CASE(ON_SQL, a_unique_column_in_an_update),
    CASE(ON_SQL, a_row_that_fails_for_an_earlier_chunk),
    CASE(ON_SQL, an_upsert_names_the_callers_row),
    CASE(ON_SQL, with_keys_back_the_row_is_named),
    CASE(ON_SQL, a_streams_row_is_counted_from_its_beginning),
    CASE(ON_SQL, the_words_of_a_source_are_kept),
    CASE(ON_POSTGRESQL, a_struct_that_does_not_match),
    CASE(ON_SQL, a_column_that_is_not_there),
    CASE(ON_SQL, a_column_that_must_have_a_value),
    CASE(ON_SQL, a_table_that_is_not_there),
    CASE(ON_MEMORY, urls_that_are_none),
    CASE(ON_POSTGRESQL, detail_is_shown_on_request_only),
    CASE(ON_POSTGRESQL, an_exclusion_constraint),
    CASE(ON_ALL, the_first_of_several_faults_is_named),
};

int main(void)
{
    return conformance_run("errors", cases, sizeof cases / sizeof cases[0]);
}
