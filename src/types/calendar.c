/* Dates are counted from 0000-03-01, so that the leap day is the last of its year and the lengths
 * of the months repeat every five: (153 * m + 2) / 5 days stand before month m. */
#include "calendar.h"

#include <string.h>

#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define ERA_DAYS 146097     /* of 400 years */
#define USECS_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY 86400

static char *put2(char *out, uint32_t n)
{
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
    return out + 2;
}

/* Years are counted in eras of 400, which begin on a first of March; year 0 is 1 BC.  Returns what
 * to write behind it all: "" or " BC". */
static char *put_date(char *out, int64_t days, const char **era)
{
    int64_t since = days + DAYS_TO_1970;
    int64_t n_era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
    uint32_t quarters = 4 * (uint32_t)(since - n_era * ERA_DAYS) + 3;
    uint32_t century = quarters / ERA_DAYS;
    uint32_t in_century = quarters % ERA_DAYS / 4 * 4 + 3;
    uint32_t day_of_year = in_century % 1461 / 4;
    uint32_t month = (5 * day_of_year + 2) / 153;
    uint32_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t year = 400 * n_era + 100 * century + in_century / 1461 + (month >= 10);
    *era = year > 0 ? "" : " BC";
    uint32_t shown = (uint32_t)(year > 0 ? year : 1 - year);
    if (shown >= 10000) {
        uint32_t scale = shown >= 1000000 ? 1000000 : shown >= 100000 ? 100000 : 10000;
        for (; scale >= 10000; scale /= 10) {
            *out++ = (char)('0' + shown / scale % 10);
        }
    }
    out = put2(put2(out, shown / 100 % 100), shown % 100);
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

static size_t finish(const char *begin, char *end, const char *more)
{
    size_t size = strlen(more);
    memcpy(end, more, size + 1);
    return (size_t)(end - begin) + size;
}

size_t bm__date_text(int32_t days, char out[BM__TEXT_MAX])
{
    const char *era;
    char *end = put_date(out, days, &era);
    return finish(out, end, era);
}

size_t bm__time_text(int64_t usecs, char out[BM__TEXT_MAX])
{
    return finish(out, put_time(out, usecs), "");
}

size_t bm__timestamp_text(int64_t usecs, bool utc, char out[BM__TEXT_MAX])
{
    const char *era;
    int64_t days = usecs / BM__USECS_PER_DAY;
    int64_t rest = usecs % BM__USECS_PER_DAY;
    if (rest < 0) {
        rest += BM__USECS_PER_DAY;
        days--;
    }
    char *end = put_date(out, days, &era);
    *end++ = ' ';
    end = put_time(end, rest);
    if (utc) {
        memcpy(end, "+00", 3);
        end += 3;
    }
    return finish(out, end, era);
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

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* A year's four digits, or more. */
static bool take_year(cursor *c, int32_t *year)
{
    int32_t digit;
    if (!take_number(c, 4, year)) {
        return false;
    }
    for (int more = 0; more < 3 && take_number(c, 1, &digit); more++) {
        *year = *year * 10 + digit;
    }
    return *year >= 1;
}

/* " BC" at the end of the text is taken off it. */
static bool is_before_christ(cursor *c)
{
    bool before = c->end - c->at >= 3 && memcmp(c->end - 3, " BC", 3) == 0;
    c->end -= before ? 3 : 0;
    return before;
}

static bool take_date(cursor *c, bool before_christ, int64_t *days)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t shown, month, day;
    if (!take_year(c, &shown) || !take(c, '-') || !take_number(c, 2, &month) || !take(c, '-') ||
        !take_number(c, 2, &day)) {
        return false;
    }
    int64_t year = before_christ ? 1 - shown : shown;
    if (month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && is_leap(year))) {
        return false;
    }
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    *days = era * ERA_DAYS + 365 * of_era + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day -
            1 - DAYS_TO_1970;
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
    int32_t hour, minute;
    int32_t second = 0;
    int32_t fraction = 0;
    if (!take_number(c, 2, &hour) || !take(c, ':') || !take_number(c, 2, &minute)) {
        return false;
    }
    if (take(c, ':') &&
        (!take_number(c, 2, &second) || (take(c, '.') && !take_fraction(c, &fraction)))) {
        return false;
    }
    if (hour > 24 || minute > 59 || second > 59) {
        return false;
    }
    *usecs = (hour * 3600 + minute * 60 + second) * USECS_PER_SECOND + fraction;
    return *usecs <= BM__USECS_PER_DAY;
}

