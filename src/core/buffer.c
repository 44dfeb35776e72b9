#include "buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory and its size come and go together, and what is used is inside it. */
static inline void check(const bm__buffer *buffer)
{
    assert(buffer->size <= buffer->capacity);
    assert((buffer->data == NULL) == (buffer->capacity == 0));
    (void)buffer;
}

bm_status bm__buffer_reserve(bm__buffer *buffer, size_t more, uint8_t **at, bm_error *err)
{
    check(buffer);
    size_t need;
    if (__builtin_add_overflow(buffer->size, more, &need) || need > PTRDIFF_MAX) {
        return bm__no_memory(err);
    }
    if (need > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity < 512 ? 512 : buffer->capacity * 2;
        if (capacity < need) {
            capacity = need;
        }
        uint8_t *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            return bm__no_memory(err);
        }
        buffer->data = data;
        buffer->capacity = capacity;
        check(buffer);
    }
    assert(buffer->data != NULL && more <= buffer->capacity - buffer->size);
    *at = buffer->data + buffer->size;
    return BM_OK;
}

bm_status bm__buffer_append(bm__buffer *buffer, const void *data, size_t size, bm_error *err)
{
    assert(data != NULL || size == 0);
    if (size > 0) {
        uint8_t *at = NULL;
        BM_TRY(bm__buffer_reserve(buffer, size, &at, err));
        memcpy(at, data, size);
        buffer->size += size;
    }
    return BM_OK;
}

bm_status bm__buffer_text(bm__buffer *buffer, const char *text, bm_error *err)
{
    assert(text != NULL);
    size_t size = strlen(text);
    BM_TRY(bm__buffer_append(buffer, text, size + 1, err));
    buffer->size--;
    assert(buffer->data[buffer->size] == '\0');
    return BM_OK;
}

bm_status bm__buffer_format(bm__buffer *buffer, bm_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) {
        return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "a text could not be formatted");
    }
    uint8_t *at = NULL;
    BM_TRY(bm__buffer_reserve(buffer, (size_t)size + 1, &at, err));
    va_start(args, format);
    int again = vsnprintf((char *)at, (size_t)size + 1, format, args);
    va_end(args);
    assert(again == size); /* what was measured is what was written */
    (void)again;
    buffer->size += (size_t)size;
    return BM_OK;
}

void bm__buffer_free(bm__buffer *buffer)
{
    check(buffer);
    free(buffer->data);
    *buffer = (bm__buffer){0};
}
