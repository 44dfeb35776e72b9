/*
 * PostgreSQL's bytes.  A column on its way to the server is a slot: from the member's form (type
 * and layout) to the type that the server's column has.  Encoding is two passes over a block of
 * cells: `measure` checks every value and says its size, `write` cannot fail.  Formats:
 * PostgreSQL manual, "COPY, Binary Format"; each type's *_send and *_recv function.
 */
#ifndef BM_PG_PG_H
#define BM_PG_PG_H

#include "arena.h"
#include "batch.h"
#include "buffer.h"
#include "step.h"

typedef struct bm__slot bm__slot;

typedef struct bm__codec {
    /* sizes[i]: bytes of the value at at[i] without its length word; 0 where at[i] is NULL.  NULL
     * when all fit, else the reason in words, static, and *bad is the cell. */
    const char *(*measure)(const bm__slot *slot, const void *const *at, size_t n, uint32_t *sizes,
                           size_t *bad);
    /* Length word and value of each cell to out[i], and out[i] moves behind them; -1 for NULL. */
    void (*write)(const bm__slot *slot, const void *const *at, size_t n, const uint32_t *sizes,
                  uint8_t **out);
    const struct bm__codec_run *run; /* NULL where values differ in size */
} bm__codec;

/* The same for n values of one size that stand `stride` bytes apart, the first at `first`, none of
 * them NULL: the way of a column that cannot be NULL. */
typedef struct bm__codec_run {
    uint32_t size;
    /* NULL where every value fits. */
    const char *(*check)(const void *first, ptrdiff_t stride, size_t n, size_t *bad);
    /* Length word and value to out[i] + offset; out[i] stays. */
    void (*write)(const void *first, ptrdiff_t stride, size_t n, uint8_t *const *out,
                  ptrdiff_t offset);
} bm__codec_run;

/* How a server's column says what it is; from the catalog (pg_attribute, pg_type). */
typedef struct bm__pg_column_type {
    uint32_t oid;      /* of the base type, for a domain */
    uint32_t element;  /* of an array's elements' base type, else 0 */
    int32_t typmod;    /* atttypmod, or the domain's; -1: none */
    char kind;         /* pg_type.typtype of the column's own type: b, d, e, ... */
    char element_kind; /* typtype of the element, for arrays */
} bm__pg_column_type;

struct bm__slot {
    bm_type from;
    bm_layout layout;
    size_t width;
    bm__pg_column_type to;
    uint32_t oid;     /* what is sent: the OID of the bytes, for parameters */
    const char *type; /* its name in SQL, unqualified and built in: "int8", "text" */
    bool as_text;     /* text is sent where the column is another type: the statement must cast */
    const bm__codec *codec;
    const bm__codec *element_codec; /* of arrays */
};

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
 * field for each view, slots[i] for views[i].  The buffer is unchanged after a failure. */
bm_status bm__pg_copy_rows(const bm__slot *slots, const bm__batch *batch, size_t from, size_t n,
                           bm__buffer *out, bm_error *err);

/* A column of a batch on its way into a parameter: a binary array of one dimension from 1 on. */
typedef struct bm__pg_array {
    const bm__slot *slot;
    size_t column;   /* of the batch */
    bm__buffer *out; /* of its own; the array is appended */
    size_t start;    /* in `out`; these two are bm__pg_arrays' own */
    size_t nulls;
} bm__pg_array;

/* Append columns of the whole batch, block by block, so that rows are fetched once for all columns.
 * Each at most 1 GB - 1: BM_LIMIT.  The buffers are unchanged after a failure. */
bm_status bm__pg_arrays(bm__pg_array *arrays, size_t n, const bm__batch *batch, bm_error *err);

/* Append the value of one cell (no length word), for a scalar parameter; `cell` is not NULL. */
bm_status bm__pg_value(const bm__slot *slot, const void *cell, const char *column, bm__buffer *out,
                       bm_error *err);

/* ---- back from the server */

typedef struct bm__pg_reader bm__pg_reader;

/* NULL on success, else the reason, static.  Writes the member; variable data goes to the arena,
 * NUL-terminated.  `size` bytes at `data` are untrusted. */
typedef const char *(*bm__pg_read)(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                                   void *member, bm__arena *arena);

struct bm__pg_reader {
    bm_type to; /* the member's type and layout */
    bm_layout layout;
    size_t width;
    bm__pg_column_type from;
    bool as_text; /* the statement casts the column to text */
    bm__pg_read read;
    bm__pg_read element_read;
};

/* The reader for a server's column into a member. as_text is set where the type has no binary
 * codec here and must be cast to text in the statement. */
bm_status bm__reader_resolve(bm_type to, bm_layout layout, size_t width,
                             const bm__pg_column_type *from, bm__pg_reader *out, bm_error *err);

/* A binary COPY TO that arrives in pieces, cut anywhere.  A zeroed one with n_fields set is
 * ready. */
typedef struct bm__copy_reader {
    size_t n_fields;
    bm__buffer pending; /* bytes of a tuple that is not whole yet */
    bm__cell *cells;    /* n_fields of them, made by the first read */
    bool begun, ended;
} bm__copy_reader;

/*
 * Read what has come; `tuple` is called for each whole row with n_fields cells (kind NULL or
 * BYTES).  BM_DATABASE where the bytes are not a binary COPY.  At the end of the COPY `ended`
 * must be true.
 */
bm_status bm__copy_read(bm__copy_reader *reader, const uint8_t *bytes, size_t size,
                        bm_status (*tuple)(void *context, const bm__cell *cells, size_t n,
                                           bm_error *err),
                        void *context, bm_error *err);
void bm__copy_reader_free(bm__copy_reader *reader);

/*
 * The row (0-based within its COPY) of "COPY relation, line N" in a CONTEXT, whatever the
 * language of the server's messages and the relation's name; BM_NO_ROW when it says none.  The
 * column, where named, is copied to `column`.
 */
size_t bm__copy_context_row(const char *context, const char *relation, char *column, size_t size);

#endif
