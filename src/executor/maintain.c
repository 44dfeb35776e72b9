#include "maintain.h"

#include "model.h"
#include "options.h"
#include "savepoint.h"
#include "type.h"

#include <assert.h>
#include <stdio.h>

/* A table under maintenance, on one connection. */
typedef struct upkeep {
    bm__conn *conn;
    bool inside;
    bm_maintain_options options;
    bm_call call;
    bm__step limits; /* its deadline and its token */
    const bm__engine *engine;
    const bm__table *table;
    bm__sql_shape shape;
    bm__arena arena;
    uint64_t n;
} upkeep;

static bm__step step_of(const upkeep *u, bm__step_kind kind)
{
    bm__step step = u->limits;
    step.kind = kind;
    step.autocommit = kind == BM__STEP_EXEC && !u->inside;
    step.lock_timeout_ms = u->call.lock_timeout_ms;
    if (step.lock_timeout_ms == 0 && !u->conn->borrowed && u->engine->sets_lock_timeout) {
        step.lock_timeout_ms = BM__LOCK_MS;
        step.lock_unless_set = true;
    }
    bm__step_within(&step, "the statement timeout", u->call.statement_timeout_ms);
    bm__step_within(&step, "the lock timeout", u->call.lock_timeout_ms);
    if (u->call.statement_timeout_ms == 0) {
        bm__step_within(&step, "the statement timeout", bm__own_ms(u->conn, BM__STATEMENT_MS));
    }
    return step;
}

static bm_status perform(upkeep *u, bm__sql *sql, bm_error *err)
{
    bm__answer answer = {.row = BM_NO_ROW};
    bm__step step = step_of(u, BM__STEP_EXEC);
    BM_TRY(bm__sql_end(sql, &u->arena, &step.sql));
    bm_status status = u->conn->transport->perform(u->conn, &step, &answer, err);
    u->n += status == BM_OK ? answer.rows : 0;
    if (status == BM_OK && u->call.on_statement != NULL) {
        u->call.on_statement(u->call.user, step.sql, 0);
    }
    if (status == BM_COMMIT_UNKNOWN) {
        err->fate = BM_FATE_UNKNOWN;
    }
    return status;
}

static bool is_integer(const bm__table_column *column)
{
    return column->oid == bm__type(BM_INT2)->oid || column->oid == bm__type(BM_INT4)->oid ||
           column->oid == bm__type(BM_INT8)->oid;
}

/* SQLite counts on from the largest key by itself. */
static bm_status sequences(upkeep *u, bool move, bm_error *err)
{
    for (size_t i = 0; u->engine->sequence != NULL && i < u->table->n_columns; i++) {
        const bm__table_column *column = &u->table->columns[i];
        if (is_integer(column) && (column->identity != '\0' || column->volatile_default)) {
            bm__sql sql = bm__sql_begin(err);
            u->engine->sequence(&sql, &u->shape, column->name, move);
            BM_TRY(perform(u, &sql, err));
        }
    }
    return BM_OK;
}

static bm_status check_constraints(upkeep *u, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    if (u->engine->settle == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "this database checks deferred constraints only at COMMIT");
    }
    if (!u->inside) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "BM_CHECK_CONSTRAINTS needs an open transaction");
    }
    u->engine->settle(&sql, &u->shape);
    return perform(u, &sql, err);
}

/* ---- all rows go, and no others: PostgreSQL's rule for TRUNCATE, on either engine */

/* (name) of a table, or (name, text) of a trigger, which DELETE would reach. */
static bm_status refuse_reached(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    const upkeep *u = context;
    if (n != 2 || cells[0].kind != BM__CELL_TEXT) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    const char *name = cells[0].data;
    if (cells[1].kind != BM__CELL_TEXT) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_WRITE,
                        "table \"%s\" is not truncated: a foreign key of table \"%.*s\" "
                        "references it",
                        u->shape.table, (int)cells[0].size, name);
    }
    if (u->engine->is_delete_trigger(cells[1].data)) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_WRITE,
                        "table \"%s\" is not truncated: its trigger \"%.*s\" would run for each "
                        "row",
                        u->shape.table, (int)cells[0].size, name);
    }
    return BM_OK;
}

static bm_status delete_all(upkeep *u, bm_error *err)
{
    bm__answer answer = {.row = BM_NO_ROW};
    bm__step step = step_of(u, BM__STEP_EXEC);
    bm__sql question = bm__sql_begin(err);
    u->engine->truncate_reaches(&question, &u->shape);
    BM_TRY(bm__sql_end(&question, &u->arena, &step.sql));
    step.push = refuse_reached;
    step.context = u;
    bm_status status = u->conn->transport->perform(u->conn, &step, &answer, err);
    if (status == BM_OK) {
        bm__sql sql = bm__sql_begin(err);
        bm__sql_delete_all(&sql, &u->shape);
        status = perform(u, &sql, err);
    }
    if (status == BM_CONSTRAINT) { /* of no other table: it was asked for */
        char words[2 * sizeof err->message];
        snprintf(words, sizeof words,
                 "table \"%s\" is not truncated: a foreign key to itself restricts the deletion of "
                 "its rows",
                 u->shape.table);
        bm__copy_text(err->message, sizeof err->message, words);
    }
    return status;
}

