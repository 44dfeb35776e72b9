/* A growable byte buffer that owns its memory.  A zeroed one is empty and valid. */
#ifndef BM_CORE_BUFFER_H
#define BM_CORE_BUFFER_H

#include "error.h"

typedef struct bm__buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
} bm__buffer;

/* Room for `more` bytes behind the last; *at is where they go.  They count only after
 * `buffer->size += ...`.  BM_NOMEM leaves the buffer as it was. */
bm_status bm__buffer_reserve(bm__buffer *buffer, size_t more, uint8_t **at, bm_error *err);

/* Append bytes. */
bm_status bm__buffer_append(bm__buffer *buffer, const void *data, size_t size, bm_error *err);

/* Append text; the buffer stays NUL-terminated behind its size.  Used for SQL. */
bm_status bm__buffer_text(bm__buffer *buffer, const char *text, bm_error *err);
bm_status bm__buffer_format(bm__buffer *buffer, bm_error *err, const char *format, ...)
    BM__PRINTF(3, 4);

/* Free the memory; the buffer is empty and valid again. */
void bm__buffer_free(bm__buffer *buffer);

#endif
