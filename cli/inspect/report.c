#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

/* ---- the command */

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./:,@%";
    return text[0] != '\0' && text[strspn(text, plain)] == '\0';
}

/* A word of a shell: in single quotes if need be. */
static void put_word(FILE *out, const char *text)
{
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*text, out);
        }
    }
    fputc('\'', out);
}

static void put_option(FILE *out, const char *name, const char *value)
{
    fprintf(out, " --%s=", name);
    put_word(out, value);
}

/* The name of a column in a list of them. */
static void put_name(FILE *out, const char *name)
{
    if (strpbrk(name, ",\"") == NULL) {
        fputs(name, out);
        return;
    }
    fputc('"', out);
    for (; *name != '\0'; name++) {
        fputs(*name == '"' ? "\"\"" : (const char[]){*name, '\0'}, out);
    }
    fputc('"', out);
}

typedef void (*put_list)(FILE *out, const cli_survey *s);

/* After a delimiter at the end of each line: without a name, and always NULL. */
static bool is_nothing(const cli_survey *s, const cli_column_survey *column)
{
    return s->header && column->first != NULL && column->first[0] == '\0' &&
           column->nulls == s->rows;
}

/* A column without a name in the list is skipped. */
static void put_names(FILE *out, const cli_survey *s)
{
    bool any = false; /* column to read */
    for (size_t i = 0; i < s->n_columns; i++) {
        any = any || !is_nothing(s, &s->columns[i]);
    }
    for (size_t i = 0; i < s->n_columns; i++) {
        fputs(i > 0 ? "," : "", out);
        if (!any || !is_nothing(s, &s->columns[i])) {
            put_name(out, s->columns[i].name);
        }
    }
}

static void put_quoted_nulls(FILE *out, const cli_survey *s)
{
    const char *before = "";
    for (size_t i = 0; i < s->n_columns; i++) {
        if (s->columns[i].null_quoted) {
            fputs(before, out);
            put_name(out, s->columns[i].name);
            before = ",";
        }
    }
}

/* A list is a word, too. */
static void put_names_option(FILE *out, const char *name, const cli_survey *s, put_list put)
{
    char *text = NULL;
    size_t size;
    FILE *list = open_memstream(&text, &size);
    if (list == NULL) {
        return;
    }
    put(list, s);
    if (fclose(list) == 0 && size > 0) {
        put_option(out, name, text);
    }
    free(text);
}

static const char *sign_name(const char *sign)
{
    return sign[0] == '\0' ? "none" : sign[0] == '\t' ? "tab" : sign;
}

static const char *format_name(const cli_survey *s)
{
    return s->json ? "ndjson" : s->tabs ? "tsv" : "csv";
}

static void put_nulls(FILE *out, const cli_survey *s)
{
    bool any = false;
    for (size_t i = 0; i < s->options.nulls.n; i++) {
        put_option(out, "null", s->options.nulls.at[i]);
    }
    for (size_t k = 0; k < CLI_SPELLINGS; k++) {
        if (s->nulls[k]) {
            put_option(out, "null", cli_null_spellings[k]);
            any = true;
        }
    }
    if (any && s->empty_null) {
        put_option(out, "null", "");
    }
}

static void put_csv_options(FILE *out, const cli_survey *s)
{
    const cli_options *o = &s->options;
    put_option(out, "delimiter", sign_name(o->delimiter));
    put_option(out, "quote", sign_name(o->quote));
    if (o->escape != NULL) {
        put_option(out, "escape", o->escape);
    }
    if (o->comment != NULL) {
        put_option(out, "comment", o->comment);
    }
    const bool named = s->header && !s->renamed;
    const uint64_t skip = named || !s->header ? o->skip_lines : s->first_row - 1;
    if (skip > 0) {
        fprintf(out, " --skip-lines=%llu", (unsigned long long)skip);
    }
    if (!named) {
        fputs(" --no-header", out);
        put_names_option(out, "columns", s, put_names);
    }
    if (o->ragged != NULL) {
        put_option(out, "ragged", o->ragged);
    }
    put_nulls(out, s);
    put_names_option(out, "null-columns", s, put_quoted_nulls);
}

