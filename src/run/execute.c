#include "execute.h"

#include "prepare.h"
#include "result.h"

#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 64

bm__journal *bm__db_journal(bm_db *db)
{
    return db->root != NULL ? &db->journal : NULL;
}

void bm__execution_free(bm__execution *x)
{
    bm__tables_release(bm__db_root(x->db), x->known);
    bm__call_free(&x->call);
    bm__plan_free(&x->plan);
    bm__arena_free(&x->arena);
}

/* Everything that needs no connection. */
static bm_status prepare(bm__execution *x, bm_error *err)
{
    BM_TRY(bm__rows_check(&x->rows, err));
    size_t n = x->rows.model->n_fields;
    x->defaults = bm__arena_array(&x->arena, n, sizeof *x->defaults);
    x->keeps = bm__arena_array(&x->arena, n, sizeof *x->keeps);
    x->changes = bm__arena_array(&x->arena, n, sizeof *x->changes);
    if (x->defaults == NULL || x->keeps == NULL || x->changes == NULL) {
        return bm__no_memory(err);
    }
    BM_TRY(bm__prepare_rows(&x->call, &x->rows, err));
    x->call.keeps_outcomes = x->call.keeps_outcomes || x->wants_outcomes;
    BM_TRY(bm__call_room(&x->call, x->call.caller_rows, err));
    x->request.model = x->rows.model;
    x->request.whole_table = x->rows.kind == BM__ROWS_ALL;
    if (!x->request.whole_table) {
        BM_TRY(bm__prepare_states(&x->call, x->creates, x->defaults, x->keeps, err));
    }
    if (x->prepare != NULL) {
        BM_TRY(x->prepare(x, err));
    }
    x->request.has = x->call.has;
    x->request.views = x->call.fields;
    x->request.defaults = x->defaults;
    x->request.keeps = x->keeps;
    x->request.changes = x->changes;
    x->request.n_rows = x->call.source != NULL ? SIZE_MAX : x->call.n_rows;
    bool empty = x->call.source == NULL && x->call.n_rows == 0;
    x->nothing = x->nothing || empty;
    return BM_OK;
}

/* How many workers the caller, the settings and the rows allow. */
static size_t workers_wanted(const bm__execution *x)
{
    const bm_db *root = bm__db_root(x->db);
    bool one = x->concurrent != BM_ON || x->db->root != NULL || root->dialect->one_writer ||
               x->call.source != NULL || x->request.whole_table || x->reads;
    if (one) {
        return 1;
    }
    size_t most = (size_t)root->options.max_concurrent_batch_writes;
    size_t asked = x->max_workers > 0 ? (size_t)x->max_workers : most;
    size_t want = asked < most ? asked : most;
    want = want < WORKERS_MAX ? want : WORKERS_MAX;
    size_t chunks = x->request.batch_size == 0 ? x->call.n_rows
                                               : (x->call.n_rows - 1) / x->request.batch_size + 1;
    return want < chunks ? want : chunks;
}

/* A made key that is text lives in its job; rows that are read back need those collected before
 * them. */
static bool needs_one_worker(const bm__execution *x)
{
    const bm__plan *plan = &x->plan;
    bool text_key = plan->key_tracked && plan->model->fields[plan->key_field].layout != BM_FIXED;
    return x->known->table->self_reference || text_key || plan->read.sql != NULL;
}

static void make_request(bm__execution *x, size_t workers, bool inside)
{
    bm__request *request = &x->request;
    request->dialect = bm__db_root(x->db)->dialect;
    request->table = x->known->table;
    request->several_workers = workers > 1;
    request->own_transaction = !inside && !x->reads;
    request->keys_back = request->keys_back || x->wants_queryset;
    request->read_back = x->wants_queryset;
    request->lock_timeout_ms = x->shared.lock_timeout_ms;
}

/* The plan, for this number of workers; x->request.batch_size is set to a share when none was
 * given. */
static bm_status plan_for(bm__execution *x, size_t workers, bool inside, bm_error *err)
{
    bm__plan_free(&x->plan);
    make_request(x, workers, inside);
    size_t given = x->request.batch_size;
    if (given == 0 && workers > 1) {
        x->request.batch_size = (x->call.n_rows - 1) / workers + 1;
    }
    bm_status status = x->plan_verb(&x->request, &x->plan, err);
    x->request.batch_size = given;
    return status;
}

