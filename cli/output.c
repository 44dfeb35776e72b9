#include "output.h"

#include "cells.h"
#include "destination.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)65536)

struct cli_output {
    cli_destination *to;
    const bm_model *model;
    const size_t *fields;
    size_t n_fields;
    bool json;
    char delimiter;
    char quote;
    const char *null_text; /* what NULL is, without quotes */
    char *block;
    size_t n;
    size_t capacity;
    uint64_t written;
};

static bool ends_in(const char *name, const char *ending)
{
    size_t size = strlen(name);
    size_t n = strlen(ending);
    return size >= n && strcmp(name + size - n, ending) == 0;
}

static bm_status flush(cli_output *output, bm_error *err)
{
    CLI_TRY(cli_destination_write(output->to, output->block, output->n, err));
    output->written += output->n;
    output->n = 0;
    return BM_OK;
}

/* Room for so many bytes more. */
static bm_status room(cli_output *output, size_t size, bm_error *err)
{
    if (output->capacity - output->n >= size) {
        return BM_OK;
    }
    CLI_TRY(flush(output, err));
    if (output->capacity < size) {
        char *block = realloc(output->block, size);
        if (block == NULL) {
            return cli_no_memory(err);
        }
        output->block = block;
        output->capacity = size;
    }
    return BM_OK;
}

static bm_status put(cli_output *output, const char *text, size_t size, bm_error *err)
{
    CLI_TRY(room(output, size, err));
    memcpy(output->block + output->n, text, size);
    output->n += size;
    return BM_OK;
}

static bm_status put_char(cli_output *output, char c, bm_error *err)
{
    return put(output, &c, 1, err);
}

/* ---- CSV */

static bool needs_quotes(const cli_output *output, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == output->delimiter || c == output->quote || c == '\n' || c == '\r') {
            return true;
        }
    }
    /* Many readers take no cell at all for NULL, or for no row. */
    return size == 0 ||
           (strlen(output->null_text) == size && memcmp(output->null_text, text, size) == 0);
}

/* NULL stands without quotes. */
static bm_status check_null_text(const cli_output *output, bm_error *err)
{
    const char signs[] = {output->delimiter, output->quote, '\n', '\r', '\0'};
    return output->json || strpbrk(output->null_text, signs) == NULL
               ? BM_OK
               : cli_fail(err, BM_INVALID, "--null has a delimiter, a quote or a line end in it");
}

static bm_status put_csv(cli_output *output, const char *text, size_t size, bm_error *err)
{
    if (!needs_quotes(output, text, size)) {
        return put(output, text, size, err);
    }
    CLI_TRY(room(output, 2 * size + 2, err));
    output->n += csv_write2(output->block + output->n, 2 * size + 2, text, size,
                            (unsigned char)output->quote);
    return BM_OK;
}

/* ---- JSON */

static bm_status put_escaped(cli_output *output, const char *text, size_t size, bm_error *err)
{
    static const char digits[] = "0123456789abcdef";
    CLI_TRY(room(output, 6 * size + 2, err));
    char *at = output->block + output->n;
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = digits[c >> 4];
            at[5] = digits[c & 15];
            at += 6;
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    output->n = (size_t)(at - output->block);
    return BM_OK;
}

/* A document in one line: a line end in it stands between its tokens. */
static bm_status put_document(cli_output *output, const bm_field *field, const char *text,
                              size_t size, bm_error *err)
{
    if (size == 4 && memcmp(text, "null", 4) == 0) {
        return cli_fail(err, BM_CONVERT,
                        "column \"%s\" has JSON's null, which a line of JSON cannot tell from "
                        "NULL: write csv",
                        field->name);
    }
    CLI_TRY(put(output, text, size, err));
    char *from = output->block + output->n - size;
    for (size_t i = 0; i < size; i++) {
        if (from[i] == '\n' || from[i] == '\r') {
            from[i] = ' ';
        }
    }
    return BM_OK;
}

static bool is_json_number(bm_type type, const char *text, size_t size)
{
    bool number = type == BM_INT2 || type == BM_INT4 || type == BM_INT8 || type == BM_FLOAT4 ||
                  type == BM_FLOAT8 || type == BM_NUMERIC;
    size_t first = size > 0 && text[0] == '-';
    return number && size > first && text[first] >= '0' && text[first] <= '9';
}

static bm_status put_json_value(cli_output *output, const bm_field *field, const char *text,
                                size_t size, bm_error *err)
{
    if (field->type == BM_BOOL || is_json_number(field->type, text, size)) {
        return put(output, text, size, err);
    }
    if (field->type == BM_JSON || field->type == BM_JSONB) {
        return put_document(output, field, text, size, err);
    }
    return put_escaped(output, text, size, err);
}

/* ---- rows */

static bm_status put_value(cli_output *output, const bm_field *field, const char *text, size_t size,
                           bm_error *err)
{
    return output->json ? put_json_value(output, field, text, size, err)
                        : put_csv(output, text, size, err);
}

