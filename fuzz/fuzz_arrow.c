/* Arrow streams: whatever formats and values a producer gives, rows or an error come of it, and no
 * byte outside of the buffers is read.  The lengths that the C data interface trusts are right. */
#include "arrow_rows.h"

#include "codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const formats[] = {
    "n",       "b",      "c",        "C",   "s",   "S",    "i",   "I",           "l",
    "L",       "f",      "g",        "z",   "Z",   "vz",   "u",   "U",           "vu",
    "tdD",     "tdm",    "tts",      "ttm", "ttu", "ttn",  "tDs", "tDn",         "tsn:",
    "tsu:UTC", "d:20,5", "d:9,2,32", "w:0", "w:7", "tss:", "+l",  "d:76,-3,256", "d:18,9,64",
    "w:16",    "e",      "tiM",      "tiD", "tin",
};
static const char *const list_formats[] = {"+l", "+vl", "+w:2", "+w:0", "+L", "+vL", "+s"};
static const bm_type types[] = {BM_BOOL,   BM_INT2,      BM_INT4,        BM_INT8,  BM_FLOAT4,
                                BM_FLOAT8, BM_NUMERIC,   BM_TEXT,        BM_BYTEA, BM_DATE,
                                BM_TIME,   BM_TIMESTAMP, BM_TIMESTAMPTZ, BM_UUID,  BM_INTERVAL,
                                BM_INET,   BM_JSONB};

#define ROWS_MAX 15
#define OFFSET_MAX 3
#define VALUES_MAX ((ROWS_MAX + OFFSET_MAX + 1) * 32)
#define BYTES 64

/* One batch of one column, which may have a dictionary. */
typedef struct batch {
    struct ArrowArrayStream stream;
    struct ArrowSchema column, dictionary, *columns[1];
    struct ArrowSchema run_ends, encoded, *run_columns[2];
    struct ArrowArray array, words, ends, runs, *parts[2], *arrays[1];
    struct ArrowSchema lists[2], *list_columns[2][1];
    struct ArrowArray list_arrays[2], *list_parts[2][1];
    const void *list_buffers[2][3];
    int64_t bounds[2][2][ROWS_MAX + OFFSET_MAX + 1];
    size_t n_lists;
    const void *end_buffers[2];
    int32_t end[ROWS_MAX];
    const void *buffers[4], *word_buffers[4];
    uint8_t valid[2][8], values[2][VALUES_MAX], bytes[2][BYTES];
    int64_t sizes[2];
    bool read;
} batch;

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    batch *b = stream->private_data;
    *out = (struct ArrowSchema){
        .format = "+s", .n_children = 1, .children = b->columns, .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    batch *b = stream->private_data;
    *out = (struct ArrowArray){0};
    if (!b->read) {
        *out = (struct ArrowArray){.length = b->arrays[0]->length,
                                   .n_children = 1,
                                   .children = b->arrays,
                                   .release = release_array};
    }
    b->read = true;
    return 0;
}

/* Offsets that stay inside of the bytes: negative and falling ones are for the reader to find. */
static void clamp(uint8_t *values, size_t width)
{
    for (size_t i = 0; i + width <= VALUES_MAX; i += width) {
        int64_t offset = (int64_t)(values[i] % (BYTES + 2)) - 1;
        const int32_t four = (int32_t)offset;
        memcpy(values + i, width == 4 ? (const void *)&four : (const void *)&offset, width);
    }
}

static void fill(batch *b, int i, const char *format, struct ArrowArray *array,
                 const void **buffers)
{
    const bool views = format[0] == 'v';
    const bool bytes = views || strchr("uUzZ", format[0]) != NULL;
    if (bytes && !views) {
        clamp(b->values[i], strchr("uz", format[0]) != NULL ? 4 : 8);
    }
    b->sizes[i] = BYTES;
    buffers[0] = (b->valid[i][7] & 1) != 0 ? b->valid[i] : NULL;
    buffers[1] = b->values[i];
    buffers[2] = b->bytes[i];
    buffers[3] = &b->sizes[i];
    array->null_count = -1;
    array->n_buffers = views ? 4 : bytes ? 3 : format[0] == 'n' ? 0 : 2;
    array->buffers = buffers;
}

