#include "plan.h"

#include <assert.h>
#include <string.h>

void bm__plan_free(bm__plan *plan)
{
    bm__arena_free(&plan->arena);
    *plan = (bm__plan){0};
}

size_t bm__plan_statements(const bm__plan *plan, bm__plan_statement out[BM__PLAN_STATEMENTS])
{
    const bm__plan_statement all[BM__PLAN_STATEMENTS] = {
        {"first", plan->setup.sql}, {"keys", plan->reserve.sql}, {"before", plan->before.sql},
        {"stage", plan->stage.sql}, {"write", plan->write.sql},  {"after", plan->after.sql},
        {"read", plan->read.sql},   {"last", plan->verify.sql}};
    size_t n = 0;
    for (size_t i = 0; i < BM__PLAN_STATEMENTS; i++) {
        if (all[i].sql != NULL) {
            out[n++] = all[i];
        }
    }
    assert(n <= BM__PLAN_STATEMENTS);
    return n;
}

bm_status bm__plan_server(const bm__plan *plan, size_t field, const bm__table_column **out,
                          bm_error *err)
{
    const char *name = plan->model->fields[field].name;
    *out = bm__table_find(plan->table, name);
    if (*out == NULL) {
        bool query = plan->table->kind == BM__QUERY;
        return bm__fail_cell(err, BM_INVALID, BM_STAGE_CATALOG, BM_NO_ROW, name,
                             query ? "%s has no column \"%s\""
                                   : "table \"%s\" has no column \"%s\"",
                             query ? "the result of the query" : plan->model->table, name);
    }
    return BM_OK;
}

bm_status bm__plan_outputs(bm__plan *plan, const bm__fields *fields, bm__plan_output **out,
                           bm_error *err)
{
    *out = bm__arena_array(&plan->arena, fields->n, sizeof **out);
    if (*out == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < fields->n; i++) {
        const bm_field *field = &plan->model->fields[fields->at[i]];
        const bm__table_column *server;
        (*out)[i].field = fields->at[i];
        BM_TRY(bm__plan_server(plan, fields->at[i], &server, err));
        if (plan->engine->format != NULL) {
            const bm__member_form form = {field->type, field->layout, field->width};
            bm_status status =
                plan->engine->format->decode_plan(form, server, &(*out)[i].reader, err);
            if (status != BM_OK) {
                bm__copy_text(err->column, sizeof err->column, field->name);
                return status;
            }
        }
    }
    return BM_OK;
}

bm_status bm__plan_begin(const bm__request *request, bm__plan *plan, bm_error *err)
{
    *plan = (bm__plan){.verb = request->verb,
                       .model = request->model,
                       .engine = request->engine,
                       .table = request->table,
                       .views = request->views,
                       .why = ""};
    plan->whole_table = request->whole_table;
    plan->uncounted =
        request->engine->reads_batch && request->table->kind == 'v' && !plan->whole_table;
    /* each field once, a flag for each, mask words, and the key once more */
    size_t most = 3 * request->model->n_fields + 32;
    plan->columns = bm__arena_array(&plan->arena, most, sizeof *plan->columns);
    if (plan->columns == NULL) {
        return bm__no_memory(err);
    }
    BM_TRY(bm__model_keys(request->model, &plan->arena, &plan->keys, err));
    return bm__plan_outputs(plan, &plan->keys, &plan->key_readers, err);
}

size_t bm__plan_chunk(const bm__request *request, size_t engine_rows)
{
    size_t most = request->engine->stream_rows;
    if (request->batch_size > 0) {
        return request->batch_size;
    }
    return request->n_rows == SIZE_MAX && engine_rows > most ? most : engine_rows;
}

bm_status bm__plan_add_field(bm__plan *plan, size_t field, bm__supply supply, bool in_array,
                             bm__plan_column **out, bm_error *err)
{
    const bm_field *f = &plan->model->fields[field];
    const bm__table_column *server;
    BM_TRY(bm__plan_server(plan, field, &server, err));
    bm__plan_column *column = &plan->columns[plan->n_columns];
    *column = (bm__plan_column){.supply = supply, .field = field};
    column->sql =
        (bm__sql_column){.name = server->name,
                         .default_sql = server->default_sql != NULL ? server->default_sql : "NULL",
                         .flag = BM__NO_COLUMN,
                         .mask = BM__NO_COLUMN};
    bm_status status;
    bm__member_form form = {f->type, f->layout, f->width};
    if (supply == BM__SUPPLY_FIELD && (int)plan->views[field].cells.layout != 0) {
        form.layout = plan->views[field].cells.layout; /* 0: a stream, of the model's structs */
        form.width = plan->views[field].cells.width;
    }
    if (plan->engine->format == NULL) {
        status = plan->engine->storage->resolve(form.type, form.layout, form.width, err);
    } else {
        status = plan->engine->format->encode_plan(form, server, in_array, &column->slot, err);
        column->sql.type = column->slot.type;
        column->sql.cast = column->slot.as_text ? server->type : NULL;
        column->sql.equal = server->equal;
        column->sql.base = server->type;
    }
    if (status != BM_OK) {
        bm__copy_text(err->column, sizeof err->column, f->name);
        return status;
    }
    plan->n_columns++;
    *out = column;
    return BM_OK;
}

