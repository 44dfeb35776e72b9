#include "execute.h"

#include "result.h"
#include "retry.h"
#include "rows.h"
#include "stream.h"
#include "workers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX BM__TEAM_MAX

bm__journal *bm__db_journal(bm_db *db)
{
    return db->root != NULL ? &db->journal : NULL;
}

void bm__execution_free(bm__execution *x)
{
    bm__tables_release(bm__db_root(x->db), x->known);
    bm__operation_free(&x->op);
}

/* Everything that needs no connection. */
static bm_status open_operation(bm__execution *x, bm_error *err)
{
    const bm__engine *engine = bm__db_root(x->db)->engine;
    x->op.request.engine = engine;
    x->op.dry_run = x->op.settings.dry_run == BM_ON;
    x->op.checks_commit = x->op.settings.commit_check == BM_ON && engine->commits != NULL;
    x->op.apart = x->op.concurrent == BM_ON && x->op.rows.kind != BM__ROWS_STREAM &&
                  !engine->one_writer && x->db->root == NULL;
    x->op.journal = bm__db_journal(x->db);
    return bm__operation_open(&x->op, err);
}

/* How many workers the caller, the settings and the rows allow. */
static size_t workers_wanted(const bm__execution *x)
{
    const bm_db *root = bm__db_root(x->db);
    const bm_source *source = x->op.call.source;
    bool alone = source != NULL && (!bm__stream_shared(source) || x->op.wants_queryset ||
                                    x->op.wants_outcomes); /* which are in the rows' order */
    bool one = x->op.concurrent != BM_ON || x->db->root != NULL || root->engine->one_writer ||
               alone || x->op.request.whole_table || x->op.verb->reads;
    if (one) {
        return 1;
    }
    size_t most = (size_t)root->options.max_concurrent_batch_writes;
    size_t asked = x->op.max_workers > 0 ? (size_t)x->op.max_workers : most;
    size_t want = asked < most ? asked : most;
    want = want < WORKERS_MAX ? want : WORKERS_MAX;
    if (source != NULL) {
        return want;
    }
    size_t chunks = x->op.request.batch_size == 0
                        ? x->op.call.n_rows
                        : (x->op.call.n_rows - 1) / x->op.request.batch_size + 1;
    return want < chunks ? want : chunks;
}

/* Deferred constraints are checked by COMMIT: without a timeout of the call it may take long. */
static int64_t commit_timeout(const bm__execution *x)
{
    int64_t of_db = bm__db_root(x->db)->options.commit_timeout_ms;
    int64_t given =
        x->op.settings.commit_timeout_ms != 0 ? x->op.settings.commit_timeout_ms : of_db;
    if (given != 0) {
        return given;
    }
    return x->limits.deadline_ns != 0 ? BM__COMMIT_MS : 0;
}

/* A COPY that sorts or filters may be silent for as long as a statement may take. */
static int64_t stall_timeout(const bm__execution *x)
{
    const bm__request *request = &x->op.request;
    bool may_be_silent = x->op.verb->reads && (!request->whole_table || request->filter != NULL ||
                                               request->order != NULL || request->order_by_key ||
                                               request->query != NULL);
    return may_be_silent ? BM__STATEMENT_MS : BM__STALL_MS;
}

/* The limits and the token of the jobs. */
static void set_limits(bm__execution *x)
{
    bm__call *call = &x->op.call;
    const bm_db *root = bm__db_root(x->db);
    int64_t given = x->op.settings.statement_timeout_ms;
    bool ours = !root->borrowed;
    call->tells_commit = root->engine->commits != NULL && !x->op.verb->reads &&
                         x->op.settings.dry_run != BM_ON && x->op.settings.commit_check != BM_OFF;
    call->outer = root->engine->commits != NULL && x->db->root != NULL
                      ? &bm__db_outermost(x->db)->xact
                      : NULL;
    call->cancel = call->asked = x->limits.cancel;
    call->statement_timeout_ms = given != 0 ? given : ours ? BM__STATEMENT_MS : -1;
    call->short_timeout_ms = given != 0 ? given : ours ? BM__SHORT_MS : -1;
    call->copy_timeout_ms = given;
    call->stall_timeout_ms = given != 0 || !ours ? 0 : stall_timeout(x);
    call->lock_timeout_ms = x->op.settings.lock_timeout_ms;
    call->lock_unless_set = false;
    if (call->lock_timeout_ms == 0 && ours && root->engine->sets_lock_timeout) {
        call->lock_timeout_ms = BM__LOCK_MS;
        call->lock_unless_set = true;
    }
    call->deadline_ns = x->limits.deadline_ns;
    call->timeout_ms = x->limits.limit_ms;
    call->commit_timeout_ms = commit_timeout(x);
    call->paused_ns = 0;
    atomic_store(&call->commit_until_ns, 0);
}

