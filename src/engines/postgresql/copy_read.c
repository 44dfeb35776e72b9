/* The stream of a binary COPY TO, cut anywhere: PostgreSQL manual, COPY, "Binary Format". */
#include "binary_block.h"

#include <stdlib.h>

#define SIGNATURE_SIZE 11
#define CRITICAL_FLAGS 0xFFFF0000u /* unknown ones end the reading; bit 16 is OIDs, before 12 */
#define EXTENSION_MAX ((uint32_t)65536)

typedef enum found { WHOLE, CUT, WRONG } found;

static bm_status not_copy(bm_error *err)
{
    return bm__fail(err, BM_DATABASE, BM_STAGE_READ, "the server's bytes are not a binary COPY");
}

static found take_header(const uint8_t *at, size_t left, size_t *used)
{
    size_t known = left < SIGNATURE_SIZE ? left : SIGNATURE_SIZE;
    if (known > 0 && memcmp(at, bm__copy_header, known) != 0) {
        return WRONG;
    }
    if (left < BM__COPY_HEADER_SIZE) {
        return CUT;
    }
    uint32_t extension = bm__get32(at + 15);
    if ((bm__get32(at + 11) & CRITICAL_FLAGS) != 0 || extension > EXTENSION_MAX) {
        return WRONG;
    }
    *used = BM__COPY_HEADER_SIZE + (size_t)extension;
    return left < *used ? CUT : WHOLE;
}

/* A tuple behind its number of fields. */
static found take_fields(const uint8_t *at, size_t left, bm__cell *cells, size_t n, size_t *used)
{
    size_t read = 0;
    for (size_t i = 0; i < n; i++) {
        if (left - read < 4) {
            return CUT;
        }
        uint32_t size = bm__get32(at + read);
        read += 4;
        cells[i].kind = BM__CELL_NULL;
        if (size == UINT32_MAX) {
            continue;
        }
        if (size > BM__VALUE_MAX) {
            return WRONG;
        }
        if (left - read < size) {
            return CUT;
        }
        cells[i].kind = BM__CELL_BYTES;
        cells[i].data = at + read;
        cells[i].size = size;
        read += size;
    }
    *used = read;
    return WHOLE;
}

typedef struct sink {
    bm_status (*tuple)(void *context, const bm__cell *cells, size_t n, bm_error *err);
    void *context;
} sink;

/* Take what is whole; *used is how many bytes that was. */
static bm_status take(bm__copy_reader *reader, const uint8_t *at, size_t left, size_t *used,
                      const sink *out, bm_error *err)
{
    *used = 0;
    while (left - *used > 0) {
        const uint8_t *next = at + *used;
        size_t rest = left - *used;
        size_t step = 0;
        found what = CUT;
        if (reader->ended) {
            return not_copy(err);
        }
        if (!reader->begun) {
            what = take_header(next, rest, &step);
            reader->begun = what == WHOLE;
        } else if (rest >= 2 && bm__get16(next) == UINT16_MAX) {
            reader->ended = true;
            step = 2;
            what = WHOLE;
        } else if (rest >= 2) {
            if (bm__get16(next) != reader->n_fields) {
                return not_copy(err);
            }
            what = take_fields(next + 2, rest - 2, reader->cells, reader->n_fields, &step);
            step += 2;
            if (what == WHOLE) {
                BM_TRY(out->tuple(out->context, reader->cells, reader->n_fields, err));
            }
        }
        if (what != WHOLE) {
            return what == CUT ? BM_OK : not_copy(err);
        }
        *used += step;
    }
    return BM_OK;
}

static bm_status make_cells(bm__copy_reader *reader, bm_error *err)
{
    if (reader->cells == NULL) {
        reader->cells = calloc(reader->n_fields > 0 ? reader->n_fields : 1, sizeof(bm__cell));
    }
    return reader->cells != NULL ? BM_OK : bm__no_memory(err);
}

bm_status bm__copy_read(bm__copy_reader *reader, const uint8_t *bytes, size_t size,
                        bm_status (*tuple)(void *context, const bm__cell *cells, size_t n,
                                           bm_error *err),
                        void *context, bm_error *err)
{
    const sink out = {tuple, context};
    size_t used;
    if (size == 0) {
        return BM_OK;
    }
    BM_TRY(make_cells(reader, err));
    bm__buffer *pending = &reader->pending;
    if (pending->size == 0) {
        BM_TRY(take(reader, bytes, size, &used, &out, err));
        return bm__buffer_append(pending, bytes + used, size - used, err);
    }
    BM_TRY(bm__buffer_append(pending, bytes, size, err));
    BM_TRY(take(reader, pending->data, pending->size, &used, &out, err));
    memmove(pending->data, pending->data + used, pending->size - used);
    pending->size -= used;
    return BM_OK;
}
