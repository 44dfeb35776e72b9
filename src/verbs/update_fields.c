#include "by_key.h"
#include "prepare.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"
#include "rows.h"

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_update_fields_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    if (o->rows.kind == BM__ROWS_ALL || o->rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "these rows have no values of their own");
    }
    BM_TRY(bm__by_key_options(o, given.return_outcomes, given.require_all, given.duplicates, err));
    BM_TRY(bm__settings_read(o, given.call, given.batch_size, given.concurrent,
                             given.max_concurrent_workers, err));
    if (given.fields != NULL) {
        BM_TRY(bm__model_named(o->rows.model, given.fields, &o->arena, &o->request.set, err));
        o->nothing = o->request.set.n == 0;
    } else if (bm__rows_queryset(&o->rows) == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "rows that did not come from a queryset need field names: their original "
                        "values are unknown");
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

/* Named fields, or what changed against the snapshot. */
static bm_status prepare(bm__operation *o, bm_error *err)
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
    return bm__by_key_order(o, &keys, err);
}

/* Cells that stay as they are: a bit for each field, in words that the rows carry. */
static bool add_masks(const bm__request *request, bm__plan *plan)
{
    size_t n = plan->n_columns;
    size_t words[BM__FIELDS_MAX / BM__MASK_BITS + 1];
    for (size_t word = 0; word <= BM__FIELDS_MAX / BM__MASK_BITS; word++) {
        words[word] = BM__NO_COLUMN;
    }
    for (size_t i = 0; i < n; i++) {
        bm__plan_column *column = &plan->columns[i];
        if (!column->sql.written || !request->keeps[column->field]) {
            continue;
        }
        size_t word = column->field / BM__MASK_BITS;
        if (words[word] == BM__NO_COLUMN) {
            words[word] = plan->n_columns;
            bm__plan_add_helper(plan, BM__SUPPLY_MASK, 0, word);
        }
        column->sql.mask = words[word];
        column->sql.bit = (unsigned)(column->field % BM__MASK_BITS);
    }
    return plan->n_columns > n;
}

static bm_status plan_update_fields(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, plan, err));
    BM_TRY(bm__plan_add_keys(request, plan, err));
    for (size_t i = 0; i < plan->model->n_fields; i++) {
        bm__plan_column *column;
        if (!request->changes[i]) {
            continue;
        }
        BM_TRY(bm__by_key_check_writable(plan, i, err));
        BM_TRY(bm__plan_add_field(plan, i, BM__SUPPLY_FIELD, true, &column, err));
        column->sql.written = true;
        if (request->defaults[i]) {
            column->sql.flag = plan->n_columns;
            bm__plan_add_helper(plan, BM__SUPPLY_FLAG, i, 0);
        }
    }
    bool kept = add_masks(request, plan);
    plan->why = kept ? "each row keeps the columns that it did not change"
                     : "all rows change the same columns";
    return bm__by_key_plan(request, plan, bm__sql_update, err);
}

static bm_status take_over(bm__operation *o, bm_queryset *queryset, bm_error *err)
{
    const bm__call *call = &o->call;
    for (size_t i = 0; i < call->model->n_fields; i++) {
        size_t set = 0;
        for (size_t k = 0; o->changes[i] && k < call->n_rows; k++) {
            size_t row = call->pick != NULL ? call->pick[k] : k;
            bm_state state = bm__view_state(&call->fields[i], row);
            if (state == BM_KEEP) {
                continue;
            }
            BM_TRY(bm__snapshot_set(queryset->snapshot, i, row, &call->fields[i], row, err));
            if (state == BM_VALUE && queryset->structs) {
                BM_TRY(bm__queryset_own(queryset, row, i, err));
            }
            set++;
        }
        bool whole = set > 0 && set == queryset->count;
        queryset->snapshot->columns[i].known = queryset->snapshot->columns[i].known || whole;
    }
    return BM_OK;
}

static bool has_defaults(const bm__operation *o)
{
    for (size_t i = 0; i < o->call.model->n_fields; i++) {
        if (o->changes[i] && o->defaults[i]) {
            return true;
        }
    }
    return false;
}

/* Nothing is known any more: the next update writes every column. */
static void drop_snapshot(bm_queryset *queryset)
{
    bm__snapshot_free(queryset->snapshot);
    queryset->snapshot = NULL;
}

/* The snapshot is what the database holds now; inside a transaction it shares its fate. */
static bm_status update_snapshot(bm__operation *o, bm_error *err)
{
    bm_queryset *queryset = bm__rows_queryset(&o->rows);
    bm__journal *journal = o->journal;
    bool unsure = err->fate == BM_FATE_UNKNOWN || err->fate == BM_FATE_PARTIAL;
    bool written = err->status == BM_OK && !o->nothing && o->settings.dry_run != BM_ON;
    if (queryset == NULL || queryset->snapshot == NULL || (!written && !unsure)) {
        return BM_OK;
    }
    /* The rows are written: what fails from here on is only what is known of them. */
    bm_error ignored = BM_ERROR;
    if (journal != NULL && bm__journal_keep(journal, queryset, &ignored) != BM_OK) {
        drop_snapshot(queryset);
        return BM_OK;
    }
    if (unsure || has_defaults(o) || o->missing > 0 || take_over(o, queryset, &ignored) != BM_OK) {
        drop_snapshot(queryset);
    }
    return BM_OK;
}

const bm__verb bm__verb_update_fields = {.name = "update_fields",
                                         .options = read_options,
                                         .prepare = prepare,
                                         .plan = plan_update_fields,
                                         .done = update_snapshot,
                                         .hit = BM_ROW_UPDATED};
