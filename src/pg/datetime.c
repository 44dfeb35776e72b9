/*
 * date, time, timestamp, timestamptz.  Here days and microseconds count from 1970-01-01, at the
 * server from 2000-01-01.  Limits: src/include/datatype/timestamp.h, IS_VALID_DATE and
 * IS_VALID_TIMESTAMP, there in the server's epoch.
 */
#include "codec.h"

#include <stdio.h>

#define EPOCH_DAYS 10957                     /* 1970-01-01 .. 2000-01-01 */
#define EPOCH_USECS INT64_C(946684800000000) /* the same in microseconds */
#define DAY_USECS INT64_C(86400000000)
#define DATE_FIRST (-2451545)                        /* 4714-11-24 BC, Julian day 0 ("4713 BC") */
#define DATE_LAST 2145031948                         /* 5874897-12-31 */
#define TIMESTAMP_FIRST INT64_C(-211813488000000000) /* 4714-11-24 00:00:00 BC */
#define TIMESTAMP_END INT64_C(9223371331200000000)   /* 294277-01-01 00:00:00 */

static const char range_date[] = "out of range for date";
static const char range_time[] = "out of range for time";
static const char range_timestamp[] = "out of range for timestamp";
static const char no_infinity[] = "infinity has no value here";

/* ---- encode */

static const char *check_date(const void *cell)
{
    int64_t days = bm__load_int(cell, 4) - EPOCH_DAYS;
    return days < DATE_FIRST || days > DATE_LAST ? range_date : NULL;
}

static inline void put_date(const void *cell, uint8_t *at)
{
    bm__put32(at, (uint32_t)(bm__load_int(cell, 4) - EPOCH_DAYS));
}

static const char *check_time(const void *cell)
{
    int64_t usecs = bm__load_int(cell, 8);
    return usecs < 0 || usecs > DAY_USECS ? range_time : NULL;
}

static inline void put_time(const void *cell, uint8_t *at)
{
    bm__put64(at, (uint64_t)bm__load_int(cell, 8));
}

/* Every int64 from 1970 on is before TIMESTAMP_END. */
static const char *check_timestamp(const void *cell)
{
    return bm__load_int(cell, 8) < TIMESTAMP_FIRST + EPOCH_USECS ? range_timestamp : NULL;
}
_Static_assert(INT64_MAX - EPOCH_USECS < TIMESTAMP_END, "a timestamp needs an upper check");

static inline void put_timestamp(const void *cell, uint8_t *at)
{
    bm__put64(at, (uint64_t)(bm__load_int(cell, 8) - EPOCH_USECS));
}

BM__CHECKED_CODEC(date, 4, check_date, put_date);
BM__CHECKED_CODEC(time, 8, check_time, put_time);
BM__CHECKED_CODEC(timestamp, 8, check_timestamp, put_timestamp);

/* ---- decode */

const char *bm__read_date(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 4) {
        return "not a date";
    }
    int32_t days = (int32_t)bm__get32(data);
    if (days == INT32_MIN || days == INT32_MAX) {
        return no_infinity;
    }
    if (days < DATE_FIRST || days > DATE_LAST) {
        return range_date;
    }
    days += EPOCH_DAYS;
    memcpy(member, &days, sizeof days);
    return NULL;
}

const char *bm__read_time(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 8) {
        return "not a time";
    }
    int64_t usecs = (int64_t)bm__get64(data);
    if (usecs < 0 || usecs > DAY_USECS) {
        return range_time;
    }
    memcpy(member, &usecs, sizeof usecs);
    return NULL;
}

/* The server's last 30 years before its limit, which are in the year 294247 and later, are no int64
 * since 1970. */
const char *bm__read_timestamp(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                               void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 8) {
        return "not a timestamp";
    }
    int64_t usecs = (int64_t)bm__get64(data);
    if (usecs == INT64_MIN || usecs == INT64_MAX) {
        return no_infinity;
    }
    if (usecs < TIMESTAMP_FIRST || usecs > INT64_MAX - EPOCH_USECS) {
        return range_timestamp;
    }
    usecs += EPOCH_USECS;
    memcpy(member, &usecs, sizeof usecs);
    return NULL;
}

/* ---- as text: ISO 8601 with as many digits of a year as it has, "BC" behind */

/* Year (astronomical: 0 is 1 BC), month and day of a day since 1970, proleptic Gregorian.  The
 * calendar is cut into eras of 400 years, which begin on a first of March. */
static void split_days(int64_t days, int64_t *year, int *month, int *day)
{
    const int64_t era_days = 146097;
    int64_t since = days + 719468; /* since 0000-03-01 */
    int64_t era = (since >= 0 ? since : since - (era_days - 1)) / era_days;
    int64_t of_era = since - era * era_days;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / (era_days - 1)) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static size_t put_day_text(int64_t days, char *out, size_t room, const char **era)
{
    int64_t year;
    int month;
    int day;
    split_days(days, &year, &month, &day);
    *era = year > 0 ? "" : " BC";
    long long shown = year > 0 ? year : 1 - year;
    return (size_t)snprintf(out, room, "%04lld-%02d-%02d", shown, month, day);
}

static size_t put_time_text(int64_t usecs, char *out, size_t room)
{
    int64_t seconds = usecs / 1000000;
    return (size_t)snprintf(out, room, "%02d:%02d:%02d.%06d", (int)(seconds / 3600),
                            (int)(seconds / 60 % 60), (int)(seconds % 60), (int)(usecs % 1000000));
}

size_t bm__datetime_literal(bm_type type, const void *cell, char out[BM__LITERAL_MAX])
{
    const char *era = "";
    size_t size = 0;
    int64_t value = bm__load_int(cell, type == BM_DATE ? 4 : 8);
    if (type == BM_DATE) {
        size = put_day_text(value, out, BM__LITERAL_MAX, &era);
    } else if (type == BM_TIME) {
        size = put_time_text(value, out, BM__LITERAL_MAX);
    } else {
        int64_t rest = value % DAY_USECS;
        rest += rest < 0 ? DAY_USECS : 0;
        size = put_day_text((value - rest) / DAY_USECS, out, BM__LITERAL_MAX, &era);
        out[size++] = ' ';
        size += put_time_text(rest, out + size, BM__LITERAL_MAX - size);
        if (type == BM_TIMESTAMPTZ) {
            memcpy(out + size, "+00", 3);
            size += 3;
        }
    }
    memcpy(out + size, era, strlen(era) + 1);
    return size + strlen(era);
}
