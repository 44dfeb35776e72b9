/*
 * Cells into bytes, column by column within a block of rows: gather where the cells stand, measure
 * them, set a cursor to the place of each row, then write a column through all cursors.
 */
#include "block.h"

/* PostgreSQL manual, COPY, "Binary Format": signature, flags, length of the header's extension. */
const uint8_t bm__copy_header[BM__COPY_HEADER_SIZE] = {
    'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xFF, '\r', '\n', 0, 0, 0, 0, 0, 0, 0, 0, 0};
const uint8_t bm__copy_trailer[BM__COPY_TRAILER_SIZE] = {0xFF, 0xFF};

bm_status bm__bad_cell(bm_error *err, size_t row, const char *column, const char *fault)
{
    return bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, row, column, "%s", fault);
}

/* ---- check */

const void *bm__even_cells(const bm__batch *batch, size_t column, size_t from)
{
    const bm__view *view = &batch->views[column];
    if (batch->pick != NULL || view->rows != NULL || bm__view_has_state_bytes(view)) {
        return NULL;
    }
    return bm__view_cell(view, batch->first + from);
}

static const char *measure_cells(const bm__slot *slot, const bm__batch *batch, size_t column,
                                 size_t from, size_t n, uint32_t sizes[BM__BLOCK], size_t *bad)
{
    const void *at[BM__BLOCK];
    const void *first = bm__even_cells(batch, column, from);
    ptrdiff_t stride = batch->views[column].cells.stride;
    const bm__codec_run *run = slot->codec->run;
    const bm__codec_even *even = bm__codec_even_of(slot->codec);
    if (first != NULL && run != NULL) {
        return run->check != NULL ? run->check(first, stride, n, bad) : NULL;
    }
    if (first != NULL && even != NULL) {
        return even->measure(slot, first, stride, n, sizes, bad);
    }
    (void)bm__batch_gather(batch, column, from, n, at);
    return slot->codec->measure(slot, at, n, sizes, bad);
}

/* `kept`, where not NULL, takes the sizes by the rows' numbers. */
static const char *check_column(const bm__slot *slot, const bm__batch *batch, size_t column,
                                size_t from, size_t n, uint32_t *kept, size_t *bad)
{
    uint32_t sizes[BM__BLOCK];
    const char *fault = measure_cells(slot, batch, column, from, n, sizes, bad);
    bool keeps = kept != NULL && fault == NULL && n > 0 && bm__slot_varies(slot);
    if (keeps && batch->pick == NULL) {
        memcpy(kept + batch->first + from, sizes, n * sizeof *sizes);
    }
    for (size_t i = 0; keeps && batch->pick != NULL && i < n; i++) {
        kept[batch->pick[from + i]] = sizes[i];
    }
    return fault;
}

