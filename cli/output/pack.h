/* Compresses what is written to a file whose name says so: .gz, .zst, .xz, .bz2. */
#ifndef CLI_PACK_H
#define CLI_PACK_H

#include "decompress.h"

typedef struct cli_pack cli_pack;

/* Gets the compressed bytes. */
typedef bm_status (*cli_pack_sink)(void *user, const char *data, size_t size, bm_error *err);

bm_status cli_pack_open(cli_compression compression, cli_pack_sink sink, void *user, cli_pack **out,
                        bm_error *err);

bm_status cli_pack_write(cli_pack *pack, const char *data, size_t size, bm_error *err);

/* No more bytes follow. */
bm_status cli_pack_end(cli_pack *pack, bm_error *err);

/* NULL is legal. */
void cli_pack_free(cli_pack *pack);

#endif
