/* Rows of Arrow streams, written by hand after the specification of the C data interface. */
#include "batches.h"

/* ---- the table */

static const bm_field event_fields[] = {
    {"id", BM_INT8, BM_FIXED, 0, 8, BM_NO_STATE, BM_KEY | BM_ASSIGNED},
    {"name", BM_TEXT, BM_SLICE, 0, sizeof(bm_slice), BM_NO_STATE, 0},
    {"at", BM_TIMESTAMPTZ, BM_FIXED, 0, 8, BM_NO_STATE, 0},
};
static const bm_model event_model = {sizeof(bm_model), "event", NULL, 0, event_fields, 3};

static void make_events(world *w)
{
    const char *time = w->on->bit == ON_POSTGRESQL ? "timestamptz" : "datetime";
    run(w, "CREATE TABLE event (id %s, name text DEFAULT 'none', at %s)", w->on->made_key, time);
}

static bm_status create(world *w, batches *b, const bm_model *model)
{
    return bm_bulk_create(w->db, bm_arrow(model, &b->stream), NULL, fresh(w), &w->err);
}

static char one[16]; /* the table of the case; what is known of a table outlives it */

/* A model of the key and one column, "value". */
static bm_status create_one(world *w, batches *b, bm_type type)
{
    const bool fixed = type != BM_TEXT && type != BM_NUMERIC && type != BM_BYTEA;
    const size_t widths[] = {
        [BM_BOOL] = 1,   [BM_INT2] = 2, [BM_INT4] = 4,      [BM_INT8] = 8, [BM_DATE] = 4,
        [BM_FLOAT8] = 8, [BM_TIME] = 8, [BM_TIMESTAMP] = 8, [BM_UUID] = 16};
    bm_field fields[] = {
        {"id", BM_INT8, BM_FIXED, 0, 8, BM_NO_STATE, BM_KEY | BM_ASSIGNED},
        {"value", type, BM_SLICE, 0, sizeof(bm_slice), BM_NO_STATE, 0},
    };
    if (fixed) {
        fields[1].layout = BM_FIXED;
        fields[1].width = widths[type];
    }
    const bm_model model = {sizeof(bm_model), one, NULL, 0, fields, 2};
    return create(w, b, &model);
}

static void make_one(world *w, const char *type)
{
    static int n;
    snprintf(one, sizeof one, "one%d", n++ % 1000);
    run(w, "CREATE TABLE %s (id %s, value %s)", one, w->on->made_key, type);
}

/* ---- cases */

static const int64_t ids[] = {99, 7, 8, 9};
static const int32_t ends[] = {0, 1, 4, 4, 6};
/* 2024-02-29 13:45:00.5 UTC, and a microsecond before 1970. */
static const int64_t times[] = {0, INT64_C(1709214300500000), -1, 5};
static const uint8_t second_is_null[] = {0xFB}; /* of ids: bit 2, the row with the key 8 */

/* Their arrays must live longer than the function that makes the stream. */
static const void *first_buffers[3][3] = {
    {second_is_null, times}, {NULL, ids}, {second_is_null, ends, "xabcde"}};
static const void *last_buffers[3][3] = {{NULL, times}, {NULL, ids}, {NULL, ends, "xabcde"}};
static struct ArrowArray first_arrays[3], last_arrays[3];

static void three_events(batches *b)
{
    begin(b);
    column(b, "at", "tsu:UTC");
    column(b, "id", "l");
    column(b, "name", "u");
    for (int i = 0; i < 3; i++) {
        const int64_t n_buffers = i == 2 ? 3 : 2;
        first_arrays[i] =
            (struct ArrowArray){.length = 2, .null_count = -1, .offset = 1, .n_buffers = n_buffers};
        last_arrays[i] = first_arrays[i];
        last_arrays[i].offset = 2;
        first_arrays[i].buffers = first_buffers[i];
        last_arrays[i].buffers = last_buffers[i];
    }
    batch(b, 2, 0, ARRAYS(&first_arrays[0], &first_arrays[1], &first_arrays[2]));
    batch(b, 1, 1, ARRAYS(&last_arrays[0], &last_arrays[1], &last_arrays[2]));
}

