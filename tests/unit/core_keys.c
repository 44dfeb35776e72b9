/* Order and duplicates of keys, against a reference that compares every row with every other. */
#include "keys.h"

#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 400

static uint64_t random_state = 0x9E3779B97F4A7C15;

/* xorshift64*, so that a failure can be seen again. */
static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1D;
}

static size_t below(size_t limit)
{
    return (size_t)(next_random() % limit);
}

/* Rows of a key of three columns; which of them are used is the test's. */
typedef struct row {
    int64_t number;
    double real;
    char blanked[5]; /* BM_CHAR */
    const char *text;
    int16_t small;
    bm_uuid uuid;
    bool flag;
    float single;
    uint8_t states[8];
} row;

typedef enum key { NUMBER, REAL, BLANKED, TEXT, SMALL, UUID, FLAG, SINGLE, N_KEYS } key;

static const struct {
    bm_type type;
    bm_layout layout;
    size_t offset;
    size_t width;
} members[N_KEYS] = {
    [NUMBER] = {BM_INT8, BM_FIXED, offsetof(row, number), 8},
    [REAL] = {BM_FLOAT8, BM_FIXED, offsetof(row, real), 8},
    [BLANKED] = {BM_CHAR, BM_CHARS, offsetof(row, blanked), 5},
    [TEXT] = {BM_TEXT, BM_CSTR, offsetof(row, text), sizeof(const char *)},
    [SMALL] = {BM_INT2, BM_FIXED, offsetof(row, small), 2},
    [UUID] = {BM_UUID, BM_FIXED, offsetof(row, uuid), 16},
    [FLAG] = {BM_BOOL, BM_FIXED, offsetof(row, flag), 1},
    [SINGLE] = {BM_FLOAT4, BM_FIXED, offsetof(row, single), 4},
};

static row rows[MAX_ROWS];
static const void *pointers[MAX_ROWS];

static bm__view view_of(key k, bool states, bool by_pointer)
{
    bm__view view = {
        .name = "k",
        .cells = {.type = members[k].type, .layout = members[k].layout, .width = members[k].width},
        .state_offset = BM_NO_STATE};
    size_t state = offsetof(row, states) + (size_t)k;
    if (by_pointer) {
        view.rows = pointers;
        view.offset = members[k].offset;
        view.state_offset = states ? state : BM_NO_STATE;
        return view;
    }
    view.cells.data = (const char *)rows + members[k].offset;
    view.cells.stride = sizeof(row);
    if (states) {
        view.cells.states = (const uint8_t *)rows + state;
        view.cells.state_stride = sizeof(row);
    }
    return view;
}

static void fill_rows(size_t n, size_t variety, bool nulls)
{
    static const double reals[] = {0.0, -0.0, NAN, -1.5, 1.5, INFINITY, -INFINITY, 1e-300};
    static const char *const blanked[] = {"", " ", "     ", "a", "a ", "a   ", "a b", " a"};
    static const char *const texts[] = {"", "a", "a ", "ab", "b", "\xC3\xA9", "a\x01", "abc"};
    for (size_t i = 0; i < n; i++) {
        row *r = &rows[i];
        memset(r, 0, sizeof *r);
        r->number = (int64_t)below(variety) - (int64_t)variety / 2;
        r->real = reals[below(8)];
        strncpy(r->blanked, blanked[below(8)], sizeof r->blanked);
        r->text = texts[below(8)];
        r->small = (int16_t)((int)below(5) - 2);
        r->uuid.bytes[below(16)] = (uint8_t)below(2);
        r->flag = below(2) == 1;
        r->single = (float)reals[below(7)];
        for (size_t k = 0; nulls && k < N_KEYS; k++) {
            r->states[k] = below(4) == 0 ? BM_NULL : BM_VALUE;
        }
    }
    for (size_t i = 0; i < n; i++) {
        pointers[i] = &rows[i];
    }
}

/* ----------------------------------------------------------------------------------- reference */

static size_t blanks_off(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    return n;
}

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

