/* What the files of the binary format share: a batch block by block, and the names of types in
 * errors. */
#ifndef BM_POSTGRESQL_BINARY_BLOCK_H
#define BM_POSTGRESQL_BINARY_BLOCK_H

#include "binary.h"

/* ---- columns of a batch: copy_write.c */

/* Rows of the block that begins at `from`. */
static inline size_t bm__block_rows(const bm__batch *batch, size_t from)
{
    return batch->n_rows - from < BM__BLOCK ? batch->n_rows - from : BM__BLOCK;
}

/* A block that is measured. */
typedef struct bm__measured {
    bm__cells cells;
    uint32_t sizes[BM__BLOCK]; /* where values of the slot differ in size */
    bm__room room;
} bm__measured;

/* Rows from .. from + n - 1 of a column.  NULL, or why cell *bad does not fit.  Where a check kept
 * the sizes, values are not looked at again. */
const char *bm__measure_block(const bm__slot *slot, const bm__batch *batch, size_t column,
                              size_t from, size_t n, bm__measured *out, size_t *bad);

/* BM_CONVERT: the cell does not fit. */
bm_status bm__bad_cell(bm_error *err, size_t row, const char *column, const char *fault);

/* ---- names, for errors */

/* "int4", "int4[]", "enum": a member's type; "uuid" or "type 12345": a server's. */
#define BM__TYPE_NAME_MAX 48
void bm__member_name(bm_type type, bm_layout layout, char out[BM__TYPE_NAME_MAX]);
void bm__server_name(const bm__pg_column_type *type, char out[BM__TYPE_NAME_MAX]);

/* The name of a server's type that has a codec here; NULL for others. */
const char *bm__oid_name(uint32_t oid);

/* BM_INVALID: no member looks so. */
bm_status bm__check_member(bm_type type, bm_layout layout, size_t width, bm_error *err);

/* May a member be written to a column of the type, or read from one, as text and through a cast?
 * Text may, to types without a codec and to those that had none in earlier versions. */
bool bm__goes_as_text(bm_type member, uint32_t oid);

#endif