bm__plan_column *bm__plan_add_helper(bm__plan *plan, bm__supply supply, size_t field, size_t word)
{
    bm__plan_column *column = &plan->columns[plan->n_columns++];
    bool flag = supply == BM__SUPPLY_FLAG;
    *column = (bm__plan_column){.supply = supply, .field = field, .word = word};
    column->sql = (bm__sql_column){
        .type = flag ? "bool" : "int8", .flag = BM__NO_COLUMN, .mask = BM__NO_COLUMN};
    if (plan->engine->format != NULL) {
        plan->engine->format->encode_helper(flag ? BM_BOOL : BM_INT8, &column->slot);
    }
    return column;
}

bm__sql_shape bm__plan_shape(const bm__plan *plan, bm__sql_column *columns)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        columns[i] = plan->columns[i].sql;
        for (size_t k = 0; columns[i].key && k < plan->keys.n; k++) {
            if (plan->keys.at[k] == plan->columns[i].field) {
                columns[i].as_text = plan->key_readers[k].reader.as_text;
            }
        }
    }
    return (bm__sql_shape){.dialect = plan->engine->dialect,
                           .schema = plan->table->schema,
                           .table = plan->table->name,
                           .columns = columns,
                           .n_columns = plan->n_columns};
}

bm_status bm__plan_add_keys(const bm__request *request, bm__plan *plan, bm_error *err)
{
    if (plan->keys.n == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the model of \"%s\" has no BM_KEY",
                        plan->model->table);
    }
    for (size_t i = 0; i < plan->keys.n; i++) {
        size_t field = plan->keys.at[i];
        if (!request->has[field]) {
            return bm__fail_cell(
                err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, plan->model->fields[field].name,
                "the rows do not hold the key column \"%s\"", plan->model->fields[field].name);
        }
        bm__plan_column *column;
        BM_TRY(bm__plan_add_field(plan, field, BM__SUPPLY_FIELD, true, &column, err));
        column->sql.key = true;
    }
    return BM_OK;
}

bm_status bm__plan_verify(bm__plan *plan, bm_error *err)
{
    if (plan->engine->verify == NULL) {
        return BM_OK;
    }
    plan->verify = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ROWS, BM__TAKES_TABLE};
    plan->fingerprint = plan->table->fingerprint;
    return plan->engine->verify(plan->table, &plan->arena, &plan->verify.sql, &plan->verify_table,
                                err);
}

/* The settings of a statement on `rows` rows that are looked up one by one; in a transaction of our
 * own nothing is kept. */
static bm_status plan_hint(bm__plan *plan, size_t rows, bool own, bm_error *err)
{
    bm__expect expect = plan->looked_up != NULL ? BM__EXPECT_ONE : BM__EXPECT_COUNT;
    bm__hint_limits limits = {.least = rows * BM__MOST_SHARE,
                              .most = plan->looked_up != NULL ? SIZE_MAX : rows * BM__LEAST_SHARE,
                              .column = plan->model->fields[plan->keys.at[0]].name,
                              .either = plan->looked_up != NULL,
                              .keep = !own};
    bm__statement *hint = own ? &plan->setup : &plan->hint;
    bm__sql name = bm__sql_begin(err);
    bm__sql_table(&name, plan->table->schema, plan->table->name);
    BM_TRY(bm__sql_end(&name, &plan->arena, &plan->verify_table));
    bm__sql sql = bm__sql_begin(err);
    plan->engine->hint(&sql, &limits);
    *hint = (bm__statement){NULL, BM__STEP_EXEC, expect, BM__TAKES_TABLE};
    BM_TRY(bm__sql_end(&sql, &plan->arena, &hint->sql));
    if (own) {
        return BM_OK;
    }
    sql = bm__sql_begin(err);
    plan->engine->unhint(&sql, &limits);
    plan->unhint = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_COUNT, BM__TAKES_NOTHING};
    return bm__sql_end(&sql, &plan->arena, &plan->unhint.sql);
}

static bm_status plan_settle(bm__plan *plan, bm_error *err)
{
    const bm__sql_shape shape = {.dialect = plan->engine->dialect,
                                 .schema = plan->table->schema,
                                 .table = plan->table->name};
    bm__sql sql = bm__sql_begin(err);
    if (plan->engine->settle == NULL) {
        return BM_OK;
    }
    plan->engine->settle(&sql, &shape);
    plan->settle = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_COUNT, BM__TAKES_NOTHING};
    return bm__sql_end(&sql, &plan->arena, &plan->settle.sql);
}

bm_status bm__plan_setup(const bm__request *request, bm__plan *plan, size_t hint_rows,
                         bm_error *err)
{
    BM_TRY(plan_settle(plan, err));
    if (plan->engine->hint == NULL) {
        return BM_OK;
    }
    if (!request->own_transaction) {
        bool many = request->n_rows > plan->engine->small_rows;
        return hint_rows > 0 && many ? plan_hint(plan, hint_rows, false, err) : BM_OK;
    }
    if (request->several_workers) {
        char sql[BM__TEAM_SQL_MAX];
        plan->team = request->team;
        plan->engine->team->join(sql, request->team);
        plan->join = (bm__statement){bm__arena_copy(&plan->arena, sql, strlen(sql)), BM__STEP_EXEC,
                                     BM__EXPECT_COUNT, BM__TAKES_NOTHING};
        if (plan->join.sql == NULL) {
            return bm__no_memory(err);
        }
    }
    if (hint_rows > 0) { /* in key order, that beats a hash join over the table */
        return plan_hint(plan, hint_rows, true, err);
    }
    return BM_OK;
}
