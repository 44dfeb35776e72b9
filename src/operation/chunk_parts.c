#include "chunk_parts.h"

#include <assert.h>
#include <stdlib.h>

#define FEW ((size_t)64)             /* rows to try after one that the database refused */
#define CHECKED_AGAIN ((size_t)4096) /* the most rows whose values are checked again for one */

static bm_status push(bm__chunk_parts *parts, size_t low, size_t high, size_t step, bm_error *err)
{
    assert(low <= high && step > 0 && parts->n <= parts->capacity);
    if (parts->n == parts->capacity) {
        const size_t capacity = parts->capacity == 0 ? 16 : 2 * parts->capacity;
        bm__open_part *open = realloc(parts->open, capacity * sizeof *open);
        if (open == NULL) {
            return bm__no_memory(err);
        }
        parts->open = open;
        parts->capacity = capacity;
    }
    parts->open[parts->n++] = (bm__open_part){low, high, step};
    return BM_OK;
}

/* All of it at once. */
static bm_status push_whole(bm__chunk_parts *parts, size_t low, size_t high, bm_error *err)
{
    const size_t n = high - low;
    return push(parts, low, high, parts->row_by_row || n == 0 ? 1 : n, err);
}

bm_status bm__chunk_parts_begin(bm__chunk_parts *parts, size_t low, size_t high, bool row_by_row,
                                bm_error *err)
{
    *parts = (bm__chunk_parts){.row_by_row = row_by_row};
    return push_whole(parts, low, high, err);
}

bool bm__chunk_parts_next(bm__chunk_parts *parts)
{
    while (parts->n > 0) {
        const bm__open_part part = parts->open[--parts->n];
        if (part.low < part.high) {
            const bool all = part.step >= part.high - part.low;
            parts->now = part;
            parts->low = part.low;
            parts->end = all ? part.high : part.low + part.step;
            return true;
        }
    }
    return false;
}

/* After a row that was refused only so many are tried as are likely to be good: what was sent
 * behind a row that fails is sent again. */
bm_status bm__chunk_parts_written(bm__chunk_parts *parts, bm_error *err)
{
    const bm__open_part *now = &parts->now;
    const bool grows = now->step < now->high && !parts->row_by_row;
    assert(parts->low == now->low && parts->end <= now->high);
    return push(parts, parts->end, now->high, grows ? 4 * now->step : now->step, err);
}

bm_status bm__chunk_parts_refused(bm__chunk_parts *parts, size_t row, bool sent, size_t *rejected,
                                  bm_error *err)
{
    const bm__open_part now = parts->now;
    const size_t low = parts->low;
    const size_t end = parts->end;
    const size_t n = end - low;
    assert(n > 0 && low == now.low && end <= now.high);
    *rejected = BM_NO_ROW;
    if (n == 1) {
        *rejected = low;
        return push(parts, end, now.high, now.step, err);
    }
    if (row >= n) {
        BM_TRY(push(parts, end, now.high, now.step, err));
        BM_TRY(push_whole(parts, low + n / 2, end, err));
        return push_whole(parts, low, low + n / 2, err);
    }
    if (!sent) {
        *rejected = low + row;
        return push(parts, low + 1, now.high, now.step < CHECKED_AGAIN ? now.step : CHECKED_AGAIN,
                    err);
    }
    BM_TRY(push(parts, low + row + 1, now.high, 2 * row > FEW ? 2 * row : FEW, err));
    BM_TRY(push_whole(parts, low + row, low + row + 1, err));
    return push_whole(parts, low, low + row, err);
}

void bm__chunk_parts_free(bm__chunk_parts *parts)
{
    free(parts->open);
    *parts = (bm__chunk_parts){0};
}
