#include "job_parts.h"
#include "stream.h"

#include "savepoint.h"

#include <stdlib.h>
#include <string.h>

bm_status bm__job_begin(bm__job *job, bm__call *call, bm__job_mode mode, bm_error *err)
{
    const bm__plan *plan = call->plan;
    size_t n = plan->n_columns > plan->n_read_columns ? plan->n_columns : plan->n_read_columns;
    *job = (bm__job){.call = call, .plan = plan, .mode = mode, .error = BM_ERROR};
    job->slots = calloc(plan->n_columns + 1, sizeof *job->slots);
    job->views = calloc(plan->n_columns + 1, sizeof *job->views);
    job->read_views = calloc(plan->n_read_columns + 1, sizeof *job->read_views);
    job->params = calloc(n + 1, sizeof *job->params);
    job->values = calloc(n + 1, sizeof *job->values);
    job->arrays = calloc(n + 1, sizeof *job->arrays);
    job->n_values = job->values != NULL ? n + 1 : 0;
    if (job->slots == NULL || job->views == NULL || job->read_views == NULL ||
        job->params == NULL || job->values == NULL || job->arrays == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < plan->n_columns; i++) {
        job->slots[i] = plan->columns[i].slot;
    }
    job->table_name = plan->table->name;
    job->table_view = (bm__view){.name = "name",
                                 .cells = {.type = BM_TEXT,
                                           .layout = BM_CSTR,
                                           .width = sizeof(char *),
                                           .data = &job->table_name},
                                 .state_offset = BM_NO_STATE};
    job->table_batch = (bm__batch){.views = &job->table_view, .n_views = 1, .n_rows = 1};
    job->copy.n_fields = plan->n_outputs;
    return BM_OK;
}

void bm__job_free(bm__job *job)
{
    free(job->slots);
    free(job->views);
    free(job->read_views);
    free(job->params);
    for (size_t i = 0; i < job->n_values; i++) {
        bm__buffer_free(&job->values[i]);
    }
    free(job->values);
    free(job->arrays);
    free(job->seen);
    free(job->ranges);
    free(job->rows);
    bm__buffer_free(&job->block);
    bm__buffer_free(&job->room);
    bm__copy_reader_free(&job->copy);
    bm__arena_free(&job->arena);
}

const bm_error *bm__job_error(const bm__job *job)
{
    return &job->error;
}

/* Neighbours are one range. */
static bm_status add_range(bm__job *job, size_t row, size_t n, bm_error *err)
{
    size_t *last = job->n_ranges > 0 ? &job->ranges[2 * job->n_ranges - 2] : NULL;
    if (last != NULL && last[0] + last[1] == row) {
        last[1] += n;
        return BM_OK;
    }
    if (job->n_ranges == job->ranges_capacity) {
        size_t capacity = job->ranges_capacity == 0 ? 16 : 2 * job->ranges_capacity;
        size_t *ranges = realloc(job->ranges, capacity * 2 * sizeof *ranges);
        if (ranges == NULL) {
            return bm__no_memory(err);
        }
        job->ranges = ranges;
        job->ranges_capacity = capacity;
    }
    job->ranges[2 * job->n_ranges] = row;
    job->ranges[2 * job->n_ranges + 1] = n;
    job->n_ranges++;
    return BM_OK;
}

/* Remember which of the caller's rows this job writes; of a stream, in constant memory: those of
 * the chunk, whatever their order. */
static bm_status add_ranges(bm__job *job, bm_error *err)
{
    const bm__call *call = job->call;
    if (call->several && call->source != NULL) {
        return add_range(job, call->base, call->pulled, err);
    }
    for (size_t i = 0; call->several && i < job->n; i++) {
        BM_TRY(add_range(job, bm__call_row(call, &job->batch, i), 1, err));
    }
    return BM_OK;
}

static bm_status reset_seen(bm__job *job, bm_error *err)
{
    if (job->seen_capacity < job->n) {
        uint8_t *seen = realloc(job->seen, job->n);
        if (seen == NULL) {
            return bm__no_memory(err);
        }
        job->seen = seen;
        job->seen_capacity = job->n;
    }
    if (job->n > 0) {
        memset(job->seen, 0, job->n);
    }
    job->n_keys = 0;
    job->watched = false;
    job->encoded = job->collected = 0;
    job->ended = false;
    return BM_OK;
}

