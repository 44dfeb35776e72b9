/* Dates as text, by counting: years and months are taken off one by one. */
#include "values.h"

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* `year` is 0 for 1 BC. */
static void count_days(int64_t days, int64_t *year, int *month, int *day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t since_2000 = days - 10957; /* 30 years, 7 of them leap years */
    int64_t cycles = since_2000 / 146097;
    int64_t left = since_2000 % 146097;
    if (left < 0) {
        left += 146097;
        cycles--;
    }
    int64_t y = 2000 + 400 * cycles;
    while (left >= 365 + is_leap(y)) {
        left -= 365 + is_leap(y);
        y++;
    }
    int m = 0;
    while (left >= lengths[m] + (m == 1 && is_leap(y))) {
        left -= lengths[m] + (m == 1 && is_leap(y));
        m++;
    }
    *year = y;
    *month = m + 1;
    *day = (int)left + 1;
}

static const char *day_text(source *s, int64_t days, const char **era)
{
    int64_t year;
    int month, day;
    count_days(days, &year, &month, &day);
    *era = year <= 0 ? " BC" : "";
    return source_print(s, "%04lld-%02d-%02d", (long long)(year <= 0 ? 1 - year : year), month,
                        day);
}

const char *date_text(source *s, int64_t days)
{
    if (days == INT32_MIN || days == INT32_MAX) {
        return days < 0 ? "-infinity" : "infinity";
    }
    const char *era;
    const char *day = day_text(s, days, &era);
    return source_print(s, "%s%s", day, era);
}

const char *time_text(source *s, int64_t usecs)
{
    int fraction = (int)(usecs % 1000000);
    int seconds = (int)(usecs / 1000000);
    const char *clock =
        source_print(s, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    return fraction == 0 ? clock : source_print(s, "%s.%06d", clock, fraction);
}

const char *timestamp_text(source *s, int64_t usecs, const char *zone)
{
    if (usecs == INT64_MIN || usecs == INT64_MAX) {
        return usecs < 0 ? "-infinity" : "infinity";
    }
    int64_t days = usecs / DAY_USECS;
    int64_t rest = usecs % DAY_USECS;
    if (rest < 0) {
        rest += DAY_USECS;
        days--;
    }
    const char *era;
    const char *day = day_text(s, days, &era);
    return source_print(s, "%s %s%s%s", day, time_text(s, rest), zone, era);
}
