/* Cells as literals, exactly as they are stored; none needs escaping, whatever the sql_mode is. */
#include "mariadb.h"

#include "storage.h"
#include "type.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char not_finite[] = "MariaDB cannot store NaN or infinity";

static const char *value(bm_type type, bm_layout layout, size_t width, const void *cell,
                         char scratch[BM__PRINT_MAX], bm__cell *out)
{
    const char *fault = bm__sqlite_value(type, layout, width, cell, scratch, out);
    bool infinite = fault == NULL && out->kind == BM__CELL_REAL && !isfinite(out->real);
    return infinite ? not_finite : fault;
}

/* What SQLite stores and MariaDB does not is infinity. */
static bm_status check(const bm__batch *batch, bm_error *err)
{
    char scratch[BM__PRINT_MAX];
    bm__cell unused;
    BM_TRY(bm__sqlite_check(batch, err));
    for (size_t column = 0; column < batch->n_views; column++) {
        const bm__view *view = &batch->views[column];
        const bm_column *cells = &view->cells;
        bool real = cells->type == BM_FLOAT4 || cells->type == BM_FLOAT8;
        for (size_t i = 0; real && i < batch->n_rows; i++) {
            const size_t row = bm__batch_row(batch, i);
            const char *fault = bm__view_state(view, row) != BM_VALUE
                                    ? NULL
                                    : value(cells->type, cells->layout, cells->width,
                                            bm__view_cell(view, row), scratch, &unused);
            if (fault != NULL) {
                return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, i, view->name,
                                     "the value cannot be stored: %s", fault);
            }
        }
    }
    return BM_OK;
}

/* x'...' */
static bm_status put_hex(bm__buffer *out, const char *data, size_t size, bm_error *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *at;
    if (size > PTRDIFF_MAX / 4) {
        return bm__no_memory(err);
    }
    BM_TRY(bm__buffer_reserve(out, 2 * size + 3, &at, err));
    uint8_t *end = at;
    *end++ = 'x';
    *end++ = '\'';
    for (size_t i = 0; i < size; i++) {
        const unsigned char byte = (unsigned char)data[i];
        *end++ = (uint8_t)digits[byte >> 4];
        *end++ = (uint8_t)digits[byte & 15];
    }
    *end++ = '\'';
    assert((size_t)(end - at) == 2 * size + 3);
    out->size += (size_t)(end - at);
    return BM_OK;
}

/* A number that is not in decimal notation is a double, which the shortest digits give exactly. */
static bm_status put_real(bm__buffer *out, double real, bm_error *err)
{
    char text[BM__PRINT_MAX];
    assert(isfinite(real));
    size_t size = bm__value_print(BM_FLOAT8, &real, text);
    BM_TRY(bm__buffer_append(out, text, size, err));
    return memchr(text, 'e', size) != NULL ? BM_OK : bm__buffer_append(out, "e0", 2, err);
}

/* Text of our own making, or a number: neither a quote nor a backslash is in it. */
static bm_status put_quoted(bm__buffer *out, const char *text, size_t size, bm_error *err)
{
    assert(memchr(text, '\'', size) == NULL && memchr(text, '\\', size) == NULL);
    BM_TRY(bm__buffer_append(out, "'", 1, err));
    BM_TRY(bm__buffer_append(out, text, size, err));
    return bm__buffer_append(out, "'", 1, err);
}

static bm_status put_cell(bm__buffer *out, const bm__cell *cell, bool plain, bm_error *err)
{
    char text[BM__PRINT_MAX];
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        return bm__buffer_append(out, text, bm__value_print(BM_INT8, &cell->integer, text), err);
    case BM__CELL_REAL:
        return put_real(out, cell->real, err);
    case BM__CELL_TEXT:
        if (plain) {
            return put_quoted(out, cell->data, cell->size, err);
        }
        BM_TRY(bm__buffer_append(out, "_utf8mb4 ", strlen("_utf8mb4 "), err));
        return put_hex(out, cell->data, cell->size, err);
    case BM__CELL_BLOB:
    case BM__CELL_BYTES:
        return put_hex(out, cell->data, cell->size, err);
    case BM__CELL_NULL:
        break;
    }
    return bm__buffer_append(out, "NULL", strlen("NULL"), err);
}

static bm_status literal(bm_type type, bm_layout layout, size_t width, const void *cell,
                         bm__buffer *out, bm_error *err)
{
    char scratch[BM__PRINT_MAX];
    bm__cell stored = {.kind = BM__CELL_NULL};
    const char *fault = cell != NULL ? value(type, layout, width, cell, scratch, &stored) : NULL;
    if (fault != NULL) {
        return bm__fail(err, BM_CONVERT, BM_STAGE_CONVERT, "the value cannot be stored: %s", fault);
    }
    return put_cell(out, &stored, stored.data == scratch || type == BM_NUMERIC, err);
}

const bm__storage bm__mariadb_storage = {.resolve = bm__sqlite_resolve,
                                         .check = check,
                                         .value = value,
                                         .read = bm__sqlite_read,
                                         .literal = literal};
