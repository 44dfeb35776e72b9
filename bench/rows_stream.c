/* Rows from a source: the memory that a call needs must not grow with their number. */
#include "server.h"

#include <stdio.h>
#include <sys/resource.h>

typedef struct source {
    size_t left;
    int32_t value;
} source;

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    source *s = user;
    foo *at = rows;
    (void)err;
    *n = s->left < capacity ? s->left : capacity;
    for (size_t i = 0; i < *n; i++) {
        at[i].name = "ABCDEFGHIJKLMNOPQRSTUVWXY";
        at[i].value = s->value++;
    }
    s->left -= *n;
    return BM_OK;
}

void row_stream(const settings *given)
{
    PGconn *pg = server_connect(given->url);
    server_make_table(pg);
    bm_db *db = server_open(given->url);
    source s = {.left = given->rows};
    bm_source from = {.size = sizeof from, .user = &s, .next = next};
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    double cpu = cpu_now();
    double wall = wall_now();
    check(bm_bulk_create(db, bm_stream(&foo_model, &from), NULL, &result, &err), &err);
    wall = wall_now() - wall;
    cpu = cpu_now() - cpu;
    if (result.inserted != given->rows) {
        die("%llu rows inserted", (unsigned long long)result.inserted);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"id\": \"stream\", \"rows\": %zu, \"rss_kb\": %ld, \"wall\": %.6f, \"cpu\": %.6f}\n",
           given->rows, usage.ru_maxrss, wall, cpu);
    server_execute(pg, "DROP TABLE foo");
    bm_close(db);
    PQfinish(pg);
}
