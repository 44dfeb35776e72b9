/* Querysets and journals: rows that are held, and what a rollback gives back. */
#include "core_foo.h"

static const bool all[N_FIELDS] = {true, true, true, true, true, true, true};

/* ------------------------------------------------------------------------------------ querysets */

static bm_queryset *queryset_of(const foo *rows, size_t n, bool structs)
{
    bm_queryset *queryset = NULL;
    bm__view views[N_FIELDS];
    bm_error err = BM_ERROR;
    view_all(rows, views);
    assert_int_equal(bm__queryset_new(&model, structs, 1, &queryset, &err), BM_OK);
    for (size_t row = 0; row < n; row++) {
        assert_int_equal(bm__queryset_append(queryset, views, all, row, &err), BM_OK);
    }
    return queryset;
}

static bool changed(bm_queryset *queryset, size_t field, size_t row)
{
    bm__view view;
    bm__buffer scratch = {0};
    bm_error err = BM_ERROR;
    bool answer = false;
    assert_true(bm__queryset_view(queryset, field, &view));
    if (queryset->snapshot == NULL) {
        return true;
    }
    assert_int_equal(
        bm__snapshot_differs(queryset->snapshot, field, &view, row, &scratch, &answer, &err),
        BM_OK);
    bm__buffer_free(&scratch);
    return answer;
}

/* Take row `row` over into the snapshot, as after a write. */
static void imprint(bm_queryset *queryset, size_t row)
{
    bm_error err = BM_ERROR;
    for (size_t i = 0; i < N_FIELDS; i++) {
        assert_int_equal(bm__queryset_own(queryset, row, i, &err), BM_OK);
    }
    assert_int_equal(bm__queryset_imprint(queryset, row, all, &err), BM_OK);
}

static void a_queryset_holds_copies(void **state)
{
    (void)state;
    char name[8] = "name";
    foo rows[100];
    for (size_t i = 0; i < 100; i++) {
        rows[i] = sample((int64_t)i);
        rows[i].name = name;
    }
    rows[7].name_state = BM_NULL;
    bm_queryset *queryset = queryset_of(rows, 100, true);
    memset(name, 'x', 4);
    assert_int_equal(bm_queryset_count(queryset), 100);
    for (size_t i = 0; i < 100; i++) {
        const foo *row = bm_queryset_at(queryset, i);
        assert_int_equal(row->id, i);
        assert_memory_equal(row->blob.data, "\0\xFF", 2);
        assert_string_equal(row->code, "ab");
        assert_ptr_not_equal(row->tags.data, numbers);
        assert_memory_equal(row->tags.data, numbers, sizeof numbers);
        assert_memory_equal(((const bm_slice *)row->labels.data)[2].data, "t\0o", 3);
        if (i == 7) {
            assert_int_equal(row->name_state, BM_NULL);
        } else {
            assert_string_equal(row->name, "name");
        }
        for (size_t field = 0; field < N_FIELDS; field++) {
            assert_false(changed(queryset, field, i));
        }
    }
    assert_null(bm_queryset_at(queryset, 100));
    assert_null(bm_queryset_at(NULL, 0));
    assert_int_equal(bm_queryset_count(NULL), 0);
    bm_queryset_free(queryset);
    bm_queryset_free(NULL);
}

static void an_edit_is_a_change_until_it_is_written(void **state)
{
    (void)state;
    foo rows[2] = {sample(1), sample(2)};
    bm_queryset *queryset = queryset_of(rows, 2, true);
    foo *row = bm_queryset_at(queryset, 1);
    char edit[] = "edited";
    int32_t tags[] = {9};
    row->name = edit;
    row->tags = (bm_array){tags, 1, NULL};
    assert_true(changed(queryset, NAME, 1));
    assert_true(changed(queryset, TAGS, 1));
    assert_false(changed(queryset, NAME, 0));
    assert_false(changed(queryset, LABELS, 1));
    imprint(queryset, 1);
    assert_false(changed(queryset, NAME, 1));
    assert_ptr_not_equal(row->name, edit);
    assert_ptr_not_equal(row->tags.data, tags);
    edit[0] = 'E';
    tags[0] = 8;
    assert_string_equal(row->name, "edited");
    assert_int_equal(*(const int32_t *)row->tags.data, 9);
    assert_false(changed(queryset, TAGS, 1));
    row->name = (const char *)1; /* behind NULL nothing is looked at */
    row->name_state = BM_NULL;
    row->tags = (bm_array){.data = (const void *)1, .count = 99};
    row->tags_state = BM_KEEP;
    assert_true(changed(queryset, NAME, 1));
    imprint(queryset, 1);
    assert_false(changed(queryset, NAME, 1));
    bm_queryset_free(queryset);
}

