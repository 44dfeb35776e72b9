/* What a call needs beside the caller's rows, each in a process of its own. */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A fifth of what Django's bulk_create needs for 100,000 rows. */
#define LIMIT_KB (63.0 * 1024 / 5)
#define LIMIT_ROWS 100000.0

static void create(bm_db *db, foo *rows, size_t n)
{
    bm_error err = BM_ERROR;
    check(bm_bulk_create(db, bm_structs(&foo_model, rows, n), NULL, NULL, &err), &err);
}

static void create_keys(bm_db *db, foo *rows, size_t n)
{
    bm_error err = BM_ERROR;
    check(bm_bulk_create(db, bm_structs(&foo_model, rows, n),
                         BM_OPTIONS(bm_bulk_create_options, .keys_into = rows), NULL, &err),
          &err);
}

static void update(bm_db *db, foo *rows, size_t n)
{
    bm_error err = BM_ERROR;
    check(bm_update_fields(db, bm_structs(&foo_model, rows, n),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), NULL,
                           &err),
          &err);
}

static long peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* A call of one row first: what the library needs in any case is not the rows'. */
static void in_child(const settings *given, const char *id,
                     void (*call)(bm_db *db, foo *rows, size_t n))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        PGconn *pg = server_connect(given->url);
        server_make_table(pg);
        bm_db *db = server_open(given->url);
        foo *rows = foo_rows(given->rows);
        call(db, rows, 1);
        long before = peak_kb();
        call(db, rows, given->rows);
        long kb = peak_kb() - before;
        printf("{\"id\": \"%s\", \"rows\": %zu, \"what\": \"peak kB above the caller's rows: a"
               " fifth of Django's\", \"limit\": %.0f, \"measured\": %ld}\n",
               id, given->rows, LIMIT_KB * (double)given->rows / LIMIT_ROWS, kb > 0 ? kb : 1);
        fflush(stdout);
        bm_close(db);
        PQfinish(pg);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        die("%s: the process failed", id);
    }
}

void row_memory(const settings *given)
{
    in_child(given, "memory_create", create);
    in_child(given, "memory_create_keys", create_keys);
    in_child(given, "memory_update", update);
}
