#include "date_format.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIRECTIVES "YymdebBhaAjHIMSfpzZ"
#define USECS_PER_DAY INT64_C(86400000000)

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* What strptime defines by other directives. */
static const struct {
    char directive;
    const char *text;
} shorthands[] = {{'F', "%Y-%m-%d"}, {'D', "%m/%d/%y"}, {'T', "%H:%M:%S"}, {'R', "%H:%M"}};

/* ---- the format */

static bm_status add_pieces(const char *text, cli_date_format *out, bm_error *err)
{
    for (; *text != '\0'; text++) {
        if (out->n == CLI_DATE_PIECES) {
            return cli_fail(err, BM_INVALID, "--date-format: \"%s\" is too long", out->text);
        }
        if (*text != '%' || text[1] == '%') {
            text += *text == '%';
            out->pieces[out->n++] = *text;
            continue;
        }
        text++;
        bool expanded = false;
        for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++) {
            if (*text == shorthands[i].directive) {
                CLI_TRY(add_pieces(shorthands[i].text, out, err));
                expanded = true;
            }
        }
        if (!expanded && (*text == '\0' || strchr(DIRECTIVES, *text) == NULL)) {
            return cli_fail(err, BM_INVALID,
                            "--date-format: \"%s\" has %%%.1s, which is not known: expected one of "
                            "%%Y %%y %%m %%d %%e %%b %%B %%a %%A %%j %%H %%I %%p %%M %%S %%f %%z "
                            "%%Z %%F %%T %%R %%D %%%%",
                            out->text, text);
        }
        if (!expanded) {
            out->kinds[out->n++] = *text;
        }
    }
    return BM_OK;
}

/* How many pieces are one of these directives. */
static size_t count(const cli_date_format *format, const char *directives)
{
    size_t n = 0;
    for (size_t i = 0; i < format->n; i++) {
        n += format->kinds[i] != '\0' && strchr(directives, format->kinds[i]) != NULL;
    }
    return n;
}

/* The parts must define one date, or one time, or both. */
static const char *parts_fault(const cli_date_format *format)
{
    static const char *const once[] = {"Yy", "mbBhj", "dej", "aA", "HI", "M", "S", "f", "p", "zZ"};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        if (count(format, once[i]) > 1) {
            return "names a part of the date or time twice";
        }
    }
    const size_t date = count(format, "Yy") + count(format, "mbBhj") + count(format, "dej");
    if (date != 0 && date != 3) {
        return "lacks a part of the date: expected year, month and day, as in %d.%m.%Y";
    }
    if (date == 0 && count(format, "aAzZ") > 0) {
        return "has a weekday or a UTC offset, but no date";
    }
    if (count(format, "p") != count(format, "I")) {
        return "needs %I and %p together, as in %I:%M %p, or %H for hours from 0 to 23";
    }
    if (count(format, "M") > count(format, "HI") || count(format, "S") > count(format, "M") ||
        count(format, "f") > count(format, "S") || count(format, "zZ") > count(format, "HI")) {
        return "lacks a part of the time: expected for example %H:%M:%S";
    }
    return date + count(format, "HI") == 0 ? "has neither a date nor a time" : NULL;
}

bm_status cli_date_format_make(const char *text, cli_date_format *out, bm_error *err)
{
    static const struct {
        const char *word;
        int digits;
    } epochs[] = {{"epoch", 6}, {"epoch-s", 6}, {"epoch-ms", 3}, {"epoch-us", 0}, {"epoch-ns", -3}};
    *out = (cli_date_format){.text = text};
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        if (strcmp(text, epochs[i].word) == 0) {
            out->is_epoch = out->has_date = out->has_time = true;
            out->epoch_digits = epochs[i].digits;
            return BM_OK;
        }
    }
    CLI_TRY(add_pieces(text, out, err));
    const char *fault = parts_fault(out);
    if (fault != NULL) {
        return cli_fail(err, BM_INVALID, "--date-format: \"%s\" %s", text, fault);
    }
    out->has_date = count(out, "Yy") > 0;
    out->has_time = count(out, "HI") > 0;
    out->has_zone = count(out, "zZ") > 0;
    return BM_OK;
}

/* ---- a cell */

typedef struct moment {
    int year, month, day, day_of_year, weekday; /* 0, weekday -1: not given */
    int hour, minute, second, fraction;
    bool afternoon, half_days;
    bool west;
    int offset; /* minutes */
} moment;

