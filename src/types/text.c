/*
 * text, varchar, char and labels, which all travel as text, as JSON does. text_recv takes what the
 * client encoding has; varchar_recv and bpchar_recv refuse what is longer than the column, except
 * blanks, which they cut off: src/backend/utils/adt/varchar.c.
 */
#include "text_type.h"

#include "utf8.h"

static const char no_pointer[] =
    "a NULL pointer is not a value: set the state to BM_NULL to write NULL";
static const char too_large[] = "the value is 1 GB or larger";
static const char too_long[] = "the value is too long for its column";

#define JSONB_VERSION 1             /* jsonb_recv wants it before the text: jsonb.c */
#define NAME_MAX_BYTES ((size_t)63) /* NAMEDATALEN - 1 */

/* Bytes that fit without a second look. */
static size_t easy_size(const bm__slot *slot)
{
    uint32_t oid = slot->to.oid;
    if (oid == BM__OID_NAME) {
        return NAME_MAX_BYTES;
    }
    if ((oid == BM__OID_VARCHAR || oid == BM__OID_CHAR) && slot->to.typmod >= 4) {
        return (size_t)slot->to.typmod - 4;
    }
    return BM__VALUE_MAX - 1;
}

/* At valid text of more bytes than the column has characters. */
static const char *length_fault(const bm__slot *slot, bm_slice text, size_t limit)
{
    if (text.size >= BM__VALUE_MAX) {
        return too_large;
    }
    if (slot->to.oid == BM__OID_NAME) {
        return too_long;
    }
    size_t end = text.size;
    while (end > 0 && text.data[end - 1] == ' ') {
        end--;
    }
    return bm__text_length(text.data, end) > limit ? too_long : NULL;
}

/* The second look. */
static const char *text_fault(const bm__slot *slot, bm_slice text, size_t limit)
{
    if (text.data == NULL) {
        return text.size > 0 ? no_pointer : NULL;
    }
    const char *fault = bm__text_fault(text.data, text.size);
    return fault == NULL && text.size > limit ? length_fault(slot, text, limit) : fault;
}

