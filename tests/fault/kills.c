/*
 * Processes that are killed at a random time during a call: a backend is terminated or killed, the
 * client is killed, the server is stopped at once and started again.  What the call reported must
 * not contradict the table (scoreboard B-05, B-08).
 *
 *     test_fault_kills [KILLS [SEED [MODE]]]      as many kills that met a call, 16 without
 *                                                 an argument
 *
 * With a MODE the connections are those of a PgBouncer with that pool_mode.
 *
 * Kill number i has the seed SEED + i; the time of a call, of which a random part passes before the
 * kill, is measured first.
 */
#include "bouncer.h"
#include "loads.h"
#include "restart.h"
#include "world.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 16, LONGEST_S = 60, WORKERS = 8, FIRST_SEED = 1000 };

typedef enum victim { BACKEND, CLIENT, SERVER, BACKEND_CRASHES, VICTIMS } victim;
static const char *const names[] = {"backend terminated", "client killed", "server restarted",
                                    "backend killed"};
/* A restart takes long, so it is rarer. */
static const victim order[] = {BACKEND, CLIENT,  BACKEND, CLIENT,
                               SERVER,  BACKEND, CLIENT,  BACKEND_CRASHES};

static oracle o;
static bm_db *db;
static const char *mode; /* of PgBouncer, or NULL */
static bouncer *pooler;
static char where[512];
static load_row rows[LOAD_ROWS_MAX];
static int64_t us_of[32]; /* the time of each call, when nothing is killed */
static int32_t batch;
static long kills = KILLS, n_kills[VICTIMS], n_wrong;
static uint32_t first_seed = FIRST_SEED;

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void pause_us(int64_t us)
{
    const struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

static claim claim_of(const load_call *call)
{
    return (claim){batch, call->n, call->before, call->after};
}

static void without_a_kill(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_load_calls; i++) {
        for (int time = 0; time < 2; time++) {
            bm_error err = BM_ERROR;
            bm_result result = BM_RESULT;
            load_prepare(&o, &load_calls[i], rows, ++batch);
            int64_t begun = now_us();
            bm_status status = load_calls[i].run(db, rows, load_calls[i].n, batch, &result, &err);
            us_of[i] = now_us() - begun;
            assert_int_equal(status, BM_OK);
            assert_true(oracle_judge(&o, claim_of(&load_calls[i]), status, &err, &result));
            bm_result_clear(&result);
        }
    }
}

/* ------------------------------------------------------------------------------- on the server */

typedef struct killer {
    victim victim;
    int64_t after_us;
    PGconn *conn;
    server *server;
    atomic_bool over; /* the call has ended */
    bool met;         /* it had not when the kill came */
    bool restarts;    /* the server does */
} killer;

static bool kill_backend(killer *k)
{
    char sql[300];
    bool crash = k->victim == BACKEND_CRASHES;
    snprintf(sql, sizeof sql,
             "SELECT pid, %s FROM (SELECT pid FROM pg_stat_activity WHERE application_name = '%s'"
             " AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT 1) b",
             crash ? "true" : "pg_terminate_backend(pid)", o.schema);
    PGresult *found = PQexec(k->conn, sql);
    bool any = PQntuples(found) == 1;
    if (any && crash) {
        kill((pid_t)strtol(PQgetvalue(found, 0, 0), NULL, 10), SIGKILL);
    }
    PQclear(found);
    return any;
}

static void *kill_later(void *context)
{
    killer *k = context;
    pause_us(k->after_us);
    bool in_time = !atomic_load(&k->over);
    if (k->victim == SERVER) {
        server_stop_at_once(k->server);
        k->met = in_time;
        server_start_again(k->server);
        k->restarts = true;
    } else {
        bool killed = kill_backend(k);
        k->met = killed && in_time;
        k->restarts = killed && k->victim == BACKEND_CRASHES;
    }
    return NULL;
}

