/* From a member's type to a server's column: which codec, if any. */
#include "codec.h"

#include <stdio.h>

/* What a member of these types may go to, and the codec for each layout. */
typedef struct route {
    unsigned from; /* a set of bm_type */
    uint32_t oid;
    const bm__codec *codec[BM_ARRAY];
} route;

#define FIXED(name_)                                                                               \
    {                                                                                              \
        [BM_FIXED] = &bm__codec_##name_                                                            \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        [BM_CSTR] = &bm__codec_cstr, [BM_SLICE] = &bm__codec_slice, [BM_CHARS] = &bm__codec_chars  \
    }
#define NUMERIC                                                                                    \
    {                                                                                              \
        [BM_CSTR] = &bm__codec_numeric, [BM_SLICE] = &bm__codec_numeric,                           \
        [BM_CHARS] = &bm__codec_numeric                                                            \
    }

static const route routes[] = {
    {BM__TYPES(BM_BOOL), BM__OID_BOOL, FIXED(boolean)},
    {BM__TYPES(BM_INT2), BM__OID_INT2, FIXED(int_2_2)},
    {BM__TYPES(BM_INT2), BM__OID_INT4, FIXED(int_2_4)},
    {BM__TYPES(BM_INT2), BM__OID_INT8, FIXED(int_2_8)},
    {BM__TYPES(BM_INT4), BM__OID_INT2, FIXED(int_4_2)},
    {BM__TYPES(BM_INT4), BM__OID_INT4, FIXED(int_4_4)},
    {BM__TYPES(BM_INT4), BM__OID_INT8, FIXED(int_4_8)},
    {BM__TYPES(BM_INT8), BM__OID_INT2, FIXED(int_8_2)},
    {BM__TYPES(BM_INT8), BM__OID_INT4, FIXED(int_8_4)},
    {BM__TYPES(BM_INT8), BM__OID_INT8, FIXED(int_8_8)},
    {BM__TYPES(BM_INT2) | BM__TYPES(BM_INT4) | BM__TYPES(BM_INT8), BM__OID_NUMERIC,
     FIXED(int_numeric)},
    {BM__TYPES(BM_FLOAT4), BM__OID_FLOAT4, FIXED(float_4_4)},
    {BM__TYPES(BM_FLOAT4), BM__OID_FLOAT8, FIXED(float_4_8)},
    {BM__TYPES(BM_FLOAT8), BM__OID_FLOAT4, FIXED(float_8_4)},
    {BM__TYPES(BM_FLOAT8), BM__OID_FLOAT8, FIXED(float_8_8)},
    {BM__TYPES(BM_NUMERIC), BM__OID_NUMERIC, NUMERIC},
    {BM__ALL_TEXTS, BM__OID_TEXT, TEXT},
    {BM__ALL_TEXTS, BM__OID_VARCHAR, TEXT},
    {BM__ALL_TEXTS, BM__OID_BPCHAR, TEXT},
    {BM__ALL_TEXTS, BM__OID_NAME, TEXT},
    {BM__JSON_TEXTS, BM__OID_JSON, TEXT},
    {BM__JSON_TEXTS, BM__OID_JSONB, TEXT},
    {BM__TYPES(BM_BYTEA), BM__OID_BYTEA, {[BM_SLICE] = &bm__codec_bytea}},
    {BM__TYPES(BM_DATE), BM__OID_DATE, FIXED(date)},
    {BM__TYPES(BM_TIME), BM__OID_TIME, FIXED(time)},
    {BM__TYPES(BM_TIMESTAMP), BM__OID_TIMESTAMP, FIXED(timestamp)},
    {BM__TYPES(BM_TIMESTAMPTZ), BM__OID_TIMESTAMPTZ, FIXED(timestamp)},
    {BM__TYPES(BM_UUID), BM__OID_UUID, FIXED(uuid)},
};

/* Any text of a label or of a type that is not known here. */
static const bm__codec *const text_codec[BM_ARRAY] = TEXT;

static const bm__codec *find(bm_type from, bm_layout layout, uint32_t oid)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (routes[i].oid == oid && BM__HAS_TYPE(routes[i].from, from)) {
            return routes[i].codec[layout];
        }
    }
    return NULL;
}

const char *bm__oid_name(uint32_t oid)
{
    if (oid == BM__OID_NAME) {
        return "name";
    }
    for (unsigned type = BM_BOOL; type < BM_ENUM; type++) {
        const bm__type_info *info = bm__type((bm_type)type);
        if (info->oid == oid) {
            return info->name;
        }
    }
    return NULL;
}

