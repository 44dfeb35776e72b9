/* Values as text and back, and their order.  Expected values are PostgreSQL's: manual, chapter 8,
 * "Data Types", and what psql answers to SELECT value. */
#include "check.h"
#include "codec.h"

#include "type.h"

#include <math.h>
#include <string.h>

typedef union cell {
    bool boolean;
    int16_t int2;
    int32_t int4;
    int64_t int8;
    float float4;
    double float8;
    bm_uuid uuid;
    bm_interval interval;
    bm_inet inet;
    bm_slice text;
} cell;

static const char *parse(bm_type type, const char *text, cell *out)
{
    static char room[64];
    memset(out, 0, sizeof *out);
    return bm__value_parse(type, (bm_slice){text, strlen(text)}, room, out);
}

/* The text is read, and printed as `printed`, which reads as the same value. */
static void both_ways(bm_type type, const char *text, const char *printed)
{
    cell value;
    cell again;
    char out[BM__PRINT_MAX];
    assert_null(parse(type, text, &value));
    bm__value_print(type, &value, out);
    assert_string_equal(out, printed);
    assert_null(parse(type, printed, &again));
    assert_memory_equal(&value, &again, sizeof value);
}

/* No value is written, and the fault has these words. */
static void refused(bm_type type, const char *text, const char *words)
{
    cell value;
    cell zero;
    memset(&zero, 0, sizeof zero);
    const char *fault = parse(type, text, &value);
    assert_non_null(fault);
    if (strstr(fault, words) == NULL) {
        fail_msg("\"%s\": \"%s\" has no \"%s\"", text, fault, words);
    }
    assert_memory_equal(&value, &zero, sizeof zero);
}

static void test_integers(void **state)
{
    (void)state;
    both_ways(BM_INT2, "-32768", "-32768");
    both_ways(BM_INT2, "+7", "7");
    both_ways(BM_INT4, " 2147483647 ", "2147483647");
    both_ways(BM_INT8, "-9223372036854775808", "-9223372036854775808");
    both_ways(BM_INT8, "9223372036854775807", "9223372036854775807");
    both_ways(BM_INT8, "-0", "0");
    refused(BM_INT2, "32768", "range");
    refused(BM_INT4, "-2147483649", "range");
    refused(BM_INT8, "9223372036854775808", "range");
    refused(BM_INT8, "99999999999999999999999", "range");
    refused(BM_INT4, "1.0", "decimal point");
    refused(BM_INT4, "1,5", "has a comma");
    refused(BM_INT4, "a,1", "not a whole number"); /* B-17: a comma, but no number */
    refused(BM_INT4, "", "empty");
    refused(BM_INT4, "one", "not a whole number");
    refused(BM_INT4, "1 2", "not a whole number");
    refused(BM_INT4, "-", "not a whole number");
}

static void test_floats(void **state)
{
    (void)state;
    both_ways(BM_FLOAT8, "0.1", "0.1");
    both_ways(BM_FLOAT8, "1e300", "1e+300");
    both_ways(BM_FLOAT8, "-2.50", "-2.5");
    both_ways(BM_FLOAT8, "-0", "-0");
    both_ways(BM_FLOAT8, ".5", "0.5");
    both_ways(BM_FLOAT8, "0.30000000000000004", "0.30000000000000004");
    /* subnormals, with their fewest digits: the smallest, one of few bits, the largest */
    both_ways(BM_FLOAT8, "4.94065645841247e-324", "5e-324");
    both_ways(BM_FLOAT8, "-1e-323", "-1e-323");
    both_ways(BM_FLOAT8, "1.5e-310", "1.5e-310");
    both_ways(BM_FLOAT8, "2.225073858507201e-308", "2.225073858507201e-308");
    both_ways(BM_FLOAT8, "2.2250738585072014e-308", "2.2250738585072014e-308"); /* normal */
    both_ways(BM_FLOAT4, "1.40129846e-45", "1e-45");
    both_ways(BM_FLOAT4, "-1.17549e-38", "-1.17549e-38");
    both_ways(BM_FLOAT8, "inf", "Infinity");
    both_ways(BM_FLOAT8, "-Infinity", "-Infinity");
    both_ways(BM_FLOAT4, "0.1", "0.1");
    both_ways(BM_FLOAT4, "16777217", "16777216"); /* 2^24: no float4 is nearer */
    cell value;
    assert_null(parse(BM_FLOAT8, "NaN", &value));
    assert_true(isnan(value.float8));
    refused(BM_FLOAT8, "1e400", "range");
    refused(BM_FLOAT8, "1e-400", "range");
    refused(BM_FLOAT4, "1e39", "range");
    refused(BM_FLOAT4, "1e-60", "range");
    refused(BM_FLOAT8, "1,5", "has a comma");
    refused(BM_FLOAT8, "a,1", "not a number");
    refused(BM_FLOAT8, "0x10", "not a number");
    refused(BM_FLOAT8, "1.5.2", "not a number");
    refused(BM_FLOAT8, "", "not a number");
}

