/* Rows of an Arrow stream, as a source of structs: bm_arrow. */
#ifndef BM_CORE_ARROW_ROWS_H
#define BM_CORE_ARROW_ROWS_H

#include "arrow_stream.h"
#include "rows.h"

/* A zeroed one is valid, and may be freed. */
typedef struct bm__arrow_rows {
    bm_model model; /* the fields that the stream has, in a row of our own */
    bm_source source;
    struct ArrowArrayStream *stream;
    struct ArrowSchema schema;
    struct ArrowArray batch; /* where its rows end, `at` is its length */
    int64_t at;
    size_t n_read; /* rows of the whole stream */
    bm__arrow_column *columns;
    size_t n_columns;
    bm__arena arena; /* what lives as long as the call */
    bm__arena texts; /* as long as a chunk */
} bm__arrow_rows;

/* Rows of bm_arrow become rows of a source; others stay what they are.  *made must not move. */
bm_status bm__arrow_begin(bm__arrow_rows *made, bm_rows *rows, bm_error *err);

/* Release the stream and what was read of it. */
void bm__arrow_end(bm__arrow_rows *made);

#endif
