/* --help, generated from the tables of options.h. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "options.h"

#include <stdio.h>

/* Print the help of one verb, or (NULL) of the command. */
void cli_help(FILE *out, const cli_verb *verb);

#endif
