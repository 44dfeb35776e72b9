/*
 * interval: src/backend/utils/adt/timestamp.c.  Months, days and microseconds stay what they are: a
 * month has no fixed number of days, nor a day of hours.  Binary: microseconds (int8), days (int4),
 * months (int4).
 */
#include "codec.h"

#include "number.h"

#include <stdio.h>

#define USECS_PER_SECOND INT64_C(1000000)
#define USECS_PER_HOUR (3600 * USECS_PER_SECOND)
#define USECS_PER_DAY (24 * USECS_PER_HOUR)
#define DAYS_PER_MONTH 30 /* to compare only: interval_cmp_value */

static const char not_an_interval[] =
    "is not an interval: expected for example 1 day 02:03:04.5 or P1DT2H3M4.5S";

/* ---- text: PostgreSQL's own ("1 year 2 mons -3 days +04:05:06"), "3 04:05:06" of Django, "3 days,
 * 4:05:06" of Python, and ISO 8601 durations, each part of which may have a sign */

typedef struct reading {
    const char *at;
    const char *end;
    bool overflow;
    int64_t months;
    int64_t days;
    int64_t usecs;
} reading;

/* A number with a sign, and up to six decimals. */
typedef struct amount {
    int64_t whole;
    int64_t millionths;
    bool negative;
    bool has_point;
} amount;

static bool take(reading *r, char c)
{
    bool there = r->at < r->end && *r->at == c;
    r->at += there;
    return there;
}

static bool take_digits(reading *r, int64_t *out)
{
    const char *start = r->at;
    *out = 0;
    for (; r->at < r->end && bm__is_digit(*r->at); r->at++) {
        r->overflow = r->overflow || __builtin_mul_overflow(*out, 10, out) ||
                      __builtin_add_overflow(*out, *r->at - '0', out);
    }
    return r->at > start;
}

static bool take_decimals(reading *r, int64_t *millionths)
{
    int64_t scale = 100000;
    *millionths = 0;
    for (; scale > 0 && r->at < r->end && bm__is_digit(*r->at); r->at++, scale /= 10) {
        *millionths += (*r->at - '0') * scale;
    }
    return scale < 100000;
}

static bool take_amount(reading *r, amount *out)
{
    *out = (amount){0};
    out->negative = take(r, '-');
    if (!out->negative) {
        (void)take(r, '+');
    }
    if (!take_digits(r, &out->whole)) {
        return false;
    }
    out->has_point = take(r, '.');
    return !out->has_point || take_decimals(r, &out->millionths);
}

/* Add n times a unit to what is there. */
static void add(reading *r, int64_t *to, const amount *n, int64_t unit)
{
    int64_t part;
    r->overflow = r->overflow ||
                  __builtin_mul_overflow(n->negative ? -n->whole : n->whole, unit, &part) ||
                  __builtin_add_overflow(*to, part, to) ||
                  __builtin_add_overflow(*to, n->negative ? -n->millionths : n->millionths, to);
}

/* What stands behind "hh": ":mm", ":mm:ss", ":mm:ss.ffffff", all with the sign of the hours. */
static bool take_clock(reading *r, amount hours)
{
    amount minutes = {.negative = hours.negative};
    amount seconds = {.negative = hours.negative};
    if (hours.has_point || !take(r, ':') || !take_digits(r, &minutes.whole)) {
        return false;
    }
    if (take(r, ':')) {
        if (!take_digits(r, &seconds.whole) ||
            (take(r, '.') && !take_decimals(r, &seconds.millionths))) {
            return false;
        }
    }
    add(r, &r->usecs, &hours, USECS_PER_HOUR);
    add(r, &r->usecs, &minutes, 60 * USECS_PER_SECOND);
    add(r, &r->usecs, &seconds, USECS_PER_SECOND);
    return minutes.whole < 60 && seconds.whole < 60;
}

typedef struct unit {
    const char *word; /* without the "s" of several */
    char letter;      /* of ISO 8601 */
    char part;        /* of the interval: 'm'onths, 'd'ays, 'u'seconds */
    bool clock;       /* behind the "T" of ISO 8601 */
    int64_t size;
} unit;