static bm_status make_plan(bm__execution *x, size_t *workers, bool inside, bm_error *err)
{
    BM_TRY(plan_for(x, *workers, inside, err));
    if (*workers > 1 && needs_one_worker(x)) {
        *workers = 1;
        BM_TRY(plan_for(x, 1, inside, err));
    }
    x->call.plan = &x->plan;
    BM_TRY(bm__prepare_flags(&x->call, x->defaults, err));
    if (x->call.source != NULL && x->call.buffer == NULL) {
        BM_TRY(bm__prepare_stream(&x->call, err));
    }
    return bm__call_room(&x->call, x->call.caller_rows, err);
}

/* Every value is checked before the first byte is sent; of a stream, chunk by chunk. */
static bm_status check_values(bm__execution *x, bm_error *err)
{
    const bm__plan *plan = &x->plan;
    if (x->call.source != NULL) {
        return BM_OK;
    }
    bm__view *views = bm__arena_array(&x->arena, plan->n_columns + 1, sizeof *views);
    if (views == NULL) {
        return bm__no_memory(err);
    }
    bm__call_views(&x->call, plan->columns, plan->n_columns, views);
    bm__batch batch = {
        .views = views, .n_views = plan->n_columns, .n_rows = x->call.n_rows, .pick = x->call.pick};
    return bm__call_check(&x->call, &batch, err);
}

/* A count that is wrong must be found while the rows can still be taken back. */
static bool may_drop_rows(const bm__execution *x)
{
    const bm__table *table = x->known->table;
    return x->creates && x->plan.count_exact &&
           (table->insert_trigger || table->rules || table->kind != 'r');
}

static bm__job_mode mode_of(const bm__execution *x, size_t workers, bool inside)
{
    const bm__plan *plan = &x->plan;
    bool one_statement = plan->write.kind == BM__STEP_EXEC && plan->setup.sql == NULL &&
                         plan->before.sql == NULL && plan->reserve.sql == NULL &&
                         plan->after.sql == NULL && plan->read.sql == NULL &&
                         plan->verify.sql == NULL;
    bool one_chunk = x->call.source == NULL && x->call.n_rows <= plan->chunk_rows;
    if (inside) {
        return BM__JOB_SAVEPOINT;
    }
    if (x->reads || (one_statement && one_chunk && workers == 1 && x->shared.dry_run != BM_ON &&
                     !x->call.require_all && !may_drop_rows(x))) {
        return BM__JOB_AUTOCOMMIT;
    }
    return BM__JOB_OWN;
}

/* Deferred constraints are checked by COMMIT: without a timeout of the call it may take long. */
static int64_t commit_timeout(const bm__execution *x)
{
    int64_t of_db = bm__db_root(x->db)->options.commit_timeout_ms;
    int64_t given = x->shared.commit_timeout_ms != 0 ? x->shared.commit_timeout_ms : of_db;
    if (given != 0) {
        return given;
    }
    return x->limits.deadline_ns != 0 ? BM__COMMIT_MS : 0;
}

static bm_status begin_call(bm__execution *x, size_t workers, bm_error *err)
{
    bm__call *call = &x->call;
    bool borrowed = bm__db_root(x->db)->borrowed;
    call->several = workers > 1;
    call->dry_run = x->shared.dry_run == BM_ON;
    call->cancel = call->asked = x->limits.cancel;
    call->statement_timeout_ms = x->shared.statement_timeout_ms != 0
                                     ? x->shared.statement_timeout_ms
                                 : borrowed ? -1
                                            : BM__STATEMENT_MS;
    call->lock_timeout_ms = x->shared.lock_timeout_ms;
    call->deadline_ns = x->limits.deadline_ns;
    call->timeout_ms = x->limits.limit_ms;
    call->commit_timeout_ms = commit_timeout(x);
    atomic_store(&call->commit_until_ns, 0);
    atomic_store(&call->next, 0);
    call->base = 0;
    if (!x->wants_queryset || call->made != NULL) {
        return BM_OK;
    }
    bool structs = x->rows.kind != BM__ROWS_COLUMNS && x->rows.kind != BM__ROWS_KEYS;
    size_t capacity = call->source != NULL || x->request.whole_table ? 0 : call->n_rows;
    BM_TRY(bm__queryset_new(call->model, structs || x->reads, capacity, &call->made, err));
    bm__journal *journal = bm__db_journal(x->db);
    if (journal != NULL) { /* what is known of its rows shares the transaction's fate */
        BM_TRY(bm__journal_made(journal, call->made, err));
    }
    call->collects = !call->several && x->creates;
    return BM_OK;
}

