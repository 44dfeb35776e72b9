/*
 * Lines of JSON, parsed by yajl: each line, or each element of an array that is the whole file, is
 * an object whose keys are names of columns.  yajl
 * passes numbers as they are written, so no digit is lost, and reports its position, so a nested
 * value is taken as text.
 */
#include "json_array.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define BLOCK ((size_t)65536)
#define LINE_MAX_BYTES ((size_t)1 << 28)
#define ROWS_A_FILL 256

#define NO_OBJECT                                                                                  \
    "this is not a JSON object: each line, or each element of an array, must be one object"
#define CUT_OFF "the file ends inside its array: it is cut off"

typedef struct ndjson_reader {
    cli_input *input;
    yajl_handle yajl;
    char *block; /* bytes from `at` to `n` are not parsed yet */
    size_t at;
    size_t n;
    size_t capacity;
    bool ended;
    cli_json_array array;
    const cli_options *options;
    uint64_t skip;
    uint64_t line;
    uint64_t rows;   /* counted from 1 */
    bool chosen;     /* --columns is given: other keys are skipped */
    bool lacks;      /* --missing-keys=null */
    cli_names names; /* the keys of the first object */
    uint64_t *seen;  /* for each name, the last row that had it */
    bool collecting; /* the names are being read */
    uint64_t rest;   /* line ends from the text of the row to the next row */
    size_t depth;
    bool object;   /* the line has an object */
    size_t column; /* the column of the next value; CLI_NONE: skipped */
    size_t n_seen;
    const char *text; /* the line */
    size_t begin;     /* where the value begins */
    cli_sink *sink;
    bm_error *err;
} ndjson_reader;

static int fail(ndjson_reader *r, const char *words)
{
    (void)cli_fail(r->err, BM_CONVERT, "%s:%llu: %s", cli_input_name(r->input),
                   (unsigned long long)r->line, words);
    return 0;
}

static int fail_key(ndjson_reader *r, const char *key, size_t size, const char *words)
{
    (void)cli_fail(r->err, BM_CONVERT, "%s:%llu: key \"%.*s\" %s", cli_input_name(r->input),
                   (unsigned long long)r->line, (int)(size < 200 ? size : 200), key, words);
    snprintf(r->err->column, sizeof r->err->column, "%.*s", (int)(size < 64 ? size : 63), key);
    return 0;
}

/* The field of a value at the top level of the object, or CLI_NONE. */
static size_t field_of(const ndjson_reader *r)
{
    bool wanted = !r->collecting && r->depth == 1 && r->column != CLI_NONE;
    return wanted ? r->sink->map->of_column[r->column] : CLI_NONE;
}

static size_t position(const ndjson_reader *r)
{
    return yajl_get_bytes_consumed(r->yajl);
}

static bool is_document(const bm_field *field)
{
    return field->type == BM_JSON || field->type == BM_JSONB;
}

/* Every value.  A column of JSON gets the text of the value as it is. */
static int value(ndjson_reader *r, const char *text, size_t size)
{
    size_t field = field_of(r);
    if (r->depth == 0) {
        return fail(r, NO_OBJECT);
    }
    if (field != CLI_NONE && text != NULL) {
        if (is_document(&r->sink->map->fields[field])) {
            text = r->text + r->begin;
            size = position(r) - r->begin;
        }
        cli_sink_value(r->sink, field, text, size);
    } else if (field != CLI_NONE) {
        cli_sink_null(r->sink, field);
    }
    return r->collecting || r->sink->status == BM_OK;
}

static int on_null(void *user)
{
    return value(user, NULL, 0);
}

static int on_boolean(void *user, int is_true)
{
    return value(user, is_true ? "true" : "false", is_true ? 4 : 5);
}

static int on_number(void *user, const char *text, size_t size)
{
    ndjson_reader *r = user;
    if (r->collecting) {
        return value(r, text, size);
    }
    r->sink->number = true;
    const int more = value(r, text, size);
    r->sink->number = false;
    return more;
}

static int on_string(void *user, const unsigned char *text, size_t size)
{
    return value(user, (const char *)text, size);
}

static int begin_nested(ndjson_reader *r)
{
    r->depth++;
    return 1;
}

/* A nested value is written to a column of JSON or text. */
static int end_nested(ndjson_reader *r)
{
    r->depth--;
    size_t field = field_of(r);
    if (field == CLI_NONE) {
        return 1;
    }
    const bm_field *to = &r->sink->map->fields[field];
    if (!is_document(to) && to->type != BM_TEXT && to->type != BM_VARCHAR) {
        return fail_key(r, to->name, strlen(to->name),
                        "is an object or an array, but its column is neither JSON nor text");
    }
    return value(r, r->text + r->begin, position(r) - r->begin);
}

