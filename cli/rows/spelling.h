/*
 * How the files write numbers, dates and times: --decimal, --thousands, --date-format.  A cell is
 * rewritten in the form that the library reads; nothing is guessed.
 */
#ifndef CLI_SPELLING_H
#define CLI_SPELLING_H

#include "date_format.h"
#include "options.h"

typedef struct cli_spellings {
    const cli_options *options;
    bool numbers;                     /* --decimal or --thousands is given */
    cli_date_format *formats;         /* of each --date-format */
    const cli_date_format **of_dates; /* of each field; NULL: none.  NULL: no field has any */
} cli_spellings;

/* For these fields, of which the first `n_read` are read from the files. */
bm_status cli_spellings_make(const cli_options *options, const bm_field *fields, size_t n_read,
                             cli_spellings *out, bm_error *err);

void cli_spellings_free(cli_spellings *spellings);

/* Is the text of a cell of this field rewritten?  A number of JSON has its own decimal point. */
bool cli_spelling_applies(const cli_spellings *spellings, size_t field, bm_type type,
                          bool json_number);

/* Room for the text of a rewritten cell. */
size_t cli_spelling_room(size_t size);

/* Rewrite the cell of a field.  False: `words` say what is wrong, to be read after a subject,
 * without the value. */
bool cli_spelling_read(const cli_spellings *spellings, size_t field, bm_type type, bm_slice cell,
                       char *room, bm_slice *out, char *words, size_t words_size);

/* Rewrite a number alone, likewise. */
bool cli_spelling_number(const cli_options *options, bm_slice cell, char *room, bm_slice *out,
                         char *words, size_t words_size);

/* The two parts of a --date-format: the column, or "*", and the format. */
bm_status cli_spelling_split(const char *text, cli_names *out, bm_error *err);

/* The option that may read a cell which the library does not, as the end of a sentence; or "". */
const char *cli_spelling_hint(const cli_options *options, bm_type type, bm_slice cell);

#endif
