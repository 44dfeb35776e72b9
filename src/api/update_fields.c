#include "face.h"

#include "options.h"
#include "prepare.h"

/* Named fields, or what changed against the image. */
static bm_status prepare(bm__execution *x, bm_error *err)
{
    bm__fields keys;
    const bm_model *model = x->rows.model;
    BM_TRY(bm__model_keys(model, &x->arena, &keys, err));
    BM_TRY(bm__prepare_same_keys(&x->call, bm__face_queryset(&x->rows), &keys, err));
    if (x->request.set.at == NULL) {
        BM_TRY(bm__prepare_changes(&x->call, bm__face_queryset(&x->rows), x->changes, x->keeps,
                                   &x->unchanged, err));
    } else {
        for (size_t i = 0; i < model->n_fields; i++) {
            x->changes[i] = bm__fields_has(&x->request.set, i);
            x->keeps[i] = x->keeps[i] && x->changes[i];
            if (x->changes[i] && !x->call.has[i]) {
                return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW,
                                     model->fields[i].name, "the rows do not hold column \"%s\"",
                                     model->fields[i].name);
            }
        }
        BM_TRY(bm__prepare_keeps(&x->call, x->keeps, err));
    }
    if (x->call.source == NULL && x->call.n_rows == 0) {
        return BM_OK;
    }
    return bm__prepare_order(&x->call, &keys, x->duplicates, false, err);
}

bm_status bm__face_update_fields(bm__execution *x, const void *options, bm_error *err)
{
    bm_update_fields_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->plan_verb = bm__plan_update_fields;
    x->prepare = prepare;
    if (x->rows.kind == BM__ROWS_ALL || x->rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "these rows hold no values of their own");
    }
    BM_TRY(bm__check_switch(o.return_outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(o.require_all, "require_all", err));
    BM_TRY(bm__read_call(x, o.call, o.batch_size, o.concurrent, o.max_concurrent_workers, err));
    if (o.fields != NULL) {
        BM_TRY(bm__model_named(x->rows.model, o.fields, &x->arena, &x->request.set, err));
        x->nothing = x->request.set.n == 0;
    } else if (bm__face_queryset(&x->rows) == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "rows without an image: name the fields to update");
    }
    x->duplicates = o.duplicates;
    x->wants_outcomes = o.return_outcomes == BM_ON;
    x->call.require_all = o.require_all == BM_ON;
    x->request.outcomes = x->wants_outcomes || x->call.require_all;
    x->call.keeps_outcomes = x->request.outcomes;
    return BM_OK;
}

static bm_status take_over(bm__execution *x, bm_queryset *queryset, bm_error *err)
{
    const bm__call *call = &x->call;
    for (size_t i = 0; i < call->model->n_fields; i++) {
        size_t set = 0;
        for (size_t k = 0; x->changes[i] && k < call->n_rows; k++) {
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
    for (size_t i = 0; i < x->call.model->n_fields; i++) {
        if (x->changes[i] && x->defaults[i]) {
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
    bool written = err->status == BM_OK && !x->nothing && x->shared.dry_run != BM_ON;
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
    return bm__face_run(&x, "update_fields", result, err, update_image, bm__face_queryset(&rows));
}
