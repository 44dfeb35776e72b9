#include "libpq_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

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

bm_status bm__libpq_in_time(const bm__step *step, bm_error *err)
{
    int64_t deadline_ns = bm__step_moved(step, step->deadline_ns);
    if (bm__cancelled(step->cancel)) {
        return bm__fail(err, BM_CANCELLED, BM_STAGE_WRITE, "cancelled");
    }
    if (deadline_ns != 0 && bm__now_ns() >= deadline_ns) {
        return bm__step_late(step, BM_STAGE_WRITE, err);
    }
    return BM_OK;
}

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns == 0 || (b_ns != 0 && b_ns < a_ns) ? b_ns : a_ns;
}

static bm_status look_for_lock(bm__libpq *conn, const bm__step *step, bm_error *err)
{
    if (conn->look_ns == 0 || bm__now_ns() < conn->look_ns) {
        return BM_OK;
    }
    if (conn->waits_for_lock(conn, step, conn->look_ms)) {
        const bm__step late = {.limit = "the lock timeout", .limit_ms = conn->look_ms};
        return bm__step_late(&late, BM_STAGE_WRITE, err);
    }
    conn->look_ns = bm__after_ms(conn->look_ms / 4 + 1);
    return BM_OK;
}

static bm_status stalled(const bm__step *step, bm_error *err)
{
    return bm__fail(err, BM_TIMEOUT, BM_STAGE_WRITE, "no byte was transferred for %lld s",
                    (long long)(step->stall_ms / 1000));
}

bm_status bm__libpq_poll(bm__libpq *conn, short events, const bm__step *step, short *ready,
                         bm_error *err)
{
    int64_t deadline_ns = bm__step_moved(step, step->deadline_ns);
    int64_t stall_ns = step->stall_ms > 0 ? bm__after_ms(step->stall_ms) : 0;
    int64_t wake_ns = sooner(deadline_ns, stall_ns);
    struct pollfd fds[2] = {{.fd = PQsocket(conn->pg), .events = events},
                            {.fd = -1, .events = POLLIN}};
    *ready = 0;
    if (fds[0].fd < 0) {
        return lost(conn, err);
    }
    if (step->cancel != NULL) {
        fds[1].fd = step->cancel->fd;
    }
    for (;;) {
        int n = poll(fds, 2, milliseconds_left(sooner(wake_ns, conn->look_ns)));
        if (n > 0 && fds[0].revents != 0) {
            *ready = fds[0].revents;
            return BM_OK;
        }
        if (n < 0 && errno != EINTR) {
            return bm__fail(err, BM_INTERNAL, BM_STAGE_WRITE, "poll failed");
        }
        BM_TRY(bm__libpq_in_time(step, err));
        if (stall_ns != 0 && bm__now_ns() >= stall_ns) {
            return stalled(step, err);
        }
        BM_TRY(look_for_lock(conn, step, err));
    }
}

/* Hand all that libpq has buffered to the socket, and read what comes meanwhile.  A lost connection
 * is no failure yet: what the server said before it closed is read first. */
static bm_status flush(bm__libpq *conn, const bm__step *step, bm_error *err)
{
    while (PQflush(conn->pg) > 0) {
        short ready;
        BM_TRY(bm__libpq_poll(conn, POLLIN | POLLOUT, step, &ready, err));
        if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(conn->pg) == 0) {
            return BM_OK;
        }
    }
    return BM_OK;
}

/* What PQgetResult gives, when it need not wait for it. */
static bm_status next_result(bm__libpq *conn, const bm__step *step, PGresult **out, bm_error *err)
{
    BM_TRY(flush(conn, step, err));
    while (PQisBusy(conn->pg) != 0) {
        short ready;
        BM_TRY(bm__libpq_poll(conn, POLLIN, step, &ready, err));
        if (PQconsumeInput(conn->pg) == 0 && PQisBusy(conn->pg) != 0) {
            return lost(conn, err);
        }
    }
    *out = PQgetResult(conn->pg);
    return BM_OK;
}

/* After a setting (libpq.c, send_ahead) the pipeline gives: its result, NULL, those of the
 * statement, NULL, and the sync.  The caller sees only what the statement gave, and what failed. */
