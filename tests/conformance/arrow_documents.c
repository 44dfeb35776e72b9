/* Structs, maps and lists of Arrow become JSON (issue 13, 6). */
#include "batches.h"

#include <math.h>

static const bm_field fields[] = {
    {"id", BM_INT8, BM_FIXED, 0, 8, BM_NO_STATE, BM_KEY | BM_ASSIGNED},
    {"value", BM_JSONB, BM_SLICE, 0, sizeof(bm_slice), BM_NO_STATE, 0},
};
static const bm_model model = {sizeof(bm_model), "document", NULL, 0, fields, 2};

static void make(world *w)
{
    run(w, "CREATE TABLE document (id %s, value %s)", w->on->made_key,
        w->on->bit == ON_POSTGRESQL ? "jsonb" : "text");
}

static bm_status create(world *w, batches *b)
{
    return bm_bulk_create(w->db, bm_arrow(&model, &b->stream), NULL, fresh(w), &w->err);
}

/* As the server's jsonb prints it; SQLite keeps the text, in the same form. */
static void expect_documents(world *w, const char *rows)
{
    expect(w, rows, "SELECT value FROM document ORDER BY id");
}

static const int32_t numbers[] = {99, 1, -2, 3};
static const uint8_t third_is_null[] = {0xF7}; /* bit 3 */
static const int32_t ends[] = {0, 1, 3, 3, 8};
static const char letters[] = "x\"\\a\nb\xC3\xA9";

#define NUMBERS ARRAY(3, 1, third_is_null, numbers)
#define TEXTS ARRAY(3, 1, NULL, ends, letters)
#define CHILDREN(...)                                                                              \
    .n_children = sizeof((void *[]){__VA_ARGS__}) / sizeof(void *), .children = (void *)(void *[]) \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void structs(world *w)
{
    static const uint8_t second_is_null[] = {0xFD};
    const int32_t bounds[] = {0, 2, 2, 3};
    struct ArrowSchema number = {.format = "i", .name = "n"};
    struct ArrowSchema text = {.format = "u", .name = "t\""};
    struct ArrowSchema list = {.format = "+l", .name = "l", CHILDREN(&number)};
    struct ArrowArray lists = *ARRAY(3, 0, NULL, bounds);
    struct ArrowArray *in_lists[] = {NUMBERS};
    struct ArrowArray *in[] = {&lists, NUMBERS, TEXTS};
    struct ArrowArray all = *ARRAY(3, 0, second_is_null);
    batches b;
    lists.n_children = 1;
    lists.children = in_lists;
    all.n_children = 3;
    all.children = in;
    make(w);
    begin(&b);
    column(&b, "value", "+s");
    b.columns[0] =
        (struct ArrowSchema){.format = "+s", .name = "value", CHILDREN(&list, &number, &text)};
    batch(&b, 3, 0, ARRAYS(&all));
    ok(w, create(w, &b));
    assert_int_equal(b.released, 3);
    expect_documents(w, "{\"l\": [1, -2], \"n\": 1, \"t\\\"\": \"\\\"\\\\\"}\nNULL\n"
                        "{\"l\": [null], \"n\": null, \"t\\\"\": \"a\\nb\xC3\xA9\"}\n");
}

static void maps(world *w)
{
    const int32_t bounds[] = {0, 2, 2, 3}, once[] = {0, 1, 2, 3}, twice[] = {0, 1, 1, 3};
    struct ArrowSchema number = {.format = "i", .name = "value"};
    struct ArrowSchema text = {.format = "u", .name = "key"};
    struct ArrowSchema entry = {.format = "+s", .name = "entries", CHILDREN(&text, &number)};
    for (int i = 0; i < 2; i++) {
        struct ArrowArray *pairs[] = {ARRAY(3, 0, NULL, i == 0 ? once : twice, i == 0 ? "abc" : ""),
                                      NUMBERS};
        struct ArrowArray entries = *ARRAY(3, 0, NULL);
        struct ArrowArray *in[] = {&entries};
        struct ArrowArray all = *ARRAY(3, 0, NULL, bounds);
        batches b;
        entries.n_children = 2;
        entries.children = pairs;
        all.n_children = 1;
        all.children = in;
        pairs[0]->buffers[2] = "abc";
        if (i == 0) {
            make(w);
        } else {
            pairs[0]->buffers[1] = ((const int32_t[]){0, 0, 0, 1});
        }
        begin(&b);
        column(&b, "value", "+m");
        b.columns[0] = (struct ArrowSchema){.format = "+m", .name = "value", CHILDREN(&entry)};
        batch(&b, 3, 0, ARRAYS(&all));
        if (i == 0) {
            ok(w, create(w, &b));
        } else {
            refused(w, create(w, &b), BM_CONVERT, 0, "value"); /* "" is a key twice */
        }
    }
    expect_documents(w, "{\"a\": 1, \"b\": -2}\n{}\n{\"c\": null}\n");
}

static void what_json_does_not_have(world *w)
{
    static const double reals[] = {0.1, -1e300, (double)INFINITY};
    const int32_t bounds[] = {0, 2, 3};
    struct ArrowSchema real = {.format = "g", .name = "n"};
    struct ArrowSchema bytes = {.format = "z", .name = "n"};
    struct ArrowArray *in[] = {ARRAY(3, 0, NULL, reals)};
    struct ArrowArray all = *ARRAY(2, 0, NULL, bounds);
    batches b;
    all.n_children = 1;
    all.children = in;
    make(w);
    begin(&b);
    column(&b, "value", "+l");
    b.columns[0] = (struct ArrowSchema){.format = "+l", .name = "value", CHILDREN(&real)};
    batch(&b, 2, 0, ARRAYS(&all));
    refused(w, create(w, &b), BM_CONVERT, 1, "value");
    all.length = 1;
    begin(&b);
    column(&b, "value", "+l");
    b.columns[0] = (struct ArrowSchema){.format = "+l", .name = "value", CHILDREN(&real)};
    batch(&b, 1, 0, ARRAYS(&all));
    ok(w, create(w, &b));
    begin(&b);
    column(&b, "value", "+s");
    b.columns[0] = (struct ArrowSchema){.format = "+s", .name = "value", CHILDREN(&bytes)};
    refused(w, create(w, &b), BM_INVALID, BM_NO_ROW, "value");
    begin(&b);
    column(&b, "value", "+s");
    b.columns[0] = (struct ArrowSchema){.format = "+s", .name = "value", CHILDREN(&real, &real)};
    refused(w, create(w, &b), BM_INVALID, BM_NO_ROW, "value"); /* a name twice */
    expect_number(w, 1, "SELECT count(*) FROM document");
}

static const conformance_case cases[] = {
    CASE(ON_SQL, structs),
    CASE(ON_SQL, maps),
    CASE(ON_SQL, what_json_does_not_have),
};

int main(void)
{
    return conformance_run("arrow_documents", cases, sizeof cases / sizeof cases[0]);
}
