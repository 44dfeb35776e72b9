/*
 * A bm_array or bm_nd_array as PostgreSQL's binary array: array_recv,
 * src/backend/utils/adt/arrayfuncs.c.  ndim, flags (1: has NULL), element OID, then for each
 * dimension its length and lower bound, then the elements, each with a length word.  And as a
 * literal: PostgreSQL manual, "Array Input and Output Syntax".
 */
#include "codec.h"

bm_layout bm__element_layout(bm_type type, size_t *width)
{
    const bm__type_info *info = bm__type(type);
    *width = info->width != 0 ? info->width : sizeof(bm_slice);
    return info->width != 0 ? BM_FIXED : BM_SLICE;
}

static bm__slot element_slot(const bm__slot *slot)
{
    bm__slot element = *slot;
    element.layout = bm__element_layout(slot->from, &element.width);
    element.to.oid = slot->to.element;
    element.to.element = 0;
    element.to.kind = slot->to.element_kind;
    element.codec = slot->element_codec;
    element.element_codec = NULL;
    return element;
}

static const char *shape_fault(const bm_nd_array *array)
{
    size_t count = 1;
    if (array->n_dimensions > BM_DIMENSIONS_MAX) {
        return "the array has more than six dimensions";
    }
    for (size_t i = 0; i < array->n_dimensions; i++) {
        if (__builtin_mul_overflow(count, array->lengths[i], &count)) {
            return "the array has too many elements";
        }
    }
    return count == array->elements.count
               ? NULL
               : "the array's count of elements must be the product of its lengths";
}

static const char *array_fault(const bm_array *array)
{
    if (array->count > BM__ARRAY_COUNT_MAX) {
        return "the array has too many elements";
    }
    if (array->data == NULL && array->count > 0) {
        return "the array has elements, but its data pointer is NULL";
    }
    for (size_t i = 0; array->states != NULL && i < array->count; i++) {
        if (array->states[i] > BM_NULL) {
            return "an array element must be a value or NULL";
        }
    }
    return NULL;
}

/* Elements from .. from + n - 1 (n <= BM__BLOCK) as a block. */
static bm__cells elements(const bm_array *array, const bm__slot *element, size_t from)
{
    const size_t left = array->count - from;
    const char *first = (const char *)array->data + from * element->width;
    bm__cells cells = {.n = left < BM__BLOCK ? left : BM__BLOCK, .first = first};
    cells.stride = (ptrdiff_t)element->width;
    if (element->layout == BM_SLICE) {
        cells.slices = (const bm_slice *)array->data + from;
    }
    cells.nulls = array->states != NULL ? array->states + from : NULL;
    return cells;
}

size_t bm__array_header(uint8_t *at, size_t count, bool has_null, uint32_t element_oid)
{
    bm__put32(at, count > 0);
    bm__put32(at + 4, has_null);
    bm__put32(at + 8, element_oid);
    if (count == 0) {
        return 12;
    }
    bm__put32(at + 12, (uint32_t)count);
    bm__put32(at + 16, 1);
    return BM__ARRAY_HEADER_MAX;
}

size_t bm__values_size(const bm__codec *codec, const bm__cells *cells, const uint32_t *sizes)
{
    const uint8_t *nulls = cells->nulls;
    size_t total = cells->n * (4 + (size_t)codec->size);
    size_t n_null = 0;
    for (size_t i = 0; codec->size == 0 && i < cells->n; i++) {
        total += sizes[i];
    }
    for (size_t i = 0; codec->size != 0 && nulls != NULL && i < cells->n; i++) {
        n_null += nulls[i] != BM_VALUE;
    }
    return total - n_null * codec->size;
}

void bm__values_write(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                      uint8_t *to)
{
    uint8_t *out[BM__BLOCK];
    const bm__codec *codec = slot->codec;
    if (codec->fill != NULL && cells->nulls == NULL) {
        codec->fill(cells, NULL, 0, to);
        return;
    }
    for (size_t i = 0; codec->size != 0 && i < cells->n; i++) {
        out[i] = to;
        to += 4 + (cells->nulls[i] != BM_VALUE ? 0 : (size_t)codec->size);
    }
    for (size_t i = 0; codec->size == 0 && i < cells->n; i++) {
        out[i] = to;
        to += 4 + (size_t)sizes[i];
    }
    codec->write(slot, cells, sizes, out);
}

/* The elements must fit the column's elements, and the binary array in less than `end` bytes. */
static const char *measure_one(const bm__slot *element, const bm_nd_array *cell, size_t end,
                               size_t *size)
{
    const bm_array *array = &cell->elements;
    const char *fault = shape_fault(cell);
    fault = fault != NULL ? fault : array_fault(array);
    size_t total = array->count > 0 ? 12 + 8 * cell->n_dimensions : 12;
    for (size_t from = 0; fault == NULL && from < array->count; from += BM__BLOCK) {
        const bm__cells cells = elements(array, element, from);
        uint32_t sizes[BM__BLOCK];
        size_t bad;
        fault = bm__measure(element, &cells, sizes, &bad);
        if (fault == NULL) {
            total += bm__values_size(element->codec, &cells, sizes);
            fault = total >= end ? "the value is 1 GB or larger" : NULL;
        }
    }
    *size = total;
    return fault;
}

