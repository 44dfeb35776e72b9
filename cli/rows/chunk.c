#include "chunk.h"

#include "cells.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)1 << 18)

struct cli_page {
    cli_page *next;
    size_t used;
    size_t size;
    char data[];
};

static cli_page *new_page(cli_chunk *chunk, size_t size)
{
    cli_page *page = chunk->spare;
    if (size <= PAGE_BYTES && page != NULL) {
        chunk->spare = page->next;
    } else {
        page = malloc(sizeof *page + (size > PAGE_BYTES ? size : PAGE_BYTES));
        if (page == NULL) {
            return NULL;
        }
        page->size = size > PAGE_BYTES ? size : PAGE_BYTES;
    }
    page->used = 0;
    page->next = chunk->pages;
    chunk->pages = page;
    return page;
}

/* Memory that lives as long as the chunk's rows. */
static char *room(cli_sink *sink, size_t size)
{
    cli_chunk *chunk = sink->chunk;
    cli_page *page = chunk->pages;
    if (page == NULL || size > page->size - page->used) {
        page = new_page(chunk, size);
        if (page == NULL) {
            sink->status = cli_no_memory(sink->err);
            return NULL;
        }
    }
    char *at = page->data + page->used;
    page->used += size;
    chunk->bytes += size;
    return at;
}

static bool grow(cli_sink *sink)
{
    cli_chunk *chunk = sink->chunk;
    size_t capacity = chunk->capacity == 0 ? 4096 : chunk->capacity * 2;
    char *rows = realloc(chunk->rows, capacity * sink->map->model.row_size);
    if (rows != NULL) {
        chunk->rows = rows;
        uint64_t *lines = realloc(chunk->lines, capacity * sizeof *lines);
        if (lines != NULL) {
            chunk->lines = lines;
            chunk->capacity = capacity;
            return true;
        }
    }
    sink->status = cli_no_memory(sink->err);
    return false;
}

void cli_sink_begin(cli_sink *sink)
{
    cli_chunk *chunk = sink->chunk;
    size_t size = sink->map->model.row_size;
    if (sink->status != BM_OK || (chunk->n == chunk->capacity && !grow(sink))) {
        return;
    }
    sink->row = chunk->rows + chunk->n * size;
    chunk->lines[chunk->n] = sink->line;
    memcpy(sink->row, sink->map->blank, size);
}

void cli_sink_fail(cli_sink *sink, const char *words)
{
    if (sink->status == BM_OK) {
        sink->status = cli_fail(sink->err, BM_CONVERT, "%s:%llu: %s", sink->file,
                                (unsigned long long)sink->line, words);
    }
}

void cli_sink_fail_cell(cli_sink *sink, const char *column, const char *words)
{
    if (sink->status == BM_OK) {
        sink->status = cli_fail(sink->err, BM_CONVERT, "%s:%llu: column \"%s\" %s", sink->file,
                                (unsigned long long)sink->line, column, words);
    }
}

void cli_sink_null(cli_sink *sink, size_t field)
{
    if (sink->status == BM_OK) {
        sink->row[sink->map->fields[field].state_offset] = BM_NULL;
    }
}

void cli_sink_value(cli_sink *sink, size_t i, const char *text, size_t size)
{
    if (sink->status != BM_OK) {
        return;
    }
    const bm_field *field = &sink->map->fields[i];
    char *member = sink->row + field->offset;
    char *at = field->layout == BM_FIXED ? NULL : room(sink, size);
    if (sink->status != BM_OK) {
        return;
    }
    if (field->layout == BM_FIXED || field->type == BM_BYTEA) {
        bm_error why;
        why.size = sizeof why;
        if (bm_value_parse(field->type, (bm_slice){text, size}, at, member, &why) != BM_OK) {
            char words[sizeof why.message];
            snprintf(words, sizeof words, "%.400s%s", why.message,
                     size == 0 ? "; --null-columns reads it as NULL" : "");
            cli_sink_fail_cell(sink, field->name, words);
        }
        return;
    }
    memcpy(at, text, size);
    bm_slice slice = {at, size};
    memcpy(member, &slice, sizeof slice);
}

void cli_sink_cell(cli_sink *sink, size_t column, const char *text, size_t size, bool quoted)
{
    size_t field = sink->map->of_column[column];
    if (field == CLI_NONE) {
        return;
    }
    const char rule = sink->map->null_rules[field];
    if ((!quoted || rule == CLI_NULL_ALWAYS) && rule != CLI_NULL_NEVER &&
        cli_is_null(sink->options, text, size)) {
        cli_sink_null(sink, field);
        sink->chunk->null_texts = true;
    } else {
        cli_sink_value(sink, field, text, size);
    }
}

void cli_sink_end(cli_sink *sink)
{
    sink->chunk->n += sink->status == BM_OK;
    sink->row = NULL;
}