static bm_status piped_result(bm__libpq *conn, const bm__step *step, PGresult **out, bm_error *err)
{
    enum { ENDS = 4 }; /* NULLs before the sync: more are a defect of libpq, not to be waited for */
    for (int n = 0; n < ENDS;) {
        BM_TRY(next_result(conn, step, out, err));
        if (*out == NULL) {
            n = PQstatus(conn->pg) == CONNECTION_OK ? n + 1 : ENDS;
            conn->piped = false;
            continue;
        }
        ExecStatusType status = PQresultStatus(*out);
        if (status == PGRES_PIPELINE_SYNC) {
            PQclear(*out);
            *out = NULL;
            return PQexitPipelineMode(conn->pg) != 0 ? BM_OK : lost(conn, err);
        }
        /* libpq 15 keeps the single-row mode of the statement before a pipeline. */
        bool row = status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
        bool setting = conn->piped && row;
        if (!setting && status != PGRES_PIPELINE_ABORTED) {
            return BM_OK;
        }
        PQclear(*out);
    }
    *out = NULL;
    return lost(conn, err);
}

bm_status bm__libpq_result(bm__libpq *conn, const bm__step *step, PGresult **out, bm_error *err)
{
    *out = NULL;
    return PQpipelineStatus(conn->pg) == PQ_PIPELINE_OFF ? next_result(conn, step, out, err)
                                                         : piped_result(conn, step, out, err);
}

void bm__libpq_give_up(bm__libpq *conn)
{
    if (conn->given_up) {
        return;
    }
    conn->given_up = true;
    if (!conn->base.borrowed) {
        PQfinish(conn->pg);
        conn->pg = NULL;
    } else if (PQsocket(conn->pg) >= 0) {
        (void)shutdown(PQsocket(conn->pg), SHUT_RDWR);
    }
}

/* Read what is left of a COPY OUT. */
static bool drain_copy(bm__libpq *conn, const bm__step *grace)
{
    bm_error ignored = BM_ERROR;
    char *piece = NULL;
    int size;
    bool sound = true;
    while (sound && (size = PQgetCopyData(conn->pg, &piece, 1)) >= 0) {
        short ready;
        if (size > 0) {
            PQfreemem(piece);
            sound = bm__now_ns() < grace->deadline_ns;
        } else {
            sound = bm__libpq_poll(conn, POLLIN, grace, &ready, &ignored) == BM_OK &&
                    PQconsumeInput(conn->pg) != 0;
        }
    }
    return sound;
}

/* One state of the drain: true while there is more to read. */
static bool drain_one(bm__libpq *conn, const bm__step *grace, bool *sound, bool *failed)
{
    bm_error ignored = BM_ERROR;
    PGresult *result;
    *sound = bm__libpq_result(conn, grace, &result, &ignored) == BM_OK;
    if (!*sound || result == NULL) {
        return false;
    }
    ExecStatusType status = PQresultStatus(result);
    *failed = *failed || status == PGRES_FATAL_ERROR;
    PQclear(result);
    if (status == PGRES_COPY_IN) { /* libpq answers so for ever until the COPY is ended */
        *sound = PQputCopyEnd(conn->pg, "cancelled by the client") >= 0;
    } else if (status == PGRES_COPY_OUT) {
        *sound = drain_copy(conn, grace);
    } else if (status == PGRES_COPY_BOTH) {
        *sound = false;
    }
    *sound = *sound && bm__now_ns() < grace->deadline_ns;
    return *sound;
}

/* A few seconds, but not beyond the step's end. */
static bm__step grace_of(const bm__step *step)
{
    bm__step grace = {.deadline_ns = bm__now_ns() + GRACE_NS};
    bm__step_until(&grace, NULL, 0, bm__step_moved(step, step->end_ns));
    return grace;
}

/* A request that is not taken in time may reach the connection later, in the middle of something
 * else: then it is given up. */
bool bm__libpq_settle(bm__libpq *conn, const bm__step *step, bool cancel)
{
    if (conn->given_up) {
        return false;
    }
    bm__step grace = grace_of(step);
    conn->look_ns = 0;
    bool sound = PQstatus(conn->pg) == CONNECTION_OK && bm__now_ns() < grace.deadline_ns;
    if (sound && cancel) {
        sound = bm__libpq_ask_to_stop(conn, grace.deadline_ns);
    }
    int64_t asked_ns = bm__now_ns();
    bool failed = false;
    bool more = sound || PQstatus(conn->pg) != CONNECTION_OK;
    while (more && drain_one(conn, &grace, &sound, &failed)) {
        if (cancel && bm__now_ns() - asked_ns > ASK_AGAIN_NS) {
            more = sound = bm__libpq_ask_to_stop(conn, grace.deadline_ns);
            asked_ns = bm__now_ns();
        }
    }
    if (!sound || PQstatus(conn->pg) != CONNECTION_OK) {
        bm__libpq_give_up(conn);
        return false;
    }
    return failed;
}
