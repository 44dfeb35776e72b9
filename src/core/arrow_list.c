#include "arrow_list.h"

#include "codec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NULL_WITHIN "has NULL in place of a list within a list, which an array cannot hold"
#define EMPTY_WITHIN "has an empty list within a list, which an array cannot hold"
#define RAGGED "has lists of different lengths within a list, which an array cannot hold"
#define OUTSIDE "lies outside of the values of its column"
#define TOO_MANY "has too many elements for an array"

_Static_assert(sizeof(((bm__arrow_lists *)0)->at) / sizeof(((bm__arrow_lists *)0)->at[0]) ==
                   BM_DIMENSIONS_MAX,
               "a level for each dimension");

/* ---- formats */

bool bm__arrow_list_of(const char *format, bm__arrow_lists *lists)
{
    static const struct {
        const char *format;
        bm__arrow_ranges ranges;
    } known[] = {
        {"+l", BM__ARROW_LIST_32},
        {"+L", BM__ARROW_LIST_64},
        {"+vl", BM__ARROW_LIST_VIEW_32},
        {"+vL", BM__ARROW_LIST_VIEW_64},
    };
    int size = -1;
    int end = 0;
    assert(lists->n < BM_DIMENSIONS_MAX);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(format, known[i].format) == 0) {
            lists->at[lists->n++].ranges = known[i].ranges;
            return true;
        }
    }
    if (sscanf(format, "+w:%9d%n", &size, &end) != 1 || format[end] != '\0' || size < 0) {
        return false;
    }
    lists->at[lists->n].size = size;
    lists->at[lists->n++].ranges = BM__ARROW_LIST_SAME_SIZE;
    return true;
}

bool bm__arrow_lists_of(const struct ArrowSchema *schema, bm__arrow_lists *lists,
                        bm__arrow_type *type)
{
    *lists = (bm__arrow_lists){0};
    while (schema->format != NULL && schema->format[0] == '+' &&
           strcmp(schema->format, "+r") != 0) {
        if (lists->n == BM_DIMENSIONS_MAX || !bm__arrow_list_of(schema->format, lists) ||
            schema->dictionary != NULL || schema->n_children != 1 || schema->children == NULL) {
            return false;
        }
        schema = schema->children[0];
    }
    assert(lists->n <= BM_DIMENSIONS_MAX);
    return bm__arrow_type_of(schema, type);
}

/* ---- arrays */

const char *bm__arrow_list_fault(bm__arrow_ranges ranges, const struct ArrowArray *array,
                                 int64_t rows)
{
    bool views = ranges == BM__ARROW_LIST_VIEW_32 || ranges == BM__ARROW_LIST_VIEW_64;
    int64_t wanted = ranges == BM__ARROW_LIST_SAME_SIZE ? 1 : views ? 3 : 2;
    assert(rows >= 0);
    assert(ranges >= BM__ARROW_LIST_32 && ranges <= BM__ARROW_LIST_SAME_SIZE);
    if (array->length < rows || array->offset < 0 || array->offset > INT64_MAX - array->length) {
        return "has a length or an offset that cannot be";
    }
    if (array->n_buffers != wanted || array->n_children != 1 || array->children == NULL) {
        return "does not have the buffers of its type";
    }
    bool bare = array->buffers == NULL;
    for (int64_t i = 1; !bare && i < wanted; i++) {
        bare = array->buffers[i] == NULL;
    }
    return array->length > 0 && bare ? "has no values" : NULL;
}

const char *bm__arrow_lists_fault(const bm__arrow_lists *lists, const bm__arrow_type *type,
                                  const struct ArrowArray *array, int64_t rows)
{
    assert(lists->n <= BM_DIMENSIONS_MAX);
    for (size_t i = 0; i < lists->n; i++) {
        const char *fault = bm__arrow_list_fault(lists->at[i].ranges, array, rows);
        if (fault != NULL) {
            return fault;
        }
        array = array->children[0];
        rows = array->length;
        if (rows < 0) {
            return "has a length or an offset that cannot be";
        }
    }
    return bm__arrow_array_fault(type, array, rows);
}

/* ---- values */

bool bm__arrow_list_range(const bm__arrow_lists *lists, size_t level,
                          const struct ArrowArray *array, int64_t at, bm__arrow_range *out)
{
    const bm__arrow_ranges ranges = lists->at[level].ranges;
    const size_t width = ranges == BM__ARROW_LIST_32 || ranges == BM__ARROW_LIST_VIEW_32 ? 4 : 8;
    int64_t n = lists->at[level].size;
    assert(level < lists->n && at >= 0);
    if (ranges == BM__ARROW_LIST_SAME_SIZE) {
        if (__builtin_mul_overflow(at, n, &out->from)) {
            return false;
        }
    } else {
        out->from = bm__arrow_load(array->buffers[1], at, width);
    }
    if (ranges == BM__ARROW_LIST_32 || ranges == BM__ARROW_LIST_64) {
        out->to = bm__arrow_load(array->buffers[1], at + 1, width);
    } else {
        if (ranges != BM__ARROW_LIST_SAME_SIZE) {
            n = bm__arrow_load(array->buffers[2], at, width);
        }
        if (__builtin_add_overflow(out->from, n, &out->to)) {
            return false;
        }
    }
    return out->from >= 0 && out->from <= out->to && out->to <= array->children[0]->length;
}

