/* gzip, zstd, xz and bzip2, decompressed while they are read. */
#ifndef CLI_DECOMPRESS_H
#define CLI_DECOMPRESS_H

#include "errors.h"

typedef enum cli_compression {
    CLI_UNCOMPRESSED,
    CLI_GZIP,
    CLI_ZSTD,
    CLI_XZ,
    CLI_BZIP2
} cli_compression;

/* By the first ten bytes (RFC 1952, 2.3.1; RFC 8878, 3.1.1; The .xz File Format, 2.1.1.1; bzip2
 * begins with BZh, the size of a block, and the mark of a block). */
cli_compression cli_compression_of(const char *data, size_t size);

/* By the ending of a file's name: .gz, .zst, .xz or .bz2.  *size: the length of the name without
 * it. */
cli_compression cli_compression_named(const char *name, size_t *size);

/* Does the name have this ending, before that of a compressed file? */
bool cli_is_called(const char *name, const char *ending);

typedef struct cli_decompress cli_decompress;

/* Reads compressed bytes; otherwise as cli_input_read. */
typedef bm_status (*cli_raw)(void *user, char *out, size_t capacity, size_t *n, bm_error *err);

/* `first` are bytes that were read already, at most one block of input.  They are copied. */
bm_status cli_decompress_open(cli_compression compression, const char *name, cli_raw raw,
                              void *user, const char *first, size_t n_first, cli_decompress **out,
                              bm_error *err);

/* As cli_input_read.  A truncated file is an error. */
bm_status cli_decompress_read(cli_decompress *decompress, char *out, size_t capacity, size_t *n,
                              bm_error *err);

/* NULL is legal. */
void cli_decompress_close(cli_decompress *decompress);

#endif
