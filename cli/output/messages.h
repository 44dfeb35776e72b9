/*
 * Messages on standard error, for people or (--json) for programs: the summary, warnings, the
 * failure, and which lines of a file were written.
 */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include "options.h"

/* What happened, when all is done. */
void cli_summary(const cli_options *options, const bm_result *result);

/* What is done, and has a consequence. */
void cli_warning(const cli_options *options, const char *words);

/* bm_call.on_retry; its user is a cli_progress.  A line, or a JSON event, for each retry. */
void cli_retry(void *user, uint64_t retry, const bm_error *why);

/* What went wrong, and where the rows are. */
void cli_failure(const cli_options *options, const bm_result *result, bm_error *err);

/* What became of these lines of a file. */
void cli_lines(const cli_options *options, const char *file, uint64_t first, uint64_t last,
               bm_fate fate);

#endif
