#include "libpq_internal.h"

#include <poll.h>

/* Fixed and short: a CopyFail of 10,000 bytes breaks the protocol, and the caller's words have no
 * business in the server's log. */
#define REASON "ended by the client"

/*
 * Has the server answered before the data ended?  In COPY IN libpq takes notices in and leaves the
 * rest unread, so input that was no notice is an error.  One that hides behind a notice is found
 * at the end.
 */
static bm_status look(bm__libpq *conn, bool *answered, bm_error *err)
{
    struct pollfd fd = {.fd = PQsocket(conn->pg), .events = POLLIN};
    *answered = false;
    if (poll(&fd, 1, 0) <= 0) {
        return BM_OK;
    }
    size_t notices = conn->notices;
    if (PQconsumeInput(conn->pg) == 0) {
        *answered = true; /* closed: what it said before is read as a result */
        return BM_OK;
    }
    (void)PQisBusy(conn->pg);
    (void)err;
    *answered = conn->notices == notices;
    return BM_OK;
}

static bm_status put_block(bm__libpq *conn, const uint8_t *block, size_t size,
                           const bm__patience *patience, bm_error *err)
{
    if (size > INT32_MAX) {
        return bm__fail(err, BM_LIMIT, BM_STAGE_WRITE, "a block of COPY data over 2 GB");
    }
    int put;
    while ((put = PQputCopyData(conn->pg, (const char *)block, (int)size)) == 0) {
        BM_TRY(bm__libpq_flush(conn, patience, err));
    }
    if (put < 0) {
        return bm__libpq_fail(conn, NULL, BM_STAGE_WRITE, NULL, err);
    }
    return bm__libpq_flush(conn, patience, err);
}

/* Send blocks until the end, a failure here, or an answer of the server's. */
static bm_status send_blocks(bm__libpq *conn, const bm__step *step, const bm__patience *patience,
                             bool *answered, bm_error *err)
{
    *answered = false;
    while (!*answered) {
        const uint8_t *block = NULL;
        size_t size = 0;
        if (bm__cancelled(step->cancel)) {
            return bm__fail(err, BM_CANCELLED, BM_STAGE_WRITE, "cancelled");
        }
        BM_TRY(step->pull(step->context, &block, &size, err));
        if (size == 0) {
            return BM_OK;
        }
        BM_TRY(put_block(conn, block, size, patience, err));
        BM_TRY(look(conn, answered, err));
    }
    return BM_OK;
}

/* A failure on our side: the server hears CopyFail, and whatever it answers comes second. */
static bm_status abandon(bm__libpq *conn, bm_status status, bm__answer *answer, bm_error *err)
{
    bool alive = PQstatus(conn->pg) == CONNECTION_OK;
    if (!alive) {
        /* The server may have said why before it closed. */
        bm_error said = BM_ERROR;
        bm__patience soon = {.deadline_ns = bm__now_ns() + 1000000000};
        PGresult *result = NULL;
        if (bm__libpq_result(conn, &soon, &result, &said) == BM_OK && result != NULL &&
            PQresultStatus(result) == PGRES_FATAL_ERROR && status == BM_CONNECTION) {
            err->status = BM_OK;
            bm__libpq_fail(conn, result, BM_STAGE_WRITE, answer, err);
            err->status = BM_CONNECTION;
        }
        PQclear(result);
    } else if (PQputCopyEnd(conn->pg, REASON) < 0) {
        bm__libpq_give_up(conn);
        return status;
    }
    bm__libpq_settle(conn, false);
    return status;
}

bm_status bm__libpq_load(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm__patience patience = {step->deadline_ns, step->cancel};
    bool answered;
    bm_status status = send_blocks(conn, step, &patience, &answered, err);
    if (status != BM_OK) {
        return abandon(conn, status, answer, err);
    }
    int ended = answered ? PQputCopyEnd(conn->pg, REASON) : PQputCopyEnd(conn->pg, NULL);
    if (ended < 0 && PQstatus(conn->pg) == CONNECTION_OK) {
        status = bm__libpq_fail(conn, NULL, BM_STAGE_WRITE, answer, err);
        bm__libpq_settle(conn, false);
        return status;
    }
    return bm__libpq_drain(conn, step, answer, err);
}

static bm_status take_pieces(bm__libpq *conn, const bm__step *step, const bm__patience *patience,
                             bm_error *err)
{
    for (;;) {
        char *piece = NULL;
        int size = PQgetCopyData(conn->pg, &piece, 1);
        if (size > 0) {
            bm_status status = step->take(step->context, (const uint8_t *)piece, (size_t)size, err);
            PQfreemem(piece);
            BM_TRY(status);
        } else if (size == 0) {
            short ready;
            BM_TRY(bm__libpq_poll(conn, POLLIN, patience, &ready, err));
            if (PQconsumeInput(conn->pg) == 0) {
                return bm__libpq_fail(conn, NULL, BM_STAGE_READ, NULL, err);
            }
        } else if (size == -1) {
            return BM_OK;
        } else {
            return bm__libpq_fail(conn, NULL, BM_STAGE_READ, NULL, err);
        }
    }
}

bm_status bm__libpq_unload(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm__patience patience = {step->deadline_ns, step->cancel};
    bm_status status = take_pieces(conn, step, &patience, err);
    if (status != BM_OK) {
        bm__libpq_settle(conn, true);
        return status;
    }
    return bm__libpq_drain(conn, step, answer, err);
}
