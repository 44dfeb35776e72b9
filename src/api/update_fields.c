#include "face.h"

#include "options.h"

bm_status bm__face_update_fields(bm__execution *x, const void *options, bm_error *err)
{
    bm_update_fields_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->op.verb = &bm__verb_update_fields;
    if (x->op.rows.kind == BM__ROWS_ALL || x->op.rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "these rows hold no values of their own");
    }
    BM_TRY(bm__check_switch(o.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(o.require_all, "require_all", err));
    BM_TRY(bm__read_call(x, o.call, o.batch_size, o.concurrent, o.max_concurrent_workers, err));
    if (o.fields != NULL) {
        BM_TRY(bm__model_named(x->op.rows.model, o.fields, &x->op.arena, &x->op.request.set, err));
        x->op.nothing = x->op.request.set.n == 0;
    } else if (bm__rows_queryset(&x->op.rows) == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "rows without an image: name the fields to update");
    }
    x->op.duplicates = o.duplicates;
    x->op.wants_outcomes = o.return_outcomes == BM_ON;
    x->op.call.require_all = o.require_all == BM_ON;
    x->op.request.outcomes = x->op.wants_outcomes || x->op.call.require_all;
    x->op.call.keeps_outcomes = x->op.request.outcomes;
    return BM_OK;
}

static bm_status take_over(bm__execution *x, bm_queryset *queryset, bm_error *err)
{
    const bm__call *call = &x->op.call;
    for (size_t i = 0; i < call->model->n_fields; i++) {
        size_t set = 0;
        for (size_t k = 0; x->op.changes[i] && k < call->n_rows; k++) {
            size_t row = call->pick != NULL ? call->pick[k] : k;
            bm_state state = bm__view_state(&call->fields[i], row);
            if (state == BM_KEEP) {
                continue;
            }
            BM_TRY(bm__image_set(queryset->image, i, row, &call->fields[i], row, err));
            if (state == BM_VALUE && queryset->structs) {
                BM_TRY(bm__queryset_own(queryset, row, i, err));
            }
            set++;
        }
        bool whole = set > 0 && set == queryset->count;
        queryset->image->columns[i].known = queryset->image->columns[i].known || whole;
    }
    return BM_OK;
}

static bool has_defaults(const bm__execution *x)
{
    for (size_t i = 0; i < x->op.call.model->n_fields; i++) {
        if (x->op.changes[i] && x->op.defaults[i]) {
            return true;
        }
    }
    return false;
}

/* Nothing is known any more: the next update writes every column. */
static void drop_image(bm_queryset *queryset)
{
    bm__image_free(queryset->image);
    queryset->image = NULL;
}

/* The image is what the database holds now; inside a transaction it shares its fate. */
static bm_status update_image(bm__execution *x, void *context, bm_error *err)
{
    bm_queryset *queryset = context;
    bm__journal *journal = bm__db_journal(x->db);
    bool unsure = err->fate == BM_FATE_UNKNOWN || err->fate == BM_FATE_PARTIAL;
    bool written = err->status == BM_OK && !x->op.nothing && x->shared.dry_run != BM_ON;
    if (queryset == NULL || queryset->image == NULL || (!written && !unsure)) {
        return BM_OK;
    }
    /* The rows are written: what fails from here on is only what is known of them. */
    bm_error ignored = BM_ERROR;
    if (journal != NULL && bm__journal_keep(journal, queryset, &ignored) != BM_OK) {
        drop_image(queryset);
        return BM_OK;
    }
    if (unsure || has_defaults(x) || x->missing > 0 || take_over(x, queryset, &ignored) != BM_OK) {
        drop_image(queryset);
    }
    return BM_OK;
}

bm_status bm_update_fields(bm_db *db, bm_rows rows, const bm_update_fields_options *options,
                           bm_result *result, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    bm__execution x = bm__face_begin(db, rows);
    if (db != NULL && bm__model_check(rows.model, err) == BM_OK) {
        (void)bm__face_update_fields(&x, options, err);
    }
    return bm__face_run(&x, "update_fields", result, err, update_image, bm__rows_queryset(&rows));
}
