/*
 * Which of many rows does a statement over them fail for?  Parts of them are written again: one
 * that goes well stays, since later rows may need it, and the row is behind it; one that fails
 * holds it.  Who writes the parts, and under which savepoint, is the caller's business.
 */
#ifndef BM_JOB_HALVES_H
#define BM_JOB_HALVES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bm__halves {
    size_t low, high; /* rows low .. high - 1 hold it */
    size_t end;       /* rows low .. end - 1 are the part to write */
    bool found;       /* it is row `low` */
} bm__halves;

/* Say which part is next; false: the row was found, or all rows were written. */
bool bm__halves_next(bm__halves *rows);

/* What became of the part. */
void bm__halves_answer(bm__halves *rows, bool written);

#endif
