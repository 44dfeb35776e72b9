/* Text that is read here, as the server would, and sent in the bytes of its column's type. */
#include "codec.h"

static const bm__form forms[] = {
#define BM__FORM(name_, oid_) {#name_, oid_, bm__form_##name_, bm__print_##name_},
#include "forms.def"
#undef BM__FORM
    {"inet", BM__OID_INET, NULL, NULL},
    {"uuid", BM__OID_UUID, NULL, NULL},
};

const bm__form *bm__form_of(uint32_t oid)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (forms[i].oid == oid) {
            return &forms[i];
        }
    }
    return NULL;
}

#define BYTES_MAX 32 /* of a value of those types */

/* By way of the type's value. */
static const char *put_value(const bm__form *form, bm_slice text, bm__sink *out)
{
    const bm__type_info *info = bm__type_of_oid(form->oid);
    const bm__slot slot = {.to = {.oid = form->oid, .typmod = -1}, .codec = bm__type_codec(info)};
    _Alignas(8) char value[BM__CELL_MAX];
    const uint8_t state = BM_VALUE;
    const bm__cells cell = {.n = 1, .first = value, .nulls = &state};
    uint8_t bytes[4 + BYTES_MAX];
    uint8_t *end = bytes;
    uint32_t size = slot.codec->size;
    size_t unused;
    const char *fault = info->ops->parse(text, NULL, value);
    fault = fault != NULL ? fault : bm__measure(&slot, &cell, &size, &unused);
    if (fault == NULL) {
        slot.codec->write(&slot, &cell, &size, &end);
        bm__put(out, (const char *)bytes + 4, size);
    }
    return fault;
}

static const char *put_text(const bm__form *form, bm_slice text, bm__sink *out)
{
    if (text.data == NULL && text.size > 0) {
        return "is a NULL pointer: set the state to BM_NULL to write NULL";
    }
    text.data = text.data != NULL ? text.data : "";
    return form->read != NULL ? form->read(text, out) : put_value(form, text, out);
}

static const char *measure_form(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                size_t *bad)
{
    const bm__form *form = bm__form_of(slot->to.oid);
    for (size_t i = 0; i < cells->n; i++) {
        bm__sink count = {0};
        const char *fault = bm__is_null(cells, i) ? NULL : put_text(form, cells->slices[i], &count);
        sizes[i] = (uint32_t)count.size;
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

static void write_form(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                       uint8_t **out)
{
    const bm__form *form = bm__form_of(slot->to.oid);
    for (size_t i = 0; i < cells->n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(cells, i), sizes[i], &out[i]);
        if (to != NULL) { /* fitted before */
            bm__sink bytes = {(char *)to, sizes[i], 0, false};
            (void)put_text(form, cells->slices[i], &bytes);
        }
    }
}

const bm__codec bm__codec_form = {.measure = measure_form, .write = write_form};
