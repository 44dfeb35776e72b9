/* numeric, both ways: what is read is written as the same number, and read as the same text
 * again. */
#include "binary.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bm__slot slot;
static bm__pg_reader reader;

static void resolve(void)
{
    const bm__pg_column_type type = {.oid = 1700, .typmod = -1, .kind = 'b'};
    bm_error err = BM_ERROR;
    if (bm__slot_resolve(BM_NUMERIC, BM_SLICE, sizeof(bm_slice), &type, false, &slot, &err) !=
            BM_OK ||
        bm__reader_resolve(BM_NUMERIC, BM_SLICE, sizeof(bm_slice), &type, &reader, &err) != BM_OK) {
        abort();
    }
}

/* A text that numeric_out could have written gives bytes that give the same text. */
static void check_text(bm_slice text, bm__arena *arena)
{
    bm__buffer first = {0};
    bm__buffer second = {0};
    bm_error err = BM_ERROR;
    bm_slice back;
    if (bm__pg_value(&slot, &text, "c", &first, &err) != BM_OK ||
        reader.read(&reader, first.data, first.size, &back, arena) != NULL ||
        back.size != text.size || memcmp(back.data, text.data, text.size) != 0 ||
        bm__pg_value(&slot, &back, "c", &second, &err) != BM_OK || first.size != second.size ||
        memcmp(first.data, second.data, first.size) != 0) {
        abort();
    }
    bm__buffer_free(&first);
    bm__buffer_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bm__arena arena = {0};
    bm__buffer bytes = {0};
    bm_error err = BM_ERROR;
    bm_slice text;
    resolve();
    if (reader.read(&reader, data, size, &text, &arena) == NULL) {
        check_text(text, &arena);
    }
    const bm_slice typed = {(const char *)data, size};
    if (bm__pg_value(&slot, &typed, "c", &bytes, &err) == BM_OK) {
        if (reader.read(&reader, bytes.data, bytes.size, &text, &arena) != NULL) {
            abort();
        }
        check_text(text, &arena);
    }
    bm__buffer_free(&bytes);
    bm__arena_free(&arena);
    return 0;
}
