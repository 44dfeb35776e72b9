/* Lists of Arrow become arrays (issue 13, 6). */
#include "batches.h"

typedef struct list_column {
    struct ArrowSchema schema[3], *of[2][1];
    struct ArrowArray array[3], *in[2][1];
} list_column;

/* Column "value": lists of these formats, the outermost first, around the values.  The arrays
 * stand in the same order; the batch has the rows of the first. */
static void lists(batches *b, list_column *c, const char *const *formats,
                  struct ArrowArray *const *arrays)
{
    int n = 0;
    for (; n < 3 && formats[n] != NULL; n++) {
        c->schema[n] = (struct ArrowSchema){.format = formats[n], .name = "value"};
        c->array[n] = *arrays[n];
        if (n > 0) {
            c->of[n - 1][0] = &c->schema[n];
            c->schema[n - 1].n_children = 1;
            c->schema[n - 1].children = c->of[n - 1];
            c->in[n - 1][0] = &c->array[n];
            c->array[n - 1].n_children = 1;
            c->array[n - 1].children = c->in[n - 1];
        }
    }
    begin(b);
    column(b, "value", formats[0]);
    b->columns[0] = c->schema[0];
    batch(b, arrays[0]->length, 0, ARRAYS(&c->array[0]));
}

#define FORMATS(...) ((const char *const[4]){__VA_ARGS__})

static char made[16];

static void make(world *w, const char *type)
{
    static int n;
    snprintf(made, sizeof made, "lists%d", n++ % 1000);
    run(w, "CREATE TABLE %s (id bigserial PRIMARY KEY, value %s)", made, type);
}

static bm_status create_of(world *w, batches *b, bm_type type, bm_layout layout, size_t width)
{
    const bm_field fields[] = {
        {"id", BM_INT8, BM_FIXED, 0, 8, BM_NO_STATE, BM_KEY | BM_ASSIGNED},
        {"value", type, layout, 0, width, BM_NO_STATE, 0},
    };
    const bm_model model = {sizeof(bm_model), made, NULL, 0, fields, 2};
    return bm_bulk_create(w->db, bm_arrow(&model, &b->stream), NULL, fresh(w), &w->err);
}

static bm_status create(world *w, batches *b, bm_type type)
{
    return create_of(w, b, type, BM_ARRAY, sizeof(bm_array));
}

static bm_status create_nd(world *w, batches *b, bm_type type)
{
    return create_of(w, b, type, BM_ND_ARRAY, sizeof(bm_nd_array));
}

static void expect_lists(world *w, const char *rows)
{
    expect(w, rows, "SELECT value FROM %s ORDER BY id", made);
}

static const int32_t numbers[] = {99, 1, 2, 3, 4, 5, 6};
static const uint8_t third_is_null[] = {0xF7}; /* bit 3: after an offset of 1, the third number */

#define NUMBERS ARRAY(6, 1, third_is_null, numbers)

/* A row before the first, {1,2}, NULL, {}, {NULL,4,5,6}. */
static void each_layout_of_lists(world *w)
{
    static const int32_t bounds[] = {0, 0, 2, 2, 2, 6};
    static const int64_t far_bounds[] = {0, 0, 2, 2, 2, 6};
    static const int32_t from[] = {0, 0, 7, 6, 2}, sizes[] = {1, 2, 9, 0, 4};
    static const int64_t far_from[] = {0, 0, 7, 6, 2}, far_sizes[] = {1, 2, 9, 0, 4};
    static const uint8_t second_is_null[] = {0xFB}; /* bit 2 */
    struct ArrowArray *const layouts[] = {
        ARRAY(4, 1, second_is_null, bounds),
        ARRAY(4, 1, second_is_null, far_bounds),
        ARRAY(4, 1, second_is_null, from, sizes),
        ARRAY(4, 1, second_is_null, far_from, far_sizes),
    };
    const char *const formats[] = {"+l", "+L", "+vl", "+vL"};
    batches b;
    list_column c;
    for (int i = 0; i < 4; i++) {
        make(w, "integer[]");
        lists(&b, &c, FORMATS(formats[i], "i"), ARRAYS(layouts[i], NUMBERS));
        ok(w, create(w, &b, BM_INT4));
        expect_lists(w, "{1,2}\nNULL\n{}\n{NULL,4,5,6}\n");
        assert_int_equal(b.released, 3);
    }
    make(w, "integer[]");
    lists(&b, &c, FORMATS("+w:2", "i"), ARRAYS(ARRAY(2, 1, NULL), NUMBERS));
    ok(w, create(w, &b, BM_INT4));
    expect_lists(w, "{NULL,4}\n{5,6}\n");
}

