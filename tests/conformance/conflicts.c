/* bm_bulk_create where rows are there already: ignore_conflicts, update_conflicts, duplicates; and
 * what the queryset of a create holds where the database computes columns. */
#include "world.h"

/* item, name unique, with rows 5 "n1" 500 "old" and 7 "other" 700 "old". */
static void make_taken(world *w)
{
    make_items(w, ", UNIQUE (name)");
    run(w, "INSERT INTO item VALUES (5, 'n1', 500, 'old'), (7, 'other', 700, 'old')");
    if (w->on->move_on != NULL) {
        run(w, "%s", w->on->move_on);
    }
}

/* ---- ignore */

static void ignored_by_explicit_key(world *w)
{
    make_taken(w);
    item *rows = some_items(4, 6, 1); /* 6 7 8 9; the second is there, "n1" is too */
    rows[1].name = "free";
    ok(w, bm_bulk_create(
              w->db, bm_structs(&item_given_model, rows, 4),
              CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON, .return_queryset = BM_ON),
              fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 3);
    assert_int_equal(w->result.ignored, 1);
    expect_outcomes(w, "igii");
    assert_int_equal(bm_queryset_count(w->result.queryset), 3);
    const item *second = bm_queryset_at(w->result.queryset, 1);
    assert_int_equal(second->id, 8);
    expect(w, "5|n1|500|old\n6|n0|0|text\n7|other|700|old\n8|n2|20|text\n9|n3|30|text\n",
           "SELECT * FROM item ORDER BY id");
    free(rows);
}

static void ignored_by_another_unique_column_of_assigned_keys(world *w)
{
    make_taken(w);
    item *rows = some_items(4, -1, 0); /* "n1" is there */
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 4),
                         CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON,
                                .return_queryset = BM_ON, .keys_into = rows),
                         fresh(w), &w->err));
    expect_outcomes(w, "igii");
    assert_int_equal(w->result.inserted, 3);
    assert_int_equal(w->result.ignored, 1);
    assert_int_equal(rows[1].id, -1);
    expect(w, "n1|500|old\nother|700|old\n",
           "SELECT name, value, note FROM item WHERE note = 'old' ORDER BY name");
    for (size_t i = 0; i < 3; i++) {
        const item *made = bm_queryset_at(w->result.queryset, i);
        expect_number(w, made->id, "SELECT id FROM item WHERE name = '%s'", made->name);
        assert_int_equal(made->id, rows[i == 0 ? 0 : i + 1].id);
    }
    free(rows);
}

static void ignored_by_another_unique_column_of_explicit_keys(world *w)
{
    make_taken(w);
    item *rows = some_items(3, 20, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                         CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect_outcomes(w, "igi");
    expect(w, "5\n7\n20\n22\n", "SELECT id FROM item ORDER BY id");
    free(rows);
}

static void ignored_inside_the_batch(world *w)
{
    make_taken(w);
    item *rows = some_items(5, 30, 1);
    rows[2].id = 30;      /* the key of row 0 */
    rows[4].name = "n3";  /* the name of row 3 */
    rows[1].name = "one"; /* free */
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 5),
                         CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect_outcomes(w, "iigig");
    assert_int_equal(w->result.ignored, 2);
    expect(w, "30|n0\n31|one\n33|n3\n", "SELECT id, name FROM item WHERE id >= 30 ORDER BY id");
    free(rows);
}

static void ignored_inside_the_batch_with_assigned_keys(world *w)
{
    make_taken(w);
    item *rows = some_items(4, 0, 0);
    rows[3].name = "n0";
    ok(w, bm_bulk_create(
              w->db, bm_structs(&item_model, rows, 4),
              CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON, .return_queryset = BM_ON),
              fresh(w), &w->err));
    expect_outcomes(w, "igig");
    assert_int_equal(bm_queryset_count(w->result.queryset), 2);
    expect(w, "n0|0\nn2|20\n", "SELECT name, value FROM item WHERE note = 'text' ORDER BY name");
    free(rows);
}

static void ignored_without_asking_is_counted(world *w)
{
    make_taken(w);
    item *rows = some_items(1500, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1500),
                         CREATE(.ignore_conflicts = BM_ON, .batch_size = 400), fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 1499);
    assert_int_equal(w->result.ignored, 1);
    expect_number(w, 1501, "SELECT count(*) FROM item");
    free(rows);
}

typedef struct feed {
    const item *rows;
    size_t n;
} feed;

static bm_status feed_next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    feed *from = user;
    (void)err;
    *n = from->n < capacity ? from->n : capacity;
    memcpy(rows, from->rows, *n * sizeof *from->rows);
    from->rows += *n;
    from->n -= *n;
    return BM_OK;
}

