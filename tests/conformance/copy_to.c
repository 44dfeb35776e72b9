/* bm_copy_to: rows out, as structs. */
#include "world.h"

static void given(world *w, int n)
{
    make_items(w, "");
    run(w,
        "INSERT INTO item WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE "
        "id "
        "< %d) SELECT id * 7 %% %d, 'n' || id, CASE WHEN id %% 3 > 0 THEN id END, "
        "CASE WHEN id %% 2 > 0 THEN 'odd' END FROM r",
        n, n + 1);
}

static void all_rows(world *w)
{
    given(w, 1200);
    ok(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.order_by_key = BM_ON), fresh(w), &w->err));
    assert_int_equal(w->result.read, 1200);
    assert_int_equal(bm_queryset_count(w->result.queryset), 1200);
    char *want = rows_of(w, "SELECT id, name, value, note FROM item ORDER BY id");
    char *got = NULL;
    FILE *out = text_begin(&got);
    for (size_t i = 0; i < 1200; i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        char value[16] = "NULL";
        if (row->value_state == BM_VALUE) {
            snprintf(value, sizeof value, "%d", row->value);
        }
        fprintf(out, "%lld|%s|%s|%s\n", (long long)row->id, row->name, value,
                row->note != NULL ? row->note : "NULL");
        assert_int_equal(row->note_state, row->note != NULL ? BM_VALUE : BM_NULL);
    }
    fclose(out);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

static void all_rows_in_any_order(world *w)
{
    given(w, 10);
    ok(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err));
    int64_t sum = 0;
    for (size_t i = 0; i < bm_queryset_count(w->result.queryset); i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        sum += row->id;
    }
    assert_int_equal(w->result.read, 10);
    expect_number(w, sum, "SELECT sum(id) FROM item");
}

static void an_empty_table(world *w)
{
    make_items(w, "");
    ok(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 0);
    assert_non_null(w->result.queryset);
    assert_int_equal(bm_queryset_count(w->result.queryset), 0);
}

static void keys_in_the_order_given(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'x'), (0, 'zero', 0, 'x')");
    const int64_t keys[] = {2, 99, 0, 1, -3};
    ok(w, bm_copy_to(w->db, bm_keys(&item_model, keys, 5), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 3);
    assert_int_equal(w->result.missing, 2);
    static const char *const names[] = {"b", "zero", "a"};
    for (size_t i = 0; i < 3; i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        assert_string_equal(row->name, names[i]);
    }
    bm_status status = bm_copy_to(w->db, bm_keys(&item_model, keys, 5), COPY(.require_all = BM_ON),
                                  fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 1, "");
    assert_null(w->result.queryset);
}

static void the_same_key_twice_is_read_twice(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x'), (2, 'b', 2, 'x')");
    const int64_t keys[] = {2, 1, 2};
    ok(w, bm_copy_to(w->db, bm_keys(&item_model, keys, 3), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 3);
    const item *last = bm_queryset_at(w->result.queryset, 2);
    assert_string_equal(last->name, "b");
}

static void many_keys_in_the_order_given(world *w)
{
    given(w, 4000);
    int64_t *keys = malloc(3500 * sizeof *keys);
    for (size_t i = 0; i < 3500; i++) {
        keys[i] = (int64_t)(i * 1111 % 4001);
    }
    keys[17] = 100000;
    ok(w, bm_copy_to(w->db, bm_keys(&item_model, keys, 3500), COPY(.batch_size = 1000), fresh(w),
                     &w->err));
    size_t at = 0;
    for (size_t i = 0; i < 3500; i++) {
        if (keys[i] != 0 && keys[i] != 100000) { /* there is no row 0 */
            const item *row = bm_queryset_at(w->result.queryset, at++);
            assert_int_equal(row->id, keys[i]);
        }
    }
    assert_int_equal(bm_queryset_count(w->result.queryset), at);
    assert_int_equal(w->result.missing, 2);
    free(keys);
}

static void some_fields(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 5, 'x'), (2, 'b', 6, 'y')");
    ok(w, bm_copy_to(w->db, bm_all(&item_model),
                     COPY(.fields = BM_NAMES("id", "value"), .order_by_key = BM_ON), fresh(w),
                     &w->err));
    item *row = bm_queryset_at(w->result.queryset, 1);
    assert_int_equal(row->id, 2);
    assert_int_equal(row->value, 6);
    assert_null(row->name);
    assert_null(row->note);
    assert_int_equal(row->note_state, BM_KEEP);
    row->value = 66;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), NULL,
                           &w->err));
    expect(w, "1|a|5|x\n2|b|66|y\n", "SELECT * FROM item ORDER BY id");
    bm_status status =
        bm_copy_to(w->db, bm_all(&item_model), COPY(.fields = BM_NAMES("nope")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "nope");
}