/* After the jobs: what could not be done row by row while they ran. */
static bm_status end_call(bm__execution *x, bm_error *err)
{
    bm__call *call = &x->call;
    if (call->made == NULL || !x->creates || call->collects) {
        return BM_OK;
    }
    bm_status status = bm__call_collect(call, 0, call->n_rows, err);
    if (status != BM_OK) {
        err->fate = call->dry_run ? BM_FATE_ROLLED_BACK : BM_FATE_COMMITTED;
    }
    return status;
}

static void forget(bm__execution *x)
{
    bm_db *root = bm__db_root(x->db);
    bm__tables_drop(root, x->known);
    bm__tables_release(root, x->known);
    x->known = NULL;
}

static bool writes_defaults(const bm__execution *x)
{
    for (size_t i = 0; x->defaults != NULL && i < x->rows.model->n_fields; i++) {
        if (x->defaults[i]) {
            return true;
        }
    }
    return false;
}

/* The question waits for whoever alters the table, and so is bounded as a statement is. */
static bm__step question_limits(const bm__execution *x, const bm__conn *conn)
{
    bm__step limits = x->limits;
    int64_t given = x->shared.statement_timeout_ms;
    bm__step_within(&limits, "the timeout for the catalog",
                    given != 0 ? given : bm__own_ms(conn, BM__SHORT_MS));
    bm__step_within(&limits, "the lock timeout", x->shared.lock_timeout_ms);
    return limits;
}

static bm_status ask_table(bm__execution *x, bm__conn *conn, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    const bm__step limits = question_limits(x, conn);
    BM_TRY(bm__tables_get(root, conn, x->rows.model, &limits, &x->known, fresh, err));
    x->asked += *fresh && root->dialect->has_catalog;
    return BM_OK;
}

/* The text of a default may have changed, and what is read has no type of its own to tell. */
static bm_status ask_again(bm__execution *x, bm__conn *conn, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    const bm__step limits = question_limits(x, conn);
    bool same = false;
    if (!writes_defaults(x)) {
        BM_TRY(bm__tables_same(root, conn, x->rows.model, &limits, x->known, &same, err));
        x->asked += root->dialect->has_catalog && !root->dialect->reads_batch;
    }
    if (same) { /* but for names of types: not fresh */
        return BM_OK;
    }
    forget(x);
    return ask_table(x, conn, fresh, err);
}

static bm_status attempt(bm__execution *x, bm__conn **conns, size_t n, bool inside,
                         bm_result *result, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    if (inside && x->shared.lock_timeout_ms != 0 && root->dialect->has_hints) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "lock_timeout_ms inside a transaction: set lock_timeout in it instead");
    }
    BM_TRY(ask_table(x, conns[0], fresh, err));
    if (!*fresh && (x->reads || writes_defaults(x))) {
        BM_TRY(ask_again(x, conns[0], fresh, err));
    }
    size_t workers = n;
    BM_TRY(make_plan(x, &workers, inside, err));
    BM_TRY(check_values(x, err));
    BM_TRY(begin_call(x, workers, err));
    bm__hooks hooks = {.user = x->shared.user,
                       .on_progress = x->shared.on_progress,
                       .on_statement = x->shared.on_statement,
                       .rows_total =
                           x->call.source != NULL || x->request.whole_table ? 0 : x->call.n_rows};
    BM_TRY(
        bm__run(root, &x->call, mode_of(x, workers, inside), conns, workers, &hooks, result, err));
    return end_call(x, err);
}

/* Errors that a table which changed behind our back gives. */
static bool looks_stale(const bm_error *err)
{
    /* XX000: jsonb_recv, of a json column's bytes; 42704, 42883: a type was renamed */
    static const char *const states[] = {"42703", "42804", "22P03", "08P01", "42P01",
                                         "428C9", "XX000", "42704", "42883"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(err->sqlstate, states[i]) == 0) {
            return true;
        }
    }
    /* A column that became wider takes what was refused for the old one. */
    return err->stage == BM_STAGE_CATALOG || err->native_code == 1 || err->status == BM_CONVERT ||
           (err->stage == BM_STAGE_CHECK && err->column[0] != '\0' &&
            (err->status == BM_INVALID || err->status == BM_UNSUPPORTED));
}

/* Again, once, with what the table is now: only where nothing was written and rows can be read
 * again. */
