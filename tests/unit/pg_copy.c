/* Rows, checks and parameters over batches of every shape, against bytes made cell by cell. */
#include "check.h"
#include "pg_cell.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct row {
    int64_t id;
    const char *name;
    uint8_t name_state;
    int32_t value;
    bm_uuid uuid;
    uint8_t uuid_state;
    char code[6];
    int32_t day;
    bm_slice amount;
} row;

enum { ROWS = 700, VIEWS = 7 };

static bm__buffer room;

typedef struct fixture {
    row *rows;
    const void **pointers;
    size_t *pick;
    char *names;
    bm__slot slots[VIEWS];
    bm__view views[VIEWS];
    bm__batch batch;
} fixture;

static const struct {
    bm_type type;
    bm_layout layout;
    size_t width, offset, state_offset;
    uint32_t oid;
} columns[VIEWS] = {
    {BM_INT8, BM_FIXED, 8, offsetof(row, id), BM_NO_STATE, OID_INT8},
    {BM_VARCHAR, BM_CSTR, sizeof(char *), offsetof(row, name), offsetof(row, name_state),
     OID_VARCHAR},
    {BM_INT4, BM_FIXED, 4, offsetof(row, value), BM_NO_STATE, OID_INT2},
    {BM_UUID, BM_FIXED, 16, offsetof(row, uuid), offsetof(row, uuid_state), OID_UUID},
    {BM_TEXT, BM_CHARS, 6, offsetof(row, code), BM_NO_STATE, OID_TEXT},
    {BM_DATE, BM_FIXED, 4, offsetof(row, day), BM_NO_STATE, OID_DATE},
    {BM_NUMERIC, BM_SLICE, sizeof(bm_slice), offsetof(row, amount), BM_NO_STATE, OID_NUMERIC},
};

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->rows = calloc(ROWS, sizeof(row));
    f->pointers = calloc(ROWS, sizeof *f->pointers);
    f->pick = calloc(ROWS, sizeof *f->pick);
    f->names = calloc(ROWS, 64);
    for (size_t i = 0; i < ROWS; i++) {
        row *r = &f->rows[i];
        char *name = f->names + 64 * i;
        memset(name, 'a' + (int)(i % 26), i % 60);
        *r = (row){.id = (int64_t)i,
                   .name = name,
                   .value = (int32_t)(i * 7),
                   .day = (int32_t)i,
                   .name_state = i % 11 == 5 ? BM_NULL : BM_VALUE,
                   .uuid_state = i % 5 == 2 ? BM_DEFAULT_CELL : BM_VALUE,
                   .amount = {"12.5", 4}};
        memset(r->uuid.bytes, (int)i, 16);
        memcpy(r->code, "xyzxyz", i % 7);
        f->pointers[i] = r;
        f->pick[i] = (i * 37) % ROWS;
    }
    for (size_t i = 0; i < VIEWS; i++) {
        const bm__pg_column_type to = plain_column(columns[i].oid);
        bm_error err = BM_ERROR;
        assert_int_equal(bm__slot_resolve(columns[i].type, columns[i].layout, columns[i].width, &to,
                                          false, &f->slots[i], &err),
                         BM_OK);
    }
    f->batch = (bm__batch){f->views, VIEWS, ROWS, 0, NULL};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    free(f->rows);
    free(f->pointers);
    free(f->pick);
    free(f->names);
    free(f);
    return 0;
}

/* Views of the structs in a row, or through pointers. */
static void set_views(fixture *f, bool pointers)
{
    for (size_t i = 0; i < VIEWS; i++) {
        const char *first = (const char *)f->rows;
        bm__view view = {
            .name = "c", .offset = columns[i].offset, .state_offset = columns[i].state_offset};
        view.cells = (bm_column){
            .type = columns[i].type, .layout = columns[i].layout, .width = columns[i].width};
        if (pointers) {
            view.rows = f->pointers;
        } else {
            view.cells.data = first + columns[i].offset;
            view.cells.stride = sizeof(row);
            if (columns[i].state_offset != BM_NO_STATE) {
                view.cells.states = (const uint8_t *)first + columns[i].state_offset;
                view.cells.state_stride = sizeof(row);
            }
        }
        f->views[i] = view;
    }
}

