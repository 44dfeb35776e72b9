/* The passes of a sync over its rows that write nothing into the table.  What is done around them
 * is in executor/sync_rows.c. */
#include "create_plan.h"
#include "prepare.h"
#include "settings.h"

#include "options.h"
#include "rows.h"
#include "scope.h"
#include "verbs.h"

#include <assert.h>

static bm_status check_limits(const bm_sync_options *given, bm_error *err)
{
    if (given->where == NULL || given->where[0] == '\0') {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "bm_sync needs `where`, the condition on the rows that it may delete; "
                        "\"true\" is the whole table");
    }
    if (!(given->max_deletes_percent >= 0 && given->max_deletes_percent <= 100)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "max_deletes_percent must be between 0 and 100");
    }
    return bm__check_switch(given->allow_empty, "allow_empty", err);
}

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_sync_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    if (o->rows.kind == BM__ROWS_ALL || o->rows.kind == BM__ROWS_KEYS) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the rows have no columns to write");
    }
    BM_TRY(check_limits(&given, err));
    BM_TRY(bm__settings_read(o, given.call, given.batch_size, BM_OFF, 0, err));
    BM_TRY(bm__model_check(o->rows.model, err));
    if (given.unique_fields != NULL) {
        BM_TRY(bm__model_named(o->rows.model, given.unique_fields, &o->arena, &o->request.unique,
                               err));
    }
    if (o->request.unique.n == 0) {
        BM_TRY(bm__model_keys(o->rows.model, &o->arena, &o->request.unique, err));
    }
    for (size_t i = 0; i < o->request.unique.n; i++) {
        const bm_field *field = &o->rows.model->fields[o->request.unique.at[i]];
        if ((field->flags & BM_ASSIGNED) != 0) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                                 "column \"%s\" is assigned by the database and cannot identify "
                                 "the rows of a sync: name other unique_fields",
                                 field->name);
        }
    }
    o->duplicates = given.duplicates;
    o->request.where = given.where;
    return BM_OK;
}

static bm_status read_outside_options(bm__operation *o, const void *options, bm_error *err)
{
    BM_TRY(read_options(o, options, err));
    o->request.outcomes = o->call.require_all = o->call.keeps_outcomes = true;
    return BM_OK;
}

/* A primary key has no NULL.  Not each engine refuses one: SQLite would make a new row of it. */
static bm_status prepare(bm__operation *o, bm_error *err)
{
    const bm__fields *unique = &o->request.unique;
    bool other = false;
    for (size_t i = 0; i < unique->n; i++) {
        other = other || (o->rows.model->fields[unique->at[i]].flags & BM_KEY) == 0;
    }
    return bm__prepare_order(&o->call, unique, o->duplicates, other, err);
}

/* The batch: the columns by which rows are found. */
static bm_status add_unique(const bm__request *request, bm__plan *plan, size_t *at, bm_error *err)
{
    for (size_t i = 0; i < request->unique.n; i++) {
        const size_t field = request->unique.at[i];
        const char *name = plan->model->fields[field].name;
        bm__plan_column *column;
        if (!request->has[field] || request->defaults[field]) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                                 "column \"%s\" identifies the rows of a sync, and has no value in "
                                 "all or some of them",
                                 name);
        }
        at[i] = plan->n_columns;
        BM_TRY(bm__plan_add_field(plan, field, BM__SUPPLY_FIELD, true, &column, err));
    }
    return BM_OK;
}

/* Names as the table has them, and their operators behind them: 2 * fields->n. */
static bm_status server_names(const bm__plan *plan, const bm__fields *fields, bm__arena *arena,
                              bool *always, const char *const **out, bm_error *err)
{
    const char **names = bm__arena_array(arena, 2 * fields->n + 1, sizeof *names);
    if (names == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < fields->n; i++) {
        const bm__table_column *server;
        BM_TRY(bm__plan_server(plan, fields->at[i], &server, err));
        names[i] = server->name;
        names[fields->n + i] = server->equal;
        *always = *always || server->identity == 'a';
    }
    *out = names;
    return BM_OK;
}

