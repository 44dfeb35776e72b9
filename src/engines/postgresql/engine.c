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

const bm__engine bm__engine_postgresql = {
    .name = "postgresql",
    .urls = "postgresql:, postgres:, host=",
    .accepts = accepts,
    .has_arrays = true,
    .sets_lock_timeout = true,
    .hint_rows = 300,
    .ask = bm__postgresql_ask,
    .ask_stage = bm__postgresql_ask_stage,
    .ask_stage_sql = bm__postgresql_ask_stage_sql,
    .constraints = bm__postgresql_constraints,
    .lookup_settings = "SET LOCAL jit = off", /* many cheap lookups look dear to the planner */
    .refuse = bm__postgresql_refuse,
    .ask_same = bm__postgresql_ask_same,
    .ask_types = bm__postgresql_ask_types,
    .set_read_only = "SET TRANSACTION READ ONLY",
    .verify = bm__postgresql_verify,
    .hint = bm__postgresql_hint,
    .unhint = bm__postgresql_unhint,
    .join_there = bm__postgresql_join_there,
    .join_here = bm__postgresql_join_here,
    .settle = bm__postgresql_settle,
    .read_only = bm__postgresql_read_only,
    .commits = &bm__postgresql_commits,
    .team = &bm__postgresql_team,
    .of_shard = bm__postgresql_of_shard,
    .sequence = bm__postgresql_sequence,
    BM__POSTGRESQL_STATEMENTS,
};
