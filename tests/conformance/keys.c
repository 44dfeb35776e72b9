/* Keys: made by the database, given by the rows, both; of every kind; back in input order. */
#include "world.h"

#include <time.h>

/* The key that the caller was told is the key of the row in the table. */
static void keys_are(world *w, const item *rows, size_t n)
{
    char *want = NULL;
    FILE *out = text_begin(&want);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%lld\n", (long long)rows[i].id);
    }
    fclose(out);
    expect(w, want, "SELECT id FROM item ORDER BY value");
    free(want);
}

static void keys_into_of(world *w, size_t n, size_t batch_size)
{
    make_items(w, "");
    item *rows = some_items(n, -5, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                         CREATE(.keys_into = rows, .batch_size = batch_size), fresh(w), &w->err));
    assert_int_equal(w->result.inserted, n);
    keys_are(w, rows, n);
    assert_string_equal(rows[n - 1].note, "text");
    assert_true(n < 2 || rows[0].id != rows[1].id);
    free(rows);
}

static void keys_into_few(world *w)
{
    keys_into_of(w, 10, 0);
}

static void keys_into_999(world *w)
{
    keys_into_of(w, 999, 0);
}

static void keys_into_1000(world *w)
{
    keys_into_of(w, 1000, 0);
}

static void keys_into_1001(world *w)
{
    keys_into_of(w, 1001, 0);
}

static void keys_into_3000_in_chunks(world *w)
{
    keys_into_of(w, 3000, 700);
}

static void keys_into_needs_structs(world *w)
{
    make_items(w, "");
    item *rows = some_items(2, 0, 1);
    const void *pointers[] = {&rows[0], &rows[1]};
    bm_status status = bm_bulk_create(w->db, bm_struct_pointers(&item_model, pointers, 2),
                                      CREATE(.keys_into = rows), fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "");
    free(rows);
}

static void a_queryset_has_keys_in_input_order(world *w)
{
    make_items(w, "");
    item *rows = some_items(1500, 0, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1500),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    assert_int_equal(bm_queryset_count(w->result.queryset), 1500);
    const item *made = bm_queryset_at(w->result.queryset, 0);
    keys_are(w, made, 1500);
    for (size_t i = 0; i < 1500; i++) {
        assert_string_equal(made[i].name, rows[i].name);
        assert_ptr_not_equal(made[i].name, rows[i].name);
        assert_int_equal(rows[i].id, 0);
    }
    assert_null(bm_queryset_at(w->result.queryset, 1500));
    free(rows);
}

static void explicit_keys_are_kept(world *w)
{
    make_items(w, "");
    item *rows = some_items(5, 900, -7);
    rows[4].id = 0; /* 0 is a key */
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 5),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    expect(w, "0|n4\n879|n3\n886|n2\n893|n1\n900|n0\n", "SELECT id, name FROM item ORDER BY id");
    const item *last = bm_queryset_at(w->result.queryset, 4);
    assert_int_equal(last->id, 0);
    assert_string_equal(last->name, "n4");
    free(rows);
}

static void many_explicit_keys_are_kept(world *w)
{
    make_items(w, "");
    item *rows = some_items(2200, 100000, -3);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2200),
                         CREATE(.batch_size = 1001), fresh(w), &w->err));
    keys_are(w, rows, 2200);
    free(rows);
}

/* Some rows give their key, others let it be made. */
static void mixed_of(world *w, size_t n)
{
    make_items(w, "");
    item *rows = some_items(n, 50000, 1);
    for (size_t i = 0; i < n; i += 2) {
        rows[i].id_state = BM_DEFAULT_CELL;
        rows[i].id = -1;
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n),
                         CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
    const item *made = bm_queryset_at(w->result.queryset, 0);
    keys_are(w, made, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(i % 2 == 0 ? made[i].id > 0 : made[i].id == rows[i].id);
        assert_int_equal(made[i].id_state, BM_VALUE);
    }
    free(rows);
}

static void mixed_keys(world *w)
{
    mixed_of(w, 7);
}

static void many_mixed_keys(world *w)
{
    mixed_of(w, 1500);
}

static void assigned_keys_go_on_behind_explicit_ones(world *w)
{
    make_items(w, "");
    item *rows = some_items(4, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 2), NULL, NULL, &w->err));
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows + 2, 2), CREATE(.keys_into = rows + 2),
                         NULL, &w->err));
    assert_int_equal(rows[2].id, 3);
    assert_int_equal(rows[3].id, 4);
    expect(w, "1|n0\n2|n1\n3|n2\n4|n3\n", "SELECT id, name FROM item ORDER BY id");
    free(rows);
}

