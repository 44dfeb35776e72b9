#include "prefetch.h"

#include "interrupt.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static void *work(void *argument)
{
    cli_prefetch *prefetch = argument;
    cli_interrupt_mask(false);
    pthread_mutex_lock(&prefetch->lock);
    while (!prefetch->stop) {
        if (prefetch->wanted == NULL) {
            pthread_cond_wait(&prefetch->changed, &prefetch->lock);
            continue;
        }
        cli_chunk *chunk = prefetch->wanted;
        pthread_mutex_unlock(&prefetch->lock);
        bm_error err = BM_ERROR;
        bm_status status = prefetch->fill(prefetch->user, chunk, &err);
        pthread_mutex_lock(&prefetch->lock);
        prefetch->status = status;
        prefetch->err = err;
        prefetch->wanted = NULL;
        pthread_cond_broadcast(&prefetch->changed);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

bm_status cli_prefetch_start(cli_prefetch *prefetch, cli_fill fill, void *user, bm_error *err)
{
    prefetch->fill = fill;
    prefetch->user = user;
    pthread_mutex_init(&prefetch->lock, NULL);
    pthread_cond_init(&prefetch->changed, NULL);
    cli_interrupt_mask(true);
    if (pthread_create(&prefetch->thread, NULL, work, prefetch) != 0) {
        cli_interrupt_mask(false);
        return cli_fail(err, BM_LIMIT, "cannot start a thread");
    }
    prefetch->started = true;
    return BM_OK;
}

void cli_prefetch_want(cli_prefetch *prefetch, cli_chunk *chunk)
{
    pthread_mutex_lock(&prefetch->lock);
    prefetch->wanted = chunk;
    pthread_cond_broadcast(&prefetch->changed);
    pthread_mutex_unlock(&prefetch->lock);
}

bm_status cli_prefetch_wait(cli_prefetch *prefetch, bm_error *err)
{
    pthread_mutex_lock(&prefetch->lock);
    while (prefetch->wanted != NULL) {
        pthread_cond_wait(&prefetch->changed, &prefetch->lock);
    }
    bm_status status = prefetch->status;
    if (status != BM_OK) {
        memcpy(err->column, prefetch->err.column, sizeof err->column);
        (void)cli_fail(err, status, "%s", prefetch->err.message);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return status;
}

void cli_prefetch_stop(cli_prefetch *prefetch)
{
    if (!prefetch->started) {
        return;
    }
    pthread_mutex_lock(&prefetch->lock);
    prefetch->stop = true;
    bool reading = prefetch->wanted != NULL;
    pthread_cond_broadcast(&prefetch->changed);
    pthread_mutex_unlock(&prefetch->lock);
    for (bool ended = false; reading && !ended;) {
        struct timespec until;
        pthread_kill(prefetch->thread, SIGHUP); /* interrupts its read, as Ctrl-C does */
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        ended = pthread_timedjoin_np(prefetch->thread, NULL, &until) == 0;
    }
    if (!reading) {
        pthread_join(prefetch->thread, NULL);
    }
    cli_interrupt_mask(false);
    pthread_mutex_destroy(&prefetch->lock);
    pthread_cond_destroy(&prefetch->changed);
    prefetch->started = false;
}
