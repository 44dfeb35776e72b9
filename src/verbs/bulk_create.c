#include "create_plan.h"
#include "prepare.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"
#include "rows.h"

#include <stdlib.h>
#include <string.h>

static bm_status read_conflict(bm__operation *o, const bm_bulk_create_options *given, bm_error *err)
{
    bm__request *request = &o->request;
    bool ignore = given->ignore_conflicts == BM_ON;
    bool update = given->update_conflicts == BM_ON;
    if (ignore && update) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "ignore_conflicts and update_conflicts cannot both be set");
    }
    if (!update && !ignore && given->unique_fields != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "unique_fields needs update_conflicts or ignore_conflicts");
    }
    if (!update && given->update_fields != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "update_fields needs update_conflicts");
    }
    request->conflict = update   ? BM__CONFLICT_UPDATE
                        : ignore ? BM__CONFLICT_NOTHING
                                 : BM__CONFLICT_ERROR;
    BM_TRY(bm__model_check(o->rows.model, err));
    if (given->unique_fields != NULL) {
        BM_TRY(
            bm__model_named(o->rows.model, given->unique_fields, &o->arena, &request->unique, err));
    }
    if (given->update_fields != NULL) {
        BM_TRY(
            bm__model_named(o->rows.model, given->update_fields, &o->arena, &request->update, err));
    }
    for (size_t i = 0; i < request->update.n; i++) {
        const bm_field *field = &o->rows.model->fields[request->update.at[i]];
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

bm_status bm__create_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_bulk_create_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    if (o->rows.kind == BM__ROWS_ALL || o->rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the rows have no columns to write");
    }
    BM_TRY(bm__check_switch(given.return_queryset, "return_queryset", err));
    BM_TRY(bm__check_switch(given.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(given.ignore_conflicts, "ignore_conflicts", err));
    BM_TRY(bm__check_switch(given.update_conflicts, "update_conflicts", err));
    BM_TRY(bm__check_switch(given.allow_skipped, "allow_skipped", err));
    BM_TRY(bm__settings_read(o, given.call, given.batch_size, given.concurrent,
                             given.max_concurrent_workers, err));
    BM_TRY(read_conflict(o, &given, err));
    if (given.keys_into != NULL &&
        (o->rows.kind != BM__ROWS_STRUCTS || points_elsewhere(o->rows.model))) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "keys_into needs bm_structs whose key is in the struct itself");
    }
    o->keys_into = given.keys_into;
    o->duplicates = given.duplicates;
    o->wants_queryset = given.return_queryset == BM_ON;
    o->wants_outcomes = given.return_outcomes == BM_ON;
    o->request.keys_back = given.keys_into != NULL;
    o->request.outcomes = o->wants_outcomes;
    o->request.allow_skipped = given.allow_skipped == BM_ON;
    o->call.keeps_outcomes =
        o->request.conflict != BM__CONFLICT_ERROR && (o->wants_queryset || o->request.keys_back);
    if (given.create_uuid != NULL) {
        o->call.uuid = *given.create_uuid;
        return BM_OK;
    }
    for (size_t i = 0; i < o->rows.model->n_fields; i++) {
        if ((o->rows.model->fields[i].flags & BM_CREATE_UUID) != 0 &&
            bm_uuid_random(&o->call.uuid) != BM_OK) {
            return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK,
                            "no random numbers were available for a UUID");
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
static bm_status order_conflicts(bm__operation *o, const bm__fields *fields, bm_duplicates rule,
                                 bm_error *err)
{
    BM_TRY(bm__prepare_order(&o->call, fields, rule, true, err));
    if (o->wants_queryset && o->call.pick != NULL) {
        qsort(o->call.pick, o->call.n_rows, sizeof *o->call.pick, compare_rows);
    }
    return BM_OK;
}

static bool holds_all(const bm__operation *o, const bm__fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (!o->call.has[fields->at[i]]) {
            return false;
        }
    }
    return true;
}

bm_status bm__create_prepare(bm__operation *o, bm_error *err)
{
    const bm__request *request = &o->request;
    bm__fields keys;
    BM_TRY(bm__model_keys(o->rows.model, &o->arena, &keys, err));
    if (o->call.source == NULL) {
        BM_TRY(bm__call_no_null_keys(&o->call, o->call.n_rows, err));
    }
    if (o->as_given) {
        return BM_OK;
    }
    if (request->conflict == BM__CONFLICT_UPDATE) {
        const bm__fields *unique = request->unique.n > 0 ? &request->unique : &keys;
        return order_conflicts(o, unique, o->duplicates, err);
    }
    bool ignore = request->conflict == BM__CONFLICT_NOTHING;
    bool given = keys.n > 0 && !made_key(o->rows.model) && holds_all(o, &keys);
    bool told = o->wants_outcomes || o->wants_queryset || request->keys_back;
    bool lookups = request->engine->reads_batch && ignore && told;
    if (!given || (!lookups && !o->apart)) {
        return BM_OK;
    }
    BM_TRY(order_conflicts(o, &keys, ignore ? BM_DUPLICATES_FIRST : BM_DUPLICATES_ERROR, err));
    if (!ignore && o->call.source == NULL) { /* none are equal: rows are written as they came */
        free(o->call.pick);
        o->call.pick = NULL;
    }
    return BM_OK;
}

/* Keys into the caller's structs, once the call has succeeded. */
bm_status bm__create_done(bm__operation *o, bm_error *err)
{
    const bm__plan *plan = &o->plan;
    const bm__call *call = &o->call;
    char *rows = o->keys_into;
    if (rows == NULL || err->status != BM_OK || o->settings.dry_run == BM_ON ||
        !plan->key_tracked) {
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

const bm__verb bm__verb_bulk_create = {.name = "bulk_create",
                                       .options = bm__create_options,
                                       .prepare = bm__create_prepare,
                                       .plan = bm__create_plan,
                                       .done = bm__create_done,
                                       .hit = BM_ROW_INSERTED,
                                       .creates = true};