static const char *measure_array(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                 size_t *bad)
{
    const bm__slot element = element_slot(slot);
    for (size_t i = 0; i < cells->n; i++) {
        sizes[i] = 0;
        if (bm__is_null(cells, i)) {
            continue;
        }
        const bm_nd_array array = bm__load_array(slot->layout, bm__fixed_cell(cells, i));
        size_t size;
        const char *fault = measure_one(&element, &array, BM__VALUE_MAX + 1, &size);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
        sizes[i] = (uint32_t)size;
    }
    return NULL;
}

static uint8_t *put_header(const bm_nd_array *cell, bool has_null, uint32_t element, uint8_t *to)
{
    const size_t n = cell->n_dimensions;
    to += bm__array_header(to, cell->elements.count, has_null, element);
    if (cell->elements.count == 0 || n == 1) {
        return to;
    }
    to -= 8;
    bm__put32(to - 12, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        bm__put32(to + 8 * i, (uint32_t)cell->lengths[i]);
        bm__put32(to + 8 * i + 4, 1);
    }
    return to + 8 * n;
}

static void write_one(const bm__slot *element, const bm_nd_array *cell, uint8_t *to)
{
    const bm_array *array = &cell->elements;
    const bool has_null =
        array->states != NULL && memchr(array->states, BM_NULL, array->count) != NULL;
    to = put_header(cell, has_null, element->to.oid, to);
    for (size_t from = 0; from < array->count; from += BM__BLOCK) {
        const bm__cells cells = elements(array, element, from);
        uint32_t sizes[BM__BLOCK];
        size_t bad;
        if (element->codec->size == 0) {
            (void)element->codec->measure(element, &cells, sizes, &bad); /* fitted before */
        }
        bm__values_write(element, &cells, sizes, to);
        to += bm__values_size(element->codec, &cells, sizes);
    }
}

static void write_array(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                        uint8_t **out)
{
    const bm__slot element = element_slot(slot);
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (to != NULL) {
            const bm_nd_array array = bm__load_array(slot->layout, bm__fixed_cell(cells, i));
            write_one(&element, &array, to);
        }
    }
}

const bm__codec bm__codec_array = {.measure = measure_array, .write = write_array};

/* ---- as a literal */

/* What needs no quotes stands as it is; in quotes, backslashes stand before quotes and
 * backslashes. */
static void put_element(bm__sink *out, const bm__type_ops *ops, const void *value)
{
    if (ops->bare) {
        ops->print(value, out);
        return;
    }
    bm__put(out, "\"", 1);
    out->escapes = true;
    ops->print(value, out);
    out->escapes = false;
    bm__put(out, "\"", 1);
}

/* How many lists begin before element `i`; as many end before it, but for the first. */
static size_t lists_at(const bm_nd_array *cell, size_t i)
{
    size_t stride = 1;
    size_t n = 0;
    for (size_t d = cell->n_dimensions; d-- > 0;) {
        stride *= cell->lengths[d];
        n += i % stride == 0;
    }
    return n;
}

static void put_array(bm__sink *out, const bm__slot *element, const bm_nd_array *cell)
{
    const bm__type_ops *ops = bm__type(element->from)->ops;
    const bm_array *array = &cell->elements;
    if (array->count == 0) {
        bm__put(out, "{}", 2);
        return;
    }
    for (size_t i = 0; i < array->count; i++) {
        const size_t n = lists_at(cell, i);
        if (i > 0) {
            bm__put(out, "}}}}}}", n);
            bm__put(out, ",", 1);
        }
        bm__put(out, "{{{{{{", n);
        if (array->states != NULL && array->states[i] != BM_VALUE) {
            bm__put(out, "NULL", 4);
        } else {
            put_element(out, ops, (const char *)array->data + i * element->width);
        }
    }
    bm__put(out, "}}}}}}", cell->n_dimensions);
}

static const char *measure_literal(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                   size_t *bad)
{
    const bm__slot element = element_slot(slot);
    for (size_t i = 0; i < cells->n; i++) {
        sizes[i] = 0;
        if (bm__is_null(cells, i)) {
            continue;
        }
        const bm_nd_array array = bm__load_array(slot->layout, bm__fixed_cell(cells, i));
        size_t unused; /* they travel as text, of another size */
        const char *fault = measure_one(&element, &array, SIZE_MAX, &unused);
        bm__sink count = {0};
        if (fault == NULL) {
            put_array(&count, &element, &array);
            fault = count.size >= BM__VALUE_MAX ? "the value is 1 GB or larger" : NULL;
        }
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
        sizes[i] = (uint32_t)count.size;
    }
    return NULL;
}

