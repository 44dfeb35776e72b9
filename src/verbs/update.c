#include "by_key.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"
#include "rows.h"

/* The state of each value that is set: a default needs a flag, and nothing is left as it is. */
static bm_status check_values(bm__operation *o, bm_error *err)
{
    for (size_t i = 0; i < o->request.set.n; i++) {
        const bm_field *field = &o->rows.model->fields[o->request.set.at[i]];
        const uint8_t *values = o->call.values;
        bm_state state =
            field->state_offset == BM_NO_STATE ? BM_VALUE : (bm_state)values[field->state_offset];
        if (state != BM_VALUE && state != BM_NULL) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\" is set to a value or to NULL", field->name);
        }
    }
    return BM_OK;
}

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_update_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    BM_TRY(bm__by_key_options(o, given.return_outcomes, given.require_all, given.duplicates, err));
    BM_TRY(bm__settings_read(o, given.call, given.batch_size, given.concurrent,
                             given.max_concurrent_workers, err));
    if (o->rows.kind == BM__ROWS_ALL && o->request.outcomes) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_all has no rows whose outcome could be reported");
    }
    if (given.fields == NULL || given.fields[0] == NULL) {
        o->nothing = true;
        return BM_OK;
    }
    BM_TRY(bm__model_named(o->rows.model, given.fields, &o->arena, &o->request.set, err));
    if (given.values == NULL || o->rows.model->row_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "bm_update has no row of values to set");
    }
    o->call.values = given.values;
    return check_values(o, err);
}

static bm_status plan_update(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, plan, err));
    if (!request->whole_table) {
        BM_TRY(bm__plan_add_keys(request, plan, err));
    }
    for (size_t i = 0; i < request->set.n; i++) {
        bm__plan_column *column;
        BM_TRY(bm__by_key_check_writable(plan, request->set.at[i], err));
        BM_TRY(bm__plan_add_field(plan, request->set.at[i], BM__SUPPLY_VALUES, true, &column, err));
        column->sql.written = true;
        column->sql.scalar = true;
    }
    plan->why = request->whole_table ? "all rows of the table" : "rows found by key";
    return bm__by_key_plan(request, plan, bm__sql_update, err);
}

/* What a homogeneous update set is not what the queryset's rows say: the columns are unknown now.
 * */
static bm_status forget_columns(bm__operation *o, bm_error *err)
{
    bm_queryset *queryset = bm__rows_queryset(&o->rows);
    bm__journal *journal = o->journal;
    bool done = err->status == BM_OK && !o->nothing && o->settings.dry_run != BM_ON;
    bool written = done || err->fate == BM_FATE_UNKNOWN || err->fate == BM_FATE_PARTIAL;
    if (queryset == NULL || queryset->snapshot == NULL || !written) {
        return BM_OK;
    }
    bm_error ignored = BM_ERROR;
    if (journal != NULL && bm__journal_keep(journal, queryset, &ignored) != BM_OK) {
        bm__snapshot_free(queryset->snapshot);
        queryset->snapshot = NULL;
        return BM_OK;
    }
    for (size_t i = 0; i < o->request.set.n; i++) {
        queryset->snapshot->columns[o->request.set.at[i]].known = false;
    }
    return BM_OK;
}

const bm__verb bm__verb_update = {.name = "update",
                                  .options = read_options,
                                  .prepare = bm__by_key_prepare,
                                  .plan = plan_update,
                                  .done = forget_columns,
                                  .hit = BM_ROW_UPDATED,
                                  .keys_only = true};
