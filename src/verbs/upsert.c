/* Insert what is new, update what differs, leave the rest: a create whose conflicts write only what
 * they change. */
#include "create_plan.h"
#include "settings.h"
#include "verbs.h"

#include "options.h"

static bm_status read_options(bm__operation *o, const void *options, bm_error *err)
{
    bm_upsert_options given;
    BM_TRY(bm__options_read(&given, sizeof given, options, err));
    BM_TRY(bm__check_switch(given.update_unchanged, "update_unchanged", err));
    const bm_bulk_create_options create = {.size = sizeof create,
                                           .call = given.call,
                                           .batch_size = given.batch_size,
                                           .concurrent = given.concurrent,
                                           .max_concurrent_workers = given.max_concurrent_workers,
                                           .return_queryset = given.return_queryset,
                                           .return_outcomes = given.return_outcomes,
                                           .update_conflicts = BM_ON,
                                           .update_fields = given.update_fields,
                                           .unique_fields = given.unique_fields,
                                           .duplicates = given.duplicates,
                                           .keys_into = given.keys_into,
                                           .create_uuid = given.create_uuid,
                                           .allow_skipped = given.allow_skipped};
    BM_TRY(bm__create_options(o, &create, err));
    if (given.where != NULL && given.where[0] == '\0') {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "where is empty");
    }
    o->request.where = given.where;
    o->request.compares = given.update_unchanged != BM_ON;
    o->request.selective = o->request.compares || given.where != NULL;
    o->request.match_first = true;
    return BM_OK;
}

/* A key that is made in the statement names no row that is there: all rows are new. */
static bool by_made_column(const bm__sql_shape *shape)
{
    for (size_t i = 0; i < shape->n_unique; i++) {
        if (shape->columns[shape->unique[i]].made) {
            return true;
        }
    }
    return false;
}

/* Its key is that of the row that is there: no value of the sequence is used up for it.  Who was
 * there is then said by xmax, which ordinary tables have. */
static bm_status match_first(bm__plan *plan, bm__sql_column *columns, const bm__sql_shape *shape,
                             bm_error *err)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        bm__sql_column *column = &columns[i];
        if (!column->made || !column->key || plan->table->kind != 'r') {
            continue;
        }
        bm__sql sql = bm__sql_begin(err);
        bm__sql_put(&sql, "coalesce(");
        bm__sql_key_there(&sql, shape, i);
        bm__sql_put(&sql, ", %s)", column->default_sql);
        const char *text;
        BM_TRY(bm__sql_end(&sql, &plan->arena, &text));
        column->default_sql = text;
        plan->matched = true;
    }
    return BM_OK;
}

bm_status bm__upsert_shape(const bm__request *request, bm__plan *plan, bm__sql_column *columns,
                           bm__sql_shape *shape, bm_error *err)
{
    if (request->conflict != BM__CONFLICT_UPDATE || by_made_column(shape)) {
        return BM_OK;
    }
    if (request->match_first && plan->strategy == BM__INSERT_RETURNING && plan->key_made) {
        BM_TRY(match_first(plan, columns, shape, err));
    }
    if (!request->selective) {
        return BM_OK;
    }
    size_t *compare = bm__arena_array(&plan->arena, shape->n_update + 1, sizeof *compare);
    if (compare == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; request->compares && i < shape->n_update; i++) {
        if (plan->columns[shape->update[i]].supply != BM__SUPPLY_UUID) { /* alone it is no change */
            compare[shape->n_compare++] = shape->update[i];
        }
    }
    shape->compare = compare;
    shape->where = request->where;
    plan->keeps = shape->n_compare > 0 || shape->where != NULL;
    shape->keeps = plan->keeps;
    plan->count_exact = plan->count_exact && !plan->keeps;
    return BM_OK;
}

bm_status bm__upsert_looks(bm__plan *plan, const bm__sql_shape *shape, bm_error *err)
{
    if (!plan->keeps) {
        return BM_OK;
    }
    if (!plan->engine->reads_batch) {
        return bm__create_lookup(plan, shape, shape->unique, shape->n_unique, true, &plan->after,
                                 err);
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_differing(&sql, shape);
    plan->before = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ORDINALS, BM__TAKES_COLUMNS};
    return bm__sql_end(&sql, &plan->arena, &plan->before.sql);
}

const bm__verb bm__verb_upsert = {.name = "upsert",
                                  .options = read_options,
                                  .prepare = bm__create_prepare,
                                  .plan = bm__create_plan,
                                  .done = bm__create_done,
                                  .hit = BM_ROW_INSERTED,
                                  .creates = true};
