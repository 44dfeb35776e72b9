/* PostgreSQL's binary format, as an engine has it. */
#include "binary.h"
#include "postgresql.h"
#include "table.h"

#include <string.h>

static bm__pg_column_type type_of(const bm__table_column *column)
{
    return (bm__pg_column_type){.oid = column->oid,
                                .element = column->element,
                                .typmod = column->typmod,
                                .kind = column->kind,
                                .element_kind = column->element_kind};
}

static bm_status encode_plan(bm__member_form from, const bm__table_column *to, bool in_array,
                             bm__slot *out, bm_error *err)
{
    const bm__pg_column_type type = type_of(to);
    return bm__slot_resolve(from.type, from.layout, from.width, &type, in_array, out, err);
}

static void encode_helper(bm_type type, bm__slot *out)
{
    const bm__type_info *info = bm__type(type);
    const bm__pg_column_type to = {.oid = info->oid, .typmod = -1, .kind = 'b'};
    bm_error never = BM_ERROR;
    (void)bm__slot_resolve(type, BM_FIXED, info->width, &to, true, out, &never);
}

static bm_status decode_plan(bm__member_form to, const bm__table_column *from, bm__pg_reader *out,
                             bm_error *err)
{
    const bm__pg_column_type type = type_of(from);
    return bm__reader_resolve(to.type, to.layout, to.width, &type, out, err);
}

static bm__param count(uint64_t n, uint8_t room[8])
{
    bm__put64(room, n);
    return (bm__param){BM__OID_INT8, room, 8};
}

static bm__param text(const char *text)
{
    return (bm__param){BM__OID_TEXT, text, strlen(text)};
}

const bm__format bm__postgresql_format = {
    .encode_plan = encode_plan,
    .encode_helper = encode_helper,
    .decode_plan = decode_plan,
    .varies = bm__slot_varies,
    .check = bm__pg_check,
    .arrays = bm__pg_arrays,
    .value = bm__pg_value,
    .count = count,
    .text = text,
    .copy_header = {(const char *)bm__copy_header, BM__COPY_HEADER_SIZE},
    .copy_trailer = {(const char *)bm__copy_trailer, BM__COPY_TRAILER_SIZE},
    .copy_rows = bm__pg_copy_rows,
    .copy_read = bm__copy_read,
    .copy_context = bm__copy_context_row,
};