static const unit units[] = {
    {"year", 'Y', 'm', false, 12},
    {"mon", 'M', 'm', false, 1},
    {"month", '\0', 'm', false, 1},
    {"week", 'W', 'd', false, 7},
    {"day", 'D', 'd', false, 1},
    {"hour", 'H', 'u', true, USECS_PER_HOUR},
    {"minute", 'M', 'u', true, 60 * USECS_PER_SECOND},
    {"min", '\0', 'u', true, 60 * USECS_PER_SECOND},
    {"second", 'S', 'u', true, USECS_PER_SECOND},
    {"sec", '\0', 'u', true, USECS_PER_SECOND},
};
#define N_UNITS (sizeof units / sizeof units[0])

static bool add_unit(reading *r, const unit *of, const amount *n)
{
    int64_t *to = of->part == 'm' ? &r->months : of->part == 'd' ? &r->days : &r->usecs;
    if (n->has_point && of->size != USECS_PER_SECOND) {
        return false;
    }
    add(r, to, n, of->size);
    return true;
}

/* Does ISO 8601 call it so?  A NUL, which a text may have, names none of those without a letter. */
static bool is_unit(const unit *of, char letter, bool clock)
{
    return letter != '\0' && of->letter == letter && of->clock == clock;
}

static bool take_iso(reading *r)
{
    bool clock = false;
    bool any = false;
    while (r->at < r->end) {
        amount n;
        if (!clock && take(r, 'T')) {
            clock = true;
            any = false;
            continue;
        }
        if (!take_amount(r, &n) || r->at == r->end) {
            return false;
        }
        size_t i = 0;
        while (i < N_UNITS && !is_unit(&units[i], *r->at, clock)) {
            i++;
        }
        r->at++;
        if (i == N_UNITS || !add_unit(r, &units[i], &n)) {
            return false;
        }
        any = true;
    }
    return any;
}

