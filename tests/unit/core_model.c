/* Models: every fault is refused by name, and fields are found by name and flag. */
#include "model.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

typedef struct row {
    int64_t id;
    bm_uuid batch;
    const char *name;
    double price;
    bm_array tags;
    uint8_t tags_state;
} row;

static const bm_field good_fields[] = {
    BM_FIELD(row, id, BM_INT8, BM_KEY | BM_ASSIGNED),
    BM_FIELD(row, batch, BM_UUID, BM_CREATE_UUID),
    BM_FIELD(row, name, BM_TEXT, BM_KEY),
    BM_FIELD(row, price, BM_FLOAT8, BM_READ_ONLY),
    BM_ARRAY_FIELD(row, tags, BM_INT4, 0, tags_state),
};
enum { ID, BATCH, NAME, PRICE, TAGS, N };

static bm_field fields[N];
static bm_model model;

static int reset(void **state)
{
    (void)state;
    memcpy(fields, good_fields, sizeof fields);
    model = (bm_model){sizeof model, "t", NULL, sizeof(row), fields, N};
    return 0;
}

/* Check the model, mend it again, and return what was said. */
static bm_error refusal(void)
{
    bm_error err = BM_ERROR;
    assert_int_equal(bm__model_check(&model, &err), BM_INVALID);
    assert_int_equal(err.status, BM_INVALID);
    assert_int_equal(err.stage, BM_STAGE_CHECK);
    assert_int_not_equal(err.message[0], '\0');
    reset(NULL);
    assert_int_equal(bm__model_check(&model, &(bm_error)BM_ERROR_INIT), BM_OK);
    return err;
}

static void a_model_that_is_none(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__model_check(&model, &err), BM_OK);
    assert_int_equal(err.status, BM_OK);
    assert_int_equal(bm__model_check(NULL, &err), BM_INVALID);
    model.size = 0;
    refusal();
    model.size--;
    refusal();
    model.n_fields = 0;
    refusal();
    model.fields = NULL;
    refusal();
    model.n_fields = BM__FIELDS_MAX + 1;
    refusal();
}

static void names_that_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {NULL,
                                        "",
                                        "a\nb",
                                        "\x01",
                                        "a\x7F",
                                        "\x1F"
                                        "abc",
                                        "\x80",
                                        "\xC3",
                                        "\xC0\x80",
                                        "\xED\xA0\x80",
                                        "a\tb",
                                        "caf\xE9"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        model.table = names[i];
        refusal();
        fields[NAME].name = names[i];
        refusal();
        if (names[i] != NULL) {
            model.schema = names[i];
            refusal();
        }
    }
    static const char *const legal[] = {"a b", "A\"b", "caf\xC3\xA9", "select", "\xF0\x9F\x98\x80",
                                        "a.b"};
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
        bm_error err = BM_ERROR;
        model.table = model.schema = fields[NAME].name = legal[i];
        assert_int_equal(bm__model_check(&model, &err), BM_OK);
    }
}

static void a_name_twice(void **state)
{
    (void)state;
    fields[PRICE].name = "name";
    bm_error err = refusal();
    assert_string_equal(err.column, "name");
    fields[PRICE].name = "Name"; /* names are as they are */
    assert_int_equal(bm__model_check(&model, &err), BM_OK);
}

static void members_that_cannot_hold_their_type(void **state)
{
    (void)state;
    const struct {
        size_t field;
        bm_type type;
        bm_layout layout;
        size_t width;
    } wrong[] = {
        {ID, (bm_type)0, BM_FIXED, 8},
        {ID, (bm_type)20, BM_FIXED, 8},
        {ID, (bm_type)-1, BM_FIXED, 8},
        {ID, BM_INT4, BM_FIXED, 8},
        {ID, BM_INT8, BM_FIXED, 4},
        {ID, BM_INT8, (bm_layout)0, 8},
        {ID, BM_INT8, (bm_layout)6, 8},
        {ID, BM_INT8, BM_CSTR, sizeof(char *)},
        {ID, BM_INT8, BM_SLICE, sizeof(bm_slice)},
        {NAME, BM_TEXT, BM_FIXED, 8},
        {NAME, BM_TEXT, BM_CSTR, 4},
        {NAME, BM_BYTEA, BM_CSTR, sizeof(char *)},
        {NAME, BM_BYTEA, BM_CHARS, 8},
        {NAME, BM_TEXT, BM_CHARS, 0},
        {NAME, BM_TEXT, BM_SLICE, 8},
        {TAGS, BM_INT4, BM_ARRAY, 8},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bm_field *field = &fields[wrong[i].field];
        const char *name = field->name;
        field->type = wrong[i].type;
        field->layout = wrong[i].layout;
        field->width = wrong[i].width;
        bm_error err = refusal();
        assert_string_equal(err.column, name);
    }
}

