/* Arrow's lists, and lists of lists, as arrays of the model's types. */
#ifndef BM_CORE_ARROW_LIST_H
#define BM_CORE_ARROW_LIST_H

#include "arrow_cell.h"

typedef enum bm__arrow_ranges {
    BM__ARROW_LIST_32 = 1, /* offsets of 32 bits */
    BM__ARROW_LIST_64,
    BM__ARROW_LIST_VIEW_32, /* offsets and sizes */
    BM__ARROW_LIST_VIEW_64,
    BM__ARROW_LIST_SAME_SIZE
} bm__arrow_ranges;

/* The lists around a column's values, the outermost first.  Zeroed: there are none. */
typedef struct bm__arrow_lists {
    size_t n;
    struct {
        bm__arrow_ranges ranges;
        int64_t size; /* of each list, where all have one size */
    } at[BM_DIMENSIONS_MAX];
} bm__arrow_lists;

/* Elements of a list, counted after the offset of their array. */
typedef struct bm__arrow_range {
    int64_t from, to;
} bm__arrow_range;

/* Add the lists of this format.  False: they are none. */
bool bm__arrow_list_of(const char *format, bm__arrow_lists *lists);

/* NULL, or what is wrong with lists of one level. */
const char *bm__arrow_list_fault(bm__arrow_ranges ranges, const struct ArrowArray *array,
                                 int64_t rows);

/* The elements of the list at `at`, which counts the array's offset.  False: there are no such
 * elements. */
bool bm__arrow_list_range(const bm__arrow_lists *lists, size_t level,
                          const struct ArrowArray *array, int64_t at, bm__arrow_range *out);

/* Read a column's format: the lists, and the type of the values inside of them. */
bool bm__arrow_lists_of(const struct ArrowSchema *schema, bm__arrow_lists *lists,
                        bm__arrow_type *type);

/* NULL, or what is wrong with an array of this type that holds at least `rows` rows. */
const char *bm__arrow_lists_fault(const bm__arrow_lists *lists, const bm__arrow_type *type,
                                  const struct ArrowArray *array, int64_t rows);

/* The list of row `row` (after the array's offset), with elements of the C type that `as` names in
 * `texts`.  NULL, or a static text to be read after a subject.  *state is BM_NULL where there is
 * no list; *out is then not written.  An empty list has no dimension. */
const char *bm__arrow_list(const bm__arrow_lists *lists, const bm__arrow_type *type,
                           const struct ArrowArray *array, int64_t row, bm_type as,
                           bm__arena *texts, bm_nd_array *out, uint8_t *state);

#endif
