/* Of an upsert: what is compared, keys for new rows only, and rows left as they are. */
#include "create_plan.h"

bm_status bm__create_lookup(bm__plan *plan, const bm__sql_shape *shape, const size_t *by,
                            size_t n_by, bool keys, bm__statement *out, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    bm__sql_present(&sql, shape, by, n_by, keys);
    *out = (bm__statement){NULL, BM__STEP_EXEC, keys ? BM__EXPECT_ORD_KEYS : BM__EXPECT_ORDINALS,
                           BM__TAKES_COLUMNS};
    return bm__sql_end(&sql, &plan->arena, &out->sql);
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
