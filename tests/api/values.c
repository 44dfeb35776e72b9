/* bm_value_parse and bm_value_print as a program calls them. */
#include "check.h"

#include <bulkmodel.h>

#include <string.h>

static bm_slice slice(const char *text)
{
    return (bm_slice){text, strlen(text)};
}

static void a_value_is_parsed_and_printed(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    int32_t days = 0;
    char out[16];
    size_t size = 0;
    assert_int_equal(bm_value_parse(BM_DATE, slice("2024-02-29"), NULL, &days, &err), BM_OK);
    assert_int_equal(days, 19782);
    assert_int_equal(bm_value_print(BM_DATE, &days, out, sizeof out, &size, &err), BM_OK);
    assert_string_equal(out, "2024-02-29");
    assert_int_equal(size, 10);
}

static void a_fault_is_said_after_a_subject(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    int32_t days = 77;
    assert_int_equal(bm_value_parse(BM_DATE, slice("2023-02-29"), NULL, &days, &err), BM_CONVERT);
    assert_string_equal(err.message, "is not a valid date: there is no such day");
    assert_int_equal(err.stage, BM_STAGE_CONVERT);
    assert_int_equal(days, 77);
    assert_int_equal(bm_value_parse(BM_DATE, slice("2023-02-29"), NULL, &days, NULL), BM_CONVERT);
}

static void bytes_are_written_to_the_room(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    char room[8];
    bm_slice bytes = {0};
    assert_int_equal(bm_value_parse(BM_BYTEA, slice("\\x00ff"), room, &bytes, &err), BM_OK);
    assert_ptr_equal(bytes.data, room);
    assert_int_equal(bytes.size, 2);
    assert_int_equal(bm_value_parse(BM_BYTEA, slice("\\x00ff"), NULL, &bytes, &err), BM_INVALID);
    bm_slice empty = {0};
    assert_int_equal(bm_value_parse(BM_TEXT, (bm_slice){NULL, 0}, NULL, &empty, &err), BM_OK);
    assert_int_equal(empty.size, 0);
    assert_int_equal(bm_value_parse(BM_TEXT, (bm_slice){NULL, 1}, NULL, &empty, &err), BM_INVALID);
}

static void a_text_that_is_too_long_is_counted(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    const bm_slice text = {"abcdef", 6};
    char out[4] = "???";
    size_t size = 0;
    assert_int_equal(bm_value_print(BM_TEXT, &text, out, sizeof out, &size, &err), BM_LIMIT);
    assert_string_equal(out, "abc");
    assert_int_equal(size, 6);
    assert_int_equal(bm_value_print(BM_TEXT, &text, NULL, 0, &size, &err), BM_LIMIT);
    assert_int_equal(size, 6);
    char room[7];
    assert_int_equal(bm_value_print(BM_TEXT, &text, room, sizeof room, NULL, &err), BM_OK);
    assert_string_equal(room, "abcdef");
    assert_int_equal(err.status, BM_LIMIT); /* of the last failure: success writes nothing */
}

static void what_is_no_value_is_refused(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    char out[64];
    int64_t day = INT64_C(86400000001);
    assert_int_equal(bm_value_print(BM_TIME, &day, out, sizeof out, NULL, &err), BM_CONVERT);
    assert_int_equal(bm_value_print((bm_type)0, &day, out, sizeof out, NULL, &err), BM_INVALID);
    assert_int_equal(bm_value_print(BM_TIME, NULL, out, sizeof out, NULL, &err), BM_INVALID);
    assert_int_equal(bm_value_print(BM_TIME, &day, NULL, 4, NULL, &err), BM_INVALID);
    assert_int_equal(bm_value_parse((bm_type)99, slice("1"), NULL, &day, &err), BM_INVALID);
    assert_int_equal(bm_value_parse(BM_INT8, slice("1"), NULL, NULL, &err), BM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_parsed_and_printed),
        cmocka_unit_test(a_fault_is_said_after_a_subject),
        cmocka_unit_test(bytes_are_written_to_the_room),
        cmocka_unit_test(a_text_that_is_too_long_is_counted),
        cmocka_unit_test(what_is_no_value_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
