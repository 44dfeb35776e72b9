#include "unpack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define BLOCK ((size_t)65536)

struct cli_unpack {
    cli_packing packing;
    const char *name;
    cli_raw raw;
    void *user;
    char *block;
    size_t at;
    size_t n;
    bool whole; /* a packed stream has just ended */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

cli_packing cli_packing_of(const char *data, size_t size)
{
    if (size >= 2 && memcmp(data, "\x1F\x8B", 2) == 0) {
        return CLI_PACKED_GZIP;
    }
    return size >= 4 && memcmp(data, "\x28\xB5\x2F\xFD", 4) == 0 ? CLI_PACKED_ZSTD : CLI_PACKED_NOT;
}

bm_status cli_unpack_open(cli_packing packing, const char *name, cli_raw raw, void *user,
                          const char *first, size_t n_first, cli_unpack **out, bm_error *err)
{
    *out = NULL;
    cli_unpack *unpack = calloc(1, sizeof *unpack);
    if (unpack == NULL) {
        return cli_no_memory(err);
    }
    unpack->name = name;
    unpack->raw = raw;
    unpack->user = user;
    unpack->block = malloc(BLOCK);
    bool ready = unpack->block != NULL;
    if (ready && packing == CLI_PACKED_GZIP) {
        ready = inflateInit2(&unpack->gzip, 15 + 16) == Z_OK; /* zlib.h: 16 is gzip */
    } else if (ready) {
        unpack->zstd = ZSTD_createDStream();
        ready = unpack->zstd != NULL;
    }
    if (!ready) {
        cli_unpack_close(unpack);
        return cli_no_memory(err);
    }
    unpack->packing = packing;
    memcpy(unpack->block, first, n_first);
    unpack->n = n_first;
    *out = unpack;
    return BM_OK;
}

/* Both return whether the data is sound; *n is what came out. */
static bool step_gzip(cli_unpack *unpack, char *out, size_t capacity, size_t *n)
{
    z_stream *z = &unpack->gzip;
    if (unpack->whole && inflateReset(z) != Z_OK) { /* another member follows */
        return false;
    }
    z->next_in = (unsigned char *)unpack->block + unpack->at;
    z->avail_in = (unsigned)(unpack->n - unpack->at);
    z->next_out = (unsigned char *)out;
    z->avail_out = (unsigned)capacity;
    int status = inflate(z, Z_NO_FLUSH);
    unpack->at = unpack->n - z->avail_in;
    unpack->whole = status == Z_STREAM_END;
    *n = capacity - z->avail_out;
    return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

static bool step_zstd(cli_unpack *unpack, char *out, size_t capacity, size_t *n)
{
    ZSTD_inBuffer from = {unpack->block, unpack->n, unpack->at};
    ZSTD_outBuffer to = {out, capacity, 0};
    size_t status = ZSTD_decompressStream(unpack->zstd, &to, &from);
    unpack->at = from.pos;
    unpack->whole = status == 0;
    *n = to.pos;
    return !ZSTD_isError(status);
}

bm_status cli_unpack_read(cli_unpack *unpack, char *out, size_t capacity, size_t *n, bm_error *err)
{
    capacity = capacity < BLOCK ? capacity : BLOCK;
    *n = 0;
    while (*n == 0) {
        if (unpack->at == unpack->n) {
            unpack->at = 0;
            CLI_TRY(unpack->raw(unpack->user, unpack->block, BLOCK, &unpack->n, err));
        }
        if (unpack->n == 0 && unpack->whole) {
            return BM_OK;
        }
        size_t before = unpack->n - unpack->at;
        bool sound = unpack->packing == CLI_PACKED_GZIP ? step_gzip(unpack, out, capacity, n)
                                                        : step_zstd(unpack, out, capacity, n);
        if (!sound) {
            return cli_fail(err, BM_CONVERT, "%s: its packed data is damaged", unpack->name);
        }
        if (before == 0 && *n == 0) {
            return cli_fail(err, BM_CONVERT, "%s: its packed data ends too early", unpack->name);
        }
    }
    return BM_OK;
}

void cli_unpack_close(cli_unpack *unpack)
{
    if (unpack == NULL) {
        return;
    }
    if (unpack->packing == CLI_PACKED_GZIP) {
        inflateEnd(&unpack->gzip);
    }
    ZSTD_freeDStream(unpack->zstd);
    free(unpack->block);
    free(unpack);
}
