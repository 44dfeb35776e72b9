/*
 * Loads by eight workers for a long time, with faults all along: connections cut at a random byte,
 * backends terminated.  Each call is judged; memory, descriptors and threads stay as they were
 * after the first quarter (scoreboard B-05, B-21).
 *
 *     test_fault_soak [SECONDS [SEED]]      5 without an argument
 */
#include "cutter.h"
#include "loads.h"
#include "world.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    SECONDS = 5,
    LONGEST_S = 60,
    WORKERS = 8,
    FAULT_MS = 500,         /* on average */
    CALLS_OF_A_TABLE = 200, /* then it is emptied */
    MORE_KIB = 2048         /* of memory that may be in use by chance */
};

/* AddressSanitizer keeps what is freed for a while, and finds leaks by itself. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SHOWS_LEAKS 0
#else
#define SHOWS_LEAKS 1
#endif

typedef struct usage {
    long kib, descriptors, threads;
} usage;

static oracle o;
static cutter *front;
static bm_db *db;
static load_row rows[LOAD_ROWS_MAX];
static long seconds = SECONDS;
static uint32_t seed = 1;
static atomic_bool over;
static long n_terminated, n_cut, n_calls, n_wrong;
static usage first, last;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static long entries(const char *folder)
{
    long n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n - 2; /* . and .. */
}

/* A sanitizer keeps what was freed: what counts is what was not. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_FREED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEPS_FREED 1
#endif
#endif

#ifdef KEEPS_FREED
size_t __sanitizer_get_current_allocated_bytes(void);

static long kib_in_use(void)
{
    return (long)(__sanitizer_get_current_allocated_bytes() / 1024);
}
#else
static long kib_in_use(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
#endif

static usage used(void)
{
    return (usage){kib_in_use(), entries("/proc/self/fd"), entries("/proc/self/task")};
}

static void most(usage *of, usage other)
{
    of->kib = of->kib > other.kib ? of->kib : other.kib;
    of->descriptors = of->descriptors > other.descriptors ? of->descriptors : other.descriptors;
    of->threads = of->threads > other.threads ? of->threads : other.threads;
}

/* Backends die while calls run. */
static void *terminate(void *context)
{
    uint32_t state = seed;
    PGconn *conn = psql_open(NULL);
    (void)context;
    while (!atomic_load(&over)) {
        char sql[200];
        uint32_t ms = next_random(&state) % (2 * FAULT_MS);
        const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        snprintf(sql, sizeof sql,
                 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name = '%s' AND state <> 'idle' LIMIT 1",
                 o.schema);
        PGresult *found = PQexec(conn, sql);
        n_terminated += PQntuples(found);
        PQclear(found);
    }
    PQfinish(conn);
    return NULL;
}

static void one_call(uint32_t *state, int32_t batch)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bool has_cut = false;
    const load_call *call = &load_calls[next_random(state) % n_load_calls];
    int64_t at = next_random(state) % 16 == 0 ? (int64_t)(next_random(state) % 200000) : -1;
    load_prepare(&o, call, rows, batch);
    cutter_arm(front, (cut){.bytes = at, .all = next_random(state) % 2 == 0});
    alarm(LONGEST_S);
    bm_status status = call->run(db, rows, call->n, batch, &result, &err);
    alarm(0);
    cutter_disarm(front, &has_cut);
    n_cut += has_cut;
    n_calls++;
    claim what = {batch, call->n, call->before, call->after};
    if (!oracle_judge(&o, what, status, &err, &result)) {
        fprintf(stderr, "    %s\n", call->name);
        n_wrong++;
    }
    bm_result_clear(&result);
}

static void for_a_long_time(void **unused)
{
    uint32_t state = seed + 1;
    pthread_t thread;
    double begun = now();
    (void)unused;
    assert_int_equal(pthread_create(&thread, NULL, terminate, NULL), 0);
    for (int32_t batch = 1; now() - begun < (double)seconds; batch++) {
        one_call(&state, batch);
        if (batch % CALLS_OF_A_TABLE == 0) {
            psql_run(o.conn, "TRUNCATE load");
        }
        bool early = now() - begun < (double)seconds / 4;
        most(early ? &first : &last, used());
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    assert_int_equal(n_wrong, 0);
    assert_true(n_terminated + n_cut > 0);
    assert_true(last.descriptors <= first.descriptors);
    assert_true(last.threads <= first.threads);
    assert_true(!SHOWS_LEAKS || last.kib <= first.kib + first.kib / 20 + MORE_KIB);
}

static int set_up(void **state)
{
    char where[512];
    (void)state;
    load_workers = WORKERS;
    oracle_begin(&o);
    front = cutter_start(PQhost(o.conn), PQport(o.conn));
    snprintf(where, sizeof where, "host=%s port=5434 user=%s dbname=%s", cutter_folder(front),
             PQuser(o.conn), PQdb(o.conn));
    db = load_open(where, &o, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    cutter_stop(front);
    oracle_end(&o);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_a_long_time)};
    seconds = argc > 1 ? strtol(argv[1], NULL, 10) : SECONDS;
    seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    int failed = cmocka_run_group_tests_name("fault_soak", tests, set_up, tear_down);
    print_message("# B-21: %ld s, %ld calls by up to %d workers, %ld cuts and %ld backends"
                  " terminated (%ld a minute), %ld wrong; memory %ld to %ld KiB, descriptors %ld to"
                  " %ld, threads %ld to %ld\n",
                  seconds, n_calls, WORKERS, n_cut, n_terminated,
                  (n_cut + n_terminated) * 60 / seconds, n_wrong, first.kib, last.kib,
                  first.descriptors, last.descriptors, first.threads, last.threads);
    return oracle_report(&o) ? failed : 1;
}