static bm_status put_null(cli_output *output, bm_error *err)
{
    const char *text = output->json ? "null" : output->null_text;
    return put(output, text, strlen(text), err);
}

static bm_status put_bytes(cli_output *output, const bm_field *field, bm_slice cell, bm_error *err)
{
    char *hex = malloc(2 * cell.size + 2);
    if (hex == NULL) {
        return cli_no_memory(err);
    }
    cli_bytes_write(cell.data, cell.size, hex);
    bm_status status = put_value(output, field, hex, 2 * cell.size + 2, err);
    free(hex);
    return status;
}

static bm_status put_cell(cli_output *output, const bm_field *field, const char *row, bm_error *err)
{
    char text[CLI_CELL_MAX];
    bm_slice cell;
    if (row[field->state_offset] != BM_VALUE) {
        return put_null(output, err);
    }
    if (field->layout == BM_FIXED) {
        size_t size = cli_cell_write(field->type, row + field->offset, text);
        if (size == 0) {
            return cli_fail(err, BM_CONVERT,
                            "column \"%s\" has a date outside of the years 1 to 9999", field->name);
        }
        return put_value(output, field, text, size, err);
    }
    memcpy(&cell, row + field->offset, sizeof cell);
    cell.data = cell.data != NULL ? cell.data : "";
    return field->type == BM_BYTEA ? put_bytes(output, field, cell, err)
                                   : put_value(output, field, cell.data, cell.size, err);
}

static bm_status put_row(cli_output *output, const char *row, bm_error *err)
{
    for (size_t i = 0; i < output->n_fields; i++) {
        const bm_field *field = &output->model->fields[output->fields[i]];
        if (output->json) {
            CLI_TRY(put(output, i == 0 ? "{" : ", ", i == 0 ? 1 : 2, err));
            CLI_TRY(put_escaped(output, field->name, strlen(field->name), err));
            CLI_TRY(put(output, ": ", 2, err));
        } else if (i > 0) {
            CLI_TRY(put_char(output, output->delimiter, err));
        }
        CLI_TRY(put_cell(output, field, row, err));
    }
    return put(output, output->json ? "}\n" : "\n", output->json ? 2 : 1, err);
}

static bm_status put_header(cli_output *output, bm_error *err)
{
    for (size_t i = 0; i < output->n_fields; i++) {
        const char *name = output->model->fields[output->fields[i]].name;
        if (i > 0) {
            CLI_TRY(put_char(output, output->delimiter, err));
        }
        CLI_TRY(put_csv(output, name, strlen(name), err));
    }
    return put_char(output, '\n', err);
}

bm_status cli_output_open(const char *path, const cli_options *options, const bm_model *model,
                          const size_t *fields, size_t n_fields, cli_output **out, bm_error *err)
{
    const char *name = path != NULL ? path : "";
    const char *format = options->format != NULL                               ? options->format
                         : ends_in(name, ".tsv") || ends_in(name, ".tab")      ? "tsv"
                         : ends_in(name, ".ndjson") || ends_in(name, ".jsonl") ? "ndjson"
                                                                               : "csv";
    cli_output *output = calloc(1, sizeof *output);
    *out = NULL;
    if (output == NULL) {
        return cli_no_memory(err);
    }
    output->to = options->destination;
    output->model = model;
    output->fields = fields;
    output->n_fields = n_fields;
    output->json = strcmp(format, "ndjson") == 0;
    output->delimiter = options->delimiter != NULL   ? options->delimiter[0]
                        : strcmp(format, "tsv") == 0 ? '\t'
                                                     : ',';
    output->quote = options->quote != NULL ? options->quote[0] : '"';
    output->null_text = options->null_text != NULL ? options->null_text : "";
    output->capacity = BLOCK;
    output->block = malloc(BLOCK);
    bm_status status = output->block != NULL ? check_null_text(output, err) : cli_no_memory(err);
    if (status == BM_OK) {
        status = cli_destination_open(output->to, err);
    }
    if (status == BM_OK && !output->json && !options->no_header) {
        status = put_header(output, err);
    }
    if (status != BM_OK) {
        (void)cli_output_close(output, true, err);
        return status;
    }
    *out = output;
    return BM_OK;
}

bm_status cli_output_rows(cli_output *output, const void *rows, size_t n, bm_error *err)
{
    const char *row = rows;
    for (size_t i = 0; i < n; i++, row += output->model->row_size) {
        CLI_TRY(put_row(output, row, err));
    }
    return BM_OK;
}

uint64_t cli_output_bytes(const cli_output *output)
{
    return output->written + output->n;
}

bm_status cli_output_close(cli_output *output, bool failed, bm_error *err)
{
    if (output == NULL) {
        return BM_OK;
    }
    bm_status status = failed ? BM_OK : flush(output, err);
    if (status == BM_OK && !failed) {
        status = cli_destination_finish(output->to, err);
    }
    free(output->block);
    free(output);
    return status;
}
