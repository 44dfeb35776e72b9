#include "dialect.h"

#include <string.h>

/* What SQLite is under every driver: one writer, no round trip to save, its own way to store. */
#define SQLITE                                                                                     \
    .one_writer = true, .stores_lite = true, .small_rows = SIZE_MAX, .hint_rows = SIZE_MAX,        \
    .load_rows = 1000000, .exec_rows = 1000000, .stream_rows = 65536

/* small_rows: measured on PostgreSQL 15, keys back: one statement wins below about 1,000 rows. */
static const bm__dialect dialects[] = {
    {
        .name = "postgresql",
        .has_copy = true,
        .has_catalog = true,
        .has_hints = true,
        .defers = true,
        .has_arrays = true,
        .tells_commits = true,
        .small_rows = 1000,
        .hint_rows = 300,
        .load_rows = 1000000,
        .exec_rows = 20000,
        .stream_rows = 65536,
    },
    {
        .name = "sqlite",
        .reads_batch = true,
        .has_catalog = true,
        SQLITE,
    },
    /* SQLite under a driver that owns the connection: one statement makes keys and tells them. */
    {
        .name = "sqlite-table",
        .reads_batch = true,
        .returns_keys = true,
        SQLITE,
    },
    {
        .name = "sqlite-rows",
        .binds_rows = true,
        .returns_keys = true,
        SQLITE,
    },
    {
        .name = "memory",
        .has_copy = true,
        .one_writer = true,
        .small_rows = 1000,
        .hint_rows = SIZE_MAX,
        .load_rows = 1000000,
        .exec_rows = 20000,
        .stream_rows = 65536,
    },
};

const bm__dialect *bm__dialect_named(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        if (strcmp(dialects[i].name, name) == 0) {
            return &dialects[i];
        }
    }
    return NULL;
}