static void put_command(FILE *out, const cli_survey *s, const char *path)
{
    fputs("bulkmodel create DATABASE TABLE ", out);
    put_word(out, path);
    put_option(out, "format", format_name(s));
    if (s->json && s->lacks) {
        put_option(out, "missing-keys", "null");
        put_names_option(out, "columns", s, put_names);
    } else if (!s->json) {
        put_csv_options(out, s);
    }
    if (s->options.encoding != NULL) {
        put_option(out, "encoding", s->options.encoding);
    }
}

char *cli_report_command(const cli_survey *s, const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    put_command(out, s, path);
    return fclose(out) == 0 ? text : NULL;
}

/* ---- for people */

/* Text of a cell: what a terminal would act on is shown as a question mark. */
static void put_cell(FILE *out, const char *text, size_t size)
{
    char copy[CLI_SAMPLE_BYTES + 1];
    memcpy(copy, text, size);
    copy[size] = '\0';
    for (size_t i = 0; i < size; i++) {
        copy[i] = copy[i] == '\n' || copy[i] == '\t' || copy[i] == '\0' ? ' ' : copy[i];
    }
    cli_make_plain(copy);
    fputs(copy, out);
}

static void put_dialect(FILE *out, const cli_survey *s)
{
    const cli_options *o = &s->options;
    fprintf(out, "format       %s\ncompression  %s\nencoding     %s\n", format_name(s),
            s->compression, s->encoding);
    if (s->json) {
        fprintf(out, "keys         %s\n", s->lacks ? "some rows lack some" : "in every row");
        return;
    }
    fprintf(out, "delimiter    %s\nquote        %s\n", sign_name(o->delimiter),
            sign_name(o->quote));
    if (o->escape != NULL) {
        fprintf(out, "escape       %s\n", o->escape);
    }
    if (o->comment != NULL) {
        fprintf(out, "comment      %s\n", o->comment);
    }
    if (o->skip_lines > 0) {
        fprintf(out, "skipped      the first %llu lines\n", (unsigned long long)o->skip_lines);
    }
    fprintf(out, "header       %s\n",
            !s->header   ? "no"
            : s->renamed ? "yes, but names are missing or not unique"
                         : "yes");
}

static void put_null_texts(FILE *out, const cli_survey *s)
{
    const char *before = "NULL         ";
    for (size_t i = 0; i < s->options.nulls.n; i++) {
        fprintf(out, "%s%s", before, s->options.nulls.at[i]);
        before = ", ";
    }
    for (size_t k = 0; k < CLI_SPELLINGS; k++) {
        if (s->nulls[k]) {
            fprintf(out, "%s%s", before, cli_null_spellings[k]);
            before = ", ";
        }
    }
    if (s->empty_null && s->options.nulls.n == 0) {
        fprintf(out, "%san empty cell", before);
    }
    fputc('\n', out);
}

static size_t shown_width(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return n;
}

static void put_padded(FILE *out, const char *name, size_t width)
{
    char copy[256];
    const size_t n = shown_width(name);
    snprintf(copy, sizeof copy, "%s", name);
    cli_make_plain(copy);
    fprintf(out, "%s%*s", copy, n < width ? (int)(width - n) : 0, "");
}

static void put_columns(FILE *out, const cli_survey *s)
{
    char type[CLI_TYPE_NAME_MAX];
    size_t width = strlen("column");
    for (size_t i = 0; i < s->n_columns; i++) {
        const size_t n = shown_width(s->columns[i].name);
        width = n > width ? n : width;
    }
    fprintf(out, "\n%-*s  %-16s  %7s  values\n", (int)width, "column", "type", "NULL");
    for (size_t i = 0; i < s->n_columns; i++) {
        const cli_column_survey *column = &s->columns[i];
        const double part = s->rows > 0 ? (double)column->nulls / (double)s->rows : 0;
        cli_column_type_name(&column->type, false, type);
        put_padded(out, column->name, width);
        fprintf(out, "  %-16s  %5.1f %%  ", type, 100 * part);
        for (size_t k = 0; k < column->n_samples; k++) {
            fputs(k > 0 ? " | " : "", out);
            put_cell(out, column->samples[k], column->sample_sizes[k]);
        }
        fputc('\n', out);
    }
}

