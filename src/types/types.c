#include "codec.h"

#define BM__TYPE(id_, ops_, name_, width_, oid_, array_oid_)                                       \
    extern const bm__type_ops bm__ops_##ops_;
#include "types.def"
#undef BM__TYPE

static const bm__type_info types[] = {
#define BM__TYPE(id_, ops_, name_, width_, oid_, array_oid_)                                       \
    [BM_##id_] = {name_, width_, oid_, array_oid_, &bm__ops_##ops_},
#include "types.def"
#undef BM__TYPE
};

_Static_assert(sizeof types / sizeof types[0] == BM__TYPE_COUNT, "types.def and bm_type differ");

const bm__type_info *bm__type(bm_type type)
{
    unsigned number = (unsigned)type;
    return number >= 1 && number < BM__TYPE_COUNT ? &types[number] : NULL;
}

const bm__type_info *bm__type_of_oid(uint32_t oid)
{
    for (unsigned type = 1; type < BM__TYPE_COUNT; type++) {
        if (types[type].oid == oid) {
            return &types[type];
        }
    }
    return NULL;
}

bool bm__type_is_text(bm_type type)
{
    const bm__type_info *info = bm__type(type);
    return info != NULL && info->width == 0 && type != BM_BYTEA;
}

bool bm__type_is_integer(bm_type type)
{
    return type == BM_INT2 || type == BM_INT4 || type == BM_INT8;
}

bool bm__is_array(bm_layout layout)
{
    return layout == BM_ARRAY || layout == BM_ND_ARRAY;
}

bm_nd_array bm__load_array(bm_layout layout, const void *cell)
{
    bm_nd_array array = {.n_dimensions = 0};
    if (layout == BM_ND_ARRAY) {
        memcpy(&array, cell, sizeof array);
    } else {
        memcpy(&array.elements, cell, sizeof array.elements);
    }
    if (array.n_dimensions == 0) {
        array.n_dimensions = 1;
        array.lengths[0] = array.elements.count;
    }
    return array;
}

bool bm__type_fits(bm_type type, bm_layout layout, size_t width)
{
    const bm__type_info *info = bm__type(type);
    if (info == NULL) {
        return false;
    }
    switch (layout) {
    case BM_FIXED:
        return info->width != 0 && width == info->width;
    case BM_CSTR:
        return bm__type_is_text(type) && width == sizeof(const char *);
    case BM_SLICE:
        return info->width == 0 && width == sizeof(bm_slice);
    case BM_CHARS:
        return bm__type_is_text(type) && width > 0;
    case BM_ARRAY:
        return width == sizeof(bm_array);
    case BM_ND_ARRAY:
        return width == sizeof(bm_nd_array);
    }
    return false;
}

const char *bm__value_fault(bm_type type, const void *value)
{
    const bm__type_info *info = bm__type(type);
    const bm__slot slot = {.to = {.oid = info->oid, .typmod = -1}, .codec = bm__type_codec(info)};
    const bm__cells cell = {.n = 1, .first = value};
    uint32_t size;
    size_t bad;
    return info->width != 0 ? bm__measure(&slot, &cell, &size, &bad) : NULL;
}

const bm__codec *bm__type_codec(const bm__type_info *info)
{
    const bm__pg_to *to = info->ops->to;
    while (to->oid != info->oid) {
        to++;
    }
    return to->codec;
}

const char *bm__value_parse(bm_type type, bm_slice text, char *room, void *value)
{
    const bm__type_info *info = bm__type(type);
    bool trims = info->width != 0 || type == BM_NUMERIC;
    while (trims && text.size > 0 && text.data[0] == ' ') {
        text.data++;
        text.size--;
    }
    while (trims && text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return info->ops->parse(text, room, value);
}

size_t bm__value_print(bm_type type, const void *value, char out[BM__PRINT_MAX])
{
    bm__sink sink = {out, BM__PRINT_MAX - 1, 0, false};
    bm__type(type)->ops->print(value, &sink);
    out[sink.size] = '\0';
    return sink.size;
}
