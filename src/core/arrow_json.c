#include "arrow_json.h"

#include "buffer.h"
#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define NO_ROOM "cannot be read: out of memory"
#define OUTSIDE "lies outside of the values of its column"
#define BAD_LENGTH "has a length or an offset that cannot be"

_Static_assert(BM__ARROW_LEAF > 0, "a zeroed node is none");

/* ---- formats */

static bool is_leaf(const bm__arrow_type *type)
{
    switch (type->kind) {
    case BM__ARROW_NULL:
    case BM__ARROW_BOOL:
    case BM__ARROW_INT:
    case BM__ARROW_UINT:
    case BM__ARROW_FLOAT:
    case BM__ARROW_DECIMAL:
    case BM__ARROW_TEXT:
        return true;
    default:
        return false; /* JSON has no bytes, and no one form of a time */
    }
}

static bool read_node(const struct ArrowSchema *schema, int depth, bm__arena *arena,
                      bm__arrow_node *out);

static bool read_members(const struct ArrowSchema *schema, int depth, bm__arena *arena,
                         bm__arrow_node *out)
{
    if (schema->n_children < 0 || (schema->n_children > 0 && schema->children == NULL)) {
        return false;
    }
    out->n = (size_t)schema->n_children;
    out->of = bm__arena_array(arena, out->n + 1, sizeof *out->of);
    for (size_t i = 0; out->of != NULL && i < out->n; i++) {
        const struct ArrowSchema *member = schema->children[i];
        if (!read_node(member, depth + 1, arena, &out->of[i])) {
            return false;
        }
        out->of[i].name = member->name != NULL ? member->name : "";
        for (size_t k = 0; out->shape == BM__ARROW_STRUCT && k < i; k++) {
            if (strcmp(out->of[k].name, out->of[i].name) == 0) {
                return false; /* an object has one value of a name */
            }
        }
    }
    return out->of != NULL;
}

static bool is_text(const bm__arrow_node *node)
{
    return node->shape == BM__ARROW_LEAF && node->type.kind == BM__ARROW_TEXT;
}

static bool read_node(const struct ArrowSchema *schema, int depth, bm__arena *arena,
                      bm__arrow_node *out)
{
    const char *format = schema->format != NULL ? schema->format : "";
    assert(depth >= 0 && depth <= DEPTH_MAX);
    if (format[0] != '+' || strcmp(format, "+r") == 0) {
        out->shape = BM__ARROW_LEAF;
        return bm__arrow_type_of(schema, &out->type) && is_leaf(&out->type);
    }
    if (depth == DEPTH_MAX || schema->dictionary != NULL) {
        return false;
    }
    if (strcmp(format, "+s") == 0) {
        out->shape = BM__ARROW_STRUCT;
        return read_members(schema, depth, arena, out);
    }
    const bool map = strcmp(format, "+m") == 0;
    out->shape = map ? BM__ARROW_MAP : BM__ARROW_LIST;
    if (!bm__arrow_list_of(map ? "+l" : format, &out->lists) ||
        !read_members(schema, depth, arena, out) || out->n != 1) {
        return false;
    }
    assert(out->lists.n == 1);
    const bm__arrow_node *entry = &out->of[0];
    return !map || (entry->shape == BM__ARROW_STRUCT && entry->n == 2 && is_text(&entry->of[0]));
}

const bm__arrow_node *bm__arrow_document_of(const struct ArrowSchema *schema, bm__arena *arena)
{
    bool nested = schema->format != NULL && schema->format[0] == '+' && schema->format[1] != 'r';
    bm__arrow_node *node = nested ? bm__arena_array(arena, 1, sizeof *node) : NULL;
    return node != NULL && read_node(schema, 0, arena, node) ? node : NULL;
}

/* ---- arrays */