bool bm__slot_varies(const bm__slot *slot)
{
    return slot->codec->run == NULL;
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

bool bm__known_sizes(const bm__batch *batch, size_t column, size_t from, size_t n, uint32_t *sizes)
{
    const uint32_t *known = batch->views[column].sizes;
    if (known == NULL) {
        return false;
    }
    if (batch->pick == NULL) {
        memcpy(sizes, known + batch->first + from, n * sizeof *sizes);
    }
    for (size_t i = 0; batch->pick != NULL && i < n; i++) {
        sizes[i] = known[batch->pick[from + i]];
    }
    return true;
}

/* ---- rows of a COPY */

/* Addresses and sizes of a block's cells, column by column.  They stand at the far end of the
 * output buffer, where the rows do not reach: no second allocation, and none for each block. */
typedef struct scratch {
    const void **at;
    uint32_t *sizes;
    size_t cells;
} scratch;

#define CELL_SCRATCH (sizeof(const void *) + sizeof(uint32_t))

static void point_scratch(scratch *cells, const bm__buffer *out)
{
    size_t start = (out->capacity - cells->cells * CELL_SCRATCH) & ~(sizeof(void *) - 1);
    void *at = out->data + start;
    cells->at = at;
    cells->sizes = (uint32_t *)(void *)(cells->at + cells->cells);
}

static bm_status reserve_scratch(scratch *cells, bm__buffer *out, bm_error *err)
{
    size_t bytes;
    uint8_t *at;
    if (__builtin_mul_overflow(cells->cells, CELL_SCRATCH, &bytes) ||
        bytes > PTRDIFF_MAX - sizeof(void *)) {
        return bm__no_memory(err);
    }
    BM_TRY(bm__buffer_reserve(out, bytes + sizeof(void *), &at, err));
    point_scratch(cells, out);
    return BM_OK;
}

/* Make room for `more` bytes before the scratch, which moves to the new end. */
static bm_status reserve_rows(scratch *cells, bm__buffer *out, size_t more, bm_error *err)
{
    size_t start = (size_t)((uint8_t *)(void *)cells->at - out->data);
    if (more <= start - out->size) {
        return BM_OK;
    }
    size_t size = out->size;
    uint8_t *at;
    out->size = out->capacity; /* the scratch is to be kept */
    bm_status status = bm__buffer_reserve(out, more, &at, err);
    out->size = size;
    if (status != BM_OK) {
        return status;
    }
    point_scratch(cells, out);
    memmove(cells->at, out->data + start, cells->cells * CELL_SCRATCH);
    return BM_OK;
}

/* A block of rows on its way into a COPY. */
typedef struct block {
    const bm__slot *slots;
    const bm__batch *batch;
    size_t from, n;
    scratch cells;
    size_t lead;              /* bytes of each row before its first cell that may vary in size */
    size_t fixed;             /* bytes that each row has in any case, ... */
    size_t n_varying;         /* ... and how many columns add to them, */
    size_t varying;           /* the first of which this is */
    size_t total;             /* bytes of all rows */
    uint32_t sums[BM__BLOCK]; /* bytes that several varying columns add */
} block;

/* Bytes that varying columns add to each row; NULL where there are none. */
static const uint32_t *varying_sizes(const block *rows)
{
    if (rows->n_varying == 0) {
        return NULL;
    }
    return rows->n_varying == 1 ? rows->cells.sizes + rows->varying * rows->n : rows->sums;
}

/* The first cell, where the column's cells are a run: of one size, evenly spaced, none NULL. */
static const void *run_of(const block *rows, size_t column)
{
    return rows->slots[column].codec->run != NULL ? bm__even_cells(rows->batch, column, rows->from)
                                                  : NULL;
}

/* Saturating, so that no sum of a row is taken for a small one: BM__VALUE_MAX is far below. */
static uint32_t sum_sizes(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void add_sizes(block *rows, size_t column, const uint32_t *sizes, size_t n)
{
    const uint32_t *before = varying_sizes(rows);
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += sizes[i];
    }
    for (size_t i = 0; before != NULL && i < n; i++) {
        rows->sums[i] = sum_sizes(before[i], sizes[i]);
    }
    rows->varying = before == NULL ? column : rows->varying;
    rows->n_varying++;
    rows->total += total;
}

static const char *measure_column(block *rows, size_t column, size_t n, size_t *bad)
{
    const bm__slot *slot = &rows->slots[column];
    const void *first = run_of(rows, column);
    if (first != NULL) {
        const bm__codec_run *run = slot->codec->run;
        ptrdiff_t stride = rows->batch->views[column].cells.stride;
        return run->check != NULL ? run->check(first, stride, n, bad) : NULL;
    }
    const void **at = rows->cells.at + column * rows->n;
    uint32_t *sizes = rows->cells.sizes + column * rows->n;
    const bm__codec_even *even = bm__codec_even_of(slot->codec);
    first = even != NULL ? bm__even_cells(rows->batch, column, rows->from) : NULL;
    const char *fault = NULL;
    bool known = bm__known_sizes(rows->batch, column, rows->from, n, sizes);
    if (first == NULL) {
        (void)bm__batch_gather(rows->batch, column, rows->from, n, at);
    }
    if (!known && first != NULL) {
        ptrdiff_t stride = rows->batch->views[column].cells.stride;
        fault = even->measure(slot, first, stride, n, sizes, bad);
    } else if (!known) {
        fault = slot->codec->measure(slot, at, n, sizes, bad);
    }
    if (fault == NULL) {
        add_sizes(rows, column, sizes, n);
    }
    return fault;
}

static void set_fixed(block *rows)
{
    const size_t n_views = rows->batch->n_views;
    bool leads = true;
    rows->lead = 2;
    rows->fixed = 2 + 4 * n_views;
    for (size_t column = 0; column < n_views; column++) {
        bool run = run_of(rows, column) != NULL;
        size_t size = run ? rows->slots[column].codec->run->size : 0;
        leads = leads && run;
        rows->lead += leads ? 4 + size : 0;
        rows->fixed += size;
    }
    rows->total = rows->n * rows->fixed;
    rows->n_varying = 0;
    rows->varying = 0;
}

/* Bytes of each row.  A fault is that of the first row that has one. */
static bm_status measure_rows(block *rows, bm_error *err)
{
    const size_t n_views = rows->batch->n_views;
    const char *first = NULL;
    size_t first_column = 0;
    size_t good = rows->n; /* rows before the first that has a fault */
    set_fixed(rows);
    for (size_t column = 0; column < n_views && good > 0; column++) {
        size_t bad;
        const char *fault = measure_column(rows, column, good, &bad);
        if (fault != NULL) {
            first = fault;
            first_column = column;
            good = bad;
        }
    }
    if (first != NULL) {
        return bm__bad_cell(err, rows->from + good, rows->batch->views[first_column].name, first);
    }
    return BM_OK;
}

/* Cursors for rows that are one behind the other, at each row's first cell that may vary. */
static void place_rows(const block *rows, uint8_t *start, uint8_t *out[BM__BLOCK])
{
    const uint16_t n_fields = (uint16_t)rows->batch->n_views;
    const uint32_t *varying = varying_sizes(rows);
    for (size_t i = 0; i < rows->n; i++) {
        bm__put16(start, n_fields);
        out[i] = start + rows->lead;
        start += rows->fixed + (varying != NULL ? varying[i] : 0);
    }
}

/* Ask for the cells that the next block looks at first, so that they come while this one is
 * written: a sixth of the time, measured, where the rows are not in the cache. */
static void fetch_next(const block *rows)
{
    const bm__batch *batch = rows->batch;
    const size_t next = rows->from + rows->n;
    const size_t left = batch->n_rows > next ? batch->n_rows - next : 0;
    const size_t n = left < rows->n ? left : rows->n;
    if (n == 0 || rows->n_varying == 0) {
        return;
    }
    const bm__view *view = &batch->views[rows->varying];
    if (batch->pick == NULL && view->rows == NULL) {
        const char *cell = bm__view_cell(view, batch->first + next);
        for (size_t i = 0; i < n; i++) {
            __builtin_prefetch(cell + (ptrdiff_t)i * view->cells.stride);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(bm__view_cell(view, bm__batch_row(batch, next + i)));
    }
}

static void write_varying(const block *rows, size_t column, uint8_t *out[BM__BLOCK])
{
    const bm__slot *slot = &rows->slots[column];
    const uint32_t *sizes = rows->cells.sizes + column * rows->n;
    const bm__codec_even *even = bm__codec_even_of(slot->codec);
    const void *first = even != NULL ? bm__even_cells(rows->batch, column, rows->from) : NULL;
    if (first != NULL) {
        even->write(slot, first, rows->batch->views[column].cells.stride, rows->n, sizes, out);
    } else {
        slot->codec->write(slot, rows->cells.at + column * rows->n, rows->n, sizes, out);
    }
}

static void write_rows(const block *rows, uint8_t *out[BM__BLOCK])
{
    /* Where the next cell goes from the cursors, which runs leave where they are. */
    ptrdiff_t offset = 2 - (ptrdiff_t)rows->lead;
    for (size_t column = 0; column < rows->batch->n_views; column++) {
        const bm__slot *slot = &rows->slots[column];
        const void *first = run_of(rows, column);
        if (first != NULL) {
            slot->codec->run->write(first, rows->batch->views[column].cells.stride, rows->n, out,
                                    offset);
            offset += 4 + (ptrdiff_t)slot->codec->run->size;
            continue;
        }
        for (size_t i = 0; offset > 0 && i < rows->n; i++) {
            out[i] += offset;
        }
        offset = 0;
        write_varying(rows, column, out);
    }
}

static bm_status row_too_large(size_t row, bm_error *err)
{
    return bm__fail_cell(err, BM_LIMIT, BM_STAGE_CONVERT, row, NULL, "the row is 1 GB or larger");
}

/* A row is one CopyData message at the least: MaxAllocSize again. */
static bm_status check_total(const block *rows, bm_error *err)
{
    const uint32_t *varying = varying_sizes(rows);
    if (rows->total < BM__VALUE_MAX || varying == NULL) {
        return BM_OK;
    }
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->fixed + varying[i] >= BM__VALUE_MAX) {
            return row_too_large(rows->from + i, err);
        }
    }
    return BM_OK;
}

