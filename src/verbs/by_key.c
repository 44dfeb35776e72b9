#include "by_key.h"

#include "prepare.h"
#include "settings.h"
#include "staged.h"

/* SQLite names no row that it wrote.  Where a row may be left out though it is there, each is
 * written by a statement of its own. */
static bool needs_each(const bm__request *request, const bm__plan *plan)
{
    return plan->engine->reads_batch && request->outcomes && !request->whole_table &&
           !plan->uncounted && plan->table->may_ignore;
}

/* The table must be what the rows are found in: say which are not, where asked. */
static bm_status plan_before(const bm__request *request, bm__plan *plan, const bm__sql_shape *shape,
                             bm_error *err)
{
    size_t keys[BM__KEYS_MAX];
    size_t n = 0;
    bool told = request->outcomes || plan->uncounted;
    if (!plan->engine->reads_batch || !told || request->whole_table || needs_each(request, plan)) {
        return BM_OK;
    }
    for (size_t i = 0; i < plan->n_columns && n < BM__KEYS_MAX; i++) {
        if (plan->columns[i].sql.key) {
            keys[n++] = i;
        }
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_present(&sql, shape, keys, n, false);
    plan->before = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ORDINALS, BM__TAKES_COLUMNS};
    return bm__sql_end(&sql, &plan->arena, &plan->before.sql);
}

/* The rows are found by a primary key of one column: there is an index to look them up in, and no
 * other that the planner may take for as good (of a part of a key it may have wrong statistics). */
static bool by_primary_key(const bm__plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->table->n_columns; i++) {
        n += plan->table->columns[i].primary_key;
    }
    if (n != 1 || plan->keys.n != 1) {
        return false;
    }
    const char *name = plan->model->fields[plan->keys.at[0]].name;
    const bm__table_column *column = bm__table_find(plan->table, name);
    return column != NULL && column->primary_key;
}

/* Can the keys of the batch be said as a condition? */
static bool can_say_keys(const bm__plan *plan)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        const bm__sql_column *column = &plan->columns[i].sql;
        if (column->key && column->cast != NULL) { /* an array of another type */
            return false;
        }
    }
    return plan->engine->dialect->among != NULL;
}

/* May the rows be asked for by their key and by a further condition? */
static bool may_say_keys(const bm__request *request, const bm__plan *plan)
{
    return request->filter_plain && can_say_keys(plan);
}

/* The rows of a statement that updates some rows of a larger table, and is told to look each of
 * them up; else 0.  The hint itself asks for the table's size: this is what was known of it, or
 * 0. */
static size_t rows_to_hint(const bm__request *request, const bm__plan *plan)
{
    size_t rows = request->n_rows < plan->chunk_rows ? request->n_rows : plan->chunk_rows;
    double table = plan->table->estimated_rows;
    bool many = request->filter != NULL || (double)rows > table / BM__LEAST_SHARE;
    bool between = table <= 0 || (many && (double)rows < table / BM__MOST_SHARE);
    bool wanted = rows > plan->engine->hint_rows && between && !request->whole_table &&
                  (request->filter == NULL || may_say_keys(request, plan)) && by_primary_key(plan);
    return wanted ? rows : 0;
}

/*
 * With a further condition on the rows the planner may begin with those that it believes to fulfil
 * it, and go through the batch for each of them: where that statistic is wrong, for minutes.  So
 * the rows are asked for by key and by the condition, and joined to a hash of the batch: as few
 * as there are of either, in a time that is linear in them.
 */
static bm_status plan_looked_up(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                                bm_error *err)
{
    if (request->filter == NULL || rows_to_hint(request, plan) == 0 || plan->engine->hint == NULL) {
        return BM_OK;
    }
    bm__sql sql = bm__sql_begin(err);
    shape->among = true;
    bm__sql_update(&sql, shape);
    return bm__sql_end(&sql, &plan->arena, &plan->looked_up);
}

/* A DELETE of rows of other servers: a join is carried out here, row by row, and a condition on the
 * key there. */
static bool by_condition(const bm__request *request, const bm__plan *plan)
{
    return plan->table->foreign && !request->outcomes && plan->keys.n == 1 &&
           request->filter == NULL && request->verb->hit == BM_ROW_DELETED && can_say_keys(plan);
}

