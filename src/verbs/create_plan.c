#include "create_plan.h"
#include "strategy.h"

#include <string.h>

static bool is_made_key(const bm_field *field)
{
    return (field->flags & (BM_KEY | BM_ASSIGNED)) == (BM_KEY | BM_ASSIGNED);
}

/* The key field that the database assigns, and whether some rows give it themselves. */
static bm_status find_made_key(const bm__request *request, bm__plan *plan, bm_error *err)
{
    plan->key_field = SIZE_MAX;
    for (size_t i = 0; i < plan->keys.n; i++) {
        size_t field = plan->keys.at[i];
        const bm_field *f = &plan->model->fields[field];
        bool mixed = !is_made_key(f) && request->has[field] && request->defaults[field];
        bool absent = !is_made_key(f) && !request->has[field];
        if (!is_made_key(f) && !mixed && !absent) {
            continue;
        }
        if (plan->key_field != SIZE_MAX) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, f->name,
                                 "more than one column of the key is assigned by the database");
        }
        plan->key_field = field;
        plan->mixed_keys = mixed;
    }
    plan->key_made = plan->key_field != SIZE_MAX;
    if (plan->mixed_keys && request->conflict == BM__CONFLICT_UPDATE &&
        !plan->engine->reads_batch) {
        const char *name = plan->model->fields[plan->key_field].name;
        return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, name,
                             "update_conflicts with keys in column \"%s\" of which some are given "
                             "and some are made",
                             name);
    }
    plan->key_tracked = plan->key_made;
    if (!plan->key_made && request->conflict == BM__CONFLICT_UPDATE && !request->untold &&
        plan->keys.n == 1) {
        plan->key_field = plan->keys.at[0]; /* the row that was there may have another key */
        plan->key_tracked = true;
    }
    return BM_OK;
}

static bool written_field(const bm__request *request, const bm__plan *plan, size_t i)
{
    const bm_field *field = &plan->model->fields[i];
    if ((field->flags & BM_READ_ONLY) != 0 || (plan->key_made && i == plan->key_field)) {
        return false;
    }
    return request->has[i] || (field->flags & BM_CREATE_UUID) != 0;
}

/* Has a column a default cell, or bytes that COPY does not have? */
static bm_status needs_insert(const bm__request *request, const bm__plan *plan, bool *out,
                              bm_error *err)
{
    *out = plan->mixed_keys;
    for (size_t i = 0; i < plan->model->n_fields; i++) {
        const bm_field *f = &plan->model->fields[i];
        if (!written_field(request, plan, i) && !(plan->key_made && i == plan->key_field)) {
            continue;
        }
        const bm__table_column *server;
        BM_TRY(bm__plan_server(plan, i, &server, err));
        const bm__member_form form = {f->type, f->layout, f->width};
        bm__slot slot;
        bm_error why = BM_ERROR;
        bm_status status = plan->engine->format->encode_plan(form, server, false, &slot, &why);
        *out = *out || request->defaults[i] || status == BM_UNSUPPORTED;
    }
    return BM_OK;
}

/* Rows may be left out, and the caller wants to know which. */
static bool may_skip(const bm__request *request)
{
    bool skips = request->conflict == BM__CONFLICT_NOTHING || request->allow_skipped;
    return skips && (request->outcomes || request->keys_back);
}

/* Of one row the order is no question. */
static unsigned fact_of_keys(const bm__request *request, bool upserts)
{
    if (request->keys_by == BM__KEYS_ASKED) {
        return 0;
    }
    if (request->n_rows == 1) {
        return BM__FACT_PROVED;
    }
    if (request->keys_by == BM__KEYS_EACH) {
        return BM__FACT_EACH;
    }
    bool rising = request->keys_by == BM__KEYS_PROVED || request->keys_by == BM__KEYS_KNOWN;
    return rising && !upserts ? BM__FACT_PROVED : BM__FACT_MADE;
}