typedef struct strict {
    int64_t id;
    const char *name;
    int32_t value;
} strict;

static const bm_model strict_model =
    BM_MODEL("item", strict, BM_FIELD(strict, id, BM_INT8, BM_KEY),
             BM_FIELD(strict, name, BM_TEXT, 0), BM_FIELD(strict, value, BM_INT4, 0));

/* A column that was never read is unchanged, as a deferred field, until something is put there. */
static void unread(world *w, const bm_model *model, bool stateless)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 5, 'x'), (2, 'b', 6, 'y')");
    ok(w, bm_copy_to(w->db, bm_all(model), COPY(.fields = BM_NAMES("value"), .order_by_key = BM_ON),
                     fresh(w), &w->err));
    bm_rows rows = bm_queryset_rows(w->result.queryset);
    void *second = bm_queryset_at(w->result.queryset, 1);
    *(stateless ? &((strict *)second)->value : &((item *)second)->value) = 66;
    bm_result result = BM_RESULT;
    ok(w, bm_update_fields(w->db, rows, NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect(w, "1|a|5|x\n2|b|66|y\n", "SELECT * FROM item ORDER BY id");
    if (stateless) {
        ((strict *)second)->name = "mine";
    } else {
        ((item *)second)->name = "mine";
        ((item *)second)->name_state = BM_VALUE;
    }
    ok(w, bm_update_fields(w->db, rows, NULL, &result, &w->err));
    assert_int_equal(result.updated, 1);
    expect(w, "1|a|5|x\n2|mine|66|y\n", "SELECT * FROM item ORDER BY id");
}

static void fields_not_read_are_unchanged(world *w)
{
    unread(w, &item_model, false);
}

static void fields_without_a_state_not_read_are_unchanged(world *w)
{
    unread(w, &strict_model, true);
}

static void ordered_by_a_key_that_is_not_read(world *w)
{
    given(w, 50);
    ok(w, bm_copy_to(w->db, bm_all(&item_model),
                     COPY(.fields = BM_NAMES("name"), .order_by_key = BM_ON), fresh(w), &w->err));
    char *want = rows_of(w, "SELECT name FROM item ORDER BY id");
    char *got = NULL;
    FILE *out = text_begin(&got);
    for (size_t i = 0; i < 50; i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        fprintf(out, "%s\n", row->name);
    }
    fclose(out);
    assert_string_equal(got, want);
    free(got);
    free(want);
}

typedef struct drain {
    size_t calls, rows, largest, fail_at;
    int64_t sum;
} drain;

static bm_status take(void *user, const void *rows, size_t n, bm_error *err)
{
    drain *d = user;
    bm_rows view = bm_structs(&item_model, rows, n);
    (void)err;
    (void)view;
    d->calls++;
    if (d->fail_at == d->calls) {
        return BM_LIMIT;
    }
    d->rows += n;
    d->largest = n > d->largest ? n : d->largest;
    for (size_t i = 0; i < n; i++) {
        const item *row = (const item *)rows + i;
        d->sum += row->id;
        assert_true(row->name[0] == 'n');
    }
    return BM_OK;
}

static void a_sink_gets_chunks(world *w)
{
    given(w, 2500);
    drain d = {0};
    ok(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.user = &d, .sink = take, .batch_size = 700),
                     fresh(w), &w->err));
    assert_int_equal(d.calls, 4);
    assert_int_equal(d.rows, 2500);
    assert_int_equal(d.largest, 700);
    assert_int_equal(w->result.read, 2500);
    assert_null(w->result.queryset);
    expect_number(w, d.sum, "SELECT sum(id) FROM item");
}

static void a_sink_gets_the_rows_of_keys(world *w)
{
    given(w, 2500);
    drain d = {0};
    int64_t *keys = malloc(1500 * sizeof *keys);
    for (size_t i = 0; i < 1500; i++) {
        keys[i] = (int64_t)i + 1;
    }
    ok(w, bm_copy_to(w->db, bm_keys(&item_model, keys, 1500), COPY(.user = &d, .sink = take),
                     fresh(w), &w->err));
    assert_int_equal(d.rows, 1500);
    assert_int_equal(d.largest, 1000);
    assert_int_equal(d.sum, 1500 * 1501 / 2);
    free(keys);
}