static int on_map_start(void *user)
{
    ndjson_reader *r = user;
    if (r->depth > 0) {
        return begin_nested(r);
    }
    r->depth = 1;
    r->object = true;
    r->n_seen = 0;
    if (!r->collecting) {
        r->sink->line = r->line;
        cli_sink_begin(r->sink);
    }
    return 1;
}

static size_t find_name(const ndjson_reader *r, const char *key, size_t size)
{
    for (size_t i = 0; i < r->names.n; i++) {
        size_t at = (r->n_seen + i) % r->names.n; /* keys usually have the same order */
        if (strlen(r->names.at[at]) == size && memcmp(r->names.at[at], key, size) == 0) {
            return at;
        }
    }
    return CLI_NONE;
}

/* A watch wants the keys of all rows, wherever they are first. */
static int new_name(ndjson_reader *r, const char *key, size_t size)
{
    uint64_t *seen = realloc(r->seen, (r->names.n + 2) * sizeof *seen);
    if (seen == NULL) {
        return cli_no_memory(r->err) == BM_OK;
    }
    r->seen = seen;
    r->seen[r->names.n] = 0;
    r->column = r->names.n;
    r->sink->watch->lacks = true;
    if (!r->sink->watch->name(r->sink->watch->user, key, size)) {
        return fail_key(r, key, size, "is one too many: PostgreSQL allows 1600 columns");
    }
    return cli_names_add(&r->names, key, size, r->err) == BM_OK;
}

static int on_map_key(void *user, const unsigned char *text, size_t size)
{
    ndjson_reader *r = user;
    const char *key = (const char *)text;
    if (r->depth != 1) {
        return 1;
    }
    r->begin = position(r) + strspn(r->text + position(r), " \t:");
    r->column = find_name(r, key, size);
    if (memchr(key, '\0', size) != NULL) {
        return fail_key(r, key, size, "has a NUL byte, which no column's name has");
    }
    if (r->collecting) {
        return r->column != CLI_NONE ? fail_key(r, key, size, "is in the object twice")
                                     : cli_names_add(&r->names, key, size, r->err) == BM_OK;
    }
    if (r->column == CLI_NONE && r->sink->watch != NULL && !r->chosen && !new_name(r, key, size)) {
        return 0;
    }
    if (r->column == CLI_NONE) {
        return r->chosen ||
               fail_key(r, key, size, "is not in the first row: choose the keys with --columns");
    }
    if (r->seen[r->column] == r->rows) {
        return fail_key(r, key, size, "is in the object twice");
    }
    r->seen[r->column] = r->rows;
    r->n_seen++;
    return 1;
}

static int on_map_end(void *user)
{
    ndjson_reader *r = user;
    if (r->depth > 1) {
        return end_nested(r);
    }
    r->depth = 0;
    if (r->collecting) {
        return 1;
    }
    for (size_t i = 0; r->n_seen < r->names.n && i < r->names.n; i++) {
        const size_t field = r->sink->map->of_column[i];
        if (r->seen[i] == r->rows || field == CLI_NONE) {
            continue;
        }
        if (!r->lacks) {
            return fail_key(r, r->names.at[i], strlen(r->names.at[i]),
                            "is missing, but the first row has it: write null for NULL, or use "
                            "--missing-keys=null");
        }
        if (r->sink->watch != NULL) {
            r->sink->watch->lacks = true;
        }
        cli_sink_null(r->sink, field);
    }
    cli_sink_end(r->sink);
    return 1;
}

static int on_array_start(void *user)
{
    ndjson_reader *r = user;
    return r->depth == 0 ? fail(r, NO_OBJECT) : begin_nested(r);
}

static int on_array_end(void *user)
{
    return end_nested(user);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map_start,
    .yajl_map_key = on_map_key,
    .yajl_end_map = on_map_end,
    .yajl_start_array = on_array_start,
    .yajl_end_array = on_array_end,
};

