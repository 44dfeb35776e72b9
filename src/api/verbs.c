/* The verbs, as the public header has them. */
#include "entry.h"

#include "load_parts.h"
#include "reject_rows.h"
#include "sync_rows.h"

/* What is more than one call: parts, or chunks without the rows that fail. */
static bm_status by_parts(bm__execution *x, const void *options, bm_result *result, bm_error *err)
{
    return x->op.settings.load_id != NULL ? bm__load_parts(x, options, result, err)
                                          : bm__reject_rows(x, options, result, err);
}

static bm_status call(bm_db *db, const bm__verb *verb, bm_rows rows, const void *options,
                      bm__set_aside *rejects, bm_result *result, bm_error *err)
{
    bm_error unwanted;
    return bm__run_verb(db, verb, rows, options, rejects, result, bm__error_begin(err, &unwanted));
}

bm_status bm_bulk_create(bm_db *db, bm_rows rows, const bm_bulk_create_options *options,
                         bm_result *result, bm_error *err)
{
    return call(db, &bm__verb_bulk_create, rows, options, by_parts, result, err);
}

bm_status bm_upsert(bm_db *db, bm_rows rows, const bm_upsert_options *options, bm_result *result,
                    bm_error *err)
{
    return call(db, &bm__verb_upsert, rows, options, by_parts, result, err);
}

bm_status bm_sync(bm_db *db, bm_rows rows, const bm_sync_options *options, bm_result *result,
                  bm_error *err)
{
    return call(db, &bm__verb_sync, rows, options, bm__sync_rows, result, err);
}

bm_status bm_update_fields(bm_db *db, bm_rows rows, const bm_update_fields_options *options,
                           bm_result *result, bm_error *err)
{
    return call(db, &bm__verb_update_fields, rows, options, by_parts, result, err);
}

bm_status bm_update(bm_db *db, bm_rows rows, const bm_update_options *options, bm_result *result,
                    bm_error *err)
{
    return call(db, &bm__verb_update, rows, options, by_parts, result, err);
}

bm_status bm_delete(bm_db *db, bm_rows rows, const bm_delete_options *options, bm_result *result,
                    bm_error *err)
{
    return call(db, &bm__verb_delete, rows, options, by_parts, result, err);
}

bm_status bm_copy_to(bm_db *db, bm_rows rows, const bm_copy_to_options *options, bm_result *result,
                     bm_error *err)
{
    return call(db, &bm__verb_copy_to, rows, options, NULL, result, err);
}