static bm_status gather_facts(const bm__request *request, const bm__plan *plan, unsigned *out,
                              bm_error *err)
{
    const bm__table *table = plan->table;
    unsigned facts = 0;
    bool small = request->n_rows <= plan->engine->small_rows;
    bool upserts = request->conflict == BM__CONFLICT_UPDATE;
    bool tells = may_skip(request) || (upserts && !request->untold);
    facts |= plan->engine->reads_batch ? BM__FACT_READS_BATCH : 0;
    facts |= plan->engine->returns_keys ? BM__FACT_RISING : 0;
    facts |= small ? BM__FACT_SMALL : 0;
    facts |= fact_of_keys(request, upserts);
    facts |= tells ? BM__FACT_TELLS : 0;
    facts |= upserts ? BM__FACT_UPSERT : 0;
    facts |= table->rules ? BM__FACT_NO_CTE | BM__FACT_NO_COPY : 0;
    facts |= table->insert_trigger ? BM__FACT_TRIGGER : 0;
    facts |= table->foreign ? BM__FACT_FOREIGN | BM__FACT_NO_COPY : 0;
    if (plan->key_made) {
        const bm__table_column *key;
        BM_TRY(bm__plan_server(plan, plan->key_field, &key, err));
        bool above = plan->mixed_keys && plan->engine->reads_batch; /* the rows' own keys */
        facts |= request->keys_back || tells || above ? BM__FACT_MADE_BACK : 0;
        facts |= key->may_reserve ? BM__FACT_DRAWABLE : 0;
    }
    if (plan->engine->has_copy) {
        bool insert;
        BM_TRY(needs_insert(request, plan, &insert, err));
        bool plain = table->kind == 'r' || table->kind == 'p';
        bool copyable =
            plain && !table->row_security && !insert && request->conflict == BM__CONFLICT_ERROR;
        facts |= copyable ? 0 : BM__FACT_NO_COPY;
    } else {
        facts |= BM__FACT_NO_COPY;
    }
    *out = facts;
    return BM_OK;
}

/* The key that is made: drawn by the job, made in the statement, or left to the table. */
static bm_status add_made_key(const bm__request *request, bm__plan *plan, bool in_array,
                              bm__sql_shape *shape, bm_error *err)
{
    bm__plan_column *column;
    const bm__table_column *server;
    bool drawn = plan->strategy == BM__RESERVE_COPY || plan->strategy == BM__RESERVE_INSERT ||
                 plan->strategy == BM__HIGHEST_INSERT;
    BM_TRY(bm__plan_server(plan, plan->key_field, &server, err));
    if (!drawn && plan->mixed_keys) {
        BM_TRY(bm__plan_add_field(plan, plan->key_field, BM__SUPPLY_FIELD, in_array, &column, err));
        column->sql.key = true;
        column->sql.written = true;
        column->sql.flag = plan->n_columns;
        bm__plan_add_helper(plan, BM__SUPPLY_FLAG, plan->key_field, 0);
    } else if (drawn) {
        BM_TRY(bm__plan_add_field(plan, plan->key_field, BM__SUPPLY_KEY, in_array, &column, err));
        column->sql.key = true;
        column->sql.written = true;
    } else if (plan->strategy == BM__INSERT_RETURNING || plan->strategy == BM__INSERT_EACH ||
               plan->strategy == BM__INSERT_KEYS || plan->strategy == BM__INSERT_LOOKUP) {
        BM_TRY(bm__plan_add_field(plan, plan->key_field, BM__SUPPLY_STATEMENT, in_array, &column,
                                  err));
        column->sql.key = true;
        column->sql.made = true;
        column->sql.written = plan->strategy == BM__INSERT_RETURNING;
        if (column->sql.written && request->keys_by != BM__KEYS_ASKED) {
            shape->overriding = true; /* it may be an identity column that is ALWAYS */
            return bm__create_own_key(plan, column, err);
        }
    } else {
        return BM_OK; /* the table's own default */
    }
    shape->overriding = server->identity == 'a';
    return BM_OK;
}

/* One row is VALUES, and its cells are parameters: the planner has less to do than with unnest. */
static bool is_lone(const bm__request *request, const bm__plan *plan)
{
    bool each = plan->strategy == BM__INSERT_EACH;
    bool plain = plan->strategy == BM__INSERT || plan->strategy == BM__INSERT_KEYS || each;
    if (plan->engine->reads_batch || plan->engine->dialect->binds_rows || !plain ||
        !(each || request->n_rows == 1) || plan->mixed_keys || request->selective) {
        return false;
    }
    for (size_t i = 0; i < plan->model->n_fields; i++) {
        if (written_field(request, plan, i) && request->defaults[i]) {
            return false;
        }
    }
    return true;
}

