/* --date-format: the form in which a file writes dates and times, in the words of strptime. */
#ifndef CLI_DATE_FORMAT_H
#define CLI_DATE_FORMAT_H

#include "errors.h"

#define CLI_DATE_PIECES 64
#define CLI_DATE_TEXT 48

typedef struct cli_date_format {
    const char *text; /* as it was given; borrowed */
    bool has_date;
    bool has_time;
    bool has_zone;
    int epoch_digits;             /* digits of a unit after the point, if `is_epoch` */
    bool is_epoch;                /* a number of seconds, milliseconds ... since 1970 */
    char kinds[CLI_DATE_PIECES];  /* of each piece: a directive, or 0: a literal character */
    char pieces[CLI_DATE_PIECES]; /* the literal character */
    size_t n;
} cli_date_format;

/* Read a format.  BM_INVALID if it has an unknown directive, or is not that of one date or time. */
bm_status cli_date_format_make(const char *text, cli_date_format *out, bm_error *err);

/*
 * Read a cell by the format, and write it as bm_value_parse reads it for this type: BM_DATE,
 * BM_TIME, BM_TIMESTAMP or BM_TIMESTAMPTZ.  Returns the size of `out`; 0: the cell does not match,
 * and `words` says why, to be read after a subject, without a value.
 */
size_t cli_date_format_read(const cli_date_format *format, bm_type type, bm_slice cell,
                            char out[CLI_DATE_TEXT], char *words, size_t words_size);

#endif
