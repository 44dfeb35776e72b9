/* Views and batches: where a cell stands, and whether it is one. */
#include "batch.h"
#include "rows.h"

#include "check.h"

#include <string.h>

typedef struct pair {
    int32_t left;
    int64_t right;
    uint8_t right_state;
} pair;

static const bm_model model = BM_MODEL("pair", pair, BM_FIELD(pair, left, BM_INT4, BM_KEY),
                                       BM_FIELD_STATE(pair, right, BM_INT8, 0, right_state));

static int64_t value_at(const bm__view *view, size_t row)
{
    int64_t value;
    memcpy(&value, bm__view_cell(view, row), sizeof value);
    return value;
}

static bm__view int8_view(const void *data, ptrdiff_t stride)
{
    return (bm__view){
        .name = "v",
        .cells = {.type = BM_INT8, .layout = BM_FIXED, .width = 8, .data = data, .stride = stride},
        .state_offset = BM_NO_STATE};
}

static void strides_of_every_sign(void **state)
{
    (void)state;
    const int64_t values[] = {10, 11, 12, 13};
    bm__view forward = int8_view(values, 8);
    bm__view backward = int8_view(values + 3, -8);
    bm__view constant = int8_view(values + 2, 0);
    bm__view wide = int8_view(values, 16);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(value_at(&forward, i), 10 + (int)i);
        assert_int_equal(value_at(&backward, i), 13 - (int)i);
        assert_int_equal(value_at(&constant, i), 12);
        assert_int_equal(bm__view_state(&forward, i), BM_VALUE);
    }
    assert_int_equal(value_at(&wide, 1), 12);
    assert_false(bm__view_has_states(&forward));
}

static void cells_need_no_alignment(void **state)
{
    (void)state;
    unsigned char bytes[3 + 2 * 9];
    for (int i = 0; i < 2; i++) {
        memcpy(bytes + 3 + 9 * i, &(int64_t){77 + i}, 8);
    }
    bm__view view = int8_view(bytes + 3, 9);
    assert_int_equal(value_at(&view, 0), 77);
    assert_int_equal(value_at(&view, 1), 78);
}

static void states_with_strides(void **state)
{
    (void)state;
    const int64_t values[4] = {0};
    const uint8_t states[] = {0, 1, 2, 3};
    bm__view view = int8_view(values, 8);
    view.cells.states = states;
    view.cells.state_stride = 1;
    assert_true(bm__view_has_states(&view));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bm__view_state(&view, i), i);
    }
    view.cells.states = states + 3;
    view.cells.state_stride = -1;
    assert_int_equal(bm__view_state(&view, 3), BM_VALUE);
    assert_int_equal(bm__view_state(&view, 0), BM_KEEP);
    view.cells.states = states + 1;
    view.cells.state_stride = 0;
    assert_int_equal(bm__view_state(&view, 3), BM_NULL);
}

static void a_validity_bitmap(void **state)
{
    (void)state;
    const int64_t values[20] = {0};
    const uint8_t validity[] = {0x01, 0x80, 0x0A}; /* rows 0, 15, 17, 19 */
    bm__view view = int8_view(values, 8);
    view.cells.validity = validity;
    assert_true(bm__view_has_states(&view));
    for (size_t i = 0; i < 20; i++) {
        bool valid = i == 0 || i == 15 || i == 17 || i == 19;
        assert_int_equal(bm__view_state(&view, i), valid ? BM_VALUE : BM_NULL);
    }
    const uint8_t states[20] = {[0] = BM_DEFAULT_CELL, [1] = BM_KEEP};
    view.cells.states = states; /* with both, a cell is a value where both say so */
    view.cells.state_stride = 1;
    assert_int_equal(bm__view_state(&view, 0), BM_DEFAULT_CELL);
    assert_int_equal(bm__view_state(&view, 1), BM_KEEP);
    assert_int_equal(bm__view_state(&view, 2), BM_NULL);
    assert_int_equal(bm__view_state(&view, 15), BM_VALUE);
}

/* ---------------------------------------------------------------------------------- rows' views */

static void structs_and_pointers_are_viewed_alike(void **state)
{
    (void)state;
    const pair pairs[] = {{1, 100, BM_VALUE}, {2, 200, BM_NULL}, {3, 300, BM_KEEP}};
    const void *const pointers[] = {&pairs[0], &pairs[1], &pairs[2]};
    bm_rows both[] = {bm_structs(&model, pairs, 3), bm_struct_pointers(&model, pointers, 3)};
    for (size_t k = 0; k < 2; k++) {
        bm__view left;
        bm__view right;
        bm_error err = BM_ERROR;
        assert_int_equal(bm__rows_check(&both[k], &err), BM_OK);
        assert_true(bm__rows_view(&both[k], 0, &left));
        assert_true(bm__rows_view(&both[k], 1, &right));
        assert_string_equal(right.name, "right");
        assert_false(bm__view_has_states(&left));
        assert_true(bm__view_has_states(&right));
        for (size_t i = 0; i < 3; i++) {
            assert_ptr_equal(bm__view_cell(&left, i), &pairs[i].left);
            assert_ptr_equal(bm__view_cell(&right, i), &pairs[i].right);
            assert_int_equal(bm__view_state(&left, i), BM_VALUE);
            assert_int_equal(bm__view_state(&right, i), pairs[i].right_state);
        }
    }
}