/* The type of a text is left to the column: labels have a type of their own. */
static void make_scalar(bm__plan_column *column)
{
    column->sql.scalar = true;
    column->sql.untyped = column->slot.is_text && column->sql.cast == NULL;
}

static bm_status add_columns(const bm__request *request, bm__plan *plan, bool in_array,
                             bm__sql_shape *shape, bm_error *err)
{
    shape->overriding = false;
    shape->lone = is_lone(request, plan);
    if (plan->key_made) {
        BM_TRY(add_made_key(request, plan, in_array, shape, err));
    }
    for (size_t i = 0; i < plan->model->n_fields; i++) {
        const bm_field *field = &plan->model->fields[i];
        const bm__table_column *server;
        bm__plan_column *column;
        if (!written_field(request, plan, i)) {
            continue;
        }
        BM_TRY(bm__plan_server(plan, i, &server, err));
        if (server->generated) {
            continue;
        }
        bm__supply supply =
            (field->flags & BM_CREATE_UUID) != 0 ? BM__SUPPLY_UUID : BM__SUPPLY_FIELD;
        BM_TRY(bm__plan_add_field(plan, i, supply, in_array, &column, err));
        column->sql.written = true;
        column->sql.key = (field->flags & BM_KEY) != 0;
        shape->overriding = shape->overriding || server->identity == 'a';
        if (shape->lone) {
            make_scalar(column);
        }
        if (request->defaults[i] && supply == BM__SUPPLY_FIELD) {
            column->sql.flag = plan->n_columns;
            bm__plan_add_helper(plan, BM__SUPPLY_FLAG, i, 0);
        }
    }
    if (plan->n_columns == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "no column to write into \"%s\"",
                        plan->model->table);
    }
    return BM_OK;
}

static size_t column_of(const bm__plan *plan, size_t field)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        if (plan->columns[i].field == field && plan->columns[i].sql.name != NULL) {
            return i;
        }
    }
    return BM__NO_COLUMN;
}

static bm_status columns_of(const bm__plan *plan, const bm__fields *fields, size_t *at,
                            bm_error *err)
{
    for (size_t i = 0; i < fields->n; i++) {
        at[i] = column_of(plan, fields->at[i]);
        if (at[i] == BM__NO_COLUMN) {
            const char *name = plan->model->fields[fields->at[i]].name;
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, name,
                                 "column \"%s\" is named, but not written by this call", name);
        }
    }
    return BM_OK;
}

/* The conflict's columns, and those that it updates: by default all that are written, but the key
 * and the conflict's own. */
static bm_status add_conflict(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                              bm_error *err)
{
    if (request->conflict == BM__CONFLICT_ERROR) {
        return BM_OK;
    }
    const bm__fields *unique = request->unique.n > 0 ? &request->unique : &plan->keys;
    bool target = request->conflict == BM__CONFLICT_UPDATE || request->unique.n > 0;
    size_t *at = bm__arena_array(&plan->arena, 2 * plan->model->n_fields, sizeof *at);
    if (at == NULL) {
        return bm__no_memory(err);
    }
    if (target) {
        BM_TRY(bm__refuse_foreign(plan, request->conflict, err));
        BM_TRY(columns_of(plan, unique, at, err));
        shape->unique = at;
        shape->n_unique = unique->n;
    }
    if (request->conflict != BM__CONFLICT_UPDATE) {
        return BM_OK;
    }
    BM_TRY(bm__refuse_temporal(plan, unique, err));
    size_t *update = at + plan->model->n_fields;
    if (request->update.n > 0) {
        BM_TRY(columns_of(plan, &request->update, update, err));
        shape->n_update = request->update.n;
    } else {
        for (size_t i = 0; i < plan->n_columns; i++) {
            const bm__plan_column *column = &plan->columns[i];
            if (column->sql.written && !column->sql.key && !bm__fields_has(unique, column->field)) {
                update[shape->n_update++] = i;
            }
        }
    }
    shape->update = update;
    if (shape->n_update == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "nothing to update: every column is in the key or in unique_fields");
    }
    return BM_OK;
}

