#include "plan.h"

/* The table must be what the rows are found in: say which are not, where asked. */
static bm_status plan_before(const bm__request *request, bm__plan *plan, const bm__sql_shape *shape,
                             bm_error *err)
{
    size_t keys[BM__KEYS_MAX];
    size_t n = 0;
    bool told = request->outcomes || plan->uncounted;
    if (!plan->dialect->reads_batch || !told || request->whole_table) {
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

/* The rows of a statement that updates some rows of a larger table, and is told to look each of
 * them up; else 0.  The hint itself asks for the table's size: this is what was known of it, or
 * 0. */
static size_t rows_to_hint(const bm__request *request, const bm__plan *plan)
{
    size_t rows = request->n_rows < plan->chunk_rows ? request->n_rows : plan->chunk_rows;
    double table = plan->table->estimated_rows;
    bool many = request->filter != NULL || (double)rows > table / BM__LEAST_SHARE;
    bool between = table <= 0 || (many && (double)rows < table / BM__MOST_SHARE);
    bool wanted = rows > plan->dialect->hint_rows && between && !request->whole_table &&
                  (request->filter == NULL || request->filter_plain) && by_primary_key(plan);
    return wanted ? rows : 0;
}

/* With a further condition on the rows the planner would take an index of its columns instead, or
 * begin with the rows that it believes to fulfil it: where that statistic is wrong, for minutes. */
static bm_status plan_looked_up(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                                bm_error *err)
{
    if (request->filter == NULL || rows_to_hint(request, plan) == 0 || !plan->dialect->has_hints) {
        return BM_OK;
    }
    bm__sql sql = bm__sql_begin(err);
    shape->fenced = true;
    bm__sql_update(&sql, shape);
    return bm__sql_end(&sql, &plan->arena, &plan->looked_up);
}

/* What updates and deletes have in common, once their columns are there. */
static bm_status finish(const bm__request *request, bm__plan *plan,
                        void (*statement)(bm__sql *sql, const bm__sql_shape *shape), bm_error *err)
{
    bm__sql_column *columns = bm__arena_array(&plan->arena, plan->n_columns + 1, sizeof *columns);
    if (columns == NULL) {
        return bm__no_memory(err);
    }
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    bool ordinals = request->outcomes && !plan->dialect->reads_batch && !request->whole_table;
    shape.returning = ordinals ? BM__RETURN_ORDINALS : BM__RETURN_NOTHING;
    shape.filter = request->filter;
    plan->by_key = !request->whole_table;
    plan->write = (bm__statement){
        NULL, BM__STEP_EXEC, ordinals ? BM__EXPECT_ORDINALS : BM__EXPECT_COUNT, BM__TAKES_COLUMNS};
    plan->chunk_rows = bm__plan_chunk(request, plan->dialect->exec_rows);
    bm__sql sql = bm__sql_begin(err);
    statement(&sql, &shape);
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->write.sql));
    BM_TRY(plan_before(request, plan, &shape, err));
    BM_TRY(plan_looked_up(request, plan, &shape, err));
    return bm__plan_setup(request, plan, rows_to_hint(request, plan), err);
}

static bm_status check_writable(const bm__plan *plan, size_t field, bm_error *err)
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

/* Cells that stay as they are: a bit for each field, in words that the rows carry. */
static bool add_masks(const bm__request *request, bm__plan *plan)
{
    size_t n = plan->n_columns;
    size_t words[BM__FIELDS_MAX / BM__MASK_BITS + 1];
    for (size_t word = 0; word <= BM__FIELDS_MAX / BM__MASK_BITS; word++) {
        words[word] = BM__NO_COLUMN;
    }
    for (size_t i = 0; i < n; i++) {
        bm__plan_column *column = &plan->columns[i];
        if (!column->sql.written || !request->keeps[column->field]) {
            continue;
        }
        size_t word = column->field / BM__MASK_BITS;
        if (words[word] == BM__NO_COLUMN) {
            words[word] = plan->n_columns;
            bm__plan_add_helper(plan, BM__SUPPLY_MASK, 0, word);
        }
        column->sql.mask = words[word];
        column->sql.bit = (unsigned)(column->field % BM__MASK_BITS);
    }
    return plan->n_columns > n;
}

bm_status bm__plan_update_fields(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, "update_fields", plan, err));
    BM_TRY(bm__plan_add_keys(request, plan, err));
    for (size_t i = 0; i < plan->model->n_fields; i++) {
        bm__plan_column *column;
        if (!request->changes[i]) {
            continue;
        }
        BM_TRY(check_writable(plan, i, err));
        BM_TRY(bm__plan_add_field(plan, i, BM__SUPPLY_FIELD, true, &column, err));
        column->sql.written = true;
        if (request->defaults[i]) {
            column->sql.flag = plan->n_columns;
            bm__plan_add_helper(plan, BM__SUPPLY_FLAG, i, 0);
        }
    }
    bool kept = add_masks(request, plan);
    plan->why = kept ? "each row keeps the columns that it did not change"
                     : "all rows change the same columns";
    return finish(request, plan, bm__sql_update, err);
}

bm_status bm__plan_update(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, "update", plan, err));
    if (!request->whole_table) {
        BM_TRY(bm__plan_add_keys(request, plan, err));
    }
    for (size_t i = 0; i < request->set.n; i++) {
        bm__plan_column *column;
        BM_TRY(check_writable(plan, request->set.at[i], err));
        BM_TRY(bm__plan_add_field(plan, request->set.at[i], BM__SUPPLY_VALUES, true, &column, err));
        column->sql.written = true;
        column->sql.scalar = true;
    }
    plan->why = request->whole_table ? "all rows of the table" : "rows found by key";
    return finish(request, plan, bm__sql_update, err);
}

bm_status bm__plan_delete(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, "delete", plan, err));
    BM_TRY(bm__plan_add_keys(request, plan, err));
    plan->why = "rows found by key";
    return finish(request, plan, bm__sql_delete, err);
}