static void put_int(bm__buffer *out, uint64_t value, size_t size)
{
    bm_error err = BM_ERROR;
    for (size_t i = size; i > 0; i--) {
        const uint8_t byte = (uint8_t)(value >> (8 * (i - 1)));
        assert_int_equal(bm__buffer_append(out, &byte, 1, &err), BM_OK);
    }
}

/* One row as the manual says, a cell at a time. */
static void put_row(bm__buffer *out, const row *r)
{
    bm_error err = BM_ERROR;
    put_int(out, VIEWS, 2);
    put_int(out, 8, 4);
    put_int(out, (uint64_t)r->id, 8);
    if (r->name_state == BM_VALUE) {
        put_int(out, strlen(r->name), 4);
        assert_int_equal(bm__buffer_append(out, r->name, strlen(r->name), &err), BM_OK);
    } else {
        put_int(out, UINT32_MAX, 4);
    }
    put_int(out, 2, 4);
    put_int(out, (uint64_t)r->value, 2);
    if (r->uuid_state == BM_VALUE) {
        put_int(out, 16, 4);
        assert_int_equal(bm__buffer_append(out, r->uuid.bytes, 16, &err), BM_OK);
    } else {
        put_int(out, UINT32_MAX, 4);
    }
    put_int(out, strnlen(r->code, 6), 4);
    assert_int_equal(bm__buffer_append(out, r->code, strnlen(r->code, 6), &err), BM_OK);
    put_int(out, 4, 4);
    put_int(out, (uint64_t)(r->day - 10957), 4);
    put_int(out, 12, 4); /* 12.5: two digits, weight 0, dscale 1 */
    assert_int_equal(bm__buffer_append(out, "\0\x02\0\0\0\0\0\x01\0\x0c\x13\x88", 12, &err), BM_OK);
}

static void check_batch(const fixture *f, size_t first, size_t from, size_t n)
{
    bm__buffer want = {0};
    bm__buffer got = {0};
    bm_error err = BM_ERROR;
    for (size_t i = from; i < from + n; i++) {
        put_row(&want, &f->rows[f->batch.pick != NULL ? f->batch.pick[i] : first + i]);
    }
    for (size_t at = from; at < from + n; at += BM__BLOCK) {
        size_t block = from + n - at < BM__BLOCK ? from + n - at : BM__BLOCK;
        assert_int_equal(bm__pg_copy_rows(f->slots, &f->batch, at, block, &room, &got, &err),
                         BM_OK);
    }
    assert_int_equal(got.size, want.size);
    if (n > 0) {
        assert_memory_equal(got.data, want.data, want.size);
    }
    bm__buffer_free(&want);
    bm__buffer_free(&got);
}

static void every_shape(void **state)
{
    fixture *f = *state;
    for (int pointers = 0; pointers <= 1; pointers++) {
        set_views(f, pointers);
        f->batch.pick = NULL;
        check_batch(f, 0, 0, ROWS);
        check_batch(f, 0, 699, 1);
        check_batch(f, 0, 255, 3);
        check_batch(f, 0, 0, 0);
        f->batch.first = 13;
        check_batch(f, 13, 1, 300);
        f->batch.first = 0;
        f->batch.pick = f->pick;
        check_batch(f, 0, 0, ROWS);
        check_batch(f, 0, 100, 257);
    }
}

/* One cell for all rows, and columns with a bitmap. */
static void strides_and_bitmaps(void **state)
{
    (void)state;
    static const int64_t one = 5;
    static const int32_t values[] = {1, 2, 3};
    static const uint8_t validity[] = {0x05};
    const bm__view views[] = {
        {.name = "a", .cells = {BM_INT8, BM_FIXED, 8, &one, 0, NULL, 0, NULL}},
        {.name = "b", .cells = {BM_INT4, BM_FIXED, 4, values, 4, NULL, 0, validity}},
    };
    const bm__batch batch = {views, 2, 3, 0, NULL};
    const bm__pg_column_type types[] = {plain_column(OID_INT8), plain_column(OID_INT4)};
    bm__slot slots[2];
    bm_error err = BM_ERROR;
    bm__buffer out = {0};
    assert_int_equal(bm__slot_resolve(BM_INT8, BM_FIXED, 8, &types[0], false, &slots[0], &err),
                     BM_OK);
    assert_int_equal(bm__slot_resolve(BM_INT4, BM_FIXED, 4, &types[1], false, &slots[1], &err),
                     BM_OK);
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 0, 3, &room, &out, &err), BM_OK);
    static const char want[] = "\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x05\0\0\0\x04\0\0\0\x01"
                               "\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x05\xff\xff\xff\xff"
                               "\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x05\0\0\0\x04\0\0\0\x03";
    assert_int_equal(out.size, sizeof want - 1);
    assert_memory_equal(out.data, want, sizeof want - 1);
    bm__buffer_free(&out);
}

