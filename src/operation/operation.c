#include "operation.h"

#include "prepare.h"

void bm__operation_free(bm__operation *operation)
{
    if (operation->call.model != NULL) {
        bm__call_free(&operation->call);
    }
    bm__plan_free(&operation->plan);
    bm__arena_free(&operation->arena);
}

static bm_status make_room(bm__operation *o, bm_error *err)
{
    size_t n = o->rows.model->n_fields;
    o->defaults = bm__arena_array(&o->arena, n, sizeof *o->defaults);
    o->keeps = bm__arena_array(&o->arena, n, sizeof *o->keeps);
    o->changes = bm__arena_array(&o->arena, n, sizeof *o->changes);
    if (o->defaults == NULL || o->keeps == NULL || o->changes == NULL) {
        return bm__no_memory(err);
    }
    BM_TRY(bm__prepare_rows(&o->call, &o->rows, err));
    o->call.keeps_outcomes = o->call.keeps_outcomes || o->wants_outcomes;
    return bm__call_room(&o->call, o->call.caller_rows, err);
}

bm_status bm__operation_open(bm__operation *o, bm_error *err)
{
    bm__request *request = &o->request;
    BM_TRY(bm__rows_check(&o->rows, err));
    BM_TRY(make_room(o, err));
    request->model = o->rows.model;
    request->whole_table = o->rows.kind == BM__ROWS_ALL;
    if (!request->whole_table) {
        BM_TRY(bm__prepare_states(&o->call, o->verb->creates, o->defaults, o->keeps, err));
    }
    if (o->verb->prepare != NULL) {
        BM_TRY(o->verb->prepare(o, err));
    }
    request->has = o->call.has;
    request->views = o->call.fields;
    request->defaults = o->defaults;
    request->keeps = o->keeps;
    request->changes = o->changes;
    request->n_rows = o->call.source != NULL ? SIZE_MAX : o->call.n_rows;
    request->keys_back = request->keys_back || o->wants_queryset;
    request->read_back = o->wants_queryset;
    o->nothing = o->nothing || (o->call.source == NULL && o->call.n_rows == 0);
    return BM_OK;
}

/* For this number of workers: each has a share of the rows where no batch size is given. */
static bm_status plan_for(bm__operation *o, const bm__table *table, size_t workers, bool inside,
                          bm_error *err)
{
    bm__request request = o->request;
    request.verb = o->verb;
    request.table = table;
    request.several_workers = workers > 1;
    request.own_transaction = !inside && !o->verb->reads;
    if (request.batch_size == 0 && workers > 1 && o->call.source == NULL) {
        request.batch_size = (o->call.n_rows - 1) / workers + 1;
    }
    bm__plan_free(&o->plan);
    return o->verb->plan(&request, &o->plan, err);
}

/* A made key that is text lives in its job; rows that are read back need those collected before
 * them; nobody sees who waits for whom on other servers. */
static bool needs_one_worker(const bm__plan *plan)
{
    bool text_key = plan->key_tracked && plan->model->fields[plan->key_field].layout != BM_FIXED;
    bool reference = plan->table->citus == 'n'; /* who writes it waits for all who have */
    return plan->table->self_reference || plan->table->foreign || reference || text_key ||
           plan->read.sql != NULL;
}

bm_status bm__operation_plan(bm__operation *o, const bm__table *table, size_t *workers, bool inside,
                             bm_error *err)
{
    BM_TRY(plan_for(o, table, *workers, inside, err));
    if (*workers > 1 && needs_one_worker(&o->plan)) {
        *workers = 1;
        BM_TRY(plan_for(o, table, 1, inside, err));
    }
    o->call.plan = &o->plan;
    BM_TRY(bm__prepare_flags(&o->call, o->defaults, err));
    if (o->call.source != NULL && o->call.buffer == NULL) {
        BM_TRY(bm__prepare_stream(&o->call, err));
    }
    return bm__call_room(&o->call, o->call.caller_rows, err);
}

