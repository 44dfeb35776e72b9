/* Steps on a PostgreSQL connection, in one line each, and the bytes of a COPY written by hand. */
#ifndef TEST_UNIT_LIBPQ_STEPS_H
#define TEST_UNIT_LIBPQ_STEPS_H

#include "check.h"

#include "cancel.h"
#include "psql.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define SHOWN_MAX 4096

/* One connection, what the last step answered, and the first of its rows as text. */
typedef struct peer {
    bm__conn *conn;
    bm__answer answer;
    bm_error err;
    uint64_t pushed;
    uint64_t refuse_at; /* push fails at this row, counted from 1 */
    char shown[SHOWN_MAX];
} peer;

static inline void open_peer(peer *p, const char *url)
{
    const bm_open_options options = {.size = sizeof options};
    *p = (peer){.err = BM_ERROR};
    if (bm__transport_postgresql.open(url, &options, NULL, &p->conn, &p->err) != BM_OK) {
        fail_msg("%s", p->err.message);
    }
}

static inline void close_peer(peer *p)
{
    bm__transport_postgresql.close(p->conn);
    p->conn = NULL;
}

static inline bm_status do_step(peer *p, const bm__step *step)
{
    p->err = BM_ERROR;
    p->pushed = 0;
    p->shown[0] = '\0';
    return p->conn->transport->perform(p->conn, step, &p->answer, &p->err);
}

static inline bm_status do_kind(peer *p, bm__step_kind kind, const char *sql)
{
    bm__step step = {.kind = kind, .sql = sql};
    return do_step(p, &step);
}

static inline bm_status do_sql(peer *p, const char *sql)
{
    return do_kind(p, BM__STEP_EXEC, sql);
}

static inline void must(const peer *p, bm_status status)
{
    if (status != BM_OK) {
        fail_msg("%s: %s", bm_status_name(status), p->err.message);
    }
}

/* The status, and the message where it is another. */
static inline void must_be(const peer *p, bm_status status, bm_status expected)
{
    if (status != expected) {
        print_error("%s, not %s: %s\n", bm_status_name(status), bm_status_name(expected),
                    p->err.message);
    }
    assert_int_equal(status, expected);
    assert_int_equal(p->err.status, expected);
}

static inline bm__conn_state state_of(const peer *p)
{
    return p->conn->transport->state(p->conn, false);
}

/* Cells of type text: "a|NULL|b", a line a row, as many as have room. */
static inline bm_status show_row(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    peer *p = context;
    p->pushed++;
    if (p->pushed == p->refuse_at) {
        return bm__fail(err, BM_CONVERT, BM_STAGE_READ, "a row of no use");
    }
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(p->shown);
        bool null = cells[i].kind == BM__CELL_NULL;
        snprintf(p->shown + used, sizeof p->shown - used, "%.*s%s", (int)(null ? 4 : cells[i].size),
                 null ? "NULL" : (const char *)cells[i].data, i + 1 == n ? "\n" : "|");
    }
    return BM_OK;
}

/* The rows that a statement gives, all of them text. */
static inline const char *ask(peer *p, const char *sql)
{
    bm__step step = {.kind = BM__STEP_EXEC, .sql = sql, .push = show_row, .context = p};
    must(p, do_step(p, &step));
    return p->shown;
}

/* That the connection can be used, and is not in a transaction. */
static inline void must_be_usable(peer *p)
{
    assert_int_equal(state_of(p), BM__CONN_IDLE);
    assert_string_equal(ask(p, "SELECT 'well'"), "well\n");
}

/* ------------------------------------------------------------------------------ COPY, by hand */

/* https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": header and trailer. */
#define COPY_HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define COPY_HEADER_SIZE 19
#define COPY_TRAILER "\377\377"
#define COPY_TRAILER_SIZE 2

static inline size_t put_word(uint8_t *out, uint32_t word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(word >> 8 * (bytes - 1 - i));
    }
    return bytes;
}

/* A row (int4, text), and its size. */
static inline size_t put_row(uint8_t *out, uint32_t id, const char *text, size_t size)
{
    size_t n = put_word(out, 2, 2);
    n += put_word(out + n, 4, 4);
    n += put_word(out + n, id, 4);
    n += put_word(out + n, (uint32_t)size, 4);
    memcpy(out + n, text, size);
    return n + size;
}

#define COPY_IN "COPY t(id, word) FROM STDIN (FORMAT binary)"

/* What a LOAD pulls: `head`, `block` so many times, `tail`; `refuse_after` blocks it fails. */
typedef struct feed {
    uint8_t head[512];
    size_t head_size;
    const uint8_t *block;
    size_t block_size;
    uint64_t blocks;
    uint64_t refuse_after; /* 0: never */
    uint64_t given;        /* blocks of those */
    uint64_t pulled;       /* bytes of all */
    int part;
    void (*between)(struct feed *feed); /* before each block, or NULL */
    void *own;
} feed;

static inline bm_status pull_feed(void *context, const uint8_t **block, size_t *size, bm_error *err)
{
    static const uint8_t tail[] = COPY_TRAILER;
    feed *f = context;
    if (f->part == 0) {
        f->part = f->blocks > 0 ? 1 : 2;
        *block = f->head;
        *size = f->head_size;
    } else if (f->part == 1) {
        if (f->between != NULL) {
            f->between(f);
        }
        f->given++;
        if (f->refuse_after != 0 && f->given > f->refuse_after) {
            return bm__fail(err, BM_CONVERT, BM_STAGE_SOURCE, "no more of this");
        }
        f->part = f->given == f->blocks ? 2 : 1;
        *block = f->block;
        *size = f->block_size;
    } else {
        *block = tail;
        *size = f->part == 2 ? COPY_TRAILER_SIZE : 0;
        f->part = 3;
    }
    f->pulled += *size;
    return BM_OK;
}

static inline feed feed_of(const uint8_t *block, size_t size, uint64_t blocks)
{
    feed f = {.head_size = COPY_HEADER_SIZE, .block = block, .block_size = size, .blocks = blocks};
    memcpy(f.head, COPY_HEADER, COPY_HEADER_SIZE);
    return f;
}

static inline bm__step load_step(const char *sql, feed *f)
{
    return (bm__step){.kind = BM__STEP_LOAD, .sql = sql, .pull = pull_feed, .context = f};
}

static inline bm_status load(peer *p, const char *sql, feed *f)
{
    bm__step step = load_step(sql, f);
    return do_step(p, &step);
}

/* (1, "one"), (2, ""), (-3, NULL) */
static inline size_t three_rows(uint8_t out[128])
{
    size_t n = put_row(out, 1, "one", 3);
    n += put_row(out + n, 2, "", 0);
    n += put_word(out + n, 2, 2);
    n += put_word(out + n, 4, 4);
    n += put_word(out + n, 0xFFFFFFFD, 4); /* -3 */
    n += put_word(out + n, 0xFFFFFFFF, 4); /* NULL */
    return n;
}

#endif
