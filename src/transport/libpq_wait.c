#include "libpq_internal.h"

#include <errno.h>
#include <poll.h>

/* How long a connection may take to come out of a statement that was given up. */
#define GRACE_NS INT64_C(5000000000)

/* A server that sends rows as fast as it can has been seen to miss a request to stop: it is asked
 * again while rows still come. */
#define ASK_AGAIN_NS INT64_C(300000000)

static int milliseconds_left(int64_t deadline_ns)
{
    if (deadline_ns == 0) {
        return -1;
    }
    int64_t left = (deadline_ns - bm__now_ns() + 999999) / 1000000;
    return left <= 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static bm_status lost(bm__libpq *conn, bm_error *err)
{
    return bm__libpq_fail(conn, NULL, BM_STAGE_WRITE, NULL, err);
}

bm_status bm__libpq_in_time(const bm__patience *patience, bm_error *err)
{
    if (bm__cancelled(patience->cancel)) {
        return bm__fail(err, BM_CANCELLED, BM_STAGE_WRITE, "cancelled");
    }
    if (patience->deadline_ns != 0 && bm__now_ns() >= patience->deadline_ns) {
        return bm__step_late(patience, BM_STAGE_WRITE, err);
    }
    return BM_OK;
}

bm_status bm__libpq_poll(bm__libpq *conn, short events, const bm__patience *patience, short *ready,
                         bm_error *err)
{
    struct pollfd fds[2] = {{.fd = PQsocket(conn->pg), .events = events},
                            {.fd = -1, .events = POLLIN}};
    *ready = 0;
    if (fds[0].fd < 0) {
        return lost(conn, err);
    }
    if (patience->cancel != NULL) {
        fds[1].fd = patience->cancel->fd;
    }
    for (;;) {
        int n = poll(fds, 2, milliseconds_left(patience->deadline_ns));
        if (n > 0 && fds[0].revents != 0) {
            *ready = fds[0].revents;
            return BM_OK;
        }
        if (n < 0 && errno != EINTR) {
            return bm__fail(err, BM_INTERNAL, BM_STAGE_WRITE, "poll failed");
        }
        BM_TRY(bm__libpq_in_time(patience, err));
    }
}

/* Hand all that libpq has buffered to the socket, and read what comes meanwhile.  A lost connection
 * is no failure yet: what the server said before it closed is read first. */
static bm_status flush(bm__libpq *conn, const bm__patience *patience, bm_error *err)
{
    while (PQflush(conn->pg) > 0) {
        short ready;
        BM_TRY(bm__libpq_poll(conn, POLLIN | POLLOUT, patience, &ready, err));
        if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(conn->pg) == 0) {
            return BM_OK;
        }
    }
    return BM_OK;
}

bm_status bm__libpq_result(bm__libpq *conn, const bm__patience *patience, PGresult **out,
                           bm_error *err)
{
    *out = NULL;
    BM_TRY(flush(conn, patience, err));
    while (PQisBusy(conn->pg) != 0) {
        short ready;
        BM_TRY(bm__libpq_poll(conn, POLLIN, patience, &ready, err));
        if (PQconsumeInput(conn->pg) == 0 && PQisBusy(conn->pg) != 0) {
            return lost(conn, err);
        }
    }
    *out = PQgetResult(conn->pg);
    return BM_OK;
}

void bm__libpq_give_up(bm__libpq *conn)
{
    if (!conn->given_up && !conn->base.borrowed) {
        conn->given_up = true;
        PQfinish(conn->pg);
        conn->pg = NULL;
    }
}

/* One state of the drain: true while there is more to read. */
static bool drain_one(bm__libpq *conn, const bm__patience *patience, bool *sound, bool *failed)
{
    bm_error ignored = BM_ERROR;
    PGresult *result;
    *sound = bm__libpq_result(conn, patience, &result, &ignored) == BM_OK;
    if (!*sound || result == NULL) {
        return false;
    }
    ExecStatusType status = PQresultStatus(result);
    *failed = *failed || status == PGRES_FATAL_ERROR;
    PQclear(result);
    if (status == PGRES_COPY_IN) { /* libpq answers so for ever until the COPY is ended */
        *sound = PQputCopyEnd(conn->pg, "given up by the client") >= 0;
    } else if (status == PGRES_COPY_OUT) {
        char *piece = NULL;
        int size;
        while ((size = PQgetCopyData(conn->pg, &piece, 1)) >= 0 && *sound) {
            short ready;
            if (size > 0) {
                PQfreemem(piece);
                *sound = bm__now_ns() < patience->deadline_ns;
            } else {
                *sound = bm__libpq_poll(conn, POLLIN, patience, &ready, &ignored) == BM_OK &&
                         PQconsumeInput(conn->pg) != 0;
            }
        }
    } else if (status == PGRES_COPY_BOTH) {
        *sound = false;
    }
    *sound = *sound && bm__now_ns() < patience->deadline_ns;
    return *sound;
}

static void ask_to_stop(const bm__libpq *conn)
{
    char why[256];
    PGcancel *handle = PQgetCancel(conn->pg);
    if (handle != NULL) {
        (void)PQcancel(handle, why, (int)sizeof why);
        PQfreeCancel(handle);
    }
}

bool bm__libpq_settle(bm__libpq *conn, bool cancel)
{
    if (conn->given_up) {
        return false;
    }
    if (cancel && PQstatus(conn->pg) == CONNECTION_OK) {
        ask_to_stop(conn);
    }
    bm__patience grace = {.deadline_ns = bm__now_ns() + GRACE_NS};
    int64_t asked_ns = bm__now_ns();
    bool sound = true;
    bool failed = false;
    while (drain_one(conn, &grace, &sound, &failed)) {
        if (cancel && bm__now_ns() - asked_ns > ASK_AGAIN_NS) {
            ask_to_stop(conn);
            asked_ns = bm__now_ns();
        }
    }
    if (!sound || PQstatus(conn->pg) != CONNECTION_OK) {
        bm__libpq_give_up(conn);
        return false;
    }
    return failed;
}