static void a_sink_that_fails_ends_the_call(world *w)
{
    given(w, 2500);
    drain d = {.fail_at = 2};
    bm_status status =
        bm_copy_to(w->db, bm_all(&item_model), COPY(.user = &d, .sink = take, .batch_size = 100),
                   fresh(w), &w->err);
    refused(w, status, BM_LIMIT, BM_NO_ROW, "");
    assert_int_equal(w->err.stage, BM_STAGE_SOURCE);
    assert_int_equal(d.calls, 2);
    d = (drain){0}; /* the connection is sound */
    ok(w,
       bm_copy_to(w->db, bm_all(&item_model), COPY(.user = &d, .sink = take), fresh(w), &w->err));
    assert_int_equal(d.rows, 2500);
}

static void a_null_without_a_state_is_named(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 5, 'x'), (2, 'b', NULL, 'y')");
    bm_status status =
        bm_copy_to(w->db, bm_all(&strict_model), COPY(.order_by_key = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 1, "value");
    assert_null(w->result.queryset);
    ok(w, bm_execute(w->db, "DELETE FROM item WHERE value IS NULL", &w->err));
    ok(w, bm_copy_to(w->db, bm_all(&strict_model), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.read, 1);
}

typedef struct narrow {
    int64_t id;
    char name[4];
} narrow;

static const bm_model narrow_model = BM_MODEL("item", narrow, BM_FIELD(narrow, id, BM_INT8, BM_KEY),
                                              BM_FIELD(narrow, name, BM_VARCHAR, 0));

static void text_that_does_not_fit_its_member_is_named(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'four', 5, 'x'), (2, 'fives', 5, 'y')");
    bm_status status =
        bm_copy_to(w->db, bm_all(&narrow_model), COPY(.order_by_key = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 1, "name");
}

static bm_status take_nothing(void *user, const void *rows, size_t n, bm_error *err)
{
    (void)user;
    (void)rows;
    (void)n;
    (void)err;
    return BM_OK;
}

/* L13.  Of the keys given: of those before it one is not in the table. */
static void the_row_of_an_error_is_that_of_its_key(world *w)
{
    static const int64_t keys[] = {1, 99, 3, 98, 2, 1};
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 5, 'x'), (2, 'b', NULL, 'y'), (3, 'c', 7, 'y')");
    for (size_t i = 0; i < 4; i++) {
        bm_status status = bm_copy_to(
            w->db, bm_keys(&strict_model, keys, 6),
            COPY(.batch_size = (i & 1) != 0 ? 2 : 0, .sink = (i & 2) != 0 ? take_nothing : NULL),
            fresh(w), &w->err);
        refused(w, status, BM_CONVERT, 4, "value");
        assert_non_null(strstr(w->err.message, "row 4"));
    }
    run(w, "UPDATE item SET name = 'fives' WHERE id = 2");
    refused(w, bm_copy_to(w->db, bm_keys(&narrow_model, keys, 6), NULL, fresh(w), &w->err),
            BM_CONVERT, 4, "name");
}

typedef struct computed {
    int64_t id;
    int32_t twice;
    const char *joined;
} computed;

static const bm_model computed_model = BM_MODEL(
    "item", computed, BM_FIELD(computed, id, BM_INT8, BM_KEY),
    BM_FIELD(computed, twice, BM_INT4, BM_READ_ONLY), BM_FIELD(computed, joined, BM_TEXT, 0));

/* L14 */
static void generated_columns_are_read_like_others(world *w)
{
    static const int64_t keys[] = {2, 1};
    make_items(w, ", twice integer GENERATED ALWAYS AS (value * 2) STORED, "
                  "joined text GENERATED ALWAYS AS (name || note) STORED");
    run(w, "INSERT INTO item (id, name, value, note) VALUES (1, 'a', 5, 'x'), (2, 'b', 6, 'y')");
    const bm_rows rows[] = {bm_all(&computed_model), bm_all(&computed_model),
                            bm_keys(&computed_model, keys, 2)};
    for (size_t i = 0; i < 3; i++) {
        ok(w, bm_copy_to(w->db, rows[i],
                         COPY(.order_by_key = i == 0 ? BM_ON : BM_OFF,
                              .order_by = i == 1 ? "id DESC" : NULL),
                         fresh(w), &w->err));
        assert_int_equal(w->result.read, 2);
        const computed *row = bm_queryset_at(w->result.queryset, i == 0 ? 1 : 0);
        assert_int_equal(row->id, 2);
        assert_int_equal(row->twice, 12);
        assert_string_equal(row->joined, "by");
    }
}

