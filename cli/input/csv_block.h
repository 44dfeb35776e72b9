/* A reader of CSV, and the bytes that it parses: a block of the file, without what is skipped. */
#ifndef CLI_CSV_BLOCK_H
#define CLI_CSV_BLOCK_H

#include "reader.h"

#include <csv.h>

#define CLI_CSV_BLOCK ((size_t)65536) /* the buffer has twice that */

/* No character of UTF-8 has this byte, so with --quote=none nothing is quoted. */
#define CLI_CSV_NO_QUOTE '\xFF'

typedef struct csv_reader {
    struct csv_parser parser;
    cli_input *input;
    char *block;
    size_t at; /* where parsing continues in the block */
    size_t n;
    bool ended;
    bool begun;   /* the first bytes have been looked at */
    char escape;  /* or 0 */
    char comment; /* or 0 */
    bool in_comment;
    bool fresh;    /* parsing continues at the start of a line */
    bool any_null; /* a text of NULL is not empty */
    bool chosen;   /* a column of the header may lack a name */
    bool doubts;   /* TSV without --quote: quotes may be text */
    bool joined;   /* a cell of the row has line ends */
    bool escaped;  /* the previous block ended with an escape */
    uint64_t skip; /* lines still to skip */
    uint64_t line; /* the current line, from 1 */
    size_t column; /* the column of the next cell */
    bool pads;     /* --ragged=pad */
    bool stops;    /* --ragged=error */
    bool surplus;  /* a cell too many of the row has text */
    bool after_cr;
    bool after_quote;
    bool keeps;    /* --rejects: the text of rows is kept */
    bool dropping; /* skipping the rest of a line that cannot be parsed */
    size_t start;  /* where the row's text begins in the block ... */
    char *carried; /* ... after what earlier blocks had of it */
    size_t n_carried;
    size_t carry_capacity;
    size_t n_header; /* with --rejects: bytes of the header, in `header` */
    char *header;
    cli_names *names; /* while the header is read; otherwise NULL */
    bool named;       /* its last name has been read */
    uint64_t header_line;
    cli_sink *sink;
    bm_error *err;
} csv_reader;

/* Skip comments at the start of a line, which may end in a later block. */
void cli_csv_skip_comments(csv_reader *r);

/* Afterwards the block has bytes to parse, or the file has ended. */
bm_status cli_csv_next_block(csv_reader *r, bm_error *err);

#endif
