/* PostgreSQL's messages: which codec of types/ a column takes, COPY, and arrays as parameters. */
#ifndef BM_POSTGRESQL_BINARY_H
#define BM_POSTGRESQL_BINARY_H

#include "format.h"

/*
 * The slot for a member and a server's column.  `in_array`: for an array parameter (unnest), where
 * enums, domains, arrays and unknown types travel as text with a cast; else for COPY, which casts
 * nothing.  BM_UNSUPPORTED where COPY has no bytes for it (as_text would have worked);
 * BM_INVALID where the member's type can never be this column's.  The error names no column.
 */
bm_status bm__slot_resolve(bm_type from, bm_layout layout, size_t width,
                           const bm__pg_column_type *to, bool in_array, bm__slot *out,
                           bm_error *err);

/* Check that every cell of the batch fits its slot: slots[i] is for views[i].  sizes[i], where it
 * is not NULL, takes the bytes of each row's cell on the wire, for the view's `sizes`.  The error
 * names the row (of the batch) and the column. */
bm_status bm__pg_check(const bm__slot *slots, const bm__batch *batch, uint32_t *const *sizes,
                       bm_error *err);

/* May cells of this slot differ in size, so that sizes are worth keeping? */
bool bm__slot_varies(const bm__slot *slot);

/* COPY's header and trailer. */
#define BM__COPY_HEADER_SIZE 19
extern const uint8_t bm__copy_header[BM__COPY_HEADER_SIZE];
#define BM__COPY_TRAILER_SIZE 2
extern const uint8_t bm__copy_trailer[BM__COPY_TRAILER_SIZE];

/* Append rows from .. from + n - 1 of the batch (n <= BM__BLOCK) as tuples of a binary COPY: one
 * field for each view, slots[i] for views[i].  `room` is for the blocks and is kept from call to
 * call.  `out` is unchanged after a failure. */
bm_status bm__pg_copy_rows(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                           bm__buffer *room, bm__buffer *out, bm_error *err);

/* Append columns of the whole batch, block by block, so that rows are fetched once for all columns.
 * Each at most 1 GB - 1: BM_LIMIT.  The buffers are unchanged after a failure. */
bm_status bm__pg_arrays(bm__pg_array *arrays, size_t n, const bm__batch *batch, bm_error *err);

/* Append the value of one cell (no length word), for a scalar parameter; `cell` is not NULL. */
bm_status bm__pg_value(const bm__slot *slot, const void *cell, const char *column, bm__buffer *out,
                       bm_error *err);

/* ---- back from the server */

/* The reader for a server's column into a member. as_text is set where the type has no binary
 * codec here and must be cast to text in the statement. */
bm_status bm__reader_resolve(bm_type to, bm_layout layout, size_t width,
                             const bm__pg_column_type *from, bm__pg_reader *out, bm_error *err);

/*
 * Read what has come; `tuple` is called for each whole row with n_fields cells (kind NULL or
 * BYTES).  BM_DATABASE where the bytes are not a binary COPY.  At the end of the COPY `ended`
 * must be true.
 */
bm_status bm__copy_read(bm__copy_reader *reader, const uint8_t *bytes, size_t size,
                        bm_status (*tuple)(void *context, const bm__cell *cells, size_t n,
                                           bm_error *err),
                        void *context, bm_error *err);

/*
 * The row (0-based within its COPY) of "COPY relation, line N" in a CONTEXT, whatever the
 * language of the server's messages and the relation's name; BM_NO_ROW when it says none.  The
 * column, where named, is copied to `column`.
 */
size_t bm__copy_context_row(const char *context, const char *relation, char *column, size_t size);

#endif
