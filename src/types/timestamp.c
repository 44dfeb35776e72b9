/*
 * timestamp, timestamptz: src/backend/utils/adt/timestamp.c.  Here microseconds count from
 * 1970-01-01, at the server from 2000-01-01.  Limits: src/include/datatype/timestamp.h,
 * IS_VALID_TIMESTAMP, in the server's epoch.  The least and the largest number are -infinity and
 * infinity, here as at the server.
 */
#include "codec.h"

#include "calendar.h"

#define TIMESTAMP_FIRST INT64_C(-211813488000000000) /* 4714-11-24 00:00:00 BC */
#define TIMESTAMP_END INT64_C(9223371331200000000)   /* 294277-01-01 00:00:00 */

static const char range_timestamp[] = "out of range for timestamp";

static bool is_infinite(int64_t usecs)
{
    return usecs == INT64_MIN || usecs == INT64_MAX;
}

/* Every int64 from 1970 on is before TIMESTAMP_END. */
static const char *check_timestamp(const void *cell)
{
    int64_t usecs = bm__load_int(cell, 8);
    bool early = usecs < TIMESTAMP_FIRST + BM__EPOCH_USECS;
    return early && !is_infinite(usecs) ? range_timestamp : NULL;
}
_Static_assert(INT64_MAX - BM__EPOCH_USECS < TIMESTAMP_END, "a timestamp needs an upper check");

/* ---- text */

static const char *read_text(bm_slice text, bool *has_offset, void *value)
{
    static const char form[] =
        "is not a timestamp: expected for example 2024-12-31 23:59:59.999999+00:00";
    int64_t usecs;
    int infinity = bm__infinity_read(text);
    if (infinity != 0) {
        usecs = infinity > 0 ? INT64_MAX : INT64_MIN;
        *has_offset = false;
        memcpy(value, &usecs, sizeof usecs);
        return NULL;
    }
    if (!bm__timestamp_read(text.data, text.size, &usecs, has_offset)) {
        return bm__calendar_fault(text.data, text.size, form, form);
    }
    if (check_timestamp(&usecs) != NULL || is_infinite(usecs)) {
        return "is out of range for timestamp";
    }
    memcpy(value, &usecs, sizeof usecs);
    return NULL;
}

static const char *parse(bm_slice text, char *room, void *value)
{
    bool has_offset = false;
    int64_t usecs = 0;
    (void)room;
    const char *fault = read_text(text, &has_offset, &usecs);
    if (fault == NULL && has_offset) {
        return "has a UTC offset, but its column is a timestamp without time zone";
    }
    if (fault == NULL) {
        memcpy(value, &usecs, sizeof usecs);
    }
    return fault;
}

static const char *parse_utc(bm_slice text, char *room, void *value)
{
    bool has_offset;
    (void)room;
    return read_text(text, &has_offset, value);
}

static void put_text(int64_t usecs, bool utc, bm__sink *out)
{
    char text[BM__TEXT_MAX];
    if (is_infinite(usecs)) {
        bm__infinity_put(out, usecs > 0);
        return;
    }
    bm__put(out, text, bm__timestamp_text(usecs, utc, text));
}

static void print(const void *value, bm__sink *out)
{
    put_text(bm__load_int(value, 8), false, out);
}

static void print_utc(const void *value, bm__sink *out)
{
    put_text(bm__load_int(value, 8), true, out);
}

/* ---- PostgreSQL's bytes, the same for both */

static inline void put_timestamp(const void *cell, uint8_t *at)
{
    int64_t usecs = bm__load_int(cell, 8);
    bm__put64(at, (uint64_t)(is_infinite(usecs) ? usecs : usecs - BM__EPOCH_USECS));
}

BM__CHECKED_CODEC(timestamp, 8, check_timestamp, put_timestamp);

/* The server's last 30 years before its limit, which are in the year 294247 and later, are no int64
 * since 1970. */
static const char *read_timestamp(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                                  void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 8) {
        return "not a timestamp";
    }
    int64_t usecs = (int64_t)bm__get64(data);
    if (!is_infinite(usecs)) {
        if (usecs < TIMESTAMP_FIRST || usecs >= INT64_MAX - BM__EPOCH_USECS) {
            return range_timestamp;
        }
        usecs += BM__EPOCH_USECS;
    }
    memcpy(member, &usecs, sizeof usecs);
    return NULL;
}

const bm__type_ops bm__ops_timestamp = {
    .parse = parse,
    .print = print,
    .to = (const bm__pg_to[]){{BM__OID_TIMESTAMP, BM__FIXED(timestamp)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_TIMESTAMP, read_timestamp}, {0}},
};

const bm__type_ops bm__ops_timestamptz = {
    .parse = parse_utc,
    .print = print_utc,
    .to = (const bm__pg_to[]){{BM__OID_TIMESTAMPTZ, BM__FIXED(timestamp)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_TIMESTAMPTZ, read_timestamp}, {0}},
};
