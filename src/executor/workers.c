#include "workers.h"

#include <stdlib.h>

#define ARRIVAL_MS INT64_C(1000)        /* a worker that is not there by then is not waited for */
#define LOOK_NS INT64_C(20000000)       /* how often a token is looked at */
#define FIRST_ASK_NS INT64_C(200000000) /* a worker waits so long before it asks the server */
#define ASK_NS INT64_C(500000000)       /* ... and then asks so often */

typedef struct crew crew;

typedef struct worker {
    crew *crew;
    bm__job *job;
    bm__conn **conn;
    size_t index;
    pthread_t thread;
} worker;

struct crew {
    bm_db *db;
    bm__reports *reports;
    bm__call *call;
    bm__team *team;
    size_t n_running;
    pthread_mutex_t source; /* held while a worker talks to the source of a stream */
    pthread_mutex_t lock;   /* of everything above, and of the team */
    pthread_cond_t changed;
    bm_cancel *stop; /* set when the team has failed: those at work are cancelled */
    bm_cancel *late; /* ... or when nobody is waited for who is not there */
    int64_t arrival_ns;
    bm_error *stopped; /* why the team was stopped from outside */
};

static bm_status crew_begin(crew *c, bm_error *err)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->source, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    bm_status status = bm_cancel_create(&c->stop, err);
    return status == BM_OK ? bm_cancel_create(&c->late, err) : status;
}

static void crew_end(crew *c)
{
    bm_cancel_free(c->late);
    bm_cancel_free(c->stop);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->source);
}

/* With the lock held, as all that follows: sleep until something changes, but not for long. */
static void wait_a_little(crew *c)
{
    int64_t until = bm__now_ns() + LOOK_NS;
    struct timespec at = {.tv_sec = (time_t)(until / 1000000000),
                          .tv_nsec = (long)(until % 1000000000)};
    pthread_cond_timedwait(&c->changed, &c->lock, &at);
}

static bool tell(crew *c, size_t i, bm__team_event event)
{
    bool counts = bm__team_tell(c->team, i, event);
    if (c->team->failed) {
        bm_cancel_set(c->stop);
        bm_cancel_set(c->late);
    }
    pthread_cond_broadcast(&c->changed);
    return counts;
}

/* ---- a worker */

static bm__team_event failure_of(const worker *w)
{
    const bm__job *job = w->job;
    switch (w->crew->team->members[w->index]) {
    case BM__MEMBER_AWAY:
        return BM__TEAM_ABSENT;
    case BM__MEMBER_COMMITTING:
        return job->error.status == BM_COMMIT_UNKNOWN ? BM__TEAM_LOST : BM__TEAM_REFUSED;
    default: /* without rows and without a connection it is as if it had never come */
        return job->lost && job->n_ranges == 0 ? BM__TEAM_ABSENT : BM__TEAM_FAILED;
    }
}

/* The job rolls back, and may look for the row that is to blame: the others stop now, for they may
 * hold what it would wait for. */
static void failed(void *user)
{
    worker *w = user;
    pthread_mutex_lock(&w->crew->lock);
    tell(w->crew, w->index, failure_of(w));
    pthread_mutex_unlock(&w->crew->lock);
}

static void begins(void *user, bm__step *step)
{
    const worker *w = user;
    step->cancel = w->crew->late;
    if (w->index > 0) {
        bm__step_until(step, "the limit for a further connection", ARRIVAL_MS, w->crew->arrival_ns);
    }
}

static void begun(void *user)
{
    worker *w = user;
    pthread_mutex_lock(&w->crew->lock);
    tell(w->crew, w->index, BM__TEAM_ARRIVED);
    pthread_mutex_unlock(&w->crew->lock);
}

static bm_status push_answer(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bool *yes = context;
    const uint8_t *byte = n == 1 ? cells[0].data : NULL;
    if (byte == NULL || cells[0].size != 1) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CHECK, "the answer is not a boolean");
    }
    *yes = *byte != 0;
    return BM_OK;
}

static bm_status ask(bm__conn *conn, bm__step *step, bool *yes, bm_error *err)
{
    bm__answer answer = {.row = BM_NO_ROW};
    *yes = false;
    step->kind = BM__STEP_EXEC;
    step->expect = BM__EXPECT_ROWS;
    step->push = push_answer;
    step->context = yes;
    return conn->transport->perform(conn, step, &answer, err);
}

