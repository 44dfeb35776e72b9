#include "libpq_internal.h"

#include <poll.h>
#include <sys/socket.h>

/* Fixed and short: a CopyFail of 10,000 bytes breaks the protocol, and the caller's words have no
 * business in the server's log. */
#define REASON "ended by the client"

#define LOOK_EVERY 64 /* rows that were there already, at the clock and the token */

/* As much as a socket takes that says it is writable.  A larger piece would be kept in part, and
 * libpq then reads by itself, so that an answer of the server's would not be seen. */
#define PIECE ((size_t)32768)
#define FLUSH_EVERY ((size_t)262144)

/* A notice that has begun to come is whole after less silence than this; behind an error there is
 * nothing but silence. */
#define SILENCE_NS INT64_C(250000000)

/* Before 14 a server may also report a changed parameter, which libpq leaves unread as well. */
#define QUIET_SERVER 140000

/* A COPY on its way to the server. */
typedef struct stream {
    bm__libpq *conn;
    const bm__step *step;
    size_t piece;     /* bytes that the socket takes at once */
    size_t unseen;    /* bytes handed over since the socket was looked at */
    size_t unflushed; /* and since libpq's buffer was empty */
    bool answered;    /* the server has said how it ends, before the data did */
} stream;

/* On Linux a Unix socket that is writable has three quarters of its buffer free (unix_writable:
 * net/unix/af_unix.c); a wait for each small piece would be a change of process. */
static size_t piece_of(const bm__libpq *conn)
{
#ifdef __linux__
    struct sockaddr_storage name;
    socklen_t name_size = sizeof name;
    int bytes;
    socklen_t size = sizeof bytes;
    int fd = PQsocket(conn->pg);
    bool local = getsockname(fd, (struct sockaddr *)&name, &name_size) == 0 &&
                 name.ss_family == AF_UNIX &&
                 getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0;
    if (local && (size_t)bytes / 4 * 3 > PIECE) {
        return (size_t)bytes / 4 * 3;
    }
#else
    (void)conn;
#endif
    return PIECE;
}

/* The socket is readable.  In COPY IN libpq takes notices in and leaves the rest unread, so input
 * that has become no notice is an error, or the beginning of a notice.  An error that hides behind
 * a notice is found at the end, and so is one of a borrowed connection, whose notices are not
 * ours to count. */
static bm_status listen_to(stream *s, bm_error *err)
{
    bm__libpq *conn = s->conn;
    (void)PQisBusy(conn->pg); /* takes in what libpq has read by itself */
    size_t notices = conn->notices;
    bm_status status = BM_OK;
    while (status == BM_OK) {
        if (PQconsumeInput(conn->pg) == 0) {
            s->answered = true; /* closed: what it said before is read as a result */
            return BM_OK;
        }
        (void)PQisBusy(conn->pg);
        bool blind = conn->base.borrowed || conn->base.server.version < QUIET_SERVER;
        if (blind || conn->notices != notices) {
            return BM_OK;
        }
        bm_error ignored = BM_ERROR;
        const bm__step silence = {.deadline_ns = bm__now_ns() + SILENCE_NS,
                                  .cancel = s->step->cancel};
        short ready;
        status = bm__libpq_poll(conn, POLLIN, &silence, &ready, &ignored);
    }
    s->answered = status == BM_TIMEOUT;
    return s->answered ? BM_OK : bm__libpq_in_time(s->step, err);
}

/* Wait until the socket is writable, and listen meanwhile. */
static bm_status wait_writable(stream *s, bm_error *err)
{
    short ready = 0;
    s->unseen = 0;
    BM_TRY(bm__libpq_in_time(s->step, err));
    while (!s->answered && (ready & POLLOUT) == 0) {
        BM_TRY(bm__libpq_poll(s->conn, POLLIN | POLLOUT, s->step, &ready, err));
        if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0) {
            BM_TRY(listen_to(s, err));
        }
    }
    return BM_OK;
}

static bm_status empty_buffer(stream *s, bm_error *err)
{
    int left;
    while (!s->answered && (left = PQflush(s->conn->pg)) != 0) {
        if (left < 0) {
            return bm__libpq_fail(s->conn, NULL, BM_STAGE_WRITE, NULL, err);
        }
        BM_TRY(wait_writable(s, err));
    }
    s->unflushed = 0;
    return BM_OK;
}

/* libpq takes nothing while its buffer is full, or where it gets no memory for a larger one: it
 * says the same of both.  An empty buffer is not full. */
