#include "face.h"

#include "options.h"

static void by_key(bm__execution *x, bm_switch outcomes, bm_switch require_all,
                   bm_duplicates duplicates)
{
    x->op.duplicates = duplicates;
    x->op.wants_outcomes = outcomes == BM_ON;
    x->op.call.require_all = require_all == BM_ON;
    x->op.request.outcomes = x->op.wants_outcomes || x->op.call.require_all;
    x->op.call.keeps_outcomes = x->op.request.outcomes;
}

/* The state of each value that is set: a default needs a flag, and nothing is left as it is. */
static bm_status check_values(bm__execution *x, bm_error *err)
{
    for (size_t i = 0; i < x->op.request.set.n; i++) {
        const bm_field *field = &x->op.rows.model->fields[x->op.request.set.at[i]];
        const uint8_t *values = x->op.call.values;
        bm_state state =
            field->state_offset == BM_NO_STATE ? BM_VALUE : (bm_state)values[field->state_offset];
        if (state != BM_VALUE && state != BM_NULL) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\" is set to a value or to NULL", field->name);
        }
    }
    return BM_OK;
}

bm_status bm__face_update(bm__execution *x, const void *options, bm_error *err)
{
    bm_update_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->op.verb = &bm__verb_update;
    BM_TRY(bm__check_switch(o.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(o.require_all, "require_all", err));
    BM_TRY(bm__read_call(x, o.call, o.batch_size, o.concurrent, o.max_concurrent_workers, err));
    if (x->op.rows.kind == BM__ROWS_ALL && (o.return_outcomes == BM_ON || o.require_all == BM_ON)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_all gives no rows of which an outcome could be told");
    }
    by_key(x, o.return_outcomes, o.require_all, o.duplicates);
    if (o.fields == NULL || o.fields[0] == NULL) {
        x->op.nothing = true;
        return BM_OK;
    }
    BM_TRY(bm__model_named(x->op.rows.model, o.fields, &x->op.arena, &x->op.request.set, err));
    if (o.values == NULL || x->op.rows.model->row_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "bm_update has no row of values to set");
    }
    x->op.call.values = o.values;
    return check_values(x, err);
}

bm_status bm__face_delete(bm__execution *x, const void *options, bm_error *err)
{
    bm_delete_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->op.verb = &bm__verb_delete;
    if (x->op.rows.kind == BM__ROWS_ALL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "bm_delete deletes rows by key, not all");
    }
    BM_TRY(bm__check_switch(o.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(o.require_all, "require_all", err));
    BM_TRY(bm__read_call(x, o.call, o.batch_size, o.concurrent, o.max_concurrent_workers, err));
    by_key(x, o.return_outcomes, o.require_all, o.duplicates);
    return BM_OK;
}

/* What a homogeneous update set is not what the queryset's rows say: the columns are unknown now.
 * */
static bm_status forget_columns(bm__execution *x, void *context, bm_error *err)
{
    bm_queryset *queryset = context;
    bm__journal *journal = bm__db_journal(x->db);
    bool written = (err->status == BM_OK && !x->op.nothing) || err->fate == BM_FATE_UNKNOWN ||
                   err->fate == BM_FATE_PARTIAL;
    if (queryset == NULL || queryset->image == NULL || !written) {
        return BM_OK;
    }
    bm_error ignored = BM_ERROR;
    if (journal != NULL && bm__journal_keep(journal, queryset, &ignored) != BM_OK) {
        bm__image_free(queryset->image);
        queryset->image = NULL;
        return BM_OK;
    }
    for (size_t i = 0; i < x->op.request.set.n; i++) {
        queryset->image->columns[x->op.request.set.at[i]].known = false;
    }
    return BM_OK;
}

bm_status bm_update(bm_db *db, bm_rows rows, const bm_update_options *options, bm_result *result,
                    bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    bm__execution x = bm__face_begin(db, rows);
    if (db != NULL && bm__model_check(rows.model, err) == BM_OK) {
        (void)bm__face_update(&x, options, err);
    }
    return bm__face_run(&x, "update", result, err, forget_columns, bm__rows_queryset(&rows));
}

bm_status bm_delete(bm_db *db, bm_rows rows, const bm_delete_options *options, bm_result *result,
                    bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    bm__execution x = bm__face_begin(db, rows);
    if (db != NULL && bm__model_check(rows.model, err) == BM_OK) {
        (void)bm__face_delete(&x, options, err);
    }
    return bm__face_run(&x, "delete", result, err, NULL, NULL);
}
