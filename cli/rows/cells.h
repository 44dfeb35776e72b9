/* What is wrong with a cell of a file, in words that do not show its value. */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "errors.h"

#define CLI_HAS_NUL "has a NUL byte: is the file UTF-16? --encoding=UTF-16 reads it"

/* Explain why the library could not convert a cell, or NULL if its own message says all that is
 * known.  The result may point into `why`. */
const char *cli_cell_fault(bm_type type, bm_slice text, bm_error *why);

#endif
