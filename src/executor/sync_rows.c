/*
 * The keys of the scope's rows are kept while these are locked, and those of the rows that the
 * call's rows find are kept as well.  What is in the first and not in the second is deleted; then
 * the rows are an upsert.  Both lists are temporary tables: the call's memory does not grow.
 */
#include "sync_rows.h"

#include "maintain.h"
#include "options.h"
#include "rows.h"
#include "scope.h"
#include "transaction.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PERCENT 10.0
#define LEAST_DELETES 10 /* a limit in percent always allows so many */

/* What bm__sql_scope_count gives. */
enum { KEPT, MATCHED, GONE, OUTSIDE, N_COUNTS };

typedef struct sync {
    bm__execution *x;
    bm_sync_options options;
    bm_db *tx;
    bm__known_table *known;
    bm__sql_scope scope;
    bm__arena arena;
    bm_result *result;
    bm_error *err;
    int64_t until_ns; /* of the call's timeout; 0: none */
    int64_t counts[N_COUNTS];
    uint64_t n_again; /* rows of a stream's last reading */
} sync;

/* ---- statements of its own */

typedef struct numbers {
    int64_t *at;
    size_t n;
    bool read;
} numbers;

static bm_status push_numbers(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    numbers *out = context;
    assert(out->n <= N_COUNTS);
    if (out->n == 0) { /* what it says is not wanted */
        return BM_OK;
    }
    out->read = n == out->n;
    for (size_t i = 0; out->read && i < n; i++) {
        out->read = bm__cell_integer(&cells[i], &out->at[i]);
    }
    return out->read ? BM_OK
                     : bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                                "the server's answer does not match the question");
}

static int64_t milliseconds_left(const sync *s)
{
    const int64_t left = (s->until_ns - bm__now_ns()) / 1000000;
    return s->until_ns == 0 ? s->x->op.settings.timeout_ms : left > 0 ? left : 1;
}

/* Run a statement; its only row has n integers.  *rows, if wanted: how many it wrote. */
static bm_status ask(sync *s, bm__sql *sql, int64_t *out, size_t n, uint64_t *rows)
{
    bm_call call = s->x->op.settings;
    bm__answer answer = {.row = BM_NO_ROW};
    numbers read = {.at = out, .n = n, .read = n == 0};
    call.timeout_ms = milliseconds_left(s);
    bm__step step = bm__db_limits(s->tx, &call);
    step.kind = BM__STEP_EXEC;
    step.push = push_numbers;
    step.context = &read;
    bm__step_within(&step, "the statement timeout",
                    call.statement_timeout_ms != 0 ? call.statement_timeout_ms
                                                   : bm__own_ms(s->tx->conn, BM__STATEMENT_MS));
    bm__step_within(&step, "the lock timeout", call.lock_timeout_ms);
    BM_TRY(bm__sql_end(sql, &s->arena, &step.sql));
    BM_TRY(s->tx->transport->perform(s->tx->conn, &step, &answer, s->err));
    s->result->statements++;
    if (call.on_statement != NULL) {
        call.on_statement(call.user, step.sql, 0);
    }
    if (rows != NULL) {
        *rows = answer.rows > 0 ? (uint64_t)answer.rows : 0;
    }
    return read.read ? BM_OK : push_numbers(&read, NULL, 0, s->err);
}

static bm_status run(sync *s, void (*statement)(bm__sql *sql, const bm__sql_scope *scope))
{
    bm__sql sql = bm__sql_begin(s->err);
    statement(&sql, &s->scope);
    return ask(s, &sql, NULL, 0, NULL);
}

/* ---- passes over the rows */

static bool is_stream(const sync *s)
{
    return s->x->op.rows.kind == BM__ROWS_STREAM;
}

static bm_status read_again(sync *s)
{
    const bm_source *source = s->x->op.rows.data;
    if (!is_stream(s)) {
        return BM_OK;
    }
    bm_status status = source->rewind(source->user, s->err);
    return status == BM_OK ? BM_OK : bm__callback_failed(s->err, status, "source", 0);
}

/* The rows that exist: their keys are kept. */
static bm_status match(sync *s)
{
    bm_result counts = BM_RESULT;
    bm__execution *x = s->x;
    const bm_call settings = x->op.settings;
    bm_db *db = x->db;
    x->db = s->tx;
    x->op.settings.dry_run = BM_OFF;
    x->op.settings.retries = 0;
    x->op.settings.on_progress = NULL;
    x->op.settings.timeout_ms = milliseconds_left(s);
    bm_status status = bm__execute(x, &counts, s->err);
    x->op.settings = settings;
    x->db = db;
    s->result->statements += counts.statements;
    bm_result_clear(&counts);
    return status;
}