static void test_bools(void **state)
{
    (void)state;
    static const char *const words[] = {"true", "T", "yes", "y", "on", "1"};
    static const char *const others[] = {"false", "F", "no", "n", "OFF", "0"};
    for (size_t i = 0; i < 6; i++) {
        both_ways(BM_BOOL, words[i], "true");
        both_ways(BM_BOOL, others[i], "false");
    }
    refused(BM_BOOL, "2", "not a boolean");
    refused(BM_BOOL, "", "not a boolean");
}

static void test_dates_and_times(void **state)
{
    (void)state;
    both_ways(BM_DATE, "2024-02-29", "2024-02-29");
    both_ways(BM_DATE, "0044-03-15 BC", "0044-03-15 BC");
    both_ways(BM_DATE, "5874897-12-31", "5874897-12-31");
    both_ways(BM_TIME, "13:45", "13:45:00");
    both_ways(BM_TIME, "24:00:00", "24:00:00");
    both_ways(BM_TIMESTAMP, "2024-02-29T13:45:00.5", "2024-02-29 13:45:00.500000");
    both_ways(BM_TIMESTAMPTZ, "2024-02-29 14:45:00+01", "2024-02-29 13:45:00+00");
    both_ways(BM_TIMESTAMPTZ, "2024-02-29 13:45:00 Z", "2024-02-29 13:45:00+00");
    both_ways(BM_TIMESTAMPTZ, "2024-02-29 13:45:00 +01", "2024-02-29 12:45:00+00");
    refused(BM_TIMESTAMPTZ, "2024-02-29 13:45:00  Z", "2024-12-31");
    both_ways(BM_TIMESTAMPTZ, "0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC");
    refused(BM_DATE, "2023-02-29", "there is no such day");
    refused(BM_DATE, "5874898-01-01", "range");
    refused(BM_DATE, "4714-11-23 BC", "range");
    refused(BM_DATE, "31.12.2024", "another order");
    refused(BM_DATE, "2024-1-5", "is not a date: expected YYYY-MM-DD");
    refused(BM_DATE, "2010/01/01", "is not a date: expected YYYY-MM-DD");
    refused(BM_TIMESTAMPTZ, "2010/01/01", "is not a timestamp: expected for example");
    refused(BM_DATE, "2024-02-29 10:00", "time of day");
    refused(BM_DATE, "tomorrow", "YYYY-MM-DD");
    refused(BM_TIME, "25:00", "23:59:59");
    refused(BM_TIMESTAMP, "2024-02-29 13:45:00Z", "offset");
    refused(BM_TIMESTAMP, "4714-11-23 00:00:00 BC", "range");
    refused(BM_TIMESTAMPTZ, "12/31/2024", "another order");
}

