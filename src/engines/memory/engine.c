#include "engine.h"

#include <string.h>

static bool accepts(const char *url)
{
    return strncmp(url, "memory:", strlen("memory:")) == 0;
}

const bm__engine bm__engine_memory = {
    .name = "memory",
    .accepts = accepts,
    .has_copy = true,
    .one_writer = true,
    .small_rows = 1000,
    .hint_rows = SIZE_MAX,
    .load_rows = 1000000,
    .exec_rows = 20000,
    .stream_rows = 65536,
};
