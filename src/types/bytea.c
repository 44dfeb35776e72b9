/* bytea: src/backend/utils/adt/varlena.c */
#include "text_type.h"

#include "number.h"

static const char *parse(bm_slice text, char *room, void *value)
{
    static const char fault[] =
        "is not bytea: expected \\x and pairs of hexadecimal digits, as in \\x0aff";
    if (text.size < 2 || text.size % 2 != 0 || text.data[0] != '\\' || text.data[1] != 'x') {
        return fault;
    }
    bm_slice bytes = {room, text.size / 2 - 1};
    for (size_t i = 2; i < text.size; i += 2) {
        int high = bm__hex_digit(text.data[i]);
        int low = bm__hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return fault;
        }
        *room++ = (char)(high << 4 | low);
    }
    memcpy(value, &bytes, sizeof bytes);
    return NULL;
}

static void print(const void *value, bm__sink *out)
{
    static const char digits[] = "0123456789abcdef";
    bm_slice bytes;
    memcpy(&bytes, value, sizeof bytes);
    bm__put(out, "\\x", 2);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = (uint8_t)bytes.data[i];
        const char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        bm__put(out, pair, sizeof pair);
    }
}

static const char *measure_bytea(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                 size_t *bad)
{
    (void)slot;
    for (size_t i = 0; i < cells->n; i++) {
        const bm_slice bytes = bm__is_null(cells, i) ? (bm_slice){NULL, 0} : cells->slices[i];
        if ((bytes.data == NULL && bytes.size > 0) || bytes.size >= BM__VALUE_MAX) {
            *bad = i;
            return bytes.data == NULL
                       ? "a NULL pointer is not a value: set the state to BM_NULL to write NULL"
                       : "the value is 1 GB or larger";
        }
        sizes[i] = (uint32_t)bytes.size;
    }
    return NULL;
}

static void write_bytea(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                        uint8_t **out)
{
    (void)slot;
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (sizes[i] > 0) {
            memcpy(to, cells->slices[i].data, sizes[i]);
        }
    }
}

static const bm__codec bm__codec_bytea = {
    .measure = measure_bytea, .write = write_bytea, .from_address = true};

static const char *read_bytea(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                              void *member, bm__arena *arena)
{
    return bm__store_bytes(reader, data, size, member, arena);
}

const bm__type_ops bm__ops_bytea = {
    .parse = parse,
    .print = print,
    .compare = bm__text_compare,
    .to = (const bm__pg_to[]){{BM__OID_BYTEA, &bm__codec_bytea}, {0}},
    .from = (const bm__pg_from[]){{BM__OID_BYTEA, read_bytea}, {0}},
};
