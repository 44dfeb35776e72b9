/* uuid: src/backend/utils/adt/uuid.c */
#include "codec.h"

#include "number.h"

/* As uuid_in reads it: in braces or not, a dash after any group of four digits. */
static const char *parse(bm_slice text, char *room, void *value)
{
    static const char fault[] = "is not a UUID";
    bm_uuid read;
    size_t n = 0;
    (void)room;
    if (text.size > 1 && text.data[0] == '{' && text.data[text.size - 1] == '}') {
        text.data++;
        text.size -= 2;
    }
    for (size_t i = 0; i < text.size; i++) {
        int digit = bm__hex_digit(text.data[i]);
        if (text.data[i] == '-' && n % 4 == 0 && n > 0 && text.data[i - 1] != '-') {
            continue;
        }
        if (digit < 0 || n == 32) {
            return fault;
        }
        read.bytes[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : read.bytes[n / 2] | digit);
        n++;
    }
    if (n != 32 || text.data[text.size - 1] == '-') {
        return fault;
    }
    memcpy(value, &read, sizeof read);
    return NULL;
}

static void print(const void *value, bm__sink *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = value;
    char text[36];
    size_t size = 0;
    for (size_t i = 0; i < sizeof(bm_uuid); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[size++] = '-';
        }
        text[size++] = digits[bytes[i] >> 4];
        text[size++] = digits[bytes[i] & 15];
    }
    bm__put(out, text, size);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(bm_uuid));
}

static inline void put_uuid(const void *cell, uint8_t *at)
{
    memcpy(at, cell, sizeof(bm_uuid));
}

BM__FIXED_CODEC(uuid, 16, put_uuid);

static const char *read_uuid(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                             void *member, bm__arena *arena)
{
    (void)reader;
    (void)arena;
    if (size != sizeof(bm_uuid)) {
        return "not a uuid";
    }
    memcpy(member, data, size);
    return NULL;
}

const bm__type_ops bm__ops_uuid = {
    .parse = parse,
    .print = print,
    .compare = compare,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_UUID, BM__FIXED(uuid)}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_UUID, read_uuid}, {0}},
};
