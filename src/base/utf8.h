/* Text checks, on the hot path of every write. */
#ifndef BM_BASE_UTF8_H
#define BM_BASE_UTF8_H

#include "bulkmodel.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Eight, sixteen bytes that are all 1 .. 127. */
static inline bool bm__plain8(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return (((word - UINT64_C(0x0101010101010101)) | word) & UINT64_C(0x8080808080808080)) == 0;
}

static inline bool bm__plain16(const char *text)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    return _mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_setzero_si128())) == 0xFFFF;
#else
    return bm__plain8(text) && bm__plain8(text + 8);
#endif
}

/* True where up to BM__TEXT_PLAIN bytes are all 1 .. 127: of most text this is the whole check.
 * False says nothing.  The second load of each size overlaps the first. */
#define BM__TEXT_PLAIN 32
static inline bool bm__text_plain(const char *text, size_t size)
{
    if (size >= 16) {
        return size <= BM__TEXT_PLAIN && bm__plain16(text) && bm__plain16(text + size - 16);
    }
    return size >= 8 && bm__plain8(text) && bm__plain8(text + size - 8);
}

/* NULL where `size` bytes are UTF-8 (Unicode 15, table 3-7: no surrogates, nothing overlong)
 * without NUL, else the reason in words, static. */
const char *bm__text_fault(const char *text, size_t size);

/* The bytes of the character at `text`, of `left` that are there; 0 where it is not UTF-8. */
size_t bm__text_character(const char *text, size_t left);

/* The number of characters (code points) of valid UTF-8. */
size_t bm__text_length(const char *text, size_t size);

/* The bytes of a variable cell in layout BM_CSTR, BM_SLICE or BM_CHARS of `width` bytes.  `data` is
 * NULL only where the member's pointer is, which is no value (an empty slice may have none). */
bm_slice bm__cell_bytes(bm_layout layout, size_t width, const void *cell);

#endif
