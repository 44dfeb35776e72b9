/* What the counts of a survey mean. */
#ifndef CLI_DECIDE_H
#define CLI_DECIDE_H

#include "survey.h"

#define CLI_ALWAYS_NULL 0 /* the spelling \N, which no text has */

/* Whether the first row has the names of columns. */
bool cli_decide_header(const cli_survey *survey);

/* Give each column of CSV a name of its own. */
bm_status cli_decide_names(cli_survey *survey, bm_error *err);

/* Which spellings of NULL the file has, and which columns have them in quotes. */
void cli_decide_nulls(cli_survey *survey);

/* As a load reads the file: the names of its columns in the table, and which cells are NULL. */
bm_status cli_decide_targets(cli_survey *survey, bm_error *err);
void cli_decide_given_nulls(cli_survey *survey);

#endif