static const char *measure_text(const bm__slot *slot, const bm__cells *cells, uint32_t *sizes,
                                size_t *bad)
{
    const size_t limit = easy_size(slot);
    const size_t easy = limit < BM__TEXT_PLAIN ? limit : BM__TEXT_PLAIN;
    const uint32_t version = slot->to.oid == BM__OID_JSONB;
    const bm__cells all = *cells;
    for (size_t i = 0; i < all.n; i++) {
        const bm_slice text = all.slices[i];
        if (bm__is_null(&all, i)) {
            sizes[i] = 0;
            continue;
        }
        sizes[i] = (uint32_t)text.size + version;
        if (text.size <= easy && text.data != NULL && bm__text_plain(text.data, text.size)) {
            continue;
        }
        const char *fault = text_fault(slot, text, limit);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

/* Up to 32 bytes without a call; the two halves overlap where the size is odd. */
static inline void copy_bytes(uint8_t *to, const char *from, size_t size)
{
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else {
        for (size_t i = 0; i < size; i++) {
            to[i] = (uint8_t)from[i];
        }
    }
}

static void write_text(const bm__slot *slot, const bm__cells *cells, const uint32_t *sizes,
                       uint8_t **out)
{
    const uint32_t version = slot->to.oid == BM__OID_JSONB;
    const bm__cells all = *cells;
    for (size_t i = 0; i < all.n; i++) {
        uint8_t *to = bm__put_length(bm__is_null(&all, i), sizes[i], &out[i]);
        if (to == NULL) {
            continue;
        }
        if (version != 0) {
            *to = JSONB_VERSION;
        }
        copy_bytes(to + version, all.slices[i].data, sizes[i] - version);
    }
}

const bm__codec bm__codec_text = {
    .measure = measure_text, .write = write_text, .from_address = true};

/* ---- decode */

const char *bm__store_bytes(const bm__pg_reader *reader, const void *data, size_t size,
                            void *member, bm__arena *arena)
{
    if (reader->layout == BM_CHARS) {
        if (size > reader->width) {
            return "too long for its member";
        }
        if (size > 0) {
            memcpy(member, data, size);
        }
        memset((char *)member + size, 0, reader->width - size);
        return NULL;
    }
    bm_slice text = {bm__arena_copy(arena, data, size), size};
    if (text.data == NULL) {
        return "out of memory";
    }
    if (reader->layout == BM_SLICE) {
        memcpy(member, &text, sizeof text);
    } else {
        memcpy(member, &text.data, sizeof text.data);
    }
    return NULL;
}

const char *bm__read_text(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                          void *member, bm__arena *arena)
{
    const char *text = (const char *)data;
    const char *fault = bm__text_plain(text, size) ? NULL : bm__text_fault(text, size);
    return fault != NULL ? fault : bm__store_bytes(reader, data, size, member, arena);
}

/* ---- text, order */

const char *bm__text_parse(bm_slice text, char *room, void *value)
{
    (void)room;
    const char *fault = bm__text_fault(text.data, text.size);
    if (fault != NULL) {
        return fault;
    }
    memcpy(value, &text, sizeof text);
    return NULL;
}

void bm__text_print(const void *value, bm__sink *out)
{
    bm_slice text;
    memcpy(&text, value, sizeof text);
    bm__put(out, text.data, text.size);
}

static int compare_bytes(bm_slice a, bm_slice b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int c = n > 0 ? memcmp(a.data, b.data, n) : 0;
    return c != 0 ? c : (a.size > b.size) - (a.size < b.size);
}

int bm__text_compare(const void *a, const void *b)
{
    bm_slice x;
    bm_slice y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return compare_bytes(x, y);
}

/* bpchar: the blanks at the end do not count. */
static bm_slice without_blanks(const void *value)
{
    bm_slice text;
    memcpy(&text, value, sizeof text);
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

static int compare_char(const void *a, const void *b)
{
    return compare_bytes(without_blanks(a), without_blanks(b));
}

/* ---- columns: all of text; and JSON's two, where text, labels and JSON may go */

static const char *read_jsonb(const bm__pg_reader *reader, const uint8_t *data, size_t size,
                              void *member, bm__arena *arena)
{
    if (size < 1 || data[0] != JSONB_VERSION) {
        return "the version of the jsonb format is unknown";
    }
    return bm__read_text(reader, data + 1, size - 1, member, arena);
}

const bm__pg_to bm__json_to[] = {{BM__OID_TEXT, BM__TEXT},
                                 {BM__OID_VARCHAR, BM__TEXT},
                                 {BM__OID_CHAR, BM__TEXT},
                                 {BM__OID_NAME, BM__TEXT},
                                 {BM__OID_JSON, BM__TEXT},
                                 {BM__OID_JSONB, BM__TEXT},
                                 {0}};
const bm__pg_from bm__json_from[] = {{BM__OID_TEXT, bm__read_text},
                                     {BM__OID_VARCHAR, bm__read_text},
                                     {BM__OID_CHAR, bm__read_text},
                                     {BM__OID_NAME, bm__read_text},
                                     {BM__OID_JSON, bm__read_text},
                                     {BM__OID_JSONB, read_jsonb},
                                     {0}};

static const bm__pg_to to_texts[] = {{BM__OID_TEXT, BM__TEXT},
                                     {BM__OID_VARCHAR, BM__TEXT},
                                     {BM__OID_CHAR, BM__TEXT},
                                     {BM__OID_NAME, BM__TEXT},
                                     {0}};
static const bm__pg_from from_texts[] = {{BM__OID_TEXT, bm__read_text},
                                         {BM__OID_VARCHAR, bm__read_text},
                                         {BM__OID_CHAR, bm__read_text},
                                         {BM__OID_NAME, bm__read_text},
                                         {0}};

#define TEXT_OPS(name_, as_text_, to_, from_, compare_)                                            \
    const bm__type_ops bm__ops_##name_ = {.parse = bm__text_parse,                                 \
                                          .print = bm__text_print,                                 \
                                          .compare = compare_,                                     \
                                          .as_text = as_text_,                                     \
                                          .to = to_,                                               \
                                          .from = from_}
TEXT_OPS(text, BM__AS_WRITTEN, bm__json_to, bm__json_from, bm__text_compare);
TEXT_OPS(varchar, BM__AS_UNKNOWN, to_texts, from_texts, bm__text_compare);
TEXT_OPS(char, BM__AS_UNKNOWN, to_texts, from_texts, compare_char);
TEXT_OPS(enum, BM__AS_ANY, bm__json_to, bm__json_from, bm__text_compare);
