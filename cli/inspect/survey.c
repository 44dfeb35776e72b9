#include "survey.h"

#include "cells.h"
#include "decide.h"
#include "dialect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cli_null_spellings[CLI_SPELLINGS] = {
    "\\N", "NA", "N/A", "n/a", "#N/A", "NULL", "Null", "null", "None", "NaN", "nan", "-", "?", "."};

/* The whole file, or its first rows, in one dialect. */
typedef struct reading {
    cli_survey *to;
    uint64_t sample; /* 0: all rows */
    bool first_read; /* CSV: the first row */
    uint64_t first_line;
    bool no_memory;
    bool not_text; /* a cell is not UTF-8, ... */
    bool nul;      /* ... since it has a NUL byte ... */
    size_t not_text_column;
    uint64_t not_text_line;
} reading;

/* The line of the cells that are the first not to fit is known at the end of their row. */
static void note_misfits(cli_survey *to, uint64_t line)
{
    for (size_t i = 0; to->misfit && i < to->n_columns; i++) {
        for (size_t k = 0; k < CLI_GIVEN_DATES; k++) {
            uint64_t *at = &to->columns[i].misfits.lines[k];
            *at = *at == CLI_LINE_UNKNOWN ? line : *at;
        }
    }
    to->misfit = false;
}

static cli_column_survey *new_columns(cli_survey *to, size_t n)
{
    cli_column_survey *columns = realloc(to->columns, n * sizeof *columns);
    if (columns != NULL) {
        memset(columns + to->n_columns, 0, (n - to->n_columns) * sizeof *columns);
        to->columns = columns;
        to->n_columns = n;
    }
    return columns;
}

static char *copy_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

static bool on_name(void *user, const char *name, size_t size)
{
    reading *r = user;
    cli_survey *to = r->to;
    if (to->n_columns == CLI_COLUMNS_MAX) {
        return false;
    }
    char *copy = copy_text(name, size);
    if (copy == NULL || new_columns(to, to->n_columns + 1) == NULL) {
        free(copy);
        r->no_memory = true;
        return true;
    }
    to->columns[to->n_columns - 1].name = copy;
    return true;
}

/* The spelling of NULL that a cell is, or CLI_SPELLINGS. */
static size_t spelling_of(const char *text, size_t size)
{
    size_t i = 0;
    if (size > 4 || (text[0] != 'N' && text[0] != 'n' && isalnum((unsigned char)text[0]) != 0)) {
        return CLI_SPELLINGS;
    }
    while (i < CLI_SPELLINGS && (strlen(cli_null_spellings[i]) != size ||
                                 memcmp(cli_null_spellings[i], text, size) != 0)) {
        i++;
    }
    return i;
}

static bool is_ascii(const char *text, size_t size)
{
    unsigned char all = 0;
    bool nul = false;
    for (size_t i = 0; i < size; i++) {
        all |= (unsigned char)text[i];
        nul |= text[i] == '\0';
    }
    return all < 0x80 && !nul;
}

static void check_text(reading *r, size_t column, const char *text, size_t size)
{
    bm_slice value;
    const bm_slice given = {text, size};
    if (!r->not_text && !is_ascii(text, size) &&
        bm_value_parse(BM_TEXT, given, NULL, &value, NULL) != BM_OK) {
        r->nul = memchr(text, '\0', size) != NULL;
        r->not_text_column = column;
        r->not_text = true;
    }
}

/* Up to three that are different. */
static void keep_sample(cli_column_survey *column, const char *text, size_t size)
{
    size_t n = size < CLI_SAMPLE_BYTES ? size : CLI_SAMPLE_BYTES;
    while (n < size && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80) {
        n--; /* not in the middle of a character */
    }
    for (size_t i = 0; i < column->n_samples; i++) {
        if (column->sample_sizes[i] == n && memcmp(column->samples[i], text, n) == 0) {
            return;
        }
    }
    memcpy(column->samples[column->n_samples], text, n);
    column->sample_sizes[column->n_samples++] = n;
}

