#include "row_writer.h"

#include "decompress.h"
#include "destination.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)65536)

typedef enum quoting { QUOTE_MINIMAL, QUOTE_ALL, QUOTE_NONE } quoting;

struct cli_row_writer {
    const cli_options *options;
    cli_destination *to;
    const bm_model *model;
    const bm_field *stored; /* the table's, where the model reads dates as text; or NULL */
    const size_t *fields;
    size_t n_fields;
    bool json;
    bool array; /* one array, not lines */
    char delimiter;
    char quote;
    quoting quoting;
    uint64_t n_rows;       /* of this file */
    uint64_t n_bytes;      /* likewise, before compression */
    const char *null_text; /* the text of NULL, without quotes */
    char *block;
    size_t n;
    size_t capacity;
};

static bm_status flush(cli_row_writer *writer, bm_error *err)
{
    CLI_TRY(cli_destination_write(writer->to, writer->block, writer->n, err));
    writer->n = 0;
    return BM_OK;
}

/* Make room for `size` more bytes. */
static bm_status room(cli_row_writer *writer, size_t size, bm_error *err)
{
    if (writer->capacity - writer->n >= size) {
        return BM_OK;
    }
    CLI_TRY(flush(writer, err));
    if (writer->capacity < size) {
        char *block = realloc(writer->block, size);
        if (block == NULL) {
            return cli_no_memory(err);
        }
        writer->block = block;
        writer->capacity = size;
    }
    return BM_OK;
}

static bm_status put(cli_row_writer *writer, const char *text, size_t size, bm_error *err)
{
    CLI_TRY(room(writer, size, err));
    memcpy(writer->block + writer->n, text, size);
    writer->n += size;
    writer->n_bytes += size;
    return BM_OK;
}

static bm_status put_char(cli_row_writer *writer, char c, bm_error *err)
{
    return put(writer, &c, 1, err);
}

/* ---- CSV */

static bool is_null_text(const cli_row_writer *writer, const char *text, size_t size)
{
    return strlen(writer->null_text) == size && memcmp(writer->null_text, text, size) == 0;
}

/* A line end, the delimiter, or the quote. */
static bool has_sign(const cli_row_writer *writer, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == writer->delimiter || c == '\n' || c == '\r' ||
            (c == writer->quote && writer->quoting != QUOTE_NONE)) {
            return true;
        }
    }
    return false;
}

/* An empty text, too: many programs read an empty cell as NULL, or an empty line as no row. */
static bool needs_quotes(const cli_row_writer *writer, const char *text, size_t size)
{
    return writer->quoting == QUOTE_ALL || size == 0 || has_sign(writer, text, size) ||
           is_null_text(writer, text, size);
}

/* The text of NULL is written without quotes. */
static bm_status check_null_text(const cli_row_writer *writer, bm_error *err)
{
    return writer->json || !has_sign(writer, writer->null_text, strlen(writer->null_text))
               ? BM_OK
               : cli_fail(err, BM_INVALID,
                          "--null must not contain the delimiter, the quote or a line end");
}

/* --quote=none: what could not be read again is an error. */
static bm_status put_bare(cli_row_writer *writer, const char *name, const char *text, size_t size,
                          bm_error *err)
{
    if (has_sign(writer, text, size)) {
        return cli_fail(err, BM_CONVERT,
                        "column \"%s\" has a text with a delimiter or a line end, which "
                        "--quote=none cannot write: use another --delimiter, or quotes",
                        name);
    }
    if (is_null_text(writer, text, size)) {
        return cli_fail(err, BM_CONVERT,
                        "column \"%s\" has a text that is that of NULL, which --quote=none cannot "
                        "tell apart: use another --null, or quotes",
                        name);
    }
    return put(writer, text, size, err);
}

static bm_status put_csv(cli_row_writer *writer, const char *name, const char *text, size_t size,
                         bm_error *err)
{
    if (writer->quoting == QUOTE_NONE) {
        return put_bare(writer, name, text, size, err);
    }
    if (!needs_quotes(writer, text, size)) {
        return put(writer, text, size, err);
    }
    CLI_TRY(room(writer, 2 * size + 2, err));
    const size_t wide = csv_write2(writer->block + writer->n, 2 * size + 2, text, size,
                                   (unsigned char)writer->quote);
    writer->n += wide;
    writer->n_bytes += wide;
    return BM_OK;
}

/* ---- JSON */

static bm_status put_escaped(cli_row_writer *writer, const char *text, size_t size, bm_error *err)
{
    static const char digits[] = "0123456789abcdef";
    CLI_TRY(room(writer, 6 * size + 2, err));
    char *at = writer->block + writer->n;
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
    const size_t end = (size_t)(at - writer->block);
    writer->n_bytes += end - writer->n;
    writer->n = end;
    return BM_OK;
}

