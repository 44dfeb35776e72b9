/*
 * The transport without I/O: a database that takes every statement, makes its answers up from what
 * the step expects, and records what it was asked (bm_memory_* in bulkmodel.h).
 *
 * Transactions are real, with PostgreSQL's rules: an error inside one leaves it good for a rollback
 * only, COMMIT of such a one is answered by a rollback.  Only steps that reach the database are
 * recorded and counted: a token or a deadline found before stops a step unseen.  A scripted answer
 * takes the place of the database's own, which comes when all bytes of a COPY are in.
 */
#include "cancel.h"
#include "memory_conn.h"
#include "memory_copy.h"

#include <stdlib.h>
#include <string.h>

/* A version that has all that PostgreSQL may be asked for. */
#define ENGINE_VERSION 150000

/* -------------------------------------------------------------------------------------- failures
 * */

static bm_stage stage_of(const bm__step *step)
{
    if (step->kind == BM__STEP_COMMIT) {
        return BM_STAGE_COMMIT;
    }
    bool reads = step->kind == BM__STEP_UNLOAD || step->expect == BM__EXPECT_ROWS;
    return reads ? BM_STAGE_READ : BM_STAGE_WRITE;
}

/* An error of the database: a transaction that is open is good for a rollback only. */
static bm_status refuse(bm__memory_conn *m, const bm__step *step, bm_status status,
                        const char *sqlstate, const char *why, bm_error *err)
{
    if (m->state == BM__CONN_IN_TRANSACTION) {
        m->state = BM__CONN_FAILED;
    }
    if (err->status == BM_OK) {
        bm__fail(err, status, stage_of(step), "%s (SQLSTATE %s)", why, sqlstate);
        bm__copy_text(err->sqlstate, sizeof err->sqlstate, sqlstate);
    }
    return status;
}

static void forget_savepoints(bm__memory_conn *m, size_t left)
{
    while (m->n_savepoints > left) {
        free(m->savepoints[--m->n_savepoints]);
    }
}

static void end_transaction(bm__memory_conn *m, bm__conn_state state)
{
    forget_savepoints(m, 0);
    m->state = state;
}

static bm_status lose(bm__memory_conn *m, const bm__step *step, const char *sqlstate, bm_error *err)
{
    bool commits = step->kind == BM__STEP_COMMIT || step->autocommit;
    end_transaction(m, BM__CONN_CLOSED);
    return refuse(m, step, commits ? BM_COMMIT_UNKNOWN : BM_CONNECTION,
                  sqlstate[0] != '\0' ? sqlstate : "08006",
                  commits ? "the connection was lost before the answer to a commit came"
                          : "the connection was lost",
                  err);
}

/* Token and deadline.  Neither stops what ends a transaction or a part of it, which never waits
 * here; but a COMMIT past its deadline is not begun. */
static bm_status check_limits(const bm__step *step, bm_error *err)
{
    bool commits = step->kind == BM__STEP_COMMIT;
    bool ends = step->kind == BM__STEP_RELEASE || step->kind == BM__STEP_ROLLBACK_TO ||
                step->kind == BM__STEP_ROLLBACK;
    if (!ends && !commits && bm__cancelled(step->cancel)) {
        return bm__fail(err, BM_CANCELLED, stage_of(step), "cancelled by the caller");
    }
    if (!ends && step->deadline_ns != 0 && bm__now_ns() >= step->deadline_ns) {
        return bm__fail(err, BM_TIMEOUT, stage_of(step), "the deadline has passed");
    }
    return BM_OK;
}

/* ---------------------------------------------------------------------------------- transactions
 * */

static bm_status begin(bm__memory_conn *m, const bm__step *step, bm_error *err)
{
    if (m->state != BM__CONN_IDLE) {
        return refuse(m, step, BM_DATABASE, "25001", "a transaction is open already", err);
    }
    m->state = BM__CONN_IN_TRANSACTION;
    return BM_OK;
}

