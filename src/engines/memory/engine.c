/* It is told what a PostgreSQL server would be told, and knows no table. */
#include "postgresql.h"

#include <string.h>

static bool accepts(const char *url)
{
    return strncmp(url, "memory:", strlen("memory:")) == 0;
}

const bm__engine bm__engine_memory = {
    .name = "memory",
    .urls = "memory:",
    .accepts = accepts,
    .has_copy = true,
    .has_privileges = true,
    .one_writer = true,
    .small_rows = 1000,
    .hint_rows = SIZE_MAX,
    .load_rows = 1000000,
    .exec_rows = 20000,
    .stream_rows = 65536,
    .says_stale = bm__postgresql_says_stale,
    .says_moved = bm__postgresql_says_moved,
    .says_passing = bm__postgresql_says_passing,
    .dialect = &bm__postgresql_dialect,
    .copy_in = bm__postgresql_copy_in,
    .copy_out = bm__postgresql_copy_out,
    .reserve = bm__postgresql_reserve,
    .own_key = bm__postgresql_own_key,
};
