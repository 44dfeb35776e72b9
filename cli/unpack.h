/* gzip and zstd, unpacked while they are read. */
#ifndef CLI_UNPACK_H
#define CLI_UNPACK_H

#include "fail.h"

typedef enum cli_packing { CLI_PACKED_NOT, CLI_PACKED_GZIP, CLI_PACKED_ZSTD } cli_packing;

/* By the first bytes (RFC 1952, 2.3.1; RFC 8878, 3.1.1). */
cli_packing cli_packing_of(const char *data, size_t size);

typedef struct cli_unpack cli_unpack;

/* Where packed bytes come from: as cli_input_read. */
typedef bm_status (*cli_raw)(void *user, char *out, size_t capacity, size_t *n, bm_error *err);

/* `first` are bytes that were read already, no more than a block of input; they are copied. */
bm_status cli_unpack_open(cli_packing packing, const char *name, cli_raw raw, void *user,
                          const char *first, size_t n_first, cli_unpack **out, bm_error *err);

/* As cli_input_read.  A file that ends too early is an error. */
bm_status cli_unpack_read(cli_unpack *unpack, char *out, size_t capacity, size_t *n, bm_error *err);

/* NULL is legal. */
void cli_unpack_close(cli_unpack *unpack);

#endif
