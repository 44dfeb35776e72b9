/*
 * How values travel as bytes, on an engine that has a binary format: a column's way in and out,
 * values as parameters, COPY.  The codecs of the types themselves are in types/.
 */
#ifndef BM_ENGINES_FORMAT_H
#define BM_ENGINES_FORMAT_H

#include "arena.h"
#include "batch.h"
#include "buffer.h"
#include "codec.h"
#include "step.h"

struct bm__table_column;

/* A member of a row: what it holds, and how. */
typedef struct bm__member_form {
    bm_type type;
    bm_layout layout;
    size_t width;
} bm__member_form;

/* A column of a batch on its way into a parameter: a binary array of one dimension from 1 on. */
typedef struct bm__pg_array {
    const bm__slot *slot;
    size_t column;   /* of the batch */
    bm__buffer *out; /* of its own; the array is appended */
    size_t start;    /* in `out`; these two belong to the format */
    bool has_null;
} bm__pg_array;

/* A binary COPY TO that arrives in pieces, cut anywhere.  A zeroed one with n_fields set is
 * ready. */
typedef struct bm__copy_reader {
    size_t n_fields;
    bm__buffer pending; /* bytes of a tuple that is not whole yet */
    bm__cell *cells;    /* n_fields of them, made by the first read */
    bool begun, ended;
} bm__copy_reader;

void bm__copy_reader_free(bm__copy_reader *reader);

typedef struct bm__format {
    /* ---- a column's way in and out */

    /* From a member to a column of the table.  `in_array`: for an array parameter, where a
     * statement can cast; else for COPY, which casts nothing.  BM_UNSUPPORTED where COPY has no
     * bytes for it (an array would have worked); BM_INVALID where such a member can never be this
     * column's.  The error names no column. */
    bm_status (*encode_plan)(bm__member_form from, const struct bm__table_column *to, bool in_array,
                             bm__slot *out, bm_error *err);

    /* From a member of such a type to a column that is in no table. */
    void (*encode_helper)(bm_type type, bm__slot *out);

    /* From a column of the table to a member.  `as_text` is set where the statement must cast. */
    bm_status (*decode_plan)(bm__member_form to, const struct bm__table_column *from,
                             bm__pg_reader *out, bm_error *err);

    /* May cells differ in size, so that sizes are worth keeping? */
    bool (*varies)(const bm__slot *slot);

    /* Does every cell of the batch fit its slot?  slots[i] is for views[i]; sizes[i], where it is
     * not NULL, takes the bytes of each row's cell, for the view's `sizes`.  The error names the
     * row (of the batch) and the column. */
    bm_status (*check)(const bm__slot *slots, const bm__batch *batch, uint32_t *const *sizes,
                       bm_error *err);

    /* ---- parameters of a statement */

    /* Append columns of the whole batch, or one value; the buffers are unchanged after a
     * failure. */
    bm_status (*arrays)(bm__pg_array *arrays, size_t n, const bm__batch *batch, bm_error *err);
    bm_status (*value)(const bm__slot *slot, const void *cell, const char *column, bm__buffer *out,
                       bm_error *err);

    /* A number, whose bytes go to `room`; a text. */
    bm__param (*count)(uint64_t n, uint8_t room[8]);
    bm__param (*text)(const char *text);

    /* ---- COPY */

    bm_slice copy_header, copy_trailer;

    /* Append rows from .. from + n - 1 of the batch (n <= BM__BLOCK).  `room` is for the blocks and
     * is kept from call to call.  `out` is unchanged after a failure. */
    bm_status (*copy_rows)(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                           bm__buffer *room, bm__buffer *out, bm_error *err);

    /* Read what has come; `tuple` is called for each whole row. */
    bm_status (*copy_read)(bm__copy_reader *reader, const uint8_t *bytes, size_t size,
                           bm_status (*tuple)(void *context, const bm__cell *cells, size_t n,
                                              bm_error *err),
                           void *context, bm_error *err);

    /* The row of a COPY that the server's words for an error's context name, or BM_NO_ROW; and the
     * column, where they name one. */
    size_t (*copy_context)(const char *context, const char *table, char *column, size_t size);
} bm__format;

#endif
