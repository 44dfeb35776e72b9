/* bool: src/backend/utils/adt/bool.c */
#include "codec.h"

#include <strings.h>

static const char *parse(bm_slice text, char *room, void *value)
{
    static const char *const words[] = {"true",  "t", "yes", "y", "on",  "1",
                                        "false", "f", "no",  "n", "off", "0"};
    const size_t n = sizeof words / sizeof words[0];
    (void)room;
    for (size_t i = 0; i < n; i++) {
        if (strlen(words[i]) == text.size && strncasecmp(words[i], text.data, text.size) == 0) {
            bool read = i < n / 2;
            memcpy(value, &read, sizeof read);
            return NULL;
        }
    }
    return "is not a boolean: expected true or false";
}

static void print(const void *value, bm__sink *out)
{
    bool set = *(const uint8_t *)value != 0;
    bm__put(out, set ? "true" : "false", set ? 4 : 5);
}

static int compare(const void *a, const void *b)
{
    return (int)(*(const uint8_t *)a != 0) - (int)(*(const uint8_t *)b != 0);
}

static inline void put_bool(const void *cell, uint8_t *at)
{
    *at = *(const uint8_t *)cell != 0;
}

BM__FIXED_CODEC(boolean, 1, put_bool);

static const char *read_bool(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != 1 || data[0] > 1) {
        return "not a bool";
    }
    bool value = data[0] == 1;
    memcpy(member, &value, sizeof value);
    return NULL;
}

const bm__type_ops bm__ops_bool = {
    .parse = parse,
    .print = print,
    .compare = compare,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_BOOL, BM__FIXED(boolean)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_BOOL, read_bool}, {0}},
};
