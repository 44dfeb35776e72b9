#include "postgresql.h"

#include <string.h>

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A URL, or libpq's key=value string. */
static bool accepts(const char *url)
{
    bool scheme = begins(url, "postgresql:") || begins(url, "postgres:");
    bool keywords = strchr(url, '=') != NULL && strchr(url, ':') == NULL;
    return scheme || keywords || begins(url, "host=") || begins(url, "service=") ||
           begins(url, "dbname=") || begins(url, "user=");
}

/* small_rows: measured on PostgreSQL 15, keys back: one statement wins below about 1,000 rows. */
const bm__engine bm__engine_postgresql = {
    .name = "postgresql",
    .accepts = accepts,
    .has_copy = true,
    .has_hints = true,
    .defers = true,
    .has_arrays = true,
    .tells_commits = true,
    .small_rows = 1000,
    .hint_rows = 300,
    .load_rows = 1000000,
    .exec_rows = 20000,
    .stream_rows = 65536,
    .ask = bm__postgresql_ask,
    .ask_same = bm__postgresql_ask_same,
    .verify = bm__postgresql_verify,
    .type_of = bm__postgresql_type_of,
};
