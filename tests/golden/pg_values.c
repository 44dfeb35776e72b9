/*
 * PostgreSQL's bytes of every type, by hand: each row says where its bytes come from.  Encoding
 * must give them and decoding must give the value back.
 */
#include "check.h"
#include "pg_cell.h"

typedef struct golden {
    const char *what;
    pg_case how;
    const void *cell;
    const char *bytes;
    size_t size;
} golden;

#define FIXED(type_, value_type_, oid_, value_, bytes_)                                            \
    {                                                                                              \
#type_ " " #value_, {BM_##type_, BM_FIXED, sizeof(value_type_), {oid_, 0, -1, 'b', 0 } },  \
                             &(const value_type_){value_ }, bytes_, sizeof(bytes_) - 1             \
    }
#define STRING(type_, oid_, value_, bytes_)                                                        \
    {                                                                                              \
#type_ " " value_, {BM_##type_, BM_CSTR, sizeof(char *), {oid_, 0, -1, 'b', 0 } },         \
                            &(const char *const){value_ }, bytes_, sizeof(bytes_) - 1              \
    }

static const bm_uuid uuid = {{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42,
                              0x66, 0x14, 0x17, 0x40, 0x00}};
static const bm_slice three_bytes = {"\x00\xff\x01", 3};

static const golden goldens[] = {
    /* boolsend: one byte, 0 or 1 */
    FIXED(BOOL, bool, OID_BOOL, true, "\x01"),
    FIXED(BOOL, bool, OID_BOOL, false, "\x00"),
    /* int2send, int4send, int8send: two's complement, network order */
    FIXED(INT2, int16_t, OID_INT2, -2, "\xff\xfe"),
    FIXED(INT2, int16_t, OID_INT4, -2, "\xff\xff\xff\xfe"),
    FIXED(INT2, int16_t, OID_INT8, 258, "\0\0\0\0\0\0\x01\x02"),
    FIXED(INT4, int32_t, OID_INT2, -32768, "\x80\x00"),
    FIXED(INT4, int32_t, OID_INT4, 0x01020304, "\x01\x02\x03\x04"),
    FIXED(INT4, int32_t, OID_INT8, -1, "\xff\xff\xff\xff\xff\xff\xff\xff"),
    FIXED(INT8, int64_t, OID_INT2, 32767, "\x7f\xff"),
    FIXED(INT8, int64_t, OID_INT4, 2147483647, "\x7f\xff\xff\xff"),
    FIXED(INT8, int64_t, OID_INT8, INT64_MIN, "\x80\0\0\0\0\0\0\0"),
    /* float4send, float8send: the IEEE 754 bits; 1.5 is 3FC00000, 3FF8 << 48; -0 the sign alone */
    FIXED(FLOAT4, float, OID_FLOAT4, 1.5F, "\x3f\xc0\0\0"),
    FIXED(FLOAT4, float, OID_FLOAT8, 1.5F, "\x3f\xf8\0\0\0\0\0\0"),
    FIXED(FLOAT8, double, OID_FLOAT8, 1.5, "\x3f\xf8\0\0\0\0\0\0"),
    FIXED(FLOAT8, double, OID_FLOAT4, -0.0, "\x80\0\0\0"),
    /* uuid_send: the 16 bytes as written */
    {"UUID",
     {BM_UUID, BM_FIXED, 16, {OID_UUID, 0, -1, 'b', 0}},
     &uuid,
     "\x12\x3e\x45\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\x00",
     16},
    /* date_send: days since 2000-01-01; 10957 days after 1970-01-01, so 0 is -10957 = FFFFD533 */
    FIXED(DATE, int32_t, OID_DATE, 0, "\xff\xff\xd5\x33"),
    FIXED(DATE, int32_t, OID_DATE, 10957, "\0\0\0\0"),
    FIXED(DATE, int32_t, OID_DATE, 10958, "\0\0\0\x01"),
    /* time_send: microseconds since midnight; 24:00 is 86400000000 = 0x141DD76000 */
    FIXED(TIME, int64_t, OID_TIME, INT64_C(86400000000), "\0\0\0\x14\x1d\xd7\x60\x00"),
    FIXED(TIME, int64_t, OID_TIME, 1, "\0\0\0\0\0\0\0\x01"),
    /* timestamp_send: microseconds since 2000-01-01; 946684800000000 = 0x35D013B37E000 later than
     * 1970, so 0 is its negative, FFFCA2FEC4C82000 */
    FIXED(TIMESTAMP, int64_t, OID_TIMESTAMP, 0, "\xff\xfc\xa2\xfe\xc4\xc8\x20\x00"),
    FIXED(TIMESTAMPTZ, int64_t, OID_TIMESTAMPTZ, INT64_C(946684800000001), "\0\0\0\0\0\0\0\x01"),
    /* interval_send (manual, 8.5.4: months, days, microseconds): int8 microseconds, int4 days, int4
     * months; 04:05:06 is 14706 s, 14706000000 us = 0x36C8BC080; 14 months; -3 days */
    {"INTERVAL 1 year 2 mons -3 days +04:05:06",
     {BM_INTERVAL, BM_FIXED, sizeof(bm_interval), {OID_INTERVAL, 0, -1, 'b', 0}},
     &(const bm_interval){INT64_C(14706000000), -3, 14},
     "\0\0\0\x03\x6c\x8b\xc0\x80\xff\xff\xff\xfd\0\0\0\x0e",
     16},
    {"INTERVAL -1 us",
     {BM_INTERVAL, BM_FIXED, sizeof(bm_interval), {OID_INTERVAL, 0, -1, 'b', 0}},
     &(const bm_interval){-1, 0, 0},
     "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
     16},
    /* network_send: family 2 or 3, bits, is it a cidr, size, address */
    {"INET 10.0.0.1/8",
     {BM_INET, BM_FIXED, sizeof(bm_inet), {OID_INET, 0, -1, 'b', 0}},
     &(const bm_inet){4, 8, {10, 0, 0, 1}},
     "\x02\x08\0\x04\x0a\0\0\x01",
     8},
    {"INET ::1",
     {BM_INET, BM_FIXED, sizeof(bm_inet), {OID_INET, 0, -1, 'b', 0}},
     &(const bm_inet){6, 128, {[15] = 1}},
     "\x03\x80\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01",
     20},
    {"INET 10.0.0.0/8 to cidr",
     {BM_INET, BM_FIXED, sizeof(bm_inet), {650, 0, -1, 'b', 0}},
     &(const bm_inet){4, 8, {10}},
     "\x02\x08\x01\x04\x0a\0\0\0",
     8},
    /* textsend and all that are text in binary */
    STRING(TEXT, OID_TEXT, "", ""),
    STRING(TEXT, OID_TEXT, "a\xc3\xa4", "a\xc3\xa4"),
    STRING(VARCHAR, OID_VARCHAR, "tab\there", "tab\there"),
    STRING(CHAR, OID_BPCHAR, "ab  ", "ab  "),
    STRING(TEXT, OID_NAME, "n", "n"),
    STRING(JSON, OID_JSON, "{}", "{}"),
    STRING(ENUM, OID_TEXT, "label", "label"),
    /* jsonb_send: a version, 1, before the text */
    STRING(JSONB, OID_JSONB, "{}", "\x01{}"),
    STRING(TEXT, OID_JSONB, "[1]", "\x01[1]"),
    /* byteasend: the bytes */
    {"BYTEA",
     {BM_BYTEA, BM_SLICE, sizeof(bm_slice), {OID_BYTEA, 0, -1, 'b', 0}},
     &three_bytes,
     "\x00\xff\x01",
     3},
    /* numeric_send: ndigits, weight, sign, dscale, digits in base 10000 */
    STRING(NUMERIC, OID_NUMERIC, "0", "\0\0\0\0\0\0\0\0"),
    STRING(NUMERIC, OID_NUMERIC, "0.000", "\0\0\0\0\0\0\0\x03"),
    STRING(NUMERIC, OID_NUMERIC, "1", "\0\x01\0\0\0\0\0\0\0\x01"),
    /* 12.50: 12 | 5000, weight 0, dscale 2, negative 0x4000; 5000 = 0x1388 */
    STRING(NUMERIC, OID_NUMERIC, "-12.50", "\0\x02\0\0\x40\0\0\x02\0\x0c\x13\x88"),
    /* 0.0001 is digit 1 of weight -1; 0.00000001 of weight -2 */
    STRING(NUMERIC, OID_NUMERIC, "0.0001", "\0\x01\xff\xff\0\0\0\x04\0\x01"),
    STRING(NUMERIC, OID_NUMERIC, "0.00000001", "\0\x01\xff\xfe\0\0\0\x08\0\x01"),
    /* zero groups inside stay, at the end they go: 1 | 0000 | 0001 and 1 of weight 2 */
    STRING(NUMERIC, OID_NUMERIC, "100000001", "\0\x03\0\x02\0\0\0\0\0\x01\0\0\0\x01"),
    STRING(NUMERIC, OID_NUMERIC, "100000000", "\0\x01\0\x02\0\0\0\0\0\x01"),
    /* 1.2345 shows 4 decimals: 2345 = 0x0929 */
    STRING(NUMERIC, OID_NUMERIC, "1.2345", "\0\x02\0\0\0\0\0\x04\0\x01\x09\x29"),
    STRING(NUMERIC, OID_NUMERIC, "NaN", "\0\0\0\0\xc0\0\0\0"),
    STRING(NUMERIC, OID_NUMERIC, "Infinity", "\0\0\0\0\xd0\0\0\0"),
    STRING(NUMERIC, OID_NUMERIC, "-Infinity", "\0\0\0\0\xf0\0\0\0"),
};