/* Of JSON only texts have other forms than its own. */
static void add_given(cli_survey *to, cli_column_survey *column, const char *text, size_t size)
{
    cli_column_type own = column->type;
    const bool quoted = size >= 2 && text[0] == '"';
    if (to->json) {
        cli_column_type_add_json(&own, text, size);
        text += quoted;
        size -= quoted ? 2 : 0;
    }
    to->misfit =
        cli_given_forms_add(&to->forms, &column->type, &column->misfits, text, size) || to->misfit;
    column->type = to->json ? own : column->type;
}

static void add_value(cli_survey *to, cli_column_survey *column, const char *text, size_t size)
{
    column->shortest = column->values == 0 || size < column->shortest ? size : column->shortest;
    column->longest = size > column->longest ? size : column->longest;
    column->values++;
    if (to->forms.numbers || to->forms.n_dates > 0) {
        add_given(to, column, text, size);
    } else if (to->json) {
        cli_column_type_add_json(&column->type, text, size);
    } else if (column->type.found != CLI_FOUND_TEXT) {
        cli_column_type_add(&column->type, text, size);
    }
    if (column->n_samples < CLI_SAMPLES) {
        keep_sample(column, text, size);
    }
}

static void add_cell(cli_survey *to, cli_column_survey *column, const char *text, size_t size,
                     bool quoted)
{
    const bool given = to->options.nulls.n > 0 || to->fixed || to->json;
    if (!to->json && cli_is_null(&to->options, text, size)) {
        column->empty += !quoted;
        column->empty_quoted += quoted;
        return;
    }
    if (size == 0) { /* --null has another text */
        column->values++;
        column->type.found = CLI_FOUND_TEXT;
        return;
    }
    const size_t spelling = given ? CLI_SPELLINGS : spelling_of(text, size);
    if (spelling < CLI_SPELLINGS) {
        column->spelled[spelling] += !quoted;
        column->spelled_quoted[spelling] += quoted;
        return;
    }
    add_value(to, column, text, size);
}

static void on_cell(void *user, size_t i, const char *text, size_t size, bool quoted)
{
    reading *r = user;
    cli_survey *to = r->to;
    if (i >= to->n_columns || (r->sample > 0 && to->rows >= r->sample)) {
        return;
    }
    cli_column_survey *column = &to->columns[i];
    if (!r->first_read) {
        check_text(r, i, text, size);
        column->first = copy_text(text, size);
        column->first_quoted = quoted;
        r->no_memory = r->no_memory || column->first == NULL;
        return;
    }
    add_cell(to, column, text, size, quoted);
    if (column->type.found >= CLI_FOUND_JSON) {
        check_text(r, i, text, size);
    }
}

static void on_end(void *user, uint64_t line)
{
    reading *r = user;
    cli_survey *to = r->to;
    note_misfits(to, line);
    if (r->not_text && r->not_text_line == 0) {
        r->not_text_line = line;
    }
    if (!r->first_read) {
        r->first_read = true;
        r->first_line = line;
    } else if (r->sample == 0 || to->rows < r->sample) {
        to->first_row = to->rows++ == 0 ? line : to->first_row;
    }
}

static bool enough(void *user)
{
    const reading *r = user;
    return r->no_memory || r->not_text || (r->sample > 0 && r->to->rows >= r->sample);
}

static void forget(cli_survey *s)
{
    for (size_t i = 0; i < s->n_columns; i++) {
        free(s->columns[i].name);
        free(s->columns[i].first);
        free(s->columns[i].target);
    }
    free(s->columns);
    s->columns = NULL;
    s->n_columns = 0;
    s->rows = s->first_row = 0;
}

/* A survey in the making: the file is read again while that shows how to read it. */
typedef struct search {
    cli_survey *to;
    const cli_options *given;
    const char *path;
    uint64_t sample;
    bool exact;    /* which cells are quoted has to be known */
    bool again;    /* the last reading was in vain */
    size_t quotes; /* the ways to write quotes that were tried after the one that was found */
} search;