static void text_keys(world *w)
{
    run(w, "CREATE TABLE word (word text PRIMARY KEY, n integer)");
    word rows[] = {{"zeta", 1}, {"", 2}, {"o'neill \"x\" \\", 3}, {"Zeta", 4}};
    ok(w, bm_bulk_create(w->db, bm_structs(&word_model, rows, 4), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    expect(w, "zeta\n\no'neill \"x\" \\\nZeta\n", "SELECT word FROM word ORDER BY n");
    rows[2].n = 33;
    ok(w, bm_update_fields(w->db, bm_structs(&word_model, rows + 2, 2),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("n")), NULL,
                           &w->err));
    const char *keys[] = {"Zeta", ""};
    ok(w, bm_delete(w->db, bm_keys(&word_model, keys, 2), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 2);
    expect(w, "zeta|1\no'neill \"x\" \\|33\n", "SELECT word, n FROM word ORDER BY n");
}

typedef struct token {
    bm_uuid id;
    int16_t n;
} token;

static const bm_model token_model =
    BM_MODEL("token", token, BM_FIELD(token, id, BM_UUID, BM_KEY), BM_FIELD(token, n, BM_INT2, 0));

static void uuid_keys(world *w)
{
    char hex[64];
    run(w, "CREATE TABLE token (id %s PRIMARY KEY, n smallint)", w->on->uuid);
    token rows[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
    memset(rows[0].id.bytes, 0xFF, 16);
    memset(rows[1].id.bytes, 0x1A, 16);
    ok(w, bm_bulk_create(w->db, bm_structs(&token_model, rows, 3), NULL, fresh(w), &w->err));
    snprintf(hex, sizeof hex, w->on->hex_uuid, "id");
    expect(w,
           "ffffffffffffffffffffffffffffffff\n1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\n"
           "00000000000000000000000000000000\n",
           "SELECT %s FROM token ORDER BY n", hex);
    ok(w, bm_delete(w->db, bm_structs(&token_model, rows, 2), NULL, fresh(w), &w->err));
    expect(w, "3\n", "SELECT n FROM token");
}

typedef struct place {
    int32_t country;
    const char *city;
    int64_t people;
} place;

static const bm_model place_model =
    BM_MODEL("place", place, BM_FIELD(place, country, BM_INT4, BM_KEY),
             BM_FIELD(place, city, BM_TEXT, BM_KEY), BM_FIELD(place, people, BM_INT8, 0));

static void composite_keys(world *w)
{
    run(w, "CREATE TABLE place (country integer, city text, people bigint, "
           "PRIMARY KEY (country, city))");
    place rows[] = {{2, "b", 1}, {1, "b", 2}, {2, "a", 3}, {1, "a", 4}};
    ok(w, bm_bulk_create(w->db, bm_structs(&place_model, rows, 4), CREATE(.return_queryset = BM_ON),
                         fresh(w), &w->err));
    place *third = bm_queryset_at(w->result.queryset, 2);
    third->people = 33;
    bm_result updated = BM_RESULT;
    ok(w, bm_update_fields(w->db, bm_queryset_rows(w->result.queryset), NULL, &updated, &w->err));
    assert_int_equal(updated.updated, 1);
    assert_int_equal(updated.unchanged, 3);
    ok(w, bm_delete(w->db, bm_structs(&place_model, rows + 3, 1), NULL, NULL, &w->err));
    expect(w, "1|b|2\n2|a|33\n2|b|1\n", "SELECT * FROM place ORDER BY country, city");
}

typedef struct serial {
    const char *table; /* its rows, and the statement that brings it to three keys from its end */
    const char *near;
    bool named; /* by the library: the sequence's own message names the sequence */
} serial;

/* L25.  Nobody's row is at fault: the column is named, and with it or instead the sequence. */
static void runs_out(world *w, const serial *of)
{
    static const size_t sizes[] = {1, 5, 3000};
    item *rows = some_items(3000, 0, 0);
    for (size_t i = 0; i < 3 * 4; i++) {
        size_t n = sizes[i / 4];
        run(w, "CREATE TABLE item (%s, name varchar(50) NOT NULL, value integer, note text)",
            of->table);
        run(w, "%s", of->near);
        for (size_t k = 0; n == 1 && k < 3; k++) {
            ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 1), NULL, NULL, &w->err));
        }
        bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, n),
                                          CREATE(.keys_into = (i & 1) != 0 ? rows : NULL,
                                                 .return_queryset = (i & 2) != 0 ? BM_ON : BM_OFF),
                                          fresh(w), &w->err);
        refused(w, status, BM_LIMIT, BM_NO_ROW, "id");
        const char *words = of->named ? "\"id\" has run out of keys" : "\"item_id_seq\"";
        if (strstr(w->err.message, words) == NULL) {
            fail_msg("%s, %zu rows: %s", of->table, n, w->err.message);
        }
        assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
        expect_number(w, n == 1 ? 3 : 0, "SELECT count(*) FROM item WHERE name <> 'last'");
        run(w, "DROP TABLE item");
    }
    free(rows);
}

