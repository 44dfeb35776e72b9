#include "workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* All others have written their rows, and nothing has moved for so long: the last one waits for a
 * row that another has locked, and would wait for ever. */
#define STUCK_SECONDS 60

typedef enum state { FREE, FULL, TAKEN } state;

typedef struct slot {
    cli_chunk chunk;
    state state;
} slot;

typedef struct team {
    const cli_batches *batches;
    bm_db *db;
    bm_cancel *token;
    size_t n;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    slot *slots; /* n + 2: one is read into, one holds a row that is half read */
    size_t n_slots;
    bool ended;       /* there are no more rows */
    bool failed;      /* and err says why */
    size_t n_ready;   /* workers that have written all they took */
    size_t turn;      /* the worker that may commit */
    size_t committed; /* workers that have, and that had rows */
    uint64_t rows;    /* written */
    bm_result sum;
    bm_error err;
} team;

typedef struct worker {
    team *team;
    size_t index;
    pthread_t thread;
} worker;

/* With the lock held.  The first failure is the one that is reported; the others stop. */
static void fail_locked(team *t, const bm_error *err)
{
    if (!t->failed) {
        t->failed = true;
        t->err = *err;
        bm_cancel_set(t->token);
    }
    pthread_cond_broadcast(&t->changed);
}

static void fail(team *t, const bm_error *err)
{
    pthread_mutex_lock(&t->lock);
    fail_locked(t, err);
    pthread_mutex_unlock(&t->lock);
}

