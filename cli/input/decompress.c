#include "decompress.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK ((size_t)65536)

struct cli_decompress {
    cli_compression compression;
    const char *name;
    cli_raw raw;
    void *user;
    char *block;
    size_t at;
    size_t n;
    bool whole; /* a compressed stream has just ended */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

cli_compression cli_compression_of(const char *data, size_t size)
{
    if (size >= 2 && memcmp(data, "\x1F\x8B", 2) == 0) {
        return CLI_GZIP;
    }
    return size >= 4 && memcmp(data, "\x28\xB5\x2F\xFD", 4) == 0 ? CLI_ZSTD : CLI_UNCOMPRESSED;
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
    bool ready = decompress->block != NULL;
    if (ready && compression == CLI_GZIP) {
        ready = inflateInit2(&decompress->gzip, 15 + 16) == Z_OK; /* zlib.h: 16 is gzip */
    } else if (ready) {
        decompress->zstd = ZSTD_createDStream();
        ready = decompress->zstd != NULL;
    }
    if (!ready) {
        cli_decompress_close(decompress);
        return cli_no_memory(err);
    }
    decompress->compression = compression;
    memcpy(decompress->block, first, n_first);
    decompress->n = n_first;
    *out = decompress;
    return BM_OK;
}

/* Both return whether the data is valid.  *n is the number of bytes written. */
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

static bool step_zstd(cli_decompress *decompress, char *out, size_t capacity, size_t *n)
{
    ZSTD_inBuffer from = {decompress->block, decompress->n, decompress->at};
    ZSTD_outBuffer to = {out, capacity, 0};
    size_t status = ZSTD_decompressStream(decompress->zstd, &to, &from);
    decompress->at = from.pos;
    decompress->whole = status == 0;
    *n = to.pos;
    return !ZSTD_isError(status);
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
        bool sound = decompress->compression == CLI_GZIP ? step_gzip(decompress, out, capacity, n)
                                                         : step_zstd(decompress, out, capacity, n);
        if (!sound) {
            return cli_fail(err, BM_CONVERT, "%s: the compressed data is damaged",
                            decompress->name);
        }
        if (before == 0 && *n == 0) {
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
    if (decompress->compression == CLI_GZIP) {
        inflateEnd(&decompress->gzip);
    }
    ZSTD_freeDStream(decompress->zstd);
    free(decompress->block);
    free(decompress);
}