static void write_literal(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                          uint8_t **out)
{
    const bm__slot element = element_slot(slot);
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (to != NULL) {
            const bm_nd_array array = bm__load_array(slot->layout, bm__fixed_cell(cells, i));
            bm__sink text = {(char *)to, sizes[i], 0, false};
            put_array(&text, &element, &array);
        }
    }
}

const bm__codec bm__codec_array_text = {.measure = measure_literal, .write = write_literal};

/* ---- back: array_send */

static const char not_an_array[] = "not an array";
static const char no_memory[] = "out of memory";

typedef struct wire {
    const uint8_t *at;
    size_t left;
    size_t count;
    size_t n_dimensions;
    size_t lengths[BM_DIMENSIONS_MAX];
    bool has_null;
} wire;

/* The length and lower bound of each dimension. */
static const char *take_dimensions(wire *array, uint32_t dimensions)
{
    uint64_t count = dimensions > 0;
    if (array->left < 8 * (size_t)dimensions) {
        return not_an_array;
    }
    for (size_t i = 0; i < dimensions; i++) {
        const uint32_t length = bm__get32(array->at);
        count *= length;
        if (count > BM__ARRAY_COUNT_MAX) {
            return not_an_array;
        }
        array->lengths[i] = length;
        array->at += 8;
        array->left -= 8;
    }
    array->n_dimensions = dimensions;
    array->count = (size_t)count;
    return NULL;
}

static const char *take_header(const bm__pg_reader *reader, wire *array)
{
    if (array->left < 12) {
        return not_an_array;
    }
    uint32_t dimensions = bm__get32(array->at);
    uint32_t flags = bm__get32(array->at + 4);
    uint32_t element = bm__get32(array->at + 8);
    /* A domain's OID is not known here, only its base type's. */
    bool wrong = reader->from.element_kind != 'd' && element != reader->from.element;
    if (flags > 1 || wrong) {
        return not_an_array;
    }
    if (dimensions > 1 && reader->layout != BM_ND_ARRAY) {
        return "the array has more than one dimension: expected one";
    }
    if (dimensions > BM_DIMENSIONS_MAX) {
        return not_an_array;
    }
    array->at += 12;
    array->left -= 12;
    array->has_null = flags == 1;
    const char *fault = take_dimensions(array, dimensions);
    if (fault != NULL) {
        return fault;
    }
    const size_t count = array->count;
    return count > array->left / 4 || (count == 0 && array->left > 0) ? not_an_array : NULL;
}

static const char *take_elements(const bm__pg_reader *element, wire *array, uint8_t *data,
                                 uint8_t *states, bm__arena *arena)
{
    for (size_t i = 0; i < array->count; i++) {
        if (array->left < 4) {
            return not_an_array;
        }
        uint32_t size = bm__get32(array->at);
        array->at += 4;
        array->left -= 4;
        if (size == UINT32_MAX && states != NULL) {
            states[i] = BM_NULL;
            continue;
        }
        if (size > array->left) {
            return not_an_array;
        }
        const char *fault =
            element->read(element, array->at, size, data + i * element->width, arena);
        if (fault != NULL) {
            return fault;
        }
        array->at += size;
        array->left -= size;
    }
    return array->left == 0 ? NULL : not_an_array;
}

const char *bm__read_array(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                           void *member, bm__arena *arena)
{
    wire array = {.at = data, .left = size};
    const char *fault = take_header(reader, &array);
    if (fault != NULL) {
        return fault;
    }
    bm__pg_reader element = *reader;
    element.layout = bm__element_layout(reader->to, &element.width);
    element.from.oid = reader->from.element;
    element.read = reader->element_read;
    bm_array made = {NULL, array.count, NULL};
    if (array.count > 0) {
        uint8_t *elements = bm__arena_array(arena, array.count, element.width);
        uint8_t *states = array.has_null ? bm__arena_array(arena, array.count, 1) : NULL;
        if (elements == NULL || (array.has_null && states == NULL)) {
            return no_memory;
        }
        fault = take_elements(&element, &array, elements, states, arena);
        if (fault != NULL) {
            return fault;
        }
        made.data = elements;
        made.states = states;
    }
    memcpy(member, &made, sizeof made);
    if (reader->layout == BM_ND_ARRAY) {
        bm_nd_array all = {.elements = made,
                           .n_dimensions = made.count > 0 ? array.n_dimensions : 0};
        memcpy(all.lengths, array.lengths, all.n_dimensions * sizeof all.lengths[0]);
        memcpy(member, &all, sizeof all);
    }
    return NULL;
}
