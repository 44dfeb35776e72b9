#include "operation.h"

#include "prepare.h"

#include <stdlib.h>
#include <string.h>

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

static bm_status prepare_create(bm__operation *o, bm_error *err)
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
    bool lookups = request->dialect->reads_batch && ignore && told;
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

/* The fields that are named: of each, which cells stay as they are. */
static bm_status choose_named(bm__operation *o, bm_error *err)
{
    const bm_model *model = o->rows.model;
    for (size_t i = 0; i < model->n_fields; i++) {
        o->changes[i] = bm__fields_has(&o->request.set, i);
        o->keeps[i] = o->keeps[i] && o->changes[i];
        if (o->changes[i] && !o->call.has[i]) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, model->fields[i].name,
                                 "the rows do not hold column \"%s\"", model->fields[i].name);
        }
    }
    return bm__prepare_keeps(&o->call, o->keeps, err);
}

/* Rows found by key: in key order, each once. */
static bm_status order_by_key(bm__operation *o, const bm__fields *keys, bm_error *err)
{
    if (o->call.source == NULL && o->call.n_rows == 0) {
        return BM_OK;
    }
    return bm__prepare_order(&o->call, keys, o->duplicates, false, err);
}

/* Named fields, or what changed against the image. */
static bm_status prepare_update_fields(bm__operation *o, bm_error *err)
{
    const bm_queryset *queryset = bm__rows_queryset(&o->rows);
    bm__fields keys;
    BM_TRY(bm__model_keys(o->rows.model, &o->arena, &keys, err));
    BM_TRY(bm__prepare_same_keys(&o->call, queryset, &keys, err));
    if (o->request.set.at != NULL) {
        BM_TRY(choose_named(o, err));
    } else {
        BM_TRY(bm__prepare_changes(&o->call, queryset, o->changes, o->keeps, &o->unchanged, err));
    }
    return order_by_key(o, &keys, err);
}

static bm_status prepare_by_key(bm__operation *o, bm_error *err)
{
    bm__fields keys;
    if (o->rows.kind == BM__ROWS_ALL || (o->call.source == NULL && o->call.n_rows == 0)) {
        return BM_OK;
    }
    BM_TRY(bm__model_keys(o->rows.model, &o->arena, &keys, err));
    BM_TRY(bm__prepare_same_keys(&o->call, bm__rows_queryset(&o->rows), &keys, err));
    return order_by_key(o, &keys, err);
}

const bm__verb bm__verb_bulk_create = {.name = "bulk_create",
                                       .plan = bm__plan_bulk_create,
                                       .prepare = prepare_create,
                                       .creates = true};

const bm__verb bm__verb_update_fields = {
    .name = "update_fields", .plan = bm__plan_update_fields, .prepare = prepare_update_fields};

const bm__verb bm__verb_update = {
    .name = "update", .plan = bm__plan_update, .prepare = prepare_by_key};

const bm__verb bm__verb_delete = {
    .name = "delete", .plan = bm__plan_delete, .prepare = prepare_by_key};

const bm__verb bm__verb_copy_to = {.name = "copy_to", .plan = bm__plan_copy_to, .reads = true};
