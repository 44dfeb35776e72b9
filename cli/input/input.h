/*
 * The bytes of a file or of standard input as UTF-8: gzip and zstd are unpacked by their first
 * bytes, a byte order mark is taken away, another encoding is read by iconv.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "errors.h"

#include <stddef.h>

typedef struct cli_input cli_input;

/* Open a file; "-" is standard input.  `encoding` NULL: UTF-8, or UTF-16 where the file begins with
 * its mark. */
bm_status cli_input_open(const char *path, const char *encoding, cli_input **out, bm_error *err);

/* Up to `capacity` bytes; *n is 0 at the end.  BM_CANCELLED where a signal came and
 * cli_interrupted says so. */
bm_status cli_input_read(cli_input *input, char *out, size_t capacity, size_t *n, bm_error *err);

/* What to call it in messages. */
const char *cli_input_name(const cli_input *input);

/* Bytes of the file that were read so far, as they are on the disk, and all; 0: not known. */
uint64_t cli_input_taken(const cli_input *input);
uint64_t cli_input_total(const cli_input *input);

/* NULL is legal. */
void cli_input_close(cli_input *input);

#endif
