#include "sheet.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

void sheet_begin(sheet *sh, source *s, const char *table)
{
    memset(sh, 0, sizeof *sh);
    sh->source = s;
    sh->model = (bm_model){.size = sizeof(bm_model), .table = table, .fields = sh->fields};
}

static size_t width_of(const kind *k, bm_layout layout)
{
    switch (layout) {
    case BM_FIXED:
        return fixed_width(k->type);
    case BM_CSTR:
        return sizeof(char *);
    case BM_SLICE:
        return sizeof(bm_slice);
    case BM_ARRAY:
        return sizeof(bm_array);
    case BM_ND_ARRAY:
        return sizeof(bm_nd_array);
    case BM_CHARS:
        break;
    }
    return k->reshaped ? 500 : 64;
}

column *sheet_add(sheet *sh, const kind *k, bm_layout layout, const char *name)
{
    size_t c = sh->n_columns++;
    assert_true(c < SHEET_COLUMNS);
    if (layout == 0) {
        layout = k->array ? BM_ARRAY : is_variable(k->type) ? BM_SLICE : BM_FIXED;
    }
    snprintf(sh->names[c], sizeof sh->names[c], "%s", name);
    sh->columns[c] = (column){.kind = k, .layout = layout, .width = width_of(k, layout)};
    return &sh->columns[c];
}

static void place(sheet *sh, bool odd)
{
    size_t at = 0;
    for (size_t c = 0; c < sh->n_columns; c++) {
        const column *col = &sh->columns[c];
        size_t align = odd || col->layout == BM_CHARS ? 1 : col->width > 8 ? 8 : col->width;
        at += odd ? below(sh->source, 4) : 0;
        at = (at + align - 1) / align * align;
        bool state = col->nulls > 0 || col->defaults > 0;
        sh->fields[c] = (bm_field){.name = sh->names[c],
                                   .type = col->kind->type,
                                   .layout = col->layout,
                                   .offset = at,
                                   .width = col->width,
                                   .state_offset = state ? at + col->width : BM_NO_STATE,
                                   .flags = col->flags};
        at += col->width + state;
    }
    sh->model.row_size = odd ? at + below(sh->source, 9) : (at + 7) / 8 * 8;
    sh->model.n_fields = sh->n_columns;
}

cell *sheet_cell(const sheet *sh, size_t row, size_t c)
{
    return &sh->cells[row * sh->n_columns + c];
}

uint8_t *sheet_state(const sheet *sh, size_t row, size_t c)
{
    return &sh->states[row * sh->n_columns + c];
}

/* Does it stand in the member, on its way back too?  1e300 comes back with all its digits. */
static bool has_room(const column *col, const cell *value)
{
    if (col->layout != BM_CHARS) {
        return true;
    }
    if (col->kind->type == BM_NUMERIC) {
        bool exponent = memchr(value->text.data, 'e', value->text.size) != NULL ||
                        memchr(value->text.data, 'E', value->text.size) != NULL;
        return !exponent && value->text.size + 6 <= col->width;
    }
    return value->text.size <= (col->kind->reshaped ? 60 : col->width);
}

void sheet_make(sheet *sh, size_t row, size_t c, size_t i)
{
    const column *col = &sh->columns[c];
    cell *value = sheet_cell(sh, row, c);
    make_value(sh->source, col->kind, i, value);
    while (!has_room(col, value)) {
        make_value(sh->source, col->kind, 1000 + i++, value);
    }
    uint8_t state = chance(sh->source, col->nulls)      ? BM_NULL
                    : chance(sh->source, col->defaults) ? BM_DEFAULT_CELL
                                                        : BM_VALUE;
    *sheet_state(sh, row, c) = state;
}

void sheet_fill(sheet *sh, size_t n, bool odd)
{
    place(sh, odd);
    sh->n = n;
    sh->cells = source_alloc(sh->source, n * sh->n_columns * sizeof *sh->cells);
    sh->states = source_alloc(sh->source, n * sh->n_columns);
    sh->rows = source_alloc(sh->source, n * sh->model.row_size);
    for (size_t row = 0; row < n; row++) {
        for (size_t c = 0; c < sh->n_columns; c++) {
            sheet_make(sh, row, c, row);
        }
        sheet_store(sh, row, sh->rows + row * sh->model.row_size);
    }
}

static void store_member(const sheet *sh, const column *col, const cell *value, uint8_t *at)
{
    const char *text = NULL;
    switch (col->layout) {
    case BM_CSTR:
        text = source_print(sh->source, "%.*s", (int)value->text.size,
                            value->text.data != NULL ? value->text.data : "");
        memcpy(at, &text, sizeof text);
        break;
    case BM_CHARS:
        memset(at, 0, col->width);
        if (value->text.size > 0) {
            memcpy(at, value->text.data, value->text.size);
        }
        break;
    case BM_FIXED:
    case BM_SLICE:
    case BM_ARRAY:
    case BM_ND_ARRAY:
        memcpy(at, value, col->width);
        break;
    }
}

