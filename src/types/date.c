/*
 * date: src/backend/utils/adt/date.c.  Here days count from 1970-01-01, at the server from
 * 2000-01-01.  Limits: src/include/datatype/timestamp.h, IS_VALID_DATE, in the server's epoch.
 * The least and the largest number are -infinity and infinity, here as at the server.
 */
#include "codec.h"

#include "calendar.h"

#define DATE_FIRST (-2451545) /* 4714-11-24 BC, Julian day 0 ("4713 BC") */
#define DATE_LAST 2145031948  /* 5874897-12-31 */

static const char range_date[] = "out of range for date";

static bool is_infinite(int64_t days)
{
    return days == INT32_MIN || days == INT32_MAX;
}

static const char *check_date(const void *cell)
{
    int64_t days = bm__load_int(cell, 4);
    int64_t at_server = days - BM__EPOCH_DAYS;
    bool fits = at_server >= DATE_FIRST && at_server <= DATE_LAST;
    return fits || is_infinite(days) ? NULL : range_date;
}

static const char *parse(bm_slice text, char *room, void *value)
{
    int32_t days;
    int64_t usecs;
    bool has_offset;
    int infinity = bm__infinity_read(text);
    (void)room;
    if (infinity != 0) {
        days = infinity > 0 ? INT32_MAX : INT32_MIN;
        memcpy(value, &days, sizeof days);
        return NULL;
    }
    if (!bm__date_read(text.data, text.size, &days)) {
        return bm__timestamp_read(text.data, text.size, &usecs, &has_offset)
                   ? "has a time of day, but its column is a date"
                   : bm__calendar_fault(text.data, text.size, "is not a date: expected YYYY-MM-DD",
                                        "is not a valid date: there is no such day");
    }
    if (check_date(&days) != NULL || is_infinite(days)) {
        return "is out of range for date";
    }
    memcpy(value, &days, sizeof days);
    return NULL;
}

static void print(const void *value, bm__sink *out)
{
    char text[BM__TEXT_MAX];
    int64_t days = bm__load_int(value, 4);
    if (is_infinite(days)) {
        bm__infinity_put(out, days > 0);
        return;
    }
    bm__put(out, text, bm__date_text((int32_t)days, text));
}

static inline void put_date(const void *cell, uint8_t *at)
{
    int64_t days = bm__load_int(cell, 4);
    bm__put32(at, (uint32_t)(is_infinite(days) ? days : days - BM__EPOCH_DAYS));
}

BM__CHECKED_CODEC(date, 4, check_date, put_date);

static const char *read_date(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 4) {
        return "not a date";
    }
    int32_t days = (int32_t)bm__get32(data);
    if (!is_infinite(days)) {
        if (days < DATE_FIRST || days > DATE_LAST) {
            return range_date;
        }
        days += BM__EPOCH_DAYS;
    }
    memcpy(member, &days, sizeof days);
    return NULL;
}

const bm__type_ops bm__ops_date = {
    .parse = parse,
    .print = print,
    .to = (const bm__pg_to[]){{BM__OID_DATE, BM__FIXED(date)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_DATE, read_date}, {0}},
};
