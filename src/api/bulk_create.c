#include "face.h"

#include "options.h"

#include <stdlib.h>
#include <string.h>

static bm_status read_conflict(bm__execution *x, const bm_bulk_create_options *o, bm_error *err)
{
    bm__request *request = &x->op.request;
    bool ignore = o->ignore_conflicts == BM_ON;
    bool update = o->update_conflicts == BM_ON;
    if (ignore && update) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "ignore_conflicts and update_conflicts exclude each other");
    }
    if (!update && !ignore && o->unique_fields != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "unique_fields is for update_conflicts and ignore_conflicts");
    }
    if (!update && o->update_fields != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "update_fields is for update_conflicts");
    }
    request->conflict = update   ? BM__CONFLICT_UPDATE
                        : ignore ? BM__CONFLICT_NOTHING
                                 : BM__CONFLICT_ERROR;
    BM_TRY(bm__model_check(x->op.rows.model, err));
    if (o->unique_fields != NULL) {
        BM_TRY(bm__model_named(x->op.rows.model, o->unique_fields, &x->op.arena, &request->unique,
                               err));
    }
    if (o->update_fields != NULL) {
        BM_TRY(bm__model_named(x->op.rows.model, o->update_fields, &x->op.arena, &request->update,
                               err));
    }
    for (size_t i = 0; i < request->update.n; i++) {
        const bm_field *field = &x->op.rows.model->fields[request->update.at[i]];
        if ((field->flags & BM_KEY) != 0) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\" is part of the key and cannot be updated",
                                 field->name);
        }
    }
    return BM_OK;
}

/* A made key that is a pointer would point to nobody's memory. */
static bool points_elsewhere(const bm_model *model)
{
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm_field *field = &model->fields[i];
        bool pointer = field->layout != BM_FIXED && field->layout != BM_CHARS;
        if ((field->flags & BM_KEY) != 0 && pointer) {
            return true;
        }
    }
    return false;
}

bm_status bm__face_bulk_create(bm__execution *x, const void *options, bm_error *err)
{
    bm_bulk_create_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->op.verb = &bm__verb_bulk_create;
    if (x->op.rows.kind == BM__ROWS_ALL || x->op.rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "these rows hold nothing to create");
    }
    BM_TRY(bm__check_switch(o.return_queryset, "return_queryset", err));
    BM_TRY(bm__check_switch(o.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(o.ignore_conflicts, "ignore_conflicts", err));
    BM_TRY(bm__check_switch(o.update_conflicts, "update_conflicts", err));
    BM_TRY(bm__check_switch(o.allow_skipped, "allow_skipped", err));
    BM_TRY(bm__read_call(x, o.call, o.batch_size, o.concurrent, o.max_concurrent_workers, err));
    BM_TRY(read_conflict(x, &o, err));
    if (o.keys_into != NULL &&
        (x->op.rows.kind != BM__ROWS_STRUCTS || points_elsewhere(x->op.rows.model))) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "keys_into is for bm_structs whose key stands in the struct itself");
    }
    x->op.duplicates = o.duplicates;
    x->op.wants_queryset = o.return_queryset == BM_ON;
    x->op.wants_outcomes = o.return_outcomes == BM_ON;
    x->op.request.keys_back = o.keys_into != NULL;
    x->op.request.outcomes = x->op.wants_outcomes;
    x->op.request.allow_skipped = o.allow_skipped == BM_ON;
    x->op.call.keeps_outcomes = x->op.request.conflict != BM__CONFLICT_ERROR &&
                                (x->op.wants_queryset || x->op.request.keys_back);
    if (o.create_uuid != NULL) {
        x->op.call.uuid = *o.create_uuid;
        return BM_OK;
    }
    for (size_t i = 0; i < x->op.rows.model->n_fields; i++) {
        if ((x->op.rows.model->fields[i].flags & BM_CREATE_UUID) != 0 &&
            bm_uuid_random(&x->op.call.uuid) != BM_OK) {
            return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "no random numbers for a UUID");
        }
    }
    return BM_OK;
}

/* Keys into the caller's structs, once the call has succeeded. */
static bm_status put_keys(bm__execution *x, void *context, bm_error *err)
{
    const bm__plan *plan = &x->op.plan;
    const bm__call *call = &x->op.call;
    char *rows = context;
    if (rows == NULL || err->status != BM_OK || x->shared.dry_run == BM_ON || !plan->key_tracked) {
        return BM_OK;
    }
    const bm_field *field = &plan->model->fields[plan->key_field];
    for (size_t i = 0; i < call->n_rows; i++) {
        size_t row = call->pick != NULL ? call->pick[i] : i;
        bool written = call->outcomes == NULL || call->outcomes[row] != BM_ROW_IGNORED;
        if (written) {
            memcpy(rows + row * plan->model->row_size + field->offset,
                   call->keys + row * field->width, field->width);
        }
    }
    return BM_OK;
}

bm_status bm_bulk_create(bm_db *db, bm_rows rows, const bm_bulk_create_options *options,
                         bm_result *result, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    bm__execution x = bm__face_begin(db, rows);
    if (db != NULL && bm__model_check(rows.model, err) == BM_OK) {
        (void)bm__face_bulk_create(&x, options, err);
    }
    bool keys = options != NULL && err->status == BM_OK &&
                options->size >= offsetof(bm_bulk_create_options, create_uuid);
    return bm__face_run(&x, "bulk_create", result, err, put_keys, keys ? options->keys_into : NULL);
}
