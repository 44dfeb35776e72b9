/* Of an upsert: what is compared, keys for new rows only, and rows left as they are. */
#include "create_plan.h"

#include <assert.h>

bm_status bm__create_lookup(bm__plan *plan, const bm__sql_shape *shape, const size_t *by,
                            size_t n_by, bool keys, bm__statement *out, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    bm__sql_present(&sql, shape, by, n_by, keys);
    *out = (bm__statement){NULL, BM__STEP_EXEC, keys ? BM__EXPECT_ORD_KEYS : BM__EXPECT_ORDINALS,
                           BM__TAKES_COLUMNS};
    return bm__sql_end(&sql, &plan->arena, &out->sql);
}

/* Are these columns one of the table's temporal keys, with none missing? */
static bool is_temporal(const bm__plan *plan, const bm__fields *unique)
{
    uint32_t keys = UINT32_MAX;
    size_t n = 0;
    for (size_t i = 0; i < unique->n; i++) {
        const char *name = plan->model->fields[unique->at[i]].name;
        const bm__table_column *column = bm__table_find(plan->table, name);
        keys &= column != NULL ? column->temporal : 0;
    }
    for (size_t i = 0; i < plan->table->n_columns; i++) {
        n += (plan->table->columns[i].temporal & keys) != 0;
    }
    assert(keys == 0 || n >= unique->n);
    return unique->n > 0 && keys != 0 && n == unique->n;
}

bm_status bm__refuse_foreign(const bm__plan *plan, bm__sql_conflict conflict, bm_error *err)
{
    if (!plan->table->foreign) {
        return BM_OK;
    }
    const bool upsert = conflict == BM__CONFLICT_UPDATE;
    return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                    "%s \"%s\": its rows are on other servers, and PostgreSQL knows no unique key "
                    "of theirs. %s, or connect to each of those servers",
                    upsert ? "no upsert into" : "ignore_conflicts takes no unique_fields for",
                    plan->table->name,
                    upsert ? "Update the rows that exist and create the others"
                           : "Leave unique_fields out, so that any conflict is ignored");
}

bm_status bm__refuse_temporal(const bm__plan *plan, const bm__fields *unique, bm_error *err)
{
    if (!is_temporal(plan, unique)) {
        return BM_OK;
    }
    const char *last = plan->model->fields[unique->at[unique->n - 1]].name;
    return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, last,
                         "no upsert by the key with column \"%s\": it is temporal (WITHOUT "
                         "OVERLAPS), and ON CONFLICT DO UPDATE needs a plain unique key. Update "
                         "the rows that exist, and create the others",
                         last);
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

/* What is compared, and what the caller's condition chooses. */
static bm_status choose_rows(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                             bm_error *err)
{
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

bm_status bm__upsert_shape(const bm__request *request, bm__plan *plan, bm__sql_column *columns,
                           bm__sql_shape *shape, bm_error *err)
{
    if (request->conflict != BM__CONFLICT_UPDATE || by_made_column(shape)) {
        return BM_OK;
    }
    shape->only = plan->table->kind == 'r' && plan->table->children; /* as ON CONFLICT */
    shape->triggered = plan->table->insert_trigger;
    if (request->selective) {
        BM_TRY(choose_rows(request, plan, shape, err));
    }
    return request->match_first && plan->strategy == BM__INSERT_RETURNING && plan->key_made
               ? match_first(plan, columns, shape, err)
               : BM_OK;
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
