/*
 * CSV, parsed by libcsv in strict mode.  It calls back for each cell and each line end, so a cell
 * goes straight into the row.  It does not report its position, so lines are counted here.
 */
#include "cells.h"
#include "csv_block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX ((size_t)1 << 28) /* a longer cell means that a closing quote is missing */

#define BARE_CR                                                                                    \
    "a carriage return outside of quotes does not end a line: use LF or CRLF as line ends"
#define BARE_QUOTE                                                                                 \
    "a quote is inside an unquoted cell: quote the whole cell and double the quotes in it, set "   \
    "another --quote, or use --quote=none if quotes are text in this file"

/* Spaces are part of a cell. */
static int is_no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void *limited(void *memory, size_t size)
{
    return size > CELL_MAX ? NULL : realloc(memory, size);
}

/* Count the line ends in a cell, which is quoted if it has any. */
static void count_lines(csv_reader *r, const char *text, size_t size)
{
    const char *end = text + size;
    const char *at = text;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        r->line++;
        r->joined = true;
        at++;
    }
}

/* Quotes that are text join lines of a TSV file.  Such a cell may be right, too: remember it. */
static void note_joined(const csv_reader *r, const char *cell, size_t size)
{
    if (r->doubts && r->sink->joined_line == 0 && memchr(cell, '\n', size) != NULL &&
        memchr(cell, '\t', size) != NULL) {
        r->sink->joined_file = r->sink->chunk->file;
        r->sink->joined_line = r->line;
    }
}

static void begin_row(csv_reader *r)
{
    r->sink->line = r->line;
    if (r->after_cr) {
        cli_sink_fail(r->sink, BARE_CR);
    }
    cli_sink_begin(r->sink);
    if (r->after_cr && r->keeps) { /* what stood before it on the line is set aside, and this too */
        cli_sink_fail(r->sink, BARE_CR);
    }
}

/* libcsv reports this for an empty cell.  For others its state says so, but only between two calls:
 * see piece(). */
static bool was_quoted(const csv_reader *r, const char *text, size_t size)
{
    return size == 0 ? text != NULL : r->parser.quoted != 0;
}

static void on_cell(void *text, size_t size, void *user)
{
    csv_reader *r = user;
    size_t column = r->column++;
    if (column == 0) {
        begin_row(r);
    }
    if (column >= r->sink->map->n_columns) {
        r->surplus = r->surplus || size > 0; /* end_row() reports it */
        return;
    }
    const char *cell = text != NULL ? text : "";
    cli_sink_cell(r->sink, column, cell, size, was_quoted(r, text, size));
    note_joined(r, cell, size);
    count_lines(r, cell, size);
}

/* What may help with a row of another number of cells. */
static const char *ragged_hint(const csv_reader *r, size_t wanted)
{
    if (r->joined) {
        return ": a quoted cell of it has line ends; use --quote=none if quotes are text in this "
               "file";
    }
    if (r->column < wanted) {
        return "; --ragged=pad reads missing cells as NULL";
    }
    return r->surplus ? "" : "; --ragged=pad drops the empty cells at its end";
}

/* A row with too few or too many cells: --ragged. */
static void end_ragged(csv_reader *r, size_t wanted)
{
    char words[256];
    if (r->pads && !r->surplus) {
        for (size_t i = r->column; i < wanted; i++) {
            cli_sink_pad(r->sink, i);
        }
        return;
    }
    snprintf(words, sizeof words, "the row has %zu cell%s, but the file has %zu column%s%s",
             r->column, r->column == 1 ? "" : "s", wanted, wanted == 1 ? "" : "s",
             r->pads ? "" : ragged_hint(r, wanted));
    if (r->stops) {
        cli_sink_stop(r->sink, words);
    } else {
        cli_sink_fail(r->sink, words);
    }
}

static void end_row(csv_reader *r)
{
    size_t wanted = r->sink->map->n_columns;
    if (r->column != wanted) {
        end_ragged(r, wanted);
    }
    cli_sink_end(r->sink);
    r->column = 0;
    r->joined = r->surplus = false;
}

/* Called for every CR and LF outside of quotes, and with -1 at the end of the file.  An empty line
 * is skipped, except in a file of one column, where it is an empty cell. */
