/*
 * --rejects FILE: the lines of rows that were set aside, below the header, and in FILE.errors.csv
 * why.  --max-rejects is checked here.
 */
#ifndef CLI_REJECTS_H
#define CLI_REJECTS_H

#include "source.h"

typedef struct cli_rejects cli_rejects;

/* Check the options and the names of the files.  The options are borrowed. */
bm_status cli_rejects_choose(const cli_options *options, cli_rejects **out, bm_error *err);

/* Begin the files: the header is copied. */
bm_status cli_rejects_open(cli_rejects *rejects, bm_slice header, bm_error *err);

/* For cli_set_aside: write the rejects of a chunk; all rows were read. */
bm_status cli_rejects_chunk(void *rejects, cli_chunk *chunk, bm_error *err);
bm_status cli_rejects_end(void *rejects, bm_error *err);

/* The most rows that the library may reject, for bm_call.max_rejects. */
int64_t cli_rejects_most(const cli_rejects *rejects);

/* The library has rejected more than that: the error of --max-rejects. */
bm_status cli_rejects_refuse(cli_rejects *rejects, bm_error *err);

/* Rows set aside so far. */
uint64_t cli_rejects_count(const cli_rejects *rejects);

/* The command has ended: replace the files if rows were written or the limit refused them.  Returns
 * the exit code. */
int cli_rejects_settle(cli_rejects *rejects, bm_status status, bm_error *err);

/* NULL is legal. */
void cli_rejects_free(cli_rejects *rejects);

#endif
