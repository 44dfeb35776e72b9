/*
 * Which of many rows makes a write fail?  Parts of the rows are written again, in order.  A part
 * that is written stays, because later rows may need it, and the row is after it.  A part that
 * fails holds the row.  Who writes the parts, and under which savepoint, is up to the caller.
 */
#ifndef BM_OPERATION_BISECT_H
#define BM_OPERATION_BISECT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bm__bisect {
    size_t low, high; /* the row is among rows low .. high - 1 */
    size_t most;      /* rows of a part */
    size_t end;       /* rows low .. end - 1 are the part to write */
    bool found;       /* it is row `low` */
} bm__bisect;

/* Choose the next part: half of what is left, or `most` rows.  False: the row was found, or all
 * rows were written. */
bool bm__bisect_next(bm__bisect *rows);

/* Was the part written? */
void bm__bisect_answer(bm__bisect *rows, bool written);

#endif