static bm_status plan_reserve(bm__plan *plan, const bm__sql_shape *shape, bm_error *err)
{
    const bm__table_column *key;
    BM_TRY(bm__plan_server(plan, plan->key_field, &key, err));
    bm__sql sql = bm__sql_begin(err);
    if (plan->engine->reads_batch) {
        if (!key->rowid || !bm__fields_has(&plan->keys, plan->key_field)) {
            return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, key->name,
                                 "column \"%s\" is not an INTEGER PRIMARY KEY: it gets no value",
                                 key->name);
        }
        plan->engine->highest(&sql, shape, key->name, plan->table->sequences);
        plan->reserve.expect = BM__EXPECT_ONE;
        plan->reserve.takes = BM__TAKES_TABLE;
    } else {
        bool integer = bm__type_is_integer(plan->engine->type_of(key));
        bool array = plan->engine->has_arrays && integer;
        plan->engine->reserve(&sql, key->default_sql, key->type, array);
        plan->reserve.expect = array ? BM__EXPECT_KEY_ARRAY : BM__EXPECT_KEYS;
        plan->reserve.takes = BM__TAKES_COUNT;
    }
    plan->reserve.kind = BM__STEP_EXEC;
    return bm__sql_end(&sql, &plan->arena, &plan->reserve.sql);
}

/*
 * SQLite's RETURNING cannot see the batch, but nothing else writes while this transaction does.
 * Upsert: by the conflict's columns; a key that is made tells afterwards whether the row is new.
 * Ignore: rows whose key is there after the write and was not before.
 */
static bm_status plan_lookups(const bm__request *request, bm__plan *plan,
                              const bm__sql_shape *shape, bm_error *err)
{
    size_t keys[BM__KEYS_MAX];
    BM_TRY(columns_of(plan, &plan->keys, keys, err));
    if (plan->keys.n == 0) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "the outcome of each row cannot be reported without a BM_KEY");
    }
    if (request->conflict == BM__CONFLICT_UPDATE) {
        bool tells = plan->key_made && !plan->mixed_keys;
        if (!tells) {
            BM_TRY(bm__create_lookup(plan, shape, shape->unique, shape->n_unique, false,
                                     &plan->before, err));
        }
        if (plan->key_tracked) {
            BM_TRY(bm__create_lookup(plan, shape, shape->unique, shape->n_unique, true,
                                     &plan->after, err));
        }
        return BM_OK;
    }
    BM_TRY(bm__create_lookup(plan, shape, keys, plan->keys.n, false, &plan->before, err));
    bm__sql sql = bm__sql_begin(err); /* keys may be equal by their collation only */
    bm__sql_first(&sql, shape, keys, plan->keys.n);
    plan->after = plan->before;
    return bm__sql_end(&sql, &plan->arena, &plan->after.sql);
}

/* Of an engine that reads the batch: it may see what becomes of a row when it reads the next. */
static bm_status plan_watched(bm__plan *plan, const bm__sql_shape *shape, bm_error *err)
{
    bm__sql_shape watched = *shape;
    bm__sql sql = bm__sql_begin(err);
    watched.returning = BM__RETURN_NOTHING;
    bm__sql_insert(&sql, &watched);
    return bm__sql_end(&sql, &plan->arena, &plan->watched);
}

static bm_status plan_write(const bm__request *request, bm__plan *plan, bm__sql_shape *shape,
                            bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    plan->write.kind = BM__STEP_EXEC;
    plan->write.takes = BM__TAKES_COLUMNS;
    switch (plan->strategy) {
    case BM__COPY:
    case BM__RESERVE_COPY:
        plan->write = (bm__statement){NULL, BM__STEP_LOAD, BM__EXPECT_COUNT, BM__TAKES_NOTHING};
        plan->engine->copy_in(&sql, shape);
        return bm__sql_end(&sql, &plan->arena, &plan->write.sql);
    case BM__INSERT_RETURNING:
        if (plan->keys.n == 0) {
            return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                            "the outcome of each row cannot be reported without a BM_KEY");
        }
        shape->returning = BM__RETURN_ORD_KEYS;
        plan->write.expect = BM__EXPECT_ORD_KEYS;
        break;
    case BM__INSERT_EACH:
        shape->returning = BM__RETURN_KEYS;
        plan->write.expect = BM__EXPECT_KEYS;
        plan->chunk_rows = 1;
        break;
    case BM__INSERT_KEYS:
        shape->returning = BM__RETURN_KEYS;
        plan->write.expect = BM__EXPECT_KEYS;
        if (plan->engine->reads_batch && shape->n_also == 0) {
            BM_TRY(plan_watched(plan, shape, err));
        }
        break;
    case BM__INSERT: /* who has keys returned is refused what may not be: nothing is lost unseen */
        shape->returning =
            bm__create_returns_given(request, plan) ? BM__RETURN_KEYS : BM__RETURN_NOTHING;
        plan->chunk_rows = request->keys_by == BM__KEYS_EACH ? 1 : plan->chunk_rows;
        break;
    case BM__INSERT_LOOKUP:
    case BM__RESERVE_INSERT:
    case BM__HIGHEST_INSERT:
        break;
    }
    shape->key_tells = plan->key_made && !plan->mixed_keys && !plan->matched;
    shape->no_xmax = plan->table->kind != 'r' || shape->key_tells;
    BM_TRY(bm__create_proof(request, plan, shape, err));
    if (request->conflict == BM__CONFLICT_UPDATE && request->outcomes && !shape->key_tells &&
        plan->table->kind != 'r' && !plan->engine->reads_batch) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "the server does not say which rows an upsert inserted into a table of "
                        "this kind");
    }
    bm__sql_insert(&sql, shape);
    return bm__sql_end(&sql, &plan->arena, &plan->write.sql);
}

