#include "call.h"

#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that the rule leaves out are counted, whether or not anybody asks for outcomes. */
static void set_ignored(bm__call *call, const uint8_t *dropped, size_t n)
{
    for (size_t row = 0; row < n; row++) {
        call->dropped += dropped[row];
        if (dropped[row] != 0 && call->outcomes != NULL) {
            call->outcomes[call->base + row] = BM_ROW_IGNORED;
        }
    }
}

/* Errors of a chunk name its rows: make them the caller's, and say them. */
static bm_status in_callers_rows(const bm__call *call, bm_status status, bm_error *err)
{
    char words[sizeof err->message];
    if (status == BM_OK || err->row == BM_NO_ROW) {
        return status;
    }
    err->row += call->base;
    if (err->other_row != BM_NO_ROW) {
        err->other_row += call->base;
        snprintf(err->message, sizeof err->message, "rows %zu and %zu have the same key", err->row,
                 err->other_row);
    } else {
        memcpy(words, err->message, sizeof words);
        snprintf(err->message, sizeof err->message, "row %zu: %.*s", err->row,
                 (int)sizeof words - 32, words);
    }
    return status;
}

bm_status bm__call_order(bm__call *call, size_t rows, bm_error *err)
{
    const bm__view *keys[BM__KEYS_MAX];
    size_t *order;
    size_t n = call->n_rows;
    for (size_t i = 0; i < call->distinct.n; i++) {
        keys[i] = &call->fields[call->distinct.at[i]];
    }
    bm_status status =
        bm__keys_order(keys, call->distinct.n, call->pick, n, call->nulls_differ, &order, err);
    if (status != BM_OK || order == NULL) {
        return in_callers_rows(call, status, err);
    }
    uint8_t *dropped = calloc(rows > 0 ? rows : 1, 1);
    status = dropped != NULL ? BM_OK : bm__no_memory(err);
    if (status == BM_OK) {
        status =
            bm__keys_distinct(keys, call->distinct.n, call->duplicates, order, &n, dropped, err);
    }
    if (status == BM_OK) {
        set_ignored(call, dropped, rows);
    }
    free(dropped);
    if (status != BM_OK) {
        free(order);
        return in_callers_rows(call, status, err);
    }
    free(call->pick);
    call->pick = order;
    call->n_rows = n;
    return BM_OK;
}