/* No later call uses the table.  This one holds it until it has another: its plan points to it, and
 * so does the search for the row. */
static void forget(bm__execution *x)
{
    bm__tables_drop(bm__db_root(x->db), x->known);
}

static bm__step question_limits(const bm__execution *x, const bm__conn *conn)
{
    bm__step limits = x->limits;
    int64_t given = x->op.settings.statement_timeout_ms;
    bm__step_within(&limits, "the timeout for the catalog",
                    given != 0 ? given : bm__own_ms(conn, BM__SHORT_MS));
    return limits;
}

/* A question about the table waits for whoever alters it. */
static bm__step table_limits(const bm__execution *x, const bm__conn *conn)
{
    bm__step limits = question_limits(x, conn);
    bm__step_within(&limits, "the lock timeout", x->op.settings.lock_timeout_ms);
    return limits;
}

static bool could_use_stage(const bm__execution *x)
{
    const bm_row_outcome hit = x->op.verb->hit;
    return x->known->table->stage != NULL && (hit == BM_ROW_UPDATED || hit == BM_ROW_DELETED);
}

/* A partition that is attached moves keys and fails no statement: rows would be looked for where
 * they are not.  So a table with a stage is asked for at each call. */
static bm_status ask_table(bm__execution *x, bm__conn *conn, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    const bm__step limits = table_limits(x, conn);
    bm__tables_release(root, x->known); /* of a first attempt, whose plan is not used again */
    x->known = NULL;
    x->op.call.suspects = (bm__suspects){0};
    if (x->op.request.query != NULL) {
        *fresh = true;
        x->asked++;
        return bm__tables_query(root, conn, x->op.rows.model, x->op.request.query, &limits, NULL,
                                &x->known, err);
    }
    BM_TRY(bm__tables_get(root, conn, x->op.rows.model, &limits, &x->known, fresh, err));
    while (!*fresh && could_use_stage(x)) { /* other threads may have asked before, too */
        forget(x);
        bm__tables_release(root, x->known);
        x->known = NULL;
        BM_TRY(bm__tables_get(root, conn, x->op.rows.model, &limits, &x->known, fresh, err));
    }
    assert(x->known != NULL);
    x->asked += *fresh && conn->engine->ask != NULL;
    return BM_OK;
}

/* The text of a default may have changed, what is read has no type of its own to tell, and text is
 * cast to the type that the column had. */
static bm_status ask_again(bm__execution *x, bm__conn *conn, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    const bm__step limits = table_limits(x, conn);
    bool same = false;
    if (!bm__operation_writes_defaults(&x->op)) {
        BM_TRY(bm__tables_same(root, conn, x->op.rows.model, &limits, x->known, &same, err));
        x->asked += conn->engine->ask_same != NULL;
    }
    if (same) { /* but for names of types: not fresh */
        return BM_OK;
    }
    forget(x);
    return ask_table(x, conn, fresh, err);
}

/* A number that no other call on the server has, as far as chance goes. */
static bm_status number_team(bm__execution *x, bm_error *err)
{
    bm_uuid uuid;
    if (bm_uuid_random(&uuid) != BM_OK) {
        return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "no random number was available");
    }
    memcpy(&x->op.request.team, uuid.bytes, sizeof x->op.request.team);
    x->op.request.team &= INT32_MAX;
    return BM_OK;
}

