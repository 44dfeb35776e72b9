/* A binary array of one dimension into a bm_array: array_send,
 * src/backend/utils/adt/arrayfuncs.c. */
#include "codec.h"

static const char not_an_array[] = "not an array";
static const char no_memory[] = "there is no memory for it";

typedef struct wire {
    const uint8_t *at;
    size_t left;
    size_t count;
    bool has_null;
} wire;

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
    if (dimensions > 1) {
        return "an array of more than one dimension";
    }
    if (array->left < 12 + 8 * (size_t)dimensions) {
        return not_an_array;
    }
    uint32_t count = dimensions > 0 ? bm__get32(array->at + 12) : 0;
    array->at += 12 + 8 * dimensions;
    array->left -= 12 + 8 * (size_t)dimensions;
    array->count = count;
    array->has_null = flags == 1;
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
    wire array = {data, size, 0, false};
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
    return NULL;
}
