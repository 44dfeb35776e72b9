#include "libpq_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bm_status sent_or_lost(bm__libpq *conn, int sent, bm__answer *answer, bm_error *err)
{
    if (sent == 0) {
        bm_status status = bm__libpq_fail(conn, NULL, BM_STAGE_WRITE, NULL, err);
        if (bm__libpq_is_closed(conn)) {
            bm__libpq_give_up(conn);
        }
        return status;
    }
    answer->sent = true;
    return BM_OK;
}

static bm_status send_params(bm__libpq *conn, const bm__step *step, bm__answer *answer,
                             bm_error *err)
{
    size_t n = step->n_params;
    struct columns {
        Oid oid;
        const char *value;
        int size;
        int format;
    };
    if (n > 65535) {
        return bm__fail(err, BM_LIMIT, BM_STAGE_WRITE, "more than 65,535 parameters");
    }
    size_t bytes = sizeof(Oid) + sizeof(char *) + 2 * sizeof(int);
    char *block = calloc(n + 1, bytes);
    if (block == NULL) {
        return bm__no_memory(err);
    }
    const char **values = (const char **)(void *)block;
    Oid *oids = (Oid *)(void *)(block + (n + 1) * sizeof *values);
    int *sizes = (int *)(void *)(oids + n + 1);
    int *formats = sizes + n + 1;
    bm_status status = BM_OK;
    for (size_t i = 0; status == BM_OK && i < n; i++) {
        const bm__param *param = &step->params[i];
        if (param->size > INT32_MAX) {
            status = bm__fail(err, BM_LIMIT, BM_STAGE_WRITE, "a parameter over 2 GB");
        }
        values[i] = param->data;
        oids[i] = param->oid;
        sizes[i] = (int)param->size;
        formats[i] = 1;
    }
    if (status == BM_OK) {
        int sent = PQsendQueryParams(conn->pg, step->sql, (int)n, oids, values, sizes, formats, 1);
        status = sent_or_lost(conn, sent, answer, err);
    }
    free(block);
    return status;
}

/* The statement that sets the step's lock_timeout for its transaction. */
static const char *lock_setting(const bm__step *step, const char *before, char *out, size_t size)
{
    long long ms = step->lock_timeout_ms > 0 ? (long long)step->lock_timeout_ms : 0;
    ms = ms > INT32_MAX ? INT32_MAX : ms; /* the setting's largest value */
    snprintf(out, size, "%sSELECT pg_catalog.set_config('lock_timeout', '%lld', true)%s", before,
             ms,
             step->lock_unless_set ? " WHERE pg_catalog.current_setting('lock_timeout') "
                                     "OPERATOR(pg_catalog.=) '0'"
                                   : "");
    return out;
}

/* A setting and a statement that is its own commit: one transaction, and one turn of the network.
 * libpq_wait.c reads what comes back. */
static bm_status send_ahead(bm__libpq *conn, const bm__step *step, bm__answer *answer,
                            bm_error *err)
{
    char setting[256];
    PGconn *pg = conn->pg;
    lock_setting(step, "", setting, sizeof setting);
    int sent = PQenterPipelineMode(pg) != 0 &&
               PQsendQueryParams(pg, setting, 0, NULL, NULL, NULL, NULL, 0) != 0;
    conn->piped = true;
    bm_status status = sent_or_lost(conn, sent, answer, err);
    if (status == BM_OK) {
        status = send_params(conn, step, answer, err);
    }
    if (status == BM_OK) {
        status = sent_or_lost(conn, PQpipelineSync(pg), answer, err);
    }
    if (status != BM_OK) { /* half a pipeline: nothing of it is carried out without its sync */
        bm__libpq_give_up(conn);
    }
    return status;
}

/* Has the server closed the connection while nobody looked?  What it said before comes first, and
 * libpq takes it for a notice. */
static bool peer_closed(bm__libpq *conn)
{
    struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};
    bool closed = fd.fd < 0;
    for (int i = 0; !closed && i < 16 && poll(&fd, 1, 0) > 0; i++) {
        closed = PQconsumeInput(conn->pg) == 0;
        (void)PQisBusy(conn->pg);
    }
    return closed || bm__libpq_is_closed(conn);
}

/* A statement that is its own commit is not in doubt where the server was gone before. */
static bm_status exec(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    if (step->autocommit && peer_closed(conn)) {
        bm__libpq_give_up(conn);
        return bm__fail(err, BM_CONNECTION, BM_STAGE_WRITE,
                        "the server had closed the connection before the statement was sent");
    }
    bool sets = step->autocommit && step->lock_timeout_ms != 0;
    bool alone = !conn->base.borrowed && PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
    if (alone && step->lock_unless_set && step->lock_timeout_ms > 0) {
        conn->look_ms = step->lock_timeout_ms;
        conn->look_ns = bm__after_ms(conn->look_ms);
        conn->waits_for_lock = bm__libpq_waits_for_lock;
        sets = false;
    }
    if (sets) {
        BM_TRY(send_ahead(conn, step, answer, err));
    } else if (step->n_params > 0 || step->push != NULL) {
        BM_TRY(send_params(conn, step, answer, err));
    } else {
        BM_TRY(sent_or_lost(conn, PQsendQuery(conn->pg, step->sql), answer, err));
    }
    if (step->push != NULL && step->expect == BM__EXPECT_ROWS && !conn->piped) {
        (void)PQsetSingleRowMode(conn->pg);
    }
    return bm__libpq_drain(conn, step, answer, err);
}