/* A chunk to write; NULL when there is none any more. */
static slot *take(team *t)
{
    slot *found = NULL;
    pthread_mutex_lock(&t->lock);
    while (found == NULL && !t->failed) {
        for (size_t i = 0; i < t->n_slots && found == NULL; i++) {
            found = t->slots[i].state == FULL ? &t->slots[i] : NULL;
        }
        if (found == NULL && t->ended) {
            break;
        }
        if (found == NULL) {
            pthread_cond_wait(&t->changed, &t->lock);
        }
    }
    if (found != NULL) {
        found->state = TAKEN;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

static void give_back(team *t, slot *s, const bm_result *result)
{
    pthread_mutex_lock(&t->lock);
    cli_add_counts(&t->sum, result);
    t->rows += s->chunk.n;
    s->state = FREE;
    cli_progress_rows(t->batches->progress, t->rows, 0);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* A failure is found before the first worker commits, so deferred constraints are checked here. */
static bm_status write_chunks(team *t, bm_db *tx, bool *has_rows, bm_error *err)
{
    const cli_batches *b = t->batches;
    const cli_target *target = cli_source_target(b->source);
    for (slot *s = take(t); s != NULL; s = take(t)) {
        bm_result result = BM_RESULT;
        bm_rows rows = bm_structs(&target->model, s->chunk.rows, s->chunk.n);
        bm_status status = b->write(b->user, tx, rows, NULL, &result, err);
        if (status != BM_OK) {
            cli_chunk_locate(&s->chunk, target, err);
            return status;
        }
        give_back(t, s, &result);
        bm_result_clear(&result);
        *has_rows = true;
    }
    return *has_rows ? b->check(b->user, tx, err) : BM_OK;
}

/* Wait, with the lock, until something changes; a failure when nothing does. */
static void wait_for_others(team *t)
{
    struct timespec until;
    uint64_t rows = t->rows;
    size_t ready = t->n_ready;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STUCK_SECONDS;
    int timed_out = pthread_cond_timedwait(&t->changed, &t->lock, &until);
    if (timed_out != 0 && t->ended && !t->failed && rows == t->rows && ready == t->n_ready) {
        t->failed = true;
        (void)cli_fail(&t->err, BM_TIMEOUT,
                       "a worker waits for a row of another: a key is in the files twice, or rows "
                       "refer to each other; use one worker");
        bm_cancel_set(t->token);
        pthread_cond_broadcast(&t->changed);
    }
}

/* Is it this worker's turn to commit?  false: all roll back. */
static bool may_commit(team *t, size_t index)
{
    pthread_mutex_lock(&t->lock);
    t->n_ready++;
    pthread_cond_broadcast(&t->changed);
    while (!t->failed && t->n_ready < t->n) {
        wait_for_others(t);
    }
    while (!t->failed && t->turn != index) {
        pthread_cond_wait(&t->changed, &t->lock);
    }
    bool may = !t->failed;
    pthread_mutex_unlock(&t->lock);
    return may;
}

/* The next worker's turn comes only after this one's outcome is known: none commits after a
 * failure. */
static void commit(team *t, bm_db *tx, bool has_rows, bm_error *err)
{
    bm_status status = bm_commit(tx, err);
    pthread_mutex_lock(&t->lock);
    if (status == BM_OK || !has_rows) {
        t->committed += has_rows;
        t->turn++;
        pthread_cond_broadcast(&t->changed);
    } else {
        fail_locked(t, err);
    }
    pthread_mutex_unlock(&t->lock);
}

static void *work(void *argument)
{
    const worker *w = argument;
    team *t = w->team;
    bm_error err = BM_ERROR;
    bm_db *tx = NULL;
    bool has_rows = false;
    bm_status status = bm_begin(t->db, &tx, &err);
    if (status == BM_OK) {
        status = write_chunks(t, tx, &has_rows, &err);
    }
    if (status != BM_OK) {
        fail(t, &err);
    } else if (may_commit(t, w->index) && !t->batches->options->dry_run) {
        commit(t, tx, has_rows, &err);
        return NULL;
    }
    pthread_mutex_lock(&t->lock);
    t->turn += t->batches->options->dry_run;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    bm_rollback(tx);
    return NULL;
}

/* A place to read into, other than the one before; NULL when the team has failed. */
static slot *free_slot(team *t, const slot *before)
{
    slot *found = NULL;
    pthread_mutex_lock(&t->lock);
    while (found == NULL && !t->failed) {
        for (size_t i = 0; i < t->n_slots && found == NULL; i++) {
            slot *s = &t->slots[i];
            found = s->state == FREE && s != before ? s : NULL;
        }
        if (found == NULL) {
            pthread_cond_wait(&t->changed, &t->lock);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

/* On the calling thread: the files, until their end or a failure. */
static void read_chunks(team *t)
{
    bm_error err = BM_ERROR;
    bool ended = false;
    for (slot *s = free_slot(t, NULL); s != NULL && !ended; s = free_slot(t, s)) {
        if (cli_source_fill(t->batches->source, &s->chunk, t->batches->rows, &err) != BM_OK) {
            fail(t, &err);
            return;
        }
        ended = s->chunk.n == 0;
        pthread_mutex_lock(&t->lock);
        s->state = ended ? FREE : FULL;
        t->ended = ended;
        pthread_cond_broadcast(&t->changed);
        pthread_mutex_unlock(&t->lock);
    }
}

/* Signals are for the thread that reads: a read that waits must end. */
static size_t start(team *t, worker *workers)
{
    sigset_t all;
    sigset_t before;
    size_t n = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; n < t->n; n++) {
        workers[n] = (worker){.team = t, .index = n};
        if (pthread_create(&workers[n].thread, NULL, work, &workers[n]) != 0) {
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

static bm_status outcome(team *t, bm_result *result, bm_error *err)
{
    if (!t->failed) {
        cli_add_counts(result, &t->sum);
        return BM_OK;
    }
    *err = t->err;
    if (t->committed > 0) {
        err->status = BM_PARTIAL;
        err->fate = BM_FATE_PARTIAL;
    } else if (err->fate != BM_FATE_UNKNOWN) {
        err->fate = BM_FATE_ROLLED_BACK;
    }
    return err->status;
}

bm_status cli_workers_run(const cli_batches *batches, bm_db *db, size_t n, bm_cancel *token,
                          bm_result *result, bm_error *err)
{
    team t = {.batches = batches,
              .db = db,
              .token = token,
              .n = n,
              .n_slots = n + 2,
              .lock = PTHREAD_MUTEX_INITIALIZER,
              .changed = PTHREAD_COND_INITIALIZER,
              .sum = BM_RESULT,
              .err = BM_ERROR};
    worker *workers = calloc(n, sizeof *workers);
    t.slots = calloc(t.n_slots, sizeof *t.slots);
    bool room = workers != NULL && t.slots != NULL;
    bm_status status = room ? BM_OK : cli_no_memory(err);
    size_t started = room ? start(&t, workers) : 0;
    if (room && started < n) {
        (void)cli_fail(err, BM_LIMIT, "no thread could be started");
        fail(&t, err);
    } else if (room) {
        read_chunks(&t);
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    if (room) {
        status = outcome(&t, result, err);
    }
    for (size_t i = 0; t.slots != NULL && i < t.n_slots; i++) {
        cli_chunk_free(&t.slots[i].chunk);
    }
    free(t.slots);
    free(workers);
    return status;
}
