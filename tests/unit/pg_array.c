/* Arrays: binary, as literals, back, and bytes that are none. */
#include "check.h"
#include "pg_cell.h"

#include <stdlib.h>

static bm__buffer out;

static pg_case array_case(bm_type type, uint32_t oid, uint32_t element)
{
    return (pg_case){type, BM_ARRAY, sizeof(bm_array), array_column(oid, element)};
}

static void check_literal(bm_type type, uint32_t element, const void *data, size_t count,
                          const uint8_t *states, const char *want)
{
    const pg_case how = array_case(type, OID_OWN, element);
    const bm_array array = {data, count, states};
    bm_error err;
    if (encode_cell(&how, true, &array, &out, &err) != BM_OK) {
        fail_msg("%s: %s", want, err.message);
    }
    if (out.size != strlen(want) || memcmp(out.data, want, out.size) != 0) {
        fail_msg("%s is wanted, %.*s is made", want, (int)out.size, (const char *)out.data);
    }
}

/* PostgreSQL manual, "Array Input and Output Syntax". */
static void literals(void **state)
{
    (void)state;
    static const uint8_t middle[] = {BM_VALUE, BM_NULL, BM_VALUE};
    static const bool flags[] = {true, false, false};
    static const int16_t twos[] = {-32768, 0, 7};
    static const int32_t fours[] = {1, 2, 3};
    static const int64_t eights[] = {INT64_MIN, 5, INT64_MAX};
    check_literal(BM_INT4, OID_INT4, NULL, 0, NULL, "{}");
    check_literal(BM_BOOL, OID_BOOL, flags, 3, middle, "{true,NULL,false}");
    check_literal(BM_INT2, OID_INT2, twos, 3, NULL, "{-32768,0,7}");
    check_literal(BM_INT4, OID_INT4, fours, 3, middle, "{1,NULL,3}");
    check_literal(BM_INT8, OID_INT8, eights, 3, middle,
                  "{-9223372036854775808,NULL,9223372036854775807}");
    static const bm_slice texts[] = {{"a b", 3}, {"", 0}, {"q\"b\\s,{}", 8}, {"NULL", 4}};
    check_literal(BM_TEXT, OID_TEXT, texts, 4, NULL, "{\"a b\",\"\",\"q\\\"b\\\\s,{}\",\"NULL\"}");
    check_literal(BM_ENUM, OID_OWN, texts, 2, NULL, "{\"a b\",\"\"}");
    check_literal(BM_VARCHAR, OID_OWN, texts, 1, NULL, "{\"a b\"}");
    static const bm_slice numbers[] = {{"-12.50", 6}, {"NaN", 3}};
    check_literal(BM_NUMERIC, OID_NUMERIC, numbers, 2, NULL, "{\"-12.50\",\"NaN\"}");
    static const bm_slice bytes[] = {{"\0\xff", 2}, {NULL, 0}};
    check_literal(BM_BYTEA, OID_BYTEA, bytes, 2, NULL, "{\"\\\\x00ff\",\"\\\\x\"}");
    static const bm_uuid uuid = {{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42,
                                  0x66, 0x14, 0x17, 0x40, 0x00}};
    check_literal(BM_UUID, OID_UUID, &uuid, 1, NULL, "{123e4567-e89b-12d3-a456-426614174000}");
    static const bm_slice documents[] = {{"{\"a\": 1}", 8}};
    check_literal(BM_JSONB, OID_JSONB, documents, 1, NULL, "{\"{\\\"a\\\": 1}\"}");
}