/* A word of letters; NULL where it names no unit. */
static const unit *take_unit(reading *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= 'a' && *r->at <= 'z') {
        r->at++;
    }
    size_t size = (size_t)(r->at - start);
    size -= size > 1 && start[size - 1] == 's';
    for (size_t i = 0; i < N_UNITS; i++) {
        if (strlen(units[i].word) == size && memcmp(units[i].word, start, size) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

static void skip_blanks(reading *r)
{
    while (take(r, ' ')) {
    }
}

static bool take_words(reading *r)
{
    bool any = false;
    while (r->at < r->end) {
        amount n;
        if (!take_amount(r, &n)) {
            return false;
        }
        if (r->at < r->end && *r->at == ':') {
            return take_clock(r, n) && r->at == r->end;
        }
        skip_blanks(r);
        const unit *of = take_unit(r);
        if (of == NULL && !any && r->at < r->end && !n.has_point) { /* "3 04:05:06" */
            add(r, &r->days, &n, 1);
            return take_amount(r, &n) && take_clock(r, n) && r->at == r->end;
        }
        if (of == NULL || !add_unit(r, of, &n)) {
            return false;
        }
        any = true;
        (void)take(r, ',');
        skip_blanks(r);
    }
    return any;
}

static const char *parse(bm_slice text, char *room, void *value)
{
    reading r = {.at = text.data, .end = text.data + text.size};
    (void)room;
    if (!(take(&r, 'P') ? take_iso(&r) : take_words(&r))) {
        return not_an_interval;
    }
    bm_interval read = {r.usecs, (int32_t)r.days, (int32_t)r.months};
    if (r.overflow || read.days != r.days || read.months != r.months) {
        return "is out of range for interval";
    }
    memcpy(value, &read, sizeof read);
    return NULL;
}

static bm_interval load(const void *value)
{
    bm_interval interval;
    memcpy(&interval, value, sizeof interval);
    return interval;
}

/* EncodeInterval, INTSTYLE_POSTGRES, datetime.c: behind a negative part a positive one has a
 * sign. */
typedef struct writing {
    char text[BM__PRINT_MAX];
    int size;
    bool before; /* the last part was negative */
} writing;

static void put_part(writing *w, int32_t n, const char *name)
{
    if (n == 0) {
        return;
    }
    w->size += snprintf(w->text + w->size, sizeof w->text - (size_t)w->size, "%s%s%ld %s%s",
                        w->size > 0 ? " " : "", w->before && n > 0 ? "+" : "", (long)n, name,
                        n != 1 ? "s" : "");
    w->before = n < 0;
}

static void put_clock(writing *w, int64_t usecs)
{
    uint64_t left = usecs < 0 ? (uint64_t)0 - (uint64_t)usecs : (uint64_t)usecs;
    unsigned long fraction = (unsigned long)(left % 1000000);
    unsigned long long seconds = left / 1000000;
    w->size += snprintf(w->text + w->size, sizeof w->text - (size_t)w->size,
                        "%s%s%02llu:%02llu:%02llu", w->size > 0 ? " " : "",
                        usecs < 0   ? "-"
                        : w->before ? "+"
                                    : "",
                        seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (fraction != 0) {
        w->size +=
            snprintf(w->text + w->size, sizeof w->text - (size_t)w->size, ".%06lu", fraction);
        while (w->text[w->size - 1] == '0') {
            w->size--;
        }
    }
}

static void print(const void *value, bm__sink *out)
{
    const bm_interval interval = load(value);
    writing w = {.size = 0};
    put_part(&w, interval.months / 12, "year");
    put_part(&w, interval.months % 12, "mon");
    put_part(&w, interval.days, "day");
    if (w.size == 0 || interval.microseconds != 0) {
        put_clock(&w, interval.microseconds);
    }
    bm__put(out, w.text, (size_t)w.size);
}

/* interval_cmp_value: a month is 30 days, a day 24 hours. */
static int compare(const void *a, const void *b)
{
    const bm_interval x = load(a);
    const bm_interval y = load(b);
    __extension__ typedef __int128 wide;
    wide i = (wide)x.months * DAYS_PER_MONTH + x.days;
    wide j = (wide)y.months * DAYS_PER_MONTH + y.days;
    i = i * USECS_PER_DAY + x.microseconds;
    j = j * USECS_PER_DAY + y.microseconds;
    return (i > j) - (i < j);
}

/* ---- PostgreSQL's bytes: interval_send, interval_recv */

static inline void put_interval(const void *cell, uint8_t *at)
{
    const bm_interval interval = load(cell);
    bm__put64(at, (uint64_t)interval.microseconds);
    bm__put32(at + 8, (uint32_t)interval.days);
    bm__put32(at + 12, (uint32_t)interval.months);
}

/* From PostgreSQL 17 on all largest or all smallest parts are infinity; here such an interval has
 * no other meaning. */
static const char *check_interval(const void *cell)
{
    const bm_interval i = load(cell);
    bool infinite = (i.microseconds == INT64_MAX && i.days == INT32_MAX && i.months == INT32_MAX) ||
                    (i.microseconds == INT64_MIN && i.days == INT32_MIN && i.months == INT32_MIN);
    return infinite ? "out of range for interval" : NULL;
}

BM__CHECKED_CODEC(interval, 16, check_interval, put_interval);

static const char *read_interval(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                                 void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 16) {
        return "not an interval";
    }
    const bm_interval read = {(int64_t)bm__get64(data), (int32_t)bm__get32(data + 8),
                              (int32_t)bm__get32(data + 12)};
    if (check_interval(&read) != NULL) {
        return "infinity does not fit into the member";
    }
    memcpy(member, &read, sizeof read);
    return NULL;
}

const bm__type_ops bm__ops_interval = {
    .parse = parse,
    .print = print,
    .compare = compare,
    .from_text = true,
    .to = (const bm__pg_to[]){{BM__OID_INTERVAL, BM__FIXED(interval)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_INTERVAL, read_interval}, {0}},
};
