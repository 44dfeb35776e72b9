/* One reading of a file, whose cells go to a watch. */
#ifndef CLI_PASS_H
#define CLI_PASS_H

#include "source.h"

#define CLI_COLUMNS_MAX 1600 /* of a table of PostgreSQL */

typedef struct cli_pass {
    const cli_options *options; /* --no-header, for CSV */
    const char *path;
    cli_watch *watch;
    bool tells_quoted;          /* the watch has to know which cells are quoted, which is slower;
                                    otherwise only of empty cells */
    size_t n_columns;           /* of CSV, unless watch->any_length */
    bool (*enough)(void *user); /* of the watch: asked between two blocks */
    const char *encoding;       /* set by cli_pass_run: of the file ... */
    const char *compression;    /* ... and "gzip", or "none" */
} cli_pass;

bm_status cli_pass_run(cli_pass *pass, bm_error *err);

#endif