static void check_back(const golden *row, const void *member)
{
    if (row->how.layout == BM_CSTR) {
        assert_string_equal(*(const char *const *)member, *(const char *const *)row->cell);
    } else if (row->how.layout == BM_SLICE) {
        const bm_slice *got = member;
        const bm_slice *want = row->cell;
        assert_int_equal(got->size, want->size);
        assert_memory_equal(got->data, want->data, want->size);
    } else {
        assert_memory_equal(member, row->cell, row->how.width);
    }
}

static void both_ways(void **state)
{
    (void)state;
    bm__buffer out = {0};
    bm__arena arena = {0};
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        const golden *row = &goldens[i];
        bm_error err;
        if (encode_cell(&row->how, false, row->cell, &out, &err) != BM_OK) {
            fail_msg("%s: %s", row->what, err.message);
        }
        if (out.size != row->size || memcmp(out.data, row->bytes, row->size) != 0) {
            fail_msg("%s: other bytes", row->what);
        }
        uint64_t member[3] = {0, 0, 0};
        const char *fault = decode_cell(&row->how, row->bytes, row->size, member, &arena);
        if (fault != NULL) {
            fail_msg("%s: %s", row->what, fault);
        }
        check_back(row, member);
    }
    bm__buffer_free(&out);
    bm__arena_free(&arena);
}