static void view_chunk(bm__job *job)
{
    const bm__call *call = job->call;
    bm__call_views(call, job->plan->columns, job->plan->n_columns, job->views);
    bm__call_views(call, job->plan->read_columns, job->plan->n_read_columns, job->read_views);
    bm__batch all = {.n_rows = call->n_rows, .pick = call->pick};
    job->batch = bm__batch_slice(&all, job->from, job->n);
    job->read_batch = job->batch;
    job->batch.views = job->views;
    job->batch.n_views = job->plan->n_columns;
    job->read_batch.views = job->read_views;
    job->read_batch.n_views = job->plan->n_read_columns;
}

bm_status bm__job_take(bm__job *job, size_t from, size_t n, bm_error *err)
{
    job->from = from;
    job->n = n;
    view_chunk(job);
    BM_TRY(reset_seen(job, err));
    return bm__begin_keys(job, err);
}

/* Take the next chunk; the phase is then its first statement, or what follows the last chunk. */
static bm_status claim(bm__job *job, bm_error *err)
{
    bm__call *call = job->call;
    size_t from = 0;
    size_t n = 0;
    if (call->source != NULL) {
        BM_TRY(bm__stream_pull(call, &n, err));
        job->ignored += call->dropped;
    } else {
        bm__call_claim(call, &from, &n);
    }
    job->n = n;
    if (n == 0) {
        job->phase = BM__PHASE_CLEANED;
        return BM_OK;
    }
    BM_TRY(bm__job_take(job, from, n, err));
    if (call->source != NULL) {
        BM_TRY(bm__call_check(call, &job->batch, err));
        view_chunk(job); /* with the sizes that the check measured */
    }
    BM_TRY(add_ranges(job, err));
    job->place = bm_queryset_count(call->made);
    job->place_row = 0;
    job->phase = BM__PHASE_RESERVE;
    return BM_OK;
}

static bm_status statement_step(bm__job *job, const bm__statement *statement, bm__step *step,
                                bm_error *err)
{
    bool reads = statement == &job->plan->read;
    BM_TRY(bm__encode_statement(job, statement,
                                reads ? job->plan->read_columns : job->plan->columns,
                                reads ? &job->read_batch : &job->batch, step, err));
    if (reads) {
        bm__read_rows(job, step);
    } else {
        bm__expect_rows(job, statement, step);
    }
    if (job->looks_up && job->phase == BM__PHASE_WRITE) {
        step->sql = job->plan->looked_up;
    }
    step->autocommit = job->mode == BM__JOB_AUTOCOMMIT && job->phase == BM__PHASE_WRITE;
    return BM_OK;
}

static void simple_step(bm__step *step, bm__step_kind kind, const char *sql)
{
    step->kind = kind;
    step->sql = sql;
}

/* What is set for the caller's transaction ends with it, and so do hints after a failure. */
static const bm__statement *hint_of(const bm__job *job, const bm__statement *statement)
{
    bool callers = job->mode == BM__JOB_SAVEPOINT || job->mode == BM__JOB_GUEST;
    return callers ? statement : NULL;
}

/* A driver that has begun the transaction looks itself. */
static bool may_be_last_key(const bm__job *job)
{
    return job->error.status == BM_LIMIT && job->mode != BM__JOB_GUEST && !job->lost && !job->stuck;
}

/* In the caller's transaction it is the caller who commits. */
static bool settles(const bm__job *job)
{
    return job->mode == BM__JOB_OWN && (job->call->several || job->call->dry_run);
}

/* The statement of a phase; NULL where the phase has none. */
static const bm__statement *statement_of(const bm__job *job)
{
    const bm__plan *plan = job->plan;
    const bm__statement *statement = NULL;
    switch (job->phase) {
    case BM__PHASE_JOIN:
        statement = &plan->join;
        break;
    case BM__PHASE_SETUP:
        statement = job->mode == BM__JOB_OWN ? &plan->setup : hint_of(job, &plan->hint);
        break;
    case BM__PHASE_BEFORE:
        statement = &plan->before;
        break;
    case BM__PHASE_RESERVE:
        statement = &plan->reserve;
        break;
    case BM__PHASE_CLEAN:
    case BM__PHASE_CLEANED:
        statement = &plan->clean;
        break;
    case BM__PHASE_STAGE:
        statement = &plan->stage;
        break;
    case BM__PHASE_WRITE:
        statement = &plan->write;
        break;
    case BM__PHASE_AFTER:
        statement = bm__looks_after(job) ? &plan->after : NULL;
        break;
    case BM__PHASE_READ:
        statement = &plan->read;
        break;
    case BM__PHASE_UNHINT:
        statement = hint_of(job, &plan->unhint);
        break;
    case BM__PHASE_CHECK:
        statement = job->call->probes ? &plan->settle : NULL;
        break;
    case BM__PHASE_SETTLE:
        statement = settles(job) ? &plan->settle : NULL;
        break;
    case BM__PHASE_HIGHEST:
        statement = may_be_last_key(job) ? &plan->highest : NULL;
        break;
    case BM__PHASE_VERIFY:
        statement = job->inserted + job->updated + job->read > 0 ? &plan->verify : NULL;
        break;
    default:
        break;
    }
    return statement != NULL && statement->sql != NULL ? statement : NULL;
}

