/* What is wrong with a cell of a file, in words that hold no value. */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "errors.h"

/* Of a cell that the library refused to convert; NULL where nothing more is known than the library
 * said.  The words may be those of `why`. */
const char *cli_cell_fault(bm_type type, bm_slice text, bm_error *why);

#endif
