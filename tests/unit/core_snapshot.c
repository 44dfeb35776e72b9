/* Snapshots: what is known of rows, and what of them has changed. */
#include "core_foo.h"
#include "queryset.h"

static bool differs(const bm__snapshot *snapshot, size_t column, const foo *rows, size_t row)
{
    bm__view views[N_FIELDS];
    bm__buffer scratch = {0};
    bm_error err = BM_ERROR;
    bool answer = false;
    view_all(rows, views);
    assert_int_equal(
        bm__snapshot_differs(snapshot, column, &views[column], row, &scratch, &answer, &err),
        BM_OK);
    bm__buffer_free(&scratch);
    return answer;
}

/* A snapshot of `n` rows. */
static bm__snapshot *snapshot_of(const foo *rows, size_t n)
{
    bm__snapshot *snapshot = NULL;
    bm__view views[N_FIELDS];
    bm_error err = BM_ERROR;
    view_all(rows, views);
    assert_int_equal(bm__snapshot_new(&model, n, &snapshot, &err), BM_OK);
    for (size_t row = 0; row < n; row++) {
        for (size_t i = 0; i < N_FIELDS; i++) {
            assert_int_equal(bm__snapshot_set(snapshot, i, row, &views[i], row, &err), BM_OK);
        }
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        snapshot->columns[i].known = true;
    }
    snapshot->count = n;
    return snapshot;
}

static void assert_only_differs(const bm__snapshot *snapshot, const foo *row, size_t column)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        assert_int_equal(differs(snapshot, i, row, 0), i == column);
    }
}

/* ------------------------------------------------------------------------------------ snapshots */

static void each_change_is_seen_alone(void **state)
{
    (void)state;
    foo row = sample(1);
    bm__snapshot *snapshot = snapshot_of(&row, 1);
    assert_only_differs(snapshot, &row, SIZE_MAX);
    row.id = 2;
    assert_only_differs(snapshot, &row, ID);
    row = sample(1);
    row.real = 1.5 + 0x1p-52;
    assert_only_differs(snapshot, &row, REAL);
    static const char *const names[] = {"", "nam", "namE", "names"};
    for (size_t i = 0; i < 4; i++) {
        row = sample(1);
        row.name = names[i];
        assert_only_differs(snapshot, &row, NAME);
    }
    static const bm_slice blobs[] = {{NULL, 0}, {"\0", 1}, {"\0\xFE", 2}, {"\0\xFF\0", 3}};
    for (size_t i = 0; i < 4; i++) {
        row = sample(1);
        row.blob = blobs[i];
        assert_only_differs(snapshot, &row, BLOB);
    }
    row = sample(1);
    memcpy(row.code, "abcd", 4);
    assert_only_differs(snapshot, &row, CODE);
    row = sample(1);
    memcpy(row.code, "ab\0d", 4); /* behind the NUL nothing counts */
    assert_only_differs(snapshot, &row, SIZE_MAX);
    bm__snapshot_free(snapshot);
    bm__snapshot_free(NULL);
}

static void arrays_are_known_by_their_elements(void **state)
{
    (void)state;
    foo row = sample(1);
    bm__snapshot *snapshot = snapshot_of(&row, 1);
    const int32_t same[] = {1, 2, 3};
    const int32_t other[] = {1, 2, 4};
    const uint8_t states[] = {0, 0, 0};
    const uint8_t a_null[] = {0, BM_NULL, 0};
    const bm_array equal[] = {{same, 3, NULL}, {same, 3, states}};
    for (size_t i = 0; i < 2; i++) {
        row.tags = equal[i];
        assert_only_differs(snapshot, &row, SIZE_MAX);
    }
    const bm_array unequal[] = {
        {other, 3, NULL}, {same, 2, NULL}, {NULL, 0, NULL}, {same, 3, a_null}};
    for (size_t i = 0; i < 4; i++) {
        row.tags = unequal[i];
        assert_only_differs(snapshot, &row, TAGS);
    }
    row = sample(1);
    const bm_slice copies[] = {{"one", 3}, {"", 0}, {"t\0o", 3}};
    row.labels = (bm_array){copies, 3, NULL};
    assert_only_differs(snapshot, &row, SIZE_MAX);
    row.labels = (bm_array){copies, 3, a_null}; /* NULL is not the empty text */
    assert_only_differs(snapshot, &row, LABELS);
    const bm_slice moved[] = {{"onet", 4}, {"", 0}, {"\0o", 2}}; /* the same bytes, cut otherwise */
    row.labels = (bm_array){moved, 3, NULL};
    assert_only_differs(snapshot, &row, LABELS);
    bm__snapshot_free(snapshot);
}