/* The step's statement is followed by one that gives the transaction's id. */
static void tell(bm__step *step, const char *sql, bm__xact *xact)
{
    step->sql = sql;
    step->push = bm__xact_push;
    step->context = xact;
}

static bool begin_step(bm__job *job, bm__step *step)
{
    if (job->mode == BM__JOB_AUTOCOMMIT || job->mode == BM__JOB_GUEST) {
        return false;
    }
    if (job->mode == BM__JOB_SAVEPOINT) {
        simple_step(step, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_CALL);
    } else {
        simple_step(step, BM__STEP_BEGIN, NULL);
        if (bm__call_whole(job->call)->tells_commit) {
            tell(step, job->plan->engine->commits->after_begin, &job->xact);
        }
    }
    return true;
}

static bool commit_step(bm__job *job, bm__step *step)
{
    if (!job->begun) {
        return false;
    }
    bool undo = bm__job_takes_back(job);
    if (job->mode == BM__JOB_SAVEPOINT) {
        simple_step(step, undo ? BM__STEP_ROLLBACK_TO : BM__STEP_RELEASE,
                    undo ? BM__SQL_ROLLBACK_TO_CALL : BM__SQL_RELEASE_CALL);
        if (!undo && job->call->outer != NULL && job->call->outer->id == 0) {
            tell(step, job->plan->engine->commits->release_call, job->call->outer);
        }
    } else {
        simple_step(step, undo ? BM__STEP_ROLLBACK : BM__STEP_COMMIT, NULL);
    }
    return true;
}

static bool undo_step(bm__job *job, bm__step *step)
{
    if (!job->begun || job->lost) {
        return false;
    }
    if (job->mode != BM__JOB_SAVEPOINT) {
        simple_step(step, BM__STEP_ROLLBACK, NULL);
    } else if (job->phase == BM__PHASE_UNDO) {
        simple_step(step, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_CALL);
    } else {
        simple_step(step, BM__STEP_RELEASE, BM__SQL_RELEASE_CALL);
    }
    return job->mode == BM__JOB_SAVEPOINT || job->phase == BM__PHASE_UNDO;
}

/* Was this call's work undone inside a transaction that goes on?  A guest's is the driver's. */
static bool in_callers_transaction(const bm__job *job)
{
    bool undone = job->mode == BM__JOB_SAVEPOINT && job->begun && !job->stuck;
    return (undone || job->mode == BM__JOB_GUEST) && !job->lost;
}

/* The outcome of a failure is known when all is rolled back. */
static void settle_fate(bm__job *job)
{
    bm_error *error = &job->error;
    if (error->status == BM_COMMIT_UNKNOWN) {
        error->fate = BM_FATE_UNKNOWN;
    } else if (job->committed) {
        error->fate = BM_FATE_COMMITTED;
    } else if (!job->sent) {
        error->fate = BM_FATE_NOT_STARTED;
    } else if (in_callers_transaction(job)) {
        error->fate = BM_FATE_IN_CALLERS_TRANSACTION;
    } else {
        error->fate = BM_FATE_ROLLED_BACK;
    }
}