static void columns_and_keys(void **state)
{
    (void)state;
    const int32_t left[] = {1, 2};
    const int64_t right[] = {3, 4};
    bm_column columns[2] = {
        {.type = BM_INT4, .layout = BM_FIXED, .width = 4, .data = left, .stride = 4}};
    bm_rows rows = bm_columns(&model, columns, 2);
    bm__view view;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__rows_check(&rows, &err), BM_OK);
    assert_true(bm__rows_view(&rows, 0, &view));
    assert_ptr_equal(bm__view_cell(&view, 1), &left[1]);
    assert_string_equal(view.name, "left");
    assert_false(bm__rows_view(&rows, 1, &view)); /* left out */
    columns[1] = (bm_column){.type = BM_INT8, .layout = BM_FIXED, .width = 8, .data = right};
    assert_true(bm__rows_view(&rows, 1, &view));
    assert_int_equal(value_at(&view, 1), 3); /* one cell for all rows */
    rows = bm_keys(&model, left, 2);
    assert_int_equal(bm__rows_check(&rows, &err), BM_OK);
    assert_true(bm__rows_view(&rows, 0, &view));
    assert_ptr_equal(bm__view_cell(&view, 1), &left[1]);
    assert_false(bm__rows_view(&rows, 1, &view));
    rows = bm_all(&model);
    assert_int_equal(bm__rows_check(&rows, &err), BM_OK);
    assert_false(bm__rows_view(&rows, 0, &view));
}

static void no_rows_need_no_memory(void **state)
{
    (void)state;
    bm_rows rows[] = {bm_structs(&model, NULL, 0), bm_struct_pointers(&model, NULL, 0),
                      bm_columns(&model, NULL, 0), bm_keys(&model, NULL, 0)};
    for (size_t k = 0; k < 4; k++) {
        bm__view view;
        bm_error err = BM_ERROR;
        assert_int_equal(bm__rows_check(&rows[k], &err), BM_OK);
        assert_int_equal(bm__rows_view(&rows[k], 0, &view), k != 2);
        rows[k].count = 1;
        assert_int_equal(bm__rows_check(&rows[k], &err), BM_INVALID);
    }
}

static void columns_hold_what_the_model_says(void **state)
{
    (void)state;
    const int64_t cells[] = {1};
    const bm_array arrays[] = {{0}};
    const bm_column wrong[] = {
        {.type = BM_INT8, .layout = BM_FIXED, .width = 8, .data = cells}, /* left is int4 */
        {.type = BM_INT4, .layout = BM_FIXED, .width = 8, .data = cells},
        {.type = BM_INT4, .layout = BM_SLICE, .width = 16, .data = cells},
        {.type = BM_DATE, .layout = BM_FIXED, .width = 4, .data = cells},
        {.type = BM_INT4, .layout = BM_ARRAY, .width = sizeof(bm_array), .data = arrays},
        {.type = (bm_type)99, .layout = BM_FIXED, .width = 4, .data = cells},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const bm_column columns[] = {wrong[i], {0}};
        bm_rows rows = bm_columns(&model, columns, 1);
        bm_error err = BM_ERROR;
        assert_int_equal(bm__rows_check(&rows, &err), BM_INVALID);
        assert_string_equal(err.column, "left");
    }
}

/* -------------------------------------------------------------------------------------- batches */

#define ROWS 300

static pair pairs[ROWS];
static const void *pointers[ROWS];
static size_t picks[ROWS];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        pairs[i] = (pair){(int32_t)i, (int64_t)(1000 + i), i % 3 == 0 ? BM_NULL : BM_VALUE};
        pointers[i] = &pairs[i];
        picks[i] = (i * 7) % ROWS;
    }
    return 0;
}

/* Every block of the batch must be what a look at each cell says. */
static void check_cells(const bm__batch *batch, size_t step)
{
    for (size_t column = 0; column < batch->n_views; column++) {
        for (size_t from = 0; from < batch->n_rows; from += step) {
            bm__room room;
            bm__cells cells;
            size_t n = batch->n_rows - from < step ? batch->n_rows - from : step;
            bool any = false;
            bm__batch_cells(batch, column, from, n, false, &room, &cells);
            assert_int_equal(cells.n, n);
            assert_null(cells.slices);
            for (size_t i = 0; i < n; i++) {
                const pair *p = &pairs[bm__batch_row(batch, from + i)];
                bool null = column == 1 && p->right_state != BM_VALUE;
                const void *cell = column == 0 ? (const void *)&p->left : (const void *)&p->right;
                size_t width = column == 0 ? sizeof p->left : sizeof p->right;
                assert_int_equal(bm__is_null(&cells, i), null);
                if (!null) {
                    assert_memory_equal(bm__fixed_cell(&cells, i), cell, width);
                }
                any = any || null;
            }
            assert_int_equal(cells.nulls != NULL, any);
        }
    }
}

