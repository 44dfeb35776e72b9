/*
 * inspect: whatever the bytes, a file has a report or a fault, and the command of the report reads
 * all rows of the file into a table of the types that were found.
 */
#include "report.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 64

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What can be given; a digit at the start of the input chooses. */
static const cli_options asked[] = {
    {0},
    {.sample = 2},
    {.no_header = true},
    {.delimiter = ";"},
    {.nulls = {.at = (char *[]){"NA"}, .n = 1}},
    {.format = "ndjson"},
    {.format = "tsv"},
    {.ragged = "pad"},
};

/* The words of a line as a shell has them; they are made in the line. */
static size_t split(char *line, char **words)
{
    size_t n = 0;
    for (char *at = line; *at != '\0' && n < WORDS_MAX;) {
        char *to = at;
        bool quoted = false;
        words[n++] = at;
        for (; *at != '\0' && (quoted || *at != ' '); at++) {
            if (*at == '\'') {
                quoted = !quoted;
            } else {
                at += !quoted && *at == '\\';
                *to++ = *at;
            }
        }
        at += *at == ' ';
        *to = '\0';
    }
    check(n < WORDS_MAX);
    return n;
}

/* The table that --create-table makes, as the engine describes it. */
static bm_field field_of(const cli_column_survey *column)
{
    static const bm_type types[] = {[CLI_FOUND_BOOLEAN] = BM_BOOL,
                                    [CLI_FOUND_INTEGER] = BM_INT4,
                                    [CLI_FOUND_BIGINT] = BM_INT8,
                                    [CLI_FOUND_NUMERIC] = BM_NUMERIC,
                                    [CLI_FOUND_DOUBLE] = BM_FLOAT8,
                                    [CLI_FOUND_DATE] = BM_DATE,
                                    [CLI_FOUND_TIMESTAMP] = BM_TIMESTAMP,
                                    [CLI_FOUND_TIMESTAMPTZ] = BM_TIMESTAMPTZ,
                                    [CLI_FOUND_UUID] = BM_UUID,
                                    [CLI_FOUND_JSON] = BM_JSON,
                                    [CLI_FOUND_TEXT] = BM_TEXT};
    static const size_t widths[] = {
        [BM_BOOL] = 1, [BM_INT4] = 4,      [BM_INT8] = 8,        [BM_FLOAT8] = 8,
        [BM_DATE] = 4, [BM_TIMESTAMP] = 8, [BM_TIMESTAMPTZ] = 8, [BM_UUID] = 16};
    const bm_type type = types[cli_column_type_of(&column->type)];
    const size_t width = type < sizeof widths / sizeof widths[0] ? widths[type] : 0;
    return (bm_field){.name = column->name,
                      .type = type,
                      .layout = width > 0 ? BM_FIXED : BM_SLICE,
                      .width = width > 0 ? width : sizeof(bm_slice)};
}

static uint64_t count_rows(const cli_options *options, const bm_model *table)
{
    bm_error err = BM_ERROR;
    cli_source *source;
    cli_chunk chunks[2] = {0};
    uint64_t n = 0;
    bm_status status = cli_source_open(options, table, &source, &err);
    for (size_t i = 0; status == BM_OK; i = 1 - i) {
        status = cli_source_fill(source, &chunks[i], 1000, &err);
        if (status != BM_OK || chunks[i].n == 0) {
            break;
        }
        n += chunks[i].n;
    }
    check(status == BM_OK);
    cli_source_close(source);
    cli_chunk_free(&chunks[0]);
    cli_chunk_free(&chunks[1]);
    return n;
}

static void load(const cli_survey *survey, const char *path)
{
    char *command = cli_report_command(survey, path);
    char *words[WORDS_MAX];
    bm_error err = BM_ERROR;
    cli_options options;
    bm_field *fields = calloc(survey->n_columns + 1, sizeof *fields);
    check(command != NULL && fields != NULL);
    const size_t n = split(command, words);
    for (size_t i = 0; i < survey->n_columns; i++) {
        fields[i] = field_of(&survey->columns[i]);
    }
    const bm_model table = {
        .size = sizeof table, .table = "t", .fields = fields, .n_fields = survey->n_columns};
    optind = 0;
    check(cli_options_read((int)n, words, &options, &err) == BM_OK);
    check(count_rows(&options, &table) == survey->rows);
    cli_options_free(&options);
    free(fields);
    free(command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    bm_error err = BM_ERROR;
    cli_survey survey;
    if (size < 1) {
        return 0;
    }
    cli_options options = asked[data[0] % (sizeof asked / sizeof asked[0])];
    options.verb = cli_verbs;
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bm_status status = cli_survey_make(&options, path, false, &survey, &err);
    check(status == err.status && (status == BM_OK) == (err.message[0] == '\0'));
    if (status == BM_OK) {
        char *text = NULL;
        size_t n;
        FILE *out = open_memstream(&text, &n);
        check(out != NULL);
        cli_report(out, &survey, path);
        check(cli_report_json(out, &survey, path) && fclose(out) == 0);
        free(text);
        if (survey.whole && survey.rows > 0) {
            load(&survey, path);
        }
    }
    cli_survey_free(&survey);
    close(fd);
    return 0;
}