/* The lengths are those of the first list of each level; the others must have the same. */
static const char *shape(const bm__arrow_lists *lists, const struct ArrowArray *array, int64_t at,
                         bm_nd_array *out)
{
    uint64_t count = 1;
    *out = (bm_nd_array){.n_dimensions = 0};
    assert(lists->n > 0 && array->length > 0);
    for (size_t i = 0; i < lists->n; i++) {
        bm__arrow_range elements;
        if (i > 0 && bm__arrow_is_null(array, at)) {
            return NULL_WITHIN;
        }
        if (!bm__arrow_list_range(lists, i, array, at, &elements)) {
            return OUTSIDE;
        }
        uint64_t length = (uint64_t)(elements.to - elements.from);
        if (length == 0) {
            return i > 0 ? EMPTY_WITHIN : NULL;
        }
        if (length > BM__ARRAY_COUNT_MAX || count * length > BM__ARRAY_COUNT_MAX) {
            return TOO_MANY;
        }
        count *= length;
        out->lengths[i] = (size_t)length;
        array = array->children[0];
        at = array->offset + elements.from;
    }
    assert(count > 0);
    out->n_dimensions = lists->n;
    out->elements.count = (size_t)count;
    return NULL;
}

typedef struct filling {
    const bm__arrow_lists *lists;
    const bm__arrow_type *type;
    bm_type as;
    bm__arena *texts;
    const size_t *lengths;
    char *data;
    uint8_t *states;
    size_t width;
    size_t n;
} filling;

/* Elements of the innermost lists. */
static const char *fill_values(filling *f, const struct ArrowArray *values,
                               const bm__arrow_range *elements)
{
    assert(elements->from >= 0 && elements->to <= values->length);
    for (int64_t i = elements->from; i < elements->to; i++, f->n++) {
        assert(f->data != NULL && f->states != NULL);
        const char *fault = bm__arrow_cell(f->type, values, i, f->as, f->texts,
                                           f->data + f->n * f->width, &f->states[f->n]);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

/* Elements of lists of this level, the first of which has the level's length. */
static const char *fill_level(filling *f, size_t level, const struct ArrowArray *array,
                              const bm__arrow_range *elements)
{
    assert(level <= f->lists->n);
    if (level == f->lists->n) {
        return fill_values(f, array, elements);
    }
    for (int64_t i = elements->from; i < elements->to; i++) {
        bm__arrow_range inner;
        int64_t at = array->offset + i;
        if (bm__arrow_is_null(array, at)) {
            return NULL_WITHIN;
        }
        if (!bm__arrow_list_range(f->lists, level, array, at, &inner)) {
            return OUTSIDE;
        }
        assert(inner.from <= inner.to);
        if (inner.to - inner.from != (int64_t)f->lengths[level]) {
            return inner.to == inner.from ? EMPTY_WITHIN : RAGGED;
        }
        const char *fault = fill_level(f, level + 1, array->children[0], &inner);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

const char *bm__arrow_list(const bm__arrow_lists *lists, const bm__arrow_type *type,
                           const struct ArrowArray *array, int64_t row, bm_type as,
                           bm__arena *texts, bm_nd_array *out, uint8_t *state)
{
    const bm__arrow_range all = {row, row + 1};
    assert(lists->n > 0 && row >= 0);
    if (bm__arrow_is_null(array, array->offset + row)) {
        *state = BM_NULL;
        return NULL;
    }
    const char *fault = shape(lists, array, array->offset + row, out);
    if (fault != NULL || out->n_dimensions == 0) {
        return fault;
    }
    filling f = {lists, type, as, texts, out->lengths, NULL, NULL, 0, 0};
    (void)bm__element_layout(as, &f.width);
    f.data = bm__arena_array(texts, out->elements.count, f.width);
    f.states = bm__arena_array(texts, out->elements.count, 1);
    if (f.data == NULL || f.states == NULL) {
        return "cannot be read: out of memory";
    }
    fault = fill_level(&f, 0, array, &all);
    assert(fault != NULL || f.n == out->elements.count);
    out->elements.data = f.data;
    out->elements.states = memchr(f.states, BM_NULL, f.n) != NULL ? f.states : NULL;
    return fault;
}
