/* Dates are counted from 0000-03-01, so that the leap day is the last of its year and the lengths
 * of the months repeat every five: (153 * m + 2) / 5 days stand before month m. */
#include "calendar.h"

#include <string.h>

#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define USECS_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY 86400

static char *put2(char *out, uint32_t n)
{
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
    return out + 2;
}

static char *put_date(char *out, int32_t days)
{
    uint32_t quarters = 4 * (uint32_t)(days + DAYS_TO_1970) + 3;
    uint32_t century = quarters / 146097;
    uint32_t in_century = quarters % 146097 / 4 * 4 + 3;
    uint32_t day_of_year = in_century % 1461 / 4;
    uint32_t month = (5 * day_of_year + 2) / 153;
    uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;
    uint32_t year = 100 * century + in_century / 1461 + (month >= 10);
    out = put2(put2(out, year / 100), year % 100);
    *out++ = '-';
    out = put2(out, month >= 10 ? month - 9 : month + 3);
    *out++ = '-';
    return put2(out, day);
}

static char *put_time(char *out, int64_t usecs)
{
    uint32_t seconds = (uint32_t)(usecs / USECS_PER_SECOND);
    uint32_t fraction = (uint32_t)(usecs % USECS_PER_SECOND);
    out = put2(out, seconds / 3600);
    *out++ = ':';
    out = put2(out, seconds / 60 % 60);
    *out++ = ':';
    out = put2(out, seconds % 60);
    if (fraction != 0) {
        *out++ = '.';
        out = put2(put2(put2(out, fraction / 10000), fraction / 100 % 100), fraction % 100);
    }
    return out;
}

static size_t finish(const char *begin, char *end)
{
    *end = '\0';
    return (size_t)(end - begin);
}

size_t bm__date_text(int32_t days, char out[BM__TEXT_MAX])
{
    return finish(out, put_date(out, days));
}

size_t bm__time_text(int64_t usecs, char out[BM__TEXT_MAX])
{
    return finish(out, put_time(out, usecs));
}

size_t bm__timestamp_text(int64_t usecs, char out[BM__TEXT_MAX])
{
    int64_t days = usecs / BM__USECS_PER_DAY;
    int64_t rest = usecs % BM__USECS_PER_DAY;
    if (rest < 0) {
        rest += BM__USECS_PER_DAY;
        days--;
    }
    char *end = put_date(out, (int32_t)days);
    *end++ = ' ';
    return finish(out, put_time(end, rest));
}

size_t bm__uuid_text(const bm_uuid *uuid, bool dashes, char out[BM__TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    char *end = out;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) {
            *end++ = '-';
        }
        *end++ = digits[uuid->bytes[i] >> 4];
        *end++ = digits[uuid->bytes[i] & 15];
    }
    return finish(out, end);
}

/* Text that is being read.  Each function below takes its part off the front, or fails. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static bool take(cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted) {
        return false;
    }
    c->at++;
    return true;
}

/* Exactly `digits` decimal digits. */
static bool take_number(cursor *c, size_t digits, int32_t *out)
{
    if ((size_t)(c->end - c->at) < digits) {
        return false;
    }
    int32_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        char digit = c->at[i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        number = number * 10 + (digit - '0');
    }
    c->at += digits;
    *out = number;
    return true;
}

static bool take_date(cursor *c, int32_t *days)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t year, month, day;
    if (!take_number(c, 4, &year) || !take(c, '-') || !take_number(c, 2, &month) || !take(c, '-') ||
        !take_number(c, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && leap)) {
        return false;
    }
    int32_t y = month <= 2 ? year - 1 : year;
    int32_t m = month <= 2 ? month + 9 : month - 3;
    *days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - DAYS_TO_1970;
    return true;
}

/* What stands behind a point: 1 to 6 digits, in microseconds. */
static bool take_fraction(cursor *c, int32_t *usecs)
{
    int32_t scale = 100000;
    int32_t digit;
    *usecs = 0;
    if (!take_number(c, 1, &digit)) {
        return false;
    }
    do {
        *usecs += digit * scale;
        scale /= 10;
    } while (scale > 0 && take_number(c, 1, &digit));
    return true;
}

static bool take_time(cursor *c, int64_t *usecs)
{
    int32_t hour, minute, second;
    int32_t fraction = 0;
    if (!take_number(c, 2, &hour) || !take(c, ':') || !take_number(c, 2, &minute) ||
        !take(c, ':') || !take_number(c, 2, &second)) {
        return false;
    }
    if (take(c, '.') && !take_fraction(c, &fraction)) {
        return false;
    }
    if (hour > 24 || minute > 59 || second > 59) {
        return false;
    }
    *usecs = (hour * 3600 + minute * 60 + second) * USECS_PER_SECOND + fraction;
    return *usecs <= BM__USECS_PER_DAY;
}

/* "Z", or a sign with hh, hh:mm or hh:mm:ss; nothing is no offset. */
static bool take_offset(cursor *c, int64_t *usecs)
{
    *usecs = 0;
    if (c->at == c->end || take(c, 'Z')) {
        return true;
    }
    bool west = take(c, '-');
    if (!west && !take(c, '+')) {
        return false;
    }
    int32_t hour;
    int32_t minute = 0;
    int32_t second = 0;
    if (!take_number(c, 2, &hour)) {
        return false;
    }
    if (take(c, ':')) {
        if (!take_number(c, 2, &minute) || (take(c, ':') && !take_number(c, 2, &second))) {
            return false;
        }
    }
    int32_t seconds = hour * 3600 + minute * 60 + second;
    *usecs = (west ? -seconds : seconds) * USECS_PER_SECOND;
    return minute < 60 && second < 60 && seconds < SECONDS_PER_DAY;
}

bool bm__date_read(const char *text, size_t size, int32_t *days)
{
    cursor c = {text, text + size};
    int32_t read;
    if (!take_date(&c, &read) || c.at != c.end) {
        return false;
    }
    *days = read;
    return true;
}

bool bm__time_read(const char *text, size_t size, int64_t *usecs)
{
    cursor c = {text, text + size};
    int64_t read;
    if (!take_time(&c, &read) || c.at != c.end) {
        return false;
    }
    *usecs = read;
    return true;
}

bool bm__timestamp_read(const char *text, size_t size, int64_t *usecs)
{
    cursor c = {text, text + size};
    int32_t days;
    int64_t time;
    int64_t offset;
    if (!take_date(&c, &days) || (!take(&c, ' ') && !take(&c, 'T')) || !take_time(&c, &time) ||
        time == BM__USECS_PER_DAY || !take_offset(&c, &offset) || c.at != c.end) {
        return false;
    }
    int64_t read = days * BM__USECS_PER_DAY + time - offset;
    if (read < BM__DATE_MIN * BM__USECS_PER_DAY || read >= (BM__DATE_MAX + 1) * BM__USECS_PER_DAY) {
        return false;
    }
    *usecs = read;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bm__uuid_read(const char *text, size_t size, bm_uuid *uuid)
{
    if (size != 32 && size != 36) {
        return false;
    }
    cursor c = {text, text + size};
    bm_uuid read;
    for (size_t i = 0; i < sizeof read.bytes; i++) {
        if (size == 36 && (i == 4 || i == 6 || i == 8 || i == 10) && !take(&c, '-')) {
            return false;
        }
        int high = hex_digit(c.at[0]);
        int low = hex_digit(c.at[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        read.bytes[i] = (uint8_t)(high << 4 | low);
        c.at += 2;
    }
    *uuid = read;
    return true;
}