typedef struct cursor {
    const char *start;
    const char *at;
    const char *end;
    char *words;
    size_t words_size;
    const char *format;
} cursor;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What is at the cursor, without the value. */
static const char *found(const cursor *c, char sign[4])
{
    if (c->at == c->end) {
        return "the end of the cell";
    }
    if (is_digit(*c->at) || is_letter(*c->at) || is_blank(*c->at)) {
        return is_digit(*c->at) ? "a digit" : is_letter(*c->at) ? "a letter" : "a blank";
    }
    snprintf(sign, 4, "\"%c\"", *c->at);
    return sign;
}

static bool mismatch(const cursor *c, const char *expected)
{
    char sign[4];
    snprintf(c->words, c->words_size,
             "does not match --date-format \"%s\": expected %s at character %zu, found %s",
             c->format, expected, (size_t)(c->at - c->start) + 1, found(c, sign));
    return false;
}

static bool wrong(const cursor *c, const char *what)
{
    snprintf(c->words, c->words_size, "does not match --date-format \"%s\": %s", c->format, what);
    return false;
}

/* A number of `least` to `most` digits. */
static bool take_number(cursor *c, int least, int most, const char *name, int *out)
{
    int n = 0;
    for (*out = 0; n < most && c->at < c->end && is_digit(*c->at); n++) {
        *out = *out * 10 + (*c->at++ - '0');
    }
    return n >= least || mismatch(c, name);
}

static bool take_ranged(cursor *c, int least, int low, int high, const char *name, int *out)
{
    char what[64];
    if (!take_number(c, least, 2, name, out)) {
        return false;
    }
    snprintf(what, sizeof what, "%s is not between %d and %d", name, low, high);
    return (*out >= low && *out <= high) || wrong(c, what);
}

/* An English name, or its first three letters, in any case. */
static bool take_word(cursor *c, const char *const *names, int n, const char *what, int *out)
{
    const char *end = c->at;
    while (end < c->end && is_letter(*end)) {
        end++;
    }
    const size_t size = (size_t)(end - c->at);
    for (int i = 0; i < n; i++) {
        if ((size == 3 || size == strlen(names[i])) && strncasecmp(c->at, names[i], size) == 0) {
            c->at = end;
            *out = i;
            return true;
        }
    }
    return mismatch(c, what);
}

/* Up to nine digits; what is less than a microsecond must be 0. */
static bool take_fraction(cursor *c, moment *to)
{
    int scale = 100000;
    int n = 0;
    for (; n < 9 && c->at < c->end && is_digit(*c->at); n++, c->at++) {
        if (scale == 0 && *c->at != '0') {
            return wrong(c, "its fraction of a second is finer than microseconds");
        }
        to->fraction += (*c->at - '0') * scale;
        scale /= 10;
    }
    return n > 0 || mismatch(c, "digits of a second's fraction");
}

/* "+0100", "+01:00", "+01" or "Z"; %Z: only names that mean UTC everywhere. */
static bool take_zone(cursor *c, bool named, moment *to)
{
    static const char *const names[] = {"UTC", "GMT", "Z"};
    int hours, minutes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t size = strlen(names[i]);
        const size_t left = (size_t)(c->end - c->at);
        if ((named || i == 2) && left >= size && strncasecmp(c->at, names[i], size) == 0 &&
            (left == size || !is_letter(c->at[size]))) {
            c->at += size;
            return true;
        }
    }
    if (named || c->at == c->end || (*c->at != '+' && *c->at != '-')) {
        return mismatch(c, named ? "UTC, GMT or Z" : "a UTC offset as +01:00");
    }
    to->west = *c->at++ == '-';
    if (!take_number(c, 2, 2, "hours of the UTC offset", &hours)) {
        return false;
    }
    const bool colon = c->at < c->end && *c->at == ':';
    c->at += colon;
    if ((colon || (c->at < c->end && is_digit(*c->at))) &&
        !take_ranged(c, 2, 0, 59, "minute of the UTC offset", &minutes)) {
        return false;
    }
    to->offset = hours * 60 + minutes;
    return hours < 16 || wrong(c, "the UTC offset is not less than 16 hours");
}

static bool take_half(cursor *c, moment *to)
{
    if (c->end - c->at < 2 || (c->at[1] | 0x20) != 'm' ||
        ((c->at[0] | 0x20) != 'a' && (c->at[0] | 0x20) != 'p')) {
        return mismatch(c, "AM or PM");
    }
    to->half_days = true;
    to->afternoon = (c->at[0] | 0x20) == 'p';
    c->at += 2;
    return true;
}

