/*
 * Rows chunk by chunk in a transaction, for what a stream of the library does not tell: the keys
 * of --returning, and which rows of a --dry-run would stay as they are.
 */
#ifndef CLI_BATCHES_H
#define CLI_BATCHES_H

#include "progress.h"

/* One chunk, by the verb: counts are added to the result, and outcomes are there where `wanted`. */
typedef bm_status (*cli_write)(void *user, bm_db *tx, bm_rows rows, void *keys_into,
                               bm_result *result, bm_error *err);

typedef struct cli_batches {
    const cli_options *options;
    cli_source *source;
    cli_progress *progress;
    size_t rows; /* of a chunk */
    cli_write write;
    void *user;
} cli_batches;

bm_status cli_batches_run(const cli_batches *batches, bm_db *tx, bm_result *result, bm_error *err);

/* Add the counts of one call to those of all. */
void cli_add_counts(bm_result *sum, const bm_result *result);

#endif
