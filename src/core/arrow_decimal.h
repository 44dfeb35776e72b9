/* Arrow's decimals, which are integers of 32 to 256 bits and a scale, as text. */
#ifndef BM_CORE_ARROW_DECIMAL_H
#define BM_CORE_ARROW_DECIMAL_H

#include "bulkmodel.h"

#define BM__ARROW_SCALE_MAX 100

/* Sign, the 78 digits of 2^256, a point, and zeros before or behind them. */
#define BM__ARROW_DECIMAL_TEXT (BM__ARROW_SCALE_MAX + 96)

/* Print the number of `width` bytes (4, 8, 16 or 32, the least significant first); the length. */
size_t bm__arrow_decimal(const uint8_t *bytes, size_t width, int scale,
                         char out[BM__ARROW_DECIMAL_TEXT]);

#endif