static void virtual_columns_are_read_like_others(world *w)
{
    make_items(w, ", twice integer AS (value * 2), joined text AS (name || note) VIRTUAL");
    run(w, "INSERT INTO item (id, name, value, note) VALUES (2, 'b', 6, 'y')");
    ok(w, bm_copy_to(w->db, bm_all(&computed_model), NULL, fresh(w), &w->err));
    const computed *row = bm_queryset_at(w->result.queryset, 0);
    assert_int_equal(row->twice, 12);
    assert_string_equal(row->joined, "by");
}

static bm_status read_sum(world *w, int64_t *sum)
{
    *sum = 0;
    bm_status status = bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err);
    for (size_t i = 0; status == BM_OK && i < bm_queryset_count(w->result.queryset); i++) {
        const item *row = bm_queryset_at(w->result.queryset, i);
        *sum += row->value;
    }
    return status;
}

/* Four bytes of a date would be read as an integer: each call finds the table as it is. */
static void a_table_that_changes_between_reads(world *w)
{
    int64_t sum;
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 10, 'x'), (2, 'b', 20, 'y')");
    ok(w, read_sum(w, &sum));
    assert_int_equal(sum, 30);
    run(w, "CREATE TABLE child () INHERITS (item);"
           "INSERT INTO child VALUES (3, 'c', 300, 'z')");
    ok(w, read_sum(w, &sum));
    assert_int_equal(sum, 330);
    run(w, "DROP TABLE child; ALTER TABLE item ALTER value TYPE bigint");
    ok(w, read_sum(w, &sum));
    assert_int_equal(sum, 30);
    run(w, "ALTER TABLE item ALTER value DROP DEFAULT,"
           " ALTER value TYPE date USING date '2020-02-03'");
    refused(w, read_sum(w, &sum), BM_INVALID, BM_NO_ROW, "value");
    run(w, "ALTER TABLE item ALTER value TYPE integer USING 7");
    ok(w, read_sum(w, &sum));
    assert_int_equal(sum, 14);
    run(w, "ALTER TABLE item RENAME TO other; CREATE VIEW item AS"
           " SELECT id, name, value + 1 AS value, note FROM other");
    ok(w, read_sum(w, &sum));
    assert_int_equal(sum, 16);
    run(w, "DROP VIEW item; ALTER TABLE other RENAME TO item; ALTER TABLE item DROP COLUMN note");
    refused(w, read_sum(w, &sum), BM_INVALID, BM_NO_ROW, "note");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, all_rows),
    CASE(ON_SQL, all_rows_in_any_order),
    CASE(ON_ALL, an_empty_table),
    CASE(ON_SQL, keys_in_the_order_given),
    CASE(ON_SQL, the_same_key_twice_is_read_twice),
    CASE(ON_SQL, many_keys_in_the_order_given),
    CASE(ON_SQL, some_fields),
    CASE(ON_SQL, fields_not_read_are_unchanged),
    CASE(ON_SQL, fields_without_a_state_not_read_are_unchanged),
    CASE(ON_SQL, ordered_by_a_key_that_is_not_read),
    CASE(ON_SQL, a_sink_gets_chunks),
    CASE(ON_SQL, a_sink_gets_the_rows_of_keys),
    CASE(ON_SQL, a_sink_that_fails_ends_the_call),
    CASE(ON_SQL, a_null_without_a_state_is_named),
    CASE(ON_SQL, text_that_does_not_fit_its_member_is_named),
    CASE(ON_SQL, the_row_of_an_error_is_that_of_its_key),
    CASE(ON_SQL, generated_columns_are_read_like_others),
    CASE(ON_SQLITE, virtual_columns_are_read_like_others),
    CASE(ON_POSTGRESQL, a_table_that_changes_between_reads),
};

int main(void)
{
    return conformance_run("copy_to", cases, sizeof cases / sizeof cases[0]);
}