/* One worker where the isolation level lets several fail each other at COMMIT, or where they would
 * have waited for each other. */
static bm_status may_share(bm__execution *x, bm__conn *conn, size_t *workers, bm_error *err)
{
    bool allowed = !x->entangled;
    if (*workers > 1 && allowed) {
        const bm__step limits = question_limits(x, conn);
        BM_TRY(bm__workers_allowed(conn, &limits, &allowed, err));
        x->asked++;
        BM_TRY(number_team(x, err));
    }
    *workers = allowed ? *workers : 1;
    return BM_OK;
}

static bm__hooks hooks_of(const bm__execution *x)
{
    bool unknown = x->op.call.source != NULL || x->op.request.whole_table;
    return (bm__hooks){.user = x->op.settings.user,
                       .on_progress = x->op.settings.on_progress,
                       .on_statement = x->op.settings.on_statement,
                       .rows_total = unknown ? 0 : x->op.call.n_rows};
}

static bm_status attempt(bm__execution *x, bm__conn **conns, size_t n, bool inside,
                         bm_result *result, bool *fresh, bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    if (inside && x->op.settings.lock_timeout_ms != 0 && root->engine->sets_lock_timeout) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "lock_timeout_ms inside a transaction: set lock_timeout in it instead");
    }
    BM_TRY(ask_table(x, conns[0], fresh, err));
    x->op.request.engine = conns[0]->engine;
    bool asks = x->op.verb->reads || bm__operation_writes_defaults(&x->op) ||
                bm__operation_casts_text(&x->op, x->known->table);
    if (!*fresh && asks) {
        BM_TRY(ask_again(x, conns[0], fresh, err));
    }
    size_t workers = n;
    BM_TRY(may_share(x, conns[0], &workers, err));
    BM_TRY(bm__operation_plan(&x->op, x->known->table, &workers, inside, err));
    BM_TRY(bm__operation_check(&x->op, err));
    BM_TRY(bm__operation_begin(&x->op, workers, err));
    set_limits(x);
    const bm__hooks hooks = hooks_of(x);
    bm__job_mode mode = bm__operation_mode(&x->op, workers, inside);
    BM_TRY(
        bm__jobs_run(root, &x->op.call, mode, conns, workers, &hooks, result, &x->entangled, err));
    return bm__operation_end(&x->op, err);
}

static bool says(bool (*it)(const bm_error *err), const bm_error *err)
{
    return it != NULL && it(err);
}

/* Errors that a table which changed behind our back gives. */
static bool looks_stale(const bm__execution *x, const bm_error *err)
{
    /* A column that became wider takes what was refused for the old one. */
    return says(bm__db_root(x->db)->engine->says_stale, err) || err->stage == BM_STAGE_CATALOG ||
           err->status == BM_CONVERT ||
           (err->stage == BM_STAGE_CHECK && err->column[0] != '\0' &&
            (err->status == BM_INVALID || err->status == BM_UNSUPPORTED));
}

static bool rewinds(const bm__execution *x)
{
    const bm_source *source = x->op.call.source;
    return source == NULL || source->rewind != NULL;
}

/* Nothing is written, and the connection, NULL if it was never opened, can be used as before. */
static bool may_ask(const bm__execution *x, bm__conn *conn, bool inside, const bm_error *err)
{
    bool settled = conn != NULL && err->fate != BM_FATE_UNKNOWN && err->fate != BM_FATE_PARTIAL &&
                   err->fate != BM_FATE_COMMITTED;
    bm__conn_state wanted = inside ? BM__CONN_IN_TRANSACTION : BM__CONN_IDLE;
    return settled && bm__db_root(x->db)->transport->state(conn, false) == wanted;
}

/* An error that looks as if the table had changed: has it?  Asking costs less than the call. */
static bool has_changed(bm__execution *x, bm__conn *conn, const bm_error *err)
{
    bm_db *root = bm__db_root(x->db);
    const bm__step limits = question_limits(x, conn);
    bm_error ignored = BM_ERROR;
    bool same = false;
    if (x->known == NULL || says(conn->engine->says_moved, err)) {
        return true;
    }
    x->asked += conn->engine->ask != NULL;
    return bm__tables_same(root, conn, x->op.rows.model, &limits, x->known, &same, &ignored) ==
               BM_OK &&
           !same;
}