/* Parsed, described and not carried out.  A statement without a name ends with the next one.  In
 * one pipeline, because a pooler may give the next exchange to another server. */
static bm_status describe(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    PGconn *pg = conn->pg;
    int sent = PQenterPipelineMode(pg) != 0 && PQsendPrepare(pg, "", step->sql, 0, NULL) != 0 &&
               PQsendDescribePrepared(pg, "") != 0 && PQpipelineSync(pg) != 0;
    bm_status status = sent_or_lost(conn, sent, answer, err);
    if (status != BM_OK) {
        bm__libpq_give_up(conn);
        return status;
    }
    status = bm__libpq_drain(conn, step, answer, err);
    if (status != BM_OK && strcmp(answer->routine, "exec_parse_message") == 0 &&
        strcmp(err->sqlstate, "42601") == 0) { /* its only syntax error */
        bm__error_reset(err);
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, BM__SEVERAL_STATEMENTS);
    }
    return status;
}

static bm_status simple(bm__libpq *conn, const bm__step *step, const char *sql, bm__answer *answer,
                        bm_error *err)
{
    BM_TRY(sent_or_lost(conn, PQsendQuery(conn->pg, sql), answer, err));
    return bm__libpq_drain(conn, step, answer, err);
}

/* A COPY begins once it has its locks.  Those of a LOAD are bounded by its transaction's
 * lock_timeout, which is to be the one that speaks. */
static bm__step until_it_begins(const bm__step *step)
{
    bm__step begin = *step;
    int64_t lock = step->lock_timeout_ms;
    int64_t more = step->kind == BM__STEP_LOAD ? 10000 : 0;
    begin.stall_ms = 0;
    if (lock > 0 && lock < INT64_MAX - more) {
        bm__step_within(&begin, "the lock timeout", lock + more);
    } else {
        bm__step_within(&begin, "the statement timeout", step->answer_ms);
    }
    return begin;
}

/* LOAD and UNLOAD: the statement, which must begin a COPY of the kind that was asked for. */
static bm_status copy(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    PGresult *result;
    const bm__step begin = until_it_begins(step);
    BM_TRY(sent_or_lost(conn, PQsendQuery(conn->pg, step->sql), answer, err));
    bm_status status = bm__libpq_result(conn, &begin, &result, err);
    if (status != BM_OK) {
        bm__libpq_settle(conn, step, status != BM_CONNECTION);
        return status;
    }
    ExecStatusType got = PQresultStatus(result);
    ExecStatusType wanted = step->kind == BM__STEP_LOAD ? PGRES_COPY_IN : PGRES_COPY_OUT;
    if (got != wanted) {
        status = bm__libpq_take(conn, result, step, answer, err);
        if (status == BM_OK) {
            status = bm__fail(err, BM_INVALID, BM_STAGE_WRITE, "the statement is not a COPY");
        }
    }
    PQclear(result);
    if (status != BM_OK) {
        bm__libpq_settle(conn, step, got == PGRES_COPY_OUT);
        return status;
    }
    return step->kind == BM__STEP_LOAD ? bm__libpq_load(conn, step, answer, err)
                                       : bm__libpq_unload(conn, step, answer, err);
}

/*
 * Done only when the tag is COMMIT: that of a failed transaction is ROLLBACK, without an error.  A
 * peer that is gone before COMMIT is handed over has rolled back.
 */
static bm_status commit(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm__step plain = *step;
    plain.cancel = NULL;
    plain.push = NULL;
    if (peer_closed(conn)) {
        bm__libpq_give_up(conn);
        return bm__fail(err, BM_CONNECTION, BM_STAGE_COMMIT,
                        "the connection was lost before COMMIT was sent");
    }
    return simple(conn, &plain, "COMMIT", answer, err);
}

#define TAKE_BACK_MS INT64_C(5000)

/* A BEGIN that timed out may still have begun a transaction.  On a borrowed connection the caller's
 * next statements would be part of it. */
static void take_back(bm__libpq *conn, const bm__step *step)
{
    bm__answer answer;
    bm_error ignored = BM_ERROR;
    bm__step undo = {.kind = BM__STEP_ROLLBACK};
    if (conn->given_up || PQtransactionStatus(conn->pg) == PQTRANS_IDLE) {
        return;
    }
    bm__step_until(&undo, NULL, 0, bm__step_moved(step, step->end_ns));
    bm__step_within(&undo, NULL, TAKE_BACK_MS);
    undo.end_ns = undo.deadline_ns;
    if (simple(conn, &undo, "ROLLBACK", &answer, &ignored) != BM_OK) {
        bm__libpq_give_up(conn);
    }
}

