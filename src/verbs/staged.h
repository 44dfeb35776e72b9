/* Updates and deletes of rows on other servers, by way of a stage there. */
#ifndef BM_VERBS_STAGED_H
#define BM_VERBS_STAGED_H

#include "plan.h"

/* Has the table a stage that serves this call? */
bool bm__is_staged(const bm__request *request, const bm__plan *plan);

/* The statements, once the columns are there, instead of one that joins the batch; `columns`
 * are those of the shape.  Behind bm__plan_setup. */
bm_status bm__staged_plan(const bm__request *request, bm__plan *plan, const bm__sql_shape *shape,
                          bm__sql_column *columns, bm_error *err);

#endif
