/* Members that are arrays of several dimensions (issue 11, 1). */
#include "world.h"

typedef struct grid {
    int64_t id;
    bm_nd_array points;
    bm_nd_array words;
    uint8_t points_state, words_state;
} grid;

static const bm_model grid_model =
    BM_MODEL("grid", grid, BM_FIELD(grid, id, BM_INT8, BM_KEY),
             BM_ND_ARRAY_FIELD(grid, points, BM_INT4, 0, points_state),
             BM_ND_ARRAY_FIELD(grid, words, BM_TEXT, 0, words_state));

static const int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const bm_slice words[] = {{"a,b", 3}, {"NULL", 4}, {"", 0}, {"{\"\\", 3}};
static const uint8_t third[] = {0, 0, BM_NULL, 0};

static void make(world *w)
{
    run(w, "CREATE TABLE grid (id bigint PRIMARY KEY, points integer[], words text[])");
}

static bm_status create(world *w, grid *rows, size_t n)
{
    return bm_bulk_create(w->db, bm_structs(&grid_model, rows, n), NULL, fresh(w), &w->err);
}

static void as_the_server_prints_them(world *w)
{
    grid rows[] = {
        {.id = 1, .points = {{numbers, 6, NULL}, 2, {2, 3}}, .words = {{words, 4, third}, 1, {4}}},
        {.id = 2, .points = {{numbers, 8, NULL}, 3, {2, 2, 2}}, .words_state = BM_NULL},
        {.id = 3, .points = {{numbers, 2, NULL}, 0, {0}}, .words = {{words, 4, third}, 2, {2, 2}}},
        {.id = 4,
         .points = {{NULL, 0, NULL}, 2, {0, 3}},
         .words = {{words, 1, NULL}, 6, {1, 1, 1, 1, 1, 1}}},
    };
    make(w);
    ok(w, create(w, rows, 4));
    expect(w,
           "{{1,2,3},{4,5,6}}|{\"a,b\",\"NULL\",NULL,\"{\\\"\\\\\"}\n"
           "{{{1,2},{3,4}},{{5,6},{7,8}}}|NULL\n"
           "{1,2}|{{\"a,b\",\"NULL\"},{NULL,\"{\\\"\\\\\"}}\n"
           "{}|{{{{{{\"a,b\"}}}}}}\n",
           "SELECT points, words FROM grid ORDER BY id");
}

/* COPY, and the arrays of an INSERT ... SELECT FROM unnest(). */
static void many_rows_come_back(world *w)
{
    enum { N = 1000 };
    static grid rows[N];
    const size_t counts[] = {N, 5};
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i < N; i++) {
            rows[i] = (grid){.id = (int64_t)(c * N + i),
                             .points = {{numbers, 4 + 2 * (i % 3), NULL}, 2, {2 + i % 3, 2}},
                             .words = {{words, 4, third}, 2, {2, 2}},
                             .words_state = i % 2 == 0 ? BM_NULL : BM_VALUE};
        }
        if (c == 0) {
            make(w);
        }
        ok(w, create(w, rows, counts[c]));
    }
    const int64_t first = N;
    ok(w, bm_copy_to(w->db, bm_keys(&grid_model, &first, 1), NULL, fresh(w), &w->err));
    const grid *one = bm_queryset_at(w->result.queryset, 0);
    assert_int_equal(one->points.n_dimensions, 2);
    assert_int_equal(one->words_state, BM_NULL);
    ok(w, bm_copy_to(w->db, bm_all(&grid_model),
                     BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), N + 5);
    const grid *back = bm_queryset_at(w->result.queryset, 0);
    for (size_t i = 0; i < N + 5; i++) {
        const size_t at = i % N;
        assert_int_equal(back[i].points.elements.count, 4 + 2 * (at % 3));
        assert_int_equal(back[i].points.n_dimensions, 2);
        assert_int_equal(back[i].points.lengths[0], 2 + at % 3);
        assert_int_equal(back[i].points.lengths[1], 2);
        assert_memory_equal(back[i].points.elements.data, numbers,
                            back[i].points.elements.count * sizeof numbers[0]);
        if (at % 2 == 1) {
            assert_int_equal(back[i].words.elements.states[2], BM_NULL);
            assert_int_equal(((const bm_slice *)back[i].words.elements.data)[3].size, 3);
        }
    }
}

/* The same elements in another shape are another value; the same shape is none. */
static void a_shape_changes(world *w)
{
    grid rows[] = {{.id = 1, .points = {{numbers, 4, NULL}, 2, {2, 2}}, .words_state = BM_NULL},
                   {.id = 2, .points = {{numbers, 0, NULL}, 0, {0}}, .words_state = BM_NULL}};
    make(w);
    ok(w, create(w, rows, 2));
    ok(w, bm_copy_to(w->db, bm_all(&grid_model),
                     BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), fresh(w), &w->err));
    bm_rows read = bm_queryset_rows(w->result.queryset);
    grid *at = bm_queryset_at(w->result.queryset, 0);
    bm_result result = BM_RESULT;
    at[0].points = (bm_nd_array){{numbers, 4, NULL}, 2, {2, 2}};
    at[1].points = (bm_nd_array){{NULL, 0, NULL}, 1, {0}};
    ok(w, bm_update_fields(w->db, read, NULL, &result, &w->err));
    assert_int_equal(result.updated, 0);
    at[0].points = (bm_nd_array){{numbers, 4, NULL}, 0, {0}};
    ok(w, bm_update_fields(w->db, read, NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect(w, "{1,2,3,4}\n{}\n", "SELECT points FROM grid ORDER BY id");
    at[0].points = (bm_nd_array){{numbers, 4, NULL}, 2, {4, 1}};
    ok(w, bm_update_fields(w->db, read, NULL, &result, &w->err));
    expect(w, "{{1},{2},{3},{4}}\n{}\n", "SELECT points FROM grid ORDER BY id");
}

static void shapes_that_are_refused(world *w)
{
    const bm_nd_array shapes[] = {{{numbers, 5, NULL}, 2, {2, 3}},
                                  {{numbers, 6, NULL}, 7, {1, 1, 1, 1, 1, 6}},
                                  {{numbers, 6, NULL}, 2, {SIZE_MAX, SIZE_MAX}},
                                  {{numbers, 6, NULL}, 1, {0}}};
    make(w);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        grid rows[] = {{.id = 1, .points_state = BM_NULL, .words_state = BM_NULL},
                       {.id = 2, .points = shapes[i], .words_state = BM_NULL}};
        refused(w, create(w, rows, 2), BM_CONVERT, 1, "points");
    }
    expect_number(w, 0, "SELECT count(*) FROM grid");
}

static void sqlite_has_none(world *w)
{
    grid row = {.id = 1, .points = {{numbers, 4, NULL}, 2, {2, 2}}};
    run(w, "CREATE TABLE grid (id integer PRIMARY KEY, points text, words text)");
    refused(w, create(w, &row, 1), BM_UNSUPPORTED, BM_NO_ROW, "points");
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, as_the_server_prints_them),
    CASE(ON_POSTGRESQL, many_rows_come_back),
    CASE(ON_POSTGRESQL, a_shape_changes),
    CASE(ON_POSTGRESQL, shapes_that_are_refused),
    CASE(ON_SQLITE, sqlite_has_none),
};

int main(void)
{
    return conformance_run("nd_arrays", cases, sizeof cases / sizeof cases[0]);
}
