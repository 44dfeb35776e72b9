/* Ranges of integers and floats, from member to column and back. */
#include "check.h"
#include "pg_cell.h"

#include <float.h>
#include <math.h>

static bm__buffer out;

static bm_status encode_int(size_t width, uint32_t oid, int64_t value)
{
    const bm_type type = width == 2 ? BM_INT2 : width == 4 ? BM_INT4 : BM_INT8;
    const int16_t two = (int16_t)value;
    const int32_t four = (int32_t)value;
    const pg_case how = fixed_case(type, width, oid);
    const void *cell = width == 2 ? (const void *)&two : width == 4 ? (const void *)&four : &value;
    bm_error err;
    bm_status status = encode_cell(&how, false, cell, &out, &err);
    if (status == BM_CONVERT) {
        assert_string_equal(err.column, "c");
        assert_int_equal(err.stage, BM_STAGE_CONVERT);
        assert_string_equal(err.message,
                            oid == OID_INT2 ? "out of range for int2" : "out of range for int4");
    }
    return status;
}

static void integer_ranges(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        int64_t least, most;
    } columns[] = {{OID_INT2, -32768, 32767}, {OID_INT4, INT32_MIN, INT32_MAX}};
    for (size_t i = 0; i < 2; i++) {
        for (size_t width = i == 0 ? 4 : 8; width <= 8; width += 4) {
            assert_int_equal(encode_int(width, columns[i].oid, columns[i].least), BM_OK);
            assert_int_equal(encode_int(width, columns[i].oid, columns[i].most), BM_OK);
            assert_int_equal(encode_int(width, columns[i].oid, columns[i].least - 1), BM_CONVERT);
            assert_int_equal(encode_int(width, columns[i].oid, columns[i].most + 1), BM_CONVERT);
        }
    }
    assert_int_equal(encode_int(8, OID_INT2, INT64_MAX), BM_CONVERT);
    assert_int_equal(encode_int(8, OID_INT4, INT64_MIN), BM_CONVERT);
    assert_int_equal(encode_int(8, OID_INT4, INT64_C(1) << 32), BM_CONVERT);
}

static void every_width(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 127, 128, -128, 255, 256, 32767, -32768};
    static const uint32_t oids[] = {OID_INT2, OID_INT4, OID_INT8};
    for (size_t width = 2; width <= 8; width *= 2) {
        for (size_t to = 0; to < 3; to++) {
            for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                const size_t size = (size_t)2 << to;
                assert_int_equal(encode_int(width, oids[to], values[i]), BM_OK);
                assert_int_equal(out.size, size);
                for (size_t byte = 0; byte < size; byte++) {
                    assert_int_equal(out.data[size - 1 - byte],
                                     (uint8_t)((uint64_t)values[i] >> (8 * byte)));
                }
            }
        }
    }
}

static const char *read_int(bm_type type, size_t width, uint32_t oid, const char *bytes,
                            size_t size, int64_t *value)
{
    const pg_case how = fixed_case(type, width, oid);
    int64_t member = 0;
    bm__arena arena = {0};
    const char *fault = decode_cell(&how, bytes, size, &member, &arena);
    int16_t two;
    int32_t four;
    memcpy(&two, &member, sizeof two);
    memcpy(&four, &member, sizeof four);
    *value = width == 2 ? two : width == 4 ? four : member;
    return fault;
}

static void integers_back(void **state)
{
    (void)state;
    int64_t value;
    assert_null(read_int(BM_INT2, 2, OID_INT8, "\xff\xff\xff\xff\xff\xff\x80\0", 8, &value));
    assert_int_equal(value, -32768);
    assert_string_equal(
        read_int(BM_INT2, 2, OID_INT8, "\xff\xff\xff\xff\xff\xff\x7f\xff", 8, &value),
        "out of range for int2");
    assert_string_equal(read_int(BM_INT4, 4, OID_INT8, "\0\0\0\0\x80\0\0\0", 8, &value),
                        "out of range for int4");
    assert_null(read_int(BM_INT8, 8, OID_INT2, "\xff\xfe", 2, &value));
    assert_int_equal(value, -2);
    assert_null(read_int(BM_INT4, 4, OID_INT2, "\x7f\xff", 2, &value));
    assert_int_equal(value, 32767);
    /* sizes that are not the column's */
    assert_non_null(read_int(BM_INT4, 4, OID_INT4, "\0\0\0", 3, &value));
    assert_non_null(read_int(BM_INT4, 4, OID_INT4, "\0\0", 2, &value));
    assert_non_null(read_int(BM_INT4, 4, OID_INT4, "\0\0\0\0\0\0\0\0", 8, &value));
    assert_non_null(read_int(BM_INT8, 8, OID_INT8, "", 0, &value));
}

static bm_status encode_double(double value, uint32_t oid)
{
    const pg_case how = fixed_case(BM_FLOAT8, 8, oid);
    bm_error err;
    return encode_cell(&how, false, &value, &out, &err);
}