static void members_outside_the_row(void **state)
{
    (void)state;
    fields[ID].offset = sizeof(row) - 7;
    assert_string_equal(refusal().column, "id");
    fields[ID].offset = sizeof(row) + 1;
    refusal();
    fields[ID].offset = SIZE_MAX - 3; /* offset + width overflows */
    refusal();
    fields[TAGS].state_offset = sizeof(row);
    assert_string_equal(refusal().column, "tags");
    fields[ID].offset = sizeof(row) - 8;
    bm_error err = BM_ERROR;
    assert_int_equal(bm__model_check(&model, &err), BM_OK);
    model.row_size = 0; /* rows stand in columns only: no row to be inside of */
    fields[ID].offset = 999;
    assert_int_equal(bm__model_check(&model, &err), BM_OK);
}

static void a_create_uuid_is_a_uuid(void **state)
{
    (void)state;
    fields[NAME].flags |= BM_CREATE_UUID;
    assert_string_equal(refusal().column, "name");
    fields[TAGS].flags |= BM_CREATE_UUID;
    fields[TAGS].type = BM_UUID; /* an array of them is none */
    assert_string_equal(refusal().column, "tags");
}

static void fields_by_name_and_flag(void **state)
{
    (void)state;
    bm__arena arena = {0};
    bm_error err = BM_ERROR;
    bm__fields out;
    assert_int_equal(bm__model_find(&model, "price"), PRICE);
    assert_int_equal(bm__model_find(&model, "Price"), SIZE_MAX);
    assert_int_equal(bm__model_keys(&model, &arena, &out, &err), BM_OK);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.at[0], ID);
    assert_int_equal(out.at[1], NAME);
    assert_int_equal(bm__model_without(&model, BM_KEY | BM_READ_ONLY, &arena, &out, &err), BM_OK);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.at[0], BATCH);
    assert_int_equal(out.at[1], TAGS);
    assert_true(bm__fields_has(&out, TAGS));
    assert_false(bm__fields_has(&out, ID));
    assert_int_equal(bm__model_named(&model, BM_NAMES("tags", "id"), &arena, &out, &err), BM_OK);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.at[0], TAGS); /* as mentioned */
    assert_int_equal(out.at[1], ID);
    assert_int_equal(bm__model_named(&model, (const char *const[]){NULL}, &arena, &out, &err),
                     BM_OK);
    assert_int_equal(out.n, 0);
    assert_false(bm__fields_has(&out, 0));
    assert_int_equal(bm__model_named(&model, BM_NAMES("id", "nope"), &arena, &out, &err),
                     BM_INVALID);
    assert_string_equal(err.column, "nope");
    err = BM_ERROR;
    assert_int_equal(bm__model_named(&model, BM_NAMES("id", "name", "id"), &arena, &out, &err),
                     BM_INVALID);
    assert_string_equal(err.column, "id");
    bm__arena_free(&arena);
}

static void a_key_has_a_limit(void **state)
{
    (void)state;
    static char names[BM__KEYS_MAX + 1][8];
    static bm_field many[BM__KEYS_MAX + 1];
    for (size_t i = 0; i <= BM__KEYS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "k%zu", i);
        many[i] = (bm_field){names[i], BM_INT8, BM_FIXED, 0, 8, BM_NO_STATE, BM_KEY};
    }
    model.fields = many;
    model.n_fields = BM__KEYS_MAX;
    bm__arena arena = {0};
    bm_error err = BM_ERROR;
    bm__fields out;
    assert_int_equal(bm__model_keys(&model, &arena, &out, &err), BM_OK);
    assert_int_equal(out.n, BM__KEYS_MAX);
    model.n_fields++;
    assert_int_equal(bm__model_keys(&model, &arena, &out, &err), BM_INVALID);
    bm__arena_free(&arena);
}

#define TEST(function_) cmocka_unit_test_setup(function_, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_model_that_is_none),
        TEST(names_that_are_none),
        TEST(a_name_twice),
        TEST(members_that_cannot_hold_their_type),
        TEST(members_outside_the_row),
        TEST(a_create_uuid_is_a_uuid),
        TEST(fields_by_name_and_flag),
        TEST(a_key_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
