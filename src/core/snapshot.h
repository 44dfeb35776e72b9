/*
 * The snapshot of a queryset: its rows' cells as last read or written, in canonical form.  It
 * shares no memory with the rows that the caller edits.  Fixed cells are stored as they are;
 * variable ones as bytes; arrays as count, states and elements in a row.
 */
#ifndef BM_CORE_SNAPSHOT_H
#define BM_CORE_SNAPSHOT_H

#include "arena.h"
#include "batch.h"
#include "buffer.h"
#include "error.h"

#define BM__CELL_UNKNOWN 0xFF /* no bm_state: differs from every cell */

typedef struct bm__snapshot_column {
    bm_type type;
    bm_layout layout;
    bool known;           /* false: nothing is known, every cell counts as changed */
    size_t width;         /* of a fixed cell; 0: variable */
    unsigned char *fixed; /* capacity * width */
    bm_slice *slices;     /* capacity */
    uint8_t *states;      /* capacity; BM__CELL_UNKNOWN where nothing was stored */
} bm__snapshot_column;

typedef struct bm__snapshot {
    size_t count;
    size_t capacity;
    size_t n_columns; /* of the model */
    bm__snapshot_column *columns;
    bm__arena arena; /* what slices point to */
} bm__snapshot;

/* A snapshot of `capacity` rows of the model, none of them known yet. */
bm_status bm__snapshot_new(const bm_model *model, size_t capacity, bm__snapshot **out,
                           bm_error *err);
void bm__snapshot_free(bm__snapshot *snapshot);

/* Room for `capacity` rows. */
bm_status bm__snapshot_grow(bm__snapshot *snapshot, size_t capacity, bm_error *err);

/* A copy that shares nothing. */
bm_status bm__snapshot_clone(const bm__snapshot *snapshot, bm__snapshot **out, bm_error *err);

/* Store row `row` of a view as cell (at, column). */
bm_status bm__snapshot_set(bm__snapshot *snapshot, size_t column, size_t at, const bm__view *view,
                           size_t row, bm_error *err);

/* Does row `row` of the view differ from cell (row, column)?  `scratch` is for arrays. */
bm_status bm__snapshot_differs(const bm__snapshot *snapshot, size_t column, const bm__view *view,
                               size_t row, bm__buffer *scratch, bool *differs, bm_error *err);

/* Append the elements of an array in canonical form. */
bm_status bm__array_canonical(bm_type type, const bm_array *array, bm__buffer *out, bm_error *err);

/* A copy of an array whose memory is of the arena.  `out` may be `array`. */
bm_status bm__array_copy(bm_type type, const bm_array *array, bm__arena *arena, bm_array *out,
                         bm_error *err);

#endif
