/*
 * The bytes of a file or of standard input as UTF-8.  gzip, zstd, xz and bzip2 are recognised by
 * their first bytes and decompressed, a byte order mark is removed, and iconv converts other
 * encodings.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "errors.h"

#include <stddef.h>

typedef struct cli_input cli_input;

/* Open a file; "-" is standard input.  If `encoding` is NULL it is UTF-8, or UTF-16 if the file
 * begins with its byte order mark. */
bm_status cli_input_open(const char *path, const char *encoding, cli_input **out, bm_error *err);

/* Read up to `capacity` bytes; *n is 0 at the end.  BM_CANCELLED after a signal. */
bm_status cli_input_read(cli_input *input, char *out, size_t capacity, size_t *n, bm_error *err);

/* The path as it was given, or "standard input". */
const char *cli_input_path(const cli_input *input);

/* Its name in messages: cli_short_path() of it. */
const char *cli_input_name(const cli_input *input);

/* Bytes read so far, as they are on disk, and the size of the file; 0 if unknown. */
uint64_t cli_input_taken(const cli_input *input);
uint64_t cli_input_total(const cli_input *input);

/* The encoding of the file, given or found, and how it is compressed: "gzip", or "none". */
const char *cli_input_encoding(const cli_input *input);
const char *cli_input_compression(const cli_input *input);

/* NULL is legal. */
void cli_input_close(cli_input *input);

#endif
