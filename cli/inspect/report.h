/* Prints a survey: for people, or as one JSON object. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "survey.h"

#include <stdio.h>

void cli_report(FILE *out, const cli_survey *survey, const char *path);
bool cli_report_json(FILE *out, const cli_survey *survey, const char *path);

/* The command that loads the file, for a shell.  Each option is fixed, so a later file of another
 * form is an error.  NULL: out of memory.  To be freed. */
char *cli_report_command(const cli_survey *survey, const char *path);

#endif
