/* Dates and times: what is read is written as the same bytes, what is written reads as the same
 * value, and a value is refused only outside the server's limits or ours. */
#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    bm_type type;
    size_t width;
    uint32_t oid;
    int64_t least, most; /* as the server counts; src/include/datatype/timestamp.h; of a timestamp
                          * the last that is before INT64_MAX here, which is infinity */
} kinds[] = {
    {BM_DATE, 4, 1082, -2451545, 2145031948},
    {BM_TIME, 8, 1083, 0, INT64_C(86400000000)},
    {BM_TIMESTAMP, 8, 1114, INT64_C(-211813488000000000), INT64_MAX - 1 - INT64_C(946684800000000)},
    {BM_TIMESTAMPTZ, 8, 1184, INT64_C(-211813488000000000),
     INT64_MAX - 1 - INT64_C(946684800000000)},
};

static int64_t number_of(const uint8_t *data, size_t width)
{
    uint64_t value = width == 4 && data[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | data[i];
    }
    return (int64_t)value;
}

/* Dates and timestamps have two, the ends of their integers. */
static bool is_infinity(bm_type type, int64_t value)
{
    return type == BM_DATE   ? value == INT32_MIN || value == INT32_MAX
           : type == BM_TIME ? false
                             : value == INT64_MIN || value == INT64_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 9) {
        return 0;
    }
    const size_t kind = data[0] % 4;
    const size_t width = kinds[kind].width;
    const bm__pg_column_type type = {.oid = kinds[kind].oid, .typmod = -1, .kind = 'b'};
    bm__slot slot;
    bm__pg_reader reader;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__buffer out = {0};
    uint64_t member = 0;
    uint64_t back = 0;
    if (bm__slot_resolve(kinds[kind].type, BM_FIXED, width, &type, false, &slot, &err) != BM_OK ||
        bm__reader_resolve(kinds[kind].type, BM_FIXED, width, &type, &reader, &err) != BM_OK) {
        abort();
    }
    const int64_t value = number_of(data + 1, width);
    const bool fits = is_infinity(kinds[kind].type, value) ||
                      (value >= kinds[kind].least && value <= kinds[kind].most);
    if ((reader.read(&reader, data + 1, width, &member, &arena) == NULL) != fits) {
        abort();
    }
    if (fits && (bm__pg_value(&slot, &member, "c", &out, &err) != BM_OK || out.size != width ||
                 memcmp(out.data, data + 1, width) != 0)) {
        abort();
    }
    /* the same bytes as a member */
    memcpy(&member, data + 1, width);
    out.size = 0;
    if (bm__pg_value(&slot, &member, "c", &out, &err) == BM_OK &&
        (reader.read(&reader, out.data, out.size, &back, &arena) != NULL ||
         memcmp(&back, &member, width) != 0)) {
        abort();
    }
    bm__buffer_free(&out);
    bm__arena_free(&arena);
    return 0;
}