static bm_status commit(bm__memory_conn *m, const bm__step *step, bm_error *err)
{
    if (m->state == BM__CONN_IDLE) {
        return refuse(m, step, BM_DATABASE, "25P01", "no transaction is open", err);
    }
    bool failed = m->state == BM__CONN_FAILED;
    end_transaction(m, BM__CONN_IDLE);
    if (failed) {
        return refuse(m, step, BM_DATABASE, "25P02", "COMMIT was answered by a rollback", err);
    }
    return BM_OK;
}

/* The name in "SAVEPOINT name" and its kin; NULL where there is none. */
static const char *savepoint_name(const bm__step *step)
{
    static const char *const forms[] = {"SAVEPOINT ", "RELEASE SAVEPOINT ", "RELEASE ",
                                        "ROLLBACK TO SAVEPOINT ", "ROLLBACK TO "};
    const char *sql = bm__memory_text(step);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t n = strlen(forms[i]);
        if (strncmp(sql, forms[i], n) == 0 && sql[n] != '\0') {
            return sql + n;
        }
    }
    return NULL;
}

static bm_status push_savepoint(bm__memory_conn *m, const char *name, bm_error *err)
{
    BM_TRY(bm__memory_one_more(&m->savepoints, m->n_savepoints, &m->savepoint_capacity, err));
    char *copy = strdup(name);
    if (copy == NULL) {
        return bm__no_memory(err);
    }
    m->savepoints[m->n_savepoints++] = copy;
    return BM_OK;
}

static bm_status savepoint(bm__memory_conn *m, const bm__step *step, bm_error *err)
{
    if (m->state == BM__CONN_IDLE) {
        return refuse(m, step, BM_DATABASE, "25P01", "a savepoint outside a transaction", err);
    }
    const char *name = savepoint_name(step);
    if (name == NULL) {
        return refuse(m, step, BM_DATABASE, "42601", "no savepoint is named", err);
    }
    if (step->kind == BM__STEP_SAVEPOINT) {
        return push_savepoint(m, name, err);
    }
    size_t n = m->n_savepoints;
    while (n > 0 && strcmp(m->savepoints[n - 1], name) != 0) {
        n--;
    }
    if (n == 0) {
        return refuse(m, step, BM_DATABASE, "3B001", "no such savepoint", err);
    }
    bool released = step->kind == BM__STEP_RELEASE;
    forget_savepoints(m, released ? n - 1 : n);
    m->state = BM__CONN_IN_TRANSACTION;
    return BM_OK;
}

/* ------------------------------------------------------------------------------------ statements
 * */

static bm__cell int8_cell(uint64_t value, uint8_t bytes[8])
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    }
    return (bm__cell){.kind = BM__CELL_BYTES, .data = bytes, .size = 8};
}

static bm_status push_row(bm__memory_conn *m, const bm__step *step, size_t ordinal, bm_error *err)
{
    static const uint8_t yes = 1;
    uint8_t first[8];
    uint8_t key[8];
    bm__cell cells[3];
    size_t n = 1;
    switch (step->expect) {
    case BM__EXPECT_KEYS:
        cells[0] = int8_cell(m->last_key + 1 + ordinal, key);
        break;
    case BM__EXPECT_ORD_KEYS:
        cells[0] = int8_cell(ordinal, first);
        cells[1] = (bm__cell){.kind = BM__CELL_BYTES, .data = &yes, .size = 1};
        cells[2] = int8_cell(m->last_key + 1 + ordinal, key);
        n = 3;
        break;
    case BM__EXPECT_ONE:
        cells[0] = int8_cell(0, first);
        break;
    default:
        cells[0] = int8_cell(ordinal, first);
        break;
    }
    return step->push(step->context, cells, n, err);
}

/* What the database would answer, and the rows that go with it, no more than `limit`: backwards, as
 * no server promises an order. */
