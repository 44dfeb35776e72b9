/*
 * text, varchar, char and labels, which all travel as text, as JSON does. text_recv takes what the
 * client encoding has; varchar_recv and bpchar_recv refuse what is longer than the column, except
 * blanks, which they cut off: src/backend/utils/adt/varchar.c.
 */
#include "text_type.h"

#include "utf8.h"

static const char no_pointer[] = "is a NULL pointer, which is no value";
static const char too_large[] = "is 1 GB or larger";
static const char too_long[] = "too long for its column";

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

/* The second look, at valid text of more bytes than the column has characters. */
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

static BM__ALWAYS_INLINE bm_slice bytes_of(const bm__slot *slot, const void *cell, bm_layout layout)
{
    if (layout == BM_CSTR) {
        bm_slice text = {NULL, 0};
        memcpy(&text.data, cell, sizeof text.data);
        text.size = text.data != NULL ? strlen(text.data) : 0;
        return text;
    }
    return bm__cell_bytes(layout, slot->width, cell);
}

static BM__ALWAYS_INLINE const char *data_of(const void *cell, bm_layout layout)
{
    const char *data = cell;
    if (layout != BM_CHARS) {
        memcpy(&data, cell, sizeof data); /* a bm_slice begins with its pointer */
    }
    return data;
}
_Static_assert(offsetof(bm_slice, data) == 0, "a bm_slice begins with its pointer");

/* Text is asked for so many cells before it is looked at, and the cells, which say where it stands,
 * so many before that.  Measured: a fifth of the time where rows are not in the cache. */
#define AHEAD 12
#define FAR_AHEAD 64

/* Cells at the addresses `at`, or, where there are none, `stride` bytes apart without states. */
typedef struct cells {
    const void *const *at;
    const char *first;
    ptrdiff_t stride;
} cells;

static BM__ALWAYS_INLINE const void *cell_at(const cells *all, size_t i, bm_layout layout)
{
    if (all->at != NULL) {
        return all->at[i];
    }
    const char *cell = all->first + (ptrdiff_t)i * all->stride;
    return layout == BM_CSTR && data_of(cell, layout) == NULL ? NULL : cell;
}

/* What is fetched may stand behind the last row: that is no access, so no pointer is made of it. */
static BM__ALWAYS_INLINE void fetch_ahead(const cells *all, size_t i, size_t n, bm_layout layout)
{
    if (all->at == NULL) {
        uintptr_t far =
            (uintptr_t)all->first + (uintptr_t)((ptrdiff_t)(i + FAR_AHEAD) * all->stride);
        __builtin_prefetch((const void *)far);
    }
    const void *ahead = i + AHEAD < n ? cell_at(all, i + AHEAD, layout) : NULL;
    if (layout != BM_CHARS && ahead != NULL) {
        __builtin_prefetch(data_of(ahead, layout));
    }
}

/* What is asked of every text of a column, looked up once. */
typedef struct demands {
    const bm__slot *slot;
    size_t limit;     /* bytes that fit without a second look */
    uint32_t version; /* bytes before the text */
} demands;

static demands demands_of(const bm__slot *slot)
{
    return (demands){slot, easy_size(slot), slot->to.oid == BM__OID_JSONB};
}

static BM__ALWAYS_INLINE const char *measure_one(const demands *asked, const void *cell,
                                                 uint32_t *size, bm_layout layout)
{
    bm_slice text = bytes_of(asked->slot, cell, layout);
    const char *fault = NULL;
    if (text.data == NULL) {
        fault = no_pointer;
    } else if (!bm__text_plain(text.data, text.size)) {
        fault = bm__text_fault(text.data, text.size);
    }
    if (fault == NULL && text.size > asked->limit) {
        fault = length_fault(asked->slot, text, asked->limit);
    }
    *size = (uint32_t)text.size + asked->version;
    return fault;
}

static BM__ALWAYS_INLINE const char *measure_text(const bm__slot *slot, cells all, size_t n,
                                                  uint32_t *sizes, size_t *bad, bm_layout layout)
{
    const demands asked = demands_of(slot);
    for (size_t i = 0; i < n; i++) {
        const void *cell = cell_at(&all, i, layout);
        if (cell == NULL) {
            sizes[i] = 0;
            continue;
        }
        fetch_ahead(&all, i, n, layout);
        const char *fault = measure_one(&asked, cell, &sizes[i], layout);
        if (fault != NULL) {
            *bad = i;
            return fault;
        }
    }
    return NULL;
}

/* Up to 32 bytes without a call; the two halves overlap where the size is odd. */
static BM__ALWAYS_INLINE void copy_bytes(uint8_t *to, const char *from, size_t size)
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