/* A pointer that the caller left out is no value that the snapshot knows, and is not followed: what
 * differs is converted, and refused there. */
static void a_missing_pointer_differs(void **state)
{
    (void)state;
    foo row = sample(1);
    bm__snapshot *snapshot = snapshot_of(&row, 1);
    row.blob.data = NULL;
    assert_only_differs(snapshot, &row, BLOB);
    row = sample(1);
    row.tags.data = NULL;
    assert_only_differs(snapshot, &row, TAGS);
    row = sample(1);
    const bm_slice lost[] = {{"one", 3}, {NULL, 0}, {NULL, 3}};
    row.labels.data = lost;
    assert_only_differs(snapshot, &row, LABELS);
    bm__snapshot_free(snapshot);
}

static void states_are_part_of_a_cell(void **state)
{
    (void)state;
    foo row = sample(1);
    bm__snapshot *snapshot = snapshot_of(&row, 1);
    row.name_state = BM_NULL;
    assert_only_differs(snapshot, &row, NAME);
    row.name_state = BM_DEFAULT_CELL;
    assert_only_differs(snapshot, &row, NAME);
    row.name = "another";
    row.name_state = BM_KEEP;
    assert_only_differs(snapshot, &row, SIZE_MAX);
    bm__snapshot_free(snapshot);
    row = sample(1);
    row.name_state = BM_NULL;
    row.tags_state = BM_NULL;
    snapshot = snapshot_of(&row, 1);
    row.name = NULL; /* behind NULL nothing counts */
    row.tags = (bm_array){0};
    assert_only_differs(snapshot, &row, SIZE_MAX);
    row.tags_state = BM_VALUE; /* the empty array is not NULL */
    assert_only_differs(snapshot, &row, TAGS);
    row.tags_state = BM_NULL;
    row.name = "";
    row.name_state = BM_VALUE;
    assert_only_differs(snapshot, &row, NAME);
    bm__snapshot_free(snapshot);
    row.name_state = BM_DEFAULT_CELL; /* what the database made of it is not known */
    snapshot = snapshot_of(&row, 1);
    assert_only_differs(snapshot, &row, NAME);
    bm__snapshot_free(snapshot);
}

static void a_snapshot_shares_nothing(void **state)
{
    (void)state;
    char name[] = "name";
    int32_t tags[] = {1, 2, 3};
    char word[] = "one";
    bm_slice labels[] = {{word, 3}, {NULL, 0}, {"t\0o", 3}};
    foo row = sample(1);
    row.name = name;
    row.tags.data = tags;
    row.labels.data = labels;
    bm__snapshot *snapshot = snapshot_of(&row, 1);
    bm__snapshot *copy = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__snapshot_clone(snapshot, &copy, &err), BM_OK);
    for (int turn = 0; turn < 2; turn++) {
        name[0] = 'N';
        assert_only_differs(copy, &row, NAME);
        name[0] = 'n';
        tags[2] = 0;
        assert_only_differs(copy, &row, TAGS);
        tags[2] = 3;
        word[0] = 'O';
        assert_only_differs(copy, &row, LABELS);
        word[0] = 'o';
        assert_only_differs(copy, &row, SIZE_MAX);
        bm__snapshot_free(snapshot); /* the copy stands by itself */
        snapshot = NULL;
    }
    bm__snapshot_free(copy);
}

