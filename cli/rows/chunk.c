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
        chunk->lines = lines != NULL ? lines : chunk->lines;
        bm_slice *texts = realloc(chunk->texts, sink->sets_aside ? capacity * sizeof *texts : 1);
        chunk->texts = texts != NULL ? texts : chunk->texts;
        if (lines != NULL && texts != NULL) {
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
    sink->bad = sink->ended = false;
    if (sink->status != BM_OK || sink->watch != NULL ||
        (chunk->n == chunk->capacity && !grow(sink))) {
        return;
    }
    sink->row = chunk->rows + chunk->n * size;
    chunk->lines[chunk->n] = sink->line;
    memcpy(sink->row, sink->map->blank, size);
}

/* Nothing more is taken from the row. */
static bool is_over(const cli_sink *sink)
{
    return sink->status != BM_OK || sink->bad;
}

void cli_sink_stop(cli_sink *sink, const char *words)
{
    const bool any = sink->watch != NULL && sink->watch->any_length;
    if (!is_over(sink) && !any) {
        sink->status = cli_fail(sink->err, BM_CONVERT, "%s:%llu: %s", sink->file,
                                (unsigned long long)sink->line, words);
    }
}

void cli_sink_fail(cli_sink *sink, const char *words)
{
    if (sink->sets_aside && !is_over(sink)) {
        cli_sink_refuse(sink, "", "RAGGED", words);
    } else {
        cli_sink_stop(sink, words);
    }
}

void cli_sink_fail_cell(cli_sink *sink, const char *column, const char *words)
{
    char all[sizeof sink->why.words];
    if (is_over(sink)) {
        return;
    }
    snprintf(all, sizeof all, "column \"%.60s\" %.300s", column, words);
    if (sink->sets_aside) {
        cli_sink_refuse(sink, column, bm_status_name(BM_CONVERT), all);
    } else {
        sink->status = cli_fail(sink->err, BM_CONVERT, "%s:%llu: column \"%s\" %s", sink->file,
                                (unsigned long long)sink->line, column, words);
        snprintf(sink->err->column, sizeof sink->err->column, "%s", column);
    }
}

void cli_sink_null(cli_sink *sink, size_t field)
{
    if (!is_over(sink) && sink->watch == NULL) {
        sink->row[sink->map->fields[field].state_offset] = BM_NULL;
    }
}

/* Rewrite a cell that is spelled as --decimal, --thousands or --date-format say.  False: it failed.
 */
static bool respell(cli_sink *sink, size_t i, bm_slice *text)
{
    const cli_spellings *spellings = &sink->map->spellings;
    const bm_field *field = &sink->map->fields[i];
    char words[256] = "";
    if (!cli_spelling_applies(spellings, i, field->type, sink->number)) {
        return true;
    }
    char *at = room(sink, cli_spelling_room(text->size));
    if (at != NULL &&
        !cli_spelling_read(spellings, i, field->type, *text, at, text, words, sizeof words)) {
        cli_sink_fail_cell(sink, field->name, words);
        return false;
    }
    return at != NULL;
}

void cli_sink_value(cli_sink *sink, size_t i, const char *text, size_t size)
{
    bm_slice cell = {text, size};
    if (sink->watch != NULL) {
        sink->watch->cell(sink->watch->user, i, text, size, false);
        return;
    }
    if (is_over(sink) || !respell(sink, i, &cell)) {
        return;
    }
    const bm_field *field = &sink->map->fields[i];
    char *member = sink->row + field->offset;
    char *at = field->layout == BM_FIXED ? NULL : room(sink, cell.size);
    if (sink->status != BM_OK) {
        return;
    }
    if (field->layout == BM_FIXED || field->type == BM_BYTEA) {
        bm_error why;
        why.size = sizeof why;
        if (bm_value_parse(field->type, cell, at, member, &why) != BM_OK) {
            char words[sizeof why.message];
            snprintf(words, sizeof words, "%.400s%s", why.message,
                     size == 0 ? "; --null-columns reads it as NULL"
                               : cli_spelling_hint(sink->options, field->type, cell));
            cli_sink_fail_cell(sink, field->name, words);
        }
        return;
    }
    memcpy(at, cell.data, cell.size);
    bm_slice slice = {at, cell.size};
    memcpy(member, &slice, sizeof slice);
}