/* Cells that are not UTF-8 are in Windows' code page more often than in any other. */
static bm_status other_encoding(search *s, const reading *r, bm_error *err)
{
    const char *encoding = s->to->options.encoding;
    if (r->nul || encoding != NULL || s->to->fixed) {
        encoding = encoding != NULL ? encoding : "UTF-8: say the file's encoding with --encoding";
        return cli_fail(err, BM_CONVERT, "%s:%llu: cell %zu of the row %s%s",
                        cli_short_path(s->path), (unsigned long long)r->not_text_line,
                        r->not_text_column + 1, r->nul ? CLI_HAS_NUL : "is not valid ",
                        r->nul ? "" : encoding);
    }
    s->to->options.encoding = "WINDOWS-1252";
    s->again = true;
    return BM_OK;
}

/* "NA" with quotes may be text.  Only files with such cells are read again. */
static bool has_spellings(const cli_survey *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n_columns; i++) {
        for (size_t k = 0; k < CLI_SPELLINGS; k++) {
            n += s->columns[i].spelled[k];
        }
    }
    return n > 0 && !s->json && s->options.quote[0] != '\0';
}

/* Read in the dialect that the options say. */
static bm_status read_rows(search *s, size_t n_columns, bm_error *err)
{
    cli_survey *to = s->to;
    reading r = {.to = to, .sample = s->sample, .first_read = to->json};
    cli_watch watch = {.user = &r, .cell = on_cell, .name = on_name, .end = on_end};
    cli_pass pass = {.options = &to->options,
                     .path = s->path,
                     .watch = &watch,
                     .tells_quoted = s->exact,
                     .n_columns = n_columns,
                     .enough = enough};
    forget(to);
    if (!to->json && new_columns(to, n_columns) == NULL) {
        return cli_no_memory(err);
    }
    bm_status status = cli_pass_run(&pass, err);
    if (r.no_memory) {
        return cli_no_memory(err);
    }
    to->begun = r.first_read;
    to->lacks = watch.lacks;
    to->encoding = pass.encoding;
    to->compression = pass.compression;
    to->whole = s->sample == 0 || to->rows < s->sample;
    to->first_row = to->json || to->rows > 0 ? to->first_row : r.first_line + 1;
    if (status == BM_OK && r.not_text) {
        return other_encoding(s, &r, err);
    }
    s->again = status == BM_OK && !s->exact && has_spellings(to);
    s->exact = true;
    return status;
}

/* After a fault of the file: is there another way to read it? */
static bool other_way(search *s)
{
    cli_options *options = &s->to->options;
    const char *encoding = options->encoding;
    if (s->to->fixed) {
        return false;
    }
    if (s->given->encoding == NULL && encoding != NULL && strcmp(encoding, "WINDOWS-1252") == 0) {
        options->encoding = "ISO-8859-1"; /* it has every byte */
        return true;
    }
    if (s->to->json || s->given->quote != NULL || s->given->escape != NULL || s->quotes == 2 ||
        options->quote[0] != '"' || (options->escape != NULL && s->quotes == 0)) {
        return false;
    }
    options->escape = s->quotes == 0 ? "\\" : NULL;
    options->quote = s->quotes == 0 ? options->quote : "";
    s->quotes++;
    return true;
}

