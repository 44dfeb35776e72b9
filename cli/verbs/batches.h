/*
 * Writes chunk by chunk in one transaction.  A stream of the library does not give the keys for
 * --returning, nor the rows that would not change, for --dry-run.
 */
#ifndef CLI_BATCHES_H
#define CLI_BATCHES_H

#include "progress.h"

/* Writes one chunk with the verb, and adds to the counts of the result. */
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