static const char *struct_fault(const bm__arrow_node *node, const struct ArrowArray *array,
                                int64_t rows)
{
    assert(node->shape == BM__ARROW_STRUCT && rows >= 0);
    if (array->length < rows || array->offset < 0 || array->offset > INT64_MAX - array->length) {
        return BAD_LENGTH;
    }
    if (array->n_buffers != 1 || array->n_children != (int64_t)node->n ||
        (array->buffers == NULL && array->length > 0) || (array->children == NULL && node->n > 0)) {
        return "does not have the members of its type";
    }
    for (size_t i = 0; i < node->n; i++) {
        const char *fault = bm__arrow_document_fault(&node->of[i], array->children[i],
                                                     array->offset + array->length);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

const char *bm__arrow_document_fault(const bm__arrow_node *node, const struct ArrowArray *array,
                                     int64_t rows)
{
    assert(node->shape != 0 && rows >= 0);
    if (node->shape == BM__ARROW_LEAF) {
        return bm__arrow_array_fault(&node->type, array, rows);
    }
    if (node->shape == BM__ARROW_STRUCT) {
        return struct_fault(node, array, rows);
    }
    const char *fault = bm__arrow_list_fault(node->lists.at[0].ranges, array, rows);
    if (fault != NULL) {
        return fault;
    }
    const struct ArrowArray *elements = array->children[0];
    return elements->length < 0
               ? BAD_LENGTH
               : bm__arrow_document_fault(&node->of[0], elements, elements->length);
}

/* ---- values */

typedef struct writing {
    bm__buffer text;
    bm__arena *texts; /* of decimals */
    bm_error err;
} writing;

static const char *put(writing *w, const char *text, size_t size)
{
    return bm__buffer_append(&w->text, text, size, &w->err) == BM_OK ? NULL : NO_ROOM;
}

/* As PostgreSQL escapes it: escape_json, src/backend/utils/adt/json.c. */
static const char *put_escape(writing *w, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = c != 0 ? strchr(plain, c) : NULL;
    char escape[] = "\\u00..";
    escape[4] = digits[c >> 4];
    escape[5] = digits[c & 15];
    if (at != NULL) {
        assert(at < plain + sizeof letters);
        escape[1] = letters[at - plain];
    }
    return put(w, escape, at != NULL ? 2 : 6);
}

static const char *put_text(writing *w, const char *text, size_t size)
{
    const char *fault = bm__text_fault(text, size);
    fault = fault != NULL ? fault : put(w, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; fault == NULL && i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c != '"' && c != '\\' && c >= 0x20) {
            continue;
        }
        fault = put(w, text + from, i - from);
        fault = fault != NULL ? fault : put_escape(w, c);
        from = i + 1;
    }
    assert(from <= size);
    fault = fault != NULL ? fault : put(w, text + from, size - from);
    return fault != NULL ? fault : put(w, "\"", 1);
}

static bm_type type_of_leaf(const bm__arrow_type *type)
{
    switch (type->kind) {
    case BM__ARROW_BOOL:
        return BM_BOOL;
    case BM__ARROW_INT:
    case BM__ARROW_UINT:
        return BM_INT8;
    case BM__ARROW_FLOAT:
        return type->width == 8 ? BM_FLOAT8 : BM_FLOAT4;
    case BM__ARROW_DECIMAL:
        return BM_NUMERIC;
    default:
        return BM_TEXT;
    }
}

static const char *put_leaf(writing *w, const bm__arrow_type *type, const void *cell)
{
    const bm_type as = type_of_leaf(type);
    char text[BM__PRINT_MAX];
    bm_slice slice;
    if (as == BM_TEXT || as == BM_NUMERIC) {
        memcpy(&slice, cell, sizeof slice);
        assert(slice.data != NULL || slice.size == 0);
        return as == BM_TEXT ? put_text(w, slice.size > 0 ? slice.data : "", slice.size)
                             : put(w, slice.data, slice.size);
    }
    if (as == BM_BOOL) {
        return *(const bool *)cell ? put(w, "true", 4) : put(w, "false", 5);
    }
    size_t size = bm__value_print(as, cell, text);
    assert(size > 0 && size < sizeof text);
    return strpbrk(text, "Nn") == NULL ? put(w, text, size)
                                       : "has an infinity or NaN, which JSON does not have";
}

static const char *put_value(writing *w, const bm__arrow_node *node, const struct ArrowArray *array,
                             int64_t row);

static const char *put_struct(writing *w, const bm__arrow_node *node,
                              const struct ArrowArray *array, int64_t row)
{
    const char *fault = put(w, "{", 1);
    for (size_t i = 0; fault == NULL && i < node->n; i++) {
        fault = i > 0 ? put(w, ", ", 2) : NULL;
        fault = fault != NULL ? fault : put_text(w, node->of[i].name, strlen(node->of[i].name));
        fault = fault != NULL ? fault : put(w, ": ", 2);
        fault = fault != NULL ? fault
                              : put_value(w, &node->of[i], array->children[i], array->offset + row);
    }
    return fault != NULL ? fault : put(w, "}", 1);
}

static int compare_slices(const void *a, const void *b)
{
    const bm_slice *x = a;
    const bm_slice *y = b;
    const size_t size = x->size < y->size ? x->size : y->size;
    const int order = size > 0 ? memcmp(x->data, y->data, size) : 0;
    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

/* NULL, or what is wrong with the keys of a map: an object has one value of a name. */
static const char *keys_fault(writing *w, const bm__arrow_node *entry,
                              const struct ArrowArray *entries, const bm__arrow_range *range)
{
    const size_t n = (size_t)(range->to - range->from);
    bm_slice *keys = malloc((n + 1) * sizeof *keys);
    const char *fault = keys != NULL ? NULL : NO_ROOM;
    assert(entry->n == 2 && is_text(&entry->of[0]));
    for (size_t i = 0; fault == NULL && i < n; i++) {
        uint8_t state = BM_VALUE;
        fault = bm__arrow_cell(&entry->of[0].type, entries->children[0],
                               entries->offset + range->from + (int64_t)i, BM_TEXT, w->texts,
                               &keys[i], &state);
        fault = fault == NULL && state != BM_VALUE ? "has a map whose key is NULL" : fault;
    }
    if (fault == NULL) {
        qsort(keys, n, sizeof *keys, compare_slices);
    }
    for (size_t i = 1; fault == NULL && i < n; i++) {
        fault = compare_slices(&keys[i - 1], &keys[i]) == 0 ? "has a map with a key twice" : NULL;
    }
    free(keys);
    return fault;
}

static const char *put_list(writing *w, const bm__arrow_node *node, const struct ArrowArray *array,
                            int64_t row)
{
    const bool map = node->shape == BM__ARROW_MAP;
    const bm__arrow_node *of = &node->of[0];
    const struct ArrowArray *elements = array->children[0];
    bm__arrow_range range;
    if (!bm__arrow_list_range(&node->lists, 0, array, array->offset + row, &range)) {
        return OUTSIDE;
    }
    const char *fault = map ? keys_fault(w, of, elements, &range) : NULL;
    fault = fault != NULL ? fault : put(w, map ? "{" : "[", 1);
    for (int64_t i = range.from; fault == NULL && i < range.to; i++) {
        fault = i > range.from ? put(w, ", ", 2) : NULL;
        if (map && fault == NULL) {
            const int64_t at = elements->offset + i;
            fault = put_value(w, &of->of[0], elements->children[0], at);
            fault = fault != NULL ? fault : put(w, ": ", 2);
            fault = fault != NULL ? fault : put_value(w, &of->of[1], elements->children[1], at);
        } else if (fault == NULL) {
            fault = put_value(w, of, elements, i);
        }
    }
    return fault != NULL ? fault : put(w, map ? "}" : "]", 1);
}

static const char *put_value(writing *w, const bm__arrow_node *node, const struct ArrowArray *array,
                             int64_t row)
{
    _Alignas(8) char cell[sizeof(bm_slice)];
    uint8_t state = BM_VALUE;
    assert(row >= 0);
    if (node->shape == BM__ARROW_LEAF) {
        const char *fault = bm__arrow_cell(&node->type, array, row, type_of_leaf(&node->type),
                                           w->texts, cell, &state);
        if (fault != NULL) {
            return fault;
        }
        return state == BM_NULL ? put(w, "null", 4) : put_leaf(w, &node->type, cell);
    }
    if (bm__arrow_is_null(array, array->offset + row)) {
        return put(w, "null", 4);
    }
    return node->shape == BM__ARROW_STRUCT ? put_struct(w, node, array, row)
                                           : put_list(w, node, array, row);
}

const char *bm__arrow_json(const bm__arrow_node *node, const struct ArrowArray *array, int64_t row,
                           bm__arena *texts, bm_slice *out, uint8_t *state)
{
    assert(node->shape != BM__ARROW_LEAF && row >= 0);
    if (bm__arrow_is_null(array, array->offset + row)) {
        *state = BM_NULL;
        return NULL;
    }
    writing w = {.texts = texts, .err = BM_ERROR};
    const char *fault = put_value(&w, node, array, row);
    if (fault == NULL) {
        out->data = bm__arena_copy(texts, (const char *)w.text.data, w.text.size);
        out->size = w.text.size;
        fault = out->data != NULL ? NULL : NO_ROOM;
    }
    bm__buffer_free(&w.text);
    return fault;
}