static void clear(cli_chunk *chunk)
{
    for (cli_page *page = chunk->pages; page != NULL;) {
        cli_page *next = page->next;
        if (page->size > PAGE_BYTES) {
            free(page);
        } else {
            page->next = chunk->spare;
            chunk->spare = page;
        }
        page = next;
    }
    chunk->pages = NULL;
    chunk->bytes = 0;
    chunk->n = 0;
    chunk->null_texts = false;
}

static void take_text(cli_sink *sink, size_t i)
{
    bm_slice slice;
    char *member = sink->row + sink->map->fields[i].offset;
    memcpy(&slice, member, sizeof slice);
    if (slice.data == NULL) {
        return;
    }
    char *at = room(sink, slice.size);
    if (at != NULL) {
        memcpy(at, slice.data, slice.size);
        slice.data = at;
        memcpy(member, &slice, sizeof slice);
    }
}

void cli_sink_move(cli_sink *sink, cli_chunk *to)
{
    const char *row = sink->row;
    const bm_model *model = &sink->map->model;
    clear(to);
    sink->chunk = to;
    if (row == NULL) {
        return;
    }
    cli_sink_begin(sink);
    if (sink->status == BM_OK) {
        memcpy(sink->row, row, model->row_size);
    }
    for (size_t i = 0; i < model->n_fields && sink->status == BM_OK; i++) {
        if (sink->map->fields[i].layout == BM_SLICE) {
            take_text(sink, i);
        }
    }
}

void cli_chunk_free(cli_chunk *chunk)
{
    clear(chunk);
    for (cli_page *page = chunk->spare; page != NULL;) {
        cli_page *next = page->next;
        free(page);
        page = next;
    }
    free(chunk->rows);
    free(chunk->lines);
    *chunk = (cli_chunk){0};
}

/* More about a cell that the library could not convert, or NULL. */
static const char *cell_fault(const cli_chunk *chunk, const cli_column_map *map, size_t row,
                              const char *column, bm_error *why)
{
    const bm_model *model = &map->model;
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm_field *field = &map->fields[i];
        if (strcmp(field->name, column) == 0 && field->layout == BM_SLICE) {
            bm_slice cell;
            memcpy(&cell, chunk->rows + row * model->row_size + field->offset, sizeof cell);
            return cell.data != NULL ? cli_cell_fault(field->type, cell, why) : NULL;
        }
    }
    return NULL;
}

/* An empty cell that is NULL, in a column of text that may not be: say how to keep the text. */
static const char *null_hint(const cli_chunk *chunk, const cli_column_map *map, const bm_error *err)
{
    const bm_model *model = &map->model;
    for (size_t i = 0; i < map->first_set && chunk->null_texts; i++) {
        const bm_field *field = &map->fields[i];
        const char *row = chunk->rows + err->row * model->row_size;
        bool text = err->status == BM_CONSTRAINT &&
                    (field->type == BM_TEXT || field->type == BM_VARCHAR || field->type == BM_CHAR);
        if (text && strcmp(field->name, err->column) == 0 && row[field->state_offset] == BM_NULL) {
            return ": the cell is NULL; --not-null-columns keeps its text, --null sets that of "
                   "NULL";
        }
    }
    return "";
}

void cli_chunk_locate(const cli_chunk *chunk, const cli_column_map *map, bm_error *err)
{
    char words[sizeof err->message];
    bm_error why;
    if (err->row >= chunk->n) { /* BM_NO_ROW too */
        return;
    }
    const char *file = cli_short_path(chunk->file);
    unsigned long long line = chunk->lines[err->row];
    if (err->other_row < chunk->n && err->status == BM_INVALID) {
        err->status = BM_CONVERT; /* the file is wrong, not the command */
        snprintf(err->message, sizeof err->message,
                 "%s:%llu: lines %llu and %llu have the same key", file, line, line,
                 (unsigned long long)chunk->lines[err->other_row]);
        return;
    }
    bool convert = err->status == BM_CONVERT;
    const char *fault = convert ? cell_fault(chunk, map, err->row, err->column, &why) : NULL;
    memcpy(words, err->message, sizeof words);
    if (fault != NULL) {
        snprintf(err->message, sizeof err->message, "%s:%llu: column \"%s\" %s", file, line,
                 err->column, fault);
        return;
    }
    bool named = convert && err->column[0] != '\0' && strstr(words, "column \"") == NULL;
    int n = snprintf(err->message, sizeof err->message, "%s:%llu: %s%s%s", file, line,
                     named ? "column \"" : "", named ? err->column : "", named ? "\": " : "");
    if (n > 0 && (size_t)n < sizeof err->message) {
        const size_t left = sizeof err->message - (size_t)n;
        snprintf(err->message + n, left, "%.*s%s", (int)left - 1, words,
                 null_hint(chunk, map, err));
    }
}
