/* What the verbs share that find the rows of the table by key: update_fields, update, delete. */
#ifndef BM_VERBS_BY_KEY_H
#define BM_VERBS_BY_KEY_H

#include "operation.h"

/* The options that they have in common. */
bm_status bm__by_key_options(bm__operation *operation, bm_switch outcomes, bm_switch require_all,
                             bm_duplicates duplicates, bm_error *err);

/* The rows in key order, each once, those of a queryset with the keys that they were read with. */
bm_status bm__by_key_prepare(bm__operation *operation, bm_error *err);
bm_status bm__by_key_order(bm__operation *operation, const bm__fields *keys, bm_error *err);

/* A column of the key, or one that the database computes, is not updated. */
bm_status bm__by_key_check_writable(const bm__plan *plan, size_t field, bm_error *err);

/* Finish a plan once its columns are there: the statement that finds the rows and writes them, what
 * goes before it, what its counts mean. */
bm_status bm__by_key_plan(const bm__request *request, bm__plan *plan,
                          void (*statement)(bm__sql *sql, const bm__sql_shape *shape),
                          bm_error *err);

#endif