/* L11.  There already, twice in the rows, both, and again in a later chunk; of 9 keys only 30 and
 * 31 are new. */
static void every_row_that_is_ignored_is_counted(world *w)
{
    static const int64_t ids[] = {5, 5, 7, 30, 30, 31, 7, 31, 5};
    for (size_t i = 0; i < 8; i++) {
        item *rows = some_items(9, 0, 0);
        for (size_t k = 0; k < 9; k++) {
            rows[k].id = ids[k];
        }
        make_items(w, "");
        run(w, "INSERT INTO item VALUES (5, 'five', 5, ''), (7, 'seven', 7, '')");
        feed from = {rows, 9};
        bm_source source = {.size = sizeof source, .user = &from, .next = feed_next};
        bm_rows given = (i & 4) != 0 ? bm_stream(&item_given_model, &source)
                                     : bm_structs(&item_given_model, rows, 9);
        ok(w, bm_bulk_create(w->db, given,
                             CREATE(.ignore_conflicts = BM_ON, .batch_size = (i & 1) != 0 ? 2 : 0,
                                    .return_outcomes = (i & 2) != 0 ? BM_ON : BM_OFF),
                             fresh(w), &w->err));
        assert_int_equal(w->result.inserted, 2);
        assert_int_equal(w->result.ignored, 7);
        if ((i & 2) != 0) {
            expect_outcomes(w, "gggigiggg");
        }
        expect_number(w, 4, "SELECT count(*) FROM item");
        run(w, "DROP TABLE item");
        free(rows);
    }
}

/* L11.  A row is not left out because an earlier one with its key was: that one had another
 * conflict. */
static void a_row_after_one_of_its_key_that_was_ignored(world *w)
{
    make_taken(w);
    item *rows = some_items(2, 30, 0); /* 30 "n0", 30 "n1" */
    rows[0].name = "n1";               /* is there */
    rows[1].name = "free";
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2),
                         CREATE(.ignore_conflicts = BM_ON), fresh(w), &w->err));
    assert_int_equal(w->result.inserted, 1);
    assert_int_equal(w->result.ignored, 1);
    expect(w, "30|free\n", "SELECT id, name FROM item WHERE id >= 30");
    free(rows);
}

static void ignored_in_a_later_chunk(world *w)
{
    make_taken(w);
    item *rows = some_items(30, 0, 0);
    rows[25].name = "n3"; /* inserted by the first chunk */
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 30),
                         CREATE(.ignore_conflicts = BM_ON, .batch_size = 10,
                                .return_outcomes = BM_ON, .return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect_outcomes(w, "igiiiiiiiiiiiiiiiiiiiiiiigiiii");
    assert_int_equal(bm_queryset_count(w->result.queryset), 28);
    const item *last = bm_queryset_at(w->result.queryset, 27);
    expect_number(w, last->id, "SELECT id FROM item WHERE name = 'n29'");
    free(rows);
}

/* Another fault than a conflict is not ignored. */
static void ignoring_conflicts_ignores_nothing_else(world *w)
{
    make_taken(w);
    item *rows = some_items(3, 0, 0);
    rows[2].name_state = BM_NULL;
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                                      CREATE(.ignore_conflicts = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 2, "name");
    assert_string_equal(w->err.sqlstate, "23502");
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- update */

static void updated_by_key(world *w)
{
    make_taken(w);
    item *rows = some_items(3, 5, 1); /* 5 and 7 are there */
    rows[1].name = "free";
    ok(w,
       bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                      CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON,
                             .return_queryset = BM_ON, .update_fields = BM_NAMES("value", "note")),
                      fresh(w), &w->err));
    expect_outcomes(w, "uiu");
    assert_int_equal(w->result.updated, 2);
    assert_int_equal(w->result.inserted, 1);
    expect(w, "5|n1|0|text\n6|free|10|text\n7|other|20|text\n", "SELECT * FROM item ORDER BY id");
    free(rows);
}

static void updated_by_key_all_columns(world *w)
{
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (2, 'old', 1, 'old'), (9, 'stays', 1, 'old')");
    item *rows = some_items(3, 1, 1);
    rows[1].note = NULL;
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON), fresh(w), &w->err));
    assert_int_equal(w->result.updated + w->result.inserted, 3);
    assert_int_equal(w->result.updated, 1);
    expect(w, "1|n0|0|text\n2|n1|10|NULL\n3|n2|20|text\n9|stays|1|old\n",
           "SELECT * FROM item ORDER BY id");
    free(rows);
}

