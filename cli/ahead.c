#include "ahead.h"

#include "interrupt.h"

#include <signal.h>
#include <time.h>

static void *work(void *argument)
{
    cli_ahead *a = argument;
    cli_interrupt_mask(false);
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        if (a->wanted == NULL) {
            pthread_cond_wait(&a->changed, &a->lock);
            continue;
        }
        cli_chunk *chunk = a->wanted;
        pthread_mutex_unlock(&a->lock);
        bm_error err = BM_ERROR;
        bm_status status = a->fill(a->user, chunk, &err);
        pthread_mutex_lock(&a->lock);
        a->status = status;
        a->err = err;
        a->wanted = NULL;
        pthread_cond_broadcast(&a->changed);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

bm_status cli_ahead_start(cli_ahead *ahead, cli_fill fill, void *user, bm_error *err)
{
    ahead->fill = fill;
    ahead->user = user;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->changed, NULL);
    cli_interrupt_mask(true);
    if (pthread_create(&ahead->thread, NULL, work, ahead) != 0) {
        cli_interrupt_mask(false);
        return cli_fail(err, BM_LIMIT, "no thread could be started");
    }
    ahead->started = true;
    return BM_OK;
}

void cli_ahead_want(cli_ahead *ahead, cli_chunk *chunk)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->wanted = chunk;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
}

bm_status cli_ahead_wait(cli_ahead *ahead, bm_error *err)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->wanted != NULL) {
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    }
    bm_status status = ahead->status;
    if (status != BM_OK) {
        (void)cli_fail(err, status, "%s", ahead->err.message);
    }
    pthread_mutex_unlock(&ahead->lock);
    return status;
}

void cli_ahead_stop(cli_ahead *ahead)
{
    if (!ahead->started) {
        return;
    }
    pthread_mutex_lock(&ahead->lock);
    ahead->stop = true;
    bool reading = ahead->wanted != NULL;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    for (bool ended = false; reading && !ended;) {
        struct timespec until;
        pthread_kill(ahead->thread,
                     SIGHUP); /* as if the user had ended it: nobody wants its rows */
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        ended = pthread_timedjoin_np(ahead->thread, NULL, &until) == 0;
    }
    if (!reading) {
        pthread_join(ahead->thread, NULL);
    }
    cli_interrupt_mask(false);
    pthread_mutex_destroy(&ahead->lock);
    pthread_cond_destroy(&ahead->changed);
    ahead->started = false;
}