/* Rows that were there before the write, or that its answer names; else only their number. */
static bm__tally tally_of(const bm__request *request, const bm__plan *plan)
{
    bool before = plan->before.sql != NULL;
    uint8_t mark = before ? BM__SEEN_BEFORE : BM__SEEN;
    return (bm__tally){.counted = !before && plan->write.expect != BM__EXPECT_ORDINALS,
                       .each = needs_each(request, plan),
                       .mask = mark,
                       .match = mark,
                       .hit = request->verb->hit,
                       .miss = request->whole_table ? BM_ROW_NONE : BM_ROW_MISSING};
}

bm_status bm__by_key_plan(const bm__request *request, bm__plan *plan,
                          void (*statement)(bm__sql *sql, const bm__sql_shape *shape),
                          bm_error *err)
{
    bm__sql_column *columns = bm__arena_array(&plan->arena, plan->n_columns + 1, sizeof *columns);
    if (columns == NULL) {
        return bm__no_memory(err);
    }
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    bool ordinals = request->outcomes && !plan->engine->reads_batch && !request->whole_table;
    shape.returning = ordinals ? BM__RETURN_ORDINALS : BM__RETURN_NOTHING;
    shape.filter = request->filter;
    shape.among = by_condition(request, plan);
    shape.fenced = plan->table->citus == 'h' && request->verb->hit == BM_ROW_UPDATED;
    plan->why =
        shape.among ? "rows of other servers are deleted by a condition on the key" : plan->why;
    plan->by_key = !request->whole_table;
    plan->write = (bm__statement){
        NULL, BM__STEP_EXEC, ordinals ? BM__EXPECT_ORDINALS : BM__EXPECT_COUNT, BM__TAKES_COLUMNS};
    plan->chunk_rows =
        needs_each(request, plan) ? 1 : bm__plan_chunk(request, plan->engine->exec_rows);
    if (bm__is_staged(request, plan)) {
        BM_TRY(bm__plan_setup(request, plan, 0, err));
        BM_TRY(bm__staged_plan(request, plan, &shape, columns, err));
        plan->tally = tally_of(request, plan);
        return BM_OK;
    }
    bm__sql sql = bm__sql_begin(err);
    statement(&sql, &shape);
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->write.sql));
    BM_TRY(plan_before(request, plan, &shape, err));
    plan->tally = tally_of(request, plan);
    plan->count_known = plan->before.sql != NULL && !plan->uncounted;
    BM_TRY(plan_looked_up(request, plan, &shape, err));
    return bm__plan_setup(request, plan, rows_to_hint(request, plan), err);
}

bm_status bm__by_key_check_writable(const bm__plan *plan, size_t field, bm_error *err)
{
    const bm_field *f = &plan->model->fields[field];
    const bm__table_column *server;
    BM_TRY(bm__plan_server(plan, field, &server, err));
    const char *reason = (f->flags & BM_KEY) != 0 ? "is part of the key"
                         : server->generated || (f->flags & BM_READ_ONLY) != 0 ? "is not written"
                                                                               : NULL;
    if (reason != NULL) {
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, f->name,
                             "column \"%s\" %s and cannot be updated", f->name, reason);
    }
    return BM_OK;
}

bm_status bm__by_key_order(bm__operation *o, const bm__fields *keys, bm_error *err)
{
    if (o->call.source == NULL && o->call.n_rows == 0) {
        return BM_OK;
    }
    return bm__prepare_order(&o->call, keys, o->duplicates, false, err);
}

bm_status bm__by_key_prepare(bm__operation *o, bm_error *err)
{
    bm__fields keys;
    if (o->rows.kind == BM__ROWS_ALL || (o->call.source == NULL && o->call.n_rows == 0)) {
        return BM_OK;
    }
    BM_TRY(bm__model_keys(o->rows.model, &o->arena, &keys, err));
    BM_TRY(bm__prepare_same_keys(&o->call, bm__rows_queryset(&o->rows), &keys, err));
    return bm__by_key_order(o, &keys, err);
}

bm_status bm__by_key_options(bm__operation *o, bm_switch outcomes, bm_switch require_all,
                             bm_duplicates duplicates, bm_error *err)
{
    BM_TRY(bm__check_switch(outcomes, "return_outcomes", err));
    BM_TRY(bm__check_switch(require_all, "require_all", err));
    o->duplicates = duplicates;
    o->wants_outcomes = outcomes == BM_ON;
    o->call.require_all = require_all == BM_ON;
    o->request.outcomes = o->wants_outcomes || o->call.require_all;
    o->call.keeps_outcomes = o->request.outcomes;
    return BM_OK;
}
