/* bm_bulk_create: ways in, states of cells, sizes of batches. */
#include "world.h"

static const bm_rows no_rows;

/* ---- ways in */

static void structs_are_written(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 100, 1);
    rows[1].note = NULL;
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 3);
    assert_null(w->result.queryset);
    assert_null(w->result.outcomes);
    expect(w, "1|n0|0|text\n2|n1|10|NULL\n3|n2|20|text\n", "SELECT * FROM item ORDER BY id");
    free(rows);
}

static void pointers_are_written_in_their_order(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 0, 1);
    const void *pointers[] = {&rows[2], &rows[0], &rows[1]};
    ok(w, bm_bulk_create(w->db, bm_struct_pointers(&item_model, pointers, 3),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    const item *last = bm_queryset_at(w->result.queryset, 2);
    assert_string_equal(last->name, "n1");
    expect_number(w, last->id, "SELECT id FROM item WHERE name = 'n1'");
    expect(w, "n0|0\nn1|10\nn2|20\n", "SELECT name, value FROM item ORDER BY name");
    free(rows);
}

/* Names from structs, backwards; values two apart; NULLs by bitmap; a column left out. */
static void columns_have_their_own_stride(world *w)
{
    make_items(w, "");
    item *rows = some_items(4, 0, 1);
    const int32_t values[] = {1, -1, 2, -1, 3, -1, 4, -1};
    const uint8_t validity[] = {0x0B}; /* the third is NULL */
    const bm_column columns[] = {
        {.type = BM_INT8, .layout = BM_FIXED},
        {.type = BM_VARCHAR,
         .layout = BM_CSTR,
         .width = sizeof(char *),
         .data = &rows[3].name,
         .stride = -(ptrdiff_t)sizeof(item)},
        {.type = BM_INT4,
         .layout = BM_FIXED,
         .width = 4,
         .data = values,
         .stride = 8,
         .validity = validity},
        {.type = BM_TEXT, .layout = BM_CSTR},
    };
    ok(w, bm_bulk_create(w->db, bm_columns(&item_model, columns, 4), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 4);
    expect(w, "1|n3|1|none\n2|n2|2|none\n3|n1|NULL|none\n4|n0|4|none\n",
           "SELECT * FROM item ORDER BY id");
    free(rows);
}

typedef struct stream {
    size_t made, rows, fail_behind, closed, largest;
    char names[1000][24];
} stream;

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    stream *s = user;
    item *out = rows;
    (void)err;
    *n = 0;
    s->largest = capacity > s->largest ? capacity : s->largest;
    if (s->fail_behind > 0 && s->made >= s->fail_behind) {
        return BM_LIMIT;
    }
    while (*n < capacity && *n < 1000 && s->made < s->rows) {
        snprintf(s->names[*n], sizeof s->names[*n], "s%zu", s->made);
        out[*n] = (item){.name = s->names[*n], .value = (int32_t)s->made, .note = "x"};
        s->made++;
        (*n)++;
    }
    return BM_OK;
}

static void done(void *user)
{
    ((stream *)user)->closed++;
}

static void a_stream_is_pulled_in_chunks(world *w)
{
    make_items(w, "");
    stream s = {.rows = 2500};
    const bm_source source = {.size = sizeof source, .user = &s, .next = next, .close = done};
    ok(w, bm_bulk_create(w->db, bm_stream(&item_model, &source), CREATE(.batch_size = 1000),
                         fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 2500);
    assert_int_equal(s.closed, 1);
    assert_true(s.largest <= 1000);
    expect(w, "2500|2499|3123750\n", "SELECT count(*), max(value), sum(value) FROM item");
}

static void a_stream_that_fails_leaves_nothing(world *w)
{
    make_items(w, "");
    stream s = {.rows = 2500, .fail_behind = 2000};
    const bm_source source = {.size = sizeof source, .user = &s, .next = next, .close = done};
    bm_status status = bm_bulk_create(w->db, bm_stream(&item_model, &source),
                                      CREATE(.batch_size = 1000), fresh(w), &w->err);
    refused(w, status, BM_LIMIT, BM_NO_ROW, "");
    assert_int_equal(w->err.stage, BM_STAGE_SOURCE);
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(s.closed, 1);
    assert_int_equal(w->result.inserted, 0);
    expect_number(w, 0, "SELECT count(*) FROM item");
}

static void a_stream_gives_its_queryset(world *w)
{
    make_items(w, "");
    stream s = {.rows = 250};
    const bm_source source = {.size = sizeof source, .user = &s, .next = next, .close = done};
    ok(w,
       bm_bulk_create(w->db, bm_stream(&item_model, &source),
                      CREATE(.batch_size = 100, .return_queryset = BM_ON, .return_outcomes = BM_ON),
                      fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 250);
    assert_int_equal(w->result.n_outcomes, 250);
    for (size_t i = 0; i < 250; i++) {
        const item *at = bm_queryset_at(w->result.queryset, i);
        assert_int_equal(at->value, i);
        assert_int_equal(w->result.outcomes[i], BM_ROW_INSERTED);
    }
    const item *last = bm_queryset_at(w->result.queryset, 249);
    assert_string_equal(last->name, "s249");
    expect_number(w, last->id, "SELECT id FROM item WHERE name = 's249'");
}

static void a_querysets_rows_are_a_way_in(world *w)
{
    make_items(w, "");
    item *rows = some_items(3, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    bm_result again = BM_RESULT;
    ok(w, bm_bulk_create(w->db, bm_queryset_rows(w->result.queryset), NULL, &again, &w->err));
    assert_int_equal(again.inserted, 3);
    expect(w, "n0|2|0|text\nn1|2|10|text\nn2|2|20|text\n",
           "SELECT name, count(*), min(value), min(note) FROM item GROUP BY name ORDER BY name");
    free(rows);
}

static void rows_that_hold_nothing_are_refused(world *w)
{
    make_items(w, "");
    const int64_t keys[] = {1, 2};
    bm_status status = bm_bulk_create(w->db, bm_all(&item_model), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status = bm_bulk_create(w->db, bm_keys(&item_model, keys, 2), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status = bm_bulk_create(w->db, no_rows, NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
}

static void no_rows_are_no_statement(world *w)
{
    make_items(w, "");
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, NULL, 0),
                         CREATE(.return_queryset = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    assert_int_equal(w->result.statements, 0);
    assert_int_equal(w->result.inserted, 0);
    assert_int_equal(w->result.n_outcomes, 0);
    assert_non_null(w->result.queryset);
    assert_int_equal(bm_queryset_count(w->result.queryset), 0);
}

/* ---- cells */

static void states_of(world *w, size_t n)
{
    make_items(w, "");
    item *rows = some_items(n, 0, 1);
    rows[0].value_state = BM_NULL;
    rows[1].value_state = BM_DEFAULT_CELL;
    rows[2].value_state = BM_KEEP;
    rows[0].note_state = BM_DEFAULT_CELL;
    rows[1].note_state = BM_NULL;
    rows[2].note = NULL;
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, n), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect(w, "n0|NULL|none\nn1|7|NULL\nn2|7|NULL\nn3|30|text\n",
           "SELECT name, value, note FROM item WHERE id <= 4 ORDER BY id");
    if (w->on->keeps_rows) { /* what the database made was read back */
        const item *made = bm_queryset_at(w->result.queryset, 0);
        assert_int_equal(made[0].value_state, BM_NULL);
        assert_string_equal(made[0].note, "none");
        assert_int_equal(made[1].value, 7);
        assert_int_equal(made[1].value_state, BM_VALUE);
        assert_int_equal(made[1].note_state, BM_NULL);
        assert_int_equal(made[2].value, 7);
        assert_null(made[2].note);
    }
    free(rows);
}

static void null_default_and_keep_cells(world *w)
{
    states_of(w, 4);
}

static void null_default_and_keep_cells_among_many(world *w)
{
    states_of(w, 1200);
}

typedef struct foo {
    int64_t id;
    char name[8];
    bm_uuid bm_create_uuid;
} foo;

static const bm_model foo_model = BM_MODEL(
    "foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY | BM_ASSIGNED),
    BM_FIELD(foo, name, BM_VARCHAR, 0), BM_FIELD(foo, bm_create_uuid, BM_UUID, BM_CREATE_UUID));

static void make_foo(world *w)
{
    run(w, "CREATE TABLE foo (id %s, name varchar(8), bm_create_uuid %s)", w->on->made_key,
        w->on->uuid);
}

static void the_callers_uuid_stands_in_all_rows(world *w)
{
    char hex[64];
    make_foo(w);
    bm_uuid uuid;
    memset(uuid.bytes, 0xAB, 16);
    foo rows[2] = {{.name = "eight888"}, {.name = "b"}};
    ok(w,
       bm_bulk_create(w->db, bm_structs(&foo_model, rows, 2),
                      CREATE(.create_uuid = &uuid, .return_queryset = BM_ON), fresh(w), &w->err));
    snprintf(hex, sizeof hex, w->on->hex_uuid, "bm_create_uuid");
    expect(w, "eight888|abababababababababababababababab\nb|abababababababababababababababab\n",
           "SELECT name, %s FROM foo ORDER BY id", hex);
    const foo *made = bm_queryset_at(w->result.queryset, 1);
    assert_memory_equal(made->bm_create_uuid.bytes, uuid.bytes, 16);
}

static void a_random_uuid_is_one_for_a_call(world *w)
{
    char hex[64];
    make_foo(w);
    foo *rows = calloc(1100, sizeof *rows);
    ok(w, bm_bulk_create(w->db, bm_structs(&foo_model, rows, 1100), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&foo_model, rows, 3), NULL, NULL, &w->err));
    snprintf(hex, sizeof hex, w->on->hex_uuid, "bm_create_uuid");
    expect(w, "3\n1100\n", "SELECT count(*) FROM foo GROUP BY bm_create_uuid ORDER BY 1");
    expect_number(w, 1103, "SELECT count(*) FROM foo WHERE substr(%s, 13, 1) = '4'", hex);
    free(rows);
}

/* ---- sizes */

static void batch_sizes_around_the_number_of_rows(world *w)
{
    static const size_t sizes[] = {1, 9, 10, 11, 1000000};
    make_items(w, "");
    item *rows = some_items(10, 0, 1);
    for (size_t i = 0; i < 5; i++) {
        bm_result *result = fresh(w);
        ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 10),
                             CREATE(.batch_size = sizes[i], .return_queryset = BM_ON,
                                    .return_outcomes = BM_ON),
                             result, &w->err));
        assert_int_equal(result->inserted, 10);
        expect_outcomes(w, "iiiiiiiiii");
        const item *last = bm_queryset_at(result->queryset, 9);
        assert_string_equal(last->name, "n9");
        expect_number(w, (int64_t)(10 * (i + 1)), "SELECT count(*) FROM item");
        expect_number(w, last->id, "SELECT max(id) FROM item WHERE name = 'n9'");
    }
    free(rows);
}

static void a_batch_size_that_is_negative_is_refused(world *w)
{
    make_items(w, "");
    item *rows = some_items(2, 0, 1);
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 2),
                                      CREATE(.batch_size = (size_t)-1), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 2),
                            CREATE(.max_concurrent_workers = -1), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void few_rows_are_one_statement(world *w)
{
    make_items(w, "");
    item *rows = some_items(10, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 10), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    assert_int_equal(w->result.statements, 1);
    free(rows);
}

typedef struct seen {
    size_t progress, statements;
    uint64_t rows_done, rows_total;
} seen;

static void on_progress(void *user, uint64_t rows_done, uint64_t rows_total)
{
    seen *s = user;
    s->progress++;
    assert_true(rows_done > s->rows_done);
    s->rows_done = rows_done;
    s->rows_total = rows_total;
}

static void on_statement(void *user, const char *sql, uint64_t rows)
{
    seen *s = user;
    assert_non_null(sql);
    (void)rows;
    s->statements++;
}

static void hooks_are_told(world *w)
{
    make_items(w, "");
    item *rows = some_items(250, 0, 1);
    seen s = {0};
    const bm_call call = {
        .size = sizeof call, .user = &s, .on_progress = on_progress, .on_statement = on_statement};
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 250),
                         CREATE(.call = &call, .batch_size = 100), fresh(w), &w->err));
    assert_int_equal(s.progress, 3);
    assert_int_equal(s.rows_done, 250);
    assert_int_equal(s.rows_total, 250);
    assert_true(s.statements >= 3);
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_ALL, structs_are_written),
    CASE(ON_ALL, pointers_are_written_in_their_order),
    CASE(ON_ALL, columns_have_their_own_stride),
    CASE(ON_ALL, a_stream_is_pulled_in_chunks),
    CASE(ON_ALL, a_stream_that_fails_leaves_nothing),
    CASE(ON_ALL, a_stream_gives_its_queryset),
    CASE(ON_ALL, a_querysets_rows_are_a_way_in),
    CASE(ON_ALL, rows_that_hold_nothing_are_refused),
    CASE(ON_ALL, no_rows_are_no_statement),
    CASE(ON_ALL, null_default_and_keep_cells),
    CASE(ON_ALL, null_default_and_keep_cells_among_many),
    CASE(ON_ALL, the_callers_uuid_stands_in_all_rows),
    CASE(ON_ALL, a_random_uuid_is_one_for_a_call),
    CASE(ON_ALL, batch_sizes_around_the_number_of_rows),
    CASE(ON_ALL, a_batch_size_that_is_negative_is_refused),
    CASE(ON_POSTGRESQL, few_rows_are_one_statement),
    CASE(ON_ALL, hooks_are_told),
};

int main(void)
{
    return conformance_run("bulk_create", cases, sizeof cases / sizeof cases[0]);
}
