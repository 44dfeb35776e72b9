/* Memory that is given back all at once.  A zeroed arena is empty and valid. */
#ifndef BM_BASE_ARENA_H
#define BM_BASE_ARENA_H

#include "bulkmodel.h"

typedef struct bm__arena {
    struct bm__arena_page *page;
} bm__arena;

/* `size` bytes, aligned for any type, not zeroed; NULL when there is no memory. */
void *bm__arena_alloc(bm__arena *arena, size_t size);

/* A copy of `size` bytes with a NUL behind them. */
char *bm__arena_copy(bm__arena *arena, const void *data, size_t size);

/* `count * size` bytes, zeroed; NULL on overflow too. */
void *bm__arena_array(bm__arena *arena, size_t count, size_t size);

void bm__arena_free(bm__arena *arena);

#endif
