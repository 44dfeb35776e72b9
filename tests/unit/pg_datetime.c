/* Dates and times at the server's limits and at ours. */
#include "check.h"
#include "pg_cell.h"

static bm__buffer out;

static bm_status encode_date(int32_t days)
{
    const pg_case how = fixed_case(BM_DATE, 4, OID_DATE);
    bm_error err;
    return encode_cell(&how, false, &days, &out, &err);
}

static bm_status encode_usecs(bm_type type, uint32_t oid, int64_t usecs)
{
    const pg_case how = fixed_case(type, 8, oid);
    bm_error err;
    return encode_cell(&how, false, &usecs, &out, &err);
}

/* 4714-11-24 BC is Julian day 0, 2000-01-01 is 2451545, 1970-01-01 is 2440588; 5874897-12-31 is
 * Julian day 2147483493. */
static void date_limits(void **state)
{
    (void)state;
    assert_int_equal(encode_date(-2440588), BM_OK);
    assert_memory_equal(out.data, "\xff\xda\x97\xa7", 4); /* -2451545 */
    assert_int_equal(encode_date(-2440589), BM_CONVERT);
    assert_int_equal(encode_date(2147483493 - 2440588), BM_OK);
    assert_memory_equal(out.data, "\x7f\xda\x97\x0c", 4); /* 2147483493 - 2451545 */
    assert_int_equal(encode_date(2147483493 - 2440588 + 1), BM_CONVERT);
    assert_int_equal(encode_date(INT32_MIN + 1), BM_CONVERT);
    assert_int_equal(encode_date(INT32_MAX - 1), BM_CONVERT);
}

static void time_limits(void **state)
{
    (void)state;
    assert_int_equal(encode_usecs(BM_TIME, OID_TIME, 0), BM_OK);
    assert_int_equal(encode_usecs(BM_TIME, OID_TIME, INT64_C(86400000000)), BM_OK);
    assert_int_equal(encode_usecs(BM_TIME, OID_TIME, INT64_C(86400000001)), BM_CONVERT);
    assert_int_equal(encode_usecs(BM_TIME, OID_TIME, -1), BM_CONVERT);
}

#define FIRST_USECS (INT64_C(-2440588) * INT64_C(86400000000))

static void timestamp_limits(void **state)
{
    (void)state;
    static const struct {
        bm_type type;
        uint32_t oid;
    } kinds[] = {{BM_TIMESTAMP, OID_TIMESTAMP}, {BM_TIMESTAMPTZ, OID_TIMESTAMPTZ}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(encode_usecs(kinds[i].type, kinds[i].oid, FIRST_USECS), BM_OK);
        assert_int_equal(encode_usecs(kinds[i].type, kinds[i].oid, FIRST_USECS - 1), BM_CONVERT);
        assert_int_equal(encode_usecs(kinds[i].type, kinds[i].oid, INT64_MIN + 1), BM_CONVERT);
        /* 294247-01-10, which the server has too */
        assert_int_equal(encode_usecs(kinds[i].type, kinds[i].oid, INT64_MAX - 1), BM_OK);
        assert_memory_equal(out.data, "\x7f\xfc\xa2\xfe\xc4\xc8\x1f\xfe", 8);
    }
}

static const char *read_back(bm_type type, size_t width, uint32_t oid, const char *bytes,
                             size_t size, int64_t *value)
{
    const pg_case how = fixed_case(type, width, oid);
    bm__arena arena = {0};
    int32_t days = 0;
    const char *fault = decode_cell(&how, bytes, size, width == 4 ? (void *)&days : value, &arena);
    if (width == 4) {
        *value = days;
    }
    return fault;
}

/* DATEVAL_NOBEGIN, DATEVAL_NOEND, DT_NOBEGIN, DT_NOEND: src/include/utils/date.h, timestamp.h */
static void infinity(void **state)
{
    (void)state;
    int64_t value;
    assert_null(read_back(BM_DATE, 4, OID_DATE, "\x7f\xff\xff\xff", 4, &value));
    assert_int_equal(value, INT32_MAX);
    assert_null(read_back(BM_DATE, 4, OID_DATE, "\x80\0\0\0", 4, &value));
    assert_int_equal(value, INT32_MIN);
    assert_null(
        read_back(BM_TIMESTAMP, 8, OID_TIMESTAMP, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, &value));
    assert_true(value == INT64_MAX);
    assert_null(read_back(BM_TIMESTAMPTZ, 8, OID_TIMESTAMPTZ, "\x80\0\0\0\0\0\0\0", 8, &value));
    assert_true(value == INT64_MIN);
    assert_int_equal(encode_usecs(BM_TIMESTAMP, OID_TIMESTAMP, INT64_MAX), BM_OK);
    assert_memory_equal(out.data, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(encode_usecs(BM_TIMESTAMPTZ, OID_TIMESTAMPTZ, INT64_MIN), BM_OK);
    assert_memory_equal(out.data, "\x80\0\0\0\0\0\0\0", 8);
}

static void back(void **state)
{
    (void)state;
    int64_t value;
    assert_null(read_back(BM_DATE, 4, OID_DATE, "\xff\xda\x97\xa7", 4, &value));
    assert_int_equal(value, -2440588);
    assert_non_null(read_back(BM_DATE, 4, OID_DATE, "\xff\xda\x97\xa6", 4, &value));
    assert_null(read_back(BM_DATE, 4, OID_DATE, "\x7f\xda\x97\x0c", 4, &value));
    assert_int_equal(value, 2147483493 - 2440588);
    assert_non_null(read_back(BM_DATE, 4, OID_DATE, "\x7f\xda\x97\x0d", 4, &value));
    assert_non_null(read_back(BM_DATE, 4, OID_DATE, "\0\0\0", 3, &value));
    assert_null(
        read_back(BM_TIMESTAMP, 8, OID_TIMESTAMP, "\x7f\xfc\xa2\xfe\xc4\xc8\x1f\xfe", 8, &value));
    assert_true(value == INT64_MAX - 1);
    /* later than any int64 since 1970, though a timestamp of the server */
    assert_non_null(
        read_back(BM_TIMESTAMP, 8, OID_TIMESTAMP, "\x7f\xfc\xa2\xfe\xc4\xc8\x1f\xff", 8, &value));
    /* -211813488000000000, the server's first, and one before it */
    assert_null(
        read_back(BM_TIMESTAMP, 8, OID_TIMESTAMP, "\xfd\x0f\x7c\xc1\x41\x1f\xa0\0", 8, &value));
    assert_true(value == FIRST_USECS);
    assert_non_null(
        read_back(BM_TIMESTAMP, 8, OID_TIMESTAMP, "\xfd\x0f\x7c\xc1\x41\x1f\x9f\xff", 8, &value));
    assert_non_null(read_back(BM_TIME, 8, OID_TIME, "\0\0\0\x14\x1d\xd7\x60\x01", 8, &value));
    assert_non_null(read_back(BM_TIME, 8, OID_TIME, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, &value));
    assert_non_null(read_back(BM_TIME, 8, OID_TIME, "\0\0\0\0", 4, &value));
}

static int free_out(void **state)
{
    (void)state;
    bm__buffer_free(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date_limits),
        cmocka_unit_test(time_limits),
        cmocka_unit_test(timestamp_limits),
        cmocka_unit_test(infinity),
        cmocka_unit_test(back),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
