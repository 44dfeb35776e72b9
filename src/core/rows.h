/* bm_rows: which views stand behind it. */
#ifndef BM_CORE_ROWS_H
#define BM_CORE_ROWS_H

#include "batch.h"

typedef enum bm__rows_kind {
    BM__ROWS_STRUCTS = 1,
    BM__ROWS_POINTERS,
    BM__ROWS_COLUMNS,
    BM__ROWS_KEYS,
    BM__ROWS_ALL,
    BM__ROWS_STREAM,
    BM__ROWS_QUERYSET,
    BM__ROWS_ARROW /* until bm__arrow_begin made them a stream's */
} bm__rows_kind;

/* Check rows and their model; BM_INVALID with the reason. */
bm_status bm__rows_check(const bm_rows *rows, bm_error *err);

/* The view of a field, or false where these rows do not hold it.  Not for ALL and STREAM. */
bool bm__rows_view(const bm_rows *rows, size_t field, bm__view *out);

/* The queryset that the rows are of, or NULL. */
bm_queryset *bm__rows_queryset(const bm_rows *rows);

#endif