static void each_type_of_elements(world *w)
{
    static const int32_t bounds[] = {0, 2}, ends[] = {0, 3, 8};
    static const uint8_t bits[] = {0x01}, indices[] = {1, 0};
    static const double reals[] = {0.5, -2};
    static const uint16_t halves[] = {0x3C01, 0x8001}; /* 1 + 2^-10, -2^-24 */
    static const uint64_t decimal[] = {12345, 0, UINT64_MAX - 4, UINT64_MAX};
    static const int64_t times[] = {INT64_C(1709214300500000), -1};
    static const struct {
        int32_t months, days;
        int64_t ns;
    } spans[] = {{14, -3, 1000}, {0, 1, -5000}};
    static const struct {
        const char *column, *format;
        bm_type type;
        const void *buffers[3];
        const char *expected;
    } rows[] = {
        {"bool[]", "b", BM_BOOL, {NULL, bits}, "{t,f}\n"},
        {"smallint[]", "C", BM_INT2, {NULL, indices}, "{1,0}\n"},
        {"float8[]", "g", BM_FLOAT8, {NULL, reals}, "{0.5,-2}\n"},
        {"float4[]", "e", BM_FLOAT4, {NULL, halves}, "{1.0009766,-5.9604645e-08}\n"},
        {"numeric[]", "d:10,3", BM_NUMERIC, {NULL, decimal}, "{12.345,-0.005}\n"},
        {"text[]", "u", BM_TEXT, {NULL, ends, "a,bNULL\""}, "{\"a,b\",\"NULL\\\"\"}\n"},
        {"bytea[]", "z", BM_BYTEA, {NULL, ends, "a\\bNULL\""}, NULL},
        {"timestamp[]",
         "tsu:",
         BM_TIMESTAMP,
         {NULL, times},
         "{\"2024-02-29 13:45:00.5\",\"1969-12-31 23:59:59.999999\"}\n"},
        {"interval[]",
         "tin",
         BM_INTERVAL,
         {NULL, spans},
         "{\"1 year 2 mons -3 days +00:00:00.000001\",\"1 day -00:00:00.000005\"}\n"},
        {"uuid[]",
         "w:16",
         BM_UUID,
         {NULL, "0123456789abcdef0123456789abcdef"},
         "{30313233-3435-3637-3839-616263646566,30313233-3435-3637-3839-616263646566}\n"},
        {"integer[]", "n", BM_INT4, {NULL}, "{NULL,NULL}\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        batches b;
        list_column c;
        struct ArrowArray values = {.length = 2, .null_count = -1, .buffers = NULL};
        const void *buffers[3];
        memcpy(buffers, rows[i].buffers, sizeof buffers);
        values.buffers = buffers;
        values.n_buffers = rows[i].format[0] == 'n' ? 0 : buffers[2] != NULL ? 3 : 2;
        make(w, rows[i].column);
        lists(&b, &c, FORMATS("+l", rows[i].format), ARRAYS(ARRAY(1, 0, NULL, bounds), &values));
        ok(w, create(w, &b, rows[i].type));
        if (rows[i].expected != NULL) {
            expect_lists(w, rows[i].expected);
        } else {
            expect(w, "a\\\\b|NULL\"\n",
                   "SELECT encode(value[1], 'escape'), "
                   "encode(value[2], 'escape') FROM %s",
                   made);
        }
    }
}

static void a_dictionary_in_lists(world *w)
{
    static const int32_t bounds[] = {0, 3}, ends[] = {0, 1, 4, 4};
    static const int8_t indices[] = {1, 0, 1};
    struct ArrowSchema words = {.format = "u"};
    batches b;
    list_column c;
    make(w, "text[]");
    lists(&b, &c, FORMATS("+l", "c"),
          ARRAYS(ARRAY(1, 0, NULL, bounds), ARRAY(3, 0, NULL, indices)));
    c.schema[1].dictionary = &words;
    c.array[1].dictionary = ARRAY(2, 1, NULL, ends, "xabc");
    ok(w, create(w, &b, BM_TEXT));
    expect_lists(w, "{\"\",abc,\"\"}\n");
}

/* {{1,2},{NULL,4}}, NULL, {}, {{5},{6}}; then those that are no arrays. */
static void lists_of_lists(world *w)
{
    static const int32_t outer[] = {0, 2, 2, 2, 4}, inner[] = {0, 2, 4, 5, 6};
    static const int32_t ragged[] = {0, 1, 4, 5, 6}, empty[] = {0, 2, 2, 5, 6};
    static const uint8_t second_row_is_null[] = {0xFD}, second_list_is_null[] = {0xFD};
    struct ArrowArray *const broken[] = {
        ARRAY(4, 0, NULL, ragged),
        ARRAY(4, 0, NULL, empty),
        ARRAY(4, 0, second_list_is_null, inner),
    };
    batches b;
    list_column c;
    make(w, "integer[]");
    lists(&b, &c, FORMATS("+l", "+l", "i"),
          ARRAYS(ARRAY(4, 0, second_row_is_null, outer), ARRAY(4, 0, NULL, inner), NUMBERS));
    ok(w, create_nd(w, &b, BM_INT4));
    expect_lists(w, "{{1,2},{NULL,4}}\nNULL\n{}\n{{5},{6}}\n");
    run(w, "DELETE FROM %s", made);
    lists(
        &b, &c, FORMATS("+w:3", "+l", "i"),
        ARRAYS(ARRAY(1, 0, NULL), ARRAY(3, 1, NULL, ((const int32_t[]){9, 1, 2, 3, 4})), NUMBERS));
    ok(w, create_nd(w, &b, BM_INT4));
    lists(&b, &c, FORMATS("+vl", "i"),
          ARRAYS(ARRAY(1, 0, NULL, ((const int32_t[]){4}), ((const int32_t[]){2})), NUMBERS));
    ok(w, create_nd(w, &b, BM_INT4));
    expect_lists(w, "{{2},{NULL},{4}}\n{5,6}\n");
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        static const int32_t second[] = {0, 0, 2};
        lists(&b, &c, FORMATS("+l", "+l", "i"),
              ARRAYS(ARRAY(2, 0, NULL, second), broken[i], NUMBERS));
        refused(w, create_nd(w, &b, BM_INT4), BM_CONVERT, 1, "value");
    }
    lists(&b, &c, FORMATS("+l", "+l", "i"),
          ARRAYS(ARRAY(4, 0, NULL, outer), ARRAY(4, 0, NULL, inner), NUMBERS));
    refused(w, create(w, &b, BM_INT4), BM_INVALID, BM_NO_ROW, "value"); /* of one dimension */
}