void bm__member_name(bm_type type, bm_layout layout, char out[BM__TYPE_NAME_MAX])
{
    const bm__type_info *info = bm__type(type);
    const char *name = info == NULL ? "no type" : type == BM_ENUM ? "enum" : info->name;
    snprintf(out, BM__TYPE_NAME_MAX, "%s%s", name, layout == BM_ARRAY ? "[]" : "");
}

void bm__server_name(const bm__pg_column_type *type, char out[BM__TYPE_NAME_MAX])
{
    uint32_t oid = type->element != 0 ? type->element : type->oid;
    const char *array = type->element != 0 ? "[]" : "";
    const char *name = bm__oid_name(oid);
    if (name != NULL) {
        snprintf(out, BM__TYPE_NAME_MAX, "%s%s", name, array);
    } else {
        snprintf(out, BM__TYPE_NAME_MAX, "type %lu%s", (unsigned long)oid, array);
    }
}

static bm_status refuse(const bm__slot *slot, bm_status status, bm_error *err)
{
    char member[BM__TYPE_NAME_MAX];
    char column[BM__TYPE_NAME_MAX];
    bm__member_name(slot->from, slot->layout, member);
    bm__server_name(&slot->to, column);
    return bm__fail(err, status, BM_STAGE_CHECK,
                    status == BM_INVALID ? "a member of type %s cannot go to a column of type %s"
                                         : "COPY has no bytes from %s for a column of type %s",
                    member, column);
}

/* A member of text may go, as text, to what is not known here; BM_ENUM to everything. */
static bool goes_as_text(bm_type from, const bm__pg_column_type *to)
{
    return from == BM_ENUM ||
           (BM__HAS_TYPE(BM__PLAIN_TEXTS, from) && bm__oid_name(to->oid) == NULL);
}

static void send_text(bm__slot *slot, const bm__codec *codec)
{
    slot->codec = codec;
    slot->oid = BM__OID_TEXT;
    slot->type = "text";
    slot->as_text = true;
}

static bm_status resolve_array(bm__slot *slot, bool in_array, bm_error *err)
{
    if (slot->to.element == 0) {
        return refuse(slot, BM_INVALID, err);
    }
    size_t width;
    bm_layout layout = bm__element_layout(slot->from, &width);
    bm__pg_column_type to = slot->to;
    to.oid = to.element;
    to.element = 0;
    to.kind = to.element_kind;
    bm__slot element;
    bm_error ignored = BM_ERROR;
    bm_status status =
        bm__slot_resolve(slot->from, layout, width, &to, in_array, &element, &ignored);
    /* array_recv wants the domain's own OID, which is not known here. */
    if (status == BM_OK && !in_array && to.kind == 'd') {
        status = BM_UNSUPPORTED;
    }
    if (status != BM_OK) {
        return refuse(slot, status, err);
    }
    slot->element_codec = element.codec;
    if (in_array) {
        send_text(slot, &bm__codec_array_text);
    } else {
        slot->codec = &bm__codec_array;
        slot->oid = slot->to.oid;
    }
    return BM_OK;
}

bm_status bm__slot_resolve(bm_type from, bm_layout layout, size_t width,
                           const bm__pg_column_type *to, bool in_array, bm__slot *out,
                           bm_error *err)
{
    *out = (bm__slot){.from = from, .layout = layout, .width = width, .to = *to, .type = "text"};
    if (!bm__type_fits(from, layout, width)) {
        char member[BM__TYPE_NAME_MAX];
        bm__member_name(from, layout, member);
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "a value of type %s does not stand in such a member", member);
    }
    if (layout == BM_ARRAY) {
        return resolve_array(out, in_array, err);
    }
    const bm__codec *codec = find(from, layout, to->oid);
    if (codec != NULL) {
        out->codec = codec;
        out->oid = to->oid;
        out->type = bm__oid_name(to->oid);
        return BM_OK;
    }
    if (!goes_as_text(from, to)) {
        return refuse(out, BM_INVALID, err);
    }
    send_text(out, text_codec[layout]);
    if (to->kind == 'e' && !in_array) { /* enum_recv takes the label */
        out->oid = to->oid;
        out->as_text = false;
        return BM_OK;
    }
    return in_array ? BM_OK : refuse(out, BM_UNSUPPORTED, err);
}
