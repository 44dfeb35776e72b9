#include "settings.h"
#include "verbs.h"

#include "options.h"
#include "rows.h"

#include <stdio.h>
#include <string.h>

/* The named fields in the model's order, and the key, by which rows are found and ordered. */
static bm_status read_fields(bm__operation *o, const char *const *names, bm_error *err)
{
    const bm_model *model = o->rows.model;
    bm__fields *out = &o->request.read;
    if (names == NULL) {
        return bm__model_without(model, 0, &o->arena, out, err);
    }
    bm__fields named;
    BM_TRY(bm__model_named(model, names, &o->arena, &named, err));
    if (named.n == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "no column to read");
    }
    BM_TRY(bm__model_keys(model, &o->arena, out, err));
    out->n = 0;
    for (size_t i = 0; i < model->n_fields; i++) {
        if (bm__fields_has(&named, i) || (model->fields[i].flags & BM_KEY) != 0) {
            out->at[out->n++] = i;
        }
    }
    return BM_OK;
}

static bm_status check_query(const bm__operation *o, const bm_copy_to_options *given, bm_error *err)
{
    if (given->query == NULL) {
        return BM_OK;
    }
    if (o->rows.kind != BM__ROWS_ALL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "query needs bm_all");
    }
    if (given->where != NULL || given->order_by != NULL || given->order_by_key == BM_ON) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "query cannot be used with where, order_by or order_by_key: it has a "
                        "WHERE and an ORDER BY of its own");
    }
    return BM_OK;
}

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_copy_to_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    if (o->rows.kind == BM__ROWS_STREAM) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "bm_copy_to takes no stream of keys");
    }
    if (o->rows.model->row_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_copy_to needs a model with a row struct");
    }
    BM_TRY(bm__check_switch(given.order_by_key, "order_by_key", err));
    BM_TRY(bm__check_switch(given.require_all, "require_all", err));
    BM_TRY(bm__settings_read(o, given.call, 0, BM_OFF, 0, err));
    BM_TRY(read_fields(o, given.fields, err));
    BM_TRY(check_query(o, &given, err));
    if ((given.where != NULL || given.order_by != NULL) && o->rows.kind != BM__ROWS_ALL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "where and order_by need bm_all");
    }
    if (given.order_by != NULL && given.order_by_key == BM_ON) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "order_by and order_by_key cannot both be set");
    }
    o->request.query = given.query;
    o->request.filter = given.where;
    o->request.order = given.order_by;
    o->request.order_by_key = given.order_by_key == BM_ON;
    o->call.require_all = given.require_all == BM_ON;
    o->call.sink = given.sink;
    o->call.sink_user = given.user;
    o->call.sink_rows = given.batch_size > 0 ? given.batch_size : 1000;
    o->wants_queryset = given.sink == NULL;
    return BM_OK;
}

/* The statement's columns; *plain: the table may be copied by its name. */
static bm_status name_outputs(const bm__request *request, bm__plan *plan, bm__sql_output *outputs,
                              bool *plain, bm_error *err)
{
    *plain = plan->table->kind == 'r' && !plan->table->children;
    for (size_t i = 0; i < request->read.n; i++) {
        const bm_field *field = &plan->model->fields[request->read.at[i]];
        const bm__table_column *server;
        BM_TRY(bm__plan_server(plan, request->read.at[i], &server, err));
        outputs[i].name = field->name;
        outputs[i].as_text = plan->outputs[i].reader.as_text;
        outputs[i].order = request->order_by_key && (field->flags & BM_KEY) != 0;
        *plain = *plain && !outputs[i].as_text && !server->generated; /* COPY t has none of them */
    }
    return BM_OK;
}

