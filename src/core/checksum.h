/*
 * A checksum of rows, as a stream gives them: of the names and types of their fields, then of each
 * cell.  It is for mistakes, not for attackers: one cell that differs is always noticed, several
 * are missed once in 2^64.  Its value depends on the processor's byte order.
 */
#ifndef BM_CORE_CHECKSUM_H
#define BM_CORE_CHECKSUM_H

#include "error.h"

/* Of no rows. */
uint64_t bm__checksum_begin(const bm_model *model);

/* The checksum of the rows so far and of n structs more. */
uint64_t bm__checksum_rows(uint64_t so_far, const bm_model *model, const void *rows, size_t n);

#endif
