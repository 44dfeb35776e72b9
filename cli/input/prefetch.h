/*
 * A thread that reads the next chunk while the library writes the one before: the database does
 * not wait for a parser.
 */
#ifndef CLI_PREFETCH_H
#define CLI_PREFETCH_H

#include "chunk.h"

#include <pthread.h>

/* Fill a chunk; called on the thread. */
typedef bm_status (*cli_fill)(void *user, cli_chunk *chunk, bm_error *err);

typedef struct cli_prefetch {
    cli_fill fill;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    cli_chunk *wanted; /* to be filled; NULL: the thread waits */
    bool stop;
    bool started;
    bm_status status; /* of the last one */
    bm_error err;
} cli_prefetch;

/* Start the thread.  From here on signals are handled by it, since it is the one whose read must
 * end. */
bm_status cli_prefetch_start(cli_prefetch *prefetch, cli_fill fill, void *user, bm_error *err);

/* Let a chunk be filled; the one before must have been waited for. */
void cli_prefetch_want(cli_prefetch *prefetch, cli_chunk *chunk);

/* Wait until it is. */
bm_status cli_prefetch_wait(cli_prefetch *prefetch, bm_error *err);

/* End the thread, even one that waits for input.  A zeroed one is legal. */
void cli_prefetch_stop(cli_prefetch *prefetch);

#endif
