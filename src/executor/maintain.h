/* What is done to a table as a whole: one call, on one connection. */
#ifndef BM_EXECUTOR_MAINTAIN_H
#define BM_EXECUTOR_MAINTAIN_H

#include "db.h"

/* As bm_maintain; *n, unless NULL: rows, or sequences. */
bm_status bm__maintain(bm_db *db, const bm_model *model, const bm_maintain_options *options,
                       uint64_t *n, bm_error *err);

/* Check now what is deferred in the transaction. */
bm_status bm__check_deferred(bm_db *transaction, const bm_model *model, bm_error *err);

#endif
