#include "keys.h"

#include "codec.h"
#include "utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A row to sort, with the first key column's value beside it where it is an integer. */
typedef struct item {
    int64_t value;
    size_t row;
} item;

typedef struct order_by {
    const bm__view *const *keys;
    size_t n_keys;
} order_by;

static int compare_cells(const bm__view *view, size_t a, size_t b)
{
    const bm__type_ops *ops = bm__type(view->cells.type)->ops;
    assert(!bm__is_array(view->cells.layout));
    bool a_null = bm__view_state(view, a) != BM_VALUE;
    bool b_null = bm__view_state(view, b) != BM_VALUE;
    if (a_null || b_null) {
        return (int)a_null - (int)b_null;
    }
    const void *x = bm__view_cell(view, a);
    const void *y = bm__view_cell(view, b);
    if (ops->compare == NULL) {
        int64_t i = bm__load_int(x, view->cells.width);
        int64_t j = bm__load_int(y, view->cells.width);
        return (i > j) - (i < j);
    }
    if (view->cells.layout == BM_FIXED) {
        return ops->compare(x, y);
    }
    const bm_slice s = bm__cell_bytes(view->cells.layout, view->cells.width, x);
    const bm_slice t = bm__cell_bytes(view->cells.layout, view->cells.width, y);
    assert(s.data != NULL && t.data != NULL);
    return ops->compare(&s, &t);
}

static int compare_rows(const order_by *by, size_t a, size_t b)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        int c = compare_cells(by->keys[k], a, b);
        if (c != 0) {
            return c;
        }
    }
    return 0;
}

static bool after(const order_by *by, const item *a, const item *b)
{
    assert(a->row != b->row);
    if (a->value != b->value) {
        return a->value > b->value;
    }
    return compare_rows(by, a->row, b->row) > 0;
}

#ifndef NDEBUG
/* No two neighbours are the wrong way round, and those with the same key are in input order. */
static bool is_sorted(const order_by *by, const item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        bool same = !after(by, &items[i], &items[i - 1]);
        if (after(by, &items[i - 1], &items[i]) || (same && items[i - 1].row > items[i].row)) {
            return false;
        }
    }
    return true;
}
#endif

/* Merge sort, bottom up: stable, so rows with the same key stay in input order.  Returns the half
 * of `items` (2 * n entries) that holds the result. */
static item *sort(const order_by *by, item *items, size_t n)
{
    item *from = items;
    item *to = items + n;
    assert(n > 1);
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t middle = low + width < n ? low + width : n;
            size_t high = low + 2 * width < n ? low + 2 * width : n;
            size_t a = low;
            size_t b = middle;
            assert(low < middle && middle <= high && high <= n);
            for (size_t i = low; i < high; i++) {
                bool second = a == middle || (b < high && after(by, &from[a], &from[b]));
                to[i] = second ? from[b++] : from[a++];
            }
            assert(a == middle && b == high);
        }
        item *swap = from;
        from = to;
        to = swap;
    }
    assert(is_sorted(by, from, n));
    return from;
}

static bool has_null(const order_by *by, size_t row)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        if (bm__view_state(by->keys[k], row) != BM_VALUE) {
            return true;
        }
    }
    return false;
}

static size_t row_of(const size_t *rows, size_t i)
{
    return rows != NULL ? rows[i] : i;
}

/* "1" and "1.0" are one number and two texts: which rows are the same only the server knows. */
static bm_status check_types(const order_by *by, bm_error *err)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        if (by->keys[k]->cells.type == BM_NUMERIC) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, by->keys[k]->name,
                                 "rows cannot be found by column \"%s\": its type is numeric",
                                 by->keys[k]->name);
        }
    }
    return BM_OK;
}

static bm_status check_nulls(const order_by *by, const size_t *rows, size_t n, bm_error *err)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        const bm__view *key = by->keys[k];
        for (size_t i = 0; bm__view_has_states(key) && i < n; i++) {
            size_t row = row_of(rows, i);
            if (bm__view_state(key, row) != BM_VALUE) {
                return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, row, key->name,
                                     "the key column \"%s\" has no value", key->name);
            }
        }
    }
    return BM_OK;
}

/* Text is in the memory of the caller: a pointer that was left out is named here, not followed. */
static bm_status check_pointers(const order_by *by, const size_t *rows, size_t n, bm_error *err)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        const bm__view *key = by->keys[k];
        for (size_t i = 0; key->cells.layout == BM_SLICE && i < n; i++) {
            const size_t row = row_of(rows, i);
            const void *cell = bm__view_cell(key, row);
            if (bm__view_state(key, row) == BM_VALUE &&
                bm__cell_bytes(BM_SLICE, key->cells.width, cell).data == NULL) {
                return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, row, key->name,
                                     "a NULL pointer must have size 0");
            }
        }
    }
    return BM_OK;
}

