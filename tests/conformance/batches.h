/* A stream of Arrow, written by hand after the specification of the C data interface. */
#ifndef BM_TESTS_CONFORMANCE_BATCHES_H
#define BM_TESTS_CONFORMANCE_BATCHES_H

#include "world.h"

#include <errno.h>

/* ---- a stream of at most two batches with at most four columns */

typedef struct batches {
    struct ArrowArrayStream stream;
    struct ArrowSchema columns[4], dictionary[4], *children[4];
    int64_t n_columns;
    struct ArrowArray batch[2];
    struct ArrowArray *arrays[2][4];
    int n, read;
    int fails_after; /* batches; 0: never */
    int released;    /* schemas, batches and the stream */
} batches;

static inline void release_schema(struct ArrowSchema *schema)
{
    ((batches *)schema->private_data)->released++;
    schema->release = NULL;
}

static inline void release_array(struct ArrowArray *array)
{
    ((batches *)array->private_data)->released++;
    array->release = NULL;
}

static inline void release_stream(struct ArrowArrayStream *stream)
{
    ((batches *)stream->private_data)->released++;
    stream->release = NULL;
}

static inline int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    batches *b = stream->private_data;
    *out = (struct ArrowSchema){.format = "+s",
                                .n_children = b->n_columns,
                                .children = b->children,
                                .release = release_schema,
                                .private_data = b};
    return 0;
}

static inline int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    batches *b = stream->private_data;
    *out = (struct ArrowArray){0};
    if (b->fails_after > 0 && b->read == b->fails_after) {
        return EIO;
    }
    if (b->read < b->n) {
        *out = b->batch[b->read++];
    }
    return 0;
}

static inline const char *last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the disk is gone";
}

static inline void begin(batches *b)
{
    *b = (batches){.stream = {get_schema, get_next, last_error, release_stream, NULL}};
    b->stream.private_data = b;
}

static inline void column(batches *b, const char *name, const char *format)
{
    int64_t i = b->n_columns++;
    b->columns[i] = (struct ArrowSchema){.format = format, .name = name};
    b->children[i] = &b->columns[i];
}

/* A batch of these arrays, one a column, from its row `offset`. */
static inline void batch(batches *b, int64_t length, int64_t offset,
                         struct ArrowArray *const *arrays)
{
    for (int64_t i = 0; i < b->n_columns; i++) {
        b->arrays[b->n][i] = arrays[i];
    }
    b->batch[b->n] = (struct ArrowArray){.length = length,
                                         .offset = offset,
                                         .n_children = b->n_columns,
                                         .children = b->arrays[b->n],
                                         .release = release_array,
                                         .private_data = b};
    b->n++;
}

/* An array of `length` values behind `offset`; its buffers: validity, values, bytes. */
#define ARRAY(length_, offset_, ...)                                                               \
    (&(struct ArrowArray){.length = (length_),                                                     \
                          .null_count = -1,                                                        \
                          .offset = (offset_),                                                     \
                          .n_buffers = sizeof((const void *[]){__VA_ARGS__}) / sizeof(void *),     \
                          .buffers = (const void *[]){__VA_ARGS__}})
#define ARRAYS(...) ((struct ArrowArray *[]){__VA_ARGS__})
#define ONE(format_, length_, ...)                                                                 \
    column(&b, "value", format_);                                                                  \
    batch(&b, length_, 0, ARRAYS(ARRAY(length_, 0, __VA_ARGS__)))

#endif
