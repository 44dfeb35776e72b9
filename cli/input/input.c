#include "input.h"

#include "decompress.h"
#include "interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)65536)
#define NO_ICONV ((iconv_t)-1)

struct cli_input {
    const char *path;
    const char *name; /* in messages */
    const char *encoding;
    int fd;
    uint64_t taken;
    uint64_t total;
    cli_compression compression;
    cli_decompress *decompress; /* or NULL: not compressed */
    iconv_t iconv;              /* or NO_ICONV */
    char *ahead;                /* bytes that iconv has not converted yet */
    size_t ahead_at;
    size_t ahead_n;
    bool ended; /* no more bytes to convert follow */
};

/* Read bytes as they are in the file. */
static bm_status read_raw(void *user, char *out, size_t capacity, size_t *n, bm_error *err)
{
    cli_input *input = user;
    for (;;) {
        ssize_t got = read(input->fd, out, capacity);
        if (got >= 0) {
            *n = (size_t)got;
            input->taken += *n;
            return BM_OK;
        }
        if (errno != EINTR) {
            return cli_fail_errno(err, BM_CONVERT, input->name);
        }
        if (cli_interrupted()) {
            return cli_fail(err, BM_CANCELLED, "interrupted");
        }
    }
}

/* Read decompressed bytes. */
static bm_status read_plain(cli_input *input, char *out, size_t capacity, size_t *n, bm_error *err)
{
    return input->decompress != NULL ? cli_decompress_read(input->decompress, out, capacity, n, err)
                                     : read_raw(input, out, capacity, n, err);
}

/* Fill the buffer until it has `want` bytes, or all there are. */
static bm_status fill_ahead(cli_input *input, size_t want, bm_error *err)
{
    memmove(input->ahead, input->ahead + input->ahead_at, input->ahead_n - input->ahead_at);
    input->ahead_n -= input->ahead_at;
    input->ahead_at = 0;
    while (!input->ended && input->ahead_n < want) {
        size_t n;
        CLI_TRY(read_plain(input, input->ahead + input->ahead_n, BLOCK - input->ahead_n, &n, err));
        input->ahead_n += n;
        input->ended = n == 0;
    }
    return BM_OK;
}

static bool begins(const cli_input *input, const char *mark, size_t size)
{
    return input->ahead_n >= size && memcmp(input->ahead, mark, size) == 0;
}

/* Formats that the command does not read, by first bytes that no text has. */
static const struct {
    const char *magic;
    const char *what;
} others[] = {
    {"PK\3\4", "a zip archive, as .xlsx files are: save it as CSV, or extract it"},
    {"PAR1\x15", "a Parquet file: write it as CSV first"},
    {"ARROW1", "an Arrow file: write it as CSV first"},
    {"Obj\1", "an Avro file: write it as CSV first"},
    {"SQLite format 3", "a SQLite database: bulkmodel copy-to sqlite:FILE TABLE writes its rows"},
    {"PGDMP\1", "a dump of pg_dump: pg_restore reads it"},
    {"\xD0\xCF\x11\xE0", "an old Office document, as .xls files are: save it as CSV"},
    {"7z\xBC\xAF", "a 7z archive: extract it"},
};

#define LONGEST_MAGIC 16

static bm_status begin_decompressing(cli_input *input, bm_error *err)
{
    CLI_TRY(fill_ahead(input, LONGEST_MAGIC, err));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (begins(input, others[i].magic, strlen(others[i].magic))) {
            return cli_fail(err, BM_CONVERT, "%s: this is %s", input->name, others[i].what);
        }
    }
    const cli_compression compression = cli_compression_of(input->ahead, input->ahead_n);
    input->compression = compression;
    if (compression == CLI_UNCOMPRESSED) {
        return BM_OK;
    }
    CLI_TRY(cli_decompress_open(compression, input->name, read_raw, input, input->ahead,
                                input->ahead_n, &input->decompress, err));
    input->ahead_n = 0;
    return BM_OK;
}

static bool is_utf8(const char *encoding)
{
    return encoding == NULL || strcasecmp(encoding, "UTF-8") == 0 ||
           strcasecmp(encoding, "UTF8") == 0;
}

/* Every other byte of ASCII text in UTF-16 is NUL.  Other NULs are told with their line. */
static bm_status refuse_utf16(const cli_input *input, bm_error *err)
{
    bool two = input->ahead_n >= 2;
    bool little = two && input->ahead[0] != '\0' && input->ahead[1] == '\0';
    bool big = two && input->ahead[0] == '\0' && input->ahead[1] != '\0';
    if (!little && !big) {
        return BM_OK;
    }
    return cli_fail(err, BM_CONVERT,
                    "%s: every other byte is NUL, so it is not text in UTF-8: try "
                    "--encoding=UTF-16%s",
                    input->name, little ? "LE" : "BE");
}