/* The fault that counts is that of the first row, there of the first column. */
static void first_fault(void **state)
{
    fixture *f = *state;
    bm__buffer out = {0};
    bm_error err = BM_ERROR;
    set_views(f, false);
    for (size_t i = 0; i < VIEWS; i++) {
        static const char *const names[VIEWS] = {"id",   "name", "value", "uuid",
                                                 "code", "day",  "amount"};
        f->views[i].name = names[i];
    }
    f->rows[300].amount = (bm_slice){"x", 1};
    f->rows[301].value = 40000;
    f->rows[310].name = "\xff";
    assert_int_equal(bm__buffer_append(&out, "before", 6, &err), BM_OK);
    assert_int_equal(bm__pg_copy_rows(f->slots, &f->batch, 256, 256, &room, &out, &err),
                     BM_CONVERT);
    assert_int_equal(err.row, 300);
    assert_string_equal(err.column, "amount");
    assert_string_equal(err.message, "the text is not a number");
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "before", 6);
    err = BM_ERROR;
    assert_int_equal(bm__pg_check(f->slots, &f->batch, NULL, &err), BM_CONVERT);
    assert_int_equal(err.row, 300);
    assert_string_equal(err.column, "amount");
    f->rows[300].value = -40000;
    err = BM_ERROR;
    assert_int_equal(bm__pg_check(f->slots, &f->batch, NULL, &err), BM_CONVERT);
    assert_int_equal(err.row, 300);
    assert_string_equal(err.column, "value");
    err = BM_ERROR;
    assert_int_equal(bm__pg_copy_rows(f->slots, &f->batch, 290, 200, &room, &out, &err),
                     BM_CONVERT);
    assert_int_equal(err.row, 300);
    assert_string_equal(err.column, "value");
    err = BM_ERROR;
    assert_int_equal(bm__pg_copy_rows(f->slots, &f->batch, 0, 256, &room, &out, &err), BM_OK);
    bm__buffer_free(&out);
}

/* As many columns as a table can have, behind bytes that are there already. */
static void wide_rows(void **state)
{
    (void)state;
    enum { WIDE = 1600 };
    static const int16_t number = 3;
    static const char *const text = "text";
    bm__view *views = calloc(WIDE, sizeof *views);
    bm__slot *slots = calloc(WIDE, sizeof *slots);
    const bm__pg_column_type types[] = {plain_column(OID_INT2), plain_column(OID_TEXT)};
    bm_error err = BM_ERROR;
    for (size_t i = 0; i < WIDE; i++) {
        const bool is_text = i % 3 == 1;
        const bm_type type = is_text ? BM_TEXT : BM_INT2;
        const bm_layout layout = is_text ? BM_CSTR : BM_FIXED;
        const size_t width = is_text ? sizeof text : sizeof number;
        views[i].name = "c";
        views[i].cells = (bm_column){.type = type, .layout = layout, .width = width};
        views[i].cells.data = is_text ? (const void *)&text : &number;
        assert_int_equal(
            bm__slot_resolve(type, layout, width, &types[is_text], false, &slots[i], &err), BM_OK);
    }
    const bm__batch batch = {views, WIDE, BM__BLOCK, 0, NULL};
    bm__buffer out = {0};
    for (int round = 0; round < 3; round++) {
        const size_t before = out.size;
        assert_int_equal(bm__pg_copy_rows(slots, &batch, 0, BM__BLOCK, &room, &out, &err), BM_OK);
        assert_int_equal(out.size - before, BM__BLOCK * (2 + 1067 * 6 + 533 * 8));
    }
    const uint8_t *at = out.data;
    for (size_t i = 0; i < 3 * BM__BLOCK; i++) {
        assert_memory_equal(at, "\x06\x40\0\0\0\x02\0\x03\0\0\0\x04text\0\0\0\x02\0\x03", 22);
        at += 2 + 1067 * 6 + 533 * 8;
    }
    bm__buffer_free(&out);
    free(views);
    free(slots);
}