static void columns_stand_where_the_rows_are(void **state)
{
    (void)state;
    foo rows[2] = {sample(1), sample(2)};
    rows[1].name_state = BM_NULL;
    bm_column column;
    bm_queryset *queryset = queryset_of(rows, 2, true);
    assert_int_equal(bm_queryset_column(queryset, "id", &column), BM_OK);
    const foo *second = bm_queryset_at(queryset, 1);
    assert_ptr_equal((const char *)column.data + column.stride, &second->id);
    assert_int_equal(bm_queryset_column(queryset, "nothing", &column), BM_INVALID);
    assert_int_equal(bm_queryset_column(NULL, "id", &column), BM_INVALID);
    bm_queryset_free(queryset);

    queryset = queryset_of(rows, 2, false); /* the same without structs */
    assert_null(bm_queryset_at(queryset, 0));
    assert_int_equal(bm_queryset_count(queryset), 2);
    assert_int_equal(bm_queryset_column(queryset, "id", &column), BM_OK);
    assert_int_equal(((const int64_t *)column.data)[1], 2);
    assert_int_equal(bm_queryset_column(queryset, "name", &column), BM_OK);
    assert_int_equal(column.layout, BM_SLICE);
    assert_int_equal(column.states[0], BM_VALUE);
    assert_int_equal(column.states[1], BM_NULL);
    const bm_slice *name = column.data;
    assert_int_equal(name->size, 4);
    assert_memory_equal(name->data, "name", 4);
    bm_queryset_free(queryset);
}

static void a_field_left_out_is_null_and_unknown(void **state)
{
    (void)state;
    foo rows[1] = {sample(1)};
    bm__view views[N_FIELDS];
    bool has[N_FIELDS] = {true, true, false, true, true, true, true};
    bm_queryset *queryset = NULL;
    bm_error err = BM_ERROR;
    view_all(rows, views);
    assert_int_equal(bm__queryset_new(&model, true, 0, &queryset, &err), BM_OK);
    assert_int_equal(bm__queryset_append(queryset, views, has, 0, &err), BM_OK);
    const foo *row = bm_queryset_at(queryset, 0);
    assert_int_equal(row->name_state, BM_NULL);
    assert_null(row->name);
    assert_true(changed(queryset, NAME, 0));
    assert_false(changed(queryset, ID, 0));
    bm_queryset_free(queryset);
}

/* ------------------------------------------------------------------------------------- journals */

typedef struct held {
    bm_queryset *queryset;
    foo *row;
} held;

static held hold(void)
{
    foo row = sample(1);
    held h = {.queryset = queryset_of(&row, 1, true)};
    h.row = bm_queryset_at(h.queryset, 0);
    return h;
}

/* A write in a transaction. */
static void write_name(bm__journal *journal, held *h, const char *name)
{
    bm_error err = BM_ERROR;
    h->row->name = name;
    assert_int_equal(bm__journal_keep(journal, h->queryset, &err), BM_OK);
    imprint(h->queryset, 0);
    assert_false(changed(h->queryset, NAME, 0));
}

/* Is `name` what the snapshot has? */
static bool known_as(held *h, const char *name)
{
    const char *is = h->row->name;
    h->row->name = name;
    bool same = !changed(h->queryset, NAME, 0);
    h->row->name = is;
    return same;
}

static void a_rollback_gives_back(void **state)
{
    (void)state;
    held h = hold();
    bm__journal journal = {0};
    write_name(&journal, &h, "b");
    write_name(&journal, &h, "c"); /* kept once: the first counts */
    bm__journal_rollback(&journal);
    assert_true(known_as(&h, "name"));
    assert_true(changed(h.queryset, NAME, 0)); /* the edit itself stays */
    assert_string_equal(h.row->name, "c");
    assert_null(journal.entries);
    assert_null(h.queryset->entries);
    write_name(&journal, &h, "d");
    bm__journal_commit(&journal, NULL);
    bm__journal_rollback(&journal); /* empty: nothing to give back */
    assert_true(known_as(&h, "d"));
    bm_queryset_free(h.queryset);
}