/* The caller's source, whose rows are counted. */
typedef struct counted_source {
    bm_source given;
    uint64_t n;
} counted_source;

static bm_status next_counted(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    counted_source *c = user;
    bm_status status = c->given.next(c->given.user, rows, capacity, n, err);
    c->n += status == BM_OK ? *n : 0;
    return status;
}

static bm_status rewind_counted(void *user, bm_error *err)
{
    counted_source *c = user;
    c->n = 0;
    return c->given.rewind(c->given.user, err);
}

static void release_counted(void *user, void *rows)
{
    const counted_source *c = user;
    c->given.release(c->given.user, rows);
}

/* A call of another verb; its source is closed by this one. */
static bm_status pass(sync *s, const bm__verb *verb, const void *options, bm_result *counts)
{
    bm_rows rows = s->x->op.rows;
    counted_source source = {.n = 0};
    bm_source as_counted = {
        .size = sizeof as_counted, .user = &source, .next = next_counted, .rewind = rewind_counted};
    if (is_stream(s)) {
        const bm_source *given = rows.data;
        memcpy(&source.given, given,
               given->size < sizeof source.given ? given->size : sizeof source.given);
        as_counted.release = source.given.release != NULL ? release_counted : NULL;
        rows.data = &as_counted;
    }
    BM_TRY(read_again(s));
    bm_status status = bm__run_verb(s->tx, verb, rows, options, NULL, counts, s->err);
    s->result->statements += counts->statements;
    s->n_again = source.n;
    return status;
}

static bm_call inner_call(const sync *s)
{
    bm_call call = s->x->op.settings;
    call.size = sizeof call;
    call.timeout_ms = milliseconds_left(s);
    call.dry_run = BM_OFF;
    call.retries = 0;
    return call;
}

/* The row for which the condition does not hold, in the words of the caller; BM_OK: none. */
static bm_status refuse_outside(sync *s, const char *why)
{
    bm_call call = inner_call(s);
    bm_sync_options options = s->options;
    bm_result counts = BM_RESULT;
    call.on_progress = NULL;
    options.size = sizeof options;
    options.call = &call;
    bm_status status = pass(s, s->x->op.verb->sync->outside, &options, &counts);
    bm_result_clear(&counts);
    if (status == BM_CONSTRAINT && s->err->row != BM_NO_ROW && s->err->sqlstate[0] == '\0') {
        const size_t row = s->err->row;
        const bm__fields *unique = &s->x->op.request.unique;
        const char *column = s->x->op.rows.model->fields[unique->at[0]].name;
        bm__error_reset(s->err);
        return bm__fail_cell(s->err, BM_CONSTRAINT, BM_STAGE_WRITE, row, column, "row %zu: %s", row,
                             why);
    }
    return status;
}

static bm_status upsert(sync *s, bm_result *counts)
{
    const bm_call call = inner_call(s);
    const bm_upsert_options options = {.size = sizeof options,
                                       .call = &call,
                                       .batch_size = s->options.batch_size,
                                       .unique_fields = s->options.unique_fields,
                                       .update_fields = s->options.update_fields,
                                       .update_unchanged = s->options.update_unchanged,
                                       .duplicates = s->options.duplicates,
                                       .return_outcomes = s->options.return_outcomes,
                                       .create_uuid = s->options.create_uuid};
    return pass(s, s->x->op.verb->sync->upsert, &options, counts);
}

/* ---- the deletes */

static uint64_t most_deletes(const sync *s)
{
    const bm_sync_options *o = &s->options;
    assert(o->max_deletes_percent >= 0 && o->max_deletes_percent <= 100);
    const bool none = o->max_deletes == 0 && o->max_deletes_percent == 0;
    const double percent = none ? DEFAULT_PERCENT : o->max_deletes_percent;
    uint64_t most = o->max_deletes == BM_NO_DELETES ? 0
                    : o->max_deletes > 0            ? (uint64_t)o->max_deletes
                                                    : UINT64_MAX;
    if (percent > 0) {
        uint64_t share = (uint64_t)((double)s->counts[KEPT] * percent / 100);
        share = share > LEAST_DELETES ? share : LEAST_DELETES;
        most = share < most ? share : most;
    }
    return most;
}