/* SQLite: the rowid that the table assigns, where the rows do not give it. */
static bm_status plan_highest(bm__plan *plan, const bm__sql_shape *shape, bm_error *err)
{
    for (size_t i = 0; i < plan->table->n_columns; i++) {
        const bm__table_column *column = &plan->table->columns[i];
        bool given = false;
        for (size_t k = 0; k < plan->n_columns; k++) {
            const char *name = plan->columns[k].sql.name;
            given = given || (name != NULL && plan->columns[k].sql.written &&
                              strcmp(name, column->name) == 0);
        }
        if (column->rowid && !given) {
            bm__sql sql = bm__sql_begin(err);
            plan->engine->highest(&sql, shape, column->name, plan->table->sequences);
            plan->highest_column = column->name;
            plan->highest = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ONE, BM__TAKES_TABLE};
            return bm__sql_end(&sql, &plan->arena, &plan->highest.sql);
        }
    }
    return BM_OK;
}

/* Columns that the database computes: what was not written, and what was a default. */
static bm_status plan_read(const bm__request *request, bm__plan *plan, bm_error *err)
{
    bm__fields fields;
    if (!request->read_back || plan->keys.n == 0) {
        return BM_OK;
    }
    BM_TRY(bm__model_without(plan->model, BM_KEY, &plan->arena, &fields, err));
    size_t n = 0;
    for (size_t i = 0; i < fields.n; i++) {
        size_t field = fields.at[i];
        const bm__table_column *server;
        BM_TRY(bm__plan_server(plan, field, &server, err));
        bool sent = written_field(request, plan, field) && !request->defaults[field] &&
                    request->conflict != BM__CONFLICT_UPDATE && !server->generated;
        if (!sent || plan->table->insert_trigger) {
            fields.at[n++] = field;
        }
    }
    fields.n = n;
    if (n == 0) {
        return BM_OK;
    }
    BM_TRY(bm__plan_outputs(plan, &fields, &plan->outputs, err));
    plan->n_outputs = n;

    bm__plan keys = *plan; /* a batch of keys only */
    keys.columns = bm__arena_array(&plan->arena, 2 * plan->keys.n, sizeof *keys.columns);
    bm__sql_column *columns = bm__arena_array(&plan->arena, 2 * plan->keys.n, sizeof *columns);
    bm__sql_output *outputs = bm__arena_array(&plan->arena, n, sizeof *outputs);
    if (keys.columns == NULL || columns == NULL || outputs == NULL) {
        return bm__no_memory(err);
    }
    keys.n_columns = 0;
    for (size_t i = 0; i < plan->keys.n; i++) {
        size_t field = plan->keys.at[i];
        bool made = plan->key_tracked && field == plan->key_field;
        bm__plan_column *column;
        BM_TRY(bm__plan_add_field(&keys, field, made ? BM__SUPPLY_KEY : BM__SUPPLY_FIELD, true,
                                  &column, err));
        column->sql.key = true;
    }
    for (size_t i = 0; i < n; i++) {
        outputs[i] = (bm__sql_output){.name = plan->model->fields[fields.at[i]].name,
                                      .as_text = plan->outputs[i].reader.as_text};
    }
    bm__sql_shape shape = bm__plan_shape(&keys, columns);
    bm__sql sql = bm__sql_begin(err);
    bm__sql_select_keys(&sql, &shape, outputs, n);
    plan->read = (bm__statement){NULL, BM__STEP_EXEC, BM__EXPECT_ROWS, BM__TAKES_COLUMNS};
    plan->read_columns = keys.columns;
    plan->n_read_columns = keys.n_columns;
    return bm__sql_end(&sql, &plan->arena, &plan->read.sql);
}

