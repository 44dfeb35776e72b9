/* time: microseconds since midnight, 24:00 included: src/backend/utils/adt/date.c */
#include "codec.h"

#include "calendar.h"

static const char range_time[] = "out of range for time";

static const char *parse(bm_slice text, char *room, void *value)
{
    int64_t usecs;
    (void)room;
    if (!bm__time_read(text.data, text.size, &usecs)) {
        return "is not a time: expected for example 23:59:59.999999";
    }
    memcpy(value, &usecs, sizeof usecs);
    return NULL;
}

static void print(const void *value, bm__sink *out)
{
    char text[BM__TEXT_MAX];
    bm__put(out, text, bm__time_text(bm__load_int(value, 8), text));
}

static const char *check_time(const void *cell)
{
    int64_t usecs = bm__load_int(cell, 8);
    return usecs < 0 || usecs > BM__USECS_PER_DAY ? range_time : NULL;
}

static inline void put_time(const void *cell, uint8_t *at)
{
    bm__put64(at, (uint64_t)bm__load_int(cell, 8));
}

BM__CHECKED_CODEC(time, 8, check_time, put_time);

static const char *read_time(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 8) {
        return "not a time";
    }
    int64_t usecs = (int64_t)bm__get64(data);
    if (usecs < 0 || usecs > BM__USECS_PER_DAY) {
        return range_time;
    }
    memcpy(member, &usecs, sizeof usecs);
    return NULL;
}

const bm__type_ops bm__ops_time = {
    .parse = parse,
    .print = print,
    .to = (const bm__pg_to[]){{BM__OID_TIME, BM__FIXED(time)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_TIME, read_time}, {0}},
};
