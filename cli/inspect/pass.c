#include "pass.h"

#include "interrupt.h"

#include <stdlib.h>
#include <string.h>

typedef struct reading {
    cli_pass *pass;
    cli_options options;
    cli_column_map map;
    cli_chunk chunk;
    cli_sink sink;
    cli_input *input;
    const cli_format *format;
    void *reader;
} reading;

/* To a reader each column is its own field, of JSON: so it passes on the text as it is. */
static bm_status make_map(reading *r, bool json, bm_error *err)
{
    cli_column_map *map = &r->map;
    map->n_columns = r->pass->watch->any_length ? SIZE_MAX : r->pass->n_columns;
    map->fields = calloc(json ? CLI_COLUMNS_MAX : 1, sizeof *map->fields);
    map->of_column = calloc(json ? CLI_COLUMNS_MAX : 1, sizeof *map->of_column);
    if (map->fields == NULL || map->of_column == NULL) {
        return cli_no_memory(err);
    }
    for (size_t i = 0; json && i < CLI_COLUMNS_MAX; i++) {
        map->fields[i].type = BM_JSON;
        map->of_column[i] = i;
    }
    return BM_OK;
}

/* JSON tells the names of its first row. */
static bm_status read_names(reading *r, bm_error *err)
{
    cli_names names = {0};
    cli_watch *watch = r->pass->watch;
    bm_status status = r->format->header(r->reader, &names, err);
    for (size_t i = 0; i < names.n && status == BM_OK; i++) {
        if (!watch->name(watch->user, names.at[i], strlen(names.at[i]))) {
            status = cli_fail(err, BM_CONVERT, "%s: the first row has more than %d keys",
                              cli_input_name(r->input), CLI_COLUMNS_MAX);
        }
    }
    cli_names_free(&names);
    return status;
}

static bm_status read_all(reading *r, bm_error *err)
{
    const cli_pass *pass = r->pass;
    bool more = true;
    while (more && !pass->enough(pass->watch->user)) {
        if (cli_interrupted()) {
            return cli_fail(err, BM_CANCELLED, "interrupted");
        }
        CLI_TRY(r->format->fill(r->reader, &r->sink, &more, err));
    }
    return BM_OK;
}

/* With a text of NULL the reader says which cells are quoted. */
static void want_quotes(reading *r)
{
    static char word[] = "NA";
    static char *text[] = {word};
    r->options = *r->pass->options;
    if (r->pass->tells_quoted && r->options.nulls.n == 0) {
        r->options.nulls = (cli_names){text, 1};
    }
}

static bm_status run(reading *r, bm_error *err)
{
    cli_pass *pass = r->pass;
    bool tabs;
    want_quotes(r);
    r->format = cli_format_of(pass->options, pass->path, &tabs);
    const bool json = r->format == &cli_format_ndjson;
    CLI_TRY(make_map(r, json, err));
    CLI_TRY(cli_input_open(pass->path, pass->options->encoding, &r->input, err));
    pass->encoding = cli_input_encoding(r->input);
    pass->compression = cli_input_compression(r->input);
    CLI_TRY(r->format->open(r->input, &r->options, tabs, &r->reader, err));
    r->chunk.file = cli_input_path(r->input);
    r->sink = (cli_sink){.map = &r->map,
                         .chunk = &r->chunk,
                         .options = &r->options,
                         .file = cli_input_name(r->input),
                         .watch = pass->watch,
                         .err = err};
    if (json) {
        CLI_TRY(read_names(r, err));
    }
    return read_all(r, err);
}

bm_status cli_pass_run(cli_pass *pass, bm_error *err)
{
    reading r = {.pass = pass};
    bm_status status = run(&r, err);
    if (r.reader != NULL) {
        r.format->close(r.reader);
    }
    cli_input_close(r.input);
    free(r.map.fields);
    free(r.map.of_column);
    return status;
}
