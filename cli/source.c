#include "source.h"

#include "ahead.h"
#include "interrupt.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_ROWS ((size_t)65536)
#define CHUNK_BYTES ((size_t)4 << 20)

struct cli_source {
    const cli_options *options;
    const bm_model *table;
    cli_target target;
    bool targeted;
    size_t next_file;
    cli_input *input; /* the file that is open, or NULL */
    const cli_format *format;
    void *reader;
    cli_sink sink;
    cli_chunk chunks[2]; /* of the stream: one is given out, the other one is read */
    const cli_chunk *given_out;
    size_t given; /* rows of it */
    cli_ahead ahead;
    uint64_t read;          /* rows of all chunks */
    uint64_t closed;        /* bytes of files that are closed */
    _Atomic uint64_t taken; /* and of the one that is read */
    uint64_t total;
    bm_source rows;
};

static const char *file_name(const cli_source *source, size_t i)
{
    return source->options->n_files > 0 ? source->options->files[i] : "-";
}

static size_t n_files(const cli_source *source)
{
    return source->options->n_files > 0 ? source->options->n_files : 1;
}

/* Does the name end so, before what says how it is packed? */
static bool is_called(const char *name, const char *ending)
{
    static const char *const packed[] = {".gz", ".zst"};
    size_t size = strlen(name);
    size_t n = strlen(ending);
    for (size_t i = 0; i < 2; i++) {
        size_t k = strlen(packed[i]);
        if (size > k && strcmp(name + size - k, packed[i]) == 0) {
            size -= k;
            break;
        }
    }
    return size >= n && strncmp(name + size - n, ending, n) == 0;
}

/* Without a header the columns are those of --columns, or of the table. */
static bm_status unnamed(const cli_source *source, cli_words *names, bm_error *err)
{
    const cli_words *columns = &source->options->columns;
    for (size_t i = 0; i < columns->n; i++) {
        CLI_TRY(cli_words_add(names, columns->at[i], strlen(columns->at[i]), err));
    }
    for (size_t i = 0; columns->n == 0 && i < source->table->n_fields; i++) {
        const bm_field *field = &source->table->fields[i];
        if ((field->flags & BM_READ_ONLY) == 0) {
            CLI_TRY(cli_words_add(names, field->name, strlen(field->name), err));
        }
    }
    return BM_OK;
}

static void close_file(cli_source *source)
{
    if (source->format != NULL) {
        source->format->close(source->reader);
        source->reader = NULL;
    }
    if (source->input != NULL) {
        source->closed += cli_input_taken(source->input);
        cli_input_close(source->input);
        source->input = NULL;
    }
}

static bm_status open_file(cli_source *source, bm_error *err)
{
    const cli_options *options = source->options;
    const char *name = file_name(source, source->next_file++);
    const char *format = options->format != NULL ? options->format : "";
    bool tabs = strcmp(format, "tsv") == 0 ||
                (format[0] == '\0' && (is_called(name, ".tsv") || is_called(name, ".tab")));
    bool json = strcmp(format, "ndjson") == 0 ||
                (format[0] == '\0' && (is_called(name, ".ndjson") || is_called(name, ".jsonl")));
    source->format = json ? &cli_format_ndjson : &cli_format_csv;
    CLI_TRY(cli_input_open(name, options->encoding, &source->input, err));
    CLI_TRY(source->format->open(source->input, options, tabs, &source->reader, err));
    cli_words names = {0};
    bm_status status = options->no_header ? unnamed(source, &names, err)
                                          : source->format->header(source->reader, &names, err);
    if (status == BM_OK && !source->targeted) {
        status = cli_target_make(options, source->table, &names, &source->target, err);
        source->targeted = true;
    } else if (status == BM_OK) {
        status =
            cli_target_again(&source->target, options, cli_input_name(source->input), &names, err);
    }
    cli_words_free(&names);
    source->sink.file = cli_input_name(source->input);
    return status;
}

/* One block of the file that is open; it is closed at its end. */
static bm_status fill(cli_source *source, bm_error *err)
{
    bool rest;
    CLI_TRY(source->format->fill(source->reader, &source->sink, &rest, err));
    if (!rest) {
        close_file(source);
    }
    return BM_OK;
}

size_t cli_source_chunk(const cli_source *source)
{
    size_t rows = CHUNK_BYTES / source->target.model.row_size;
    rows = rows < CHUNK_ROWS ? rows : CHUNK_ROWS;
    return rows > 256 ? rows : 256;
}

