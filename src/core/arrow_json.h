/* Arrow's structs, maps and lists as JSON documents. */
#ifndef BM_CORE_ARROW_JSON_H
#define BM_CORE_ARROW_JSON_H

#include "arrow_list.h"

typedef enum bm__arrow_shape {
    BM__ARROW_LEAF = 1,
    BM__ARROW_LIST,
    BM__ARROW_STRUCT,
    BM__ARROW_MAP /* a list of structs with a key and a value */
} bm__arrow_shape;

typedef struct bm__arrow_node {
    bm__arrow_shape shape;
    const char *name;      /* of a struct's member */
    bm__arrow_type type;   /* of a leaf */
    bm__arrow_lists lists; /* one level, of lists and maps */
    size_t n;
    struct bm__arrow_node *of; /* n members or elements */
} bm__arrow_node;

/* The tree of a nested column; NULL where it is none, where JSON has no such values, or where there
 * is no memory. */
const bm__arrow_node *bm__arrow_document_of(const struct ArrowSchema *schema, bm__arena *arena);

/* NULL, or what is wrong with an array of this type that holds at least `rows` rows. */
const char *bm__arrow_document_fault(const bm__arrow_node *node, const struct ArrowArray *array,
                                     int64_t rows);

/* Row `row` (after the array's offset) as a document in `texts`.  NULL, or a static text to be read
 * after a subject.  *state is BM_NULL where there is no value; *out is then not written. */
const char *bm__arrow_json(const bm__arrow_node *node, const struct ArrowArray *array, int64_t row,
                           bm__arena *texts, bm_slice *out, uint8_t *state);

#endif