static void test_uuids(void **state)
{
    (void)state;
    static const char printed[] = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"; /* manual, 8.12 */
    both_ways(BM_UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", printed);
    both_ways(BM_UUID, "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", printed);
    both_ways(BM_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11", printed);
    both_ways(BM_UUID, "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", printed);
    refused(BM_UUID, "", "not a UUID");
    refused(BM_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a1", "not a UUID");
    refused(BM_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a112", "not a UUID");
    refused(BM_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a1g", "not a UUID");
    refused(BM_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11-", "not a UUID");
    refused(BM_UUID, "a0e-ebc999c0b4ef8bb6d6bb9bd380a11", "not a UUID");
}

/* PostgreSQL's manual, 8.5.4 and 8.5.5; str(timedelta) of Python; duration_string of Django. */
static void test_intervals(void **state)
{
    (void)state;
    both_ways(BM_INTERVAL, "1 year 2 months 3 days 4 hours 5 minutes 6 seconds",
              "1 year 2 mons 3 days 04:05:06");
    both_ways(BM_INTERVAL, "P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06");
    both_ways(BM_INTERVAL, "P-1Y-2M3DT-4H-5M-6.5S", "-1 years -2 mons +3 days -04:05:06.5");
    both_ways(BM_INTERVAL, "-1 days +02:03:00", "-1 days +02:03:00");
    both_ways(BM_INTERVAL, "P2W", "14 days");
    both_ways(BM_INTERVAL, "PT0S", "00:00:00");
    both_ways(BM_INTERVAL, "00:00:00.000001", "00:00:00.000001");
    both_ways(BM_INTERVAL, "-00:00:00.5", "-00:00:00.5");
    both_ways(BM_INTERVAL, "100:00", "100:00:00");
    both_ways(BM_INTERVAL, "1 day, 2:03:04", "1 day 02:03:04");
    both_ways(BM_INTERVAL, "-3 days, 0:00:05.000007", "-3 days +00:00:05.000007");
    both_ways(BM_INTERVAL, "10 02:03:04", "10 days 02:03:04");
    both_ways(BM_INTERVAL, "1.5 secs", "00:00:01.5");
    both_ways(BM_INTERVAL, "-2147483648 days", "-2147483648 days");
    static const char *const others[] = {"",        "P",        "PT",   "1",     "1 fortnight",
                                         "1 day x", "1.5 days", "P1DT", "04:60", "04:05:60",
                                         "P1H",     "1 day 2"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        refused(BM_INTERVAL, others[i], "not an interval");
    }
    cell value;
    const bm_slice nul = {"P1", 3}; /* "month" has no letter of its own */
    assert_non_null(bm__value_parse(BM_INTERVAL, nul, NULL, &value));
    refused(BM_INTERVAL, "2147483648 days", "range");
    refused(BM_INTERVAL, "178956971 years", "range");
    refused(BM_INTERVAL, "99999999999999999999 secs", "range");
}

/* PostgreSQL's manual, 8.9.1; RFC 5952 for the text of IPv6. */
static void test_addresses(void **state)
{
    (void)state;
    both_ways(BM_INET, "192.168.100.128/25", "192.168.100.128/25");
    both_ways(BM_INET, "10.1.2.3/32", "10.1.2.3");
    both_ways(BM_INET, "10/8", "10.0.0.0/8");
    both_ways(BM_INET, "2001:4f8:3:ba:2e0:81ff:fe22:d1f1/128", "2001:4f8:3:ba:2e0:81ff:fe22:d1f1");
    both_ways(BM_INET, "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
    both_ways(BM_INET, "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    both_ways(BM_INET, "::ffff:1.2.3.0/120", "::ffff:1.2.3.0/120");
    both_ways(BM_INET, "::", "::");
    both_ways(BM_INET, "::1", "::1");
    both_ways(BM_INET, "1::", "1::");
    both_ways(BM_INET, "::/0", "::/0");
    both_ways(BM_INET, "::1.2.3", "::1.2.3.0"); /* getv4 of inet_net_pton.c */
    static const char *const others[] = {"",
                                         "10",
                                         "10.0.0",
                                         "256.0.0.1",
                                         "1.2.3.4.5",
                                         "10.0.0.1/33",
                                         "10.0.0.1/",
                                         "10/9999",
                                         "10.0.0.1/x",
                                         "::1/129",
                                         "::1/08",
                                         "1:2",
                                         ":1",
                                         "1:",
                                         ":::",
                                         "1::2::3",
                                         "12345::",
                                         "g::",
                                         "::1.2.3.04",
                                         "::1 ::2",
                                         "1:2:3:4:5:6:7:8:9",
                                         "::1.2.3.4:5",
                                         "1:2:3:4:5:6:7::8",
                                         "localhost"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        refused(BM_INET, others[i], "not an IP address");
    }
}

static void test_infinity(void **state)
{
    (void)state;
    both_ways(BM_DATE, "Infinity", "infinity");
    both_ways(BM_DATE, "-infinity", "-infinity");
    both_ways(BM_TIMESTAMP, "infinity", "infinity");
    both_ways(BM_TIMESTAMPTZ, "-INFINITY", "-infinity");
    refused(BM_DATE, "infinit", "not a date");
    refused(BM_DATE, "infinity ad", "not a date");
    refused(BM_TIMESTAMP, "294247-01-10 04:00:54.775807", "range"); /* it would be infinity */
}

static void check_slice(bm_type type, const char *text, const char *bytes, size_t size)
{
    cell value;
    assert_null(parse(type, text, &value));
    assert_int_equal(value.text.size, size);
    assert_memory_equal(value.text.data, bytes, size);
    char out[BM__PRINT_MAX];
    bm__value_print(type, &value, out);
    assert_string_equal(out, type == BM_NUMERIC ? bytes : text);
}

static void test_slices(void **state)
{
    (void)state;
    check_slice(BM_TEXT, " a\xc3\xa4 ", " a\xc3\xa4 ", 5);
    check_slice(BM_JSONB, "{}", "{}", 2);
    check_slice(BM_NUMERIC, " -12.50 ", "-12.50", 6);
    check_slice(BM_NUMERIC, "1e-7", "1e-7", 4);
    check_slice(BM_BYTEA, "\\x00ff10", "\x00\xff\x10", 3);
    check_slice(BM_BYTEA, "\\x", "", 0);
    refused(BM_TEXT, "\xff", "UTF-8");
    refused(BM_NUMERIC, "12,50", "has a comma");
    refused(BM_NUMERIC, "a,1", "not a number");
    refused(BM_NUMERIC, "x", "not a number");
    refused(BM_BYTEA, "00ff", "hexadecimal");
    refused(BM_BYTEA, "\\x0", "hexadecimal");
    refused(BM_BYTEA, "\\x0g", "hexadecimal");
}

/* In the order of PostgreSQL's btree, each text before the next. */
static void ascending(bm_type type, const char *const *texts, size_t n)
{
    const bm__type_ops *ops = bm__type(type)->ops;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            cell a;
            cell b;
            assert_null(parse(type, texts[i], &a));
            assert_null(parse(type, texts[j], &b));
            const size_t width = bm__type(type)->width;
            int order = ops->compare != NULL
                            ? ops->compare(&a, &b)
                            : (bm__load_int(&a, width) > bm__load_int(&b, width)) -
                                  (bm__load_int(&a, width) < bm__load_int(&b, width));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void test_order(void **state)
{
    (void)state;
    ascending(BM_BOOL, (const char *const[]){"f", "t"}, 2);
    ascending(BM_INT8, (const char *const[]){"-9223372036854775808", "-1", "0", "7"}, 4);
    ascending(BM_FLOAT8, (const char *const[]){"-Infinity", "-1", "0", "Infinity", "NaN"}, 5);
    ascending(BM_DATE, (const char *const[]){"0001-12-31 BC", "0001-01-01", "2024-02-29"}, 3);
    ascending(BM_DATE, (const char *const[]){"-infinity", "0001-01-01 BC", "infinity"}, 3);
    /* network_cmp: the common bits, then the netmask, then the rest */
    ascending(BM_INET,
              (const char *const[]){"9.0.0.0/8", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/16",
                                    "10.0.0.0", "10.0.0.1", "::/0", "::1"},
              8);
    /* interval_cmp: a month is 30 days, a day 24 hours */
    ascending(BM_INTERVAL, (const char *const[]){"-1 mon", "-29 days", "24:00:00.000001", "P2D"},
              4);
    cell month;
    cell days;
    assert_null(parse(BM_INTERVAL, "1 mon", &month));
    assert_null(parse(BM_INTERVAL, "29 days 24:00:00", &days));
    assert_int_equal(bm__type(BM_INTERVAL)->ops->compare(&month, &days), 0);
    ascending(BM_TEXT, (const char *const[]){"", "a", "a ", "ab", "b"}, 5);
    const bm_slice blanks[] = {{"a ", 2}, {"a", 1}};
    assert_int_equal(bm__type(BM_CHAR)->ops->compare(&blanks[0], &blanks[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),  cmocka_unit_test(test_floats),
        cmocka_unit_test(test_bools),     cmocka_unit_test(test_dates_and_times),
        cmocka_unit_test(test_uuids),     cmocka_unit_test(test_slices),
        cmocka_unit_test(test_intervals), cmocka_unit_test(test_order),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