static void of_offsets_and_bitmaps(world *w)
{
    batches b;
    make_events(w);
    three_events(&b);
    ok(w, create(w, &b, &event_model));
    assert_int_equal(w->result.inserted, 3);
    assert_int_equal(b.released, 4); /* the schema, two batches, the stream */
    expect(w, "7|abc\n8|NULL\n9|de\n", "SELECT id, name FROM event ORDER BY id");
    if (w->on->bit == ON_POSTGRESQL) {
        expect(w, "7|1709214300.500000\n8|NULL\n9|0.000005\n",
               "SELECT id, extract(epoch FROM at) FROM event ORDER BY id");
    } else {
        expect(w, "7|2024-02-29 13:45:00.500000\n8|NULL\n9|1970-01-01 00:00:00.000005\n",
               "SELECT id, at FROM event ORDER BY id");
    }
}

static void found_by_their_keys(world *w)
{
    batches b;
    make_events(w);
    three_events(&b);
    ok(w, create(w, &b, &event_model));
    begin(&b);
    column(&b, "name", "u");
    column(&b, "id", "l");
    batch(&b, 2, 0, ARRAYS(ARRAY(2, 1, NULL, ends, "xabcde"), ARRAY(2, 2, NULL, ids)));
    ok(w, bm_update_fields(w->db, bm_arrow(&event_model, &b.stream),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("name")),
                           fresh(w), &w->err));
    assert_int_equal(w->result.updated, 2);
    expect(w, "7|abc\n8|abc\n9|\n", "SELECT id, name FROM event ORDER BY id");
    begin(&b);
    column(&b, "id", "l");
    batch(&b, 2, 0, ARRAYS(ARRAY(2, 1, NULL, ids)));
    ok(w, bm_delete(w->db, bm_arrow(&event_model, &b.stream), NULL, fresh(w), &w->err));
    assert_int_equal(w->result.deleted, 2);
    expect(w, "9\n", "SELECT id FROM event");
    begin(&b);
    column(&b, "name", "u");
    batch(&b, 1, 0, ARRAYS(ARRAY(1, 1, NULL, ends, "xabcde")));
    bm_status status = bm_delete(w->db, bm_arrow(&event_model, &b.stream), NULL, fresh(w), &w->err);
    assert_int_equal(status, BM_INVALID); /* the key is not there */
    assert_int_equal(b.released, 2);
}

static void upserted_by_their_keys(world *w)
{
    static const int64_t two[] = {7, 8};
    static const int32_t bounds[] = {0, 3, 5};
    batches b;
    make_events(w);
    run(w, "INSERT INTO event (id, name) VALUES (7, 'abc'), (9, 'kept')");
    for (int i = 0; i < 2; i++) {
        begin(&b);
        column(&b, "id", "l");
        column(&b, "name", "u");
        batch(
            &b, 2, 0,
            ARRAYS(ARRAY(2, 0, NULL, two), ARRAY(2, 0, NULL, bounds, i == 0 ? "abcde" : "abcxy")));
        ok(w, bm_upsert(w->db, bm_arrow(&event_model, &b.stream), NULL, fresh(w), &w->err));
        assert_int_equal(w->result.inserted, i == 0 ? 1 : 0);
        assert_int_equal(w->result.updated, i == 0 ? 0 : 1);
        assert_int_equal(w->result.unchanged, 1);
    }
    expect(w, "7|abc\n8|xy\n9|kept\n", "SELECT id, name FROM event ORDER BY id");
}

static void a_column_that_is_left_out(world *w)
{
    batches b;
    make_events(w);
    begin(&b);
    column(&b, "at", "n");
    batch(&b, 2, 0, ARRAYS(&(struct ArrowArray){.length = 2, .null_count = 2}));
    batch(&b, 1, 0, ARRAYS(ARRAY(1, 0, NULL))); /* with the one buffer of polars */
    ok(w, create(w, &b, &event_model));
    expect(w, "none|NULL\nnone|NULL\nnone|NULL\n", "SELECT name, at FROM event");
}