static void float_literals(void **state)
{
    (void)state;
    static const float fours[] = {1.5F, 0.1F, -0.0F};
    static const double eights[] = {0.1, 1e300, -2.5};
    check_literal(BM_FLOAT4, OID_FLOAT4, fours, 3, NULL, "{1.5,0.1,-0}");
    check_literal(BM_FLOAT8, OID_FLOAT8, eights, 3, NULL, "{0.1,1e+300,-2.5}");
    const double specials[] = {1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
    check_literal(BM_FLOAT8, OID_FLOAT8, specials, 3, NULL, "{Infinity,-Infinity,NaN}");
}

/* T13: eras of the calendar are cut on a first of March, 400 years apart, also before year 1 (what
 * PostgreSQL prints of date '1970-01-01' - 865565, - 865566, - 719468, - 719469, - 719163). */
static void literals_of_eras_before_year_one(void **state)
{
    (void)state;
    static const int32_t days[] = {-865565, -865566, -719468, -719469, -719163};
    static const int64_t usecs[] = {-865565 * INT64_C(86400000000) - 1};
    check_literal(BM_DATE, OID_DATE, days, 5, NULL,
                  "{\"0401-03-01 BC\",\"0401-02-29 BC\",\"0001-03-01 BC\",\"0001-02-29 BC\","
                  "\"0001-12-31 BC\"}");
    check_literal(BM_TIMESTAMP, OID_TIMESTAMP, usecs, 1, NULL,
                  "{\"0401-02-29 23:59:59.999999 BC\"}");
}

/* Day -2440588 is 4714-11-24 BC; the day before 0001-01-01 (day -719162) is 0001-12-31 BC. */
static void datetime_literals(void **state)
{
    (void)state;
    static const int32_t days[] = {0, 19782, -719162, -719163, -2440588, 2932897, 2145042905};
    check_literal(BM_DATE, OID_DATE, days, 7, NULL,
                  "{\"1970-01-01\",\"2024-02-29\",\"0001-01-01\",\"0001-12-31 BC\","
                  "\"4714-11-24 BC\",\"10000-01-01\",\"5874897-12-31\"}");
    static const int64_t times[] = {0, INT64_C(49500000250), INT64_C(86400000000)};
    check_literal(BM_TIME, OID_TIME, times, 3, NULL,
                  "{\"00:00:00\",\"13:45:00.000250\",\"24:00:00\"}");
    static const int64_t stamps[] = {0, -1, INT64_C(-719163) * INT64_C(86400000000) + 1};
    check_literal(BM_TIMESTAMP, OID_TIMESTAMP, stamps, 3, NULL,
                  "{\"1970-01-01 00:00:00\",\"1969-12-31 23:59:59.999999\","
                  "\"0001-12-31 00:00:00.000001 BC\"}");
    check_literal(BM_TIMESTAMPTZ, OID_TIMESTAMPTZ, stamps, 3, NULL,
                  "{\"1970-01-01 00:00:00+00\",\"1969-12-31 23:59:59.999999+00\","
                  "\"0001-12-31 00:00:00.000001+00 BC\"}");
}

/* Elements are checked against the column's elements, in both forms. */
static void wrong_elements(void **state)
{
    (void)state;
    static const int64_t large[] = {1, INT64_C(1) << 40};
    static const bm_slice nul[] = {{"a\0b", 3}};
    static const bm_slice word[] = {{"abc", 3}};
    static const uint8_t odd[] = {BM_VALUE, BM_KEEP};
    const bm_array cases[] = {{large, 2, NULL}, {nul, 1, NULL},  {word, 1, NULL},
                              {large, 2, odd},  {NULL, 1, NULL}, {large, (size_t)134217728, NULL}};
    const pg_case how[] = {array_case(BM_INT8, OID_INT4_ARRAY, OID_INT4),
                           array_case(BM_TEXT, OID_TEXT_ARRAY, OID_TEXT),
                           array_case(BM_NUMERIC, 1231, OID_NUMERIC),
                           array_case(BM_INT8, 1016, OID_INT8),
                           array_case(BM_INT8, 1016, OID_INT8),
                           array_case(BM_INT8, 1016, OID_INT8)};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int in_array = 0; in_array <= 1; in_array++) {
            bm_error err;
            assert_int_equal(encode_cell(&how[i], in_array, &cases[i], &out, &err), BM_CONVERT);
        }
    }
}

/* More elements than a block, NULLs among them, through both directions. */
static void long_arrays(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    bm_slice *elements = calloc(COUNT, sizeof *elements);
    uint8_t *states = calloc(COUNT, 1);
    char *text = malloc(COUNT);
    memset(text, 't', COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        elements[i] = (bm_slice){text, i % 300};
        states[i] = i % 7 == 3 ? BM_NULL : BM_VALUE;
    }
    const pg_case how = array_case(BM_TEXT, OID_TEXT_ARRAY, OID_TEXT);
    const bm_array array = {elements, COUNT, states};
    bm__arena arena = {0};
    bm_array back;
    bm_error err;
    assert_int_equal(encode_cell(&how, false, &array, &out, &err), BM_OK);
    assert_null(decode_cell(&how, out.data, out.size, &back, &arena));
    assert_int_equal(back.count, COUNT);
    assert_memory_equal(back.states, states, COUNT);
    const bm_slice *got = back.data;
    for (size_t i = 0; i < COUNT; i++) {
        if (states[i] == BM_VALUE) {
            assert_int_equal(got[i].size, elements[i].size);
            assert_memory_equal(got[i].data, text, got[i].size);
        }
    }
    bm__arena_free(&arena);
    free(elements);
    free(states);
    free(text);
}