static int compare_texts(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int c = sign(memcmp(a, b, a_size < b_size ? a_size : b_size));
    return c != 0 ? c : (a_size > b_size) - (a_size < b_size);
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    }
    return (a > b) - (a < b);
}

static int reference(key k, bool states, size_t i, size_t j)
{
    const row *a = &rows[i];
    const row *b = &rows[j];
    if (states && (a->states[k] != 0 || b->states[k] != 0)) {
        return (a->states[k] != 0) - (b->states[k] != 0);
    }
    switch (k) {
    case NUMBER:
        return (a->number > b->number) - (a->number < b->number);
    case REAL:
        return compare_doubles(a->real, b->real);
    case BLANKED:
        return compare_texts(a->blanked, blanks_off(a->blanked, 5), b->blanked,
                             blanks_off(b->blanked, 5));
    case TEXT:
        return sign(strcmp(a->text, b->text));
    case SMALL:
        return a->small - b->small;
    case UUID:
        return sign(memcmp(&a->uuid, &b->uuid, 16));
    case FLAG:
        return (int)a->flag - (int)b->flag;
    case SINGLE:
        return compare_doubles((double)a->single, (double)b->single);
    case N_KEYS:
        break;
    }
    fail();
    return 0;
}

typedef struct keyset {
    key at[3];
    size_t n;
    bool states;
} keyset;

static int compare_all(const keyset *keys, size_t i, size_t j)
{
    int c = 0;
    for (size_t k = 0; c == 0 && k < keys->n; k++) {
        c = reference(keys->at[k], keys->states, i, j);
    }
    return c;
}

static bool same_key(const keyset *keys, size_t i, size_t j)
{
    for (size_t k = 0; keys->states && k < keys->n; k++) {
        if (rows[i].states[keys->at[k]] != 0) {
            return false;
        }
    }
    return compare_all(keys, i, j) == 0;
}

/* The first, or the last, of the rows with row i's key. */
static size_t keeper(const keyset *keys, size_t n, size_t i, bool last)
{
    size_t found = i;
    for (size_t j = 0; j < n; j++) {
        if (same_key(keys, i, j) && (last ? j > found : j < found)) {
            found = j;
        }
    }
    return found;
}

/* --------------------------------------------------------------------------------------- checks */

static void check_order(const keyset *keys, const size_t *order, size_t n)
{
    uint8_t seen[MAX_ROWS] = {0};
    for (size_t i = 0; i < n; i++) {
        assert_true(order[i] < n);
        assert_int_equal(seen[order[i]]++, 0);
        if (i > 0) {
            int c = compare_all(keys, order[i - 1], order[i]);
            assert_true(c < 0 || (c == 0 && order[i - 1] < order[i]));
        }
    }
}

static void check_kept(const keyset *keys, const bm__view *const *views, const size_t *order,
                       size_t n, bool last)
{
    size_t kept[MAX_ROWS];
    uint8_t dropped[MAX_ROWS];
    size_t left = n;
    bm_error err = BM_ERROR;
    memcpy(kept, order, n * sizeof *order);
    memset(dropped, 7, sizeof dropped);
    bm_duplicates rule = last ? BM_DUPLICATES_LAST : BM_DUPLICATES_FIRST;
    assert_int_equal(bm__keys_distinct(views, keys->n, rule, kept, &left, dropped, &err), BM_OK);
    size_t want = 0;
    for (size_t i = 0; i < n; i++) {
        bool is_kept = keeper(keys, n, i, last) == i;
        want += is_kept;
        assert_int_equal(dropped[i], is_kept ? 0 : 1);
    }
    assert_int_equal(left, want);
    for (size_t i = 0; i < left; i++) {
        assert_int_equal(dropped[kept[i]], 0);
        assert_true(i == 0 || compare_all(keys, kept[i - 1], kept[i]) <= 0);
    }
    size_t plain[MAX_ROWS];
    size_t plain_left = n;
    memcpy(plain, order, n * sizeof *order);
    assert_int_equal(bm__keys_distinct(views, keys->n, rule, plain, &plain_left, NULL, &err),
                     BM_OK);
    assert_int_equal(plain_left, left);
    assert_memory_equal(plain, kept, left * sizeof *kept);
}