/* Move the bytes that are not parsed to the front, and read more. */
static bm_status read_more(ndjson_reader *r, bm_error *err)
{
    memmove(r->block, r->block + r->at, r->n - r->at);
    r->n -= r->at;
    r->at = 0;
    if (r->n > LINE_MAX_BYTES) {
        (void)fail(r, "the line is longer than 256 MiB");
        return BM_CONVERT;
    }
    if (r->capacity - r->n < BLOCK) {
        char *block = realloc(r->block, r->capacity * 2 + 1);
        if (block == NULL) {
            return cli_no_memory(err);
        }
        r->block = block;
        r->capacity *= 2;
    }
    size_t n;
    CLI_TRY(cli_input_read(r->input, r->block + r->n, BLOCK, &n, err));
    if (r->skip > 0 && r->array.place == CLI_JSON_START) {
        r->array.place = CLI_JSON_LINES; /* an array has no lines to skip */
    }
    cli_json_array_turn(&r->array, r->block + r->n, n);
    if (n == 0 && r->array.place == CLI_JSON_INSIDE) {
        (void)fail(r, CUT_OFF);
        return BM_CONVERT;
    }
    r->n += n;
    r->block[r->n] = '\0'; /* for strspn */
    r->ended = n == 0;
    return BM_OK;
}

/* The next line, without its line end.  *text is NULL at the end of the file. */
static bm_status next_line(ndjson_reader *r, const char **text, size_t *size, size_t *whole,
                           bm_error *err)
{
    size_t searched = r->at;
    char *end;
    *text = NULL;
    while ((end = memchr(r->block + searched, '\n', r->n - searched)) == NULL && !r->ended) {
        searched = r->n - r->at;
        CLI_TRY(read_more(r, err));
    }
    if (end == NULL && r->at == r->n) {
        return BM_OK;
    }
    *text = r->block + r->at;
    *size = end != NULL ? (size_t)(end - *text) : r->n - r->at;
    *whole = *size + (end != NULL);
    return BM_OK;
}

static bool is_blank(const char *text, size_t size)
{
    while (size > 0 &&
           (text[size - 1] == ' ' || text[size - 1] == '\t' || text[size - 1] == '\r')) {
        size--;
    }
    return size == 0;
}

static bm_status parse_line(ndjson_reader *r, const char *text, size_t size, bm_error *err)
{
    char words[256];
    uint64_t before = 0;
    r->rest = 1;
    if (cli_json_array_begun(&r->array)) {
        r->rest = cli_json_array_lines(text, size, &before) - before;
        r->line += before;
    }
    r->text = text;
    r->depth = 0;
    r->object = false;
    r->rows++;
    yajl_status status = yajl_parse(r->yajl, (const unsigned char *)text, size);
    if (!r->collecting && r->sink->status != BM_OK) {
        return r->sink->status;
    }
    if (err->status != BM_OK) {
        return err->status;
    }
    if (status != yajl_status_ok) {
        unsigned char *said = yajl_get_error(r->yajl, 0, NULL, 0);
        snprintf(words, sizeof words, "invalid JSON at byte %zu of the line: %.*s", position(r),
                 (int)strcspn((const char *)said, "\n"), (const char *)said);
        yajl_free_error(r->yajl, said);
        (void)fail(r, words);
        return BM_CONVERT;
    }
    if (r->depth > 0 || !r->object) {
        (void)fail(r, r->depth > 0 ? "the line ends inside an object: each line must be one object"
                                   : NO_OBJECT);
        return BM_CONVERT;
    }
    return BM_OK;
}

static bm_status new_parser(ndjson_reader *r, bm_error *err)
{
    if (r->yajl != NULL) {
        yajl_free(r->yajl);
    }
    r->yajl = yajl_alloc(&callbacks, NULL, r);
    if (r->yajl == NULL || !yajl_config(r->yajl, yajl_allow_multiple_values, 1)) {
        return cli_no_memory(err);
    }
    return BM_OK;
}

static void ndjson_reader_close(void *reader)
{
    ndjson_reader *r = reader;
    if (r != NULL) {
        if (r->yajl != NULL) {
            yajl_free(r->yajl);
        }
        cli_names_free(&r->names);
        free(r->seen);
        free(r->block);
        free(r);
    }
}

static bm_status ndjson_reader_open(cli_input *input, const cli_options *options, bool tabs,
                                    void **out, bm_error *err)
{
    ndjson_reader *r = calloc(1, sizeof *r);
    (void)tabs;
    *out = r;
    if (r == NULL) {
        return cli_no_memory(err);
    }
    r->input = input;
    r->skip = options->skip_lines;
    r->options = options;
    r->chosen = options->columns.n > 0;
    r->lacks = options->missing_keys != NULL && strcmp(options->missing_keys, "null") == 0;
    r->line = 1;
    r->capacity = 2 * BLOCK;
    r->block = malloc(r->capacity + 1);
    if (r->block == NULL) {
        return cli_no_memory(err);
    }
    if (options->no_header) {
        return cli_fail(err, BM_INVALID,
                        "--no-header is for csv and tsv: a line of JSON names its columns");
    }
    return new_parser(r, err);
}

/* The line is parsed or skipped: go to the next one. */
static void leave(ndjson_reader *r, size_t whole)
{
    r->at += whole;
    r->line += r->rest;
}

