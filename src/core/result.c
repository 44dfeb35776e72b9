#include "result.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bm_result *bm__result_begin(bm_result *given, bm_result *local)
{
    _Static_assert(offsetof(bm_result, size) == 0, "an options struct begins with its size");
    assert(local != NULL && local != given);
    const bm_result empty = BM_RESULT_INIT;
    if (given == NULL || given->size < sizeof empty) {
        *local = empty;
        return local;
    }
    size_t size = given->size;
    *given = empty;
    given->size = size;
    return given;
}

static void free_parts(bm_result *result)
{
    assert(result->parts != NULL || result->n_parts == 0);
    for (size_t i = 0; i < result->n_parts; i++) {
        void *ranges;
        memcpy(&ranges, &result->parts[i].ranges, sizeof ranges);
        free(ranges);
    }
    free(result->parts);
}

bm_status bm__result_parts(bm_result *result, size_t n, bm_error *err)
{
    free_parts(result); /* of a first attempt */
    result->parts = calloc(n > 0 ? n : 1, sizeof *result->parts);
    result->n_parts = result->parts != NULL ? n : 0;
    return result->parts != NULL ? BM_OK : bm__no_memory(err);
}

void bm_result_clear(bm_result *result)
{
    if (result == NULL) {
        return;
    }
    bm_queryset_free(result->queryset);
    free(result->outcomes);
    free_parts(result);
    size_t size = result->size;
    *result = (bm_result)BM_RESULT_INIT;
    result->size = size;
}

void bm__result_add(bm_result *sum, const bm_result *part)
{
    sum->inserted += part->inserted;
    sum->updated += part->updated;
    sum->unchanged += part->unchanged;
    sum->missing += part->missing;
    sum->ignored += part->ignored;
    sum->deleted += part->deleted;
}