static bm_status begin(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    char all[512] = "BEGIN";
    if (step->lock_timeout_ms != 0) {
        lock_setting(step, "BEGIN; ", all, sizeof all);
    }
    if (step->sql != NULL) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "; %s", step->sql);
    }
    bm_status status = simple(conn, step, all, answer, err);
    if (status != BM_OK) {
        take_back(conn, step);
    }
    return status;
}

static bm_status rollback(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    PGTransactionStatusType state = PQtransactionStatus(conn->pg);
    if (state == PQTRANS_IDLE) {
        return BM_OK;
    }
    return simple(conn, step, "ROLLBACK", answer, err);
}

static bm_status dispatch(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    switch (step->kind) {
    case BM__STEP_BEGIN:
        return begin(conn, step, answer, err);
    case BM__STEP_SAVEPOINT:
    case BM__STEP_RELEASE:
    case BM__STEP_ROLLBACK_TO:
        return simple(conn, step, step->sql, answer, err);
    case BM__STEP_EXEC:
        return exec(conn, step, answer, err);
    case BM__STEP_DESCRIBE:
        return describe(conn, step, answer, err);
    case BM__STEP_LOAD:
    case BM__STEP_UNLOAD:
        return copy(conn, step, answer, err);
    case BM__STEP_READY:
        return BM_OK;
    case BM__STEP_COMMIT:
        return commit(conn, step, answer, err);
    case BM__STEP_ROLLBACK:
        return rollback(conn, step, answer, err);
    }
    return bm__fail(err, BM_INTERNAL, BM_STAGE_WRITE, "an unknown step");
}

/* Nothing is begun once the token is set or the deadline is past, or under an encoding that was
 * changed behind our back; what ends a transaction or a part of it is sent all the same. */
static bm_status may_begin(const bm__libpq *conn, const bm__step *step, bm_error *err)
{
    const char *encoding = PQparameterStatus(conn->pg, "client_encoding");
    if (step->kind == BM__STEP_COMMIT || step->kind == BM__STEP_ROLLBACK ||
        step->kind == BM__STEP_ROLLBACK_TO || step->kind == BM__STEP_RELEASE) {
        return BM_OK;
    }
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the connection's client_encoding was changed: it must be UTF8");
    }
    return bm__libpq_in_time(step, err);
}

/* A borrowed connection keeps its receiver of notices: libpq does not tell with which argument it
 * was set, so it could not be put back. */
static bm_status perform(bm__conn *base, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm__libpq *conn = (bm__libpq *)base;
    *answer = (bm__answer){.row = BM_NO_ROW};
    if (bm__libpq_is_closed(conn) && conn->last_sqlstate[0] != '\0') {
        return bm__libpq_last_words(conn, BM_STAGE_CONNECT, err);
    }
    if (bm__libpq_is_closed(conn)) {
        return bm__fail(err, BM_CONNECTION, BM_STAGE_CONNECT, "the connection is closed");
    }
    BM_TRY(may_begin(conn, step, err));
    conn->look_ns = 0;
    bool blocking = PQisnonblocking(conn->pg) == 0;
    PQsetnonblocking(conn->pg, 1);
    bm_status status = dispatch(conn, step, answer, err);
    if (blocking && !bm__libpq_is_closed(conn)) {
        PQsetnonblocking(conn->pg, 0);
    }
    bm__libpq_note_read_only(conn);
    return status;
}

static bm__conn_state state(bm__conn *base, bool look)
{
    bm__libpq *conn = (bm__libpq *)base;
    if (bm__libpq_is_closed(conn)) {
        return BM__CONN_CLOSED;
    }
    switch (PQtransactionStatus(conn->pg)) {
    case PQTRANS_IDLE:
        return look && peer_closed(conn) ? BM__CONN_CLOSED : BM__CONN_IDLE;
    case PQTRANS_INTRANS:
        return look && peer_closed(conn) ? BM__CONN_CLOSED : BM__CONN_IN_TRANSACTION;
    case PQTRANS_INERROR:
        return look && peer_closed(conn) ? BM__CONN_CLOSED : BM__CONN_FAILED;
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
        break;
    }
    return BM__CONN_CLOSED;
}

static bm_status open_new(const char *url, const bm_open_options *options, const bm__step *limits,
                          bm__conn **out, bm_error *err)
{
    BM_TRY(bm__libpq_open(url, options, limits, out, err));
    (*out)->transport = &bm__transport_postgresql;
    return BM_OK;
}

static bm_status again(bm__conn *lost, const char *url, const bm_open_options *options,
                       const bm__step *limits, bm__conn **out, bm_error *err)
{
    BM_TRY(bm__libpq_again(lost, url, options, limits, out, err));
    (*out)->transport = &bm__transport_postgresql;
    return BM_OK;
}

static bm_status attach(void *handle, bm__conn **out, bm_error *err)
{
    BM_TRY(bm__libpq_borrow(handle, out, err));
    (*out)->transport = &bm__transport_postgresql;
    return BM_OK;
}

const bm__transport bm__transport_postgresql = {
    .engine = &bm__engine_postgresql,
    .open = open_new,
    .attach = attach,
    .again = again,
    .perform = perform,
    .state = state,
    .close = bm__libpq_close,
};