static void sequences_that_run_out(world *w)
{
    static const serial kinds[] = {
        {"id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
         "SELECT setval('item_id_seq', 2147483644)", false},
        {"id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
         "SELECT setval('item_id_seq', 2147483644)", false},
        {"id smallserial PRIMARY KEY", "SELECT setval('item_id_seq', 32764)", false},
        {"id bigserial PRIMARY KEY", "SELECT setval('item_id_seq', 9223372036854775804)", false},
        {"id serial PRIMARY KEY", /* of PostgreSQL 9.6 */
         "ALTER SEQUENCE item_id_seq AS bigint MAXVALUE 9223372036854775807 RESTART 2147483645",
         true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        runs_out(w, &kinds[i]);
    }
}

static void rowids_that_run_out(world *w)
{
    static const serial kinds[] = {
        {"id integer PRIMARY KEY AUTOINCREMENT",
         "INSERT INTO item VALUES (9223372036854775804, 'last', 0, '')", true},
        {"id integer PRIMARY KEY AUTOINCREMENT",
         "INSERT INTO item VALUES (9223372036854775804, 'last', 0, ''); DELETE FROM item", true},
    };
    for (size_t i = 0; i < 2; i++) {
        runs_out(w, &kinds[i]);
    }
}

/* L25.  The number of a row that is out of range is still a row's. */
static void a_number_that_is_out_of_range(world *w)
{
    item rows[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    run(w, "CREATE TABLE item (id serial PRIMARY KEY, name varchar(50), value smallint, note text, "
           "twice smallint GENERATED ALWAYS AS (value * 30000::bigint) STORED)");
    rows[1].value = 2;
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, 3), NULL, NULL, &w->err);
    refused(w, status, BM_CONVERT, 1, "");
}

/* Seconds of CPU of a create of n rows in batches of ten, every other with a key. */
static double mixed_in_batches(world *w, size_t n)
{
    item *rows = some_items(n, 1, 2);
    for (size_t i = 0; i < n; i += 2) {
        rows[i].id_state = BM_DEFAULT_CELL;
    }
    make_items(w, "");
    clock_t begin = clock();
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, n),
                         BM_OPTIONS(bm_bulk_create_options, .batch_size = 10), fresh(w), &w->err));
    double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
    expect_number(w, (int64_t)n, "SELECT count(*) FROM item");
    run(w, "DROP TABLE item");
    free(rows);
    return took;
}

/* S2: twice the rows are twice the work; were it quadratic, it would be four times. */
static void mixed_keys_are_linear(world *w)
{
    double once = mixed_in_batches(w, 40000);
    double twice = mixed_in_batches(w, 80000);
    if (twice > 3 * once + 0.1) {
        fail_msg("80000 rows took %.3f s, 40000 %.3f s", twice, once);
    }
}

static const conformance_case cases[] = {
    CASE(ON_ALL, keys_into_few),
    CASE(ON_ALL, keys_into_999),
    CASE(ON_ALL, keys_into_1000),
    CASE(ON_ALL, keys_into_1001),
    CASE(ON_ALL, keys_into_3000_in_chunks),
    CASE(ON_ALL, keys_into_needs_structs),
    CASE(ON_ALL, a_queryset_has_keys_in_input_order),
    CASE(ON_ALL, explicit_keys_are_kept),
    CASE(ON_ALL, many_explicit_keys_are_kept),
    CASE(ON_SQL, mixed_keys),
    CASE(ON_SQL, many_mixed_keys),
    CASE(ON_LITE_MEMORY, mixed_keys_are_linear),
    CASE(ON_SQL, assigned_keys_go_on_behind_explicit_ones),
    CASE(ON_ALL, text_keys),
    CASE(ON_ALL, uuid_keys),
    CASE(ON_ALL, composite_keys),
    CASE(ON_POSTGRESQL, sequences_that_run_out),
    CASE(ON_SQLITE, rowids_that_run_out),
    CASE(ON_POSTGRESQL, a_number_that_is_out_of_range),
};

int main(void)
{
    return conformance_run("keys", cases, sizeof cases / sizeof cases[0]);
}