/* Of more elements than a block, in chunks and batches. */
static void many_lists(world *w)
{
    enum { N = 3000 };
    static int32_t bounds[N + 1], values[N * 2];
    batches b;
    list_column c;
    for (int i = 0; i < N; i++) {
        bounds[i + 1] = i == 7 ? bounds[i] + 1000 : bounds[i] + i % 2;
        values[i] = i;
        values[N + i] = N + i;
    }
    make(w, "integer[]");
    lists(&b, &c, FORMATS("+l", "i"),
          ARRAYS(ARRAY(N, 0, NULL, bounds), ARRAY(N * 2, 0, NULL, values)));
    batch(&b, N, 0, ARRAYS(&c.array[0]));
    ok(w, create(w, &b, BM_INT4));
    assert_int_equal(w->result.inserted, 2 * N);
    assert_int_equal(bounds[N], 1000 + N / 2 - 1);
    expect_number(w, 2 * bounds[N], "SELECT sum(cardinality(value)) FROM %s", made);
    /* twice 0 + 1 + ... */
    expect_number(w, (int64_t)bounds[N] * (bounds[N] - 1), "SELECT sum(v) FROM %s, unnest(value) v",
                  made);
}

static void lists_that_are_refused(world *w)
{
    static const int32_t bounds[] = {0, 2, 3}, beyond[] = {0, 2, 7}, falling[] = {0, 2, 1};
    static const int32_t from[] = {0, 5}, sizes[] = {1, 2}, negative[] = {1, -1};
    static const int64_t far_from[] = {0, 5}, far_sizes[] = {1, INT64_MAX};
    static const uint64_t large[] = {1, 2, UINT64_MAX};
    struct ArrowArray *const out[] = {
        ARRAY(2, 0, NULL, beyond),
        ARRAY(2, 0, NULL, falling),
        ARRAY(2, 0, NULL, from, sizes),
        ARRAY(2, 0, NULL, from, negative),
        ARRAY(2, 0, NULL, far_from, far_sizes),
        ARRAY(2, INT64_MAX / 4, NULL),
    };
    const char *const formats[] = {"+l", "+l", "+vl", "+vl", "+vL", "+w:6"};
    batches b;
    list_column c;
    make(w, "integer[]");
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        lists(&b, &c, FORMATS(formats[i], "i"), ARRAYS(out[i], NUMBERS));
        refused(w, create(w, &b, BM_INT4), BM_CONVERT, i == 5 ? 0 : 1, "value");
        assert_int_equal(b.released, 3);
    }
    lists(&b, &c, FORMATS("+l", "L"), ARRAYS(ARRAY(2, 0, NULL, bounds), ARRAY(3, 0, NULL, large)));
    refused(w, create(w, &b, BM_INT8), BM_CONVERT, 1, "value");
    lists(&b, &c, FORMATS("+l", "i"), ARRAYS(ARRAY(2, 0, NULL, NULL), NUMBERS));
    refused(w, create(w, &b, BM_INT4), BM_INVALID, BM_NO_ROW, "value");
    lists(&b, &c, FORMATS("+l", "i"), ARRAYS(ARRAY(2, 0, NULL, bounds), NUMBERS));
    c.array[1].length = -1;
    refused(w, create(w, &b, BM_INT4), BM_INVALID, BM_NO_ROW, "value");
    lists(&b, &c, FORMATS("+l", "i"), ARRAYS(ARRAY(2, 0, NULL, bounds), NUMBERS));
    refused(w, create(w, &b, BM_TEXT), BM_INVALID, BM_NO_ROW, "value"); /* of other elements */
    lists(&b, &c, FORMATS("+s", "i"), ARRAYS(ARRAY(2, 0, NULL, bounds), NUMBERS));
    refused(w, create(w, &b, BM_INT4), BM_INVALID, BM_NO_ROW, "value");
    lists(&b, &c, FORMATS("i", NULL), ARRAYS(NUMBERS));
    refused(w, create(w, &b, BM_INT4), BM_INVALID, BM_NO_ROW, "value"); /* no list */
    expect_number(w, 0, "SELECT count(*) FROM %s", made);
}