static void check_error(const keyset *keys, const bm__view *const *views, const size_t *order,
                        size_t n)
{
    size_t pairs = 0;
    for (size_t i = 0; i < n; i++) {
        pairs += keeper(keys, n, i, false) != i;
    }
    size_t copy[MAX_ROWS];
    size_t left = n;
    bm_error err = BM_ERROR;
    memcpy(copy, order, n * sizeof *order);
    bm_status status =
        bm__keys_distinct(views, keys->n, BM_DUPLICATES_ERROR, copy, &left, NULL, &err);
    assert_int_equal(status, pairs > 0 ? BM_INVALID : BM_OK);
    assert_int_equal(err.status, status);
    if (pairs > 0) {
        assert_true(err.row < err.other_row && err.other_row < n);
        assert_true(same_key(keys, err.row, err.other_row));
    } else {
        assert_int_equal(left, n);
        assert_memory_equal(copy, order, n * sizeof *order);
    }
}

/* All of it, for one set of rows. */
static void check_keys(const keyset *keys, size_t n, bool by_pointer)
{
    bm__view at[3];
    const bm__view *views[3];
    for (size_t k = 0; k < keys->n; k++) {
        at[k] = view_of(keys->at[k], keys->states, by_pointer);
        views[k] = &at[k];
    }
    size_t *order = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__keys_order(views, keys->n, NULL, n, keys->states, &order, &err), BM_OK);
    if (order == NULL) {
        for (size_t i = 1; i < n; i++) {
            assert_true(compare_all(keys, i - 1, i) < 0);
        }
        return;
    }
    check_order(keys, order, n);
    check_kept(keys, views, order, n, false);
    check_kept(keys, views, order, n, true);
    check_error(keys, views, order, n);
    free(order);
}

/* ---------------------------------------------------------------------------------------- tests */

static void every_type_alone(void **state)
{
    (void)state;
    for (int k = 0; k < N_KEYS; k++) {
        for (size_t n = 0; n < 70; n += 1 + n / 8) {
            keyset keys = {.at = {(key)k}, .n = 1};
            fill_rows(n, 1 + below(100), false);
            check_keys(&keys, n, below(2) == 1);
            keys.states = true;
            fill_rows(n, 1 + below(100), true);
            check_keys(&keys, n, below(2) == 1);
        }
    }
}

static void composites(void **state)
{
    (void)state;
    for (int turn = 0; turn < 150; turn++) {
        keyset keys = {.n = 2 + below(2), .states = turn % 3 == 0};
        for (size_t k = 0; k < keys.n; k++) {
            keys.at[k] = (key)below(N_KEYS);
        }
        size_t n = below(90);
        fill_rows(n, 1 + below(20), keys.states);
        check_keys(&keys, n, turn % 2 == 0);
    }
}

static void many_rows(void **state)
{
    (void)state;
    static const size_t varieties[] = {1, 2, 300, 1000000};
    for (size_t i = 0; i < 4; i++) {
        keyset keys = {.at = {NUMBER, TEXT}, .n = 1 + i % 2};
        fill_rows(MAX_ROWS, varieties[i], false);
        check_keys(&keys, MAX_ROWS, false);
    }
}

static bm_status order_numbers(size_t n, size_t **order)
{
    bm_error err = BM_ERROR;
    bm__view view = view_of(NUMBER, false, false);
    const bm__view *views[] = {&view};
    return bm__keys_order(views, 1, NULL, n, false, order, &err);
}

static void rows_in_order_need_no_order(void **state)
{
    (void)state;
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    fill_rows(5, 1, false);
    for (size_t i = 0; i < 5; i++) {
        rows[i].number = numbers[i];
    }
    size_t *order = NULL;
    for (size_t n = 0; n <= 5; n++) {
        assert_int_equal(order_numbers(n, &order), BM_OK);
        assert_null(order);
    }
    rows[4].number = 1;
    assert_int_equal(order_numbers(5, &order), BM_OK); /* two are equal: an order is given */
    assert_non_null(order);
    free(order);
    rows[4].number = INT64_MIN;
    rows[0].number = INT64_MAX;
    assert_int_equal(order_numbers(5, &order), BM_OK);
    assert_memory_equal(order, ((size_t[]){4, 1, 2, 3, 0}), 5 * sizeof *order);
    free(order);
}