#define BYTES(bytes_) bytes_, sizeof(bytes_) - 1
#define INT4S "\0\0\0\x17"

static void wrong_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {BYTES("")},
        {BYTES("\0\0\0\0\0\0\0\0\0\0\0")},
        {BYTES("\0\0\0\0\0\0\0\0" INT4S "\0")},                           /* trailing */
        {BYTES("\0\0\0\0\0\0\0\0\0\0\0\x19")},                            /* text's elements */
        {BYTES("\0\0\0\0\0\0\0\x02" INT4S)},                              /* flags */
        {BYTES("\xff\xff\xff\xff\0\0\0\0" INT4S)},                        /* ndim -1 */
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01")},                 /* no lower bound */
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01")},       /* no element */
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\x7f\xff\xff\xff\0\0\0\x01")}, /* 2^31 - 1 elements */
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\xff\xff\xff\xff\0\0\0\x01")}, /* -1 elements */
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01\0\0\0\x04\0\0\0")},
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01\0\0\0\x03\0\0\0")},
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01\0\0\0\x04\0\0\0\x01\0")},
        {BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01\xff\xff\xff\xff")}, /* no flag */
        {BYTES("\0\0\0\x01\0\0\0\x01" INT4S "\0\0\0\x01\0\0\0\x01\xff\xff\xff\xfe")},
        {BYTES("\0\0\0\x02\0\0\0\0" INT4S "\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01"
               "\0\0\0\x04\0\0\0\x01")}, /* two dimensions */
    };
    const pg_case how = array_case(BM_INT4, OID_INT4_ARRAY, OID_INT4);
    bm__arena arena = {0};
    bm_array array;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (decode_cell(&how, rows[i].bytes, rows[i].size, &array, &arena) == NULL) {
            fail_msg("row %zu is taken for an array", i);
        }
    }
    bm__arena_free(&arena);
}

static void loose_bytes(void **state)
{
    (void)state;
    const pg_case how = array_case(BM_INT4, OID_INT4_ARRAY, OID_INT4);
    bm__arena arena = {0};
    bm_array array;
    /* any lower bound */
    assert_null(decode_cell(
        &how, BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\x01\x80\0\0\0\0\0\0\x04\0\0\0\x09"), &array,
        &arena));
    assert_int_equal(array.count, 1);
    assert_int_equal(*(const int32_t *)array.data, 9);
    /* one dimension without elements */
    assert_null(
        decode_cell(&how, BYTES("\0\0\0\x01\0\0\0\0" INT4S "\0\0\0\0\0\0\0\x01"), &array, &arena));
    assert_int_equal(array.count, 0);
    /* elements of a domain over int4 come with the domain's OID */
    pg_case domain = how;
    domain.column.element_kind = 'd';
    assert_null(decode_cell(&domain, BYTES("\0\0\0\0\0\0\0\0\0\x01\x86\x9f"), &array, &arena));
    /* labels are text in binary arrays too, whatever the enum's OID */
    pg_case labels = array_case(BM_ENUM, OID_OWN + 1, OID_OWN);
    labels.column.element_kind = 'e';
    assert_null(decode_cell(
        &labels, BYTES("\0\0\0\x01\0\0\0\0\0\x01\x86\x9f\0\0\0\x01\0\0\0\x01\0\0\0\x02ok"), &array,
        &arena));
    assert_string_equal(((const bm_slice *)array.data)->data, "ok");
    bm__arena_free(&arena);
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
        cmocka_unit_test(literals),          cmocka_unit_test(float_literals),
        cmocka_unit_test(datetime_literals), cmocka_unit_test(literals_of_eras_before_year_one),
        cmocka_unit_test(wrong_elements),    cmocka_unit_test(long_arrays),
        cmocka_unit_test(wrong_bytes),       cmocka_unit_test(loose_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, free_out);
}