static bm_status with_connections(bm__execution *x, bm__conn **conns, size_t n, bool inside,
                                  bm_result *result, bm_error *err)
{
    bool fresh = false;
    bm_status status = attempt(x, conns, n, inside, result, &fresh, err);
    bool settled = err->fate != BM_FATE_UNKNOWN && err->fate != BM_FATE_PARTIAL &&
                   err->fate != BM_FATE_COMMITTED;
    bool connected = bm__db_root(x->db)->transport->state(conns[0], false) ==
                     (inside ? BM__CONN_IN_TRANSACTION : BM__CONN_IDLE);
    bool stale = status != BM_OK && !fresh && looks_stale(err);
    if (stale || (status == BM_DATABASE && err->sqlstate[0] == '\0')) {
        forget(x); /* also where a count is wrong: there may be a new trigger, or a rule */
    }
    if (!stale || !settled || !connected || x->call.source != NULL || x->call.sink != NULL) {
        return status;
    }
    bm_error second = BM_ERROR;
    bm_queryset_free(x->call.made);
    x->call.made = NULL;
    size_t size = err->size;
    status = attempt(x, conns, n, inside, result, &fresh, &second);
    *err = second;
    err->size = size;
    if (status != BM_OK && looks_stale(err)) {
        forget(x);
    }
    return status;
}

bm_status bm__execute(bm__execution *x, bm_result *result, bm_error *err)
{
    bm__conn *conns[WORKERS_MAX];
    size_t n;
    bool inside;
    x->limits = bm__db_limits(x->db, &x->shared);
    BM_TRY(prepare(x, err));
    if (x->nothing) {
        if (x->wants_queryset) {
            BM_TRY(bm__queryset_new(x->rows.model, true, 0, &x->call.made, err));
        }
        return BM_OK;
    }
    BM_TRY(bm__db_connect(x->db, workers_wanted(x), &x->limits, conns, &n, &inside, err));
    bm_status status = with_connections(x, conns, inside ? 1 : n, inside, result, err);
    result->statements += x->asked;
    bm__db_disconnect(x->db, conns, n);
    return status;
}

static bm_status print_statement(bm__buffer *text, const char *what, const bm__statement *statement,
                                 bm_error *err)
{
    return statement->sql == NULL ? BM_OK
                                  : bm__buffer_format(text, err, "%s: %s\n", what, statement->sql);
}

static bm_status print_plan(const bm__execution *x, bm__buffer *text, bm_error *err)
{
    const bm__plan *plan = &x->plan;
    BM_TRY(bm__buffer_format(text, err, "verb: %s\nengine: %s\ntable: %s\nwhy: %s\n", plan->verb,
                             plan->dialect->name, plan->table->name, plan->why));
    if (x->call.source == NULL && !plan->whole_table) {
        BM_TRY(bm__buffer_format(text, err, "rows: %zu\n", x->call.n_rows));
    }
    BM_TRY(bm__buffer_format(text, err, "rows in a chunk: %zu\n", plan->chunk_rows));
    BM_TRY(print_statement(text, "first", &plan->setup, err));
    BM_TRY(print_statement(text, "keys", &plan->reserve, err));
    BM_TRY(print_statement(text, "before", &plan->before, err));
    BM_TRY(print_statement(text, "write", &plan->write, err));
    BM_TRY(print_statement(text, "after", &plan->after, err));
    BM_TRY(print_statement(text, "read", &plan->read, err));
    return print_statement(text, "last", &plan->verify, err);
}

bm_status bm__explain(bm__execution *x, bm__buffer *text, bm_error *err)
{
    bm__conn *conns[WORKERS_MAX];
    size_t n;
    bool inside;
    bool fresh;
    x->limits = bm__db_limits(x->db, &x->shared);
    BM_TRY(prepare(x, err));
    if (x->nothing) {
        return bm__buffer_text(text, "nothing to do: no statement\n", err);
    }
    BM_TRY(bm__db_connect(x->db, workers_wanted(x), &x->limits, conns, &n, &inside, err));
    size_t workers = inside ? 1 : n;
    bm_status status = ask_table(x, conns[0], &fresh, err);
    if (status == BM_OK) {
        status = make_plan(x, &workers, inside, err);
    }
    if (status == BM_OK) {
        status = print_plan(x, text, err);
    }
    if (status == BM_OK) {
        status = bm__buffer_format(text, err, "workers: %zu\n", workers);
    }
    bm__db_disconnect(x->db, conns, n);
    return status;
}
