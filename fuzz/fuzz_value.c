/* Values of one type, both ways: bytes of the server that are read are written as the same bytes,
 * and a member that is written is read as the same member.  Compiled once for each type, with
 * FUZZ_TYPE, FUZZ_OID, FUZZ_LAYOUT and FUZZ_WIDTH. */
#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef union member {
    uint8_t bytes[FUZZ_WIDTH];
    bm_slice slice;
} member;

static const bool is_slice = FUZZ_LAYOUT == BM_SLICE;

static void must(bool right)
{
    if (!right) {
        abort();
    }
}

static bool same(const member *a, const member *b)
{
    return is_slice ? a->slice.size == b->slice.size &&
                          (a->slice.size == 0 ||
                           memcmp(a->slice.data, b->slice.data, a->slice.size) == 0)
                    : memcmp(a, b, FUZZ_WIDTH) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bm__pg_column_type type = {.oid = FUZZ_OID, .typmod = -1, .kind = 'b'};
    bm__slot slot;
    bm__pg_reader reader;
    bm_error err = BM_ERROR;
    bm__arena arena = {0};
    bm__buffer out = {0};
    member read = {{0}};
    member given = {{0}};
    must(bm__slot_resolve(FUZZ_TYPE, FUZZ_LAYOUT, FUZZ_WIDTH, &type, false, &slot, &err) == BM_OK);
    must(bm__reader_resolve(FUZZ_TYPE, FUZZ_LAYOUT, FUZZ_WIDTH, &type, &reader, &err) == BM_OK);
    if (reader.read(&reader, data, size, &read, &arena) == NULL) {
        must(bm__pg_value(&slot, &read, "c", &out, &err) == BM_OK);
        must(out.size == size && (size == 0 || memcmp(out.data, data, size) == 0));
    }
    if (is_slice) {
        given.slice = (bm_slice){(const char *)data, size};
    } else if (size >= FUZZ_WIDTH) {
        memcpy(&given, data, FUZZ_WIDTH);
    }
    out.size = 0;
    if (bm__pg_value(&slot, &given, "c", &out, &err) == BM_OK) {
        memset(&read, 0, sizeof read);
        must(reader.read(&reader, out.data, out.size, &read, &arena) == NULL);
        must(same(&read, &given));
    }
    bm__buffer_free(&out);
    bm__arena_free(&arena);
    return 0;
}
