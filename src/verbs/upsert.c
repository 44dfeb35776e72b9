/* Insert what is new, update what differs, leave the rest: a create whose conflicts write only what
 * they change. */
#include "create_plan.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_upsert_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    BM_TRY(bm__check_switch(given.update_unchanged, "update_unchanged", err));
    const bm_bulk_create_options create = {.size = sizeof create,
                                           .call = given.call,
                                           .batch_size = given.batch_size,
                                           .concurrent = given.concurrent,
                                           .max_concurrent_workers = given.max_concurrent_workers,
                                           .return_queryset = given.return_queryset,
                                           .return_outcomes = given.return_outcomes,
                                           .update_conflicts = BM_ON,
                                           .update_fields = given.update_fields,
                                           .unique_fields = given.unique_fields,
                                           .duplicates = given.duplicates,
                                           .keys_into = given.keys_into,
                                           .create_uuid = given.create_uuid,
                                           .allow_skipped = given.allow_skipped};
    BM_TRY(bm__create_options(o, &create, err));
    if (given.where != NULL && given.where[0] == '\0') {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "where is empty");
    }
    o->request.where = given.where;
    o->request.compares = given.update_unchanged != BM_ON;
    o->request.selective = o->request.compares || given.where != NULL;
    o->request.match_first = true;
    return BM_OK;
}

const bm__verb bm__verb_upsert = {.name = "upsert",
                                  .options = read_options,
                                  .prepare = bm__create_prepare,
                                  .plan = bm__create_plan,
                                  .done = bm__create_done,
                                  .hit = BM_ROW_INSERTED,
                                  .creates = true};