static bm_status put_piece(stream *s, const uint8_t *piece, size_t size, bm_error *err)
{
    if (s->unseen + size > s->piece) {
        BM_TRY(wait_writable(s, err));
    }
    bool put = false;
    for (bool empty = false; !put && !s->answered; empty = true) {
        int taken = PQputCopyData(s->conn->pg, (const char *)piece, (int)size);
        if (taken < 0) {
            return bm__libpq_fail(s->conn, NULL, BM_STAGE_WRITE, NULL, err);
        }
        put = taken > 0;
        if (!put && empty) {
            return bm__no_memory(err);
        }
        s->unseen += put ? size : 0;
        s->unflushed += put ? size : 0;
        if (!put || s->unflushed >= FLUSH_EVERY) {
            BM_TRY(empty_buffer(s, err));
        }
    }
    return BM_OK;
}

/* Send blocks until the end, a failure here, or an answer of the server's. */
static bm_status send_blocks(stream *s, const bm__step *step, bm_error *err)
{
    while (!s->answered) {
        const uint8_t *block = NULL;
        size_t size = 0;
        BM_TRY(bm__libpq_in_time(s->step, err));
        BM_TRY(step->pull(step->context, &block, &size, err));
        if (size == 0) {
            return BM_OK;
        }
        for (size_t at = 0; at < size && !s->answered; at += s->piece) {
            size_t left = size - at;
            BM_TRY(put_piece(s, block + at, left < s->piece ? left : s->piece, err));
        }
    }
    return BM_OK;
}

/*
 * A failure on our side: the server hears CopyFail, and whatever it answers comes second.  Where
 * the connection is lost libpq reads what the server said before only once the COPY is ended.  A
 * server that is busy with something else does not hear CopyFail, but it hears a request to stop.
 */
static bm_status abandon(bm__libpq *conn, const bm__step *step, bm_status status,
                         bm__answer *answer, bm_error *err)
{
    if (PQputCopyEnd(conn->pg, REASON) < 0) {
        bm__libpq_give_up(conn);
        return status;
    }
    if (status == BM_CONNECTION && PQstatus(conn->pg) != CONNECTION_OK) {
        bm_error ignored = BM_ERROR;
        bm__step soon = {.deadline_ns = bm__now_ns() + 1000000000};
        bm__step_until(&soon, NULL, 0, step->end_ns);
        PGresult *result = NULL;
        if (bm__libpq_result(conn, &soon, &result, &ignored) == BM_OK && result != NULL) {
            err->status = BM_OK;
            bm__libpq_fail(conn, result, BM_STAGE_WRITE, answer, err);
            err->status = BM_CONNECTION;
        }
        PQclear(result);
    }
    bm__libpq_settle(conn, step, status == BM_TIMEOUT || status == BM_CANCELLED);
    return status;
}

/* Without CopyDone nothing of it can have been committed. */
bm_status bm__libpq_load(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    stream s = {.conn = conn, .step = step, .piece = piece_of(conn)};
    bm__step end = *step;
    bm_status status = send_blocks(&s, step, err);
    if (status != BM_OK) {
        return abandon(conn, step, status, answer, err);
    }
    end.autocommit = step->autocommit && !s.answered;
    end.stall_ms = 0;
    bm__step_within(&end, "the statement timeout", step->answer_ms);
    if (PQputCopyEnd(conn->pg, s.answered ? REASON : NULL) < 0) {
        status = bm__libpq_fail(conn, NULL, BM_STAGE_WRITE, answer, err);
        bm__libpq_settle(conn, step, false);
        return status;
    }
    return bm__libpq_drain(conn, &end, answer, err);
}

static bm_status take_pieces(bm__libpq *conn, const bm__step *step, bm_error *err)
{
    for (unsigned n = 1;; n++) {
        char *piece = NULL;
        if (n % LOOK_EVERY == 0) {
            BM_TRY(bm__libpq_in_time(step, err));
        }
        int size = PQgetCopyData(conn->pg, &piece, 1);
        if (size > 0) {
            bm_status status = step->take(step->context, (const uint8_t *)piece, (size_t)size, err);
            PQfreemem(piece);
            BM_TRY(status);
        } else if (size == 0) {
            short ready;
            BM_TRY(bm__libpq_poll(conn, POLLIN, step, &ready, err));
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
    bm_status status = take_pieces(conn, step, err);
    if (status != BM_OK) {
        bm__libpq_settle(conn, step, true);
        return status;
    }
    return bm__libpq_drain(conn, step, answer, err);
}
