#include "checksum.h"

#include "type.h"
#include "utf8.h"

#include <assert.h>
#include <string.h>

/* For each word one to one in both: what differs once stays different, if nothing else does. */
static inline uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15); /* odd, with its bits spread: 2^64 / phi */
    return sum ^ sum >> 32;
}

static uint64_t mix_bytes(uint64_t sum, const void *data, size_t size)
{
    const char *at = data;
    uint64_t word;
    assert(data != NULL || size == 0);
    sum = mix(sum, size);
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        sum = mix(sum, word);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, at, size);
        sum = mix(sum, word);
    }
    return sum;
}

/* Rows are not checked yet: what is NULL and has a size is refused where it is encoded. */
static uint64_t mix_slice(uint64_t sum, bm_slice text)
{
    return text.data != NULL || text.size == 0 ? mix_bytes(sum, text.data, text.size)
                                               : mix(sum, UINT64_MAX);
}

/* Of an IPv4 address four bytes have a meaning. */
static uint64_t mix_fixed(uint64_t sum, bm_type type, const void *value, size_t width)
{
    if (type == BM_INET) {
        bm_inet inet;
        memcpy(&inet, value, sizeof inet);
        width = inet.family == 4 ? offsetof(bm_inet, address) + 4 : width;
    }
    return mix_bytes(sum, value, width);
}

static uint64_t mix_array(uint64_t sum, const bm_array *array, bm_type type)
{
    const size_t width = bm__type(type)->width;
    sum = mix(sum, array->count);
    if (array->data == NULL) {
        return sum;
    }
    for (size_t i = 0; i < array->count; i++) {
        const bm_state state = array->states != NULL ? (bm_state)array->states[i] : BM_VALUE;
        sum = mix(sum, (uint64_t)state);
        if (state != BM_VALUE) {
            continue;
        }
        if (width > 0) {
            sum = mix_fixed(sum, type, (const char *)array->data + i * width, width);
        } else {
            sum = mix_slice(sum, ((const bm_slice *)array->data)[i]);
        }
    }
    return sum;
}

static uint64_t mix_cell(uint64_t sum, const bm_field *field, const char *row)
{
    const void *cell = row + field->offset;
    if (field->layout == BM_FIXED) {
        return mix_fixed(sum, field->type, cell, field->width);
    }
    if (bm__is_array(field->layout)) {
        const bm_nd_array array = bm__load_array(field->layout, cell);
        sum = mix(sum, array.n_dimensions);
        for (size_t i = 0; i < array.n_dimensions && i < BM_DIMENSIONS_MAX; i++) {
            sum = mix(sum, array.lengths[i]);
        }
        return mix_array(sum, &array.elements, field->type);
    }
    const bm_slice text = bm__cell_bytes(field->layout, field->width, cell);
    return text.data != NULL ? mix_bytes(sum, text.data, text.size) : mix(sum, UINT64_MAX);
}

uint64_t bm__checksum_begin(const bm_model *model)
{
    uint64_t sum = 0;
    assert(model != NULL && model->row_size > 0);
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm_field *field = &model->fields[i];
        sum = mix_bytes(sum, field->name, strlen(field->name));
        sum = mix(sum, (uint64_t)field->type);
    }
    return sum;
}

uint64_t bm__checksum_rows(uint64_t so_far, const bm_model *model, const void *rows, size_t n)
{
    assert(model != NULL && (rows != NULL || n == 0));
    for (size_t row = 0; row < n; row++) {
        const char *at = (const char *)rows + row * model->row_size;
        for (size_t i = 0; i < model->n_fields; i++) {
            const bm_field *field = &model->fields[i];
            const bool has = field->state_offset != BM_NO_STATE;
            const uint8_t state = has ? (uint8_t)at[field->state_offset] : BM_VALUE;
            so_far = mix(so_far, state);
            so_far = state == BM_VALUE ? mix_cell(so_far, field, at) : so_far;
        }
    }
    return so_far;
}
