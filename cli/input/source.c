#include "source.h"

#include "decompress.h"
#include "interrupt.h"
#include "prefetch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_ROWS ((size_t)65536)
#define CHUNK_BYTES ((size_t)4 << 20)

struct cli_source {
    const cli_options *options;
    const bm_model *table;
    cli_column_map map;
    bool mapped;
    size_t next_file;
    cli_input *input; /* the open file, or NULL */
    const cli_format *format;
    void *reader;
    cli_sink sink;
    cli_chunk first; /* of the sink before there are chunks */
    /* One is being read, one is passed to the library, others may be held by it. */
    cli_chunk *chunks;
    size_t *held; /* for each chunk, its pieces that are not released */
    size_t n_chunks;
    size_t reading;   /* the chunk that is being read */
    size_t given_out; /* the chunk that is passed on; n_chunks: none */
    size_t given;     /* number of its rows that were passed on */
    cli_set_aside aside;
    char *header; /* with --rejects: of the first file */
    size_t n_header;
    cli_piece *pieces; /* the pieces passed on, in order */
    size_t n_pieces, pieces_capacity;
    cli_prefetch prefetch;
    uint64_t read;          /* number of rows read */
    uint64_t closed;        /* bytes of closed files */
    _Atomic uint64_t taken; /* and of the open one */
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

const cli_format *cli_format_of(const cli_options *options, const char *name, bool *tabs)
{
    const char *format = options->format != NULL ? options->format : "";
    *tabs = strcmp(format, "tsv") == 0 ||
            (format[0] == '\0' && (cli_is_called(name, ".tsv") || cli_is_called(name, ".tab")));
    bool json =
        strcmp(format, "ndjson") == 0 || strcmp(format, "json") == 0 ||
        (format[0] == '\0' && (cli_is_called(name, ".ndjson") || cli_is_called(name, ".jsonl") ||
                               cli_is_called(name, ".json")));
    return json ? &cli_format_ndjson : &cli_format_csv;
}

/* Without a header the columns are those of --columns, or those of the table. */
static bm_status unnamed(const cli_source *source, cli_names *names, bm_error *err)
{
    const cli_names *columns = &source->options->columns;
    for (size_t i = 0; i < columns->n; i++) {
        CLI_TRY(cli_names_add(names, columns->at[i], strlen(columns->at[i]), err));
    }
    for (size_t i = 0; columns->n == 0 && i < source->table->n_fields; i++) {
        const bm_field *field = &source->table->fields[i];
        if ((field->flags & BM_READ_ONLY) == 0) {
            CLI_TRY(cli_names_add(names, field->name, strlen(field->name), err));
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

/* All files must have the header of the first, since their rejects go to one file. */
static bm_status keep_header(cli_source *source, bm_error *err)
{
    bool has = source->format->header_text != NULL;
    bm_slice text = has ? source->format->header_text(source->reader) : (bm_slice){NULL, 0};
    if (source->header == NULL) {
        source->header = malloc(text.size + 1);
        if (source->header == NULL) {
            return cli_no_memory(err);
        }
        memcpy(source->header, text.size > 0 ? text.data : "", text.size);
        source->n_header = text.size;
    }
    size_t size = text.size;
    size_t first = source->n_header;
    size -= size > 0 && text.data[size - 1] == '\n';
    first -= first > 0 && source->header[first - 1] == '\n';
    bool same = size == first && (size == 0 || memcmp(text.data, source->header, size) == 0);
    return same ? BM_OK
                : cli_fail(err, BM_CONVERT,
                           "%s: the header differs from that of the first file: with --rejects "
                           "all files must have the same header",
                           cli_input_name(source->input));
}

static bm_status open_file(cli_source *source, bm_error *err)
{
    const cli_options *options = source->options;
    const char *name = file_name(source, source->next_file++);
    bool tabs;
    source->format = cli_format_of(options, name, &tabs);
    CLI_TRY(cli_input_open(name, options->encoding, &source->input, err));
    CLI_TRY(source->format->open(source->input, options, tabs, &source->reader, err));
    cli_names names = {0};
    bm_status status = options->no_header ? unnamed(source, &names, err)
                                          : source->format->header(source->reader, &names, err);
    if (status == BM_OK && !source->mapped) {
        status = cli_column_map_make(options, source->table, &names, &source->map, err);
        source->mapped = true;
    } else if (status == BM_OK) {
        status = cli_column_map_next_file(&source->map, options, cli_input_name(source->input),
                                          &names, err);
    }
    cli_names_free(&names);
    source->sink.file = cli_input_name(source->input);
    if (status == BM_OK) {
        status = cli_column_map_set_file(&source->map, name, err);
    }
    return status == BM_OK && options->rejects != NULL ? keep_header(source, err) : status;
}

/* Read one block of the open file; close it at its end. */
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
    size_t rows = CHUNK_BYTES / source->map.model.row_size;
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
            if (chunk->n + chunk->n_rejects > 0 || source->next_file == n_files(source)) {
                break;
            }
            CLI_TRY(open_file(source, err));
        }
        chunk->file = cli_input_path(source->input);
        chunk->file_number = source->next_file;
        CLI_TRY(fill(source, err));
        atomic_store(&source->taken,
                     source->closed + (source->input != NULL ? cli_input_taken(source->input) : 0));
    }
    source->read += chunk->n;
    return BM_OK;
}

static bm_status fill_prefetched(void *user, cli_chunk *chunk, bm_error *err)
{
    cli_source *source = user;
    return cli_source_fill(source, chunk, cli_source_chunk(source), err);
}

/* A chunk that is not in use.  There is one more than needed, for a row that is half read. */
static size_t free_chunk(const cli_source *source)
{
    for (size_t i = 0; i < source->n_chunks; i++) {
        if (source->held[i] == 0 && i != source->given_out) {
            return i;
        }
    }
    return source->n_chunks;
}

static bm_status done_with_chunk(cli_source *source, bm_error *err)
{
    if (source->aside.rows == NULL || source->given_out == source->n_chunks) {
        return BM_OK;
    }
    cli_chunk *chunk = &source->chunks[source->given_out];
    cli_chunk_sort_rejects(chunk);
    return source->aside.rows(source->aside.user, chunk, err);
}

/* Pass the prefetched chunk on, and begin to read another one. */
static bm_status turn(cli_source *source, bm_error *err)
{
    CLI_TRY(cli_prefetch_wait(&source->prefetch, err));
    CLI_TRY(done_with_chunk(source, err));
    source->given_out = source->reading;
    source->given = 0;
    source->reading = free_chunk(source);
    if (source->reading == source->n_chunks) {
        return cli_fail(err, BM_INTERNAL, "more chunks are in use than there are workers");
    }
    const cli_chunk *chunk = &source->chunks[source->given_out];
    if (chunk->n > 0 || chunk->n_rejects > 0) {
        cli_prefetch_want(&source->prefetch, &source->chunks[source->reading]);
    }
    return BM_OK;
}

/* Remember the file and lines of a piece. */
static bm_status note_piece(cli_source *source, void *rows, size_t n, bm_error *err)
{
    if (source->n_pieces == source->pieces_capacity) {
        size_t capacity = source->pieces_capacity == 0 ? 64 : 2 * source->pieces_capacity;
        cli_piece *pieces = realloc(source->pieces, capacity * sizeof *pieces);
        if (pieces == NULL) {
            return cli_no_memory(err);
        }
        source->pieces = pieces;
        source->pieces_capacity = capacity;
    }
    const cli_chunk *chunk = &source->chunks[source->given_out];
    source->pieces[source->n_pieces++] = (cli_piece){
        .rows = rows,
        .chunk = source->given_out,
        .first = chunk->first + source->given,
        .n = n,
        .file = chunk->file,
        .first_line = chunk->lines[source->given],
        .last_line = chunk->lines[source->given + n - 1],
    };
    source->held[source->given_out]++;
    return BM_OK;
}

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    cli_source *source = user;
    size_t size = source->map.model.row_size;
    size_t last = source->given_out < source->n_chunks ? source->chunks[source->given_out].n : 0;
    if (source->given_out == source->n_chunks || (source->given == last && last > 0)) {
        do { /* of some chunks all rows were set aside */
            CLI_TRY(turn(source, err));
        } while (source->chunks[source->given_out].n == 0 &&
                 source->chunks[source->given_out].n_rejects > 0);
    }
    const cli_chunk *chunk = &source->chunks[source->given_out];
    if (chunk->n == 0 && source->aside.end != NULL) {
        CLI_TRY(source->aside.end(source->aside.user, err));
    }
    size_t left = chunk->n - source->given;
    *n = left < capacity ? left : capacity;
    if (*n > 0) {
        CLI_TRY(note_piece(source, rows, *n, err));
        memcpy(rows, chunk->rows + source->given * size, *n * size);
    }
    source->given += *n;
    return BM_OK;
}

