#include "entry.h"

#include "maintain.h"

bm_status bm_maintain(bm_db *db, const bm_model *model, const bm_maintain_options *options,
                      uint64_t *n, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    if (db == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database must not be NULL");
    }
    return bm__maintain(db, model, options, n, err);
}