/* The column's values become those of runs, most of which ascend. */
static void encode_runs(batch *b, const uint8_t *data, size_t size)
{
    for (size_t i = 0; size > 0 && i < ROWS_MAX; i++) {
        b->end[i] = (i > 0 ? b->end[i - 1] : 0) + data[i % size] % 8 - (data[i % size] == 0);
    }
    b->run_ends.format = "i";
    b->run_columns[0] = &b->run_ends;
    b->run_columns[1] = &b->column;
    b->encoded = (struct ArrowSchema){
        .format = "+r", .name = "c", .n_children = 2, .children = b->run_columns};
    b->columns[0] = &b->encoded;
    b->end_buffers[1] = b->end;
    b->ends =
        (struct ArrowArray){.length = size % ROWS_MAX, .n_buffers = 2, .buffers = b->end_buffers};
    b->runs = (struct ArrowArray){.length = b->array.length,
                                  .offset = b->array.offset,
                                  .n_children = 2,
                                  .children = b->parts};
    b->array.length = ROWS_MAX;
    b->parts[0] = &b->ends;
    b->parts[1] = &b->array;
    b->arrays[0] = &b->runs;
}

/* The column's values become those of lists, whose bounds are mostly inside of it. */
static void put_in_lists(batch *b, size_t n, uint8_t choice, const uint8_t *data, size_t size)
{
    const size_t places = ROWS_MAX + OFFSET_MAX + 1;
    for (size_t i = 0; i < n; i++) {
        const char *format = list_formats[(choice + i) % (sizeof list_formats / sizeof(char *))];
        const bool wide = strchr(format, 'L') != NULL;
        for (size_t k = 0; size > 0 && k < 2 * places; k++) {
            int64_t bound = (int64_t)k % (int64_t)places / 2 + data[(k + i) % size] % 4 - 1;
            const int32_t four = (int32_t)bound;
            const size_t at = k % places * (wide ? 8 : 4);
            memcpy((char *)b->bounds[i][k / places] + at,
                   wide ? (const void *)&bound : (const void *)&four, wide ? 8 : 4);
        }
        b->list_columns[i][0] = b->columns[0];
        b->lists[i] = (struct ArrowSchema){
            .format = format, .name = "c", .n_children = 1, .children = b->list_columns[i]};
        b->columns[0] = &b->lists[i];
        b->list_buffers[i][0] = (b->valid[i][6] & 1) != 0 ? b->valid[i] : NULL;
        b->list_buffers[i][1] = b->bounds[i][0];
        b->list_buffers[i][2] = b->bounds[i][1];
        b->list_parts[i][0] = b->arrays[0];
        b->list_arrays[i] = (struct ArrowArray){.length = choice % 7,
                                                .offset = choice / 16 % (OFFSET_MAX + 1),
                                                .null_count = -1,
                                                .n_buffers = strchr("ws", format[1]) != NULL ? 1
                                                             : format[1] == 'v'              ? 3
                                                                                             : 2,
                                                .buffers = b->list_buffers[i],
                                                .n_children = 1,
                                                .children = b->list_parts[i]};
        b->arrays[0] = &b->list_arrays[i];
    }
    b->n_lists = n;
}