/* The keys that come back are those of the rows that were there. */
static void updated_of(world *w, size_t n)
{
    make_taken(w);
    item *rows = some_items(n, -1, 0);
    ok(w,
       bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                      CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                             .return_outcomes = BM_ON, .return_queryset = BM_ON, .keys_into = rows),
                      fresh(w), &w->err));
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.inserted, n - 1);
    assert_int_equal(w->result.outcomes[1], BM_ROW_UPDATED);
    assert_int_equal(w->result.outcomes[0], BM_ROW_INSERTED);
    assert_int_equal(w->result.outcomes[n - 1], BM_ROW_INSERTED);
    assert_int_equal(rows[1].id, 5);
    expect(w, "5|10|text\n", "SELECT id, value, note FROM item WHERE name = 'n1'");
    expect_number(w, (int64_t)n + 1, "SELECT count(*) FROM item");
    assert_int_equal(bm_queryset_count(w->result.queryset), n);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        const item *made = bm_queryset_at(w->result.queryset, i);
        found = found || (made->id == 5 && strcmp(made->name, "n1") == 0);
    }
    assert_true(found);
    expect_number(w, rows[n - 1].id, "SELECT id FROM item WHERE name = 'n%zu'", n - 1);
    free(rows);
}

static void updated_by_another_unique_column(world *w)
{
    updated_of(w, 4);
}

static void many_updated_by_another_unique_column(world *w)
{
    updated_of(w, 1300);
}

/* Results come in input order, whatever order the rows were written in. */
static void an_upserts_queryset_is_in_input_order(world *w)
{
    make_taken(w);
    item *rows = some_items(12, 0, 0); /* "n10" sorts before "n2" */
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 12),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                                .return_queryset = BM_ON),
                         fresh(w), &w->err));
    for (size_t i = 0; i < 12; i++) {
        const item *made = bm_queryset_at(w->result.queryset, i);
        assert_string_equal(made->name, rows[i].name);
        assert_int_equal(made->value, rows[i].value);
        expect_number(w, made->id, "SELECT id FROM item WHERE name = '%s'", made->name);
    }
    free(rows);
}

static void update_fields_named_leave_the_others(world *w)
{
    make_taken(w);
    item *rows = some_items(3, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                                .update_fields = BM_NAMES("note"), .return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect(w, "5|n1|500|text\n", "SELECT * FROM item WHERE id = 5");
    const item *second = bm_queryset_at(w->result.queryset, 1);
    assert_int_equal(second->id, 5);
    assert_int_equal(second->value, 500); /* what the table holds, not what was sent */
    free(rows);
}

static void nulls_in_a_unique_column_are_no_conflict(world *w)
{
    make_items(w, ", UNIQUE (note)");
    item *rows = some_items(4, 0, 0);
    rows[0].note = rows[2].note = NULL;
    rows[1].note = "a";
    rows[3].note = "b";
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 4),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("note"),
                                .return_outcomes = BM_ON, .keys_into = rows),
                         fresh(w), &w->err));
    expect_outcomes(w, "iiii");
    expect(w, "n0|NULL\nn1|a\nn2|NULL\nn3|b\n", "SELECT name, note FROM item ORDER BY name");
    for (size_t i = 0; i < 4; i++) {
        expect_number(w, rows[i].id, "SELECT id FROM item WHERE name = '%s'", rows[i].name);
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 4),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("note"),
                                .return_outcomes = BM_ON),
                         fresh(w), &w->err));
    expect_outcomes(w, "iuiu");
    expect_number(w, 6, "SELECT count(*) FROM item");
    free(rows);
}

static void duplicates_are_an_error_that_names_both(world *w)
{
    make_taken(w);
    item *rows = some_items(5, 40, 1);
    rows[4].id = rows[1].id;
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 5),
                                      CREATE(.update_conflicts = BM_ON), fresh(w), &w->err);
    refused(w, status, BM_INVALID, 1, "id");
    assert_int_equal(w->err.other_row, 4);
    assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

static void duplicates_of(world *w, bm_duplicates rule, const char *outcomes, const char *left)
{
    make_taken(w);
    item *rows = some_items(5, 0, 0);
    rows[3].name = "n1";
    rows[4].name = "n0";
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 5),
                         CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                                .duplicates = rule, .return_outcomes = BM_ON,
                                .return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect_outcomes(w, outcomes);
    assert_int_equal(w->result.inserted, 2);
    assert_int_equal(w->result.updated, 1);
    assert_int_equal(w->result.ignored, 2);
    assert_int_equal(bm_queryset_count(w->result.queryset), 3);
    expect(w, left, "SELECT name, value FROM item WHERE note = 'text' ORDER BY name");
    free(rows);
}

