/* How far a command is: one line on a terminal that is redrawn, or JSON events for a program. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "source.h"

#include <time.h>

typedef struct cli_progress {
    const cli_options *options;
    cli_source *source;
    struct timespec begin;
    struct timespec shown;
    bool on_terminal;
    bool drawn;
    uint64_t earlier; /* --load-id: rows that earlier commands have written */
    bool resumes;     /* that was told */
} cli_progress;

/* `source` may be NULL: the total is unknown. */
void cli_progress_begin(cli_progress *progress, const cli_options *options, cli_source *source);

/* bm_call.on_progress; its user is the cli_progress. */
void cli_progress_rows(void *user, uint64_t rows_done, uint64_t rows_total);

/* Erase the line.  Returns the seconds since the beginning. */
double cli_progress_end(cli_progress *progress);

/* A number with its digits in groups of three: "12,345,678".  Returns `out`. */
const char *cli_grouped(uint64_t value, char out[32]);

#endif
