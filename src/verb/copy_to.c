#include "plan.h"

bm_status bm__plan_copy_to(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, "copy_to", plan, err));
    size_t n = request->read.n;
    BM_TRY(bm__plan_outputs(plan, &request->read, &plan->outputs, err));
    plan->n_outputs = n;
    bm__sql_output *outputs = bm__arena_array(&plan->arena, n, sizeof *outputs);
    bm__sql_column *columns = bm__arena_array(&plan->arena, plan->keys.n + 1, sizeof *columns);
    if (outputs == NULL || columns == NULL) {
        return bm__no_memory(err);
    }
    bool plain = plan->table->kind == 'r' && !plan->table->children;
    for (size_t i = 0; i < n; i++) {
        const bm_field *field = &plan->model->fields[request->read.at[i]];
        const bm__table_column *server;
        BM_TRY(bm__plan_server(plan, request->read.at[i], &server, err));
        outputs[i].name = field->name;
        outputs[i].as_text = plan->outputs[i].reader.as_text;
        outputs[i].order = request->order_by_key && (field->flags & BM_KEY) != 0;
        plain = plain && !outputs[i].as_text && !server->generated; /* COPY t has none of them */
    }
    if (!request->whole_table) {
        BM_TRY(bm__plan_add_keys(request, plan, err));
    }
    bm__sql_shape shape = bm__plan_shape(plan, columns);
    shape.filter = request->filter;
    shape.order = request->order;
    bm__sql sql = bm__sql_begin(err);
    plan->chunk_rows = request->batch_size > 0 ? request->batch_size : 1000;
    plan->read = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ROWS, BM__TAKES_COLUMNS};
    if (request->whole_table) {
        bool unload = plan->dialect->has_copy;
        plan->read.kind = unload ? BM__STEP_UNLOAD : BM__STEP_EXEC;
        plan->read.takes = BM__TAKES_NOTHING;
        plan->why = "all rows of the table";
        bm__sql_copy_out(&sql, &shape, outputs, n, plain);
    } else {
        plan->read_columns = plan->columns;
        plan->n_read_columns = plan->n_columns;
        plan->why = "rows found by key, in the order of the keys";
        bm__sql_select_keys(&sql, &shape, outputs, n);
    }
    BM_TRY(bm__sql_end(&sql, &plan->arena, &plan->read.sql));
    return bm__plan_verify(plan, err);
}
