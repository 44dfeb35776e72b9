#include "entry.h"

#include "transaction.h"

bm_status bm_begin(bm_db *db, bm_db **out, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(out, err));
    *out = NULL;
    if (db == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database must not be NULL");
    }
    return bm__begin(db, out, err);
}

bm_status bm_commit(bm_db *tx, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    if (tx == NULL || tx->root == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_COMMIT,
                        "not a transaction: pass what bm_begin returned");
    }
    return bm__commit(tx, err);
}

void bm_rollback(bm_db *tx)
{
    if (tx != NULL && tx->root != NULL) {
        bm__rollback(tx);
    }
}
