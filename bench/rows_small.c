/* bulk_create of few rows, keys back, against one INSERT written by hand. */
#include "floor.h"
#include "server.h"

#include <stdio.h>

#define REPEATS_MAX 200

typedef struct small {
    PGconn *pg;
    bm_db *db;
    foo *rows;
    size_t n, repeats;
} small;

static void empty(void *context)
{
    const small *s = context;
    server_empty(s->pg);
}

static void ours(void *context)
{
    const small *s = context;
    for (size_t i = 0; i < s->repeats; i++) {
        bm_error err = BM_ERROR;
        check(bm_bulk_create(s->db, bm_structs(&foo_model, s->rows, s->n),
                             BM_OPTIONS(bm_bulk_create_options, .keys_into = s->rows), NULL, &err),
              &err);
    }
}

static void by_hand(void *context)
{
    const small *s = context;
    for (size_t i = 0; i < s->repeats; i++) {
        floor_pg_insert(s->pg, s->rows, s->n);
    }
}

void row_pg_small(const settings *given)
{
    static const char *const ids[] = {"pg_small_1", "pg_small_10", "pg_small_100", "pg_small_1000"};
    small s = {.pg = server_connect(given->url), .n = 1};
    server_make_table(s.pg);
    s.db = server_open(given->url);
    s.rows = foo_rows(1000);
    contest_measures(s.pg);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++, s.n *= 10) {
        char contender[80];
        s.repeats = s.n < 100 ? REPEATS_MAX : 20000 / s.n;
        snprintf(contender, sizeof contender, "INSERT FROM unnest RETURNING by hand, %zu calls",
                 s.repeats);
        contest_run(&(contest){ids[i], contender, s.n, &s, empty, ours, by_hand}, given);
    }
    bm_close(s.db);
    PQfinish(s.pg);
}