static void on_line_end(int c, void *user)
{
    csv_reader *r = user;
    r->fresh = c == '\n';
    if (c == '\n' && r->after_cr) {
        r->after_cr = false;
        r->line++;
        return;
    }
    if (r->column == 0 && r->sink->map->n_columns == 1 && c != -1) {
        on_cell(NULL, 0, r);
    }
    if (r->column > 0) {
        end_row(r);
    }
    r->line += c == '\n';
    r->after_cr = c == '\r';
}

static void on_name(void *text, size_t size, void *user)
{
    csv_reader *r = user;
    if (r->named) {
        (void)cli_fail(r->err, BM_CONVERT, "%s:%llu: %s", cli_input_name(r->input),
                       (unsigned long long)r->line, BARE_CR);
        return;
    }
    if (r->column++ == 0) {
        r->header_line = r->line;
    }
    if (text != NULL && memchr(text, '\0', size) != NULL) {
        (void)cli_fail(r->err, BM_CONVERT, "%s:%llu: the name of column %zu " CLI_HAS_NUL,
                       cli_input_name(r->input), (unsigned long long)r->line, r->column);
        return;
    }
    (void)cli_names_add(r->names, text != NULL ? text : "", size, r->err);
    count_lines(r, text != NULL ? text : "", size);
}

static void on_header_end(int c, void *user)
{
    csv_reader *r = user;
    r->fresh = c == '\n';
    r->line += c == '\n';
    r->named = r->column > 0;
}

/* ---- the text of rows, for --rejects */

static bm_status carry(csv_reader *r, size_t from, size_t to, bm_error *err)
{
    const size_t size = to - from;
    if (r->n_carried + size > r->carry_capacity) {
        const size_t capacity = 2 * (r->n_carried + size);
        char *carried = realloc(r->carried, capacity);
        if (carried == NULL) {
            return cli_no_memory(err);
        }
        r->carried = carried;
        r->carry_capacity = capacity;
    }
    if (size > 0) {
        memcpy(r->carried + r->n_carried, r->block + from, size);
        r->n_carried += size;
    }
    return BM_OK;
}

/* After each piece, which holds at most one line end outside of quotes. */
static void keep_text(csv_reader *r)
{
    if (r->sink->ended) {
        cli_sink_text(r->sink, (bm_slice){r->carried, r->n_carried},
                      (bm_slice){r->block + r->start, r->at - r->start});
    } else if (!r->fresh) {
        return;
    }
    r->n_carried = 0;
    r->start = r->at;
}

/* A quote in a cell without quotes: the line is set aside, up to its next line end. */
static void begin_drop(csv_reader *r)
{
    if (r->column == 0) {
        begin_row(r);
    }
    cli_sink_refuse(r->sink, "", "QUOTE", BARE_QUOTE);
    r->dropping = true;
}

static uint64_t line_ends(const char *text, size_t size)
{
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++) {
        n += text[i] == '\n';
    }
    return n;
}

static void end_drop(csv_reader *r)
{
    r->line = r->sink->line + line_ends(r->carried, r->n_carried) +
              line_ends(r->block + r->start, r->at - r->start);
    cli_sink_end(r->sink);
    r->parser.pstate = 0; /* of csv_init() */
    r->parser.quoted = 0;
    r->parser.spaces = 0;
    r->parser.entry_pos = 0;
    r->parser.status = 0;
    r->column = 0;
    r->joined = r->surplus = r->after_cr = r->after_quote = r->dropping = false;
    r->fresh = true;
}

static void go_on_dropping(csv_reader *r)
{
    char *end = memchr(r->block + r->at, '\n', r->n - r->at);
    r->at = end != NULL ? (size_t)(end + 1 - r->block) : r->n;
    if (end != NULL) {
        end_drop(r);
    }
}

/* ---- parsing */

static bm_status parser_failed(csv_reader *r, bm_error *err)
{
    const char *file = cli_input_name(r->input);
    switch (csv_error(&r->parser)) {
    case CSV_EPARSE:
        return cli_fail(err, BM_CONVERT, "%s:%llu: %s", file, (unsigned long long)r->line,
                        BARE_QUOTE);
    case CSV_ENOMEM:
    case CSV_ETOOBIG:
        return cli_fail(err, BM_CONVERT,
                        "%s:%llu: a cell that begins here is longer than 256 MiB: is a closing "
                        "quote missing?",
                        file, (unsigned long long)r->line);
    default:
        return cli_fail(err, BM_INTERNAL, "%s: libcsv failed", file);
    }
}