void sheet_store_cell(const sheet *sh, size_t row, size_t c, void *at)
{
    uint8_t *member = (uint8_t *)at + sh->fields[c].offset;
    uint8_t state = *sheet_state(sh, row, c);
    if (sh->fields[c].state_offset != BM_NO_STATE) {
        ((uint8_t *)at)[sh->fields[c].state_offset] = state;
    }
    if (state == BM_VALUE) {
        store_member(sh, &sh->columns[c], sheet_cell(sh, row, c), member);
    } else {
        memset(member, 0, sh->columns[c].width);
    }
}

void sheet_store(const sheet *sh, size_t row, void *at)
{
    for (size_t c = 0; c < sh->n_columns; c++) {
        sheet_store_cell(sh, row, c, at);
    }
}

bool sheet_load(const sheet *sh, const void *at, size_t c, cell *out)
{
    const column *col = &sh->columns[c];
    const uint8_t *member = (const uint8_t *)at + sh->fields[c].offset;
    memset(out, 0, sizeof *out);
    if (sh->fields[c].state_offset != BM_NO_STATE &&
        ((const uint8_t *)at)[sh->fields[c].state_offset] != BM_VALUE) {
        return false;
    }
    if (col->layout == BM_CSTR) {
        const char *text;
        memcpy(&text, member, sizeof text);
        out->text = (bm_slice){text, text != NULL ? strlen(text) : 0};
        return text != NULL;
    }
    if (col->layout == BM_CHARS) {
        out->text = (bm_slice){(const char *)member, strnlen((const char *)member, col->width)};
    } else {
        memcpy(out, member, col->width);
    }
    return true;
}

bm_rows sheet_rows(const sheet *sh)
{
    return bm_structs(&sh->model, sh->rows, sh->n);
}

bm_rows sheet_as_pointers(const sheet *sh)
{
    const void **at = source_alloc(sh->source, sh->n * sizeof *at);
    for (size_t row = 0; row < sh->n; row++) {
        at[row] = sh->rows + row * sh->model.row_size;
    }
    return bm_struct_pointers(&sh->model, at, sh->n);
}

/* One column: cells `gap` bytes further apart than they are wide; even columns run backwards. */
static bm_column one_column(const sheet *sh, size_t c, bool validity)
{
    column col = sh->columns[c];
    if (col.layout == BM_CHARS || col.layout == BM_CSTR) {
        col.layout = BM_SLICE;
        col.width = sizeof(bm_slice);
    }
    size_t step = col.width + below(sh->source, 6);
    bool backwards = c % 2 == 0;
    uint8_t *data = source_alloc(sh->source, sh->n * step + 1);
    uint8_t *states = source_alloc(sh->source, 3 * sh->n + 1);
    memset(states, 0, 3 * sh->n + 1);
    for (size_t row = 0; row < sh->n; row++) {
        size_t at = backwards ? sh->n - 1 - row : row;
        uint8_t state = *sheet_state(sh, row, c);
        store_member(sh, &col, sheet_cell(sh, row, c), data + at * step);
        if (!validity) {
            states[3 * at] = state;
        } else if (state == BM_VALUE) {
            states[row / 8] |= (uint8_t)(1U << row % 8);
        }
    }
    size_t first = backwards ? sh->n - 1 : 0;
    bm_column out = {.type = col.kind->type,
                     .layout = col.layout,
                     .width = col.width,
                     .data = data + first * step,
                     .stride = backwards ? -(ptrdiff_t)step : (ptrdiff_t)step};
    if (validity) {
        out.validity = states;
    } else {
        out.states = states + 3 * first;
        out.state_stride = backwards ? -3 : 3;
    }
    return out;
}

bm_rows sheet_as_columns(const sheet *sh)
{
    bm_column *columns = source_alloc(sh->source, sh->n_columns * sizeof *columns);
    for (size_t c = 0; c < sh->n_columns; c++) {
        columns[c] = one_column(sh, c, sh->columns[c].defaults == 0 && c % 3 == 0);
    }
    return bm_columns(&sh->model, columns, sh->n);
}

const char *sheet_literal(const sheet *sh, size_t row, size_t c)
{
    uint8_t state = *sheet_state(sh, row, c);
    assert_true(state == BM_VALUE || state == BM_NULL);
    return state == BM_NULL ? NULL
                            : literal_of(sh->source, sh->columns[c].kind, sheet_cell(sh, row, c));
}

bool sheet_same(const sheet *sh, size_t row, const void *at)
{
    for (size_t c = 0; c < sh->n_columns; c++) {
        const kind *k = sh->columns[c].kind;
        cell value;
        bool there = sheet_load(sh, at, c, &value);
        uint8_t state = *sheet_state(sh, row, c);
        if (state == BM_DEFAULT_CELL || k->reshaped) {
            continue;
        }
        if (there != (state == BM_VALUE) ||
            (there && !same_value(k, &value, sheet_cell(sh, row, c)))) {
            print_error("row %zu, column %s\n", row, sh->names[c]);
            return false;
        }
    }
    return true;
}
