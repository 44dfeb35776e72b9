/*
 * PostgreSQL's numeric: sign, decimals and groups of four digits; the first group stands for
 * 10000^weight.  And numbers of up to 36 digits without an exponent, which most numbers are: their
 * groups are read four digits at a time.
 */
#ifndef BM_TYPES_DECIMAL_H
#define BM_TYPES_DECIMAL_H

#include "codec.h"

#define BM__NUMERIC_BASE 10000
#define BM__NUMERIC_DIGITS 4 /* in a group */
#define BM__NUMERIC_HEADER 8 /* bytes: groups, weight, sign, decimals */

#define BM__NUMERIC_NEGATIVE 0x4000
#define BM__NUMERIC_NAN 0xC000
#define BM__NUMERIC_PLUS_INFINITY 0xD000
#define BM__NUMERIC_MINUS_INFINITY 0xF000

/* The header; returns where the groups go. */
uint8_t *bm__put_numeric(uint8_t *to, uint32_t groups, int64_t weight, uint16_t sign,
                         int64_t decimals);

/* Digits before the point, which hold an int64, and after it. */
#define BM__DECIMAL_DIGITS 20
#define BM__DECIMAL_PLACES 16
#define BM__DECIMAL_GROUPS ((BM__DECIMAL_DIGITS + BM__DECIMAL_PLACES) / BM__NUMERIC_DIGITS)

typedef struct bm__decimal {
    uint16_t sign;
    uint16_t places;                     /* decimals */
    int32_t before;                      /* digits before the point, without zeros in front */
    uint32_t first, n;                   /* of its groups, without zeros at both ends */
    uint16_t groups[BM__DECIMAL_GROUPS]; /* five before the point */
} bm__decimal;

void bm__decimal_set(int64_t integer, bm__decimal *out);

/* False where the text is no such number: another number, or none. */
bool bm__decimal_parse(bm_slice text, bm__decimal *out);

/* Does it fit a column of this typmod without being rounded?  False: it must be looked at. */
bool bm__decimal_fits(const bm__decimal *value, int32_t typmod);

/* Header and groups. */
void bm__decimal_put(const bm__decimal *value, uint8_t *to);

#endif