/* A document in one line.  A line end in it is always between tokens, so a space can replace it. */
static bm_status put_document(cli_row_writer *writer, const bm_field *field, const char *text,
                              size_t size, bm_error *err)
{
    if (size == 4 && memcmp(text, "null", 4) == 0) {
        return cli_fail(err, BM_CONVERT,
                        "column \"%s\" has the JSON value null, which cannot be told from NULL in "
                        "NDJSON: use --format csv",
                        field->name);
    }
    CLI_TRY(put(writer, text, size, err));
    char *from = writer->block + writer->n - size;
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

static bm_status put_json_value(cli_row_writer *writer, const bm_field *field, const char *text,
                                size_t size, bm_error *err)
{
    if (field->type == BM_BOOL || is_json_number(field->type, text, size)) {
        return put(writer, text, size, err);
    }
    if (field->type == BM_JSON || field->type == BM_JSONB) {
        return put_document(writer, field, text, size, err);
    }
    return put_escaped(writer, text, size, err);
}

/* ---- rows */

static bm_status put_value(cli_row_writer *writer, const bm_field *field, const char *text,
                           size_t size, bm_error *err)
{
    return writer->json ? put_json_value(writer, field, text, size, err)
                        : put_csv(writer, field->name, text, size, err);
}

static bm_status put_null(cli_row_writer *writer, bm_error *err)
{
    const char *text = writer->json ? "null" : writer->null_text;
    return put(writer, text, strlen(text), err);
}

/* A value whose text needs `size` bytes, more than are kept for it. */
static bm_status put_large(cli_row_writer *writer, const bm_field *field, const void *value,
                           size_t size, bm_error *err)
{
    char *text = malloc(size + 1);
    bm_status status = text != NULL ? bm_value_print(field->type, value, text, size + 1, NULL, err)
                                    : cli_no_memory(err);
    if (status == BM_OK) {
        status = put_value(writer, field, text, size, err);
    }
    free(text);
    return status;
}

static bm_status put_printed(cli_row_writer *writer, const bm_field *field, const void *value,
                             bm_error *err)
{
    char text[512];
    size_t size;
    bm_error why;
    why.size = sizeof why;
    bm_status status = bm_value_print(field->type, value, text, sizeof text, &size, &why);
    if (status == BM_LIMIT) {
        return put_large(writer, field, value, size, err);
    }
    return status == BM_OK ? put_value(writer, field, text, size, err)
                           : cli_fail(err, status, "column \"%s\" is %s", field->name, why.message);
}

/* The text of a date or timestamp as the command writes it. */
static bm_status put_stored(cli_row_writer *writer, const bm_field *field, bm_slice text,
                            bm_error *err)
{
    int64_t value = 0;
    bm_error why = BM_ERROR;
    return bm_value_parse(field->type, text, NULL, &value, &why) == BM_OK
               ? put_printed(writer, field, &value, err)
               : cli_fail(err, BM_CONVERT, "column \"%s\" has a stored text that %s", field->name,
                          why.message);
}

static bm_status put_cell(cli_row_writer *writer, size_t i, const char *row, bm_error *err)
{
    const bm_field *field = &writer->model->fields[i];
    bm_slice cell;
    if (row[field->state_offset] != BM_VALUE) {
        return put_null(writer, err);
    }
    if (field->layout == BM_FIXED || field->type == BM_BYTEA) {
        return put_printed(writer, field, row + field->offset, err);
    }
    memcpy(&cell, row + field->offset, sizeof cell);
    cell.data = cell.data != NULL ? cell.data : "";
    if (writer->stored != NULL && writer->stored[i].type != field->type) {
        return put_stored(writer, &writer->stored[i], cell, err);
    }
    return put_value(writer, field, cell.data, cell.size, err);
}

static bm_status put_row(cli_row_writer *writer, const char *row, bm_error *err)
{
    for (size_t i = 0; i < writer->n_fields; i++) {
        const bm_field *field = &writer->model->fields[writer->fields[i]];
        if (writer->json) {
            const char *before = i > 0                ? ", "
                                 : !writer->array     ? "{"
                                 : writer->n_rows > 0 ? ",\n{"
                                                      : "\n{";
            CLI_TRY(put(writer, before, strlen(before), err));
            CLI_TRY(put_escaped(writer, field->name, strlen(field->name), err));
            CLI_TRY(put(writer, ": ", 2, err));
        } else if (i > 0) {
            CLI_TRY(put_char(writer, writer->delimiter, err));
        }
        CLI_TRY(put_cell(writer, writer->fields[i], row, err));
    }
    const char *end = writer->array ? "}" : writer->json ? "}\n" : "\n";
    return put(writer, end, strlen(end), err);
}

static bm_status put_header(cli_row_writer *writer, bm_error *err)
{
    for (size_t i = 0; i < writer->n_fields; i++) {
        const char *name = writer->model->fields[writer->fields[i]].name;
        if (i > 0) {
            CLI_TRY(put_char(writer, writer->delimiter, err));
        }
        CLI_TRY(put_csv(writer, name, name, strlen(name), err));
    }
    return put_char(writer, '\n', err);
}

/* What stands in a file before its rows, and after them. */
static bm_status begin_file(cli_row_writer *writer, bm_error *err)
{
    writer->n_rows = writer->n_bytes = 0;
    if (writer->json) {
        return writer->array ? put_char(writer, '[', err) : BM_OK;
    }
    return writer->options->no_header ? BM_OK : put_header(writer, err);
}

static bm_status end_file(cli_row_writer *writer, bm_error *err)
{
    const char *end = !writer->array ? "" : writer->n_rows > 0 ? "\n]\n" : "]\n";
    CLI_TRY(put(writer, end, strlen(end), err));
    return flush(writer, err);
}

static const char *format_of(const char *path, const cli_options *options)
{
    static const struct {
        const char *ending;
        const char *format;
    } endings[] = {{".tsv", "tsv"},
                   {".tab", "tsv"},
                   {".ndjson", "ndjson"},
                   {".jsonl", "ndjson"},
                   {".json", "json"}};
    for (size_t i = 0; options->format == NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (path != NULL && cli_is_called(path, endings[i].ending)) {
            return endings[i].format;
        }
    }
    return options->format != NULL ? options->format : "csv";
}

static void choose_format(cli_row_writer *writer, const char *path, const cli_options *options)
{
    const char *format = format_of(path, options);
    const char *quote = options->quote != NULL ? options->quote : "minimal";
    writer->array = strcmp(format, "json") == 0;
    writer->json = writer->array || strcmp(format, "ndjson") == 0;
    writer->delimiter = options->delimiter != NULL   ? options->delimiter[0]
                        : strcmp(format, "tsv") == 0 ? '\t'
                                                     : ',';
    writer->quote = cli_quote(options);
    writer->quoting = quote[0] == '\0'            ? QUOTE_NONE
                      : strcmp(quote, "all") == 0 ? QUOTE_ALL
                                                  : QUOTE_MINIMAL;
    writer->null_text = options->nulls.n > 0 ? options->nulls.at[0] : "";
}

bm_status cli_row_writer_open(const char *path, const cli_options *options, const bm_model *model,
                              const size_t *fields, size_t n_fields, cli_row_writer **out,
                              bm_error *err)
{
    cli_row_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    if (writer == NULL) {
        return cli_no_memory(err);
    }
    writer->options = options;
    writer->to = options->destination;
    writer->model = model;
    writer->fields = fields;
    writer->n_fields = n_fields;
    choose_format(writer, path, options);
    writer->capacity = BLOCK;
    writer->block = malloc(BLOCK);
    bm_status status = writer->block != NULL ? check_null_text(writer, err) : cli_no_memory(err);
    if (status == BM_OK) {
        status = cli_destination_open(writer->to, err);
    }
    if (status == BM_OK) {
        status = begin_file(writer, err);
    }
    if (status != BM_OK) {
        (void)cli_row_writer_close(writer, true, err);
        return status;
    }
    *out = writer;
    return BM_OK;
}

void cli_row_writer_stored(cli_row_writer *writer, const bm_field *fields)
{
    writer->stored = fields;
}

static bm_status next_part(cli_row_writer *writer, bm_error *err)
{
    CLI_TRY(end_file(writer, err));
    CLI_TRY(cli_destination_next(writer->options, &writer->to, err));
    return begin_file(writer, err);
}

bm_status cli_row_writer_rows(cli_row_writer *writer, const void *rows, size_t n, bm_error *err)
{
    const char *row = rows;
    const uint64_t most = writer->options->part_rows;
    const uint64_t size = writer->options->part_size;
    for (size_t i = 0; i < n; i++, row += writer->model->row_size) {
        if ((most > 0 && writer->n_rows == most) ||
            (size > 0 && writer->n_rows > 0 && writer->n_bytes >= size)) {
            CLI_TRY(next_part(writer, err));
        }
        CLI_TRY(put_row(writer, row, err));
        writer->n_rows++;
    }
    return BM_OK;
}

bm_status cli_row_writer_close(cli_row_writer *writer, bool failed, bm_error *err)
{
    if (writer == NULL) {
        return BM_OK;
    }
    bm_status status = failed ? BM_OK : end_file(writer, err);
    if (status == BM_OK && !failed) {
        status = cli_destination_finish(writer->to, err);
    }
    free(writer->block);
    free(writer);
    return status;
}
