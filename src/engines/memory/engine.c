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
    .one_writer = true,
    .hint_rows = SIZE_MAX,
    BM__POSTGRESQL_STATEMENTS,
};