static void a_null_key_is_named(void **state)
{
    (void)state;
    static const bm_state kinds[] = {BM_NULL, BM_DEFAULT_CELL, BM_KEEP};
    for (size_t i = 0; i < 6; i++) {
        fill_rows(9, 50, false);
        rows[6].states[TEXT] = (uint8_t)kinds[i % 3];
        bm__view number = view_of(NUMBER, true, i < 3);
        bm__view text = view_of(TEXT, true, i < 3);
        text.name = "label";
        const bm__view *views[] = {&number, &text};
        size_t *order = NULL;
        bm_error err = BM_ERROR;
        assert_int_equal(bm__keys_order(views, 2, NULL, 9, false, &order, &err), BM_INVALID);
        assert_null(order);
        assert_int_equal(err.row, 6);
        assert_string_equal(err.column, "label");
        assert_int_equal(bm__keys_order(views, 2, NULL, 6, false, &order, &err), BM_OK);
        free(order);
    }
}

static void zeros_nans_and_blanks_are_one(void **state)
{
    (void)state;
    fill_rows(6, 1, false);
    static const double reals[] = {NAN, -0.0, 0.0, -NAN, INFINITY, -INFINITY};
    static const char *const texts[] = {"x", "x  ", "x   ", " x", "", "    "};
    for (size_t i = 0; i < 6; i++) {
        rows[i].real = reals[i];
        memset(rows[i].blanked, 0, sizeof rows[i].blanked);
        strncpy(rows[i].blanked, texts[i], sizeof rows[i].blanked);
    }
    bm__view real = view_of(REAL, false, false);
    bm__view blanked = view_of(BLANKED, false, false);
    const bm__view *of_real[] = {&real};
    const bm__view *of_blanked[] = {&blanked};
    size_t *order = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__keys_order(of_real, 1, NULL, 6, false, &order, &err), BM_OK);
    assert_memory_equal(order, ((size_t[]){5, 1, 2, 4, 0, 3}), 6 * sizeof *order);
    size_t n = 6;
    assert_int_equal(bm__keys_distinct(of_real, 1, BM_DUPLICATES_LAST, order, &n, NULL, &err),
                     BM_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(order, ((size_t[]){5, 2, 4, 3}), 4 * sizeof *order);
    free(order);
    assert_int_equal(bm__keys_order(of_blanked, 1, NULL, 6, false, &order, &err), BM_OK);
    assert_memory_equal(order, ((size_t[]){4, 5, 3, 0, 1, 2}), 6 * sizeof *order);
    n = 6;
    assert_int_equal(bm__keys_distinct(of_blanked, 1, BM_DUPLICATES_ERROR, order, &n, NULL, &err),
                     BM_INVALID);
    assert_int_equal(err.row, 4);
    assert_int_equal(err.other_row, 5);
    free(order);
}

/* Trailing blanks count in every type but BM_CHAR; bytes of a slice may be anything. */
static void slices_are_compared_by_their_bytes(void **state)
{
    (void)state;
    const bm_slice slices[] = {{"a\0b", 3}, {"a", 1},  {"a ", 2},
                               {"a\0", 2},  {NULL, 0}, {"\xFF", 1}};
    bm__view view = {
        .name = "k",
        .cells = {BM_BYTEA, BM_SLICE, sizeof(bm_slice), slices, sizeof(bm_slice), NULL, 0, NULL},
        .state_offset = BM_NO_STATE};
    const bm__view *views[] = {&view};
    size_t *order = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__keys_order(views, 1, NULL, 6, false, &order, &err), BM_OK);
    assert_memory_equal(order, ((size_t[]){4, 1, 3, 0, 2, 5}), 6 * sizeof *order);
    size_t n = 6;
    assert_int_equal(bm__keys_distinct(views, 1, BM_DUPLICATES_ERROR, order, &n, NULL, &err),
                     BM_OK);
    free(order);
}

