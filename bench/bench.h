/*
 * The benchmarks: each row of the table in bench.c runs this library and a hand-written contender
 * (floor_*.c) alternately, and prints what it measured as one line of JSON for script/bench.
 * A benchmark that fails ends the program.
 */
#ifndef BM_BENCH_H
#define BM_BENCH_H

#include "bulkmodel.h"

/* The page's row, its text by pointer as a program that has its text elsewhere would hold it. */
typedef struct foo {
    int64_t id;
    const char *name; /* 25 characters */
    int32_t value;
    bm_uuid bm_create_uuid;
} foo;

extern const bm_model foo_model;

/* Rows of random text and values, keys 1 .. n, one UUID; made once, never freed. */
foo *foo_rows(size_t n);

/* Other values for rows from, from + step, from + 2 * step ... */
void foo_change(foo *rows, size_t n, size_t step);

/* splitmix64: the same rows in every run. */
uint64_t next_random(uint64_t *state);

/* What a row of the benchmarks is given. */
typedef struct settings {
    const char *url;       /* of PostgreSQL */
    const char *directory; /* for SQLite's files */
    size_t rows;
    size_t rounds;
    const char *only; /* "ours" or "theirs": for a profile.  NULL: both */
} settings;

/* Two ways to do the same.  `prepare` makes the table fresh before each run, outside the timing. */
typedef struct contest {
    const char *id;
    const char *contender;
    size_t rows;
    void *context;
    void (*prepare)(void *context);
    void (*ours)(void *context);
    void (*theirs)(void *context);
} contest;

/* One run of each, untimed, then as many rounds as given, where each is the first in turn; prints
 * them. */
void contest_run(const contest *c, const settings *given);

/* util.c: print why, and end the program. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* A status other than BM_OK ends the program. */
void check(bm_status status, const bm_error *err);

/* Wall clock, and CPU of this process and its children, in seconds. */
double wall_now(void);
double cpu_now(void);

/* The rows of the table in bench.c. */
void row_pg_create(const settings *given);
void row_pg_create_wide(const settings *given);
void row_pg_update_wide(const settings *given);
void row_memory(const settings *given);
void row_pg_create_keys(const settings *given);
void row_pg_concurrent_2(const settings *given);
void row_pg_update(const settings *given);
void row_pg_update_1pct(const settings *given);
void row_pg_update_part(const settings *given);
void row_pg_update_stale(const settings *given);
void row_pg_update_hints(const settings *given);
void row_pg_small(const settings *given);
void row_pg_copy_to(const settings *given);
void row_pg_copy_to_queryset(const settings *given);
void row_sqlite_create(const settings *given);
void row_sqlite_update(const settings *given);
void row_encode(const settings *given);
void row_stream(const settings *given);
void row_growth(const settings *given);

#endif