static bm_status delete_gone(sync *s)
{
    const uint64_t gone = (uint64_t)s->counts[GONE];
    const uint64_t most = most_deletes(s);
    assert(s->counts[GONE] <= s->counts[KEPT]);
    if (gone > most) {
        return bm__fail(s->err, BM_LIMIT, BM_STAGE_WRITE,
                        "%llu of the %llu rows that `where` selects would be deleted, and "
                        "max_deletes allows %llu: check the rows, or raise the limit",
                        (unsigned long long)gone, (unsigned long long)s->counts[KEPT],
                        (unsigned long long)most);
    }
    if (gone == 0) {
        return BM_OK;
    }
    bm__sql sql = bm__sql_begin(s->err);
    bm__sql_scope_delete(&sql, &s->scope);
    BM_TRY(ask(s, &sql, NULL, 0, &s->result->deleted));
    const bool counted = !s->tx->engine->reads_batch || s->known->table->kind != 'v';
    return !counted || s->result->deleted == gone
               ? BM_OK
               : bm__fail(s->err, BM_DATABASE, BM_STAGE_WRITE,
                          "the server deleted %llu of %llu rows of \"%s\": a trigger or rule keeps "
                          "rows, or their key is NULL",
                          (unsigned long long)s->result->deleted, (unsigned long long)gone,
                          s->scope.table);
}

/* ---- the call */

static bm_status count(sync *s)
{
    bm__sql sql = bm__sql_begin(s->err);
    bm__sql_scope_count(&sql, &s->scope);
    return ask(s, &sql, s->counts, N_COUNTS, NULL);
}

static bm_status meanwhile(sync *s)
{
    return bm__fail(s->err, BM_CONSTRAINT, BM_STAGE_WRITE,
                    "another session inserted rows with keys of this call meanwhile: repeat it");
}

/* Every row that was written must be one that the condition selects.  If there are as many as there
 * should be, no row needs to be looked up. */
static bm_status check_written(sync *s, const bm_result *counts)
{
    const uint64_t existed = counts->updated + counts->unchanged;
    int64_t size = 0;
    if (existed > (uint64_t)s->counts[MATCHED]) {
        return meanwhile(s);
    }
    bm__sql sql = bm__sql_begin(s->err);
    bm__sql_scope_size(&sql, &s->scope);
    BM_TRY(ask(s, &sql, &size, 1, NULL));
    return (uint64_t)size == existed + counts->inserted
               ? BM_OK
               : refuse_outside(s,
                                "`where` does not select it as it was written: check its values");
}

/* Without a unique index each row would be looked for in the whole table, before the upsert is
 * refused.  SQLite's views take no upsert; Citus is asked by the upsert itself. */
static bm_status find_arbiter(sync *s)
{
    bm__sql sql = bm__sql_begin(s->err);
    bm__sql names = bm__sql_begin(s->err);
    const char *list;
    if (s->known->table->citus != '\0' ||
        (s->tx->engine->reads_batch && s->known->table->kind == 'v')) {
        return bm__sql_end(&sql, &s->arena, &list);
    }
    bm__sql_scope_arbiter(&sql, &s->scope);
    bm_status status = ask(s, &sql, NULL, 0, NULL);
    /* A column that is gone is BM_INVALID too.  SQLite says only this in other words. */
    if (status == BM_INVALID &&
        (s->tx->engine->reads_batch || strcmp(s->err->sqlstate, "42P10") == 0)) {
        bm__error_reset(s->err);
        bm__sql_scope_unique(&names, &s->scope);
        BM_TRY(bm__sql_end(&names, &s->arena, &list));
        return bm__fail(s->err, BM_INVALID, BM_STAGE_CHECK,
                        "\"%s\" has no unique index over exactly (%s), by which the rows of a sync "
                        "are found: create one, or name other unique_fields",
                        s->scope.table, list);
    }
    return status;
}