/* int4_numeric and int8_numeric: weight and digits of 922 3372 0368 5477 5808, no decimals. */
static void integers_to_numeric(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
        size_t size;
    } rows[] = {
        {0, "\0\0\0\0\0\0\0\0", 8},
        {-7, "\0\x01\0\0\x40\0\0\0\0\x07", 10},
        {10000, "\0\x01\0\x01\0\0\0\0\0\x01", 10},
        {100000001, "\0\x03\0\x02\0\0\0\0\0\x01\0\0\0\x01", 14},
        {INT64_MIN, "\0\x05\0\x04\x40\0\0\0\x03\x9a\x0d\x2c\x01\x70\x15\x65\x16\xb0", 18},
    };
    const pg_case how = fixed_case(BM_INT8, 8, OID_NUMERIC);
    bm__buffer out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bm_error err;
        assert_int_equal(encode_cell(&how, false, &rows[i].value, &out, &err), BM_OK);
        assert_int_equal(out.size, rows[i].size);
        assert_memory_equal(out.data, rows[i].bytes, rows[i].size);
    }
    bm__buffer_free(&out);
}

/* array_send: ndim, flags, element OID, length, lower bound; then length and value of each. */
static void arrays(void **state)
{
    (void)state;
    static const int32_t numbers[] = {1, 0, 3};
    static const uint8_t states[] = {BM_VALUE, BM_NULL, BM_VALUE};
    static const char bytes[] = "\0\0\0\x01\0\0\0\x01\0\0\0\x17\0\0\0\x03\0\0\0\x01"
                                "\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff\0\0\0\x04\0\0\0\x03";
    static const char empty[] = "\0\0\0\0\0\0\0\0\0\0\0\x17";
    const pg_case how = {BM_INT4, BM_ARRAY, sizeof(bm_array),
                         array_column(OID_INT4_ARRAY, OID_INT4)};
    bm_array array = {numbers, 3, states};
    bm__buffer out = {0};
    bm__arena arena = {0};
    bm_error err;
    assert_int_equal(encode_cell(&how, false, &array, &out, &err), BM_OK);
    assert_int_equal(out.size, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, sizeof bytes - 1);
    bm_array back;
    assert_null(decode_cell(&how, bytes, sizeof bytes - 1, &back, &arena));
    assert_int_equal(back.count, 3);
    assert_memory_equal(back.states, states, 3);
    assert_int_equal(((const int32_t *)back.data)[0], 1);
    assert_int_equal(((const int32_t *)back.data)[2], 3);
    array.count = 0;
    assert_int_equal(encode_cell(&how, false, &array, &out, &err), BM_OK);
    assert_int_equal(out.size, sizeof empty - 1);
    assert_memory_equal(out.data, empty, sizeof empty - 1);
    assert_null(decode_cell(&how, empty, sizeof empty - 1, &back, &arena));
    assert_int_equal(back.count, 0);
    assert_null(back.states);
    bm__buffer_free(&out);
    bm__arena_free(&arena);
}