static bool one_on_the_server(victim who, const load_call *call, int64_t after_us)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    pthread_t thread;
    killer k = {.victim = who, .after_us = after_us};
    load_prepare(&o, call, rows, ++batch);
    k.conn = psql_open(NULL);
    k.server = server_of(o.conn);
    assert_int_equal(pthread_create(&thread, NULL, kill_later, &k), 0);
    alarm(LONGEST_S);
    bm_status status = call->run(db, rows, call->n, batch, &result, &err);
    alarm(0);
    atomic_store(&k.over, true);
    pthread_join(thread, NULL);
    PQfinish(k.conn);
    server_forget(k.server);
    if (k.restarts) {
        oracle_reconnect(&o);
    }
    bool right = oracle_judge(&o, claim_of(call), status, &err, &result);
    bm_result_clear(&result);
    bm_close(db);
    db = load_open(where, &o, 0);
    n_kills[who] += k.met;
    return right;
}

/* --------------------------------------------------------------------------------- the client */

typedef struct report {
    bm_status status;
    bm_fate fate;
} report;

/* The child's side: "begun", and, if it lives, what became of the call. */
static void run_child(const load_call *call, int to)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bm_db *own = load_open(where, &o, 0);
    char byte = 'b';
    ssize_t n = write(to, &byte, 1);
    report made = {.status = call->run(own, rows, call->n, batch, &result, &err)};
    made.fate = err.fate;
    n += write(to, &made, sizeof made);
    _exit(n > 0 ? 0 : 1);
}

static bool one_client(const load_call *call, int64_t after_us)
{
    int ends[2];
    char byte;
    report made;
    load_prepare(&o, call, rows, ++batch);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_child(call, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    pause_us(after_us);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    bool told = read(ends[0], &made, sizeof made) == (ssize_t)sizeof made;
    close(ends[0]);
    n_kills[CLIENT] += !told;
    if (told && made.status == BM_OK) {
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        return oracle_judge(&o, claim_of(call), made.status, &err, &result);
    }
    return oracle_judge_silent(&o, claim_of(call), call->workers);
}

/* ------------------------------------------------------------------------------------ the loop */

static long all_kills(void)
{
    long n = 0;
    for (int i = 0; i < VICTIMS; i++) {
        n += n_kills[i];
    }
    return n;
}

static bool one_kill(uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    victim who = order[seed % (sizeof order / sizeof order[0])];
    next_random(&state);
    /* Every other load is by several workers. */
    size_t which = next_random(&state) % 2 == 0 ? 6 * (next_random(&state) % 2)
                                                : next_random(&state) % n_load_calls;
    const load_call *call = &load_calls[which];
    int64_t after_us = next_random(&state) % (us_of[which] * 21 / 20 + 1);
    bool right =
        who == CLIENT ? one_client(call, after_us) : one_on_the_server(who, call, after_us);
    if (!right) {
        fprintf(stderr, "    seed %u: %s, %s after %lld us of %lld\n", (unsigned)seed, call->name,
                names[who], (long long)after_us, (long long)us_of[which]);
    }
    return right;
}

static void at_a_random_time(void **state)
{
    (void)state;
    for (uint32_t seed = first_seed; all_kills() < kills; seed++) {
        n_wrong += !one_kill(seed);
    }
    assert_int_equal(n_wrong, 0);
}

static int set_up(void **state)
{
    (void)state;
    load_workers = WORKERS;
    oracle_begin(&o);
    snprintf(where, sizeof where, "%s", test_postgresql());
    if (mode != NULL) {
        pooler = load_pooler(&o, mode);
        snprintf(where, sizeof where, "host=%s port=6432 user=%s dbname=%s", bouncer_folder(pooler),
                 PQuser(o.conn), PQdb(o.conn));
    }
    db = load_open(where, &o, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    if (pooler != NULL) {
        bouncer_stop(pooler);
    }
    oracle_end(&o);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_kill),
                                       cmocka_unit_test(at_a_random_time)};
    kills = argc > 1 ? strtol(argv[1], NULL, 10) : KILLS;
    first_seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : FIRST_SEED;
    mode = argc > 3 ? argv[3] : NULL;
    int failed = cmocka_run_group_tests_name("fault_kills", tests, set_up, tear_down);
    print_message("# B-08: %ld kills%s%s, %ld contradict the table (", all_kills(),
                  mode != NULL ? " behind PgBouncer by " : "", mode != NULL ? mode : "", n_wrong);
    for (int i = 0; i < VICTIMS; i++) {
        print_message("%s%s %ld", i > 0 ? ", " : "", names[i], n_kills[i]);
    }
    print_message("); %lld unknown, %lld partial\n", (long long)o.n_unknown,
                  (long long)o.n_partial);
    return oracle_report(&o) ? failed : 1;
}