/* Length word and text; returns what stands behind them. */
static BM__ALWAYS_INLINE uint8_t *put_text(uint8_t *to, const void *cell, uint32_t size,
                                           uint32_t version, bm_layout layout)
{
    if (cell == NULL) {
        bm__put32(to, UINT32_MAX);
        return to + 4;
    }
    bm__put32(to, size);
    if (version != 0) {
        to[4] = JSONB_VERSION;
    }
    copy_bytes(to + 4 + version, data_of(cell, layout), size - version);
    return to + 4 + size;
}

static BM__ALWAYS_INLINE void write_text(const bm__slot *slot, cells all, size_t n,
                                         const uint32_t *sizes, uint8_t **out, bm_layout layout)
{
    const uint32_t version = slot->to.oid == BM__OID_JSONB;
    for (size_t i = 0; i < n; i++) {
        out[i] = put_text(out[i], cell_at(&all, i, layout), sizes[i], version, layout);
    }
}

/* Look at a text, find its row's place and write it, in one pass. */
static BM__ALWAYS_INLINE size_t place_text(const bm__slot *slot, bm__text_rows *rows,
                                           bm_layout layout)
{
    const demands asked = demands_of(slot);
    const cells all = {.first = rows->first, .stride = rows->stride};
    const size_t tail = rows->fixed - rows->lead - 4;
    uint8_t *at = rows->at;
    size_t i = 0;
    for (; i < rows->n; i++) {
        const void *cell = cell_at(&all, i, layout);
        uint32_t size = 0;
        fetch_ahead(&all, i, rows->n, layout);
        if (cell != NULL && rows->known != NULL) {
            size = rows->known[i];
        } else if (cell != NULL) {
            rows->fault = measure_one(&asked, cell, &size, layout);
        }
        rows->need = rows->fixed + size;
        if (rows->fault != NULL || rows->need > (size_t)(rows->end - at)) {
            break;
        }
        bm__put16(at, rows->n_fields);
        rows->begin[i] = at;
        at = put_text(at + rows->lead, cell, size, asked.version, layout);
        rows->behind[i] = at;
        at += tail;
    }
    rows->at = at;
    return i;
}

#define TEXT_CODEC(name_, layout_)                                                                 \
    static const char *measure_##name_(const bm__slot *slot, const void *const *at, size_t n,      \
                                       uint32_t *sizes, size_t *bad)                               \
    {                                                                                              \
        return measure_text(slot, (cells){.at = at}, n, sizes, bad, layout_);                      \
    }                                                                                              \
    static void write_##name_(const bm__slot *slot, const void *const *at, size_t n,               \
                              const uint32_t *sizes, uint8_t **out)                                \
    {                                                                                              \
        write_text(slot, (cells){.at = at}, n, sizes, out, layout_);                               \
    }                                                                                              \
    static const char *measure_even_##name_(const bm__slot *slot, const void *first,               \
                                            ptrdiff_t stride, size_t n, uint32_t *sizes,           \
                                            size_t *bad)                                           \
    {                                                                                              \
        cells all = {.first = first, .stride = stride};                                            \
        return measure_text(slot, all, n, sizes, bad, layout_);                                    \
    }                                                                                              \
    static void write_even_##name_(const bm__slot *slot, const void *first, ptrdiff_t stride,      \
                                   size_t n, const uint32_t *sizes, uint8_t **out)                 \
    {                                                                                              \
        cells all = {.first = first, .stride = stride};                                            \
        write_text(slot, all, n, sizes, out, layout_);                                             \
    }                                                                                              \
    static size_t place_##name_(const bm__slot *slot, bm__text_rows *rows)                         \
    {                                                                                              \
        return place_text(slot, rows, layout_);                                                    \
    }                                                                                              \
    static const bm__codec_even even_##name_ = {measure_even_##name_, write_even_##name_,          \
                                                place_##name_};                                    \
    const bm__codec bm__codec_##name_ = {measure_##name_, write_##name_, NULL}

TEXT_CODEC(cstr, BM_CSTR);
TEXT_CODEC(slice, BM_SLICE);
TEXT_CODEC(chars, BM_CHARS);

const bm__codec_even *bm__codec_even_of(const bm__codec *codec)
{
    return codec == &bm__codec_cstr    ? &even_cstr
           : codec == &bm__codec_slice ? &even_slice
           : codec == &bm__codec_chars ? &even_chars
                                       : NULL;
}

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
        return "there is no memory for it";
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
        return "jsonb of an unknown version";
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
TEXT_OPS(text, BM__AS_UNKNOWN, bm__json_to, bm__json_from, bm__text_compare);
TEXT_OPS(varchar, BM__AS_UNKNOWN, to_texts, from_texts, bm__text_compare);
TEXT_OPS(char, BM__AS_UNKNOWN, to_texts, from_texts, compare_char);
TEXT_OPS(enum, BM__AS_ANY, bm__json_to, bm__json_from, bm__text_compare);