/* A step for this phase?  Otherwise the phase is over, and the next one is set. */
static bm_status step_of_phase(bm__job *job, bm__step *step, bool *out, bm_error *err)
{
    const bm__statement *statement = statement_of(job);
    *out = false;
    switch (job->phase) {
    case BM__PHASE_CLAIM:
        return claim(job, err);
    case BM__PHASE_BEGIN:
        *out = begin_step(job, step);
        break;
    case BM__PHASE_READY:
        *out = job->call->several && job->begun;
        simple_step(step, BM__STEP_READY, NULL);
        break;
    case BM__PHASE_COMMIT:
        *out = commit_step(job, step);
        break;
    case BM__PHASE_RELEASE:
    case BM__PHASE_UNDO:
    case BM__PHASE_UNDO_POINT:
        *out = undo_step(job, step);
        break;
    default:
        if (statement != NULL) {
            *out = true;
            BM_TRY(statement_step(job, statement, step, err));
        }
        break;
    }
    if (!*out && job->phase != BM__PHASE_DONE && job->phase != BM__PHASE_FAILED) {
        job->phase = job->phase == BM__PHASE_CHECK ? BM__PHASE_CLAIM : job->phase + 1;
    }
    return BM_OK;
}

static void fail(bm__job *job, const bm_error *err)
{
    if (job->error.status == BM_OK) {
        job->error = *err;
    }
    job->phase = BM__PHASE_UNDO;
}

/* What undoes is not stopped by a token. */
static const bm_cancel *token_of(const bm__job *job)
{
    return job->phase < BM__PHASE_UNDO ? bm__call_whole(job->call)->cancel : NULL;
}

bm__job_state bm__job_next(bm__job *job, bm__step *step)
{
    for (;;) {
        bm_error err = BM_ERROR;
        bool found;
        *step = (bm__step){.context = job, .cancel = token_of(job)};
        bm_status status = step_of_phase(job, step, &found, &err);
        if (status != BM_OK) {
            fail(job, &err);
        } else if (found) {
            return BM__JOB_STEP;
        } else if (job->phase == BM__PHASE_DONE) {
            return BM__JOB_DONE;
        } else if (job->phase == BM__PHASE_FAILED) {
            settle_fate(job);
            return BM__JOB_FAILED;
        }
    }
}

static bm_status verified(bm__job *job, bm_error *err)
{
    if (!job->same_table) {
        return bm__fail(err, BM_RETRY, BM_STAGE_CATALOG,
                        "table \"%s\" was changed while its rows were written or read",
                        job->plan->model->table);
    }
    return BM_OK;
}

/* A step succeeded: what it means, and the phase behind it. */
static bm_status succeeded(bm__job *job, const bm__answer *answer, bm_error *err)
{
    bm__phase phase = job->phase;
    uint64_t rows;
    job->phase = phase == BM__PHASE_CHECK ? BM__PHASE_CLAIM : phase + 1;
    switch (phase) {
    case BM__PHASE_BEGIN:
        job->begun = true;
        return BM_OK;
    case BM__PHASE_RESERVE:
        return bm__reserved(job, err);
    case BM__PHASE_WRITE:
        job->committed = job->mode == BM__JOB_AUTOCOMMIT;
        rows = job->wrote = job->plan->uncounted ? job->n : answer->rows;
        return bm__looks_after(job) ? bm__count(job, rows, err) : bm__written(job, rows, err);
    case BM__PHASE_AFTER:
        return bm__written(job, job->n, err);
    case BM__PHASE_READ:
        return bm__read_end(job, err);
    case BM__PHASE_HIGHEST:
        bm__used_up_highest(job);
        return BM_OK;
    case BM__PHASE_VERIFY:
        return verified(job, err);
    case BM__PHASE_COMMIT: /* a savepoint that is rolled back to is still there */
    case BM__PHASE_RELEASE:
        job->begun =
            phase == BM__PHASE_COMMIT && job->mode == BM__JOB_SAVEPOINT && bm__job_takes_back(job);
        return BM_OK;
    default:
        return BM_OK;
    }
}

/*
 * May a row be at fault?  Not for a privilege, a lock, a timeout, or a table that cannot be
 * written, though there is one row only, or the server was at one.  SQLSTATEs: appendix A of
 * PostgreSQL's documentation.
 */
static bool may_be_of_a_row(const bm__answer *answer, const bm_error *err)
{
    static const char *const others[] = {"08", "0A", "25", "28", "40", "42",
                                         "53", "55", "57", "58", "XX"};
    switch (err->status) {
    case BM_CONSTRAINT:
    case BM_CONVERT:
        return true;
    case BM_LIMIT:
        return strncmp(err->sqlstate, "54", 2) == 0 || answer->row != BM_NO_ROW;
    case BM_AUTH: /* row-level security judges rows */
        return strcmp(answer->routine, "ExecWithCheckOptions") == 0;
    case BM_DATABASE: /* a trigger says what it likes */
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            if (strncmp(err->sqlstate, others[i], 2) == 0) {
                return false;
            }
        }
        return err->sqlstate[0] != '\0';
    default:
        return false;
    }
}