static void duplicates_the_first_is_written(world *w)
{
    duplicates_of(w, BM_DUPLICATES_FIRST, "iuigg", "n0|0\nn1|10\nn2|20\n");
}

static void duplicates_the_last_is_written(world *w)
{
    duplicates_of(w, BM_DUPLICATES_LAST, "ggiui", "n0|40\nn1|30\nn2|20\n");
}

typedef struct visit {
    int32_t day;
    int32_t page;
    int64_t hits;
    const char *note;
} visit;

static const bm_model visit_model = BM_MODEL(
    "visit", visit, BM_FIELD(visit, day, BM_INT4, BM_KEY), BM_FIELD(visit, page, BM_INT4, BM_KEY),
    BM_FIELD(visit, hits, BM_INT8, 0), BM_FIELD(visit, note, BM_TEXT, 0));

static void updated_by_a_composite_key(world *w)
{
    run(w, "CREATE TABLE visit (day integer, page integer, hits bigint, note text, "
           "PRIMARY KEY (day, page))");
    run(w, "INSERT INTO visit VALUES (1, 1, 1, 'old'), (1, 2, 1, 'old')");
    visit rows[] = {{2, 1, 5, "a"}, {1, 2, 6, "b"}, {1, 3, 7, "c"}};
    ok(w, bm_bulk_create(w->db, bm_structs(&visit_model, rows, 3),
                         CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON), fresh(w),
                         &w->err));
    expect_outcomes(w, "iui");
    expect(w, "1|1|1|old\n1|2|6|b\n1|3|7|c\n2|1|5|a\n", "SELECT * FROM visit ORDER BY day, page");
}

static void conflicts_in_chunks_and_a_later_chunk_updates_an_earlier(world *w)
{
    make_items(w, "");
    item *rows = some_items(25, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 12), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 25),
                         CREATE(.update_conflicts = BM_ON, .batch_size = 5,
                                .return_outcomes = BM_ON, .update_fields = BM_NAMES("note")),
                         fresh(w), &w->err));
    expect_outcomes(w, "uuuuuuuuuuuuiiiiiiiiiiiii");
    expect_number(w, 25, "SELECT count(*) FROM item");
    free(rows);
}

