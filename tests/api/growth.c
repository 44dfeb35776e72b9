/* Options structs grow: an older caller's is shorter, a newer caller's is longer, and a setting
 * that this library does not know is refused, never ignored. */
#include "check.h"

#include <bulkmodel.h>

#include <stdlib.h>
#include <string.h>

typedef struct foo {
    int64_t id;
    int32_t value;
} foo;

static const bm_model foo_model =
    BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY), BM_FIELD(foo, value, BM_INT4, 0));

static bm_db *open_memory(void)
{
    bm_db *db;
    assert_int_equal(bm_open("memory:", NULL, &db, NULL), BM_OK);
    return db;
}

/* Call a verb with `size` bytes of options. */
typedef bm_status (*call)(bm_db *db, const void *options, bm_error *err);

static foo one_row[1] = {{.id = 1, .value = 2}};

static bm_status create(bm_db *db, const void *options, bm_error *err)
{
    return bm_bulk_create(db, bm_structs(&foo_model, one_row, 1), options, NULL, err);
}

static bm_status update(bm_db *db, const void *options, bm_error *err)
{
    return bm_update(db, bm_structs(&foo_model, one_row, 1), options, NULL, err);
}

static bm_status erase(bm_db *db, const void *options, bm_error *err)
{
    return bm_delete(db, bm_structs(&foo_model, one_row, 1), options, NULL, err);
}

/* Of a queryset, so that no field needs a name. */
static bm_status update_fields(bm_db *db, const void *options, bm_error *err)
{
    bm_result made = BM_RESULT;
    assert_int_equal(bm_bulk_create(db, bm_structs(&foo_model, one_row, 1),
                                    BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON),
                                    &made, NULL),
                     BM_OK);
    ((foo *)bm_queryset_at(made.queryset, 0))->value = 3;
    bm_status status = bm_update_fields(db, bm_queryset_rows(made.queryset), options, NULL, err);
    bm_result_clear(&made);
    return status;
}

static bm_status copy(bm_db *db, const void *options, bm_error *err)
{
    bm_result result = BM_RESULT;
    bm_status status = bm_copy_to(db, bm_all(&foo_model), options, &result, err);
    bm_result_clear(&result);
    return status;
}

/* Of a table on SQLite: "memory:" has none to maintain. */
static bm_status maintain(bm_db *db, const void *options, bm_error *err)
{
    bm_db *lite;
    (void)db;
    assert_int_equal(bm_open("sqlite::memory:", NULL, &lite, NULL), BM_OK);
    assert_int_equal(bm_execute(lite, "CREATE TABLE foo (id integer, value integer)", NULL), BM_OK);
    bm_status status = bm_maintain(lite, &foo_model, options, NULL, err);
    bm_close(lite);
    return status;
}

static bm_status reopen(bm_db *db, const void *options, bm_error *err)
{
    bm_db *other;
    (void)db;
    bm_status status = bm_open("memory:", options, &other, err);
    bm_close(other);
    return status;
}

static bm_status script(bm_db *db, const void *options, bm_error *err)
{
    bm_status status = bm_memory_script(db, options, err);
    (void)bm_execute(db, "SELECT", NULL); /* uses the answer up */
    return status;
}

static bm_status with_call(bm_db *db, const void *options, bm_error *err)
{
    return bm_delete(db, bm_structs(&foo_model, one_row, 1),
                     BM_OPTIONS(bm_delete_options, .call = options), NULL, err);
}

static const struct {
    const char *name;
    size_t size;
    call call;
} structs[] = {
    {"bm_bulk_create_options", sizeof(bm_bulk_create_options), create},
    {"bm_update_fields_options", sizeof(bm_update_fields_options), update_fields},
    {"bm_update_options", sizeof(bm_update_options), update},
    {"bm_delete_options", sizeof(bm_delete_options), erase},
    {"bm_copy_to_options", sizeof(bm_copy_to_options), copy},
    {"bm_maintain_options", sizeof(bm_maintain_options), maintain},
    {"bm_open_options", sizeof(bm_open_options), reopen},
    {"bm_call", sizeof(bm_call), with_call},
};

static void test_longer_structs(void **state)
{
    (void)state;
    bm_db *db = open_memory();
    for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
        size_t size = structs[i].size + 24;
        char *options = calloc(1, size);
        memcpy(options, &size, sizeof size);
        assert_int_equal(structs[i].call(db, options, NULL), BM_OK);
        for (size_t k = structs[i].size; k < size; k++) {
            bm_error err = BM_ERROR;
            options[k] = 1;
            assert_int_equal(structs[i].call(db, options, &err), BM_UNSUPPORTED);
            assert_int_equal(err.fate, BM_FATE_NOT_STARTED);
            options[k] = 0;
        }
        free(options);
    }
    bm_close(db);
}

static void test_shorter_structs(void **state)
{
    (void)state;
    bm_db *db = open_memory();
    for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
        for (size_t size = sizeof size; size <= structs[i].size; size += sizeof size) {
            char *options = calloc(1, size); /* exactly so long: a read behind it is found */
            memcpy(options, &size, sizeof size);
            assert_int_equal(structs[i].call(db, options, NULL), BM_OK);
            free(options);
        }
    }
    bm_close(db);
}

static void test_size_not_set(void **state)
{
    (void)state;
    bm_db *db = open_memory();
    for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
        char *options = calloc(1, structs[i].size);
        assert_int_equal(structs[i].call(db, options, NULL), BM_INVALID);
        free(options);
    }
    bm_memory_answer answer = {.rows = -1};
    assert_int_equal(script(db, &answer, NULL), BM_INVALID);
    bm_close(db);
}

static void test_switches_have_three_values(void **state)
{
    (void)state;
    bm_db *db = open_memory();
    bm_error err = BM_ERROR;
    bm_bulk_create_options options = {.size = sizeof options, .return_queryset = (bm_switch)7};
    assert_int_equal(create(db, &options, &err), BM_INVALID);
    assert_non_null(strstr(err.message, "return_queryset"));
    bm_close(db);
}

/* A result and an error of a caller's own size are never written beyond it. */
static void test_results_and_errors_of_other_sizes(void **state)
{
    (void)state;
    bm_db *db = open_memory();
    struct {
        bm_result result;
        char guard[16];
    } r = {.result = BM_RESULT_INIT};
    memset(r.guard, 'x', sizeof r.guard);
    r.result.size += sizeof r.guard;
    assert_int_equal(bm_bulk_create(db, bm_structs(&foo_model, one_row, 1), NULL, &r.result, NULL),
                     BM_OK);
    assert_int_equal(r.result.inserted, 1);
    assert_int_equal(r.result.size, sizeof r.result + sizeof r.guard);
    assert_memory_equal(r.guard, "xxxxxxxxxxxxxxxx", sizeof r.guard);

    struct {
        bm_error err;
        char guard[16];
    } e = {.err = BM_ERROR_INIT};
    memset(e.guard, 'x', sizeof e.guard);
    e.err.size += sizeof e.guard;
    assert_int_equal(bm_execute(NULL, "x", &e.err), BM_INVALID);
    assert_int_equal(e.err.status, BM_INVALID);
    assert_int_equal(e.err.size, sizeof e.err + sizeof e.guard);
    assert_memory_equal(e.guard, "xxxxxxxxxxxxxxxx", sizeof e.guard);
    bm_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longer_structs),
        cmocka_unit_test(test_shorter_structs),
        cmocka_unit_test(test_size_not_set),
        cmocka_unit_test(test_switches_have_three_values),
        cmocka_unit_test(test_results_and_errors_of_other_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