static void float_ranges(void **state)
{
    (void)state;
    assert_int_equal(encode_double((double)FLT_MAX, OID_FLOAT4), BM_OK);
    assert_int_equal(encode_double((double)FLT_MAX * 1.0001, OID_FLOAT4), BM_CONVERT);
    assert_int_equal(encode_double(-DBL_MAX, OID_FLOAT4), BM_CONVERT);
    assert_int_equal(encode_double(1e-46, OID_FLOAT4), BM_CONVERT);
    assert_int_equal(encode_double(1.5e-45, OID_FLOAT4), BM_OK); /* the least subnormal */
    assert_int_equal(encode_double(0.1, OID_FLOAT4), BM_OK);     /* rounded, as the server does */
    assert_memory_equal(out.data, "\x3d\xcc\xcc\xcd", 4);
    assert_int_equal(encode_double((double)INFINITY, OID_FLOAT4), BM_OK);
    assert_memory_equal(out.data, "\x7f\x80\0\0", 4);
    assert_int_equal(encode_double((double)NAN, OID_FLOAT4), BM_OK);
    assert_int_equal(encode_double(DBL_MAX, OID_FLOAT8), BM_OK);
    assert_memory_equal(out.data, "\x7f\xef\xff\xff\xff\xff\xff\xff", 8);
}

/* Bits come back as they were, those of a NaN too. */
static void float_bits(void **state)
{
    (void)state;
    static const uint64_t bits[] = {0,
                                    UINT64_C(0x8000000000000000),
                                    1,
                                    UINT64_C(0x7ff0000000000000),
                                    UINT64_C(0xfff0000000000000),
                                    UINT64_C(0x7ff8000000000001),
                                    UINT64_C(0x3fb999999999999a)};
    const pg_case how = fixed_case(BM_FLOAT8, 8, OID_FLOAT8);
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        uint64_t back;
        bm_error err;
        assert_int_equal(encode_cell(&how, false, &bits[i], &out, &err), BM_OK);
        assert_null(decode_cell(&how, out.data, out.size, &back, &arena));
        assert_true(back == bits[i]);
    }
}

static void floats_back(void **state)
{
    (void)state;
    const pg_case narrow = fixed_case(BM_FLOAT4, 4, OID_FLOAT8);
    const pg_case wide = fixed_case(BM_FLOAT8, 8, OID_FLOAT4);
    bm__arena arena = {0};
    float small;
    double large;
    assert_null(decode_cell(&narrow, "\x3f\xf8\0\0\0\0\0\0", 8, &small, &arena));
    assert_memory_equal(&small, &(const float){1.5F}, sizeof small);
    assert_null(decode_cell(&narrow, "\x7f\xf0\0\0\0\0\0\0", 8, &small, &arena));
    assert_true(isinf(small));
    assert_null(decode_cell(&narrow, "\x7f\xf8\0\0\0\0\0\0", 8, &small, &arena));
    assert_true(isnan(small));
    /* 0.1, 1e300 and 1e-300 are no floats: nothing is rounded in silence */
    assert_non_null(decode_cell(&narrow, "\x3f\xb9\x99\x99\x99\x99\x99\x9a", 8, &small, &arena));
    assert_non_null(decode_cell(&narrow, "\x7e\x37\xe4\x3c\x88\x00\x75\x9c", 8, &small, &arena));
    assert_non_null(decode_cell(&narrow, "\x01\xa5\x6e\x1f\xc2\xf8\xf3\x59", 8, &small, &arena));
    assert_null(decode_cell(&wide, "\x3f\xc0\0\0", 4, &large, &arena));
    assert_memory_equal(&large, &(const double){1.5}, sizeof large);
    assert_non_null(decode_cell(&wide, "\x3f\xc0\0", 3, &large, &arena));
    assert_non_null(decode_cell(&wide, "\x3f\xc0\0\0\0\0\0\0", 8, &large, &arena));
}

static void bools_and_uuids(void **state)
{
    (void)state;
    const pg_case flag = fixed_case(BM_BOOL, 1, OID_BOOL);
    const pg_case uuid = fixed_case(BM_UUID, 16, OID_UUID);
    bm__arena arena = {0};
    bool member = false;
    bm_uuid id;
    assert_non_null(decode_cell(&flag, "\x02", 1, &member, &arena));
    assert_non_null(decode_cell(&flag, "", 0, &member, &arena));
    assert_non_null(decode_cell(&flag, "\x01\x01", 2, &member, &arena));
    assert_null(decode_cell(&flag, "\x01", 1, &member, &arena));
    assert_true(member);
    assert_non_null(decode_cell(&uuid, "0123456789abcde", 15, &id, &arena));
    assert_non_null(decode_cell(&uuid, "0123456789abcdef0", 17, &id, &arena));
}

/* Cells need not be aligned: columns of other programs are not. */
static void unaligned(void **state)
{
    (void)state;
    uint8_t memory[16] = {0};
    const int64_t value = 77;
    memcpy(memory + 1, &value, sizeof value);
    const pg_case how = fixed_case(BM_INT8, 8, OID_INT4);
    bm_error err;
    assert_int_equal(encode_cell(&how, false, memory + 1, &out, &err), BM_OK);
    assert_memory_equal(out.data, "\0\0\0\x4d", 4);
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
        cmocka_unit_test(integer_ranges),  cmocka_unit_test(every_width),
        cmocka_unit_test(integers_back),   cmocka_unit_test(float_ranges),
        cmocka_unit_test(float_bits),      cmocka_unit_test(floats_back),
        cmocka_unit_test(bools_and_uuids), cmocka_unit_test(unaligned),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