/* The caller left out the pointer: the row is named, and the pointer is not followed. */
static void a_missing_pointer_is_named(void **state)
{
    (void)state;
    const bm_slice slices[] = {{"b", 1}, {"a", 1}, {NULL, 5}, {NULL, 5}};
    bm__view view = {
        .name = "k",
        .cells = {BM_TEXT, BM_SLICE, sizeof(bm_slice), slices, sizeof(bm_slice), NULL, 0, NULL},
        .state_offset = BM_NO_STATE};
    const bm__view *views[] = {&view};
    size_t *order = NULL;
    for (int nulls = 0; nulls < 2; nulls++) {
        bm_error err = BM_ERROR;
        assert_int_equal(bm__keys_order(views, 1, NULL, 4, nulls == 1, &order, &err), BM_CONVERT);
        assert_null(order);
        assert_int_equal(err.row, 2);
        assert_string_equal(err.column, "k");
    }
    const uint8_t states[] = {BM_VALUE, BM_VALUE, BM_NULL, BM_NULL}; /* then it does not matter */
    bm_error err = BM_ERROR;
    view.cells.states = states;
    view.cells.state_stride = 1;
    assert_int_equal(bm__keys_order(views, 1, NULL, 4, true, &order, &err), BM_OK);
    assert_memory_equal(order, ((size_t[]){1, 0, 2, 3}), 4 * sizeof *order);
    free(order);
}

static void an_array_is_no_key(void **state)
{
    (void)state;
    bm_array arrays[2] = {{0}};
    bm__view view = {
        .name = "tags",
        .cells = {BM_INT4, BM_ARRAY, sizeof(bm_array), arrays, sizeof(bm_array), NULL, 0, NULL},
        .state_offset = BM_NO_STATE};
    const bm__view *views[] = {&view};
    size_t *order = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__keys_order(views, 1, NULL, 2, false, &order, &err), BM_UNSUPPORTED);
    assert_null(order);
    assert_string_equal(err.column, "tags");
}

/* Some of the rows, in ascending order: the others are not looked at. */
static void only_the_rows_given(void **state)
{
    (void)state;
    for (int turn = 0; turn < 60; turn++) {
        keyset keys = {.at = {NUMBER, TEXT}, .n = 1 + (size_t)turn % 2};
        size_t given[90];
        size_t n = 0;
        fill_rows(90, 1 + below(60), false);
        for (size_t i = 0; i < 90; i++) {
            if (below(3) > 0) {
                given[n++] = i;
            } else {
                rows[i].states[NUMBER] = BM_NULL; /* a NULL that nobody asked about */
            }
        }
        bm__view at[2] = {view_of(NUMBER, true, turn % 3 == 0), view_of(TEXT, false, false)};
        const bm__view *views[2] = {&at[0], &at[1]};
        size_t *order = NULL;
        bm_error err = BM_ERROR;
        assert_int_equal(bm__keys_order(views, keys.n, given, n, false, &order, &err), BM_OK);
        const size_t *sorted = order != NULL ? order : given;
        uint8_t seen[90] = {0};
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(seen[sorted[i]]++, 0);
            assert_int_equal(rows[sorted[i]].states[NUMBER], BM_VALUE);
            int c = i > 0 ? compare_all(&keys, sorted[i - 1], sorted[i]) : -1;
            assert_true(c < 0 || (c == 0 && order != NULL && sorted[i - 1] < sorted[i]));
        }
        free(order);
        rows[given[n / 2]].states[NUMBER] = BM_NULL;
        assert_int_equal(bm__keys_order(views, keys.n, given, n, false, &order, &err), BM_INVALID);
        assert_int_equal(err.row, given[n / 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_alone),
        cmocka_unit_test(composites),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(rows_in_order_need_no_order),
        cmocka_unit_test(a_null_key_is_named),
        cmocka_unit_test(zeros_nans_and_blanks_are_one),
        cmocka_unit_test(slices_are_compared_by_their_bytes),
        cmocka_unit_test(a_missing_pointer_is_named),
        cmocka_unit_test(an_array_is_no_key),
        cmocka_unit_test(only_the_rows_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