/* ---- rows with one text between runs: the way of most tables, in one pass and the runs */

/* All columns but one, which is the text, are runs. */
static bool lone_text(const bm__slot *slots, const bm__batch *batch, size_t from, size_t *text)
{
    size_t n = 0;
    for (size_t column = 0; column < batch->n_views; column++) {
        if (bm__even_cells(batch, column, from) == NULL) {
            return false;
        }
        if (slots[column].codec->run == NULL) {
            n += bm__codec_even_of(slots[column].codec) != NULL ? 1 : 2;
            *text = column;
        }
    }
    return n == 1;
}

static const char *check_run(const bm__slot *slot, const bm__batch *batch, size_t column,
                             size_t from, size_t n, size_t *bad)
{
    const bm__codec_run *run = slot->codec->run;
    return run != NULL && run->check != NULL ? run->check(bm__even_cells(batch, column, from),
                                                          batch->views[column].cells.stride, n, bad)
                                             : NULL;
}

static void write_runs(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                       const bm__text_rows *rows)
{
    uint8_t *const *out = rows->begin;
    ptrdiff_t offset = 2;
    for (size_t column = 0; column < batch->n_views; column++) {
        const bm__codec_run *run = slots[column].codec->run;
        if (run == NULL) {
            out = rows->behind;
            offset = 0;
            continue;
        }
        run->write(bm__even_cells(batch, column, from), batch->views[column].cells.stride, n, out,
                   offset);
        offset += 4 + (ptrdiff_t)run->size;
    }
}

