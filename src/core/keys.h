/* Rows in the order of their keys, and rows that have the same key. */
#ifndef BM_CORE_KEYS_H
#define BM_CORE_KEYS_H

#include "batch.h"

/*
 * Order n rows of the views (rows[0 .. n - 1], ascending; NULL: 0 .. n - 1) by the key columns,
 * ties by row.  *order (n row numbers, malloc'ed) is NULL when the rows are in that order already
 * and no two are equal.  Equality is the bytes' but
 * for: -0.0 equals 0.0, NaN equals NaN, trailing blanks of BM_CHAR do not count.
 * BM_INVALID where a key is NULL, naming the row; unless `nulls`: then NULL equals nothing.
 * BM_UNSUPPORTED where a key is an array.
 */
bm_status bm__keys_order(const bm__view *const *keys, size_t n_keys, const size_t *rows, size_t n,
                         bool nulls, size_t **order, bm_error *err);

/*
 * Apply the rule for duplicates to an order made above: *n becomes the number of rows left in
 * order. dropped[row] is set to 1 for rows left out, where `dropped` is not NULL.
 * BM_DUPLICATES_ERROR fails with BM_INVALID, naming the two rows.
 */
bm_status bm__keys_distinct(const bm__view *const *keys, size_t n_keys, bm_duplicates rule,
                            size_t *order, size_t *n, uint8_t *dropped, bm_error *err);

#endif
