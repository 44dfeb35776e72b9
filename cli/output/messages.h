/*
 * Messages on standard error, for people or (--json) for programs: the summary, warnings, the
 * failure, and which lines of a file were written.
 */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include "options.h"

/* The summary of a command that succeeded. */
void cli_summary(const cli_options *options, const bm_result *result);

/* A warning: the command succeeded, but the user should know something. */
void cli_warning(const cli_options *options, const char *words);

/* bm_call.on_retry; its user is a cli_progress.  A line, or a JSON event, for each retry. */
void cli_retry(void *user, uint64_t retry, const bm_error *why);

/* bm_call.on_part; its user is a cli_progress.  What earlier commands have written; a JSON event
 * for each part. */
void cli_part(void *user, uint64_t rows);

/* The load of --load-id had no rows left. */
void cli_load_is_finished(const cli_options *options);

/* What failed, and whether rows were written. */
void cli_failure(const cli_options *options, const bm_result *result, bm_error *err);

/* Whether these lines of a file were committed. */
void cli_lines(const cli_options *options, const char *file, uint64_t first, uint64_t last,
               bm_fate fate);

#endif