bm_status cli_source_fill(cli_source *source, cli_chunk *chunk, size_t rows, bm_error *err)
{
    source->sink.err = err;
    cli_sink_move(&source->sink, chunk);
    chunk->first = source->read;
    while (chunk->n < rows && chunk->bytes < CHUNK_BYTES) {
        if (cli_interrupted()) {
            return cli_fail(err, BM_CANCELLED, "interrupted");
        }
        if (source->input == NULL) {
            if (chunk->n > 0 || source->next_file == n_files(source)) {
                break;
            }
            CLI_TRY(open_file(source, err));
        }
        chunk->file = cli_input_name(source->input);
        CLI_TRY(fill(source, err));
        atomic_store(&source->taken,
                     source->closed + (source->input != NULL ? cli_input_taken(source->input) : 0));
    }
    source->read += chunk->n;
    return BM_OK;
}

static bm_status fill_ahead(void *user, cli_chunk *chunk, bm_error *err)
{
    cli_source *source = user;
    return cli_source_fill(source, chunk, cli_source_chunk(source), err);
}

/* The chunk that was read ahead is given out, and the one after it is begun. */
static bm_status turn(cli_source *source, bm_error *err)
{
    if (!source->ahead.started) {
        CLI_TRY(cli_ahead_start(&source->ahead, fill_ahead, source, err));
        cli_ahead_want(&source->ahead, &source->chunks[0]);
    }
    CLI_TRY(cli_ahead_wait(&source->ahead, err));
    size_t other = source->given_out == &source->chunks[0];
    source->given_out = &source->chunks[other];
    source->given = 0;
    if (source->given_out->n > 0) {
        cli_ahead_want(&source->ahead, &source->chunks[1 - other]);
    }
    return BM_OK;
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    cli_source *source = user;
    size_t size = source->target.model.row_size;
    if (source->given_out == NULL ||
        (source->given == source->given_out->n && source->given_out->n > 0)) {
        CLI_TRY(turn(source, err));
    }
    size_t left = source->given_out->n - source->given;
    *n = left < capacity ? left : capacity;
    if (*n > 0) {
        memcpy(rows, source->given_out->rows + source->given * size, *n * size);
    }
    source->given += *n;
    return BM_OK;
}

static void sum_sizes(cli_source *source)
{
    for (size_t i = 0; i < n_files(source); i++) {
        struct stat about;
        const char *name = file_name(source, i);
        if (strcmp(name, "-") == 0 || stat(name, &about) != 0 || !S_ISREG(about.st_mode)) {
            source->total = 0;
            return;
        }
        source->total += (uint64_t)about.st_size;
    }
}

bm_status cli_source_open(const cli_options *options, const bm_model *table, cli_source **out,
                          bm_error *err)
{
    cli_source *source = calloc(1, sizeof *source);
    *out = NULL;
    if (source == NULL) {
        return cli_no_memory(err);
    }
    source->options = options;
    source->table = table;
    source->sink.target = &source->target;
    source->sink.chunk = &source->chunks[0];
    source->sink.null_text = options->null_text != NULL ? options->null_text : "";
    source->sink.null_size = strlen(source->sink.null_text);
    source->rows = (bm_source){.size = sizeof source->rows, .user = source, .next = next};
    sum_sizes(source);
    bm_status status = open_file(source, err);
    if (status != BM_OK) {
        cli_source_close(source);
        return status;
    }
    *out = source;
    return BM_OK;
}

const cli_target *cli_source_target(const cli_source *source)
{
    return &source->target;
}

const bm_source *cli_source_rows(const cli_source *source)
{
    return &source->rows;
}

void cli_source_locate(const cli_source *source, bm_error *err)
{
    const cli_chunk *chunk = source->given_out;
    if (chunk != NULL && err->row != BM_NO_ROW && err->row >= chunk->first) {
        err->row -= (size_t)chunk->first;
        cli_chunk_locate(chunk, &source->target, err);
        err->row += (size_t)chunk->first;
    }
}

void cli_source_progress(const cli_source *source, uint64_t *taken, uint64_t *total)
{
    *taken = atomic_load(&source->taken);
    *total = source->total;
}

void cli_source_close(cli_source *source)
{
    if (source != NULL) {
        cli_ahead_stop(&source->ahead);
        close_file(source);
        cli_target_free(&source->target);
        cli_chunk_free(&source->chunks[0]);
        cli_chunk_free(&source->chunks[1]);
        free(source);
    }
}
