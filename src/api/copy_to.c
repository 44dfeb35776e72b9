#include "face.h"

#include "options.h"

/* The named fields in the model's order, and the key, by which rows are found and ordered. */
static bm_status read_fields(bm__execution *x, const char *const *names, bm_error *err)
{
    const bm_model *model = x->op.rows.model;
    bm__fields *out = &x->op.request.read;
    if (names == NULL) {
        return bm__model_without(model, 0, &x->op.arena, out, err);
    }
    bm__fields named;
    BM_TRY(bm__model_named(model, names, &x->op.arena, &named, err));
    if (named.n == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "there is no column to read");
    }
    BM_TRY(bm__model_keys(model, &x->op.arena, out, err));
    out->n = 0;
    for (size_t i = 0; i < model->n_fields; i++) {
        if (bm__fields_has(&named, i) || (model->fields[i].flags & BM_KEY) != 0) {
            out->at[out->n++] = i;
        }
    }
    return BM_OK;
}

bm_status bm__face_copy_to(bm__execution *x, const void *options, bm_error *err)
{
    bm_copy_to_options o;
    BM_TRY(bm__options_read(&o, sizeof o, options, err));
    x->op.verb = &bm__verb_copy_to;
    if (x->op.rows.kind == BM__ROWS_STREAM) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "bm_copy_to takes no stream of keys");
    }
    if (x->op.rows.model->row_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "bm_copy_to needs a model with a row");
    }
    BM_TRY(bm__check_switch(o.order_by_key, "order_by_key", err));
    BM_TRY(bm__check_switch(o.require_all, "require_all", err));
    BM_TRY(bm__read_call(x, o.call, 0, BM_OFF, 0, err));
    BM_TRY(read_fields(x, o.fields, err));
    if ((o.where != NULL || o.order_by != NULL) && x->op.rows.kind != BM__ROWS_ALL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "where and order_by are for bm_all");
    }
    if (o.order_by != NULL && o.order_by_key == BM_ON) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "order_by and order_by_key exclude each other");
    }
    x->op.request.filter = o.where;
    x->op.request.order = o.order_by;
    x->op.request.order_by_key = o.order_by_key == BM_ON;
    x->op.call.require_all = o.require_all == BM_ON;
    x->op.call.sink = o.sink;
    x->op.call.sink_user = o.user;
    x->op.call.sink_rows = o.batch_size > 0 ? o.batch_size : 1000;
    x->op.wants_queryset = o.sink == NULL;
    return BM_OK;
}

bm_status bm_copy_to(bm_db *db, bm_rows rows, const bm_copy_to_options *options, bm_result *result,
                     bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    bm__execution x = bm__face_begin(db, rows);
    if (db != NULL && bm__model_check(rows.model, err) == BM_OK) {
        (void)bm__face_copy_to(&x, options, err);
    }
    return bm__face_run(&x, "copy_to", result, err, NULL, NULL);
}
