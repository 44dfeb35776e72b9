/*
 * Files of the command: whatever the bytes, a file is rows or a fault.  It is the same rows however
 * many are asked for at once, and rows that are written are read again as they were.
 */
#include "destination.h"
#include "row_writer.h"
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIXED(name_, type_, ctype_)                                                                \
    {                                                                                              \
        .name = (name_), .type = (type_), .layout = BM_FIXED, .width = sizeof(ctype_)              \
    }
#define SLICE(name_, type_)                                                                        \
    {                                                                                              \
        .name = (name_), .type = (type_), .layout = BM_SLICE, .width = sizeof(bm_slice)            \
    }

static const bm_field fields[] = {
    FIXED("a", BM_INT8, int64_t),      SLICE("b", BM_TEXT),
    FIXED("c", BM_DATE, int32_t),      SLICE("d", BM_JSONB),
    FIXED("e", BM_TIMESTAMP, int64_t), SLICE("f", BM_BYTEA),
    FIXED("g", BM_FLOAT8, double),     FIXED("h", BM_BOOL, uint8_t),
};
#define N_FIELDS (sizeof fields / sizeof fields[0])

static const bm_model table = {
    .size = sizeof table, .table = "t", .fields = fields, .n_fields = N_FIELDS};

/* What can be asked for; the first byte of the input, from '0' on, chooses. */
static const cli_options asked[] = {
    {.format = "csv"},
    {.format = "ndjson"},
    {.format = "tsv", .nulls = {.at = (char *[]){"\\N"}, .n = 1}},
    {.format = "csv", .no_header = true},
    {.format = "csv", .quote = "'", .escape = "\\", .delimiter = ";"},
    {.format = "csv", .skip_lines = 2},
    {.format = "tsv", .quote = ""},
    {.format = "csv", .comment = "#", .nulls = {.at = (char *[]){"", "NA"}, .n = 2}},
    {.format = "ndjson", .skip_lines = 1},
    {.format = "csv", .encoding = "UTF-16LE"},
    {.format = "csv", .rejects = "rejects"},
    {.format = "ndjson", .rejects = "rejects"},
    {.format = "tsv", .rejects = "rejects", .nulls = {.at = (char *[]){"NA"}, .n = 1}},
    {.format = "csv",
     .delimiter = ";",
     .decimal = ",",
     .thousands = ".",
     .date_formats = {.at = (char *[]){"c=%d.%m.%Y", "e=epoch-ms"}, .n = 2}},
    {.format = "csv", .ragged = "pad", .nulls = {.at = (char *[]){"NA"}, .n = 1}},
    {.format = "tsv", .ragged = "pad", .rejects = "rejects", .comment = "#"},
    {.format = "json"},
    {.format = "ndjson",
     .thousands = " ",
     .date_formats = {.at = (char *[]){"e=%a %b %e %I:%M:%S.%f %p %Y"}, .n = 1}},
};

/* A file in memory, and its name. */
typedef struct place {
    int fd;
    char path[32];
} place;

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static place make_place(const void *data, size_t size)
{
    place made = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    check(made.fd >= 0 && write(made.fd, data, size) == (ssize_t)size);
    snprintf(made.path, sizeof made.path, "/proc/self/fd/%d", made.fd);
    return made;
}

/* The rows of a file, written to another as the same format has them by default. */
static bm_status copy(const cli_options *options, const char *from, const place *to, size_t at_once,
                      uint64_t *rows, bm_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%s", from);
    char *const files[] = {name, NULL};
    cli_options in = *options;
    cli_options out = {.format = options->format, .database = "", .output = to->path};
    cli_source *source = NULL;
    cli_row_writer *output = NULL;
    cli_chunk chunks[2] = {0};
    cli_chunk *chunk = chunks;
    size_t places[N_FIELDS];
    in.verb = cli_verbs; /* create */
    in.files = files;
    in.n_files = 1;
    out.verb = cli_verbs + 4; /* copy-to */
    *rows = 0;
    check(ftruncate(to->fd, 0) == 0 && lseek(to->fd, 0, SEEK_SET) == 0);
    bm_status status = cli_destination_choose(&out, "output", out.output, &out.destination, err);
    if (status == BM_OK) {
        status = cli_source_open(&in, &table, &source, err);
    }
    if (status == BM_OK) {
        const bm_model *model = &cli_source_map(source)->model;
        for (size_t i = 0; i < model->n_fields; i++) {
            places[i] = i;
        }
        check(model->n_fields <= N_FIELDS);
        status = cli_row_writer_open(to->path, &out, model, places, model->n_fields, &output, err);
    }
    while (status == BM_OK) {
        chunk = chunk == chunks ? chunks + 1 : chunks;
        status = cli_source_fill(source, chunk, at_once, err);
        if (status != BM_OK || chunk->n == 0) {
            break;
        }
        *rows += chunk->n;
        for (size_t i = 1; i < chunk->n; i++) {
            check(chunk->lines[i - 1] < chunk->lines[i]);
        }
        status = cli_row_writer_rows(output, chunk->rows, chunk->n, err);
    }
    bool failed = status != BM_OK;
    bm_status closed = cli_row_writer_close(output, failed, err);
    cli_source_close(source);
    cli_destination_free(out.destination);
    cli_chunk_free(&chunks[0]);
    cli_chunk_free(&chunks[1]);
    status = failed ? status : closed;
    check(status == err->status && (status == BM_OK) == (err->message[0] == '\0'));
    return status;
}

static bool same(const place *a, const place *b)
{
    off_t size = lseek(a->fd, 0, SEEK_END);
    char *left = malloc(2 * (size_t)size + 1);
    check(left != NULL);
    char *right = left + size;
    bool equal = lseek(b->fd, 0, SEEK_END) == size && pread(a->fd, left, (size_t)size, 0) == size &&
                 pread(b->fd, right, (size_t)size, 0) == size &&
                 memcmp(left, right, (size_t)size) == 0;
    free(left);
    return equal;
}

/* The library refuses a text with NUL, and what reads files takes one for UTF-16. */
static bool has_nul(const place *file)
{
    off_t size = lseek(file->fd, 0, SEEK_END);
    char *bytes = malloc((size_t)size + 1);
    check(bytes != NULL && pread(file->fd, bytes, (size_t)size, 0) == size);
    bool found = memchr(bytes, '\0', (size_t)size) != NULL;
    free(bytes);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t rows;
    uint64_t again;
    bm_error err = BM_ERROR;
    bm_error other = BM_ERROR;
    if (size < 1) {
        return 0;
    }
    const cli_options *options =
        &asked[(uint8_t)(data[0] - '0') % (sizeof asked / sizeof asked[0])];
    place from = make_place(data + 1, size - 1);
    place first = make_place("", 0);
    place second = make_place("", 0);
    bm_status status = copy(options, from.path, &first, 65536, &rows, &err);
    check(copy(options, from.path, &second, 1, &again, &other) == status);
    check(strcmp(err.message, other.message) == 0);
    if (status == BM_OK) {
        check(rows == again && same(&first, &second));
        /* JSON of no rows has no names. */
        const cli_options plain = {.format = options->format};
        if (rows > 0 && !cli_is_json(&plain) && !has_nul(&first)) {
            check(copy(&plain, first.path, &second, 65536, &again, &other) == BM_OK);
            check(rows == again && same(&first, &second));
        }
    }
    close(from.fd);
    close(first.fd);
    close(second.fd);
    return 0;
}
