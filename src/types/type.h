/* The table of types, made from types.def: one row a type, one file a type. */
#ifndef BM_TYPES_TYPE_H
#define BM_TYPES_TYPE_H

#include "bulkmodel.h"

/* Rows that are looked at together: cells of a block stay in the first-level cache. */
#define BM__BLOCK 256

/* bm_type runs from 1 to BM__TYPE_COUNT - 1. */
enum {
    BM__TYPE_COUNT = 1
#define BM__TYPE(id_, ops_, name_, width_, oid_, array_oid_) +1
#include "types.def"
#undef BM__TYPE
};

/* Where text is printed.  Counts what is put, and writes it as far as there is room. */
typedef struct bm__sink {
    char *at;
    size_t room;
    size_t size;
    bool escapes; /* put a backslash before quotes and backslashes */
} bm__sink;

void bm__put(bm__sink *out, const char *text, size_t size);

/* May text of this member go, as text with a cast, to a column that has no codec here? */
typedef enum bm__as_text {
    BM__NOT_AS_TEXT = 0,
    BM__AS_UNKNOWN, /* yes: a label, or any type that the server reads from text */
    BM__AS_WRITTEN, /* yes, and to types that have a codec here, but not to bytes */
    BM__AS_ANY      /* yes, to every type */
} bm__as_text;

/*
 * What a type can do.  `value` is the type's value in its canonical form: the C type that bm_type
 * names where the width is fixed, else a bm_slice.
 */
typedef struct bm__type_ops {
    /* NULL, or what is wrong with the text, static, to be read after a subject: "is not a date".
     * A slice borrows the text; bytes are written to `room`, which has text.size bytes. */
    const char *(*parse)(bm_slice text, char *room, void *value);
    /* As parse reads it back and PostgreSQL reads it, whatever its DateStyle, IntervalStyle and
     * locale. */
    void (*print)(const void *value, bm__sink *out);
    /* < 0, 0, > 0, in the order of PostgreSQL's btree.  NULL: the value is an integer of the type's
     * width, and its order is that of integers. */
    int (*compare)(const void *a, const void *b);
    bool bare;           /* its text needs no quotes in an array literal */
    bool from_text;      /* members of text may be written to its columns and read from them, too */
    bm__as_text as_text; /* text alone */
    /* PostgreSQL's columns that a member of the type can be written to and read from: codec.h.
     * The last has OID 0. */
    const struct bm__pg_to *to;
    const struct bm__pg_from *from;
} bm__type_ops;

typedef struct bm__type_info {
    const char *name; /* as SQL knows it */
    size_t width;     /* of the C value; 0: variable */
    uint32_t oid;
    uint32_t array_oid;
    const bm__type_ops *ops;
} bm__type_info;

/* The row of a type; NULL for a number that is none. */
const bm__type_info *bm__type(bm_type type);

/* The first type of this OID; NULL where there is none. */
const bm__type_info *bm__type_of_oid(uint32_t oid);

/* Text without NUL, in UTF-8: all variable types but BYTEA. */
bool bm__type_is_text(bm_type type);
bool bm__type_is_integer(bm_type type);

/* BM_ARRAY, BM_ND_ARRAY. */
bool bm__is_array(bm_layout layout);

/* A cell of such a layout.  `n_dimensions` is at least 1, and `lengths` are set. */
bm_nd_array bm__load_array(bm_layout layout, const void *cell);

/* May a cell of this type stand in memory in this layout, `width` bytes wide? */
bool bm__type_fits(bm_type type, bm_layout layout, size_t width);

/* NULL, or why PostgreSQL has no such value: a time above 24:00.  Of fixed width; others: NULL. */
const char *bm__value_fault(bm_type type, const void *value);

/* As ops->parse, without the blanks around what is not text. */
const char *bm__value_parse(bm_type type, bm_slice text, char *room, void *value);

/* Room for the text of any type of fixed width. */
#define BM__PRINT_MAX 96

/* The text of a value of fixed width, NUL-terminated; its length. */
size_t bm__value_print(bm_type type, const void *value, char out[BM__PRINT_MAX]);

#endif