static bm_status make_scope(const bm__request *request, const bm__plan *plan, bm__arena *arena,
                            bm__sql_scope *out, bm_error *err)
{
    bool unwanted = false;
    if (plan->keys.n == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the model of \"%s\" has no BM_KEY",
                        plan->model->table);
    }
    BM_TRY(bm__refuse_foreign(plan, BM__CONFLICT_UPDATE, err));
    BM_TRY(bm__refuse_temporal(plan, &request->unique, err));
    assert(request->where != NULL && plan->table->name != NULL);
    *out = (bm__sql_scope){.dialect = plan->engine->dialect,
                           .schema = plan->table->schema,
                           .table = plan->table->name,
                           .n_keys = plan->keys.n,
                           .n_unique = request->unique.n,
                           .where = request->where};
    BM_TRY(server_names(plan, &plan->keys, arena, &unwanted, &out->keys, err));
    out->equals = out->keys + out->n_keys;
    return server_names(plan, &request->unique, arena, &out->overriding, &out->unique, err);
}

static bm_status scope_of(const bm__request *request, const bm_model *model, const bm__table *table,
                          const bm__engine *engine, bm__arena *arena, bm__sql_scope *out,
                          bm_error *err)
{
    bm__plan plan = {.model = model, .table = table, .engine = engine};
    BM_TRY(bm__model_keys(model, arena, &plan.keys, err));
    return make_scope(request, &plan, arena, out, err);
}

static bm_status plan_pass(const bm__request *request, bm__plan *plan, bool outside, bm_error *err)
{
    bm__sql_scope scope;
    BM_TRY(bm__plan_begin(request, plan, err));
    size_t *at = bm__arena_array(&plan->arena, request->unique.n + 1, sizeof *at);
    bm__sql_column *columns = bm__arena_array(&plan->arena, request->unique.n + 1, sizeof *columns);
    if (at == NULL || columns == NULL) {
        return bm__no_memory(err);
    }
    BM_TRY(add_unique(request, plan, at, err));
    assert(plan->n_columns == request->unique.n);
    BM_TRY(make_scope(request, plan, &plan->arena, &scope, err));
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    shape.unique = at;
    shape.n_unique = request->unique.n;
    bm__sql sql = bm__sql_begin(err);
    plan->write = (bm__statement){
        NULL, BM__STEP_EXEC, outside ? BM__EXPECT_ORDINALS : BM__EXPECT_COUNT, BM__TAKES_COLUMNS};
    plan->tally = (bm__tally){.counted = true, .hit = BM_ROW_NONE, .miss = BM_ROW_NONE};
    if (outside) {
        bm__sql_scope_outside(&sql, &shape, &scope);
        plan->tally = (bm__tally){.mask = BM__SEEN, .match = BM__SEEN, .hit = BM_ROW_MISSING};
    } else {
        bm__sql_scope_match(&sql, &shape, &scope);
    }
    plan->why = "rows that exist are found; then the others that `where` selects are deleted, and "
                "an upsert writes the rows";
    plan->chunk_rows = bm__plan_chunk(request, plan->engine->lookup_rows);
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->write.sql));
    return bm__plan_setup(request, plan, 0, err);
}

static bm_status plan_match(const bm__request *request, bm__plan *plan, bm_error *err)
{
    return plan_pass(request, plan, false, err);
}

static bm_status plan_outside(const bm__request *request, bm__plan *plan, bm_error *err)
{
    return plan_pass(request, plan, true, err);
}

static const bm__verb outside = {.name = "sync",
                                 .options = read_outside_options,
                                 .prepare = prepare,
                                 .plan = plan_outside,
                                 .creates = true};

static const bm__sync_parts parts = {&outside, &bm__verb_upsert, scope_of};

const bm__verb bm__verb_sync = {.name = "sync",
                                .options = read_options,
                                .prepare = prepare,
                                .plan = plan_match,
                                .creates = true,
                                .sync = &parts};