/* Parse n bytes of the block. */
static bm_status parse(csv_reader *r, size_t n, bm_error *err)
{
    bool header = r->names != NULL;
    const char *from = r->block + r->at;
    r->fresh = false;
    size_t done = csv_parse(&r->parser, from, n, header ? on_name : on_cell,
                            header ? on_header_end : on_line_end, r);
    if (done != n && r->keeps && !header && csv_error(&r->parser) == CSV_EPARSE) {
        r->at += done;
        begin_drop(r);
        return r->sink->status;
    }
    r->at += n;
    if (done != n) {
        return parser_failed(r, err);
    }
    return header ? err->status : r->sink->status;
}

/* At the end of the file: the last cell, if no line end follows it. */
static bm_status finish(csv_reader *r, bm_error *err)
{
    bool header = r->names != NULL;
    if (csv_fini(&r->parser, header ? on_name : on_cell, header ? on_header_end : on_line_end, r) !=
        0) {
        return cli_fail(
            err, BM_CONVERT,
            "%s:%llu: the file ends inside a quoted cell: a closing quote is missing on "
            "this line or after it; use --quote=none if quotes are text in this file",
            cli_input_name(r->input), (unsigned long long)r->line);
    }
    return header ? err->status : r->sink->status;
}

static void csv_reader_close(void *reader)
{
    csv_reader *r = reader;
    if (r != NULL) {
        csv_free(&r->parser);
        free(r->carried);
        free(r->header);
        free(r->block);
        free(r);
    }
}

static bool has_text(const cli_names *names)
{
    bool any = false;
    for (size_t i = 0; i < names->n; i++) {
        any = any || names->at[i][0] != '\0';
    }
    return any;
}

static bm_status csv_reader_open(cli_input *input, const cli_options *options, bool tabs,
                                 void **out, bm_error *err)
{
    const char delimiter = options->delimiter != NULL ? options->delimiter[0] : tabs ? '\t' : ',';
    const unsigned char flags = CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_EMPTY_IS_NULL;
    csv_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL || csv_init(&r->parser, flags) != 0) {
        free(r);
        return cli_no_memory(err);
    }
    csv_set_delim(&r->parser, (unsigned char)delimiter);
    csv_set_space_func(&r->parser, is_no_space);
    csv_set_realloc_func(&r->parser, limited);
    if (options->quote != NULL) {
        const char quote = cli_quote(options) != '\0' ? cli_quote(options) : CLI_CSV_NO_QUOTE;
        csv_set_quote(&r->parser, (unsigned char)quote);
    }
    r->comment = options->comment != NULL ? options->comment[0] : '\0';
    r->any_null = has_text(&options->nulls);
    r->chosen = options->columns.n > 0 || cli_names_find(&options->map, "") != CLI_NONE;
    r->doubts = tabs && options->quote == NULL && options->delimiter == NULL;
    r->keeps = options->rejects != NULL;
    r->pads = options->ragged != NULL && strcmp(options->ragged, "pad") == 0;
    r->stops = options->ragged != NULL && strcmp(options->ragged, "error") == 0;
    r->input = input;
    r->line = 1;
    r->fresh = true;
    r->skip = options->skip_lines;
    char quote = (char)csv_get_quote(&r->parser);
    r->escape = options->escape != NULL && options->escape[0] != quote ? options->escape[0] : '\0';
    r->block = malloc(2 * CLI_CSV_BLOCK);
    if (r->block == NULL) {
        csv_reader_close(r);
        return cli_no_memory(err);
    }
    *out = r;
    return BM_OK;
}

static bm_status check_names(const csv_reader *r, const cli_names *names, bm_error *err)
{
    const char *file = cli_input_name(r->input);
    if (names->n == 0) {
        return cli_fail(err, BM_CONVERT,
                        "%s: the file is empty: expected a header line with the names of columns",
                        file);
    }
    for (size_t i = 0; i < names->n; i++) {
        if (names->at[i][0] == '\0') {
            if (r->chosen) {
                continue;
            }
            return cli_fail(err, BM_CONVERT,
                            "%s:%llu: column %zu of the header has no name: choose others with "
                            "--columns, or write it with --map==COL",
                            file, (unsigned long long)r->header_line, i + 1);
        }
        if (cli_names_find(names, names->at[i]) != i) {
            return cli_fail(err, BM_CONVERT,
                            "%s:%llu: two columns have the name \"%s\": rename one, or use "
                            "--no-header, --skip-lines=1 and --columns",
                            file, (unsigned long long)r->header_line, names->at[i]);
        }
    }
    return BM_OK;
}

