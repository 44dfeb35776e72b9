/*
 * The system calls and allocations of libpq and SQLite fail: send, recv, poll, malloc; write and
 * fsync of files.  This program stands before libc's functions, so the shared libraries call it.
 * What the call reports must not contradict the table, and it ends at its timeout (scoreboard
 * B-03).
 *
 *     test_fault_shims [EVERY]      every so many-th call of each function, 40 without an argument
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT, dladdr */
#endif

#include "loads.h"
#include "world.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVERY = 40, LONGEST_S = 60, TIMEOUT_MS = 5000, MANY = 1200 };

typedef enum what { NOTHING, SEND, RECV, POLL, MALLOC, WRITE, SYNC, WHATS } what;
static const char *const names[] = {"", "send", "recv", "poll", "malloc", "write", "fsync"};

static atomic_int watched;
static atomic_long left;
static atomic_bool sticky, failed;
static oracle o;
static load_row rows[LOAD_ROWS_MAX];
static int32_t batch;
static long every = EVERY, n_failures[WHATS], n_wrong;
static double longest;

/* ------------------------------------------------------------------------ before the functions */

static bool fails(what of)
{
    if (atomic_load(&watched) != (int)of) {
        return false;
    }
    if (atomic_load(&failed)) {
        return atomic_load(&sticky);
    }
    bool now = atomic_fetch_sub(&left, 1) == 1;
    if (now) {
        atomic_store(&failed, true);
    }
    return now;
}

