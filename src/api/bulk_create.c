#include "face.h"

#include "options.h"
#include "prepare.h"

#include <stdlib.h>
#include <string.h>

static bm_status read_conflict(bm__execution *x, const bm_bulk_create_options *o, bm_error *err)
{
    bm__request *request = &x->request;
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
    BM_TRY(bm__model_check(x->rows.model, err));
    if (o->unique_fields != NULL) {
        BM_TRY(bm__model_named(x->rows.model, o->unique_fields, &x->arena, &request->unique, err));
    }
    if (o->update_fields != NULL) {
        BM_TRY(bm__model_named(x->rows.model, o->update_fields, &x->arena, &request->update, err));
    }
    for (size_t i = 0; i < request->update.n; i++) {
        const bm_field *field = &x->rows.model->fields[request->update.at[i]];
        if ((field->flags & BM_KEY) != 0) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\" is part of the key and cannot be updated",
                                 field->name);
        }
    }
    return BM_OK;
}

static bool made_key(const bm_model *model)
{
    for (size_t i = 0; i < model->n_fields; i++) {
        if ((model->fields[i].flags & BM_ASSIGNED) != 0) {
            return true;
        }
    }
    return false;
}

static int compare_rows(const void *a, const void *b)
{
    size_t x;
    size_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Rows of one call that hit the same row: refused, or one of them is left out.  A queryset is in
 * the order of the write, which then is that of the input. */
static bm_status order(bm__execution *x, const bm__fields *fields, bm_duplicates rule,
                       bm_error *err)
{
    BM_TRY(bm__prepare_order(&x->call, fields, rule, true, err));
    if (x->wants_queryset && x->call.pick != NULL) {
        qsort(x->call.pick, x->call.n_rows, sizeof *x->call.pick, compare_rows);
    }
    return BM_OK;
}

static bool holds_all(const bm__execution *x, const bm__fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (!x->call.has[fields->at[i]]) {
            return false;
        }
    }
    return true;
}

static bm_status prepare(bm__execution *x, bm_error *err)
{
    bm__request *request = &x->request;
    bm__fields keys;
    BM_TRY(bm__model_keys(x->rows.model, &x->arena, &keys, err));
    if (x->call.source == NULL) {
        BM_TRY(bm__call_no_null_keys(&x->call, x->call.n_rows, err));
    }
    if (request->conflict == BM__CONFLICT_UPDATE) {
        const bm__fields *unique = request->unique.n > 0 ? &request->unique : &keys;
        return order(x, unique, x->duplicates, err);
    }
    const bm__dialect *dialect = bm__db_root(x->db)->dialect;
    bool ignore = request->conflict == BM__CONFLICT_NOTHING;
    bool given = keys.n > 0 && !made_key(x->rows.model) && holds_all(x, &keys);
    bool lookups = dialect->reads_batch && ignore;
    /* Two workers that write the same key would wait for each other at the barrier. */
    bool apart = x->concurrent == BM_ON && !dialect->one_writer && x->db->root == NULL;
    if (!given || (!lookups && !apart)) {
        return BM_OK;
    }
    BM_TRY(order(x, &keys, ignore ? BM_DUPLICATES_FIRST : BM_DUPLICATES_ERROR, err));
    if (!ignore && x->call.source == NULL) { /* none are equal: rows are written as they came */
        free(x->call.pick);
        x->call.pick = NULL;
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
    x->plan_verb = bm__plan_bulk_create;
    x->prepare = prepare;
    x->creates = true;
    if (x->rows.kind == BM__ROWS_ALL || x->rows.kind == BM__ROWS_KEYS) {
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
        (x->rows.kind != BM__ROWS_STRUCTS || points_elsewhere(x->rows.model))) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "keys_into is for bm_structs whose key stands in the struct itself");
    }
    x->duplicates = o.duplicates;
    x->wants_queryset = o.return_queryset == BM_ON;
    x->wants_outcomes = o.return_outcomes == BM_ON;
    x->request.keys_back = o.keys_into != NULL;
    x->request.outcomes = x->wants_outcomes;
    x->request.allow_skipped = o.allow_skipped == BM_ON;
    x->call.keeps_outcomes =
        x->request.conflict != BM__CONFLICT_ERROR && (x->wants_queryset || x->request.keys_back);
    if (o.create_uuid != NULL) {
        x->call.uuid = *o.create_uuid;
        return BM_OK;
    }
    for (size_t i = 0; i < x->rows.model->n_fields; i++) {
        if ((x->rows.model->fields[i].flags & BM_CREATE_UUID) != 0 &&
            bm_uuid_random(&x->call.uuid) != BM_OK) {
            return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "no random numbers for a UUID");
        }
    }
    return BM_OK;
}

/* Keys into the caller's structs, once the call has succeeded. */
static bm_status put_keys(bm__execution *x, void *context, bm_error *err)
{
    const bm__plan *plan = &x->plan;
    const bm__call *call = &x->call;
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