bm_status bm__operation_check(bm__operation *o, bm_error *err)
{
    const bm__plan *plan = &o->plan;
    if (o->call.source != NULL) {
        return BM_OK;
    }
    bm__view *views = bm__arena_array(&o->arena, plan->n_columns + 1, sizeof *views);
    if (views == NULL) {
        return bm__no_memory(err);
    }
    bm__call_views(&o->call, plan->columns, plan->n_columns, views);
    bm__batch batch = {
        .views = views, .n_views = plan->n_columns, .n_rows = o->call.n_rows, .pick = o->call.pick};
    return bm__call_check(&o->call, &batch, err);
}

/* A count that is wrong must be found while the rows can still be taken back. */
static bool may_drop_rows(const bm__operation *o)
{
    const bm__table *table = o->plan.table;
    return o->verb->creates && o->plan.count_exact &&
           (table->insert_trigger || table->rules || table->kind != 'r');
}

bm__job_mode bm__operation_mode(const bm__operation *o, size_t workers, bool inside)
{
    const bm__plan *plan = &o->plan;
    bool one_statement = plan->write.kind == BM__STEP_EXEC && plan->setup.sql == NULL &&
                         plan->before.sql == NULL && plan->reserve.sql == NULL &&
                         plan->after.sql == NULL && plan->read.sql == NULL &&
                         plan->verify.sql == NULL && plan->stage.sql == NULL;
    bool one_chunk = o->call.source == NULL && o->call.n_rows <= plan->chunk_rows;
    if (inside) {
        return BM__JOB_SAVEPOINT;
    }
    if ((o->verb->reads && plan->setup.sql == NULL) ||
        (one_statement && one_chunk && workers == 1 && !o->dry_run && !o->call.require_all &&
         !o->checks_commit && !may_drop_rows(o))) {
        return BM__JOB_AUTOCOMMIT;
    }
    return BM__JOB_OWN;
}

bm_status bm__operation_begin(bm__operation *o, size_t workers, bm_error *err)
{
    bm__call *call = &o->call;
    bm__call_rewind(call);
    call->several = workers > 1;
    call->dry_run = o->dry_run;
    call->probes = o->sets_aside;
    if (!o->wants_queryset) {
        return BM_OK;
    }
    bool structs = o->rows.kind != BM__ROWS_COLUMNS && o->rows.kind != BM__ROWS_KEYS;
    size_t capacity = call->source != NULL || o->request.whole_table ? 0 : call->n_rows;
    BM_TRY(bm__queryset_new(call->model, structs || o->verb->reads, capacity, &call->made, err));
    if (o->journal != NULL) { /* what is known of its rows shares the transaction's fate */
        BM_TRY(bm__journal_made(o->journal, call->made, err));
    }
    call->collects = !call->several && o->verb->creates;
    return BM_OK;
}

bm_status bm__operation_end(bm__operation *o, bm_error *err)
{
    bm__call *call = &o->call;
    if (call->made == NULL || !o->verb->creates || call->collects) {
        return BM_OK;
    }
    bm_status status = bm__call_collect(call, 0, call->n_rows, err);
    if (status != BM_OK) {
        err->fate = call->dry_run ? BM_FATE_ROLLED_BACK : BM_FATE_COMMITTED;
    }
    return status;
}

bool bm__operation_casts_text(const bm__operation *o, const bm__table *table)
{
    const bm_model *model = o->rows.model;
    const bm__format *format = o->request.engine->format;
    for (size_t i = 0; format != NULL && i < model->n_fields; i++) {
        const bm_field *field = &model->fields[i];
        const bm__member_form form = {field->type, field->layout, field->width};
        const bm__table_column *server = bm__table_find(table, field->name);
        bm__slot slot = {.as_text = false};
        bm_error why = BM_ERROR;
        bool casts = server != NULL && !bm__is_array(field->layout) &&
                     format->encode_plan(form, server, true, &slot, &why) == BM_OK && slot.as_text;
        if (casts && server->kind != 'e') {
            return true;
        }
    }
    return false;
}

bool bm__operation_writes_defaults(const bm__operation *o)
{
    for (size_t i = 0; o->defaults != NULL && i < o->rows.model->n_fields; i++) {
        if (o->defaults[i]) {
            return true;
        }
    }
    return false;
}
