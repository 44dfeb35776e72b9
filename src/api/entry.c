#include "entry.h"

#include <stddef.h>

bm_error *bm__error_begin(bm_error *given, bm_error *local)
{
    *local = BM_ERROR;
    if (given == NULL || given->size < sizeof *local) {
        return local;
    }
    bm__error_reset(given);
    return given;
}

bm_status bm__check_out(const void *out, bm_error *err)
{
    return out != NULL
               ? BM_OK
               : bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "output pointer must not be NULL");
}