/*
 * A deferred constraint failed, and the rows of the stream are gone: they are read and written once
 * more, each chunk is checked, and all is rolled back.  It takes no longer than any search.
 */
static void probe(bm__execution *x, bm__conn *conn, bool inside, bm_result *result, bm_error *err)
{
    const bm__hooks hooks = {.user = x->op.settings.user,
                             .on_statement = x->op.settings.on_statement};
    bm__call *call = &x->op.call;
    bm_error found = BM_ERROR;
    bm_result counts = BM_RESULT;
    bool entangled;
    bool deferred = call->suspects.deferred && call->source != NULL;
    size_t one = 1;
    if (!deferred || inside || !rewinds(x) || bm__stream_rewind(call, &found) != BM_OK ||
        bm__operation_plan(&x->op, x->known->table, &one, inside, &found) != BM_OK ||
        bm__operation_begin(&x->op, 1, &found) != BM_OK) {
        return;
    }
    int64_t until = bm__after_ms(BM__LOCATE_MS);
    call->deadline_ns =
        call->deadline_ns != 0 && call->deadline_ns < until ? call->deadline_ns : until;
    call->dry_run = call->probes = true;
    call->tells_commit = false;
    (void)bm__jobs_run(bm__db_root(x->db), call, BM__JOB_OWN, &conn, 1, &hooks, &counts, &entangled,
                       &found);
    call->probes = false;
    if (found.status == err->status && strcmp(found.sqlstate, err->sqlstate) == 0 &&
        strcmp(found.constraint, err->constraint) == 0) {
        err->row = found.row;
    }
    result->statements += counts.statements;
    bm_result_clear(&counts);
}

static void locate(bm__execution *x, bm__conn *conn, bool inside, bm_result *result, bm_error *err)
{
    const bm__hooks hooks = hooks_of(x);
    if (x->op.call.suspects.n > 0) {
        bm__run_locate(&x->op.call, inside ? BM__JOB_SAVEPOINT : BM__JOB_OWN, conn, &hooks, result,
                       err);
    }
}

/* The row of the error, where there is still a connection that can be used: of several some may
 * have been closed to stop their workers. */
static void find_row(bm__execution *x, bm__conn **conns, size_t n, bool inside, bm_result *result,
                     bm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (may_ask(x, conns[i], inside, err)) {
            probe(x, conns[i], inside, result, err);
            locate(x, conns[i], inside, result, err);
            return;
        }
    }
}

/* Again, once, where the table is another one now: only where nothing was written and rows can be
 * read again. */
static bm_status with_connections(bm__execution *x, bm__conn **conns, size_t n, bool inside,
                                  bm_result *result, bm_error *err)
{
    bool fresh = false;
    bm_status status = attempt(x, conns, n, inside, result, &fresh, err);
    bool stale = status != BM_OK && !fresh && looks_stale(x, err);
    if (stale && may_ask(x, conns[0], inside, err)) {
        stale = has_changed(x, conns[0], err);
    }
    if (stale || (status == BM_DATABASE && err->sqlstate[0] == '\0')) {
        forget(x); /* also where a count is wrong: there may be a new trigger, or a rule */
    }
    bool again = (stale || x->entangled) && x->op.call.sink == NULL && rewinds(x);
    if (again && may_ask(x, conns[0], inside, err)) {
        size_t size = err->size;
        bm_error second = BM_ERROR;
        status = x->op.call.source != NULL ? bm__stream_rewind(&x->op.call, &second) : BM_OK;
        status = status != BM_OK ? status : attempt(x, conns, n, inside, result, &fresh, &second);
        *err = second;
        err->size = size;
        if (status != BM_OK && looks_stale(x, err)) {
            forget(x);
        }
    }
    if (status != BM_OK && !x->op.sets_aside) { /* who sets rows aside looks for it by parts */
        find_row(x, conns, n, inside, result, err);
    }
    return status;
}