/* Does a worker of the call wait in the server for what only this call can end?  Without the lock,
 * and within the limits of the step that waits. */
static bm_status ask_entangled(worker *w, const bm__step *waits, bool *yes, bm_error *err)
{
    char sql[BM__TEAM_SQL_MAX];
    (*w->conn)->engine->team->entangled(sql, w->crew->call->plan->team);
    bm__step step = {.sql = sql, .cancel = w->crew->stop, .end_ns = waits->end_ns};
    bm__step_until(&step, waits->limit, waits->limit_ms, waits->deadline_ns);
    bm__step_within(&step, "the statement timeout", BM__SHORT_MS);
    return ask(*w->conn, &step, yes, err);
}

/* With the lock held, which is let go meanwhile. */
static bm_status look_around(worker *w, const bm__step *waits, bm_error *err)
{
    crew *c = w->crew;
    bool entangled;
    pthread_mutex_unlock(&c->lock);
    bm_status status = ask_entangled(w, waits, &entangled, err);
    pthread_mutex_lock(&c->lock);
    if (status != BM_OK) {
        tell(c, w->index, BM__TEAM_FAILED);
    } else if (entangled && tell(c, 0, BM__TEAM_ENTANGLED)) {
        bm__fail(c->stopped, BM_RETRY, BM_STAGE_WRITE,
                 "workers wait for each other's rows, or for those of another call");
        c->stopped->retryable = true;
    }
    return status;
}

/* All are ready: what may still be said against the first COMMIT. */
static void settle(crew *c, const bm__step *step)
{
    bool late = step->deadline_ns != 0 && bm__now_ns() >= step->deadline_ns;
    bool cancelled = bm__cancelled(c->call->asked);
    if (!late && !cancelled) {
        tell(c, 0, BM__TEAM_SETTLED);
    } else if (tell(c, 0, BM__TEAM_STOPPED)) {
        (void)(cancelled ? bm__fail(c->stopped, BM_CANCELLED, BM_STAGE_COMMIT, "cancelled")
                         : bm__step_late(step, BM_STAGE_COMMIT, c->stopped));
    }
}

/* While it waits for the others: its own connection, the deadline, the server. */
static bm_status wait_for_others(worker *w, const bm__step *step, int64_t *ask_ns, bm_error *err)
{
    crew *c = w->crew;
    bm__conn *conn = *w->conn;
    if (bm__team_settles(c->team)) {
        settle(c, step);
        return BM_OK;
    }
    if (conn->transport->state(conn, true) == BM__CONN_CLOSED) {
        tell(c, w->index, BM__TEAM_FAILED);
        return bm__fail(err, BM_CONNECTION, BM_STAGE_COMMIT,
                        "the connection was lost while waiting for the other workers");
    }
    if (c->team->phase == BM__TEAM_OPEN && step->deadline_ns != 0 &&
        bm__now_ns() >= step->deadline_ns) {
        tell(c, w->index, BM__TEAM_FAILED);
        return bm__step_late(step, BM_STAGE_COMMIT, err);
    }
    if (bm__team_asks(c->team, w->index) && bm__now_ns() >= *ask_ns) {
        *ask_ns = bm__now_ns() + ASK_NS;
        return look_around(w, step, err);
    }
    wait_a_little(c);
    return BM_OK;
}