void cli_report(FILE *out, const cli_survey *s, const char *path)
{
    char *command = cli_report_command(s, path);
    put_dialect(out, s);
    if (!s->json) {
        put_null_texts(out, s);
    }
    fprintf(out, "rows         %llu%s\n", (unsigned long long)s->rows,
            s->whole ? "" : ", a sample: later rows may need other types");
    put_columns(out, s);
    fprintf(out, "\nThe command that loads it:\n%s\n", command != NULL ? command : "");
    free(command);
}

/* ---- as JSON */

static void put_string(yajl_gen out, const char *text, size_t size)
{
    (void)yajl_gen_string(out, (const unsigned char *)text, size);
}

static void put_pair(yajl_gen out, const char *key, const char *text)
{
    put_string(out, key, strlen(key));
    if (text != NULL) {
        put_string(out, text, strlen(text));
    } else {
        (void)yajl_gen_null(out);
    }
}

static void put_count(yajl_gen out, const char *key, uint64_t n)
{
    put_string(out, key, strlen(key));
    (void)yajl_gen_integer(out, (long long)n);
}

static void put_flag(yajl_gen out, const char *key, bool flag)
{
    put_string(out, key, strlen(key));
    (void)yajl_gen_bool(out, flag);
}

static void put_nulls_json(yajl_gen out, const cli_survey *s)
{
    put_string(out, "null", 4);
    (void)yajl_gen_array_open(out);
    for (size_t i = 0; i < s->options.nulls.n; i++) {
        put_string(out, s->options.nulls.at[i], strlen(s->options.nulls.at[i]));
    }
    for (size_t k = 0; k < CLI_SPELLINGS; k++) {
        if (s->nulls[k]) {
            put_string(out, cli_null_spellings[k], strlen(cli_null_spellings[k]));
        }
    }
    if (s->empty_null && s->options.nulls.n == 0) {
        put_string(out, "", 0);
    }
    (void)yajl_gen_array_close(out);
}

static void put_column_json(yajl_gen out, const cli_column_survey *column)
{
    char type[CLI_TYPE_NAME_MAX];
    cli_column_type_name(&column->type, false, type);
    (void)yajl_gen_map_open(out);
    put_pair(out, "name", column->name);
    put_pair(out, "type", type);
    put_count(out, "nulls", column->nulls);
    put_string(out, "values", 6);
    (void)yajl_gen_array_open(out);
    for (size_t k = 0; k < column->n_samples; k++) {
        put_string(out, column->samples[k], column->sample_sizes[k]);
    }
    (void)yajl_gen_array_close(out);
    (void)yajl_gen_map_close(out);
}

static void put_dialect_json(yajl_gen out, const cli_survey *s)
{
    const cli_options *o = &s->options;
    put_pair(out, "format", format_name(s));
    put_pair(out, "compression", s->compression);
    put_pair(out, "encoding", s->encoding);
    if (!s->json) {
        put_pair(out, "delimiter", o->delimiter);
        put_pair(out, "quote", o->quote[0] != '\0' ? o->quote : NULL);
        put_pair(out, "escape", o->escape);
        put_pair(out, "comment", o->comment);
        put_count(out, "skip_lines", o->skip_lines);
        put_flag(out, "header", s->header);
        put_nulls_json(out, s);
    }
}

bool cli_report_json(FILE *out, const cli_survey *s, const char *path)
{
    const unsigned char *text = NULL;
    size_t size = 0;
    char *command = cli_report_command(s, path);
    yajl_gen json = yajl_gen_alloc(NULL);
    bool made = json != NULL && command != NULL;
    if (made) {
        (void)yajl_gen_map_open(json);
        put_pair(json, "file", path);
        put_dialect_json(json, s);
        put_count(json, "rows", s->rows);
        put_flag(json, "sample", !s->whole);
        put_string(json, "columns", 7);
        (void)yajl_gen_array_open(json);
        for (size_t i = 0; i < s->n_columns; i++) {
            put_column_json(json, &s->columns[i]);
        }
        (void)yajl_gen_array_close(json);
        put_pair(json, "command", command);
        made = yajl_gen_map_close(json) == yajl_gen_status_ok &&
               yajl_gen_get_buf(json, &text, &size) == yajl_gen_status_ok;
    }
    if (made) {
        fprintf(out, "%.*s\n", (int)size, (const char *)text);
    }
    if (json != NULL) {
        yajl_gen_free(json);
    }
    free(command);
    return made;
}