static void what_was_never_stored_differs(void **state)
{
    (void)state;
    foo rows[3] = {sample(1), sample(2), sample(3)};
    bm__snapshot *snapshot = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__snapshot_new(&model, 3, &snapshot, &err), BM_OK);
    snapshot->count = 3;
    assert_true(differs(snapshot, ID, rows, 0)); /* a column that is not known */
    bm__view views[N_FIELDS];
    view_all(rows, views);
    assert_int_equal(bm__snapshot_set(snapshot, NAME, 1, &views[NAME], 1, &err), BM_OK);
    snapshot->columns[NAME].known = true;
    assert_true(differs(snapshot, NAME, rows, 0)); /* a cell that is not, in one that is */
    assert_false(differs(snapshot, NAME, rows, 1));
    bm__snapshot *copy = NULL;
    assert_int_equal(bm__snapshot_clone(snapshot, &copy, &err), BM_OK);
    assert_true(differs(copy, NAME, rows, 0));
    assert_false(differs(copy, NAME, rows, 1));
    assert_true(differs(copy, ID, rows, 1));
    copy->count = 1;
    assert_true(differs(copy, NAME, rows, 1)); /* a row that is not in it */
    bm__snapshot_free(copy);
    assert_int_equal(bm__snapshot_grow(snapshot, 900, &err), BM_OK);
    snapshot->count = 900;
    assert_false(differs(snapshot, NAME, rows, 1));
    assert_int_equal(snapshot->columns[NAME].states[899], BM__CELL_UNKNOWN);
    bm__snapshot_free(snapshot);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    bm__snapshot *snapshot = NULL;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__snapshot_new(&model, SIZE_MAX / 4, &snapshot, &err), BM_NOMEM);
    assert_int_equal(err.status, BM_NOMEM);
    assert_null(snapshot);
    bm_queryset *queryset = NULL;
    err = BM_ERROR;
    assert_int_equal(bm__queryset_new(&model, true, SIZE_MAX / 4, &queryset, &err), BM_NOMEM);
    assert_null(queryset);
}

/* --------------------------------------------------------------------------------------- arrays */

static void copies_of_arrays(void **state)
{
    (void)state;
    const uint8_t states[] = {0, BM_NULL, 0};
    const bm_slice labels[] = {{"one", 3}, {(const char *)1, 99}, {NULL, 0}}; /* NULL: not read */
    const bm_array from = {labels, 3, states};
    bm__arena arena = {0};
    bm_error err = BM_ERROR;
    bm_array to;
    assert_int_equal(bm__array_copy(BM_TEXT, &from, &arena, &to, &err), BM_OK);
    assert_int_equal(to.count, 3);
    assert_ptr_not_equal(to.states, states);
    assert_memory_equal(to.states, states, 3);
    const bm_slice *copies = to.data;
    assert_ptr_not_equal(copies[0].data, labels[0].data);
    assert_memory_equal(copies[0].data, "one", 3);
    assert_null(copies[1].data);
    assert_int_equal(copies[2].size, 0);
    const bm_array empty = {NULL, 0, NULL};
    assert_int_equal(bm__array_copy(BM_INT4, &empty, &arena, &to, &err), BM_OK);
    assert_int_equal(to.count, 0);
    assert_null(to.states);
    const bm_array fixed = {numbers, 3, NULL};
    assert_int_equal(bm__array_copy(BM_INT4, &fixed, &arena, &to, &err), BM_OK);
    assert_memory_equal(to.data, numbers, sizeof numbers);
    const bm_array too_many = {numbers, SIZE_MAX / 2, NULL};
    assert_int_equal(bm__array_copy(BM_INT4, &too_many, &arena, &to, &err), BM_NOMEM);
    bm__arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_seen_alone),
        cmocka_unit_test(arrays_are_known_by_their_elements),
        cmocka_unit_test(a_missing_pointer_differs),
        cmocka_unit_test(states_are_part_of_a_cell),
        cmocka_unit_test(a_snapshot_shares_nothing),
        cmocka_unit_test(what_was_never_stored_differs),
        cmocka_unit_test(no_memory_is_told),
        cmocka_unit_test(copies_of_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
