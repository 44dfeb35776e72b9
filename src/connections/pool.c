#include "db.h"

#include <stdlib.h>

static void wait_until(bm_db *db, int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_cond_timedwait(&db->changed, &db->lock, &until);
}

/* A call without a deadline waits so long for a connection. */
#define WAIT_NS INT64_C(3600000000000)

/* With the lock held: are all places taken by transactions of the thread that asks for one more?
 * It would wait for itself. */
static bool all_ours(const bm_db *db)
{
    size_t ours = 0;
    for (const bm_db *tx = db->transactions; tx != NULL; tx = tx->sibling) {
        ours += tx->outer == NULL && pthread_equal(tx->owner, pthread_self()) != 0;
    }
    return ours >= (size_t)db->options.max_connections;
}

/* With the lock held: wait until a place is free. */
static bm_status wait_for_place(bm_db *db, const bm__step *limits, bm_error *err)
{
    const int64_t look_ns = 20000000; /* a token has no condition variable: look now and then */
    int64_t deadline_ns = limits->deadline_ns != 0 ? limits->deadline_ns : bm__now_ns() + WAIT_NS;
    if (all_ours(db)) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT,
                        "this thread has a transaction open on the only connection: call with it, "
                        "or end it first");
    }
    while (db->n_used >= (size_t)db->options.max_connections) {
        int64_t now = bm__now_ns();
        int64_t next = now + look_ns;
        if (bm__cancelled(limits->cancel)) {
            return bm__fail(err, BM_CANCELLED, BM_STAGE_CONNECT,
                            "cancelled while waiting for a connection");
        }
        if (now >= deadline_ns) {
            return bm__fail(err, BM_TIMEOUT, BM_STAGE_CONNECT,
                            "no connection became free: all %d are in use",
                            db->options.max_connections);
        }
        wait_until(db, deadline_ns < next ? deadline_ns : next);
    }
    return BM_OK;
}

static bool is_stale(const bm_db *db, bm__conn *conn)
{
    int64_t age_ms = (bm__now_ns() - conn->born_ns) / 1000000;
    bool old = db->options.max_connection_age_ms > 0 && age_ms > db->options.max_connection_age_ms;
    return !db->borrowed &&
           ((old && !db->keeps) || db->transport->state(conn, true) == BM__CONN_CLOSED);
}

static bm__conn *pop_idle(bm_db *db)
{
    pthread_mutex_lock(&db->lock);
    bm__conn *conn = db->n_idle > 0 ? db->idle[--db->n_idle] : NULL;
    pthread_mutex_unlock(&db->lock);
    return conn;
}

/* An idle connection that is still good, else a new one. */
bm_status bm__pool_fill(bm_db *db, const bm__step *limits, bm__conn **out, bm_error *err)
{
    *out = NULL;
    for (bm__conn *conn = pop_idle(db); conn != NULL; conn = pop_idle(db)) {
        if (!is_stale(db, conn)) {
            *out = conn;
            return BM_OK;
        }
        db->transport->close(conn);
    }
    if (db->borrowed) {
        return bm__fail(err, BM_CONNECTION, BM_STAGE_CONNECT, "the borrowed connection is in use");
    }
    BM_TRY(db->transport->open(db->url, &db->options, limits, out, err));
    (*out)->born_ns = bm__now_ns();
    return BM_OK;
}

static void leave_places(bm_db *db, size_t n)
{
    pthread_mutex_lock(&db->lock);
    db->n_used -= n;
    pthread_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

bm_status bm__pool_take(bm_db *db, size_t want, const bm__step *limits, bm__conn **conns, size_t *n,
                        bm_error *err)
{
    *n = 0;
    pthread_mutex_lock(&db->lock);
    bm_status status = wait_for_place(db, limits, err);
    size_t room = (size_t)db->options.max_connections - db->n_used;
    size_t taken = status != BM_OK ? 0 : want < room ? want : room;
    db->n_used += taken;
    pthread_mutex_unlock(&db->lock);
    for (size_t i = 0; i < taken; i++) {
        conns[i] = NULL;
    }
    if (status == BM_OK) {
        status = bm__pool_fill(db, limits, &conns[0], err);
    }
    if (status == BM_OK) {
        *n = taken;
    } else {
        leave_places(db, taken);
    }
    return status;
}

void bm__pool_give(bm_db *db, bm__conn *conn)
{
    bool kept = conn != NULL && (db->borrowed || db->transport->outlives ||
                                 db->transport->state(conn, false) == BM__CONN_IDLE);
    if (!kept) {
        db->transport->close(conn);
        leave_places(db, 1);
        return;
    }
    pthread_mutex_lock(&db->lock);
    db->idle[db->n_idle++] = conn;
    db->n_used--;
    pthread_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

void bm__pool_drain(bm_db *db)
{
    for (bm__conn *conn = db->borrowed ? NULL : pop_idle(db); conn != NULL; conn = pop_idle(db)) {
        db->transport->close(conn);
    }
}