static bm_status execute(bm__memory_conn *m, const bm__step *step, uint64_t limit,
                         bm__answer *answer, bm_error *err)
{
    if (step->expect == BM__EXPECT_COUNT) {
        answer->rows = step->n_rows;
        return BM_OK;
    }
    size_t n = step->n_rows;
    if (step->expect == BM__EXPECT_ROWS) {
        n = 0;
    } else if (step->expect == BM__EXPECT_ONE) {
        n = 1;
    }
    size_t rows = step->push == NULL ? 0 : n < limit ? n : (size_t)limit;
    for (size_t i = rows; i-- > 0;) {
        BM_TRY(push_row(m, step, i, err));
    }
    bool keys = step->expect == BM__EXPECT_KEYS || step->expect == BM__EXPECT_ORD_KEYS;
    m->last_key += keys ? rows : 0;
    answer->rows = n;
    return BM_OK;
}

static bm_status load(bm__memory_conn *m, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm__copy_shape shape = {0};
    for (;;) {
        const uint8_t *block = NULL;
        size_t size = 0;
        BM_TRY(check_limits(step, err));
        BM_TRY(step->pull(step->context, &block, &size, err));
        if (size == 0) {
            break;
        }
        bm__copy_shape_read(&shape, block, size);
    }
    const char *fault = bm__copy_shape_end(&shape);
    if (fault != NULL) {
        return refuse(m, step, BM_DATABASE, "22P04", fault, err);
    }
    answer->rows = shape.tuples;
    return BM_OK;
}

/* A binary COPY of no rows. */
static bm_status unload(const bm__step *step, bm_error *err)
{
    return step->take(step->context, bm__copy_empty, sizeof bm__copy_empty, err);
}

/* EXEC, LOAD, UNLOAD.  `instead` does not fail. */
static bm_status run(bm__memory_conn *m, const bm__step *step, const bm__scripted *instead,
                     bm__answer *answer, bm_error *err)
{
    bool counts = instead != NULL && instead->rows >= 0;
    uint64_t limit = counts ? (uint64_t)instead->rows : UINT64_MAX;
    bm_status status = BM_OK;
    if (step->kind == BM__STEP_LOAD) {
        status = load(m, step, answer, err);
    } else if (step->kind == BM__STEP_UNLOAD) {
        status = unload(step, err);
    } else {
        status = execute(m, step, limit, answer, err);
    }
    if (status != BM_OK && m->state == BM__CONN_IN_TRANSACTION) {
        m->state = BM__CONN_FAILED; /* the statement was broken off */
    }
    if (status == BM_OK && counts) {
        answer->rows = limit;
    }
    return status;
}

/* --------------------------------------------------------------------------------------- perform
 * */

static bool fails(const bm__scripted *instead)
{
    return instead != NULL && (instead->disconnect || instead->sqlstate[0] != '\0');
}

static bm_status fail_scripted(bm__memory_conn *m, const bm__step *step,
                               const bm__scripted *instead, bm_error *err)
{
    bm_status status =
        instead->disconnect ? BM_CONNECTION : bm__status_of_sqlstate(instead->sqlstate);
    if (status == BM_CONNECTION) {
        return lose(m, step, instead->sqlstate, err);
    }
    if (step->kind == BM__STEP_COMMIT) {
        end_transaction(m, BM__CONN_IDLE);
    }
    return refuse(m, step, status, instead->sqlstate, "a scripted failure", err);
}

static bm_status dispatch(bm__memory_conn *m, const bm__step *step, const bm__scripted *instead,
                          bm__answer *answer, bm_error *err)
{
    switch (step->kind) {
    case BM__STEP_BEGIN:
        return begin(m, step, err);
    case BM__STEP_SAVEPOINT:
    case BM__STEP_RELEASE:
    case BM__STEP_ROLLBACK_TO:
        return savepoint(m, step, err);
    case BM__STEP_EXEC:
    case BM__STEP_LOAD:
    case BM__STEP_UNLOAD:
        return run(m, step, instead, answer, err);
    case BM__STEP_COMMIT:
        return commit(m, step, err);
    case BM__STEP_ROLLBACK:
        end_transaction(m, BM__CONN_IDLE); /* without a transaction a warning, in PostgreSQL */
        return BM_OK;
    case BM__STEP_READY:
    case BM__STEP_DESCRIBE:
        break;
    }
    return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "unknown step %d", (int)step->kind);
}

