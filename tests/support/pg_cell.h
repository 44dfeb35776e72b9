/* One cell into PostgreSQL's bytes and back, for the tests of its codecs. */
#ifndef TEST_SUPPORT_PG_CELL_H
#define TEST_SUPPORT_PG_CELL_H

#include "binary.h"

#include <string.h>

/* OIDs: PostgreSQL, src/include/catalog/pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_INET = 869,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_OWN = 99999 /* a type of the user's */
};

typedef struct pg_case {
    bm_type type;
    bm_layout layout;
    size_t width;
    bm__pg_column_type column;
} pg_case;

static inline bm__pg_column_type plain_column(uint32_t oid)
{
    return (bm__pg_column_type){.oid = oid, .typmod = -1, .kind = 'b'};
}

static inline bm__pg_column_type array_column(uint32_t oid, uint32_t element)
{
    return (bm__pg_column_type){
        .oid = oid, .element = element, .typmod = -1, .kind = 'b', .element_kind = 'b'};
}

/* The value's bytes, without a length word, for a COPY or (in_array) a parameter. */
static inline bm_status encode_cell(const pg_case *how, bool in_array, const void *cell,
                                    bm__buffer *out, bm_error *err)
{
    bm__slot slot;
    *err = BM_ERROR;
    out->size = 0;
    bm_status status =
        bm__slot_resolve(how->type, how->layout, how->width, &how->column, in_array, &slot, err);
    return status != BM_OK ? status : bm__pg_value(&slot, cell, "c", out, err);
}

/* NULL, or why the bytes are no value for the member. */
static inline const char *decode_cell(const pg_case *how, const void *data, size_t size,
                                      void *member, bm__arena *arena)
{
    bm__pg_reader reader;
    bm_error err = BM_ERROR;
    if (bm__reader_resolve(how->type, how->layout, how->width, &how->column, &reader, &err) !=
        BM_OK) {
        return "no reader";
    }
    return reader.read(&reader, data, size, member, arena);
}

/* A text member of layout BM_CSTR for a column. */
static inline pg_case cstr_case(bm_type type, uint32_t oid)
{
    return (pg_case){type, BM_CSTR, sizeof(const char *), plain_column(oid)};
}

static inline pg_case slice_case(bm_type type, uint32_t oid)
{
    return (pg_case){type, BM_SLICE, sizeof(bm_slice), plain_column(oid)};
}

static inline pg_case fixed_case(bm_type type, size_t width, uint32_t oid)
{
    return (pg_case){type, BM_FIXED, width, plain_column(oid)};
}

#endif