/* One text between columns that cannot be NULL: id, name, value, day. */
enum { AROUND = 4, TEXT_MAX = 5000 };

static bm__batch around_text(fixture *f, bm__slot slots[AROUND], bm__view views[AROUND])
{
    static const size_t of[AROUND] = {0, 1, 2, 5};
    static const char *const names[AROUND] = {"id", "name", "value", "day"};
    set_views(f, false);
    for (size_t i = 0; i < AROUND; i++) {
        slots[i] = f->slots[of[i]];
        views[i] = f->views[of[i]];
        views[i].name = names[i];
        views[i].cells.states = NULL;
        views[i].state_offset = BM_NO_STATE;
    }
    return (bm__batch){.views = views, .n_views = AROUND, .n_rows = ROWS};
}

static void put_around(bm__buffer *out, const row *r)
{
    bm_error err = BM_ERROR;
    size_t size = r->name != NULL ? strlen(r->name) : 0;
    put_int(out, AROUND, 2);
    put_int(out, 8, 4);
    put_int(out, (uint64_t)r->id, 8);
    put_int(out, r->name != NULL ? size : UINT32_MAX, 4);
    assert_int_equal(bm__buffer_append(out, r->name, size, &err), BM_OK);
    put_int(out, 2, 4);
    put_int(out, (uint64_t)r->value, 2);
    put_int(out, 4, 4);
    put_int(out, (uint64_t)(r->day - 10957), 4);
}

/* Short and long, so that a buffer grows between rows; sizes known from a check, and not. */
static void rows_around_text(void **state)
{
    fixture *f = *state;
    bm__slot slots[AROUND];
    bm__view views[AROUND];
    bm__batch batch = around_text(f, slots, views);
    char *longest = malloc(TEXT_MAX + 1);
    memset(longest, 'x', TEXT_MAX);
    longest[TEXT_MAX] = '\0';
    for (size_t i = 0; i < ROWS; i++) {
        f->rows[i].name = i % 11 == 5 ? NULL : longest + (i % 3 == 0 ? i * 31 % TEXT_MAX : 4970);
        f->rows[i].value = (int32_t)(i * 7);
    }
    bm__buffer want = {0};
    for (size_t i = 0; i < ROWS; i++) {
        put_around(&want, &f->rows[i]);
    }
    uint32_t *sizes[AROUND] = {NULL, calloc(ROWS, sizeof **sizes), NULL, NULL};
    for (int known = 0; known < 2; known++) {
        bm__buffer got = {0};
        bm_error err = BM_ERROR;
        for (size_t at = 0; at < ROWS; at += BM__BLOCK) {
            size_t n = ROWS - at < BM__BLOCK ? ROWS - at : BM__BLOCK;
            assert_int_equal(bm__pg_copy_rows(slots, &batch, at, n, &room, &got, &err), BM_OK);
        }
        assert_int_equal(got.size, want.size);
        assert_memory_equal(got.data, want.data, want.size);
        bm__buffer_free(&got);
        assert_int_equal(bm__pg_check(slots, &batch, sizes, &err), BM_OK);
        views[1].sizes = sizes[1];
    }
    free(sizes[1]);
    free(longest);
    bm__buffer_free(&want);
}

/* The first row that has a fault, of it the first column, and nothing is left of the others. */
static void fault_around_text(void **state)
{
    fixture *f = *state;
    bm__slot slots[AROUND];
    bm__view views[AROUND];
    bm__batch batch = around_text(f, slots, views);
    bm__buffer out = {0};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__buffer_append(&out, "before", 6, &err), BM_OK);
    f->rows[200].value = 40000;
    f->rows[201].name = "\xff";
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 0, 256, &room, &out, &err), BM_CONVERT);
    assert_int_equal(err.row, 200);
    assert_string_equal(err.column, "value");
    assert_int_equal(out.size, 6);
    f->rows[200].name = "\xff";
    err = BM_ERROR;
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 100, 156, &room, &out, &err), BM_CONVERT);
    assert_int_equal(err.row, 200);
    assert_string_equal(err.column, "name");
    f->rows[150].name = "\xff";
    err = BM_ERROR;
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 100, 156, &room, &out, &err), BM_CONVERT);
    assert_int_equal(err.row, 150);
    assert_string_equal(err.column, "name");
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "before", 6);
    /* A check looks at values, also where an earlier one kept their sizes. */
    static const uint32_t kept[ROWS];
    views[1].sizes = kept;
    err = BM_ERROR;
    assert_int_equal(bm__pg_check(slots, &batch, NULL, &err), BM_CONVERT);
    assert_int_equal(err.row, 150);
    bm__buffer_free(&out);
}