/* The year of two digits is that of POSIX and Python: 69 to 99 are 1969 to 1999. */
static bool take_year(cursor *c, bool whole, moment *to)
{
    if (whole) {
        return take_number(c, 4, 4, "a year of four digits", &to->year) &&
               (to->year > 0 || wrong(c, "there is no year 0"));
    }
    if (!take_number(c, 2, 2, "a year of two digits", &to->year)) {
        return false;
    }
    to->year += to->year >= 69 ? 1900 : 2000;
    return true;
}

static bool take_date_part(cursor *c, char directive, int least, moment *to)
{
    switch (directive) {
    case 'Y':
    case 'y':
        return take_year(c, directive == 'Y', to);
    case 'm':
        return take_ranged(c, least, 1, 12, "month", &to->month);
    case 'e':
        c->at += c->at < c->end && *c->at == ' ';
        return take_ranged(c, 1, 1, 31, "day", &to->day);
    case 'd':
        return take_ranged(c, least, 1, 31, "day", &to->day);
    case 'j':
        return take_number(c, 3, 3, "a day of the year, as 001", &to->day_of_year) &&
               (to->day_of_year > 0 || wrong(c, "day of the year is not between 1 and 366"));
    case 'a':
    case 'A':
        return take_word(c, weekdays, 7, "an English weekday", &to->weekday);
    default:
        if (!take_word(c, months, 12, "an English name of a month", &to->month)) {
            return false;
        }
        to->month++;
        return true;
    }
}

static bool take_part(cursor *c, char directive, int least, moment *to)
{
    switch (directive) {
    case 'H':
        return take_ranged(c, least, 0, 23, "hour", &to->hour);
    case 'I':
        return take_ranged(c, least, 1, 12, "hour", &to->hour);
    case 'M':
        return take_ranged(c, least, 0, 59, "minute", &to->minute);
    case 'S':
        return take_ranged(c, least, 0, 59, "second", &to->second);
    case 'f':
        return take_fraction(c, to);
    case 'p':
        return take_half(c, to);
    case 'z':
    case 'Z':
        return take_zone(c, directive == 'Z', to);
    default:
        return take_date_part(c, directive, least, to);
    }
}

static bool take_literal(cursor *c, char literal)
{
    char expected[16];
    if (c->at < c->end && *c->at == literal) {
        c->at++;
        return true;
    }
    snprintf(expected, sizeof expected, "\"%c\"", literal);
    return mismatch(c, (unsigned char)literal < 0x80 ? expected : "the character of the format");
}

/* A blank of the format is one or more blanks of the cell. */
static bool take_blanks(cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && is_blank(*c->at)) {
        c->at++;
    }
    return c->at > start || mismatch(c, "a blank");
}

/* A number directly before another has all its digits, else the first may lack its zero. */
static bool take_pieces(const cli_date_format *format, cursor *c, moment *to)
{
    for (size_t i = 0; i < format->n; i++) {
        const char kind = format->kinds[i];
        const char literal = format->pieces[i];
        const char next = i + 1 < format->n ? format->kinds[i + 1] : '\0';
        const char before = i > 0 ? format->kinds[i - 1] : '\0';
        const bool dense = (next != '\0' && strchr("YymdejHIMSf", next) != NULL) ||
                           (before != '\0' && strchr("YymdejHIMS", before) != NULL);
        if (kind == '\0' && is_blank(literal)) {
            const bool again = i > 0 && before == '\0' && is_blank(format->pieces[i - 1]);
            if (!again && !take_blanks(c)) {
                return false;
            }
        } else if (!(kind == '\0' ? take_literal(c, literal)
                                  : take_part(c, kind, dense ? 2 : 1, to))) {
            return false;
        }
    }
    return c->at == c->end || mismatch(c, "the end of the cell");
}