static void begin(batch *b, const uint8_t *choice, const uint8_t *data, size_t size)
{
    const size_t n_formats = sizeof formats / sizeof formats[0];
    for (size_t i = 0; size > 0 && i < sizeof b->valid; i++) {
        b->valid[i / 8][i % 8] = data[i % size];
    }
    for (size_t i = 0; size > 0 && i < sizeof b->values; i++) {
        b->values[i / VALUES_MAX][i % VALUES_MAX] = data[(i + 3) % size];
    }
    for (size_t i = 0; size > 0 && i < sizeof b->bytes; i++) {
        b->bytes[i / BYTES][i % BYTES] = data[(i + 5) % size];
    }
    b->stream = (struct ArrowArrayStream){get_schema, get_next, NULL, release_stream, b};
    b->column = (struct ArrowSchema){.format = formats[choice[0] % n_formats], .name = "c"};
    b->columns[0] = &b->column;
    b->arrays[0] = &b->array;
    b->array.length = choice[2] % (ROWS_MAX + 1);
    b->array.offset = choice[2] / 16 % (OFFSET_MAX + 1);
    fill(b, 0, b->column.format, &b->array, b->buffers);
    if ((choice[2] & 0x80) != 0) {
        b->dictionary.format = formats[choice[3] % n_formats];
        b->column.dictionary = &b->dictionary;
        b->array.dictionary = &b->words;
        b->words.length = choice[3] % (ROWS_MAX + 1);
        fill(b, 1, b->dictionary.format, &b->words, b->word_buffers);
    }
    if ((choice[2] & 0x40) != 0) {
        encode_runs(b, data, size);
    }
    put_in_lists(b, choice[1] / 64 % 3, choice[3], data, size);
}

/* Each byte of what was read is touched. */
static void touch(const bm__arrow_rows *rows, const char *row)
{
    const bm_field *field = &rows->model.fields[0];
    bm_array array = {row + field->offset, 1, NULL}; /* or the beginning of a bm_nd_array */
    unsigned sum = 0;
    size_t width;
    if (row[field->state_offset] != BM_VALUE) {
        return;
    }
    if (bm__is_array(field->layout)) {
        memcpy(&array, row + field->offset, sizeof array);
    }
    const bool slices = bm__element_layout(field->type, &width) == BM_SLICE;
    for (size_t i = 0; i < array.count * width; i++) {
        sum += ((const unsigned char *)array.data)[i];
    }
    for (size_t i = 0; slices && i < array.count; i++) {
        bm_slice slice;
        memcpy(&slice, (const char *)array.data + i * width, sizeof slice);
        bool null = array.states != NULL && array.states[i] != BM_VALUE;
        for (size_t k = 0; !null && k < slice.size; k++) {
            sum += (unsigned char)slice.data[k];
        }
    }
    if (sum == UINT32_MAX) {
        abort();
    }
}

static void read_all(batch *b, bm_type type, bool nested)
{
    bm_field field = {"c", type, BM_SLICE, 0, sizeof(bm_slice), BM_NO_STATE, 0};
    const size_t width = bm__type(type)->width;
    if (width > 0) {
        field.layout = BM_FIXED;
        field.width = width;
    }
    if (b->n_lists > 0 && type != BM_JSONB) {
        field.layout = nested ? BM_ND_ARRAY : BM_ARRAY;
        field.width = nested ? sizeof(bm_nd_array) : sizeof(bm_array);
    }
    const bm_model model = {sizeof(bm_model), "t", NULL, 0, &field, 1};
    bm_rows given = bm_arrow(&model, &b->stream);
    bm__arrow_rows rows = {0};
    bm_error err = BM_ERROR;
    bm_status status = bm__arrow_begin(&rows, &given, &err);
    size_t all = 0;
    size_t n = status == BM_OK;
    while (status == BM_OK && n > 0) {
        char *chunk = calloc(4, rows.model.row_size);
        if (chunk == NULL) {
            abort();
        }
        status = rows.source.next(rows.source.user, chunk, 4, &n, &err);
        for (size_t i = 0; status == BM_OK && i < n; i++) {
            touch(&rows, chunk + i * rows.model.row_size);
        }
        all += n;
        free(chunk);
    }
    if (status == BM_OK ? all != (size_t)b->arrays[0]->length : err.message[0] == '\0') {
        abort();
    }
    bm__arrow_end(&rows);
    if (b->stream.release != NULL) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    batch *b = calloc(1, sizeof *b);
    char *format = calloc(1, size);
    bm__arrow_type type;
    if (b == NULL || format == NULL) {
        abort();
    }
    memcpy(format, data + 4, size - 4);
    const struct ArrowSchema any = {.format = format, .name = "c"};
    (void)bm__arrow_type_of(&any, &type);
    begin(b, data, data + 4, size - 4);
    read_all(b, types[data[1] % 32 % (sizeof types / sizeof types[0])], (data[1] & 0x20) != 0);
    free(format);
    free(b);
    return 0;
}
