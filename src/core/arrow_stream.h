/* An Arrow stream (C data interface): its columns and its batches, checked before they are read. */
#ifndef BM_CORE_ARROW_STREAM_H
#define BM_CORE_ARROW_STREAM_H

#include "arrow_json.h"

/* A column that is read. */
typedef struct bm__arrow_column {
    const char *name;
    size_t field;  /* of the model that it is read for */
    int64_t child; /* of the stream's struct */
    bm__arrow_lists lists;
    bm__arrow_type type;            /* of the values, inside of the lists */
    const bm__arrow_node *document; /* NULL, or nested values as JSON has them */
} bm__arrow_column;

/* Read the schema of a stream of structs.  *out is the caller's to release, also on failure. */
bm_status bm__arrow_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out, bm_error *err);

/* The next batch, which is checked for these columns, or one without `release` at the end.
 * `n_read` rows came before.  *out is the caller's to release, also on failure. */
bm_status bm__arrow_batch(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                          const bm__arrow_column *columns, size_t n_columns, size_t n_read,
                          struct ArrowArray *out, bm_error *err);

#endif
