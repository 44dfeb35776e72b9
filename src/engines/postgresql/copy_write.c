/*
 * Cells into bytes, column by column within a block of rows: make the block, measure it, set a
 * cursor to the place of each row, then write a column through all cursors.
 */
#include "binary_block.h"

/* PostgreSQL manual, COPY, "Binary Format": signature, flags, length of the header's extension. */
const uint8_t bm__copy_header[BM__COPY_HEADER_SIZE] = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xFF, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
const uint8_t bm__copy_trailer[BM__COPY_TRAILER_SIZE] = {0xFF, 0xFF};

bm_status bm__bad_cell(bm_error *err, size_t row, const char *column, const char *fault)
{
    return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, row, column, "%s", fault);
}

/* ---- a column */

/* The sizes that the check kept, by the rows' numbers. */
static bool take_sizes(const bm__batch *batch, size_t column, size_t from, size_t n,
                       uint32_t *sizes)
{
    const uint32_t *known = batch->views[column].sizes;
    if (known != NULL && batch->pick == NULL) {
        memcpy(sizes, known + batch->first + from, n * sizeof *sizes);
    }
    for (size_t i = 0; known != NULL && batch->pick != NULL && i < n; i++) {
        sizes[i] = known[batch->pick[from + i]];
    }
    return known != NULL;
}

const char *bm__measure_block(const bm__slot *slot, const bm__batch *batch, size_t column,
                              size_t from, size_t n, bm__measured *out, size_t *bad)
{
    bool known = slot->codec->size == 0 && take_sizes(batch, column, from, n, out->sizes);
    bm__batch_cells(batch, column, from, n, known && slot->codec->from_address, &out->room,
                    &out->cells);
    return known ? NULL : bm__measure(slot, &out->cells, out->sizes, bad);
}

/* ---- check */

bool bm__slot_varies(const bm__slot *slot)
{
    return slot->codec->size == 0;
}

/* `kept`, where not NULL, takes the sizes by the rows' numbers. */
static const char *check_column(const bm__slot *slot, const bm__batch *batch, size_t column,
                                size_t from, size_t n, uint32_t *kept, size_t *bad)
{
    bm__measured block;
    if (slot->codec->measure == NULL) {
        return NULL;
    }
    bm__batch_cells(batch, column, from, n, false, &block.room, &block.cells);
    const char *fault = slot->codec->measure(slot, &block.cells, block.sizes, bad);
    bool keeps = kept != NULL && fault == NULL && bm__slot_varies(slot);
    if (keeps && batch->pick == NULL) {
        memcpy(kept + batch->first + from, block.sizes, n * sizeof *kept);
    }
    for (size_t i = 0; keeps && batch->pick != NULL && i < n; i++) {
        kept[batch->pick[from + i]] = block.sizes[i];
    }
    return fault;
}

bm_status bm__pg_check(const bm__slot *slots, const bm__batch *batch, uint32_t *const *sizes,
                       bm_error *err)
{
    for (size_t from = 0; from < batch->n_rows; from += BM__BLOCK) {
        size_t n = bm__block_rows(batch, from);
        const char *first = NULL; /* the fault in the first row that has one */
        size_t first_column = 0;
        for (size_t column = 0; column < batch->n_views; column++) {
            size_t bad;
            uint32_t *kept = sizes != NULL ? sizes[column] : NULL;
            const char *fault = check_column(&slots[column], batch, column, from, n, kept, &bad);
            if (fault != NULL) {
                first = fault;
                first_column = column;
                n = bad;
            }
        }
        if (first != NULL) {
            return bm__bad_cell(err, from + n, batch->views[first_column].name, first);
        }
    }
    return BM_OK;
}

/* ---- rows of a COPY */

/* A block of rows on its way into a COPY. */
typedef struct rows {
    const bm__slot *slots;
    const bm__batch *batch;
    size_t from, n;
    bm__measured *columns;
    size_t fixed;              /* bytes of a row without what differs in size */
    bool large;                /* a value is so large that `sizes` may be wrong */
    uint32_t sizes[BM__BLOCK]; /* of each row */
} rows;

/* So many columns as a table has, each with fewer bytes than this, are less than 1 GB. */
#define LARGE ((uint32_t)1 << 19)