static bm_status answer_step(bm__memory_conn *m, const bm__step *step, const bm__scripted *instead,
                             bm__answer *answer, bm_error *err)
{
    bool ends = step->kind == BM__STEP_COMMIT || step->kind == BM__STEP_ROLLBACK ||
                step->kind == BM__STEP_ROLLBACK_TO;
    bool lost = instead != NULL && instead->disconnect;
    if (m->state == BM__CONN_FAILED && !ends && !lost) {
        return refuse(m, step, BM_DATABASE, "25P02",
                      "the transaction has failed and can only be rolled back", err);
    }
    if (!fails(instead)) {
        return dispatch(m, step, instead, answer, err);
    }
    if (step->kind == BM__STEP_LOAD && m->state != BM__CONN_FAILED) {
        BM_TRY(run(m, step, NULL, answer, err));
        answer->rows = 0;
    }
    return fail_scripted(m, step, instead, err);
}

static bm_status memory_perform(bm__conn *conn, const bm__step *step, bm__answer *answer,
                                bm_error *err)
{
    bm__memory_conn *m = (bm__memory_conn *)conn;
    answer->rows = 0;
    answer->sent = false;
    answer->row = BM_NO_ROW;
    answer->context[0] = '\0';
    answer->routine[0] = '\0';
    if (m->state == BM__CONN_CLOSED) {
        return refuse(m, step, BM_CONNECTION, "08003", "the connection is closed", err);
    }
    BM_TRY(check_limits(step, err));
    if (step->kind == BM__STEP_READY) {
        return BM_OK;
    }
    bm_status recorded = bm__memory_record(m, step, err);
    if (recorded != BM_OK) {
        if (step->kind == BM__STEP_ROLLBACK) {
            end_transaction(m, BM__CONN_CLOSED); /* no connection is left in between */
        }
        return recorded;
    }
    answer->sent = true;
    bm__scripted instead;
    bool is_scripted = bm__memory_take_scripted(m, &instead);
    return answer_step(m, step, is_scripted ? &instead : NULL, answer, err);
}

static bm__conn_state memory_state(bm__conn *conn, bool look)
{
    (void)look;
    return ((const bm__memory_conn *)conn)->state;
}

/* -------------------------------------------------------------------------------- open and close
 * */

static bm_status memory_open(const char *url, const bm_open_options *options,
                             const bm__step *limits, bm__conn **out, bm_error *err)
{
    (void)options;
    (void)limits;
    *out = NULL;
    if (strcmp(url, "memory:") != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT, "not \"memory:\"");
    }
    bm__memory_conn *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return bm__no_memory(err);
    }
    m->base.transport = &bm__transport_memory;
    m->base.engine = &bm__engine_memory;
    m->base.server.version = ENGINE_VERSION;
    m->state = BM__CONN_IDLE;
    *out = &m->base;
    return BM_OK;
}

static void memory_close(bm__conn *conn)
{
    bm__memory_conn *m = (bm__memory_conn *)conn;
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->n_record; i++) {
        free(m->record[i]);
    }
    forget_savepoints(m, 0);
    free(m->record);
    free(m->savepoints);
    free(m->script);
    free(m);
}

/* Its record. */
static bool keeps(const char *url)
{
    (void)url;
    return true;
}

const bm__transport bm__transport_memory = {
    .keeps = keeps,
    .outlives = true,
    .engine = &bm__engine_memory,
    .open = memory_open,
    .perform = memory_perform,
    .state = memory_state,
    .close = memory_close,
};
