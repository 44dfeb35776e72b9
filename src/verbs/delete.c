#include "by_key.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"
#include "rows.h"

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_delete_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    if (o->rows.kind == BM__ROWS_ALL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_delete deletes rows by key, not all rows");
    }
    BM_TRY(bm__by_key_options(o, given.return_outcomes, given.require_all, given.duplicates, err));
    return bm__settings_read(o, given.call, given.batch_size, given.concurrent,
                             given.max_concurrent_workers, err);
}

static bm_status plan_delete(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, plan, err));
    BM_TRY(bm__plan_add_keys(request, plan, err));
    plan->why = "rows found by key";
    return bm__by_key_plan(request, plan, bm__sql_delete, err);
}

const bm__verb bm__verb_delete = {.name = "delete",
                                  .options = read_options,
                                  .prepare = bm__by_key_prepare,
                                  .plan = plan_delete,
                                  .hit = BM_ROW_DELETED};