/* The columns of a query are called c0, c1 ... in its place: their own names need not differ. */
static bm_status name_query_outputs(const bm__request *request, bm__plan *plan,
                                    bm__sql_output *outputs, bm_error *err)
{
    for (size_t i = 0; i < request->read.n; i++) {
        const bm__table_column *server;
        char name[32];
        BM_TRY(bm__plan_server(plan, request->read.at[i], &server, err));
        int size = snprintf(name, sizeof name, "c%zu", (size_t)(server - plan->table->columns));
        outputs[i].name = bm__arena_copy(&plan->arena, name, (size_t)size);
        if (outputs[i].name == NULL) {
            return bm__no_memory(err);
        }
        const bm__table_column *end = plan->table->columns + plan->table->n_columns;
        for (const bm__table_column *c = server + 1; c < end; c++) {
            if (strcmp(c->name, server->name) == 0) {
                return bm__fail_cell(err, BM_INVALID, BM_STAGE_CATALOG, BM_NO_ROW, c->name,
                                     BM__TWICE_IN_QUERY, c->name);
            }
        }
    }
    return BM_OK;
}

/* What reads the whole table, or the query, which cannot write. */
static bm_status plan_all(const bm__request *request, bm__plan *plan, bm__sql *sql,
                          const bm__sql_shape *shape, const bm__sql_output *outputs, bool plain)
{
    bool unload = plan->engine->has_copy;
    plan->read.kind = unload ? BM__STEP_UNLOAD : BM__STEP_EXEC;
    plan->read.takes = BM__TAKES_NOTHING;
    plan->why = request->query != NULL ? "all rows of the query" : "all rows of the table";
    if (request->query != NULL && plan->engine->set_read_only != NULL) {
        plan->setup = plan->hint = (bm__statement){plan->engine->set_read_only, BM__STEP_EXEC,
                                                   BM__EXPECT_COUNT, BM__TAKES_NOTHING};
        plan->undone = true;
    }
    if (unload) {
        plan->engine->copy_out(sql, shape, outputs, request->read.n, plain);
    } else {
        bm__sql_select_all(sql, shape, outputs, request->read.n);
    }
    return bm__sql_end(sql, &plan->arena, &plan->read.sql);
}

static bm_status plan_copy_to(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, plan, err));
    size_t n = request->read.n;
    BM_TRY(bm__plan_outputs(plan, &request->read, &plan->outputs, err));
    plan->n_outputs = n;
    bm__sql_output *outputs = bm__arena_array(&plan->arena, n, sizeof *outputs);
    bm__sql_column *columns = bm__arena_array(&plan->arena, plan->keys.n + 1, sizeof *columns);
    if (outputs == NULL || columns == NULL) {
        return bm__no_memory(err);
    }
    bool plain = false;
    BM_TRY(name_outputs(request, plan, outputs, &plain, err));
    if (request->query != NULL) {
        BM_TRY(name_query_outputs(request, plan, outputs, err));
    }
    if (!request->whole_table) {
        BM_TRY(bm__plan_add_keys(request, plan, err));
    }
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    shape.filter = request->filter;
    shape.order = request->order;
    shape.query = request->query;
    shape.n_query = plan->table->n_columns;
    bm__sql sql = bm__sql_begin(err);
    plan->chunk_rows = request->batch_size > 0 ? request->batch_size : 1000;
    plan->read = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ROWS, BM__TAKES_COLUMNS};
    if (request->whole_table) {
        BM_TRY(plan_all(request, plan, &sql, &shape, outputs, plain));
        return request->query != NULL ? BM_OK : bm__plan_verify(plan, err);
    }
    plan->read_columns = plan->columns;
    plan->n_read_columns = plan->n_columns;
    plan->why = "rows found by key, in the order of the keys";
    bm__sql_select_keys(&sql, &shape, outputs, n);
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->read.sql));
    return bm__plan_verify(plan, err);
}

const bm__verb bm__verb_copy_to = {.name = "copy_to",
                                   .options = read_options,
                                   .plan = plan_copy_to,
                                   .reads = true,
                                   .keys_only = true};