/* Parse line by line, so that nothing after the header is parsed. */
static bm_status csv_reader_header(void *reader, cli_names *names, bm_error *err)
{
    csv_reader *r = reader;
    r->names = names;
    r->err = err;
    while (!r->named) {
        CLI_TRY(cli_csv_next_block(r, err));
        if (r->at == r->n) {
            CLI_TRY(finish(r, err));
            break;
        }
        cli_csv_skip_comments(r);
        if (r->at == r->n) {
            continue;
        }
        char *end = memchr(r->block + r->at, '\n', r->n - r->at);
        size_t n = end != NULL ? (size_t)(end + 1 - r->block) - r->at : r->n - r->at;
        if (r->keeps) {
            r->n_carried = r->fresh && r->column == 0 ? 0 : r->n_carried;
            CLI_TRY(carry(r, r->at, r->at + n, err));
        }
        CLI_TRY(parse(r, n, err));
    }
    r->header = r->carried;
    r->n_header = r->n_carried;
    r->carried = NULL;
    r->n_carried = r->carry_capacity = 0;
    r->start = r->at;
    r->names = NULL;
    r->column = 0;
    r->joined = false;
    return check_names(r, names, err);
}

/*
 * The number of bytes to parse at once.  With --null, unquoted cells with its text are NULL,
 * and libcsv does not say which cells are quoted.  So parsing stops after each quote, when the
 * state is "quoted" if the cell ends with the next byte, and again after that byte.  With --comment
 * and --rejects it stops after each line.
 */
static size_t piece(csv_reader *r)
{
    const char *from = r->block + r->at;
    size_t n = r->n - r->at;
    const char *end = r->comment != '\0' || r->keeps ? memchr(from, '\n', n) : NULL;
    n = end != NULL ? (size_t)(end + 1 - from) : n;
    if (!r->any_null) {
        return n;
    }
    const char *quote = memchr(from, csv_get_quote(&r->parser), r->after_quote ? 1 : n);
    n = quote != NULL ? (size_t)(quote + 1 - from) : r->after_quote ? 1 : n;
    r->after_quote = quote != NULL;
    return n;
}

/* The last row, if no line end follows it. */
static bm_status end_file(csv_reader *r, bm_error *err)
{
    if (r->dropping) {
        end_drop(r);
    } else {
        CLI_TRY(finish(r, err));
    }
    if (r->keeps) {
        keep_text(r);
    }
    return r->sink->status;
}

static bm_status csv_reader_fill(void *reader, cli_sink *sink, bool *more, bm_error *err)
{
    csv_reader *r = reader;
    r->sink = sink;
    r->err = err;
    CLI_TRY(cli_csv_next_block(r, err));
    *more = r->at < r->n;
    r->start = r->start < r->at ? r->start : r->at; /* the header may have ended with its block */
    for (cli_csv_skip_comments(r); r->at < r->n; cli_csv_skip_comments(r)) {
        r->start = r->fresh ? r->at : r->start;
        if (r->dropping) {
            go_on_dropping(r);
        } else {
            CLI_TRY(parse(r, piece(r), err));
        }
        if (r->keeps) {
            keep_text(r);
            CLI_TRY(sink->status);
        }
    }
    if (r->keeps) {
        CLI_TRY(carry(r, r->start, r->at, err));
        r->start = 0;
    }
    return *more ? BM_OK : end_file(r, err);
}

static bm_slice csv_reader_header_text(void *reader)
{
    const csv_reader *r = reader;
    return (bm_slice){r->header, r->n_header};
}

const cli_format cli_format_csv = {
    .name = "csv",
    .open = csv_reader_open,
    .header = csv_reader_header,
    .header_text = csv_reader_header_text,
    .fill = csv_reader_fill,
    .close = csv_reader_close,
};