/* Are the rows of the chunk on their way? */
static bool writes(const bm__job *job)
{
    return job->phase == BM__PHASE_STAGE || job->phase == BM__PHASE_WRITE;
}

/* The row and the column of an error, in the caller's terms. */
static void locate(bm__job *job, const bm__answer *answer, bm_error *err)
{
    if (!may_be_of_a_row(answer, err)) {
        return;
    }
    size_t row = answer->row;
    bool write = writes(job);
    if (write && job->plan->write.kind == BM__STEP_LOAD && answer->context[0] != '\0') {
        char column[sizeof err->column] = "";
        row = job->plan->engine->format->copy_context(answer->context, job->plan->table->name,
                                                      column, sizeof column);
        if (err->column[0] == '\0') {
            memcpy(err->column, column, sizeof column);
        }
    }
    if (err->row == BM_NO_ROW && write && row < job->n) {
        err->row = bm__call_row(job->call, &job->batch, row);
    }
    if (err->row == BM_NO_ROW && write && job->n == 1) {
        err->row = bm__call_row(job->call, &job->batch, 0);
    }
}

/* The rows that a search would look at.  A deferred constraint may be about any. */
static bm__suspects suspects_of(const bm__job *job, const bm__answer *answer, const bm_error *err)
{
    bool refused = err->status == BM_CONSTRAINT || err->status == BM_CONVERT ||
                   (err->status == BM_AUTH && may_be_of_a_row(answer, err));
    bool after = job->phase == BM__PHASE_SETTLE ||
                 (job->phase == BM__PHASE_COMMIT && job->mode != BM__JOB_SAVEPOINT);
    if (!refused || err->row != BM_NO_ROW || job->lost || job->plan->whole_table) {
        return (bm__suspects){0};
    }
    if (after) {
        return (bm__suspects){.n = job->call->source == NULL ? job->call->n_rows : 0,
                              .deferred = true,
                              .immediate = true};
    }
    bool chunk = writes(job) || job->phase == BM__PHASE_CHECK;
    return (bm__suspects){.from = job->from,
                          .n = chunk ? job->n : 0,
                          .deferred = job->call->probes,
                          .immediate = job->mode == BM__JOB_AUTOCOMMIT || job->call->probes};
}

static void failed(bm__job *job, const bm__answer *answer, bm_error *err)
{
    if (job->phase == BM__PHASE_HIGHEST) {
        job->phase++;
        return;
    }
    if (job->phase >= BM__PHASE_UNDO) { /* a rollback that fails leaves a connection to close */
        job->stuck = true;
        job->phase = BM__PHASE_FAILED;
        return;
    }
    if (!bm__used_up(job, answer, err)) {
        locate(job, answer, err);
        job->suspects = suspects_of(job, answer, err);
    }
    /* BEGIN itself may have gone well; so may a SAVEPOINT whose time was over, but not one that the
     * server refused. */
    bool late = err->status == BM_TIMEOUT || err->status == BM_CANCELLED;
    if (job->phase == BM__PHASE_BEGIN && answer->sent) {
        job->begun = job->mode == BM__JOB_OWN || (job->mode == BM__JOB_SAVEPOINT && late);
    }
    if (job->phase == BM__PHASE_COMMIT && job->mode != BM__JOB_SAVEPOINT) {
        err->stage = BM_STAGE_COMMIT;
        job->begun = !job->lost;
    }
    fail(job, err);
}

void bm__job_answer(bm__job *job, bm_status status, const bm__answer *answer, bm_error *err,
                    bool connected)
{
    job->sent = job->sent || answer->sent;
    job->lost = job->lost || !connected;
    job->statements++;
    if (status == BM_OK) {
        status = succeeded(job, answer, err);
        if (status != BM_OK) {
            fail(job, err);
        }
        return;
    }
    bm__job_of_shard(job, err);
    failed(job, answer, err);
}

void bm__job_abort(bm__job *job, const bm_error *reason)
{
    if (job->phase < BM__PHASE_DONE) {
        fail(job, reason);
    }
}
