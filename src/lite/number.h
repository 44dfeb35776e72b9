/* Decimal numbers as text. */
#ifndef BM_LITE_NUMBER_H
#define BM_LITE_NUMBER_H

#include <stddef.h>

/* NULL where `size` bytes are a decimal number that SQLite can hold as one, else the reason. */
const char *bm__lite_number_fault(const char *text, size_t size);

#endif