static bm_status begin_decoding(cli_input *input, bm_error *err)
{
    CLI_TRY(fill_ahead(input, 4, err));
    if (input->encoding == NULL && (begins(input, "\xFF\xFE", 2) || begins(input, "\xFE\xFF", 2))) {
        input->encoding = "UTF-16";
    }
    if (is_utf8(input->encoding)) {
        input->ahead_at = begins(input, "\xEF\xBB\xBF", 3) ? 3 : 0;
        return refuse_utf16(input, err);
    }
    input->iconv = iconv_open("UTF-8", input->encoding);
    if (input->iconv == NO_ICONV) {
        return cli_fail(err, BM_INVALID, "unknown encoding \"%s\": iconv -l lists the names",
                        input->encoding);
    }
    return BM_OK;
}

static bm_status open_file(cli_input *input, const char *path, bm_error *err)
{
    struct stat about;
    input->path = strcmp(path, "-") == 0 ? "standard input" : path;
    input->name = cli_short_path(input->path);
    input->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0 || fstat(input->fd, &about) != 0) {
        return cli_fail_errno(err, BM_CONVERT, input->name);
    }
    input->total = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    return BM_OK;
}

bm_status cli_input_open(const char *path, const char *encoding, cli_input **out, bm_error *err)
{
    *out = NULL;
    cli_input *input = calloc(1, sizeof *input);
    if (input == NULL) {
        return cli_no_memory(err);
    }
    input->fd = -1;
    input->iconv = NO_ICONV;
    input->encoding = encoding;
    input->ahead = malloc(BLOCK);
    bm_status status = input->ahead != NULL ? open_file(input, path, err) : cli_no_memory(err);
    if (status == BM_OK) {
        status = begin_decompressing(input, err);
    }
    if (status == BM_OK) {
        status = begin_decoding(input, err);
    }
    if (status != BM_OK) {
        cli_input_close(input);
        return status;
    }
    *out = input;
    return BM_OK;
}

static bm_status decode(cli_input *input, char *out, size_t capacity, size_t *n, bm_error *err)
{
    char *to = out;
    size_t room = capacity;
    size_t want = 1; /* one more if a character is incomplete */
    while (to == out) {
        CLI_TRY(fill_ahead(input, want, err));
        char *from = input->ahead + input->ahead_at;
        size_t left = input->ahead_n - input->ahead_at;
        if (left == 0) {
            break;
        }
        size_t done = iconv(input->iconv, &from, &left, &to, &room);
        bool whole = done != (size_t)-1 || errno == E2BIG || (errno == EINVAL && !input->ended);
        input->ahead_at = input->ahead_n - left;
        want = left + 1;
        if (!whole) {
            return cli_fail(err, BM_CONVERT, "%s: is not valid %s", input->name, input->encoding);
        }
    }
    *n = (size_t)(to - out);
    return BM_OK;
}

bm_status cli_input_read(cli_input *input, char *out, size_t capacity, size_t *n, bm_error *err)
{
    if (input->iconv != NO_ICONV) {
        return decode(input, out, capacity, n, err);
    }
    size_t left = input->ahead_n - input->ahead_at;
    if (left > 0) {
        *n = left < capacity ? left : capacity;
        memcpy(out, input->ahead + input->ahead_at, *n);
        input->ahead_at += *n;
        return BM_OK;
    }
    return read_plain(input, out, capacity, n, err);
}

const char *cli_input_path(const cli_input *input)
{
    return input->path;
}

const char *cli_input_name(const cli_input *input)
{
    return input->name;
}

uint64_t cli_input_taken(const cli_input *input)
{
    return input->taken;
}

uint64_t cli_input_total(const cli_input *input)
{
    return input->total;
}

const char *cli_input_encoding(const cli_input *input)
{
    return input->encoding != NULL ? input->encoding : "UTF-8";
}

const char *cli_input_compression(const cli_input *input)
{
    static const char *const names[] = {"none", "gzip", "zstd", "xz", "bzip2"};
    return names[input->compression];
}

void cli_input_close(cli_input *input)
{
    if (input == NULL) {
        return;
    }
    cli_decompress_close(input->decompress);
    if (input->iconv != NO_ICONV) {
        iconv_close(input->iconv);
    }
    if (input->fd > STDIN_FILENO) {
        close(input->fd);
    }
    free(input->ahead);
    free(input);
}