static void cells_with_and_without_pick(void **state)
{
    (void)state;
    bm_rows kinds[] = {bm_structs(&model, pairs, ROWS), bm_struct_pointers(&model, pointers, ROWS)};
    static const size_t steps[] = {1, 7, 255, 256};
    for (size_t k = 0; k < 8; k++) {
        bm__view views[2];
        assert_true(bm__rows_view(&kinds[k % 2], 0, &views[0]));
        assert_true(bm__rows_view(&kinds[k % 2], 1, &views[1]));
        bm__batch batch = {.views = views, .n_views = 2, .n_rows = ROWS};
        check_cells(&batch, steps[k / 2]);
        batch.pick = picks;
        check_cells(&batch, steps[k / 2]);
        batch = (bm__batch){.views = views, .n_views = 2, .n_rows = 40, .first = 260};
        check_cells(&batch, steps[k / 2]);
    }
}

typedef struct texts {
    const char *pointer;
    bm_slice slice;
    char chars[4];
    uint8_t state;
} texts;

/* Three members that hold text become slices, whatever the order of the rows. */
static void texts_are_slices(void **state)
{
    (void)state;
    static const texts rows[] = {{"one", {"one", 3}, "one", BM_VALUE},
                                 {NULL, {NULL, 0}, "", BM_VALUE},
                                 {"four", {"four", 4}, {'f', 'o', 'u', 'r'}, BM_VALUE},
                                 {"no", {"no", 2}, "no", BM_KEEP}};
    static const char *const want[] = {"one", "", "four", NULL};
    static const size_t backwards[] = {3, 2, 1, 0};
    static const struct {
        bm_layout layout;
        size_t offset, width;
    } members[] = {{BM_CSTR, offsetof(texts, pointer), sizeof(char *)},
                   {BM_SLICE, offsetof(texts, slice), sizeof(bm_slice)},
                   {BM_CHARS, offsetof(texts, chars), 4}};
    for (size_t k = 0; k < 12; k++) {
        const bool addresses = k >= 6;
        const bm_layout layout = members[k % 3].layout;
        bm__view view = {.name = "text", .state_offset = BM_NO_STATE};
        view.cells = (bm_column){.type = BM_TEXT,
                                 .layout = layout,
                                 .width = members[k % 3].width,
                                 .data = (const char *)rows + members[k % 3].offset,
                                 .stride = sizeof(texts),
                                 .states = &rows[0].state,
                                 .state_stride = sizeof(texts)};
        bm__batch batch = {.views = &view, .n_views = 1, .n_rows = 4};
        batch.pick = k % 6 < 3 ? backwards : NULL;
        bm__room room;
        bm__cells cells;
        bm__batch_cells(&batch, 0, 0, 4, addresses, &room, &cells);
        for (size_t i = 0; i < 4; i++) {
            const size_t row = bm__batch_row(&batch, i);
            const bool null = row == 3 || (row == 1 && layout == BM_CSTR);
            assert_int_equal(bm__is_null(&cells, i), null);
            if (null) {
                continue;
            }
            const size_t size = strlen(want[row]);
            if (!addresses || layout == BM_SLICE) {
                assert_int_equal(cells.slices[i].size, size);
            }
            assert_true(size == 0 || memcmp(cells.slices[i].data, want[row], size) == 0);
        }
    }
}

static void slices_of_batches(void **state)
{
    (void)state;
    bm_rows rows = bm_structs(&model, pairs, ROWS);
    bm__view views[2];
    assert_true(bm__rows_view(&rows, 0, &views[0]));
    assert_true(bm__rows_view(&rows, 1, &views[1]));
    bm__batch whole = {.views = views, .n_views = 2, .n_rows = 200, .first = 100};
    for (int picked = 0; picked < 2; picked++) {
        whole.pick = picked == 1 ? picks + 50 : NULL;
        bm__batch part = bm__batch_slice(&whole, 30, 100);
        bm__batch again = bm__batch_slice(&part, 5, 10);
        assert_int_equal(part.n_rows, 100);
        assert_int_equal(again.n_rows, 10);
        for (size_t i = 0; i < 10; i++) {
            size_t row = picked == 1 ? ((50 + 35 + i) * 7) % ROWS : 135 + i;
            assert_int_equal(bm__batch_row(&again, i), row);
            assert_int_equal(bm__batch_row(&part, 5 + i), row);
            assert_int_equal(bm__batch_row(&whole, 35 + i), row);
        }
        check_cells(&again, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_of_every_sign),
        cmocka_unit_test(cells_need_no_alignment),
        cmocka_unit_test(states_with_strides),
        cmocka_unit_test(a_validity_bitmap),
        cmocka_unit_test(structs_and_pointers_are_viewed_alike),
        cmocka_unit_test(columns_and_keys),
        cmocka_unit_test(no_rows_need_no_memory),
        cmocka_unit_test(columns_hold_what_the_model_says),
        cmocka_unit_test(cells_with_and_without_pick),
        cmocka_unit_test(texts_are_slices),
        cmocka_unit_test(slices_of_batches),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
