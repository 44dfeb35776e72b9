/* Dates and times as text, judged by what is written in the standards and by SQLite's own
 * calendar (https://www.sqlite.org/lang_datefunc.html). */
#include "check.h"

#include "calendar.h"

#include <sqlite3.h>
#include <string.h>

static void check_date(int32_t days, const char *expected)
{
    char text[BM__TEXT_MAX];
    int32_t back = 0;
    assert_int_equal(bm__date_text(days, text), strlen(expected));
    assert_string_equal(text, expected);
    assert_true(bm__date_read(expected, strlen(expected), &back));
    assert_int_equal(back, days);
}

static void test_dates(void **state)
{
    (void)state;
    check_date(0, "1970-01-01");
    check_date(-1, "1969-12-31");
    check_date(59, "1970-03-01");
    check_date(11016, "2000-02-29");
    check_date(11017, "2000-03-01");
    check_date(19782, "2024-02-29");
    check_date(-25509, "1900-02-28");
    check_date(-25508, "1900-03-01"); /* 1900 had no leap day */
    check_date(BM__DATE_MIN, "0001-01-01");
    check_date(BM__DATE_MAX, "9999-12-31");
}

/* Every day there is must follow the one before it; every 37th is compared with SQLite. */
static void test_all_days(void **state)
{
    (void)state;
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT date(?1 * 86400, 'unixepoch')", -1, &stmt, NULL), SQLITE_OK);
    char before[BM__TEXT_MAX] = "";
    for (int32_t day = BM__DATE_MIN; day <= BM__DATE_MAX; day++) {
        char text[BM__TEXT_MAX];
        int32_t back = 0;
        size_t size = bm__date_text(day, text);
        if (size != 10 || strcmp(before, text) >= 0 || !bm__date_read(text, size, &back) ||
            back != day) {
            fail_msg("day %d is %s, behind %s, and reads back as %d", day, text, before, back);
        }
        memcpy(before, text, sizeof before);
        if ((day - BM__DATE_MIN) % 37 == 0) {
            sqlite3_reset(stmt);
            sqlite3_bind_int64(stmt, 1, day);
            assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
            assert_string_equal(text, (const char *)sqlite3_column_text(stmt, 0));
        }
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void check_time(int64_t usecs, const char *expected)
{
    char text[BM__TEXT_MAX];
    int64_t back = -1;
    assert_int_equal(bm__time_text(usecs, text), strlen(expected));
    assert_string_equal(text, expected);
    assert_true(bm__time_read(expected, strlen(expected), &back));
    assert_int_equal(back, usecs);
}

static void test_times(void **state)
{
    (void)state;
    check_time(0, "00:00:00");
    check_time(1, "00:00:00.000001");
    check_time(INT64_C(49500000250), "13:45:00.000250");
    check_time(INT64_C(49500100000), "13:45:00.100000");
    check_time(BM__USECS_PER_DAY - 1, "23:59:59.999999");
    check_time(BM__USECS_PER_DAY, "24:00:00");
    int64_t usecs = 0;
    assert_true(bm__time_read("13:45:00.5", 10, &usecs));
    assert_int_equal(usecs, INT64_C(49500500000));
    assert_true(bm__time_read("13:45:00.00025", 14, &usecs));
    assert_int_equal(usecs, INT64_C(49500000250));
}

static void check_timestamp(int64_t usecs, const char *expected)
{
    char text[BM__TEXT_MAX];
    int64_t back = -1;
    bool has_offset = true;
    assert_int_equal(bm__timestamp_text(usecs, false, text), strlen(expected));
    assert_string_equal(text, expected);
    assert_true(bm__timestamp_read(expected, strlen(expected), &back, &has_offset));
    assert_int_equal(back, usecs);
    assert_false(has_offset);
}

static void test_timestamps(void **state)
{
    (void)state;
    check_timestamp(0, "1970-01-01 00:00:00");
    check_timestamp(-1, "1969-12-31 23:59:59.999999");
    check_timestamp(-BM__USECS_PER_DAY, "1969-12-31 00:00:00");
    check_timestamp(INT64_C(1709214300000250), "2024-02-29 13:45:00.000250");
    check_timestamp(BM__DATE_MIN * BM__USECS_PER_DAY, "0001-01-01 00:00:00");
    check_timestamp((BM__DATE_MAX + 1) * BM__USECS_PER_DAY - 1, "9999-12-31 23:59:59.999999");
}

static void test_offsets(void **state)
{
    (void)state;
    const int64_t expected = INT64_C(1709214300000000); /* 2024-02-29 13:45:00 UTC */
    static const char *const same[] = {
        "2024-02-29 13:45:00",
        "2024-02-29T13:45:00",
        "2024-02-29t13:45",
        "2024-02-29 13:45",
        "2024-02-29T13:45:00Z",
        "2024-02-29 13:45:00+00:00",
        "2024-02-29 14:45:00+01:00",
        "2024-02-29 08:15:00-0530",
        "2024-02-29 08:15:00 -05:30",
        "2024-03-01 01:45:00+12",
        "2024-02-29 13:45:30.000000+00:00:30",
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        int64_t usecs = 0;
        bool has_offset;
        assert_true(bm__timestamp_read(same[i], strlen(same[i]), &usecs, &has_offset));
        assert_int_equal(usecs, expected);
        assert_int_equal(has_offset, i >= 4);
    }
}

static void test_refused_dates(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "",
        "2024-02-30",
        "2023-02-29",
        "1900-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-04-31",
        "0000-01-01",
        "2024-1-01",
        "2024-01-01 ",
        " 2024-01-01",
        "20240101",
        "-024-01-01",
        "2024/01/01",
        "2024-01-0a",
        "99999999-01-01",
        "2024-01",
        "2023-02-29 BC",
        "2024-02-29 AD",
        "2024-02-29BC",
        "0000-02-29 BC",
        " BC",
    };
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        int32_t days = 77;
        assert_false(bm__date_read(dates[i], strlen(dates[i]), &days));
        assert_int_equal(days, 77);
    }
}