static bm_status one_array(const bm__slot *slot, const bm__batch *batch, size_t column,
                           bm__buffer *out, bm_error *err)
{
    bm__pg_array array = {.slot = slot, .column = column, .out = out};
    return bm__pg_arrays(&array, 1, batch, err);
}

static void array_parameter(void **state)
{
    fixture *f = *state;
    bm__buffer out = {0};
    bm_error err = BM_ERROR;
    set_views(f, false);
    const bm__pg_column_type to = plain_column(OID_INT4);
    bm__slot slot;
    assert_int_equal(bm__slot_resolve(BM_INT4, BM_FIXED, 4, &to, true, &slot, &err), BM_OK);
    assert_int_equal(one_array(&slot, &f->batch, 2, &out, &err), BM_OK);
    bm__buffer want = {0};
    put_int(&want, 1, 4);
    put_int(&want, 0, 4);
    put_int(&want, OID_INT4, 4);
    put_int(&want, ROWS, 4);
    put_int(&want, 1, 4);
    for (size_t i = 0; i < ROWS; i++) {
        put_int(&want, 4, 4);
        put_int(&want, (uint32_t)f->rows[i].value, 4);
    }
    assert_int_equal(out.size, want.size);
    assert_memory_equal(out.data, want.data, want.size);
    /* NULLs set the flag */
    out.size = want.size = 0;
    assert_int_equal(one_array(&f->slots[3], &f->batch, 3, &out, &err), BM_OK);
    put_int(&want, 1, 4);
    put_int(&want, 1, 4);
    put_int(&want, OID_UUID, 4);
    assert_memory_equal(out.data, want.data, want.size);
    /* no rows */
    f->batch.n_rows = 0;
    out.size = 0;
    assert_int_equal(one_array(&slot, &f->batch, 2, &out, &err), BM_OK);
    assert_int_equal(out.size, 12);
    assert_memory_equal(out.data, "\0\0\0\0\0\0\0\0\0\0\0\x17", 12);
    /* after a failure the buffer is what it was */
    f->batch.n_rows = ROWS;
    f->rows[600].name = "\xc3";
    assert_int_equal(one_array(&f->slots[1], &f->batch, 1, &out, &err), BM_CONVERT);
    assert_int_equal(err.row, 600);
    assert_int_equal(out.size, 12);
    bm__buffer_free(&out);
    bm__buffer_free(&want);
}

/* A row of 1 GB whose cells are all smaller. */
static void row_limit(void **state)
{
    (void)state;
    const bm_slice half = {"x", (size_t)1 << 29};
    const bm__view view = {.name = "c",
                           .cells = {BM_BYTEA, BM_SLICE, sizeof half, &half, 0, NULL, 0, NULL}};
    const bm__view views[] = {view, view};
    const bm__batch batch = {views, 2, 1, 0, NULL};
    const bm__pg_column_type to = plain_column(OID_BYTEA);
    bm__slot slots[2];
    bm_error err = BM_ERROR;
    bm__buffer out = {0};
    assert_int_equal(bm__slot_resolve(BM_BYTEA, BM_SLICE, sizeof half, &to, false, &slots[0], &err),
                     BM_OK);
    slots[1] = slots[0];
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 0, 1, &room, &out, &err), BM_LIMIT);
    assert_int_equal(err.row, 0);
    assert_int_equal(out.size, 0);
    bm__buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_shape, set_up, tear_down),
        cmocka_unit_test(strides_and_bitmaps),
        cmocka_unit_test_setup_teardown(first_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_around_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fault_around_text, set_up, tear_down),
        cmocka_unit_test(wide_rows),
        cmocka_unit_test_setup_teardown(array_parameter, set_up, tear_down),
        cmocka_unit_test(row_limit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bm__buffer_free(&room);
    return failed;
}
