#include "libpq_internal.h"

#include "config.h"

#include <poll.h>
#include <stdlib.h>

#if BM__HAVE_PQCANCELSTART

static bool wait_for(PGcancelConn *request, PostgresPollingStatusType state, int64_t until_ns)
{
    struct pollfd fd = {.fd = PQcancelSocket(request),
                        .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
    int64_t left_ms = (until_ns - bm__now_ns()) / 1000000;
    return fd.fd >= 0 && left_ms > 0 && poll(&fd, 1, (int)left_ms) != 0;
}

bool bm__libpq_ask_to_stop(const bm__libpq *conn, int64_t until_ns)
{
    PGcancelConn *request = PQcancelCreate(conn->pg);
    bool going = request != NULL && PQcancelStart(request) != 0;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (going && state != PGRES_POLLING_OK) {
        going = wait_for(request, state, until_ns);
        state = going ? PQcancelPoll(request) : state;
        going = going && state != PGRES_POLLING_FAILED;
    }
    PQcancelFinish(request);
    return going;
}

#else

#include <pthread.h>
#include <signal.h>
#include <time.h>

/* Before libpq 17 a request to stop blocks until the server has taken it: it runs on a thread, and
 * one that is not done in time is left alone.  The last of the two to leave frees it. */
typedef struct request {
    PGcancel *handle;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    bool left; /* nobody waits for it any more */
    bool taken;
} request;

static void free_request(request *r)
{
    PQfreeCancel(r->handle);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void *send_request(void *argument)
{
    request *r = argument;
    char why[256];
    bool taken = PQcancel(r->handle, why, (int)sizeof why) != 0;
    pthread_mutex_lock(&r->lock);
    r->done = true;
    r->taken = taken;
    bool left = r->left;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (left) {
        free_request(r);
    }
    return NULL;
}

static request *new_request(const bm__libpq *conn)
{
    request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    r->handle = PQgetCancel(conn->pg);
    return r;
}

/* The program's signals are for its own threads. */
static bool start(pthread_t *thread, request *r)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, send_request, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

bool bm__libpq_ask_to_stop(const bm__libpq *conn, int64_t until_ns)
{
    pthread_t thread;
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                   .tv_nsec = (long)(until_ns % 1000000000)};
    request *r = new_request(conn);
    if (r == NULL || r->handle == NULL || !start(&thread, r)) {
        if (r != NULL) {
            free_request(r);
        }
        return false;
    }
    pthread_mutex_lock(&r->lock);
    int late = 0;
    while (!r->done && late == 0) {
        late = pthread_cond_timedwait(&r->changed, &r->lock, &until);
    }
    bool done = r->done;
    bool taken = done && r->taken;
    r->left = !done;
    pthread_mutex_unlock(&r->lock);
    if (done) {
        pthread_join(thread, NULL);
        free_request(r);
    } else {
        pthread_detach(thread);
    }
    return taken;
}

#endif