static void leave_blank(ndjson_reader *r, const char *text, size_t size, size_t whole)
{
    uint64_t before;
    r->rest = !cli_json_array_begun(&r->array) ? 1 : cli_json_array_lines(text, size, &before);
    leave(r, whole);
}

/* The keys in the file of --columns. */
static bm_status name_chosen(ndjson_reader *r, bm_error *err)
{
    const cli_names *columns = &r->options->columns;
    const cli_names *map = &r->options->map;
    for (size_t i = 0; i < columns->n; i++) {
        const char *key = columns->at[i];
        for (size_t k = 0; k < map->n; k += 2) {
            key = strcmp(map->at[k + 1], columns->at[i]) == 0 ? map->at[k] : key;
        }
        CLI_TRY(cli_names_add(&r->names, key, strlen(key), err));
    }
    return BM_OK;
}

static bm_status ndjson_reader_header(void *reader, cli_names *names, bm_error *err)
{
    ndjson_reader *r = reader;
    const char *text;
    size_t size;
    size_t whole;
    r->err = err;
    for (;;) {
        CLI_TRY(next_line(r, &text, &size, &whole, err));
        if (text == NULL) {
            return cli_fail(err, BM_CONVERT,
                            "%s: the file is empty: expected a first row, which names the columns",
                            cli_input_name(r->input));
        }
        if (r->skip == 0 && !is_blank(text, size)) {
            break;
        }
        r->skip -= r->skip > 0;
        leave_blank(r, text, size, whole);
    }
    const uint64_t line = r->line;
    if (text[strspn(text, " \t")] != '{' && !cli_json_array_begun(&r->array)) {
        (void)fail(r, "this is not a JSON object: each line must be one, or the file one array of "
                      "them; --format csv reads CSV");
        return BM_CONVERT;
    }
    if (r->lacks && r->chosen) {
        CLI_TRY(name_chosen(r, err));
    } else {
        r->collecting = true;
        CLI_TRY(parse_line(r, text, size, err));
        r->collecting = false;
        CLI_TRY(new_parser(r, err)); /* the line is parsed again, for its values */
    }
    r->line = line;
    r->seen = calloc(r->names.n + 1, sizeof *r->seen);
    if (r->seen == NULL) {
        return cli_no_memory(err);
    }
    for (size_t i = 0; i < r->names.n; i++) {
        CLI_TRY(cli_names_add(names, r->names.at[i], strlen(r->names.at[i]), err));
    }
    return BM_OK;
}

/* With --rejects: a row that cannot be read is set aside. */
static bm_status set_aside(ndjson_reader *r, bm_status status, bm_error *err)
{
    char place[sizeof err->message];
    bool begun = r->object || r->sink->ended;
    if (!r->sink->sets_aside || status != BM_CONVERT || r->sink->status != BM_OK) {
        return status;
    }
    int n = snprintf(place, sizeof place, "%s:%llu: ", cli_input_name(r->input),
                     (unsigned long long)r->line);
    bool placed = n > 0 && strncmp(err->message, place, (size_t)n) == 0;
    if (!begun) {
        r->sink->line = r->line;
        cli_sink_begin(r->sink);
    }
    cli_sink_refuse(r->sink, "", "JSON", err->message + (placed ? n : 0));
    if (!r->sink->ended) {
        cli_sink_end(r->sink);
    }
    err->status = BM_OK;
    err->message[0] = '\0';
    return new_parser(r, err);
}

static bm_status ndjson_reader_fill(void *reader, cli_sink *sink, bool *more, bm_error *err)
{
    ndjson_reader *r = reader;
    const char *text;
    size_t size;
    size_t whole;
    r->sink = sink;
    r->err = err;
    *more = true;
    for (size_t i = 0; i < ROWS_A_FILL; i++) {
        CLI_TRY(next_line(r, &text, &size, &whole, err));
        if (text == NULL) {
            *more = false;
            return BM_OK;
        }
        if (is_blank(text, size)) {
            leave_blank(r, text, size, whole);
            continue;
        }
        CLI_TRY(set_aside(r, parse_line(r, text, size, err), err));
        if (sink->ended) {
            cli_sink_text(sink, (bm_slice){text, size}, (bm_slice){NULL, 0});
        }
        leave(r, whole);
        CLI_TRY(sink->status);
    }
    return BM_OK;
}

const cli_format cli_format_ndjson = {
    .name = "ndjson",
    .open = ndjson_reader_open,
    .header = ndjson_reader_header,
    .fill = ndjson_reader_fill,
    .close = ndjson_reader_close,
};