/* array_send of '{{1,2,3},{4,5,6}}': ndim, flags, element OID, length and lower bound of each
 * dimension; the elements follow in storage order. */
static void arrays_of_several_dimensions(void **state)
{
    (void)state;
    static const int32_t numbers[] = {1, 2, 3, 4, 5, 6};
    static const char bytes[] = "\0\0\0\x02\0\0\0\0\0\0\0\x17\0\0\0\x02\0\0\0\x01"
                                "\0\0\0\x03\0\0\0\x01\0\0\0\x04\0\0\0\x01\0\0\0\x04\0\0\0\x02"
                                "\0\0\0\x04\0\0\0\x03\0\0\0\x04\0\0\0\x04\0\0\0\x04\0\0\0\x05"
                                "\0\0\0\x04\0\0\0\x06";
    static const char literal[] = "{{1,2,3},{4,5,6}}";
    const pg_case how = {BM_INT4, BM_ND_ARRAY, sizeof(bm_nd_array),
                         array_column(OID_INT4_ARRAY, OID_INT4)};
    const bm_nd_array array = {{numbers, 6, NULL}, 2, {2, 3}};
    bm__buffer out = {0};
    bm__arena arena = {0};
    bm_nd_array back;
    bm_error err;
    assert_int_equal(encode_cell(&how, false, &array, &out, &err), BM_OK);
    assert_int_equal(out.size, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, sizeof bytes - 1);
    assert_null(decode_cell(&how, bytes, sizeof bytes - 1, &back, &arena));
    assert_int_equal(back.elements.count, 6);
    assert_memory_equal(back.elements.data, numbers, sizeof numbers);
    assert_int_equal(back.n_dimensions, 2);
    assert_int_equal(back.lengths[0], 2);
    assert_int_equal(back.lengths[1], 3);
    assert_int_equal(encode_cell(&how, true, &array, &out, &err), BM_OK);
    assert_int_equal(out.size, sizeof literal - 1);
    assert_memory_equal(out.data, literal, sizeof literal - 1);
    const pg_case flat = {BM_INT4, BM_ARRAY, sizeof(bm_array),
                          array_column(OID_INT4_ARRAY, OID_INT4)};
    assert_non_null(decode_cell(&flat, bytes, sizeof bytes - 1, &back.elements, &arena));
    bm__buffer_free(&out);
    bm__arena_free(&arena);
}

/* PostgreSQL manual, COPY, "Binary Format". */
static void a_copy(void **state)
{
    (void)state;
    assert_memory_equal(bm__copy_header, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    assert_memory_equal(bm__copy_trailer, "\xff\xff", 2);
    static const int32_t numbers[] = {1, 2};
    static const char *const names[] = {"x", "yz"};
    static const uint8_t states[] = {BM_VALUE, BM_NULL};
    const bm__view views[] = {
        {.name = "id", .cells = {BM_INT4, BM_FIXED, 4, numbers, 4, NULL, 0, NULL}},
        {.name = "name",
         .cells = {BM_TEXT, BM_CSTR, sizeof(char *), names, sizeof(char *), states, 1, NULL}},
    };
    const bm__batch batch = {views, 2, 2, 0, NULL};
    const bm__pg_column_type int4 = plain_column(OID_INT4);
    const bm__pg_column_type text = plain_column(OID_TEXT);
    bm__slot slots[2];
    bm_error err = BM_ERROR;
    assert_int_equal(bm__slot_resolve(BM_INT4, BM_FIXED, 4, &int4, false, &slots[0], &err), BM_OK);
    assert_int_equal(
        bm__slot_resolve(BM_TEXT, BM_CSTR, sizeof(char *), &text, false, &slots[1], &err), BM_OK);
    bm__buffer room = {0};
    bm__buffer out = {0};
    assert_int_equal(bm__pg_copy_rows(slots, &batch, 0, 2, &room, &out, &err), BM_OK);
    static const char bytes[] = "\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x01x"
                                "\0\x02\0\0\0\x04\0\0\0\x02\xff\xff\xff\xff";
    assert_int_equal(out.size, sizeof bytes - 1);
    assert_memory_equal(out.data, bytes, sizeof bytes - 1);
    bm__buffer_free(&room);
    bm__buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways), cmocka_unit_test(integers_to_numeric),
        cmocka_unit_test(arrays),    cmocka_unit_test(arrays_of_several_dimensions),
        cmocka_unit_test(a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