static bm_status once(bm__execution *x, bm_result *result, bm_error *err)
{
    bm__conn *conns[WORKERS_MAX];
    size_t n;
    BM_TRY(bm__db_connect(x->db, workers_wanted(x), &x->limits, conns, &n, &x->inside, err));
    const bm__step limits = question_limits(x, conns[0]);
    bm_status status = x->op.verb->reads ? BM_OK : bm__conn_writes(conns[0], &limits, err);
    if (status == BM_OK) {
        status = with_connections(x, conns, x->inside ? 1 : n, x->inside, result, err);
    }
    result->statements += x->asked;
    x->asked = 0;
    bm__db_disconnect(x->db, conns, n);
    return status;
}

bm_status bm__execute(bm__execution *x, bm_result *result, bm_error *err)
{
    x->limits = bm__db_limits(x->db, &x->op.settings);
    BM_TRY(open_operation(x, err));
    if (x->op.nothing) {
        if (x->op.wants_queryset) {
            BM_TRY(bm__queryset_new(x->op.rows.model, true, 0, &x->op.call.made, err));
        }
        return BM_OK;
    }
    bm__retry retry = bm__retry_begin(x);
    bm_status status = once(x, result, err);
    while (status != BM_OK && bm__retry_again(&retry, x, result, err)) {
        status = once(x, result, err);
    }
    if (status != BM_OK && result->replays > 0 && err->fate == BM_FATE_NOT_STARTED) {
        err->fate = BM_FATE_ROLLED_BACK; /* an earlier attempt had sent something */
    }
    return status == BM_OK ? BM_OK : err->status;
}

bm_status bm__execute_prepare(bm__execution *x, bm__conn *conn, bm_error *err)
{
    bool fresh = false;
    size_t one = 1;
    x->limits = bm__db_limits(x->db, &x->op.settings);
    BM_TRY(open_operation(x, err));
    BM_TRY(ask_table(x, conn, &fresh, err));
    x->op.request.engine = conn->engine;
    BM_TRY(bm__operation_plan(&x->op, x->known->table, &one, true, err));
    BM_TRY(bm__operation_check(&x->op, err));
    BM_TRY(bm__operation_begin(&x->op, one, err));
    set_limits(x);
    return BM_OK;
}

static bm_status print_plan(const bm__execution *x, bm__buffer *text, bm_error *err)
{
    const bm__plan *plan = &x->op.plan;
    BM_TRY(bm__buffer_format(text, err, "verb: %s\nengine: %s\ntable: %s\nwhy: %s\n",
                             plan->verb->name, plan->engine->name, plan->table->name, plan->why));
    if (x->op.call.source == NULL && !plan->whole_table) {
        BM_TRY(bm__buffer_format(text, err, "rows: %zu\n", x->op.call.n_rows));
    }
    BM_TRY(bm__buffer_format(text, err, "rows in a chunk: %zu\n", plan->chunk_rows));
    bm__plan_statement statements[BM__PLAN_STATEMENTS];
    const size_t n = bm__plan_statements(plan, statements);
    for (size_t i = 0; i < n; i++) {
        BM_TRY(bm__buffer_format(text, err, "%s: %s\n", statements[i].what, statements[i].sql));
    }
    return BM_OK;
}

bm_status bm__explain(bm__execution *x, bm__buffer *text, bm_error *err)
{
    bm__conn *conns[WORKERS_MAX];
    size_t n;
    bool inside;
    bool fresh;
    x->limits = bm__db_limits(x->db, &x->op.settings);
    BM_TRY(open_operation(x, err));
    if (x->op.nothing) {
        return bm__buffer_text(text, "nothing to do: no statement\n", err);
    }
    BM_TRY(bm__db_connect(x->db, workers_wanted(x), &x->limits, conns, &n, &inside, err));
    size_t workers = inside ? 1 : n;
    x->op.request.engine = conns[0]->engine;
    bm_status status = ask_table(x, conns[0], &fresh, err);
    if (status == BM_OK) {
        status = may_share(x, conns[0], &workers, err);
    }
    if (status == BM_OK) {
        status = bm__operation_plan(&x->op, x->known->table, &workers, inside, err);
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