/* What is asked stays true until the rows are gone: both are one transaction. */
static bm_status delete_all_alone(upkeep *u, bm_error *err)
{
    bm__answer answer;
    bm_error unwanted = BM_ERROR;
    const bm__transport *transport = u->conn->transport;
    bm__step begin = step_of(u, BM__STEP_BEGIN);
    bm__step commit = step_of(u, BM__STEP_COMMIT);
    const bm__step undo = {.kind = BM__STEP_ROLLBACK};
    BM_TRY(transport->perform(u->conn, &begin, &answer, err));
    u->inside = true;
    bm_status status = delete_all(u, err);
    if (status == BM_OK) {
        status = transport->perform(u->conn, &commit, &answer, err);
    }
    if (status != BM_OK && transport->state(u->conn, false) != BM__CONN_IDLE) {
        (void)transport->perform(u->conn, &undo, &answer, &unwanted);
    }
    return status;
}

static bm_status truncate(upkeep *u, bm_error *err)
{
    if (u->engine->truncate_reaches != NULL) {
        return u->inside ? delete_all(u, err) : delete_all_alone(u, err);
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_truncate(&sql, &u->shape);
    bm_status status = perform(u, &sql, err);
    if (status == BM_UNSUPPORTED && err->detail[0] != '\0') { /* it names the table */
        char words[sizeof err->message + sizeof err->detail + 2];
        snprintf(words, sizeof words, "%s: %s", err->message, err->detail);
        bm__copy_text(err->message, sizeof err->message, words);
    }
    return status;
}

static bm_status carry_out(upkeep *u, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    switch (u->options.what) {
    case BM_TRUNCATE:
        return truncate(u, err);
    case BM_ANALYZE:
        bm__sql_analyze(&sql, &u->shape);
        return perform(u, &sql, err);
    case BM_FIND_SEQUENCES:
        return sequences(u, false, err);
    case BM_SYNC_SEQUENCES:
        return sequences(u, true, err);
    case BM_CHECK_CONSTRAINTS:
        return check_constraints(u, err);
    }
    return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "unknown maintenance operation");
}

static bool writes(const upkeep *u)
{
    return u->options.what != BM_FIND_SEQUENCES && u->options.what != BM_CHECK_CONSTRAINTS;
}

static bm_status check(bm_db *db, const bm_model *model, bm_error *err)
{
    assert(db != NULL);
    BM_TRY(bm__model_check(model, err));
    if (bm__db_root(db)->engine->ask == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "the database has no catalog to ask");
    }
    return BM_OK;
}

static bm_status read_options(upkeep *u, const bm_maintain_options *options, bm_error *err)
{
    BM_TRY(bm__options_read(&u->options, sizeof u->options, options, err));
    BM_TRY(bm__options_read(&u->call, sizeof u->call, u->options.call, err));
    const char *what = u->call.dry_run == BM_ON ? "dry_run" : "load_id";
    if (u->call.dry_run == BM_ON || u->call.load_id != NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "%s works only for calls that write rows", what);
    }
    return BM_OK;
}

bm_status bm__maintain(bm_db *db, const bm_model *model, const bm_maintain_options *options,
                       uint64_t *n, bm_error *err)
{
    upkeep u = {0};
    size_t conns;
    BM_TRY(check(db, model, err));
    BM_TRY(read_options(&u, options, err));
    bm_db *root = bm__db_root(db);
    u.limits = bm__db_limits(db, &u.call);
    BM_TRY(bm__db_connect(db, 1, &u.limits, &u.conn, &conns, &u.inside, err));
    bm__step limits = u.limits;
    bm__step_within(&limits, "the timeout for the catalog", bm__own_ms(u.conn, BM__SHORT_MS));
    bm__known_table *known = NULL;
    bool fresh;
    bm_status status = writes(&u) ? bm__conn_writes(u.conn, &limits, err) : BM_OK;
    if (status == BM_OK) {
        status = bm__tables_get(root, u.conn, model, &limits, &known, &fresh, err);
    }
    if (status == BM_OK) {
        u.table = known->table;
        u.engine = u.conn->engine;
        u.shape = (bm__sql_shape){
            .dialect = u.engine->dialect, .schema = u.table->schema, .table = u.table->name};
        status = carry_out(&u, err);
        bm__tables_release(root, known);
    }
    if (status == BM_OK && n != NULL) {
        *n = u.n;
    }
    bm__arena_free(&u.arena);
    bm__db_disconnect(db, &u.conn, conns);
    return status;
}

bm_status bm__check_deferred(bm_db *tx, const bm_model *model, bm_error *err)
{
    const bm_maintain_options what = {.size = sizeof what, .what = BM_CHECK_CONSTRAINTS};
    return bm__maintain(tx, model, &what, NULL, err);
}
