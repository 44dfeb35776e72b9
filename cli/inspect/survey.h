/* What the cells of each column of a file are, found in one pass and in constant memory. */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include "column_types.h"
#include "given_forms.h"
#include "pass.h"

#define CLI_SAMPLES 3
#define CLI_SAMPLE_BYTES 40
#define CLI_SPELLINGS 14

/* Texts that stand for NULL in many files, if the other cells of a column are of another type. */
extern const char *const cli_null_spellings[CLI_SPELLINGS];

typedef struct cli_column_survey {
    char *name;
    char *first; /* CSV: its cell in the first row, which may be the header */
    cli_column_type type;
    cli_misfits misfits;
    uint64_t values;       /* cells that are neither empty nor a spelling of NULL */
    uint64_t empty;        /* without quotes, or a text of --null */
    uint64_t empty_quoted; /* "" */
    uint64_t spelled[CLI_SPELLINGS];
    uint64_t spelled_quoted[CLI_SPELLINGS];
    size_t shortest, longest; /* of the values, in bytes */
    size_t n_samples;
    size_t sample_sizes[CLI_SAMPLES];
    char samples[CLI_SAMPLES][CLI_SAMPLE_BYTES];
    bool null_quoted; /* its quoted cells may be NULL: --null-columns */
    uint64_t nulls;
    bool first_quoted;
    char *target; /* --create-table: its name in the table; "": it is not read */
} cli_column_survey;

typedef struct cli_survey {
    cli_options options; /* how to read the file; borrows from the caller's and from static texts */
    const char *encoding;
    const char *compression; /* or "none" */
    bool fixed;              /* nothing but types is found: the file is read as a load reads it */
    cli_given_forms forms;   /* if it is: the forms that the options name */
    bool misfit;             /* a cell of the row is not in one of them */
    bool json;
    bool tabs;
    bool begun;         /* CSV: the file has a row */
    bool lacks;         /* JSON: some rows lack a key */
    bool header;        /* CSV: the first row has the names */
    bool renamed;       /* names of the header were missing or not unique */
    bool whole;         /* to the end of the file */
    uint64_t first_row; /* the line of the first row after the header; 0: there is none */
    uint64_t rows;      /* without the header */
    cli_column_survey *columns;
    size_t n_columns;
    bool nulls[CLI_SPELLINGS]; /* the spellings that are NULL */
    bool empty_null;           /* an empty cell is NULL */
} cli_survey;

/* Read a file, or its first rows (--sample).  The options say what is known of it;
 * the rest is found, if it is not `fixed`. */
bm_status cli_survey_make(const cli_options *options, const char *path, bool fixed, cli_survey *out,
                          bm_error *err);

void cli_survey_free(cli_survey *survey);

#endif