static int month_days(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

/* 0: Sunday.  Zeller's congruence, in the form of Sakamoto. */
static int weekday_of(const moment *m)
{
    static const int shifts[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    const int year = m->year - (m->month < 3);
    return (year + year / 4 - year / 100 + year / 400 + shifts[m->month - 1] + m->day) % 7;
}

static bool check_date(const cursor *c, moment *m)
{
    if (m->day_of_year > 0) {
        m->day = m->day_of_year;
        for (m->month = 1; m->month < 12 && m->day > month_days(m->year, m->month); m->month++) {
            m->day -= month_days(m->year, m->month);
        }
    }
    if (m->day > month_days(m->year, m->month)) {
        return wrong(c, "the calendar has no such day");
    }
    return m->weekday < 0 || m->weekday == weekday_of(m) ||
           wrong(c, "the weekday is not that of the date");
}

static size_t put_moment(const cli_date_format *format, bm_type type, const moment *m,
                         char out[CLI_DATE_TEXT])
{
    int n = 0;
    int hour = m->half_days ? m->hour % 12 + (m->afternoon ? 12 : 0) : m->hour;
    if (type != BM_TIME) {
        n += snprintf(out, CLI_DATE_TEXT, "%04d-%02d-%02d", m->year, m->month, m->day);
    }
    if (type != BM_DATE && (format->has_time || type == BM_TIME)) {
        n += snprintf(out + n, (size_t)(CLI_DATE_TEXT - n), "%s%02d:%02d:%02d.%06d",
                      n > 0 ? " " : "", hour, m->minute, m->second, m->fraction);
    }
    if (format->has_zone) {
        n += snprintf(out + n, (size_t)(CLI_DATE_TEXT - n), "%c%02d:%02d", m->west ? '-' : '+',
                      m->offset / 60, m->offset % 60);
    }
    return (size_t)n;
}

/* ---- numbers since 1970 */

/* Microseconds: `digits` digits of a unit after the point count, what follows them must be 0. */
static bool take_epoch(cursor *c, int digits, int64_t *usecs)
{
    const bool negative = c->at < c->end && *c->at == '-';
    c->at += negative || (c->at < c->end && *c->at == '+');
    const char *integer = c->at;
    while (c->at < c->end && is_digit(*c->at)) {
        c->at++;
    }
    const long n_integer = c->at - integer;
    const char *fraction = c->at + 1;
    long n_fraction = 0;
    if (n_integer > 0 && c->at < c->end && *c->at == '.') {
        for (c->at++; c->at < c->end && is_digit(*c->at); c->at++) {
            n_fraction++;
        }
    }
    if (n_integer == 0 || c->at != c->end) {
        return mismatch(c, n_integer == 0 ? "a digit" : "only digits");
    }
    *usecs = 0;
    for (long i = 0; i < n_integer + n_fraction || i < n_integer + digits; i++) {
        const bool past = i >= n_integer + n_fraction;
        const int digit = past ? 0 : (i < n_integer ? integer[i] : fraction[i - n_integer]) - '0';
        if (i >= n_integer + digits) {
            if (digit != 0) {
                return wrong(c, "it is finer than microseconds");
            }
        } else if (__builtin_mul_overflow(*usecs, INT64_C(10), usecs) ||
                   __builtin_add_overflow(*usecs, (int64_t)digit, usecs)) {
            return wrong(c, "it is out of range");
        }
    }
    *usecs = negative ? -*usecs : *usecs;
    return true;
}

static size_t read_epoch(const cli_date_format *format, bm_type type, cursor *c,
                         char out[CLI_DATE_TEXT])
{
    const int64_t first = INT64_C(-62135596800000000); /* 0001-01-01 */
    const int64_t end = INT64_C(253402300800000000);   /* 10000-01-01 */
    int64_t usecs;
    size_t size = 0;
    bm_error err = BM_ERROR;
    if (!take_epoch(c, format->epoch_digits, &usecs)) {
        return 0;
    }
    if (usecs < first || usecs >= end) {
        (void)wrong(c, "it is before the year 1 or after the year 9999: is it in another unit (s, "
                       "ms, us, ns)?");
        return 0;
    }
    int64_t rest = usecs % USECS_PER_DAY;
    if (type == BM_DATE && rest != 0) {
        (void)wrong(c, "it has a time of day, but its column is a date");
        return 0;
    }
    const int32_t days = (int32_t)(usecs / USECS_PER_DAY);
    const void *value = type == BM_DATE ? (const void *)&days : (const void *)&usecs;
    return bm_value_print(type, value, out, CLI_DATE_TEXT, &size, &err) == BM_OK ? size : 0;
}

size_t cli_date_format_read(const cli_date_format *format, bm_type type, bm_slice cell,
                            char out[CLI_DATE_TEXT], char *words, size_t words_size)
{
    const char *at = cell.data;
    const char *end = at + cell.size;
    moment m = {.weekday = -1};
    while (at < end && is_blank(*at)) {
        at++;
    }
    while (end > at && is_blank(end[-1])) {
        end--;
    }
    cursor c = {cell.data, at, end, words, words_size, format->text};
    if (format->is_epoch) {
        return read_epoch(format, type, &c, out);
    }
    if (!take_pieces(format, &c, &m) || (format->has_date && !check_date(&c, &m))) {
        return 0;
    }
    return put_moment(format, type, &m, out);
}