static void frame_rows(const bm__slot *slots, const bm__batch *batch, size_t text,
                       bm__text_rows *rows)
{
    rows->n_fields = (uint16_t)batch->n_views;
    rows->lead = 2;
    rows->fixed = 2 + 4 * batch->n_views;
    for (size_t column = 0; column < batch->n_views; column++) {
        size_t size = column != text ? slots[column].codec->run->size : 0;
        rows->fixed += size;
        rows->lead += column < text ? 4 + size : 0;
    }
}

/* Rows from .. from + n - 1, as many as the buffer has room for, at least one. */
static bm_status place_some(const bm__slot *slots, const bm__batch *batch, size_t text, size_t from,
                            bm__text_rows *rows, size_t *placed, bm__buffer *out, bm_error *err)
{
    const bm__view *view = &batch->views[text];
    const size_t usual = 32; /* bytes of a text; where they are more there is room later */
    rows->first = bm__even_cells(batch, text, from);
    rows->stride = view->cells.stride;
    rows->known = view->sizes != NULL ? view->sizes + batch->first + from : NULL;
    rows->fault = NULL;
    *placed = 0;
    for (rows->need = 0; *placed == 0 && rows->fault == NULL;) {
        if (rows->need >= BM__VALUE_MAX) {
            return row_too_large(from, err);
        }
        BM_TRY(
            bm__buffer_reserve(out, rows->need + rows->n * (rows->fixed + usual), &rows->at, err));
        size_t room = out->capacity - out->size;
        rows->end = rows->at + (room < BM__VALUE_MAX ? room : BM__VALUE_MAX - 1);
        *placed = bm__codec_even_of(slots[text].codec)->place(&slots[text], rows);
    }
    return BM_OK;
}

static const char *text_fault(const bm__slot *slots, const bm__batch *batch, size_t text,
                              size_t row)
{
    uint32_t size;
    size_t bad;
    return bm__codec_even_of(slots[text].codec)
        ->measure(&slots[text], bm__even_cells(batch, text, row), batch->views[text].cells.stride,
                  1, &size, &bad);
}

static bm_status copy_around_text(const bm__slot *slots, const bm__batch *batch, size_t text,
                                  size_t from, size_t n, bm__buffer *out, bm_error *err)
{
    bm__text_rows rows;
    const char *fault = NULL; /* of row from + n, the first run that has one */
    size_t faulty = text;
    for (size_t column = 0; column < batch->n_views && n > 0; column++) {
        const char *found = check_run(&slots[column], batch, column, from, n, &n);
        fault = found != NULL ? found : fault;
        faulty = found != NULL ? column : faulty;
    }
    frame_rows(slots, batch, text, &rows);
    for (size_t end = from + n, placed; from < end; from += placed) {
        rows.n = end - from;
        BM_TRY(place_some(slots, batch, text, from, &rows, &placed, out, err));
        write_runs(slots, batch, from, placed, &rows);
        out->size = (size_t)(rows.at - out->data);
        if (rows.fault != NULL) {
            return bm__bad_cell(err, from + placed, batch->views[text].name, rows.fault);
        }
    }
    if (fault == NULL) {
        return BM_OK;
    }
    const char *before = faulty > text ? text_fault(slots, batch, text, from) : NULL;
    return bm__bad_cell(err, from, batch->views[before != NULL ? text : faulty].name,
                        before != NULL ? before : fault);
}

static bm_status copy_block(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                            bm__buffer *out, bm_error *err)
{
    block rows;
    uint8_t *cursors[BM__BLOCK];
    rows.slots = slots;
    rows.batch = batch;
    rows.from = from;
    rows.n = n;
    rows.cells.cells = batch->n_views * n;
    BM_TRY(reserve_scratch(&rows.cells, out, err));
    BM_TRY(measure_rows(&rows, err));
    BM_TRY(check_total(&rows, err));
    BM_TRY(reserve_rows(&rows.cells, out, rows.total, err));
    place_rows(&rows, out->data + out->size, cursors);
    fetch_next(&rows);
    write_rows(&rows, cursors);
    out->size += rows.total;
    return BM_OK;
}

bm_status bm__pg_copy_rows(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                           bm__buffer *out, bm_error *err)
{
    size_t text;
    if (!lone_text(slots, batch, from, &text)) {
        return copy_block(slots, batch, from, n, out, err);
    }
    const size_t size = out->size;
    bm_status status = copy_around_text(slots, batch, text, from, n, out, err);
    if (status != BM_OK) {
        out->size = size;
    }
    return status;
}
