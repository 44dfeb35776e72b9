/* From a member's type to a server's column: which codec, if any. */
#include "binary_block.h"

#include <stdio.h>

static const bm__codec *find(bm_type from, uint32_t oid)
{
    const bm__pg_to *to = bm__type(from)->ops->to;
    while (to->oid != 0 && to->oid != oid) {
        to++;
    }
    return to->codec;
}

const char *bm__oid_name(uint32_t oid)
{
    const bm__type_info *info = bm__type_of_oid(oid);
    const bm__form *form = bm__form_of(oid);
    return info != NULL          ? info->name
           : form != NULL        ? form->name
           : oid == BM__OID_NAME ? "name"
                                 : NULL;
}

bool bm__goes_as_text(bm_type member, uint32_t oid)
{
    const bm__type_info *info = bm__type_of_oid(oid);
    bool takes = info != NULL ? info->ops->from_text : oid != BM__OID_NAME;
    bm__as_text how = bm__type(member)->ops->as_text;
    return how == BM__AS_ANY || (how == BM__AS_WRITTEN && oid != BM__OID_BYTEA) ||
           (how == BM__AS_UNKNOWN && takes);
}

void bm__member_name(bm_type type, bm_layout layout, char out[BM__TYPE_NAME_MAX])
{
    const bm__type_info *info = bm__type(type);
    const char *name = info == NULL ? "no type" : type == BM_ENUM ? "enum" : info->name;
    snprintf(out, BM__TYPE_NAME_MAX, "%s%s", name, bm__is_array(layout) ? "[]" : "");
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

bm_status bm__check_member(bm_type type, bm_layout layout, size_t width, bm_error *err)
{
    char member[BM__TYPE_NAME_MAX];
    if (bm__type_fits(type, layout, width)) {
        return BM_OK;
    }
    bm__member_name(type, layout, member);
    return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                    "a value of type %s does not fit the layout and width of its member", member);
}

static bm_status refuse(const bm__slot *slot, bm_status status, bm_error *err)
{
    char member[BM__TYPE_NAME_MAX];
    char column[BM__TYPE_NAME_MAX];
    bm__member_name(slot->from, slot->layout, member);
    bm__server_name(&slot->to, column);
    return bm__fail(err, status, BM_STAGE_CHECK,
                    "%s cannot write a member of type %s to a column of type %s",
                    status == BM_INVALID ? "bulkmodel" : "COPY", member, column);
}

static void send_text(bm__slot *slot, const bm__codec *codec)
{
    slot->codec = codec;
    slot->oid = BM__OID_TEXT;
    slot->type = "text";
    slot->is_text = true;
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
    BM_TRY(bm__check_member(from, layout, width, err));
    if (bm__is_array(layout)) {
        return resolve_array(out, in_array, err);
    }
    const bm__codec *codec = find(from, to->oid);
    if (codec != NULL) {
        out->codec = codec;
        out->oid = to->oid;
        out->type = bm__oid_name(to->oid);
        out->is_text = to->oid == BM__OID_TEXT || to->oid == BM__OID_VARCHAR;
        return BM_OK;
    }
    if (!bm__goes_as_text(from, to->oid)) {
        return refuse(out, BM_INVALID, err);
    }
    if (bm__form_of(to->oid) != NULL) {
        out->codec = &bm__codec_form;
        out->oid = to->oid;
        out->type = bm__form_of(to->oid)->name;
        return BM_OK;
    }
    send_text(out, &bm__codec_text);
    if (to->kind == 'e' && !in_array) { /* its bytes are its text: enum_recv, textrecv */
        out->oid = to->oid;
        out->is_text = false;
        out->as_text = false;
        return BM_OK;
    }
    return in_array ? BM_OK : refuse(out, BM_UNSUPPORTED, err);
}
