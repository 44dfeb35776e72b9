/* The interface of a file format: first the names of columns, then cells, block by block. */
#ifndef CLI_READER_H
#define CLI_READER_H

#include "chunk.h"
#include "input.h"

typedef struct cli_format {
    const char *name;
    /* Begin to read.  *out is passed to the other functions. */
    bm_status (*open)(cli_input *input, const cli_options *options, bool tabs, void **out,
                      bm_error *err);
    /* The names of the file's columns.  Not called with --no-header. */
    bm_status (*header)(void *reader, cli_names *names, bm_error *err);
    /* With --rejects: the text of the header in the file; NULL: the format has none. */
    bm_slice (*header_text)(void *reader);
    /* Put the rows of the next block into the sink.  *more: there may be more blocks. */
    bm_status (*fill)(void *reader, cli_sink *sink, bool *more, bm_error *err);
    void (*close)(void *reader); /* NULL is legal */
} cli_format;

extern const cli_format cli_format_csv;
extern const cli_format cli_format_ndjson;

#endif
