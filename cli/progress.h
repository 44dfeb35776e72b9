/* What the user sees: a line that moves on a terminal, lines of JSON for a program, a summary. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "source.h"

#include <time.h>

typedef struct cli_progress {
    const cli_options *options;
    const cli_source *source;
    struct timespec begin;
    struct timespec shown;
    bool on_terminal;
    bool drawn;
} cli_progress;

/* `source` may be NULL: how much there is to come is not known. */
void cli_progress_begin(cli_progress *progress, const cli_options *options,
                        const cli_source *source);

/* bm_call.on_progress, of which the progress is the user. */
void cli_progress_rows(void *user, uint64_t rows_done, uint64_t rows_total);

/* Take the line away; the seconds since the beginning. */
double cli_progress_end(cli_progress *progress);

/* What happened, when all is done. */
void cli_summary(const cli_options *options, const bm_result *result);

/* What is done, and has a consequence. */
void cli_warning(const cli_options *options, const char *words);

/* What went wrong, and where the rows are. */
void cli_failure(const cli_options *options, const bm_result *result, bm_error *err);

/* What became of these lines of a file. */
void cli_lines(const cli_options *options, const char *file, uint64_t first, uint64_t last,
               bm_fate fate);

#endif
