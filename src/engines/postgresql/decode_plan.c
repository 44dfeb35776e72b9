/* From a server's column to a member: which bytes can be read, and what must be cast to text. */
#include "binary_block.h"

static bm__pg_read find(bm_type to, uint32_t oid)
{
    const bm__pg_from *from = bm__type(to)->ops->from;
    while (from->oid != 0 && from->oid != oid) {
        from++;
    }
    return from->read;
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
    bool label = read == NULL && kind == 'e' && bm__type(to)->ops->as_text != BM__NOT_AS_TEXT;
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
        bool text = bm__goes_as_text(reader->to, from->element);
        return refuse(reader, text ? BM_UNSUPPORTED : BM_INVALID, err);
    }
    return BM_OK;
}

bm_status bm__reader_resolve(bm_type to, bm_layout layout, size_t width,
                             const bm__pg_column_type *from, bm__pg_reader *out, bm_error *err)
{
    *out = (bm__pg_reader){.to = to, .layout = layout, .width = width, .from = *from};
    BM_TRY(bm__check_member(to, layout, width, err));
    if (bm__is_array(layout)) {
        return resolve_array(out, err);
    }
    out->read = find_element(to, from->oid, from->kind);
    if (out->read != NULL) {
        return BM_OK;
    }
    if (!bm__goes_as_text(to, from->oid)) {
        return refuse(out, BM_INVALID, err);
    }
    out->read = bm__read_text;
    out->as_text = true;
    return BM_OK;
}
