#include "pack.h"

#define ZLIB_CONST

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK ((size_t)65536)

/* The input of a step, and what it left.  `step` writes to the block, *n bytes of which are then
 * used; *done: with `end`, nothing follows. */
typedef struct codec {
    bool (*begin)(cli_pack *pack);
    bool (*step)(cli_pack *pack, bm_slice *from, bool end, size_t *n, bool *done);
    void (*end)(cli_pack *pack);
} codec;

struct cli_pack {
    const codec *codec;
    cli_pack_sink sink;
    void *user;
    char *block;
    z_stream gzip;
    ZSTD_CStream *zstd;
    lzma_stream xz;
    bz_stream bzip2;
};

static void take(bm_slice *from, size_t left)
{
    from->data += from->size - left;
    from->size = left;
}

static unsigned at_most(size_t size)
{
    return size < UINT_MAX ? (unsigned)size : UINT_MAX;
}

static bool begin_gzip(cli_pack *pack)
{
    return deflateInit2(&pack->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
                        Z_DEFAULT_STRATEGY) == Z_OK; /* zlib.h: 16 is gzip */
}

static bool step_gzip(cli_pack *pack, bm_slice *from, bool end, size_t *n, bool *done)
{
    z_stream *z = &pack->gzip;
    const unsigned given = at_most(from->size);
    z->next_in = (const unsigned char *)from->data;
    z->avail_in = given;
    z->next_out = (unsigned char *)pack->block;
    z->avail_out = BLOCK;
    const int status = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
    take(from, from->size - (given - z->avail_in));
    *n = BLOCK - z->avail_out;
    *done = status == Z_STREAM_END;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

static void end_gzip(cli_pack *pack)
{
    deflateEnd(&pack->gzip);
}

static bool begin_zstd(cli_pack *pack)
{
    pack->zstd = ZSTD_createCStream();
    return pack->zstd != NULL &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(pack->zstd, ZSTD_c_checksumFlag, 1));
}

static bool step_zstd(cli_pack *pack, bm_slice *from, bool end, size_t *n, bool *done)
{
    ZSTD_inBuffer in = {from->data, from->size, 0};
    ZSTD_outBuffer out = {pack->block, BLOCK, 0};
    const size_t status =
        ZSTD_compressStream2(pack->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
    take(from, from->size - in.pos);
    *n = out.pos;
    *done = end && status == 0;
    return !ZSTD_isError(status);
}

static void end_zstd(cli_pack *pack)
{
    ZSTD_freeCStream(pack->zstd);
}

static bool begin_xz(cli_pack *pack)
{
    pack->xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_easy_encoder(&pack->xz, LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64) == LZMA_OK;
}

static bool step_xz(cli_pack *pack, bm_slice *from, bool end, size_t *n, bool *done)
{
    lzma_stream *xz = &pack->xz;
    xz->next_in = (const uint8_t *)from->data;
    xz->avail_in = from->size;
    xz->next_out = (uint8_t *)pack->block;
    xz->avail_out = BLOCK;
    const lzma_ret status = lzma_code(xz, end ? LZMA_FINISH : LZMA_RUN);
    take(from, xz->avail_in);
    *n = BLOCK - xz->avail_out;
    *done = status == LZMA_STREAM_END;
    return status == LZMA_OK || status == LZMA_STREAM_END;
}

static void end_xz(cli_pack *pack)
{
    lzma_end(&pack->xz);
}

static bool begin_bzip2(cli_pack *pack)
{
    return BZ2_bzCompressInit(&pack->bzip2, 9, 0, 0) == BZ_OK;
}

static bool step_bzip2(cli_pack *pack, bm_slice *from, bool end, size_t *n, bool *done)
{
    bz_stream *bz = &pack->bzip2;
    const unsigned given = at_most(from->size);
    bz->next_in = (char *)(uintptr_t)from->data; /* is read only */
    bz->avail_in = given;
    bz->next_out = pack->block;
    bz->avail_out = BLOCK;
    const int status = BZ2_bzCompress(bz, end ? BZ_FINISH : BZ_RUN);
    take(from, from->size - (given - bz->avail_in));
    *n = BLOCK - bz->avail_out;
    *done = status == BZ_STREAM_END;
    return status == BZ_RUN_OK || status == BZ_FINISH_OK || status == BZ_STREAM_END;
}

static void end_bzip2(cli_pack *pack)
{
    BZ2_bzCompressEnd(&pack->bzip2);
}

static const codec codecs[] = {
    [CLI_GZIP] = {begin_gzip, step_gzip, end_gzip},
    [CLI_ZSTD] = {begin_zstd, step_zstd, end_zstd},
    [CLI_XZ] = {begin_xz, step_xz, end_xz},
    [CLI_BZIP2] = {begin_bzip2, step_bzip2, end_bzip2},
};

bm_status cli_pack_open(cli_compression compression, cli_pack_sink sink, void *user, cli_pack **out,
                        bm_error *err)
{
    cli_pack *pack = calloc(1, sizeof *pack);
    *out = NULL;
    if (pack == NULL) {
        return cli_no_memory(err);
    }
    pack->sink = sink;
    pack->user = user;
    pack->codec = &codecs[compression];
    pack->block = malloc(BLOCK);
    if (pack->block == NULL || !pack->codec->begin(pack)) {
        cli_pack_free(pack);
        return cli_no_memory(err);
    }
    *out = pack;
    return BM_OK;
}

/* Compress until nothing is left; with `end`, until all is written. */
static bm_status run(cli_pack *pack, bm_slice from, bool end, bm_error *err)
{
    for (bool done = false; end ? !done : from.size > 0;) {
        size_t n;
        if (!pack->codec->step(pack, &from, end, &n, &done)) {
            return cli_fail(err, BM_NOMEM, "the output could not be compressed");
        }
        CLI_TRY(n > 0 ? pack->sink(pack->user, pack->block, n, err) : BM_OK);
    }
    return BM_OK;
}

bm_status cli_pack_write(cli_pack *pack, const char *data, size_t size, bm_error *err)
{
    return run(pack, (bm_slice){data, size}, false, err);
}

bm_status cli_pack_end(cli_pack *pack, bm_error *err)
{
    return run(pack, (bm_slice){"", 0}, true, err);
}

void cli_pack_free(cli_pack *pack)
{
    if (pack != NULL) {
        pack->codec->end(pack);
        free(pack->block);
        free(pack);
    }
}