/* The library reuses the memory of its rows, so the last piece with this address is released. */
static void release(void *user, void *rows)
{
    cli_source *source = user;
    for (size_t i = source->n_pieces; i > 0; i--) {
        cli_piece *piece = &source->pieces[i - 1];
        if (piece->rows == rows) {
            source->held[piece->chunk]--;
            piece->rows = NULL;
            return;
        }
    }
}

/* Read the files again from the start.  The thread is between two chunks, or has failed. */
static bm_status again(void *user, bm_error *err)
{
    cli_source *source = user;
    bm_error ignored = BM_ERROR;
    (void)err;
    (void)cli_prefetch_wait(&source->prefetch, &ignored);
    close_file(source);
    source->next_file = 0;
    source->read = source->closed = 0;
    source->given_out = source->n_chunks;
    source->given = source->n_pieces = 0;
    source->sink.row = NULL;
    source->sink.status = BM_OK;
    source->reading = 0;
    cli_prefetch_want(&source->prefetch, &source->chunks[0]);
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
    source->sink.map = &source->map;
    source->sink.chunk = &source->first;
    source->sink.options = options;
    source->sink.sets_aside = options->rejects != NULL;
    sum_sizes(source);
    bm_status status = open_file(source, err);
    if (status != BM_OK) {
        cli_source_close(source);
        return status;
    }
    *out = source;
    return BM_OK;
}

