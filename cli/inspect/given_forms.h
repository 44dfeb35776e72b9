/* --create-table with --decimal, --thousands and --date-format: which types the cells have when
 * they are read as these options say. */
#ifndef CLI_GIVEN_FORMS_H
#define CLI_GIVEN_FORMS_H

#include "column_types.h"
#include "spelling.h"

#define CLI_GIVEN_DATES 16
#define CLI_LINE_UNKNOWN UINT64_MAX /* that of a row which is being read */

typedef struct cli_given_forms {
    const cli_options *options;
    bool numbers; /* --decimal or --thousands is given */
    cli_date_format dates[CLI_GIVEN_DATES];
    cli_names pairs; /* of each format: its column, "*": all; and its text */
    size_t n_dates;
} cli_given_forms;

/* Lines of the first cells of a column that are not in the forms of --date-format; 0: all are. */
typedef struct cli_misfits {
    uint64_t lines[CLI_GIVEN_DATES];
} cli_misfits;

bm_status cli_given_forms_make(const cli_options *options, cli_given_forms *out, bm_error *err);
void cli_given_forms_free(cli_given_forms *forms);

/* Take account of a cell that is not NULL.  True: it is the first that does not fit some format. */
bool cli_given_forms_add(const cli_given_forms *forms, cli_column_type *type, cli_misfits *misfits,
                         const char *text, size_t size);

/* The type of a column that is called so in the table: by the format that is for it.  BM_CONVERT
 * with the line of a cell that its own format does not read. */
bm_status cli_given_forms_decide(const cli_given_forms *forms, const char *file, const char *name,
                                 uint64_t values, const cli_misfits *misfits, cli_column_type *type,
                                 bm_error *err);

#endif
