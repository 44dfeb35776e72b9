/*
 * One cell of text to one member of a row, and back.  What a text means is exact: a fault is told
 * with what to do about it, in words that hold no value.
 */
#ifndef CLI_CELLS_H
#define CLI_CELLS_H

#include "calendar_text.h"
#include "errors.h"

/*
 * Read a cell of a type that stands as BM_FIXED into its member; blanks around it do not count.
 * NULL on success, else the fault, as in "is no whole number".
 */
const char *cli_cell_read(bm_type type, const char *text, size_t size, void *member);

#define CLI_NO_BYTES "is not \\x and hexadecimal digits, which is how bytes are written"

/* "\x" and hexadecimal digits into bytes, `out` having room for size / 2: how many, or SIZE_MAX. */
size_t cli_bytes_read(const char *text, size_t size, char *out);

#define CLI_CELL_MAX 512

/*
 * Write the member of a BM_FIXED field as text that cli_cell_read reads back, and return its
 * length; 0 for a date outside of years 1 to 9999, which has no text here.
 */
size_t cli_cell_write(bm_type type, const void *member, char out[CLI_CELL_MAX]);

/* Bytes as "\\x" and hexadecimal digits, `out` having room for 2 * size + 2. */
void cli_bytes_write(const char *data, size_t size, char *out);

/* What is wrong with a cell that the library refused to convert; NULL where nothing more is known
 * than the library said. */
const char *cli_cell_fault(bm_type type, const char *text, size_t size);

#endif
