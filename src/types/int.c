/* int2, int4, int8: src/backend/utils/adt/{int,int8}.c */
#include "codec.h"

#include "number.h"

static const char range_int2[] = "out of range for int2";
static const char range_int4[] = "out of range for int4";

/* ---- text */

/* Why a text that is not an integer is not one. */
static const char *integer_fault(bm_slice text)
{
    size_t n = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t digits = n;
    while (n < text.size && bm__is_digit(text.data[n])) {
        n++;
    }
    bool point = n > digits && n < text.size && text.data[n] == '.';
    for (size_t i = n + 1; point && i < text.size; i++) {
        point = bm__is_digit(text.data[i]);
    }
    if (point) {
        return "has a decimal point, but its column holds whole numbers: write 1, not 1.0";
    }
    if (text.size == 0) {
        return "is an empty string, not NULL, and its column holds whole numbers";
    }
    return bm__has_comma(text) ? BM__COMMA : "is not a whole number";
}

static const char *read_text(bm_slice text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t i = negative || (text.size > 0 && text.data[0] == '+');
    uint64_t value = 0;
    bool overflow = false;
    if (i == text.size) {
        return integer_fault(text);
    }
    for (; i < text.size; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit > 9) {
            return integer_fault(text);
        }
        overflow = overflow || value > (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    uint64_t most = negative ? (uint64_t)0 - (uint64_t)min : (uint64_t)max;
    if (overflow || value > most) {
        return BM__OUT_OF_RANGE;
    }
    *out = (int64_t)(negative ? (uint64_t)0 - value : value);
    return NULL;
}

/* Digits from the right; 20 characters hold -2^63. */
static void print_int(int64_t value, bm__sink *out)
{
    char text[20];
    size_t at = sizeof text;
    uint64_t left = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    bm__put(out, text + at, sizeof text - at);
}

#define INT_TEXT(width_, bits_)                                                                    \
    static const char *parse_##width_(bm_slice text, char *room, void *value)                      \
    {                                                                                              \
        int64_t wide = 0;                                                                          \
        (void)room;                                                                                \
        const char *fault = read_text(text, INT##bits_##_MIN, INT##bits_##_MAX, &wide);            \
        int##bits_##_t read = (int##bits_##_t)wide;                                                \
        if (fault == NULL) {                                                                       \
            memcpy(value, &read, sizeof read);                                                     \
        }                                                                                          \
        return fault;                                                                              \
    }                                                                                              \
    static void print_##width_(const void *value, bm__sink *out)                                   \
    {                                                                                              \
        print_int(bm__load_int(value, width_), out);                                               \
    }
INT_TEXT(2, 16)
INT_TEXT(4, 32)
INT_TEXT(8, 64)

/* ---- encode */

static inline const char *int_range(int64_t value, size_t width)
{
    if (width == 2) {
        return value < INT16_MIN || value > INT16_MAX ? range_int2 : NULL;
    }
    if (width == 4) {
        return value < INT32_MIN || value > INT32_MAX ? range_int4 : NULL;
    }
    return NULL;
}

static inline void put_int(int64_t value, size_t width, uint8_t *at)
{
    if (width == 2) {
        bm__put16(at, (uint16_t)value);
    } else if (width == 4) {
        bm__put32(at, (uint32_t)value);
    } else {
        bm__put64(at, (uint64_t)value);
    }
}

/* From a member of from_ bytes to a column of to_ bytes. */
#define INT_PUT(from_, to_)                                                                        \
    static inline void put_int_##from_##_##to_(const void *cell, uint8_t *at)                      \
    {                                                                                              \
        put_int(bm__load_int(cell, from_), to_, at);                                               \
    }
#define INT_CHECK(from_, to_)                                                                      \
    static inline const char *check_int_##from_##_##to_(const void *cell)                          \
    {                                                                                              \
        return int_range(bm__load_int(cell, from_), to_);                                          \
    }
#define INT_WIDENS(from_, to_)                                                                     \
    INT_PUT(from_, to_)                                                                            \
    BM__FIXED_CODEC(int_##from_##_##to_, to_, put_int_##from_##_##to_)
#define INT_NARROWS(from_, to_)                                                                    \
    INT_PUT(from_, to_)                                                                            \
    INT_CHECK(from_, to_)                                                                          \
    BM__CHECKED_CODEC(int_##from_##_##to_, to_, check_int_##from_##_##to_, put_int_##from_##_##to_)

INT_WIDENS(2, 2);
INT_WIDENS(2, 4);
INT_WIDENS(2, 8);
INT_NARROWS(4, 2);
INT_WIDENS(4, 4);
INT_WIDENS(4, 8);
INT_NARROWS(8, 2);
INT_NARROWS(8, 4);
INT_WIDENS(8, 8);

/* ---- decode */

static size_t int_size(uint32_t oid)
{
    return oid == BM__OID_INT2 ? 2 : oid == BM__OID_INT4 ? 4 : 8;
}

static int64_t take_int(const uint8_t *data, size_t size)
{
    return size == 2   ? (int16_t)bm__get16(data)
           : size == 4 ? (int32_t)bm__get32(data)
                       : (int64_t)bm__get64(data);
}

static const char *read_int(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                            void *member, bm__arena *arena)
{
    (void)arena;
    if (size != int_size(reader->from.oid)) {
        return "not an integer";
    }
    int64_t value = take_int(data, size);
    const char *fault = int_range(value, reader->width);
    if (fault != NULL) {
        return fault;
    }
    int16_t two = (int16_t)value;
    int32_t four = (int32_t)value;
    if (reader->width == sizeof two) {
        memcpy(member, &two, sizeof two);
    } else if (reader->width == sizeof four) {
        memcpy(member, &four, sizeof four);
    } else {
        memcpy(member, &value, sizeof value);
    }
    return NULL;
}

/* Of one width on both sides: most columns. */
#define READ_SAME(bits_)                                                                           \
    static const char *read_same_##bits_(const bm__pg_reader *reader, const uint8_t *data,         \
                                         size_t size, void *member, bm__arena *arena)              \
    {                                                                                              \
        (void)reader;                                                                              \
        (void)arena;                                                                               \
        if (size != bits_ / 8) {                                                                   \
            return "not an integer";                                                               \
        }                                                                                          \
        uint##bits_##_t value = bm__get##bits_(data);                                              \
        memcpy(member, &value, sizeof value);                                                      \
        return NULL;                                                                               \
    }
READ_SAME(16)
READ_SAME(32)
READ_SAME(64)

const bm__type_ops bm__ops_int2 = {
    .parse = parse_2,
    .print = print_2,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_INT2, BM__FIXED(int_2_2)},
                              {BM__OID_INT4, BM__FIXED(int_2_4)},
                              {BM__OID_INT8, BM__FIXED(int_2_8)},
                              {BM__OID_NUMERIC, BM__FIXED(int_numeric)},
                              {0}},
    .from =
        (const bm__pg_from[]){
            {BM__OID_INT2, read_same_16}, {BM__OID_INT4, read_int}, {BM__OID_INT8, read_int}, {0}},
};

const bm__type_ops bm__ops_int4 = {
    .parse = parse_4,
    .print = print_4,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_INT2, BM__FIXED(int_4_2)},
                              {BM__OID_INT4, BM__FIXED(int_4_4)},
                              {BM__OID_INT8, BM__FIXED(int_4_8)},
                              {BM__OID_NUMERIC, BM__FIXED(int_numeric)},
                              {0}},
    .from =
        (const bm__pg_from[]){
            {BM__OID_INT2, read_int}, {BM__OID_INT4, read_same_32}, {BM__OID_INT8, read_int}, {0}},
};

const bm__type_ops bm__ops_int8 = {
    .parse = parse_8,
    .print = print_8,
    .bare = true,
    .to = (const bm__pg_to[]){{BM__OID_INT2, BM__FIXED(int_8_2)},
                              {BM__OID_INT4, BM__FIXED(int_8_4)},
                              {BM__OID_INT8, BM__FIXED(int_8_8)},
                              {BM__OID_NUMERIC, BM__FIXED(int_numeric)},
                              {0}},
    .from =
        (const bm__pg_from[]){
            {BM__OID_INT2, read_int}, {BM__OID_INT4, read_int}, {BM__OID_INT8, read_same_64}, {0}},
};