void cli_sink_cell(cli_sink *sink, size_t column, const char *text, size_t size, bool quoted)
{
    if (sink->watch != NULL) {
        sink->watch->cell(sink->watch->user, column, text, size, quoted);
        return;
    }
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

void cli_sink_pad(cli_sink *sink, size_t column)
{
    if (sink->watch != NULL) { /* it knows by the number of rows */
        return;
    }
    size_t field = sink->map->of_column[column];
    if (field == CLI_NONE) {
        return;
    }
    if (sink->map->null_rules[field] == CLI_NULL_NEVER) {
        cli_sink_value(sink, field, "", 0);
    } else {
        cli_sink_null(sink, field);
        sink->chunk->null_texts = true;
    }
}

static cli_reject *new_reject(cli_chunk *chunk)
{
    if (chunk->n_rejects == chunk->rejects_capacity) {
        size_t capacity = chunk->rejects_capacity == 0 ? 16 : 2 * chunk->rejects_capacity;
        cli_reject *rejects = realloc(chunk->rejects, capacity * sizeof *rejects);
        if (rejects == NULL) {
            return NULL;
        }
        chunk->rejects = rejects;
        chunk->rejects_capacity = capacity;
    }
    return &chunk->rejects[chunk->n_rejects];
}

static void set_aside(cli_sink *sink)
{
    cli_reject *reject = new_reject(sink->chunk);
    if (reject == NULL) {
        sink->status = cli_no_memory(sink->err);
        return;
    }
    *reject = sink->why;
    reject->file = sink->chunk->file;
    reject->file_number = sink->chunk->file_number;
    reject->line = sink->line;
    reject->text = NULL;
    reject->size = 0;
    sink->chunk->n_rejects++;
    sink->chunk->n_misread++;
}

void cli_sink_refuse(cli_sink *sink, const char *column, const char *code, const char *words)
{
    cli_reject *why = &sink->why;
    snprintf(why->column, sizeof why->column, "%s", column);
    snprintf(why->code, sizeof why->code, "%s", code);
    snprintf(why->words, sizeof why->words, "%s", words);
    if (!sink->ended) {
        sink->bad = true;
    } else if (!sink->ended_bad) {
        sink->chunk->n--;
        sink->ended_bad = true;
        set_aside(sink);
    }
}

void cli_sink_end(cli_sink *sink)
{
    sink->ended = sink->sets_aside && sink->status == BM_OK;
    sink->ended_bad = sink->bad;
    if (sink->watch != NULL) {
        sink->watch->end(sink->watch->user, sink->line);
    } else if (sink->bad && sink->status == BM_OK) {
        set_aside(sink);
    } else if (sink->status == BM_OK) {
        if (sink->sets_aside) {
            sink->chunk->texts[sink->chunk->n] = (bm_slice){NULL, 0};
        }
        sink->chunk->n++;
    }
    sink->bad = false;
    sink->row = NULL;
}

static void put_text(char *to, bm_slice first, bm_slice second)
{
    if (first.size > 0) {
        memcpy(to, first.data, first.size);
    }
    if (second.size > 0) {
        memcpy(to + first.size, second.data, second.size);
    }
}

void cli_sink_text(cli_sink *sink, bm_slice first, bm_slice second)
{
    cli_chunk *chunk = sink->chunk;
    const size_t size = first.size + second.size;
    sink->ended = false;
    if (sink->status != BM_OK) {
        return;
    }
    if (!sink->ended_bad) {
        char *at = room(sink, size);
        chunk->texts[chunk->n - 1] = (bm_slice){at, at != NULL ? size : 0};
        if (at != NULL) {
            put_text(at, first, second);
        }
        return;
    }
    cli_reject *reject = &chunk->rejects[chunk->n_rejects - 1];
    reject->text = malloc(size + 1);
    if (reject->text == NULL) {
        sink->status = cli_no_memory(sink->err);
        return;
    }
    put_text(reject->text, first, second);
    reject->size = size;
    chunk->bytes += size;
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
    for (size_t i = 0; i < chunk->n_rejects; i++) {
        free(chunk->rejects[i].text);
    }
    chunk->pages = NULL;
    chunk->bytes = 0;
    chunk->n = chunk->n_rejects = chunk->n_misread = 0;
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
    const bool bad = sink->bad;
    cli_sink_begin(sink);
    sink->bad = bad;
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
    free(chunk->texts);
    free(chunk->rejects);
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
            const char *fault = cell.data != NULL ? cli_cell_fault(field->type, cell, why) : NULL;
            if (fault == why->message) {
                const size_t n = strlen(fault);
                snprintf(why->message + n, sizeof why->message - n, "%s",
                         cli_spelling_hint(map->spellings.options, field->type, cell));
            }
            return fault;
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

/* What stands behind "FILE:LINE: row N: " in a message. */
static const char *without_place(const char *message, const char *file, uint64_t line)
{
    char place[sizeof(((bm_error *)NULL)->message)];
    int n =
        snprintf(place, sizeof place, "%s:%llu: ", cli_short_path(file), (unsigned long long)line);
    message += n > 0 && strncmp(message, place, (size_t)n) == 0 ? n : 0;
    const size_t digits = strncmp(message, "row ", 4) == 0 ? strspn(message + 4, "0123456789") : 0;
    const char *end = message + 4 + digits;
    return digits > 0 && (*end == ':' || *end == ',') && end[1] == ' ' ? end + 2 : message;
}

bm_status cli_chunk_reject(cli_chunk *chunk, const cli_column_map *map, const bm_error *why,
                           bm_error *err)
{
    bm_error said = *why;
    cli_reject *reject = new_reject(chunk);
    if (reject == NULL) {
        return cli_no_memory(err);
    }
    cli_chunk_locate(chunk, map, &said);
    *reject = (cli_reject){
        .file = chunk->file, .file_number = chunk->file_number, .line = chunk->lines[why->row]};
    snprintf(reject->column, sizeof reject->column, "%s", said.column);
    snprintf(reject->code, sizeof reject->code, "%s",
             said.sqlstate[0] != '\0' ? said.sqlstate : bm_status_name(said.status));
    snprintf(reject->words, sizeof reject->words, "%.399s",
             without_place(said.message, chunk->file, reject->line));
    const bm_slice text = chunk->texts[why->row];
    reject->text = malloc(text.size + 1);
    if (reject->text == NULL) {
        return cli_no_memory(err);
    }
    put_text(reject->text, text, (bm_slice){NULL, 0});
    reject->size = text.size;
    chunk->n_rejects++;
    return BM_OK;
}

static int by_place(const void *a, const void *b)
{
    const cli_reject *x = a;
    const cli_reject *y = b;
    return x->file_number != y->file_number ? (x->file_number > y->file_number ? 1 : -1)
                                            : (x->line > y->line) - (x->line < y->line);
}

void cli_chunk_sort_rejects(cli_chunk *chunk)
{
    if (chunk->n_rejects > 1) {
        qsort(chunk->rejects, chunk->n_rejects, sizeof *chunk->rejects, by_place);
    }
}