static bm_status read_file(search *s, bm_error *err)
{
    size_t n_columns = 0;
    bm_error first = BM_ERROR;
    if (s->to->fixed && !s->to->json) {
        CLI_TRY(cli_dialect_cells(&s->to->options, s->path, &n_columns, err));
    } else if (!s->to->json) {
        CLI_TRY(cli_dialect_find(&s->to->options, s->path, s->to->tabs, &n_columns, err));
    }
    if (n_columns > CLI_COLUMNS_MAX) {
        return cli_fail(err, BM_CONVERT,
                        "%s: the first row has %zu columns, more than %d: is the "
                        "delimiter right?",
                        cli_short_path(s->path), n_columns, CLI_COLUMNS_MAX);
    }
    for (;;) {
        bm_error why = BM_ERROR;
        s->again = false;
        bm_status status = read_rows(s, n_columns, &why);
        if (status == BM_OK && !s->again) {
            return BM_OK;
        }
        first = first.status == BM_OK ? why : first;
        if (status != BM_OK && (status != BM_CONVERT || !other_way(s))) {
            *err = first.status == BM_CONVERT ? first : why;
            return err->status;
        }
    }
}

/* JSON may have another name. */
static bool begins_as_json(const char *path)
{
    cli_input *input;
    char block[256];
    size_t n = 0;
    bm_error ignored = BM_ERROR;
    if (cli_input_open(path, NULL, &input, &ignored) != BM_OK) {
        return false; /* the next opening tells why */
    }
    bool read = cli_input_read(input, block, sizeof block, &n, &ignored) == BM_OK;
    cli_input_close(input);
    const char *at = block;
    while (read && n > 0 && isspace((unsigned char)*at) != 0) {
        at++;
        n--;
    }
    return read && n > 1 && (at[0] == '{' || (at[0] == '[' && strchr(" \r\n\t{", at[1]) != NULL));
}

static void choose_format(cli_survey *s, const char *path)
{
    cli_options *o = &s->options;
    s->json = cli_format_of(o, path, &s->tabs) == &cli_format_ndjson;
    if (s->fixed) {
        o->delimiter = o->delimiter != NULL ? o->delimiter : s->tabs ? "\t" : ",";
        o->quote = o->quote != NULL ? o->quote : "\"";
        return;
    }
    const bool open = o->format == NULL && o->delimiter == NULL && !s->tabs;
    if (!s->json && open && begins_as_json(path)) {
        o->format = "ndjson";
        s->json = true;
    }
    if (s->json) {
        o->missing_keys = "null";
    }
}

/* The first row is one of the rows. */
static void add_first(cli_survey *s)
{
    for (size_t i = 0; i < s->n_columns; i++) {
        cli_column_survey *column = &s->columns[i];
        const char *text = column->first != NULL ? column->first : "";
        add_cell(s, column, text, strlen(text), column->first_quoted);
    }
    s->rows++;
}

static bm_status decide(cli_survey *s, const char *path, bool no_header, bm_error *err)
{
    s->header = !s->json && !no_header && (s->fixed || cli_decide_header(s));
    s->options.no_header = !s->json && !s->header;
    CLI_TRY(s->fixed ? cli_decide_targets(s, err) : cli_decide_names(s, err));
    if (!s->json && !s->header && s->begun) {
        add_first(s);
    }
    if (!s->fixed) {
        cli_decide_nulls(s);
        return BM_OK;
    }
    note_misfits(s, 1 + s->options.skip_lines); /* those of the first row */
    for (size_t i = 0; i < s->n_columns; i++) {
        cli_column_survey *column = &s->columns[i];
        CLI_TRY(cli_given_forms_decide(&s->forms, path, column->target, column->values,
                                       &column->misfits, &column->type, err));
    }
    cli_decide_given_nulls(s);
    return BM_OK;
}

bm_status cli_survey_make(const cli_options *options, const char *path, bool fixed, cli_survey *out,
                          bm_error *err)
{
    *out = (cli_survey){.options = *options, .fixed = fixed};
    CLI_TRY(fixed ? cli_given_forms_make(options, &out->forms, err) : BM_OK);
    choose_format(out, path);
    out->options.no_header = !out->json; /* the first row is looked at as the others are */
    search made = {.to = out, .given = options, .path = path, .sample = options->sample};
    CLI_TRY(read_file(&made, err));
    return decide(out, path, options->no_header, err);
}

void cli_survey_free(cli_survey *survey)
{
    forget(survey);
    cli_given_forms_free(&survey->forms);
}