static bm_status ready(void *user, const bm__step *step, bm_error *err)
{
    worker *w = user;
    crew *c = w->crew;
    bm_status status = BM_OK;
    bm__team_todo todo = BM__TEAM_WAIT;
    int64_t ask_ns = bm__now_ns() + FIRST_ASK_NS;
    pthread_mutex_lock(&c->lock);
    tell(c, w->index, w->job->n_ranges > 0 ? BM__TEAM_READY : BM__TEAM_IDLE);
    while (status == BM_OK) {
        todo = bm__team_next(c->team, w->index);
        if (todo != BM__TEAM_WAIT) {
            break;
        }
        status = wait_for_others(w, step, &ask_ns, err);
    }
    if (status == BM_OK && todo == BM__TEAM_ROLL_BACK) {
        status = bm__fail(err, BM_CANCELLED, BM_STAGE_COMMIT, "%s",
                          w->job->n_ranges > 0 ? "another worker failed" : "it had no rows");
    }
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* No connection, or no thread: the job fails before anything is sent. */
static void stay_away(worker *w, const bm_error *err)
{
    bm__step step;
    bm__job_abort(w->job, err);
    (void)bm__job_next(w->job, &step);
    tell(w->crew, w->index, BM__TEAM_ABSENT);
}

static bm_status connect(worker *w, bm_error *err)
{
    if (*w->conn != NULL) {
        return BM_OK;
    }
    const bm__call *call = w->crew->call;
    bm__step limits = {.cancel = w->crew->late};
    bm__step_until(&limits, "the timeout", call->timeout_ms, call->deadline_ns);
    bm__step_until(&limits, "the limit for a further connection", ARRIVAL_MS, w->crew->arrival_ns);
    return bm__pool_fill(w->crew->db, &limits, w->conn, err);
}

static void *work(void *argument)
{
    worker *w = argument;
    crew *c = w->crew;
    bm_error err = BM_ERROR;
    const bm__meeting meeting = {
        .user = w, .begins = begins, .begun = begun, .ready = ready, .failed = failed};
    bm_status status = connect(w, &err);
    if (status == BM_OK) {
        bm__run_job(c->db, c->reports, w->job, *w->conn, &meeting);
    }
    pthread_mutex_lock(&c->lock);
    if (status != BM_OK) {
        stay_away(w, &err);
    } else if (w->job->phase == BM__PHASE_DONE) {
        tell(c, w->index, BM__TEAM_COMMITTED);
    } else {
        tell(c, w->index, failure_of(w));
    }
    c->n_running--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the calling thread */

static void enter(void *source)
{
    pthread_mutex_lock(source);
}

static void leave(void *source)
{
    pthread_mutex_unlock(source);
}

static size_t start(crew *c, worker *workers, bm__job *jobs, bm__conn **conns)
{
    bm_error err = BM_ERROR;
    size_t started = 0;
    pthread_mutex_lock(&c->lock);
    for (; started < c->team->n; started++) {
        worker *w = &workers[started];
        *w = (worker){.crew = c, .job = &jobs[started], .conn = &conns[started], .index = started};
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            break;
        }
        c->n_running++;
    }
    bm__fail(&err, BM_LIMIT, BM_STAGE_CHECK, "no thread could be started");
    for (size_t i = started; i < c->team->n; i++) { /* those that run do it all */
        workers[i] = (worker){.crew = c, .job = &jobs[i], .conn = &conns[i], .index = i};
        stay_away(&workers[i], &err);
    }
    pthread_mutex_unlock(&c->lock);
    return started;
}

static void watch(crew *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->n_running > 0) {
        if (bm__cancelled(c->call->asked) && tell(c, 0, BM__TEAM_STOPPED)) {
            bm__fail(c->stopped, BM_CANCELLED, BM_STAGE_WRITE, "cancelled");
        }
        if (bm__now_ns() >= c->arrival_ns && !bm__team_needs(c->team)) {
            bm_cancel_set(c->late);
        }
        wait_a_little(c);
    }
    pthread_mutex_unlock(&c->lock);
}

bm_status bm__workers_run(bm_db *db, bm__job *jobs, bm__conn **conns, size_t n, bm__call *call,
                          bm__reports *reports, bm__team *team, bm_error *stopped, bm_error *err)
{
    crew c = {.db = db,
              .reports = reports,
              .call = call,
              .team = team,
              .arrival_ns = bm__after_ms(ARRIVAL_MS),
              .stopped = stopped};
    bm__team_begin(team, n);
    worker *workers = calloc(n, sizeof *workers);
    bm_status status = crew_begin(&c, err);
    if (status == BM_OK && workers == NULL) {
        status = bm__no_memory(err);
    }
    if (status == BM_OK) {
        call->cancel = c.stop;
        call->guard = (bm__guard){.user = &c.source, .enter = enter, .leave = leave};
        size_t started = start(&c, workers, jobs, conns);
        watch(&c);
        for (size_t i = 0; i < started; i++) {
            pthread_join(workers[i].thread, NULL);
        }
        call->cancel = call->asked;
        call->guard = (bm__guard){0};
    }
    crew_end(&c);
    free(workers);
    return status;
}

bm_status bm__workers_allowed(bm__conn *conn, const bm__step *limits, bool *allowed, bm_error *err)
{
    bm__step step = *limits;
    bool serializable;
    step.sql = conn->engine->team->serializable;
    bm_status status = ask(conn, &step, &serializable, err);
    *allowed = !serializable;
    return status;
}