static void nothing_is_half_written(world *w)
{
    batches b;
    make_events(w);
    three_events(&b);
    b.fails_after = 1;
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "after 2 rows: the disk is gone"));
    assert_int_equal(b.released, 3);
    static const uint64_t beyond[] = {1, 2, UINT64_MAX, 4};
    three_events(&b);
    b.columns[1].format = "L";
    b.arrays[1][1] = ARRAY(2, 1, NULL, beyond);
    refused(w, create(w, &b, &event_model), BM_CONVERT, 2, "id");
    assert_int_equal(b.released, 4);
    expect_number(w, 0, "SELECT count(*) FROM event");
}

static void schemas_that_are_refused(world *w)
{
    batches b;
    make_events(w);
    three_events(&b);
    b.columns[0].name = "when";
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "when");
    three_events(&b);
    b.columns[0].name = "id";
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "id");
    three_events(&b);
    b.columns[0].format = "tsu:"; /* no zone */
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "at");
    three_events(&b);
    b.columns[2].format = "z"; /* bytes are not text */
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "name");
    three_events(&b);
    b.columns[2].format = "+s";
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, "name");
    three_events(&b);
    bm_status status =
        bm_bulk_create(w->db, bm_arrow(&event_model, &b.stream), KEYS_BACK, fresh(w), &w->err);
    refused(w, status, BM_UNSUPPORTED, BM_NO_ROW, "");
    assert_int_equal(b.released, 2);
    refused(w, create(w, &b, &event_model), BM_INVALID, BM_NO_ROW, ""); /* it was released */
    const bm_call call = {.size = sizeof call, .on_error = BM_ON_ERROR_REJECT};
    three_events(&b);
    status = bm_bulk_create(w->db, bm_arrow(&event_model, &b.stream), CREATE(.call = &call),
                            fresh(w), &w->err);
    refused(w, status, BM_UNSUPPORTED, BM_NO_ROW, "");
    three_events(&b);
    refused(w, bm_update(w->db, bm_arrow(&event_model, &b.stream), NULL, fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM event");
}

static void integers(world *w)
{
    static const uint8_t unsigned_bytes[] = {0, 200, 255};
    static const int8_t signed_bytes[] = {-128, 0, 127};
    static const uint32_t words[] = {0, UINT32_MAX};
    batches b;
    make_one(w, "bigint");
    begin(&b);
    ONE("C", 3, NULL, unsigned_bytes);
    ok(w, create_one(w, &b, BM_INT8));
    begin(&b);
    ONE("c", 3, NULL, signed_bytes);
    ok(w, create_one(w, &b, BM_INT2));
    begin(&b);
    ONE("I", 2, NULL, words);
    ok(w, create_one(w, &b, BM_INT8));
    expect(w, "0\n200\n255\n-128\n0\n127\n0\n4294967295\n", "SELECT value FROM %s ORDER BY id",
           one);
    begin(&b);
    ONE("I", 2, NULL, words);
    refused(w, create_one(w, &b, BM_INT4), BM_CONVERT, 1, "value");
}

static void text_in_every_layout(world *w)
{
    static const int64_t far[] = {0, 3, 3};
    static const char bytes[] = "a text of more than twelve bytes";
    const int64_t sizes[] = {sizeof bytes - 1};
    const int32_t views[] = {2, 0, 0, 0, 32, 0, 0, 0};
    static const uint8_t indices[] = {1, 0, 1};
    int32_t inlined[8];
    batches b;
    memcpy(inlined, views, sizeof views);
    memcpy(&inlined[1], "hi", 2);
    memcpy(&inlined[5], bytes, 4);
    make_one(w, "text");
    begin(&b);
    ONE("U", 2, NULL, far, "abc");
    ok(w, create_one(w, &b, BM_TEXT));
    begin(&b);
    ONE("vu", 2, NULL, inlined, bytes, sizes);
    ok(w, create_one(w, &b, BM_TEXT));
    begin(&b);
    ONE("C", 3, NULL, indices);
    b.dictionary[0] = (struct ArrowSchema){.format = "u"};
    b.columns[0].dictionary = &b.dictionary[0];
    b.arrays[0][0]->dictionary = ARRAY(2, 1, NULL, ends, "xabcde");
    ok(w, create_one(w, &b, BM_TEXT));
    expect(w, "abc\n\nhi\na text of more than twelve bytes\n\nabc\n\n",
           "SELECT value FROM %s ORDER BY id", one);
    begin(&b);
    ONE("C", 3, NULL, indices);
    b.columns[0].dictionary = &b.dictionary[0];
    b.dictionary[0] = (struct ArrowSchema){.format = "u"};
    b.arrays[0][0]->dictionary = ARRAY(1, 1, NULL, ends, "xabcde");
    refused(w, create_one(w, &b, BM_TEXT), BM_CONVERT, 0, "value");
    begin(&b);
    ONE("u", 1, NULL, ((const int32_t[]){0, 1}), "\xFF");
    refused(w, create_one(w, &b, BM_TEXT), BM_CONVERT, 0, "value");
    inlined[7] = 1; /* behind the end of the buffer */
    begin(&b);
    ONE("vu", 2, NULL, inlined, bytes, sizes);
    refused(w, create_one(w, &b, BM_TEXT), BM_CONVERT, 1, "value");
}

static void decimals(world *w)
{
    /* 2^128 - 5 is -5 in 128 bits, and that many in 256. */
    static const uint64_t small[] = {12345, 0, UINT64_MAX - 4, UINT64_MAX, 0, 0};
    static const uint64_t large[] = {UINT64_MAX - 4, UINT64_MAX, 0, 0};
    batches b;
    make_one(w, "numeric");
    begin(&b);
    ONE("d:10,3", 3, NULL, small);
    ok(w, create_one(w, &b, BM_NUMERIC));
    begin(&b);
    ONE("d:10,-2", 1, NULL, small);
    ok(w, create_one(w, &b, BM_NUMERIC));
    begin(&b);
    ONE("d:9,0,32", 1, NULL, small);
    ok(w, create_one(w, &b, BM_NUMERIC));
    bool equal = w->on->bit == ON_POSTGRESQL;
    expect(w,
           equal ? "12.345\n-0.005\n0.000\n1234500\n12345\n"
                 : "12.345\n-0.005\n0\n1234500\n12345\n",
           "SELECT value FROM %s ORDER BY id", one);
    run(w, "DELETE FROM %s", one);
    begin(&b);
    ONE("d:76,1,256", 1, NULL, large);
    ok(w, create_one(w, &b, BM_NUMERIC));
    if (equal) {
        expect(w, "34028236692093846346337460743176821145.1\n", "SELECT value FROM %s", one);
    }
    begin(&b);
    ONE("d:76,400,256", 1, NULL, large);
    refused(w, create_one(w, &b, BM_NUMERIC), BM_INVALID, BM_NO_ROW, "value");
}

static void dates_and_times(world *w)
{
    static const int32_t days[] = {-1, 19782};
    static const int64_t ms[] = {INT64_C(1709164800000), INT64_C(1709164800001)};
    static const int64_t ns[] = {1000, 1001};
    static const int64_t outer[] = {INT64_MAX};
    static const int32_t second[] = {61};
    batches b;
    make_one(w, "date");
    begin(&b);
    ONE("tdD", 2, NULL, days);
    ok(w, create_one(w, &b, BM_DATE));
    begin(&b);
    ONE("tdm", 1, NULL, ms);
    ok(w, create_one(w, &b, BM_DATE));
    expect(w, "1969-12-31\n2024-02-29\n2024-02-29\n", "SELECT value FROM %s ORDER BY id", one);
    begin(&b);
    ONE("tdm", 2, NULL, ms);
    refused(w, create_one(w, &b, BM_DATE), BM_CONVERT, 1, "value");
    make_one(w, "time");
    begin(&b);
    ONE("tts", 1, NULL, second);
    ok(w, create_one(w, &b, BM_TIME));
    expect(w, "00:01:01\n", "SELECT substr(cast(value AS text), 1, 8) FROM %s", one);
    make_one(w, w->on->bit == ON_POSTGRESQL ? "timestamp" : "datetime");
    begin(&b);
    ONE("tsn:", 1, NULL, ns);
    ok(w, create_one(w, &b, BM_TIMESTAMP));
    begin(&b);
    ONE("tsn:", 2, NULL, ns);
    refused(w, create_one(w, &b, BM_TIMESTAMP), BM_CONVERT, 1, "value");
    begin(&b);
    ONE("tsu:", 1, NULL, outer); /* no infinity, which PostgreSQL would make of it */
    refused(w, create_one(w, &b, BM_TIMESTAMP), BM_CONVERT, 0, "value");
    begin(&b);
    ONE("tss:", 1, NULL, outer);
    refused(w, create_one(w, &b, BM_TIMESTAMP), BM_CONVERT, 0, "value");
    expect_number(w, 1, "SELECT count(*) FROM %s", one);
}

static void bits_and_bytes(world *w)
{
    static const uint8_t bits[] = {0, 0x05}; /* of rows 8 to 10: true, false, true */
    static const float floats[] = {0.5f, -2.0f};
    batches b;
    make_one(w, w->on->bit == ON_POSTGRESQL ? "bool" : "integer");
    begin(&b);
    column(&b, "value", "b");
    batch(&b, 3, 0, ARRAYS(ARRAY(3, 8, NULL, bits)));
    ok(w, create_one(w, &b, BM_BOOL));
    expect_number(w, 2, "SELECT sum(CAST(value AS integer)) FROM %s", one);
    make_one(w, w->on->bit == ON_POSTGRESQL ? "float8" : "real");
    begin(&b);
    ONE("f", 2, NULL, floats);
    ok(w, create_one(w, &b, BM_FLOAT8));
    expect(w, w->on->bit == ON_POSTGRESQL ? "0.5\n-2\n" : "0.5\n-2.0\n",
           "SELECT value FROM %s ORDER BY id", one);
    make_one(w, w->on->bytes);
    begin(&b);
    ONE("w:2", 2, NULL, "ab\0c");
    ok(w, create_one(w, &b, BM_BYTEA));
    expect_number(w, 4, "SELECT sum(length(value)) FROM %s", one);
    make_one(w, w->on->uuid);
    begin(&b);
    ONE("w:16", 1, NULL, "0123456789abcdef");
    ok(w, create_one(w, &b, BM_UUID));
    char sql[80];
    snprintf(sql, sizeof sql, w->on->hex_uuid, "value");
    expect(w, "30313233343536373839616263646566\n", "SELECT %s FROM %s", sql, one);
}

/* Rows 1 to 5 of runs that end before rows 2, 5 and 6. */
static void runs(world *w)
{
    static const int32_t sound[] = {99, 2, 5, 6};
    static const int32_t falling[] = {99, 2, 2, 6};
    static const int32_t early[] = {99, 2, 4, 5};
    static const int64_t values[] = {7, 8, 9};
    static const uint8_t valid[] = {0x05};
    struct ArrowSchema kinds[] = {{.format = "i"}, {.format = "l"}};
    struct ArrowSchema *kinds_of[] = {&kinds[0], &kinds[1]};
    const int32_t *const ends_of[] = {sound, falling, early};
    batches b;
    make_one(w, w->on->bit == ON_POSTGRESQL ? "bigint" : "integer");
    for (int i = 0; i < 3; i++) {
        struct ArrowArray *parts[] = {ARRAY(3, 1, NULL, ends_of[i]), ARRAY(3, 0, valid, values)};
        struct ArrowArray array = {.length = 5, .offset = 1, .n_children = 2, .children = parts};
        begin(&b);
        column(&b, "value", "+r");
        b.columns[0].n_children = 2;
        b.columns[0].children = kinds_of;
        batch(&b, 5, 0, ARRAYS(&array));
        if (i == 0) {
            ok(w, create_one(w, &b, BM_INT8));
        } else {
            refused(w, create_one(w, &b, BM_INT8), BM_INVALID, BM_NO_ROW, "value");
        }
    }
    expect(w, "7\nNULL\nNULL\nNULL\n9\n", "SELECT value FROM %s ORDER BY id", one);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, of_offsets_and_bitmaps),
    CASE(ON_SQL, found_by_their_keys),
    CASE(ON_SQL, upserted_by_their_keys),
    CASE(ON_SQL, a_column_that_is_left_out),
    CASE(ON_SQL, nothing_is_half_written),
    CASE(ON_SQL, schemas_that_are_refused),
    CASE(ON_SQL, integers),
    CASE(ON_SQL, text_in_every_layout),
    CASE(ON_SQL, decimals),
    CASE(ON_SQL, dates_and_times),
    CASE(ON_SQL, bits_and_bytes),
    CASE(ON_SQL, runs),
};

int main(void)
{
    return conformance_run("arrow", cases, sizeof cases / sizeof cases[0]);
}
