/* From a server's column to a member: which bytes can be read, and what must be cast to text. */
#include "codec.h"

typedef struct route {
    unsigned to; /* a set of bm_type */
    uint32_t oid;
    bm__pg_read read;
} route;

#define INTEGERS (BM__TYPES(BM_INT2) | BM__TYPES(BM_INT4) | BM__TYPES(BM_INT8))
#define FLOATS (BM__TYPES(BM_FLOAT4) | BM__TYPES(BM_FLOAT8))

static const route routes[] = {
    {BM__TYPES(BM_BOOL), BM__OID_BOOL, bm__read_bool},
    {INTEGERS, BM__OID_INT2, bm__read_int},
    {INTEGERS, BM__OID_INT4, bm__read_int},
    {INTEGERS, BM__OID_INT8, bm__read_int},
    {FLOATS, BM__OID_FLOAT4, bm__read_float},
    {FLOATS, BM__OID_FLOAT8, bm__read_float},
    {BM__TYPES(BM_NUMERIC), BM__OID_NUMERIC, bm__read_numeric},
    {BM__ALL_TEXTS, BM__OID_TEXT, bm__read_text},
    {BM__ALL_TEXTS, BM__OID_VARCHAR, bm__read_text},
    {BM__ALL_TEXTS, BM__OID_BPCHAR, bm__read_text},
    {BM__ALL_TEXTS, BM__OID_NAME, bm__read_text},
    {BM__JSON_TEXTS, BM__OID_JSON, bm__read_text},
    {BM__JSON_TEXTS, BM__OID_JSONB, bm__read_jsonb},
    {BM__TYPES(BM_BYTEA), BM__OID_BYTEA, bm__read_bytea},
    {BM__TYPES(BM_DATE), BM__OID_DATE, bm__read_date},
    {BM__TYPES(BM_TIME), BM__OID_TIME, bm__read_time},
    {BM__TYPES(BM_TIMESTAMP), BM__OID_TIMESTAMP, bm__read_timestamp},
    {BM__TYPES(BM_TIMESTAMPTZ), BM__OID_TIMESTAMPTZ, bm__read_timestamp},
    {BM__TYPES(BM_UUID), BM__OID_UUID, bm__read_uuid},
};

static bm__pg_read find(bm_type to, uint32_t oid)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (routes[i].oid == oid && BM__HAS_TYPE(routes[i].to, to)) {
            return routes[i].read;
        }
    }
    return NULL;
}

static bm_status refuse(const bm__pg_reader *reader, bm_status status, bm_error *err)
{
    char member[BM__TYPE_NAME_MAX];
    char column[BM__TYPE_NAME_MAX];
    bm__member_name(reader->to, reader->layout, member);
    bm__server_name(&reader->from, column);
    return bm__fail(err, status, BM_STAGE_CHECK,
                    "a column of type %s cannot be read into a member of type %s", column, member);
}

/* A label is its own text in binary, and in a binary array. */
static bm__pg_read find_element(bm_type to, uint32_t oid, char kind)
{
    bm__pg_read read = find(to, oid);
    bool label = read == NULL && kind == 'e' && BM__HAS_TYPE(BM__PLAIN_TEXTS, to);
    return label ? bm__read_text : read;
}

static bm_status resolve_array(bm__pg_reader *reader, bm_error *err)
{
    const bm__pg_column_type *from = &reader->from;
    reader->read = bm__read_array;
    reader->element_read = find_element(reader->to, from->element, from->element_kind);
    if (from->element == 0) {
        return refuse(reader, BM_INVALID, err);
    }
    if (reader->element_read == NULL) {
        /* A cast to text would give a literal, whose elements are not taken apart here. */
        bool text = reader->to == BM_ENUM || (BM__HAS_TYPE(BM__PLAIN_TEXTS, reader->to) &&
                                              bm__oid_name(from->element) == NULL);
        return refuse(reader, text ? BM_UNSUPPORTED : BM_INVALID, err);
    }
    return BM_OK;
}

bm_status bm__reader_resolve(bm_type to, bm_layout layout, size_t width,
                             const bm__pg_column_type *from, bm__pg_reader *out, bm_error *err)
{
    *out = (bm__pg_reader){.to = to, .layout = layout, .width = width, .from = *from};
    if (!bm__type_fits(to, layout, width)) {
        char member[BM__TYPE_NAME_MAX];
        bm__member_name(to, layout, member);
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a value of type %s does not stand in such a member", member);
    }
    if (layout == BM_ARRAY) {
        return resolve_array(out, err);
    }
    out->read = find_element(to, from->oid, from->kind);
    if (out->read == bm__read_int) {
        out->read = bm__int_reader(from->oid, width);
    }
    if (out->read != NULL) {
        return BM_OK;
    }
    bool text =
        to == BM_ENUM || (BM__HAS_TYPE(BM__PLAIN_TEXTS, to) && bm__oid_name(from->oid) == NULL);
    if (!text) {
        return refuse(out, BM_INVALID, err);
    }
    out->read = bm__read_text;
    out->as_text = true;
    return BM_OK;
}