static bm_status write_rows(sync *s)
{
    bm_result counts = BM_RESULT;
    BM_TRY(run(s, bm__sql_scope_matches)); /* SQLite then knows of indexes that others have made */
    BM_TRY(find_arbiter(s));
    BM_TRY(run(s, bm__sql_scope_take));
    BM_TRY(match(s));
    if (s->x->op.call.caller_rows == 0 && s->options.allow_empty != BM_ON) {
        return bm__fail(s->err, BM_INVALID, BM_STAGE_CHECK,
                        "no rows were given, so all rows that `where` selects would be deleted: "
                        "set allow_empty if that is right");
    }
    BM_TRY(count(s));
    assert(s->counts[OUTSIDE] <= s->counts[MATCHED]);
    if (s->counts[OUTSIDE] > 0) {
        BM_TRY(refuse_outside(s, "its key exists in a row that `where` does not select"));
        return meanwhile(s);
    }
    BM_TRY(delete_gone(s));
    bm_status status = upsert(s, &counts);
    if (status == BM_OK && is_stream(s) && s->n_again != s->x->op.call.caller_rows) {
        status = bm__fail(s->err, BM_INVALID, BM_STAGE_WRITE,
                          "the source gave %zu rows, and %llu when it was read again: rows that it "
                          "no longer gives would stay",
                          s->x->op.call.caller_rows, (unsigned long long)s->n_again);
    }
    if (status == BM_OK) {
        status = check_written(s, &counts);
    }
    if (status == BM_OK) {
        s->result->inserted = counts.inserted;
        s->result->updated = counts.updated;
        s->result->unchanged = counts.unchanged;
        s->result->ignored = counts.ignored;
        s->result->outcomes = counts.outcomes;
        s->result->n_outcomes = counts.n_outcomes;
        counts.outcomes = NULL;
    }
    bm_result_clear(&counts);
    return status;
}

static bm_status drop_own(sync *s)
{
    for (int i = 0; i < 2; i++) {
        bm__sql sql = bm__sql_begin(s->err);
        bm__sql_scope_drop(&sql, &s->scope, i == 1);
        BM_TRY(ask(s, &sql, NULL, 0, NULL));
    }
    return BM_OK;
}

static bm_status find_table(sync *s)
{
    const bm_model *model = s->x->op.rows.model;
    bm__step limits = bm__db_limits(s->tx, &s->x->op.settings);
    bool fresh;
    bm__step_within(&limits, "the timeout for the catalog", bm__own_ms(s->tx->conn, BM__SHORT_MS));
    BM_TRY(
        bm__tables_get(bm__db_root(s->tx), s->tx->conn, model, &limits, &s->known, &fresh, s->err));
    return s->x->op.verb->sync->scope(&s->x->op.request, model, s->known->table, s->tx->engine,
                                      &s->arena, &s->scope, s->err);
}

static bm_status check(const bm__execution *x, bm_error *err)
{
    const bm_source *source = x->op.rows.kind == BM__ROWS_STREAM ? x->op.rows.data : NULL;
    BM_TRY(bm__rows_check(&x->op.rows, err));
    const bm__engine *engine = bm__db_root(x->db)->engine;
    if (engine->ask == NULL || engine->dialect->count == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "bm_sync is not for \"%s\"",
                        engine->name);
    }
    if (x->op.settings.on_error != BM_ON_ERROR_FAIL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "on_error: a row that is set aside would be deleted");
    }
    if (source != NULL && source->rewind == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "bm_sync reads its rows twice: the source needs `rewind`");
    }
    return BM_OK;
}

bm_status bm__sync_rows(bm__execution *x, const void *options, bm_result *result, bm_error *err)
{
    const bm_call *settings = &x->op.settings;
    sync s = {.x = x, .result = result, .err = err};
    BM_TRY(check(x, err));
    BM_TRY(bm__options_read(&s.options, sizeof s.options, options, err));
    s.until_ns = settings->timeout_ms > 0 ? bm__after_ms(settings->timeout_ms) : 0;
    BM_TRY(bm__begin(x->db, &s.tx, err));
    const bool inside = s.tx->savepoint;
    bm_status status = find_table(&s);
    if (status == BM_OK) {
        status = write_rows(&s);
    }
    if (status == BM_OK) {
        status = settings->dry_run != BM_ON ? drop_own(&s)
                 : inside                   ? BM_OK
                                            : bm__check_deferred(s.tx, x->op.rows.model, err);
    }
    result->statements += 2;
    bm__tables_release(bm__db_root(x->db), s.known);
    bm__arena_free(&s.arena);
    if (status == BM_OK && settings->dry_run != BM_ON) {
        status = bm__commit(s.tx, err);
    } else {
        bm__rollback(s.tx);
        err->fate = inside ? BM_FATE_IN_CALLERS_TRANSACTION : BM_FATE_ROLLED_BACK;
    }
    if (status != BM_OK) {
        result->inserted = result->updated = result->unchanged = result->deleted = 0;
        result->ignored = 0;
        free(result->outcomes);
        result->outcomes = NULL;
        result->n_outcomes = 0;
    }
    x->op.call.dropped = 0; /* counted by the upsert */
    return status;
}