/* Where the database has no arrays, too: a field that is no array does not take a list. */
static void a_list_is_no_text(world *w)
{
    static const bm_field fields[] = {
        {"value", BM_TEXT, BM_SLICE, 0, sizeof(bm_slice), BM_NO_STATE, 0},
    };
    static const int32_t bounds[] = {0, 2};
    const bm_model model = {sizeof(bm_model), "plain_text", NULL, 0, fields, 1};
    batches b;
    list_column c;
    run(w, "CREATE TABLE plain_text (value text)");
    lists(&b, &c, FORMATS("+l", "i"), ARRAYS(ARRAY(1, 0, NULL, bounds), NUMBERS));
    bm_status status = bm_bulk_create(w->db, bm_arrow(&model, &b.stream), NULL, fresh(w), &w->err);
    refused(w, status, BM_INVALID, BM_NO_ROW, "value");
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, each_layout_of_lists), CASE(ON_POSTGRESQL, each_type_of_elements),
    CASE(ON_POSTGRESQL, lists_of_lists),       CASE(ON_POSTGRESQL, a_dictionary_in_lists),
    CASE(ON_POSTGRESQL, many_lists),           CASE(ON_POSTGRESQL, lists_that_are_refused),
    CASE(ON_SQL, a_list_is_no_text),
};

int main(void)
{
    return conformance_run("arrow_lists", cases, sizeof cases / sizeof cases[0]);
}
