/* The transport without I/O: what it records and answers, and what it makes of a COPY. */
#include "memory_fixture.h"

#include <stdio.h>

/* ------------------------------------------------------------------------------------- records */

static void records_what_it_was_asked(void **state)
{
    fixture *f = *state;
    assert_string_equal(f->conn->transport->engine->name, "memory");
    assert_false(f->conn->borrowed);
    assert_int_equal(bm__memory_count(f->conn), 0);
    assert_null(bm__memory_at(f->conn, 0));
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_true(f->answer.sent);
    assert_int_equal(exec(f, 10), BM_OK);
    assert_int_equal(exec(f, 0), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_OK);
    assert_int_equal(simple(f, BM__STEP_READY, NULL), BM_OK);
    assert_false(f->answer.sent);
    assert_int_equal(simple(f, BM__STEP_COMMIT, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    static const char *const want[] = {"BEGIN",       "INSERT [10 rows]", "INSERT",
                                       "SAVEPOINT a", "COMMIT",           "ROLLBACK"};
    assert_int_equal(bm__memory_count(f->conn), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(bm__memory_at(f->conn, i), want[i]);
    }
    assert_null(bm__memory_at(f->conn, 6));
    assert_null(bm__memory_at(f->conn, SIZE_MAX));
}

static void records_copies_of_many_texts(void **state)
{
    fixture *f = *state;
    char sql[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        assert_int_equal(simple(f, BM__STEP_EXEC, sql), BM_OK);
    }
    assert_int_equal(bm__memory_count(f->conn), 1000);
    assert_string_equal(bm__memory_at(f->conn, 0), "SELECT 0");
    assert_string_equal(bm__memory_at(f->conn, 999), "SELECT 999");
}

static void opens_only_its_own_url(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "memory", "memory:x", "sqlite::memory:"};
    for (size_t i = 0; i < 4; i++) {
        bm_error err = BM_ERROR;
        bm__conn *conn = (bm__conn *)&err;
        assert_int_equal(memory->open(urls[i], NULL, NULL, &conn, &err), BM_INVALID);
        assert_int_equal(err.stage, BM_STAGE_CONNECT);
        assert_null(conn);
    }
    memory->close(NULL);
}

/* ------------------------------------------------------------------------------------- answers */

/* L23: no server promises an order: rows come backwards. */
static void answers_what_is_expected(void **state)
{
    fixture *f = *state;
    rows_seen seen = {0};
    assert_int_equal(ask(f, BM__EXPECT_COUNT, 5, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 5);
    assert_int_equal(seen.n, 0);
    assert_int_equal(ask(f, BM__EXPECT_KEYS, 3, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 3);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.n_cells, 1);
    assert_memory_equal(seen.first, ((int64_t[]){3, 2, 1}), 3 * sizeof(int64_t));
    assert_int_equal(ask(f, BM__EXPECT_ORDINALS, 2, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 2);
    assert_int_equal(seen.n_cells, 1);
    assert_memory_equal(seen.first, ((int64_t[]){1, 0}), 2 * sizeof(int64_t));
    assert_int_equal(ask(f, BM__EXPECT_ORD_KEYS, 2, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 2);
    assert_int_equal(seen.n_cells, 3);
    assert_true(seen.flags);
    assert_memory_equal(seen.first, ((int64_t[]){1, 0}), 2 * sizeof(int64_t));
    assert_memory_equal(seen.last, ((int64_t[]){5, 4}), 2 * sizeof(int64_t));
    assert_int_equal(ask(f, BM__EXPECT_ROWS, 7, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 0);
    assert_int_equal(seen.n, 0);
    assert_int_equal(ask(f, BM__EXPECT_ONE, 0, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 1);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.first[0], 0);
}

static void a_push_that_fails_breaks_the_statement_off(void **state)
{
    fixture *f = *state;
    rows_seen seen = {.fail_at = 2};
    assert_int_equal(ask(f, BM__EXPECT_KEYS, 3, &seen), BM_CONVERT);
    assert_string_equal(f->err.message, "no more");
    assert_int_equal(seen.n, 1);
    assert_true(f->answer.sent);
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(ask(f, BM__EXPECT_KEYS, 3, &seen), BM_CONVERT);
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_state(f, BM__CONN_IDLE);
}

/* ---------------------------------------------------------------------------------------- COPY */

static void copy_counts_tuples_cut_anywhere(void **state)
{
    fixture *f = *state;
    for (size_t block = 1; block <= TWO_ROWS; block++) {
        blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = block};
        assert_int_equal(copy(f, &b), BM_OK);
        assert_int_equal(f->answer.rows, 2);
        assert_true(f->answer.sent);
        assert_int_equal(b.at, TWO_ROWS);
    }
    assert_string_equal(bm__memory_at(f->conn, 0), "COPY t FROM STDIN [2 rows]");
}

static void copy_of_nothing_and_of_no_columns(void **state)
{
    fixture *f = *state;
    uint8_t bytes[19 + 6] = {0};
    memcpy(bytes, two_rows, 11);
    memset(bytes + 19, 0xFF, 2);
    blocks none = {.bytes = bytes, .size = 21, .block = 64};
    assert_int_equal(copy(f, &none), BM_OK);
    assert_int_equal(f->answer.rows, 0);
    memcpy(bytes + 19, "\0\0\0\0\xFF\xFF", 6);
    blocks empty_rows = {.bytes = bytes, .size = 25, .block = 64};
    assert_int_equal(copy(f, &empty_rows), BM_OK);
    assert_int_equal(f->answer.rows, 2);
}

static void refuses_copy(fixture *f, const uint8_t *bytes, size_t size)
{
    blocks b = {.bytes = bytes, .size = size, .block = 5};
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_refused(f, copy(f, &b), BM_DATABASE, "22P04");
    assert_true(f->answer.sent);
    assert_int_equal(b.at, size); /* all is pulled, whatever it is */
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
}

static void copy_refuses_wrong_bytes(void **state)
{
    fixture *f = *state;
    for (size_t size = 0; size < TWO_ROWS; size++) {
        refuses_copy(f, two_rows, size); /* ends too early, wherever */
    }
    static const struct {
        size_t at;
        uint8_t byte;
    } faults[] = {
        {0, 'X'},
        {10, 1},
        {FLAGS_AT - 1, 1},      /* a critical flag */
        {15, 0x80},             /* the extension's length */
        {FIRST_TUPLE_AT, 0x80}, /* fields of a tuple */
        {SECOND_TUPLE_AT + 1, 3},
        {FIRST_TUPLE_AT + 2, 0x80}, /* a field's length */
        {FIRST_TUPLE_AT + 5, 9},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint8_t bytes[TWO_ROWS];
        memcpy(bytes, two_rows, sizeof bytes);
        bytes[faults[i].at] = faults[i].byte;
        refuses_copy(f, bytes, sizeof bytes);
    }
    uint8_t more[TWO_ROWS + 1] = {0};
    memcpy(more, two_rows, TWO_ROWS);
    refuses_copy(f, more, sizeof more);
}

static void a_pull_that_fails_breaks_the_copy_off(void **state)
{
    fixture *f = *state;
    blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = 8, .fail_at_pull = 3};
    assert_int_equal(copy(f, &b), BM_CONVERT);
    assert_int_equal(b.pulls, 3);
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(copy(f, &b), BM_CONVERT);
    assert_string_equal(f->err.message, "a row does not fit");
    assert_int_equal(f->answer.rows, 0);
    assert_state(f, BM__CONN_FAILED);
}

static bm_status take(void *context, const uint8_t *bytes, size_t size, bm_error *err)
{
    blocks *b = context;
    b->pulls++;
    if (b->pulls == b->fail_at_pull) {
        return bm__fail(err, BM_CONVERT, BM_STAGE_SOURCE, "no more");
    }
    assert_int_equal(size, 21);
    assert_memory_equal(bytes, two_rows, 11);
    assert_memory_equal(bytes + 11, "\0\0\0\0\0\0\0\0\xFF\xFF", 10);
    return BM_OK;
}

static void unload_gives_a_copy_of_no_rows(void **state)
{
    fixture *f = *state;
    blocks b = {0};
    bm__step step = {.kind = BM__STEP_UNLOAD, .sql = "COPY", .take = take, .context = &b};
    assert_int_equal(perform(f, &step), BM_OK);
    assert_int_equal(b.pulls, 1);
    assert_int_equal(f->answer.rows, 0);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    b = (blocks){.fail_at_pull = 1};
    assert_int_equal(perform(f, &step), BM_CONVERT);
    assert_state(f, BM__CONN_FAILED);
}

#define TEST(function_) cmocka_unit_test_setup_teardown(function_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_what_it_was_asked),
        TEST(records_copies_of_many_texts),
        TEST(opens_only_its_own_url),
        TEST(answers_what_is_expected),
        TEST(a_push_that_fails_breaks_the_statement_off),
        TEST(copy_counts_tuples_cut_anywhere),
        TEST(copy_of_nothing_and_of_no_columns),
        TEST(copy_refuses_wrong_bytes),
        TEST(a_pull_that_fails_breaks_the_copy_off),
        TEST(unload_gives_a_copy_of_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