/* "Z", or a sign with hh, hhmm, hh:mm or hh:mm:ss, behind a blank or not; nothing is no offset. */
static bool take_offset(cursor *c, int64_t *usecs)
{
    *usecs = 0;
    if (c->at == c->end) {
        return true;
    }
    (void)take(c, ' ');
    if (take(c, 'Z') || take(c, 'z')) {
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
    bool colon = take(c, ':');
    if ((colon || c->at < c->end) && !take_number(c, 2, &minute)) {
        return false;
    }
    if (colon && take(c, ':') && !take_number(c, 2, &second)) {
        return false;
    }
    int32_t seconds = hour * 3600 + minute * 60 + second;
    *usecs = (west ? -seconds : seconds) * USECS_PER_SECOND;
    return minute < 60 && second < 60 && seconds < SECONDS_PER_DAY;
}

bool bm__date_read(const char *text, size_t size, int32_t *days)
{
    cursor c = {text, text + size};
    int64_t read;
    bool before_christ = is_before_christ(&c);
    if (!take_date(&c, before_christ, &read) || c.at != c.end || read > INT32_MAX) {
        return false;
    }
    *days = (int32_t)read;
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

bool bm__timestamp_read(const char *text, size_t size, int64_t *usecs, bool *has_offset)
{
    cursor c = {text, text + size};
    int64_t days;
    int64_t time = 0;
    int64_t offset = 0;
    int64_t read;
    bool before_christ = is_before_christ(&c);
    if (!take_date(&c, before_christ, &days)) {
        return false;
    }
    if (c.at < c.end) {
        if ((!take(&c, ' ') && !take(&c, 'T') && !take(&c, 't')) || !take_time(&c, &time)) {
            return false;
        }
    }
    const bool zoned = c.at < c.end;
    if (!take_offset(&c, &offset) || c.at != c.end ||
        __builtin_mul_overflow(days, BM__USECS_PER_DAY, &read) ||
        __builtin_add_overflow(read, time - offset, &read)) {
        return false;
    }
    *usecs = read;
    *has_offset = zoned;
    return true;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    size_t i = 0;
    while (i < size && word[i] != '\0' && (text[i] == word[i] || text[i] == word[i] - 'a' + 'A')) {
        i++;
    }
    return i == size && word[i] == '\0';
}

int bm__infinity_read(bm_slice text)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    bool found = is_word(text.data + negative, text.size - negative, "infinity");
    return !found ? 0 : negative ? -1 : 1;
}

void bm__infinity_put(bm__sink *out, bool positive)
{
    const char *text = positive ? "infinity" : "-infinity";
    bm__put(out, text, strlen(text));
}

/* Digits, a separator, digits, a separator, digits: a date in some other order, unless the year is
 * first. */
static bool is_other_date(const char *text, size_t size)
{
    size_t groups = 0;
    size_t first = 0;
    while (first < size && text[first] >= '0' && text[first] <= '9') {
        first++;
    }
    if (first >= 4) {
        return false;
    }
    for (size_t i = 0; i < size && groups < 3; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool more = i + 1 < size && text[i + 1] >= '0' && text[i + 1] <= '9';
        if (digit && !more) {
            groups++;
            if (groups < 3 &&
                (i + 1 == size || text[i + 1] == '\0' || strchr("./-", text[i + 1]) == NULL)) {
                return false;
            }
        }
    }
    return groups == 3;
}

const char *bm__calendar_fault(const char *text, size_t size, const char *form, const char *other)
{
    if (size >= 10 && text[4] == '-' && text[7] == '-') {
        return other;
    }
    return is_other_date(text, size) ? "has its date in another order: expected YYYY-MM-DD" : form;
}
