#include "decompress.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define BLOCK ((size_t)65536)
#define XZ_MEMORY (UINT64_C(1) << 30) /* a larger dictionary is refused */

/* A format.  `begin` and `step` return whether all is well; *n is the number of bytes written. */
typedef struct codec {
    const char *magic;
    size_t magic_size;
    bool (*begin)(cli_decompress *decompress);
    bool (*step)(cli_decompress *decompress, char *out, size_t capacity, size_t *n);
    void (*end)(cli_decompress *decompress);
} codec;

struct cli_decompress {
    const codec *codec;
    const char *name;
    cli_raw raw;
    void *user;
    char *block;
    size_t at;
    size_t n;
    bool whole;        /* a compressed stream has just ended */
    const char *fault; /* why the data cannot be read; NULL: it is damaged */
    z_stream gzip;
    ZSTD_DStream *zstd;
    lzma_stream xz;
    bz_stream bzip2;
};

static bool begin_gzip(cli_decompress *decompress)
{
    return inflateInit2(&decompress->gzip, 15 + 16) == Z_OK; /* zlib.h: 16 is gzip */
}

static bool step_gzip(cli_decompress *decompress, char *out, size_t capacity, size_t *n)
{
    z_stream *z = &decompress->gzip;
    if (decompress->whole && inflateReset(z) != Z_OK) { /* the next member follows */
        return false;
    }
    z->next_in = (unsigned char *)decompress->block + decompress->at;
    z->avail_in = (unsigned)(decompress->n - decompress->at);
    z->next_out = (unsigned char *)out;
    z->avail_out = (unsigned)capacity;
    int status = inflate(z, Z_NO_FLUSH);
    decompress->at = decompress->n - z->avail_in;
    decompress->whole = status == Z_STREAM_END;
    *n = capacity - z->avail_out;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

static void end_gzip(cli_decompress *decompress)
{
    inflateEnd(&decompress->gzip);
}

static bool begin_zstd(cli_decompress *decompress)
{
    decompress->zstd = ZSTD_createDStream();
    return decompress->zstd != NULL;
}

static bool step_zstd(cli_decompress *decompress, char *out, size_t capacity, size_t *n)
{
    ZSTD_inBuffer from = {decompress->block, decompress->n, decompress->at};
    ZSTD_outBuffer to = {out, capacity, 0};
    size_t status = ZSTD_decompressStream(decompress->zstd, &to, &from);
    decompress->at = from.pos;
    decompress->whole = status == 0;
    *n = to.pos;
    if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
        decompress->fault = "was compressed with a window of more than 128 MiB: decompress it with "
                            "zstd -dc --long=31 and read the pipe";
    }
    return !ZSTD_isError(status);
}

static void end_zstd(cli_decompress *decompress)
{
    ZSTD_freeDStream(decompress->zstd);
}

static bool begin_xz(cli_decompress *decompress)
{
    decompress->xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&decompress->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
}

/* With LZMA_CONCATENATED the decoder must be told that no bytes follow. */
static bool step_xz(cli_decompress *decompress, char *out, size_t capacity, size_t *n)
{
    lzma_stream *xz = &decompress->xz;
    xz->next_in = (uint8_t *)decompress->block + decompress->at;
    xz->avail_in = decompress->n - decompress->at;
    xz->next_out = (uint8_t *)out;
    xz->avail_out = capacity;
    lzma_ret status = lzma_code(xz, xz->avail_in == 0 ? LZMA_FINISH : LZMA_RUN);
    decompress->at = decompress->n - xz->avail_in;
    decompress->whole = status == LZMA_STREAM_END;
    *n = capacity - xz->avail_out;
    if (status == LZMA_MEMLIMIT_ERROR) {
        decompress->fault = "needs more than 1 GiB of memory: decompress it with xz -dc and read "
                            "the pipe";
    }
    return status == LZMA_OK || status == LZMA_STREAM_END || status == LZMA_BUF_ERROR;
}

static void end_xz(cli_decompress *decompress)
{
    lzma_end(&decompress->xz);
}

static bool begin_bzip2(cli_decompress *decompress)
{
    decompress->bzip2 = (bz_stream){0};
    return BZ2_bzDecompressInit(&decompress->bzip2, 0, 0) == BZ_OK;
}

