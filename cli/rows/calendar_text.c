#include "calendar_text.h"

#include <stdio.h>

/* A text that is read from the left. */
typedef struct reading {
    const char *at;
    const char *end;
} reading;

static bool take(reading *r, char c)
{
    bool there = r->at < r->end && *r->at == c;
    r->at += there;
    return there;
}

/* Exactly n digits. */
static bool number(reading *r, size_t n, unsigned *out)
{
    if ((size_t)(r->end - r->at) < n) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(unsigned char)r->at[i] - '0';
        if (digit > 9) {
            return false;
        }
        *out = *out * 10 + digit;
    }
    r->at += n;
    return true;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days before the first of March of a year that begins in March: leap days come last. */
static int32_t to_days(unsigned year, unsigned month, unsigned day)
{
    int32_t y = (int32_t)year - (month < 3);
    int32_t m = ((int32_t)month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + (int32_t)day - 1 - 719468;
}

static bool date(reading *r, int32_t *days)
{
    unsigned year;
    unsigned month;
    unsigned day;
    if (!number(r, 4, &year) || !take(r, '-') || !number(r, 2, &month) || !take(r, '-') ||
        !number(r, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
        return false;
    }
    *days = to_days(year, month, day);
    return true;
}

/* 1 to 6 digits behind the point. */
static bool fraction(reading *r, unsigned *usecs)
{
    unsigned scale = 100000;
    unsigned digit;
    *usecs = 0;
    for (unsigned n = 0; n < 6 && number(r, 1, &digit); n++, scale /= 10) {
        *usecs += digit * scale;
    }
    return scale != 100000;
}

static bool time_of_day(reading *r, int64_t *usecs)
{
    unsigned hour;
    unsigned minute;
    unsigned second = 0;
    unsigned part = 0;
    if (!number(r, 2, &hour) || !take(r, ':') || !number(r, 2, &minute)) {
        return false;
    }
    if (take(r, ':') && (!number(r, 2, &second) || (take(r, '.') && !fraction(r, &part)))) {
        return false;
    }
    bool midnight = hour == 24 && minute == 0 && second == 0 && part == 0;
    if ((hour > 23 && !midnight) || minute > 59 || second > 59) {
        return false;
    }
    *usecs = ((int64_t)hour * 3600 + minute * 60 + second) * 1000000 + part;
    return true;
}

static bool offset(reading *r, int64_t *usecs, cli_zone *zone)
{
    unsigned hour;
    unsigned minute = 0;
    *usecs = 0;
    *zone = r->at < r->end ? CLI_ZONE_GIVEN : CLI_ZONE_NONE;
    if (r->at == r->end || take(r, 'Z') || take(r, 'z')) {
        return true;
    }
    bool west = *r->at == '-';
    if ((!take(r, '+') && !take(r, '-')) || !number(r, 2, &hour)) {
        return false;
    }
    bool colon = take(r, ':');
    if ((colon || r->at < r->end) && !number(r, 2, &minute)) {
        return false;
    }
    int64_t seconds = (int64_t)hour * 3600 + minute * 60;
    *usecs = (west ? -seconds : seconds) * 1000000;
    return hour < 24 && minute < 60;
}

bool cli_date_read(const char *text, size_t size, int32_t *days)
{
    reading r = {text, text + size};
    return date(&r, days) && r.at == r.end;
}

bool cli_time_read(const char *text, size_t size, int64_t *usecs)
{
    reading r = {text, text + size};
    return time_of_day(&r, usecs) && r.at == r.end;
}

bool cli_timestamp_read(const char *text, size_t size, int64_t *usecs, cli_zone *zone)
{
    reading r = {text, text + size};
    int32_t days;
    int64_t time = 0;
    int64_t east = 0;
    *zone = CLI_ZONE_NONE;
    if (!date(&r, &days)) {
        return false;
    }
    if (r.at < r.end) {
        bool there = take(&r, 'T') || take(&r, ' ') || take(&r, 't');
        if (!there || !time_of_day(&r, &time)) {
            return false;
        }
        (void)take(&r, ' ');
        if (!offset(&r, &east, zone)) {
            return false;
        }
    }
    *usecs = days * CLI_USECS_PER_DAY + time - east;
    return r.at == r.end;
}

size_t cli_date_write(int32_t days, char out[48])
{
    int32_t z = days + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    int32_t of_era = z - era * 146097;
    int32_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int32_t m = (5 * of_year + 2) / 153;
    int32_t day = of_year - (153 * m + 2) / 5 + 1;
    int32_t month = m < 10 ? m + 3 : m - 9;
    int32_t year = y + era * 400 + (month < 3);
    if (year < 1 || year > 9999) {
        return 0;
    }
    return (size_t)snprintf(out, 48, "%04d-%02d-%02d", year, month, day);
}

size_t cli_time_write(int64_t usecs, char out[48])
{
    int64_t seconds = usecs / 1000000;
    int part = (int)(usecs % 1000000);
    int n = snprintf(out, 48, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                     (int)(seconds % 60));
    if (part != 0) {
        n += snprintf(out + n, 48 - (size_t)n, ".%06d", part);
    }
    return (size_t)n;
}

size_t cli_timestamp_write(int64_t usecs, bool utc, char out[48])
{
    int64_t days = usecs / CLI_USECS_PER_DAY;
    int64_t time = usecs % CLI_USECS_PER_DAY;
    if (time < 0) {
        days--;
        time += CLI_USECS_PER_DAY;
    }
    if (days < -800000 || days > 3000000) {
        return 0;
    }
    size_t n = cli_date_write((int32_t)days, out);
    if (n == 0) {
        return 0;
    }
    char clock[48];
    cli_time_write(time, clock);
    return n + (size_t)snprintf(out + n, 48 - n, " %s%s", clock, utc ? "+00" : "");
}
