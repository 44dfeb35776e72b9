/* bulk_create into PostgreSQL against a COPY written by hand. */
#include "floor.h"
#include "server.h"

typedef struct create {
    PGconn *pg; /* the contender's, and that which makes the table fresh */
    bm_db *db;
    foo *rows;
    size_t n;
    bm_bulk_create_options options;
    floor_pair pair;
} create;

static void empty(void *context)
{
    const create *c = context;
    server_empty(c->pg);
}

static void ours(void *context)
{
    const create *c = context;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_bulk_create(c->db, bm_structs(&foo_model, c->rows, c->n), &c->options, &result, &err),
          &err);
    if (result.inserted != c->n) {
        die("%llu rows inserted", (unsigned long long)result.inserted);
    }
    bm_result_clear(&result);
}

static void copy_by_hand(void *context)
{
    const create *c = context;
    floor_pg_copy(c->pg, c->rows, c->n, false);
}

static void copy_keys_by_hand(void *context)
{
    const create *c = context;
    floor_pg_copy_keys(c->pg, c->rows, c->n);
}

static void copy_by_two(void *context)
{
    create *c = context;
    floor_pg_pair_go(&c->pair);
}

static void one_worker(void *context)
{
    create alone = *(const create *)context;
    alone.options.concurrent = BM_OFF;
    ours(&alone);
}

static create begin(const settings *given)
{
    create c = {.n = given->rows, .options = {.size = sizeof c.options}};
    c.pg = server_connect(given->url);
    server_make_table(c.pg);
    c.db = server_open(given->url);
    c.rows = foo_rows(c.n);
    contest_measures(c.pg);
    return c;
}

static void end(create *c)
{
    bm_close(c->db);
    PQfinish(c->pg);
}

void row_pg_create(const settings *given)
{
    create c = begin(given);
    contest_run(&(contest){"pg_create", "binary COPY by hand, keys left to the server", c.n, &c,
                           empty, ours, copy_by_hand},
                given);
    end(&c);
}

void row_pg_create_keys(const settings *given)
{
    create c = begin(given);
    c.options.return_queryset = BM_ON;
    contest_run(&(contest){"pg_create_keys", "nextval, then binary COPY, by hand", c.n, &c, empty,
                           ours, copy_keys_by_hand},
                given);
    end(&c);
}

void row_pg_concurrent_2(const settings *given)
{
    create c = begin(given);
    c.options.concurrent = BM_ON;
    c.options.max_concurrent_workers = 2;
    floor_pg_pair_begin(&c.pair, given->url, c.rows, c.n);
    contest_run(&(contest){"pg_concurrent_2", "two processes, binary COPY by hand", c.n, &c, empty,
                           ours, copy_by_two},
                given);
    contest_run(&(contest){"pg_concurrent_1", "one worker", c.n, &c, empty, ours, one_worker},
                given);
    end(&c);
}

/* The same at each power of ten from 1,000: CPU a row must stay what it is. */
void row_growth(const settings *given)
{
    create c = begin(given);
    for (c.n = 1000; c.n <= given->rows; c.n *= 10) {
        contest_run(&(contest){"growth", "binary COPY by hand", c.n, &c, empty, ours, copy_by_hand},
                    given);
    }
    end(&c);
}