static void test_refused_times(void **state)
{
    (void)state;
    static const char *const times[] = {
        "",         "13",        "13:45:60",   "13:60:00",         "25:00:00", "24:00:00.000001",
        "24:00:01", "13:45:00.", "13:45:00.a", "13:45:00.1234567", "1:45:00",  "13:45:00Z",
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t usecs = 77;
        assert_false(bm__time_read(times[i], strlen(times[i]), &usecs));
        assert_int_equal(usecs, 77);
    }
    static const char *const stamps[] = {
        "2024-02-29 ",
        "2024-02-29  13:45:00",
        "2024-02-29_13:45:00",
        "2024-02-29 13:45:00 ",
        "2024-02-29 13:45:00+",
        "2024-02-29 13:45:00+1",
        "2024-02-29 13:45:00+24:00",
        "2024-02-29 13:45:00+00:60",
        "2024-02-29 13:45:00+01:",
        "2024-02-29 13:45:00Z+01:00",
    };
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        int64_t usecs = 77;
        bool has_offset;
        assert_false(bm__timestamp_read(stamps[i], strlen(stamps[i]), &usecs, &has_offset));
        assert_int_equal(usecs, 77);
    }
}

/* PostgreSQL's limits (manual, table 8.9), and years around the first: 1 BC is a leap year. */
static void test_far_years(void **state)
{
    (void)state;
    check_date(-719163, "0001-12-31 BC");
    check_date(-719468 - 1, "0001-02-29 BC");
    check_date(-2440588, "4714-11-24 BC"); /* Julian day 0; 1970-01-01 is day 2440588 */
    check_date(2932897, "10000-01-01");
    check_date(2145042905, "5874897-12-31"); /* 2145031948 days after 2000-01-01 */
    check_timestamp(BM__DATE_MIN * BM__USECS_PER_DAY - 1, "0001-12-31 23:59:59.999999 BC");
    check_timestamp((BM__DATE_MAX + 1) * BM__USECS_PER_DAY, "10000-01-01 00:00:00");
    char text[BM__TEXT_MAX];
    bm__timestamp_text(-1 + BM__DATE_MIN * BM__USECS_PER_DAY, true, text);
    assert_string_equal(text, "0001-12-31 23:59:59.999999+00 BC");
    int64_t usecs = 77;
    bool has_offset;
    assert_false(bm__timestamp_read("5874897-12-31", 13, &usecs, &has_offset)); /* no int64 */
    assert_int_equal(usecs, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),         cmocka_unit_test(test_all_days),
        cmocka_unit_test(test_times),         cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_offsets),       cmocka_unit_test(test_refused_dates),
        cmocka_unit_test(test_refused_times), cmocka_unit_test(test_far_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
