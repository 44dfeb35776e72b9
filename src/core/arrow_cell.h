/* Cells of Arrow's columns (C data interface) as cells of the model's types. */
#ifndef BM_CORE_ARROW_CELL_H
#define BM_CORE_ARROW_CELL_H

#include "arena.h"
#include "error.h"

typedef enum bm__arrow_kind {
    BM__ARROW_NULL = 1,
    BM__ARROW_BOOL,
    BM__ARROW_INT,
    BM__ARROW_UINT,
    BM__ARROW_FLOAT,
    BM__ARROW_DECIMAL,
    BM__ARROW_TEXT,
    BM__ARROW_BYTES,
    BM__ARROW_DATE,
    BM__ARROW_TIME,
    BM__ARROW_TIMESTAMP,
    BM__ARROW_DURATION,
    BM__ARROW_INTERVAL
} bm__arrow_kind;

/* Where the bytes of text and of binary columns are. */
typedef enum bm__arrow_bytes {
    BM__ARROW_OFFSETS_32 = 1,
    BM__ARROW_OFFSETS_64,
    BM__ARROW_VIEWS,
    BM__ARROW_SAME_SIZE
} bm__arrow_bytes;

/* What a column's format says of its values. */
typedef struct bm__arrow_type {
    bm__arrow_kind kind;
    bm__arrow_bytes bytes; /* of text and binary */
    size_t width;          /* bytes of a value; of text and binary, where all have one size */
    int64_t times, over;   /* value * times / over: days or microseconds */
    int scale;             /* of a decimal */
    bool months, days;     /* of an interval: what comes before its time */
    bool zoned;            /* of a timestamp */
    size_t run_width;      /* of the ends of runs, if the array is run-end encoded */
    bool is_dictionary;    /* the values stand in the array's dictionary ... */
    bool signed_index;     /* ... at the indices that the array holds */
    size_t index_width;
} bm__arrow_type;

/* Read a column's format.  False: it is none of the above. */
bool bm__arrow_type_of(const struct ArrowSchema *schema, bm__arrow_type *out);

/* Can a field of `as` hold values of this type? */
bool bm__arrow_fits(const bm__arrow_type *type, bm_type as);

/* NULL, or what is wrong with an array of this type that holds at least `rows` rows. */
const char *bm__arrow_array_fault(const bm__arrow_type *type, const struct ArrowArray *array,
                                  int64_t rows);

/* Value `row` of the array (behind its offset) as a cell: the C type that `as` names, or a bm_slice
 * into the array or `texts`.  NULL, or a static text to be read after a subject.  *state is BM_NULL
 * where there is no value; the cell is then not written. */
const char *bm__arrow_cell(const bm__arrow_type *type, const struct ArrowArray *array, int64_t row,
                           bm_type as, bm__arena *texts, void *cell, uint8_t *state);

/* An integer of 1, 2, 4 or 8 bytes. */
int64_t bm__arrow_load(const void *buffer, int64_t at, size_t width);

/* Is there no value at `at`, which counts the array's offset? */
bool bm__arrow_is_null(const struct ArrowArray *array, int64_t at);

#endif
