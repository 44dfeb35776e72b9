/* One form for every format of rows: names of columns first, then cells, block by block. */
#ifndef CLI_READER_H
#define CLI_READER_H

#include "chunk.h"
#include "input.h"

typedef struct cli_format {
    const char *name;
    /* Begin to read; *out is what the others are given. */
    bm_status (*open)(cli_input *input, const cli_options *options, bool tabs, void **out,
                      bm_error *err);
    /* The names of the file's columns; not asked for with --no-header. */
    bm_status (*header)(void *reader, cli_names *names, bm_error *err);
    /* Put the rows of a further block into the sink.  *more: there may be others. */
    bm_status (*fill)(void *reader, cli_sink *sink, bool *more, bm_error *err);
    void (*close)(void *reader); /* NULL is legal */
} cli_format;

extern const cli_format cli_format_csv;
extern const cli_format cli_format_ndjson;

#endif