static void nested_ends(void **state)
{
    (void)state;
    for (int way = 0; way < 8; way++) {
        bool outer_writes = (way & 1) != 0;
        bool inner_commits = (way & 2) != 0;
        bool outer_commits = (way & 4) != 0;
        held h = hold();
        bm__journal outer = {0};
        bm__journal inner = {0};
        if (outer_writes) {
            write_name(&outer, &h, "outer");
        }
        write_name(&inner, &h, "inner");
        if (inner_commits) {
            bm__journal_commit(&inner, &outer);
            assert_true(known_as(&h, "inner"));
        } else {
            bm__journal_rollback(&inner);
            assert_true(known_as(&h, outer_writes ? "outer" : "name"));
        }
        const char *want = inner_commits ? "inner" : outer_writes ? "outer" : "name";
        if (outer_commits) {
            bm__journal_commit(&outer, NULL);
        } else {
            bm__journal_rollback(&outer);
            want = "name";
        }
        assert_true(known_as(&h, want));
        assert_null(h.queryset->entries);
        bm_queryset_free(h.queryset);
    }
}

static void many_levels_and_many_querysets(void **state)
{
    (void)state;
    enum { LEVELS = 5, SETS = 4 };
    static const char *const names[LEVELS] = {"0", "1", "2", "3", "4"};
    held h[SETS];
    bm__journal journals[LEVELS] = {{0}};
    for (size_t i = 0; i < SETS; i++) {
        h[i] = hold();
        for (size_t level = i; level < LEVELS; level++) {
            write_name(&journals[level], &h[i], names[level]);
        }
    }
    bm__journal_rollback(&journals[4]);
    bm__journal_commit(&journals[3], &journals[2]);
    bm__journal_rollback(&journals[2]);
    for (size_t i = 0; i < SETS; i++) {
        assert_true(known_as(&h[i], i < 2 ? "1" : "name"));
    }
    bm__journal_commit(&journals[1], &journals[0]);
    bm__journal_rollback(&journals[0]);
    for (size_t i = 0; i < SETS; i++) {
        assert_true(known_as(&h[i], "name"));
        bm_queryset_free(h[i].queryset);
    }
}

static void what_a_rollback_made_is_not_known(void **state)
{
    (void)state;
    held h = hold();
    bm__journal outer = {0};
    bm__journal inner = {0};
    bm_error err = BM_ERROR;
    assert_int_equal(bm__journal_made(&inner, h.queryset, &err), BM_OK);
    write_name(&inner, &h, "b"); /* kept already */
    bm__journal_commit(&inner, &outer);
    assert_non_null(h.queryset->snapshot);
    bm__journal_rollback(&outer);
    assert_null(h.queryset->snapshot);
    assert_string_equal(h.row->name, "b");
    assert_true(changed(h.queryset, ID, 0));
    write_name(&outer, &h, "c"); /* written again: known again */
    assert_true(known_as(&h, "c"));
    bm__journal_rollback(&outer);
    assert_null(h.queryset->snapshot);
    assert_int_equal(bm__queryset_room(h.queryset, &err), BM_OK);
    bm_queryset_free(h.queryset);
}

static void a_queryset_freed_in_a_transaction(void **state)
{
    (void)state;
    for (int commits = 0; commits < 2; commits++) {
        held gone = hold();
        held stays = hold();
        bm__journal outer = {0};
        bm__journal inner = {0};
        write_name(&outer, &gone, "a");
        write_name(&outer, &stays, "a");
        write_name(&inner, &gone, "b");
        write_name(&inner, &stays, "b");
        bm_queryset_free(gone.queryset);
        if (commits == 1) {
            bm__journal_commit(&inner, &outer);
        } else {
            bm__journal_rollback(&inner);
        }
        assert_true(known_as(&stays, commits == 1 ? "b" : "a"));
        bm__journal_rollback(&outer);
        assert_true(known_as(&stays, "name"));
        bm_queryset_free(stays.queryset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queryset_holds_copies),
        cmocka_unit_test(an_edit_is_a_change_until_it_is_written),
        cmocka_unit_test(columns_stand_where_the_rows_are),
        cmocka_unit_test(a_field_left_out_is_null_and_unknown),
        cmocka_unit_test(a_rollback_gives_back),
        cmocka_unit_test(nested_ends),
        cmocka_unit_test(many_levels_and_many_querysets),
        cmocka_unit_test(what_a_rollback_made_is_not_known),
        cmocka_unit_test(a_queryset_freed_in_a_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