/* The next function of this name, as a pointer to it. */
#define NEXT(name_)                                                                                \
    static __typeof__(&name_) next_##name_;                                                        \
    if (next_##name_ == NULL) {                                                                    \
        void *found = dlsym(RTLD_NEXT, #name_);                                                    \
        memcpy(&next_##name_, &found, sizeof found);                                               \
    }

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    NEXT(send)
    if (fails(SEND)) {
        errno = ECONNRESET;
        return -1;
    }
    return next_send(fd, bytes, size, flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    NEXT(recv)
    if (fails(RECV)) {
        errno = ECONNRESET;
        return -1;
    }
    return next_recv(fd, bytes, size, flags);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    NEXT(poll)
    if (fails(POLL)) {
        errno = ENOMEM;
        return -1;
    }
    return next_poll(fds, n, timeout);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    NEXT(pwrite64)
    if (fails(WRITE)) {
        errno = ENOSPC;
        return -1;
    }
    return next_pwrite64(fd, bytes, size, at);
}

int fdatasync(int fd)
{
    NEXT(fdatasync)
    if (fails(SYNC)) {
        errno = EIO;
        return -1;
    }
    return next_fdatasync(fd);
}

int fsync(int fd)
{
    NEXT(fsync)
    if (fails(SYNC)) {
        errno = EIO;
        return -1;
    }
    return next_fsync(fd);
}

void *__libc_malloc(size_t size);
void *__libc_realloc(void *at, size_t size);

/* Only libpq's own: the library's are failed by malloc.c. */
static bool is_libpq(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
           strstr(info.dli_fname, "libpq.so") != NULL;
}

void *malloc(size_t size)
{
    if (atomic_load(&watched) == MALLOC && is_libpq(__builtin_return_address(0)) && fails(MALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *realloc(void *at, size_t size)
{
    if (atomic_load(&watched) == MALLOC && is_libpq(__builtin_return_address(0)) && fails(MALLOC)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(at, size);
}

static void watch(what of, long n, bool all)
{
    atomic_store(&failed, false);
    atomic_store(&sticky, all);
    atomic_store(&left, n);
    atomic_store(&watched, (int)of);
}

/* False: it was not called so often. */
static bool unwatch(what of)
{
    atomic_store(&watched, NOTHING);
    n_failures[of] += atomic_load(&failed);
    return atomic_load(&failed);
}

/* -------------------------------------------------------------------------------------- libpq */

enum { A_COPY = 1 }; /* of load_calls */

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static bool once(const load_call *call, what of, long n, bool all)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bm_db *db = load_open(test_postgresql(), &o, TIMEOUT_MS);
    load_prepare(&o, call, rows, ++batch);
    claim does = {batch, call->n, call->before, call->after};
    double begun = now();
    watch(of, n, all);
    alarm(LONGEST_S);
    bm_status status = call->run(db, rows, call->n, batch, &result, &err);
    alarm(0);
    bool hit = unwatch(of);
    double took = now() - begun;
    longest = took > longest ? took : longest;
    bm_close(db); /* who waits for an answer that is lost is at work until then */
    if (!oracle_judge(&o, does, status, &err, &result) || (!hit && status != BM_OK)) {
        fprintf(stderr, "    %s, %s number %ld%s: %s\n", call->name, names[of], n,
                all ? " and all that follow" : "", err.message);
        n_wrong++;
    }
    bm_result_clear(&result);
    return hit;
}

static void of_libpq(void **state)
{
    static const size_t which[] = {1, 2, 0, 5, 7};
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        for (int of = SEND; of <= MALLOC; of++) {
            for (int all = 0; all < 2; all++) {
                for (long n = 1; once(&load_calls[which[i]], (what)of, n, all != 0); n += every) {
                }
            }
        }
    }
    assert_int_equal(n_wrong, 0);
    for (int of = SEND; of <= MALLOC; of++) {
        assert_true(n_failures[of] > 0);
    }
}

/* libpq gets no memory any more, from each allocation of a COPY on: where it wants a larger buffer
 * it says no more than when its buffer is full, and that will not change. */
static void no_memory_in_a_copy(void **state)
{
    (void)state;
    for (long n = 1; once(&load_calls[A_COPY], MALLOC, n, true); n++) {
    }
    assert_int_equal(n_wrong, 0);
    assert_true(longest < TIMEOUT_MS / 1000 + 5);
}

/* ------------------------------------------------------------------------------------- SQLite */

static bool once_in_a_file(world *w, what of, long n, bool all)
{
    static item items[MANY];
    bm_error err = BM_ERROR;
    bm_db *db = NULL;
    world_reset(w);
    assert_int_equal(bm_open(w->url, NULL, &db, &err), BM_OK); /* with synchronous as it is */
    fill_items(items, MANY, 0, 1);
    watch(of, n, all);
    bm_status status =
        bm_bulk_create(db, bm_structs(&item_assigned, items, MANY), NULL, NULL, &err);
    bool hit = unwatch(of);
    bm_close(db);
    bool all_there = world_has(w, SEEDS + MANY, SEED_SUM + MANY);
    bool none_there = world_has(w, SEEDS, SEED_SUM);
    bool right = status == BM_OK               ? all_there
                 : err.fate == BM_FATE_UNKNOWN ? all_there || none_there
                                               : none_there;
    if (!right || (!hit && status != BM_OK)) {
        fprintf(stderr, "    SQLite, %s number %ld%s: %s, fate %d: %s\n", names[of], n,
                all ? " and all that follow" : "", bm_status_name(status), (int)err.fate,
                err.message);
        n_wrong++;
    }
    return hit;
}

static void of_sqlite(void **state)
{
    world w;
    (void)state;
    world_begin(&w, SQLITE);
    for (int of = WRITE; of <= SYNC; of++) {
        for (int all = 0; all < 2; all++) {
            for (long n = 1; once_in_a_file(&w, (what)of, n, all != 0); n++) {
            }
        }
        assert_true(n_failures[of] > 0);
    }
    world_end(&w);
    assert_int_equal(n_wrong, 0);
}

static int set_up(void **state)
{
    (void)state;
    oracle_begin(&o);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    oracle_end(&o);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_memory_in_a_copy),
                                       cmocka_unit_test(of_libpq), cmocka_unit_test(of_sqlite)};
    long n = 0;
    every = argc > 1 ? strtol(argv[1], NULL, 10) : EVERY;
    int status = cmocka_run_group_tests_name("fault_shims", tests, set_up, tear_down);
    for (int of = SEND; of < WHATS; of++) {
        n += n_failures[of];
    }
    print_message("# B-03: %ld failures, %ld wrong; the longest call took %.1f s (", n, n_wrong,
                  longest);
    for (int of = SEND; of < WHATS; of++) {
        print_message("%s%s %ld", of > SEND ? ", " : "", names[of], n_failures[of]);
    }
    print_message(")\n");
    return oracle_report(&o) ? status : 1;
}