static void add_sizes(rows *block, size_t column)
{
    const bm__measured *measured = &block->columns[column];
    const uint8_t *nulls = measured->cells.nulls;
    const uint32_t size = block->slots[column].codec->size;
    uint32_t all = 0;
    for (size_t i = 0; size == 0 && i < measured->cells.n; i++) {
        block->sizes[i] += measured->sizes[i];
        all |= measured->sizes[i];
    }
    for (size_t i = 0; size != 0 && nulls != NULL && i < measured->cells.n; i++) {
        block->sizes[i] -= nulls[i] != BM_VALUE ? size : 0;
    }
    block->large = block->large || all >= LARGE;
}

/* Bytes of each row.  A fault is that of the first row that has one. */
static bm_status measure_rows(rows *block, bm_error *err)
{
    const bm__batch *batch = block->batch;
    const char *first = NULL;
    size_t first_column = 0;
    size_t good = block->n; /* rows before the first that has a fault */
    block->large = false;
    block->fixed = 2;
    for (size_t column = 0; column < batch->n_views; column++) {
        block->fixed += 4 + (size_t)block->slots[column].codec->size;
    }
    for (size_t i = 0; i < block->n; i++) {
        block->sizes[i] = (uint32_t)block->fixed;
    }
    for (size_t column = 0; column < batch->n_views && good > 0; column++) {
        size_t bad;
        const char *fault = bm__measure_block(&block->slots[column], batch, column, block->from,
                                              good, &block->columns[column], &bad);
        if (fault != NULL) {
            first = fault;
            first_column = column;
            good = bad;
        } else {
            add_sizes(block, column);
        }
    }
    return first == NULL
               ? BM_OK
               : bm__bad_cell(err, block->from + good, batch->views[first_column].name, first);
}

/* A row is one CopyData message at the least: MaxAllocSize again. */
static bm_status check_large(const rows *block, bm_error *err)
{
    for (size_t i = 0; i < block->n; i++) {
        size_t bytes = 0;
        for (size_t column = 0; column < block->batch->n_views; column++) {
            bool varies = block->slots[column].codec->size == 0;
            bytes += varies ? (size_t)block->columns[column].sizes[i] : 0;
        }
        if (bytes + block->fixed >= BM__VALUE_MAX) {
            return bm__fail_cell(err, BM_LIMIT, BM_STAGE_CONVERT, block->from + i, NULL,
                                 "the row is 1 GB or larger");
        }
    }
    return BM_OK;
}

/* Column by column through a cursor in each row.  Where a column's cells are of one size and none
 * is NULL the cursors stay, and `offset` says how far behind them the next cell begins. */
static void write_rows(const rows *block, uint8_t *start)
{
    uint8_t *out[BM__BLOCK];
    ptrdiff_t offset = 0;
    for (size_t i = 0; i < block->n; i++) {
        bm__put16(start, (uint16_t)block->batch->n_views);
        out[i] = start + 2;
        start += block->sizes[i];
    }
    for (size_t column = 0; column < block->batch->n_views; column++) {
        const bm__slot *slot = &block->slots[column];
        const bm__measured *measured = &block->columns[column];
        if (slot->codec->size != 0 && measured->cells.nulls == NULL) {
            slot->codec->fill(&measured->cells, out, offset, NULL);
            offset += 4 + (ptrdiff_t)slot->codec->size;
            continue;
        }
        for (size_t i = 0; offset > 0 && i < block->n; i++) {
            out[i] += offset;
        }
        offset = 0;
        slot->codec->write(slot, &measured->cells, measured->sizes, out);
    }
}

bm_status bm__pg_copy_rows(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                           bm__buffer *room, bm__buffer *out, bm_error *err)
{
    rows block; /* its sizes are set when they are measured */
    size_t total = 0;
    uint8_t *at;
    block.slots = slots;
    block.batch = batch;
    block.from = from;
    block.n = n;
    room->size = 0;
    BM_TRY(bm__buffer_reserve(room, batch->n_views * sizeof *block.columns, &at, err));
    block.columns = (void *)at;
    BM_TRY(measure_rows(&block, err));
    if (block.large) {
        BM_TRY(check_large(&block, err));
    }
    for (size_t i = 0; i < n; i++) {
        total += block.sizes[i];
    }
    BM_TRY(bm__buffer_reserve(out, total, &at, err));
    write_rows(&block, at);
    out->size += total;
    return BM_OK;
}