static bool step_bzip2(cli_decompress *decompress, char *out, size_t capacity, size_t *n)
{
    bz_stream *bz = &decompress->bzip2;
    if (decompress->whole) { /* the next stream follows */
        BZ2_bzDecompressEnd(bz);
        if (!begin_bzip2(decompress)) {
            return false;
        }
    }
    bz->next_in = decompress->block + decompress->at;
    bz->avail_in = (unsigned)(decompress->n - decompress->at);
    bz->next_out = out;
    bz->avail_out = (unsigned)capacity;
    int status = BZ2_bzDecompress(bz);
    decompress->at = decompress->n - bz->avail_in;
    decompress->whole = status == BZ_STREAM_END;
    *n = capacity - bz->avail_out;
    return status == BZ_OK || status == BZ_STREAM_END;
}

static void end_bzip2(cli_decompress *decompress)
{
    BZ2_bzDecompressEnd(&decompress->bzip2);
}

static const codec codecs[] = {
    [CLI_GZIP] = {"\x1F\x8B", 2, begin_gzip, step_gzip, end_gzip},
    [CLI_ZSTD] = {"\x28\xB5\x2F\xFD", 4, begin_zstd, step_zstd, end_zstd},
    [CLI_XZ] = {"\xFD"
                "7zXZ\0",
                6, begin_xz, step_xz, end_xz},
    [CLI_BZIP2] = {"BZh", 3, begin_bzip2, step_bzip2, end_bzip2},
};

cli_compression cli_compression_of(const char *data, size_t size)
{
    for (size_t i = CLI_GZIP; i < sizeof codecs / sizeof codecs[0]; i++) {
        const codec *known = &codecs[i];
        bool begins =
            size >= known->magic_size && memcmp(data, known->magic, known->magic_size) == 0;
        bool text = i == CLI_BZIP2 && (size < 10 || memcmp(data + 4, "1AY&SY", 6) != 0);
        if (begins && !text) {
            return (cli_compression)i;
        }
    }
    return CLI_UNCOMPRESSED;
}

cli_compression cli_compression_named(const char *name, size_t *size)
{
    static const char *const endings[] = {
        [CLI_GZIP] = ".gz", [CLI_ZSTD] = ".zst", [CLI_XZ] = ".xz", [CLI_BZIP2] = ".bz2"};
    *size = strlen(name);
    for (size_t i = CLI_GZIP; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t n = strlen(endings[i]);
        if (*size > n && strcmp(name + *size - n, endings[i]) == 0) {
            *size -= n;
            return (cli_compression)i;
        }
    }
    return CLI_UNCOMPRESSED;
}

bool cli_is_called(const char *name, const char *ending)
{
    size_t size;
    const size_t n = strlen(ending);
    (void)cli_compression_named(name, &size);
    return size >= n && strncmp(name + size - n, ending, n) == 0;
}

bm_status cli_decompress_open(cli_compression compression, const char *name, cli_raw raw,
                              void *user, const char *first, size_t n_first, cli_decompress **out,
                              bm_error *err)
{
    *out = NULL;
    cli_decompress *decompress = calloc(1, sizeof *decompress);
    if (decompress == NULL) {
        return cli_no_memory(err);
    }
    decompress->name = name;
    decompress->raw = raw;
    decompress->user = user;
    decompress->block = malloc(BLOCK);
    if (decompress->block == NULL || !codecs[compression].begin(decompress)) {
        cli_decompress_close(decompress);
        return cli_no_memory(err);
    }
    decompress->codec = &codecs[compression];
    memcpy(decompress->block, first, n_first);
    decompress->n = n_first;
    *out = decompress;
    return BM_OK;
}

bm_status cli_decompress_read(cli_decompress *decompress, char *out, size_t capacity, size_t *n,
                              bm_error *err)
{
    capacity = capacity < BLOCK ? capacity : BLOCK;
    *n = 0;
    while (*n == 0) {
        if (decompress->at == decompress->n) {
            decompress->at = 0;
            CLI_TRY(
                decompress->raw(decompress->user, decompress->block, BLOCK, &decompress->n, err));
        }
        if (decompress->n == 0 && decompress->whole) {
            return BM_OK;
        }
        size_t before = decompress->n - decompress->at;
        if (!decompress->codec->step(decompress, out, capacity, n)) {
            return cli_fail(err, BM_CONVERT, "%s: %s", decompress->name,
                            decompress->fault != NULL ? decompress->fault
                                                      : "the compressed data is damaged");
        }
        if (before == 0 && *n == 0 && !decompress->whole) {
            return cli_fail(err, BM_CONVERT, "%s: the compressed data is truncated",
                            decompress->name);
        }
    }
    return BM_OK;
}

void cli_decompress_close(cli_decompress *decompress)
{
    if (decompress == NULL) {
        return;
    }
    if (decompress->codec != NULL) {
        decompress->codec->end(decompress);
    }
    free(decompress->block);
    free(decompress);
}