/* Arrays have no order here. */
static bm_status check_layouts(const order_by *by, bm_error *err)
{
    for (size_t k = 0; k < by->n_keys; k++) {
        const bm__view *key = by->keys[k];
        if (bm__is_array(key->cells.layout)) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, key->name,
                                 "the key column \"%s\" is an array", key->name);
        }
    }
    return BM_OK;
}

static BM__ALWAYS_INLINE bool rises(const bm__view *key, size_t n, size_t width)
{
    const char *cell = key->cells.data;
    int64_t last = bm__load_int(cell, width);
    for (size_t i = 1; i < n; i++) {
        cell += key->cells.stride;
        int64_t value = bm__load_int(cell, width);
        if (value <= last) {
            return false;
        }
        last = value;
    }
    return true;
}

/* One column of integers that stand `stride` bytes apart, every row of it. */
static bool integers_ascending(const bm__view *key, size_t n)
{
    return key->cells.width == 8   ? rises(key, n, 8)
           : key->cells.width == 4 ? rises(key, n, 4)
                                   : rises(key, n, 2);
}

/* Is the column's order that of integers, of which every row has one? */
static bool is_integer(const bm__view *key)
{
    return key->cells.layout == BM_FIXED && bm__type(key->cells.type)->ops->compare == NULL &&
           !bm__view_has_states(key);
}

static bool ascending(const order_by *by, const size_t *rows, size_t n)
{
    const bm__view *key = by->keys[0];
    bool plain = by->n_keys == 1 && rows == NULL && key->rows == NULL && n > 0 && is_integer(key);
    if (plain) {
        return integers_ascending(key, n);
    }
    for (size_t i = 1; i < n; i++) {
        if (compare_rows(by, row_of(rows, i - 1), row_of(rows, i)) >= 0) {
            return false;
        }
    }
    return true;
}

bm_status bm__keys_order(const bm__view *const *keys, size_t n_keys, const size_t *rows, size_t n,
                         bool nulls, size_t **order, bm_error *err)
{
    order_by by = {keys, n_keys};
    assert(n_keys > 0);
    *order = NULL;
    BM_TRY(check_types(&by, err));
    BM_TRY(check_layouts(&by, err));
    if (!nulls) {
        BM_TRY(check_nulls(&by, rows, n, err));
    }
    BM_TRY(check_pointers(&by, rows, n, err));
    if (ascending(&by, rows, n)) {
        return BM_OK;
    }
    item *items = n <= SIZE_MAX / (2 * sizeof *items) ? malloc(2 * n * sizeof *items) : NULL;
    size_t *sorted = malloc(n * sizeof *sorted);
    if (items == NULL || sorted == NULL) {
        free(items);
        free(sorted);
        return bm__no_memory(err);
    }
    const bool ranked = is_integer(keys[0]);
    for (size_t i = 0; i < n; i++) {
        items[i].row = row_of(rows, i);
        const void *cell = ranked ? bm__view_cell(keys[0], items[i].row) : NULL;
        items[i].value = ranked ? bm__load_int(cell, keys[0]->cells.width) : 0;
    }
    const item *done = sort(&by, items, n);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = done[i].row;
    }
    free(items);
    *order = sorted;
    return BM_OK;
}

bm_status bm__keys_distinct(const bm__view *const *keys, size_t n_keys, bm_duplicates rule,
                            size_t *order, size_t *n, uint8_t *dropped, bm_error *err)
{
    order_by by = {keys, n_keys};
    size_t left = 0;
    assert(n_keys > 0 && order != NULL);
    for (size_t i = 0; i < *n;) {
        size_t end = i + 1;
        while (end < *n && !has_null(&by, order[i]) &&
               compare_rows(&by, order[i], order[end]) == 0) {
            end++;
        }
        if (end - i > 1 && rule == BM_DUPLICATES_ERROR) {
            bm_status status = bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, order[i],
                                             keys[0]->name, "two rows have the same key");
            err->other_row = order[i + 1];
            return status;
        }
        assert(end > i && end <= *n && left <= i);
        size_t keep = rule == BM_DUPLICATES_LAST ? order[end - 1] : order[i];
        for (size_t j = i; dropped != NULL && j < end; j++) {
            dropped[order[j]] = order[j] != keep;
        }
        order[left++] = keep;
        i = end;
    }
    assert(left <= *n);
    *n = left;
    return BM_OK;
}
