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
    .urls = "postgresql:, postgres:, host=",
    .accepts = accepts,
    .has_copy = true,
    .has_privileges = true,
    .defers = true,
    .has_arrays = true,
    .sets_lock_timeout = true,
    .small_rows = 1000,
    .hint_rows = 300,
    .load_rows = 1000000,
    .exec_rows = 20000,
    .stream_rows = 65536,
    .ask = bm__postgresql_ask,
    .ask_same = bm__postgresql_ask_same,
    .verify = bm__postgresql_verify,
    .type_of = bm__postgresql_type_of,
    .says_stale = bm__postgresql_says_stale,
    .says_moved = bm__postgresql_says_moved,
    .says_passing = bm__postgresql_says_passing,
    .dialect = &bm__postgresql_dialect,
    .copy_in = bm__postgresql_copy_in,
    .copy_out = bm__postgresql_copy_out,
    .reserve = bm__postgresql_reserve,
    .own_key = bm__postgresql_own_key,
    .hint = bm__postgresql_hint,
    .unhint = bm__postgresql_unhint,
    .commits = &bm__postgresql_commits,
    .team = &bm__postgresql_team,
    .sequence = bm__postgresql_sequence,
};
