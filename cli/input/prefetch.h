/*
 * A thread that reads the next chunk while the library writes the current one, so that the database
 * does not wait for the parser.
 */
#ifndef CLI_PREFETCH_H
#define CLI_PREFETCH_H

#include "chunk.h"

#include <pthread.h>

/* Fills a chunk.  Called on the thread. */
typedef bm_status (*cli_fill)(void *user, cli_chunk *chunk, bm_error *err);

typedef struct cli_prefetch {
    cli_fill fill;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    cli_chunk *wanted; /* the chunk to fill; NULL: the thread waits */
    bool stop;
    bool started;
    bm_status status; /* of the last chunk */
    bm_error err;
} cli_prefetch;

/* Start the thread.  It handles signals from now on, because its read must be interrupted. */
bm_status cli_prefetch_start(cli_prefetch *prefetch, cli_fill fill, void *user, bm_error *err);

/* Request that a chunk is filled.  Wait for the previous one first. */
void cli_prefetch_want(cli_prefetch *prefetch, cli_chunk *chunk);

/* Wait until it is filled. */
bm_status cli_prefetch_wait(cli_prefetch *prefetch, bm_error *err);

/* Stop the thread, even if it waits for input.  A zeroed struct is legal. */
void cli_prefetch_stop(cli_prefetch *prefetch);

#endif