const cli_column_map *cli_source_map(const cli_source *source)
{
    return &source->map;
}

bm_status cli_source_rows(cli_source *source, size_t workers, const bm_source **out, bm_error *err)
{
    source->n_chunks = workers + 2;
    source->chunks = calloc(source->n_chunks, sizeof *source->chunks);
    source->held = calloc(source->n_chunks, sizeof *source->held);
    if (source->chunks == NULL || source->held == NULL) {
        return cli_no_memory(err);
    }
    source->given_out = source->n_chunks;
    CLI_TRY(cli_prefetch_start(&source->prefetch, fill_prefetched, source, err));
    cli_prefetch_want(&source->prefetch, &source->chunks[0]);
    source->rows = (bm_source){.size = sizeof source->rows,
                               .user = source,
                               .next = next,
                               .rewind = source->total > 0 ? again : NULL,
                               .release = release};
    *out = &source->rows;
    return BM_OK;
}

void cli_source_locate(const cli_source *source, bm_error *err)
{
    for (size_t i = 0; i < source->n_chunks && err->row != BM_NO_ROW; i++) {
        const cli_chunk *chunk = &source->chunks[i];
        size_t row = err->row;
        bool has = i != source->reading && row >= chunk->first && row < chunk->first + chunk->n;
        if (has) {
            const size_t other = err->other_row;
            err->row -= (size_t)chunk->first;
            err->other_row = other != BM_NO_ROW && other >= chunk->first
                                 ? other - (size_t)chunk->first
                                 : BM_NO_ROW;
            cli_chunk_locate(chunk, &source->map, err);
            err->row = row;
            err->other_row = other;
            return;
        }
    }
}

void cli_source_set_aside(cli_source *source, const cli_set_aside *to)
{
    source->aside = *to;
}

bm_status cli_source_reject(cli_source *source, const bm_error *why, bm_error *err)
{
    cli_chunk *chunk = &source->chunks[source->given_out];
    bm_error here = *why;
    if (why->row < chunk->first || why->row - chunk->first >= chunk->n) {
        return cli_fail(err, BM_INTERNAL, "row %zu is not in the chunk that is written", why->row);
    }
    here.row -= (size_t)chunk->first;
    return cli_chunk_reject(chunk, &source->map, &here, err);
}

bm_slice cli_source_header(const cli_source *source)
{
    return (bm_slice){source->header, source->n_header};
}

const cli_piece *cli_source_pieces(const cli_source *source, size_t *n)
{
    *n = source->n_pieces;
    return source->pieces;
}

uint64_t cli_source_joined(const cli_source *source, const char **file)
{
    *file = source->sink.joined_file;
    return source->sink.joined_line;
}

void cli_source_progress(const cli_source *source, uint64_t *taken, uint64_t *total)
{
    *taken = atomic_load(&source->taken);
    *total = source->total;
}

void cli_source_close(cli_source *source)
{
    if (source != NULL) {
        cli_prefetch_stop(&source->prefetch);
        close_file(source);
        cli_column_map_free(&source->map);
        for (size_t i = 0; source->chunks != NULL && i < source->n_chunks; i++) {
            cli_chunk_free(&source->chunks[i]);
        }
        cli_chunk_free(&source->first);
        free(source->chunks);
        free(source->held);
        free(source->header);
        free(source->pieces);
        free(source);
    }
}