static bool copies(const bm__plan *plan)
{
    return plan->strategy == BM__COPY || plan->strategy == BM__RESERVE_COPY;
}

/* How the rows are written, how many at a time, and what their count means. */
static bm_status choose(const bm__request *request, bm__plan *plan, bm_error *err)
{
    unsigned facts;
    BM_TRY(gather_facts(request, plan, &facts, err));
    const bm__rule *rule = bm__strategy_of(facts);
    plan->strategy = rule->strategy;
    plan->keys_rise = plan->strategy == BM__INSERT_KEYS;
    plan->why = rule->why;
    plan->key_tracked = plan->key_tracked && plan->strategy != BM__COPY; /* which gives none back */
    plan->count_known = plan->engine->reads_batch && plan->engine->ask != NULL &&
                        request->conflict == BM__CONFLICT_UPDATE && !plan->table->may_ignore;
    plan->count_exact =
        request->conflict != BM__CONFLICT_NOTHING && (!request->allow_skipped || plan->count_known);
    plan->chunk_rows =
        bm__plan_chunk(request, copies(plan) ? plan->engine->load_rows : plan->engine->exec_rows);
    plan->chunk_rows = bm__create_each(request, plan) ? 1 : plan->chunk_rows;
    return BM_OK;
}

bm_status bm__create_plan(const bm__request *request, bm__plan *plan, bm_error *err)
{
    BM_TRY(bm__plan_begin(request, plan, err));
    BM_TRY(find_made_key(request, plan, err));
    BM_TRY(choose(request, plan, err));
    bm__sql_column *columns =
        bm__arena_array(&plan->arena, 3 * plan->model->n_fields + 32, sizeof *columns);
    if (columns == NULL) {
        return bm__no_memory(err);
    }
    bm__sql_shape shape = {0};
    BM_TRY(add_columns(request, plan, !copies(plan), &shape, err));
    const bm__sql_shape asked = shape;
    shape = bm__plan_shape(plan, columns);
    shape.lone = asked.lone;
    shape.conflict = request->conflict;
    shape.also = request->also;
    shape.n_also = request->n_also;
    shape.overriding = asked.overriding && !plan->engine->reads_batch;
    BM_TRY(add_conflict(request, plan, &shape, err));
    BM_TRY(bm__upsert_shape(request, plan, columns, &shape, err));
    if (plan->keeps || plan->matched) { /* each row is looked up first */
        const size_t rows = bm__plan_chunk(request, plan->engine->lookup_rows);
        plan->chunk_rows = rows < plan->chunk_rows ? rows : plan->chunk_rows;
    }
    if (plan->strategy == BM__RESERVE_COPY || plan->strategy == BM__RESERVE_INSERT ||
        (plan->strategy == BM__HIGHEST_INSERT && plan->key_made)) {
        BM_TRY(plan_reserve(plan, &shape, err));
    }
    if (plan->strategy == BM__HIGHEST_INSERT &&
        (request->conflict == BM__CONFLICT_UPDATE || may_skip(request))) {
        BM_TRY(plan_lookups(request, plan, &shape, err));
    }
    if (plan->strategy == BM__INSERT_LOOKUP) {
        BM_TRY(
            bm__create_lookup(plan, &shape, shape.unique, shape.n_unique, true, &plan->after, err));
    }
    BM_TRY(bm__upsert_looks(plan, &shape, err));
    BM_TRY(plan_write(request, plan, &shape, err));
    if (plan->engine->reads_batch && plan->engine->ask != NULL) {
        BM_TRY(plan_highest(plan, &shape, err));
    }
    plan->tally = bm__create_tally(request, plan);
    BM_TRY(plan_read(request, plan, err));
    if (copies(plan)) {
        BM_TRY(bm__plan_verify(plan, err));
    }
    return bm__plan_setup(request, plan, 0, err);
}
