/* A connection to the database without I/O, and steps to give it. */
#ifndef TEST_MEMORY_FIXTURE_H
#define TEST_MEMORY_FIXTURE_H

#include "cancel.h"
#include "memory_script.h"
#include "transport.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

static const bm__transport *const memory = &bm__transport_memory;

typedef struct fixture {
    bm__conn *conn;
    bm__answer answer;
    bm_error err;
} fixture;

static inline int set_up(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    f.err = BM_ERROR;
    *state = &f;
    return memory->open("memory:", NULL, NULL, &f.conn, &f.err) == BM_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    memory->close(((fixture *)*state)->conn);
    return 0;
}

static inline bm_status perform(fixture *f, const bm__step *step)
{
    f->err = BM_ERROR;
    memset(&f->answer, 0x5A, sizeof f->answer);
    bm_status status = memory->perform(f->conn, step, &f->answer, &f->err);
    assert_int_equal(f->err.status, status);
    assert_int_equal(f->answer.row, BM_NO_ROW);
    assert_string_equal(f->answer.context, "");
    return status;
}

static inline bm_status simple(fixture *f, bm__step_kind kind, const char *sql)
{
    return perform(f, &(bm__step){.kind = kind, .sql = sql});
}

static inline bm_status exec(fixture *f, size_t n_rows)
{
    return perform(f, &(bm__step){.kind = BM__STEP_EXEC, .sql = "INSERT", .n_rows = n_rows});
}

static inline void assert_state(fixture *f, bm__conn_state state)
{
    assert_int_equal(memory->state(f->conn, false), state);
    assert_int_equal(memory->state(f->conn, true), state);
}

static inline void assert_refused(fixture *f, bm_status status, bm_status want,
                                  const char *sqlstate)
{
    assert_int_equal(status, want);
    assert_string_equal(f->err.sqlstate, sqlstate);
    assert_int_equal(f->answer.rows, 0);
}

static inline void script(fixture *f, bm_memory_answer answer)
{
    answer.size = sizeof answer;
    f->err = BM_ERROR;
    assert_int_equal(bm__memory_script(f->conn, &answer, &f->err), BM_OK);
}

typedef struct rows_seen {
    size_t n;
    size_t n_cells;
    int64_t first[8];
    int64_t last[8]; /* of the row's last cell */
    bool flags;
    size_t fail_at; /* 0: never */
} rows_seen;

static inline int64_t int8_of(const bm__cell *cell)
{
    assert_int_equal(cell->kind, BM__CELL_BYTES);
    assert_int_equal(cell->size, 8);
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | ((const uint8_t *)cell->data)[i];
    }
    return (int64_t)value;
}

static inline bm_status see_row(void *context, const bm__cell *cells, size_t n_cells, bm_error *err)
{
    rows_seen *seen = context;
    if (seen->fail_at == seen->n + 1) {
        return bm__fail(err, BM_CONVERT, BM_STAGE_CONVERT, "no more");
    }
    assert_true(seen->n < 8);
    seen->n_cells = n_cells;
    seen->first[seen->n] = int8_of(&cells[0]);
    seen->last[seen->n] = int8_of(&cells[n_cells - 1]);
    if (n_cells == 3) {
        assert_int_equal(cells[1].kind, BM__CELL_BYTES);
        assert_int_equal(cells[1].size, 1);
        assert_int_equal(*(const uint8_t *)cells[1].data, 1);
        seen->flags = true;
    }
    seen->n++;
    return BM_OK;
}

static inline bm_status ask(fixture *f, bm__expect expect, size_t n_rows, rows_seen *seen)
{
    size_t fail_at = seen->fail_at;
    *seen = (rows_seen){.fail_at = fail_at};
    return perform(f, &(bm__step){.kind = BM__STEP_EXEC,
                                  .sql = "INSERT",
                                  .n_rows = n_rows,
                                  .expect = expect,
                                  .push = see_row,
                                  .context = seen});
}

/* Two rows of (int8 7, NULL) and (int8 8, "ab"), an extension of 3 bytes, flags of no meaning. */
static const uint8_t two_rows[] = "PGCOPY\n\xFF\r\n\0"
                                  "\0\0\0\3\0\0\0\3\x9\x9\x9"
                                  "\0\2\0\0\0\x8\0\0\0\0\0\0\0\7\xFF\xFF\xFF\xFF"
                                  "\0\2\0\0\0\x8\0\0\0\0\0\0\0\x8\0\0\0\2"
                                  "ab"
                                  "\xFF\xFF";
enum { TWO_ROWS = sizeof two_rows - 1 };

enum { FLAGS_AT = 12, FIRST_TUPLE_AT = 22, SECOND_TUPLE_AT = 40 };

typedef struct blocks {
    const uint8_t *bytes;
    size_t size;
    size_t block;
    size_t at;
    size_t pulls;
    size_t fail_at_pull; /* 0: never */
    bm_cancel *cancel;   /* set at the second pull */
} blocks;

static inline bm_status give(void *context, const uint8_t **block, size_t *size, bm_error *err)
{
    blocks *b = context;
    b->pulls++;
    if (b->pulls == b->fail_at_pull) {
        return bm__fail(err, BM_CONVERT, BM_STAGE_CONVERT, "a row does not fit");
    }
    if (b->cancel != NULL && b->pulls == 2) {
        bm_cancel_set(b->cancel);
    }
    *size = b->size - b->at < b->block ? b->size - b->at : b->block;
    *block = b->bytes + b->at;
    b->at += *size;
    return BM_OK;
}

static inline bm_status copy(fixture *f, blocks *b)
{
    b->at = 0;
    b->pulls = 0;
    return perform(f, &(bm__step){.kind = BM__STEP_LOAD,
                                  .sql = "COPY t FROM STDIN",
                                  .n_rows = 2,
                                  .pull = give,
                                  .context = b,
                                  .cancel = b->cancel});
}

#endif