static void contradictions_are_refused(world *w)
{
    make_taken(w);
    item *rows = some_items(1, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 1);
    bm_status status =
        bm_bulk_create(w->db, given, CREATE(.ignore_conflicts = BM_ON, .update_conflicts = BM_ON),
                       fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status =
        bm_bulk_create(w->db, given, CREATE(.update_fields = BM_NAMES("note")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    status = bm_bulk_create(w->db, given,
                            CREATE(.update_conflicts = BM_ON, .update_fields = BM_NAMES("nope")),
                            fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "nope");
    status = bm_bulk_create(w->db, given,
                            CREATE(.update_conflicts = BM_ON, .update_fields = BM_NAMES("id")),
                            fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "id");
    status = bm_bulk_create(
        w->db, given, CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name", "name")),
        fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "name");
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

/* No unique index over these columns: the database says so, and nothing is written. */
static void a_conflict_on_what_is_not_unique_is_refused(world *w)
{
    make_taken(w);
    item *rows = some_items(2, 1, 1);
    bm_status status = bm_bulk_create(
        w->db, bm_structs(&item_given_model, rows, 2),
        CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("value")), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "ON CONFLICT"));
    expect_number(w, 2, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- what the database computes */

typedef struct square {
    int64_t id;
    int32_t side;
    int32_t area; /* GENERATED */
    const char *kind;
    uint8_t area_state, kind_state;
} square;

static const bm_model square_model =
    BM_MODEL("square", square, BM_FIELD(square, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(square, side, BM_INT4, 0),
             BM_FIELD_STATE(square, area, BM_INT4, BM_READ_ONLY, area_state),
             BM_FIELD_STATE(square, kind, BM_TEXT, 0, kind_state));

static void a_generated_column_is_read_back(world *w)
{
    run(w,
        "CREATE TABLE square (id %s, side integer, area integer GENERATED ALWAYS AS (side * side) "
        "STORED, kind text DEFAULT 'plain')",
        w->on->made_key);
    square rows[] = {{.side = 3, .kind_state = BM_DEFAULT_CELL}, {.side = 5, .kind = "x"}};
    ok(w, bm_bulk_create(w->db, bm_structs(&square_model, rows, 2),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    square *made = bm_queryset_at(w->result.queryset, 0);
    assert_int_equal(made[0].area, 9);
    assert_int_equal(made[1].area, 25);
    assert_string_equal(made[0].kind, "plain");
    expect(w, "3|9|plain\n5|25|x\n", "SELECT side, area, kind FROM square ORDER BY id");
    bm_result updated = BM_RESULT; /* the snapshot knows what was read */
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &updated, &w->err));
    assert_int_equal(updated.statements, 0);
    assert_int_equal(updated.unchanged, 2);
}

/* Rows that were ignored are in no queryset: what is read back goes to the others. */
static void generated_columns_of_rows_between_ignored_ones(world *w)
{
    run(w,
        "CREATE TABLE square (id %s, side integer UNIQUE, area integer GENERATED ALWAYS AS"
        " (side * side) STORED, kind text)",
        w->on->made_key);
    run(w, "INSERT INTO square (side) VALUES (2), (4)");
    square rows[] = {{.side = 2}, {.side = 3}, {.side = 4}, {.side = 5}};
    ok(w, bm_bulk_create(
              w->db, bm_structs(&square_model, rows, 4),
              CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON, .return_queryset = BM_ON),
              fresh(w), &w->err));
    expect_outcomes(w, "gigi");
    assert_int_equal(bm_queryset_count(w->result.queryset), 2);
    square *made = bm_queryset_at(w->result.queryset, 0);
    assert_int_equal(made[0].side, 3);
    assert_int_equal(made[0].area, 9);
    assert_int_equal(made[1].side, 5);
    assert_int_equal(made[1].area, 25);
}

static void left_out_columns_are_read_back(world *w)
{
    make_items(w, "");
    const char *names[] = {"a", "b"};
    const bm_column columns[4] = {[1] = {.type = BM_VARCHAR,
                                         .layout = BM_CSTR,
                                         .width = sizeof(char *),
                                         .data = names,
                                         .stride = sizeof(char *)}};
    ok(w, bm_bulk_create(w->db, bm_columns(&item_model, columns, 2),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    expect(w, "a|7|none\nb|7|none\n", "SELECT name, value, note FROM item ORDER BY id");
    assert_int_equal(bm_queryset_count(w->result.queryset), 2);
    assert_null(bm_queryset_at(w->result.queryset, 0)); /* the rows came in columns */
    bm_column ids;
    ok(w, bm_queryset_column(w->result.queryset, "id", &ids));
    int64_t id;
    memcpy(&id, (const char *)ids.data + ids.stride, sizeof id);
    expect_number(w, id, "SELECT id FROM item WHERE name = 'b'");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, ignored_by_explicit_key),
    CASE(ON_SQL, ignored_by_another_unique_column_of_assigned_keys),
    CASE(ON_SQL, ignored_by_another_unique_column_of_explicit_keys),
    CASE(ON_SQL, ignored_inside_the_batch),
    CASE(ON_SQL, ignored_inside_the_batch_with_assigned_keys),
    CASE(ON_SQL, ignored_without_asking_is_counted),
    CASE(ON_SQL, every_row_that_is_ignored_is_counted),
    CASE(ON_SQL, a_row_after_one_of_its_key_that_was_ignored),
    CASE(ON_SQL, ignored_in_a_later_chunk),
    CASE(ON_SQL, ignoring_conflicts_ignores_nothing_else),
    CASE(ON_SQL, updated_by_key),
    CASE(ON_SQL, updated_by_key_all_columns),
    CASE(ON_SQL, updated_by_another_unique_column),
    CASE(ON_SQL, many_updated_by_another_unique_column),
    CASE(ON_SQL, an_upserts_queryset_is_in_input_order),
    CASE(ON_SQL, update_fields_named_leave_the_others),
    CASE(ON_SQL, nulls_in_a_unique_column_are_no_conflict),
    CASE(ON_ALL, duplicates_are_an_error_that_names_both),
    CASE(ON_SQL, duplicates_the_first_is_written),
    CASE(ON_SQL, duplicates_the_last_is_written),
    CASE(ON_SQL, updated_by_a_composite_key),
    CASE(ON_SQL, conflicts_in_chunks_and_a_later_chunk_updates_an_earlier),
    CASE(ON_ALL, contradictions_are_refused),
    CASE(ON_SQL, a_conflict_on_what_is_not_unique_is_refused),
    CASE(ON_SQL, a_generated_column_is_read_back),
    CASE(ON_SQL, generated_columns_of_rows_between_ignored_ones),
    CASE(ON_SQL, left_out_columns_are_read_back),
};

int main(void)
{
    return conformance_run("conflicts", cases, sizeof cases / sizeof cases[0]);
}
