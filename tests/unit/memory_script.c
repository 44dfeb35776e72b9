/* The transport without I/O: transactions, scripted failures, tokens and deadlines. */
#include "memory_fixture.h"

/* -------------------------------------------------------------------------------- transactions */

static void a_transaction_has_its_states(void **state)
{
    fixture *f = *state;
    assert_state(f, BM__CONN_IDLE);
    assert_refused(f, simple(f, BM__STEP_COMMIT, NULL), BM_DATABASE, "25P01");
    assert_int_equal(f->err.stage, BM_STAGE_COMMIT);
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_state(f, BM__CONN_IN_TRANSACTION);
    assert_int_equal(simple(f, BM__STEP_COMMIT, NULL), BM_OK);
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_refused(f, simple(f, BM__STEP_BEGIN, NULL), BM_DATABASE, "25001");
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_state(f, BM__CONN_IDLE);
}

static void a_failed_transaction_takes_only_a_rollback(void **state)
{
    fixture *f = *state;
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "23505"});
    assert_refused(f, exec(f, 1), BM_CONSTRAINT, "23505");
    assert_refused(f, exec(f, 1), BM_DATABASE, "25P02");
    assert_true(f->answer.sent);
    blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = 64};
    assert_refused(f, copy(f, &b), BM_DATABASE, "25P02");
    assert_int_equal(b.pulls, 0);
    assert_refused(f, simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_DATABASE, "25P02");
    assert_refused(f, simple(f, BM__STEP_RELEASE, "RELEASE SAVEPOINT a"), BM_DATABASE, "25P02");
    assert_refused(f, simple(f, BM__STEP_BEGIN, NULL), BM_DATABASE, "25P02");
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_COMMIT, NULL), BM_DATABASE);
    assert_int_equal(f->err.stage, BM_STAGE_COMMIT);
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(exec(f, 1), BM_OK);
}

static void savepoints_nest(void **state)
{
    fixture *f = *state;
    assert_refused(f, simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_DATABASE, "25P01");
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT b"), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT c"), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "22003"});
    assert_refused(f, exec(f, 1), BM_CONVERT, "22003");
    assert_int_equal(simple(f, BM__STEP_ROLLBACK_TO, "ROLLBACK TO SAVEPOINT b"), BM_OK);
    assert_state(f, BM__CONN_IN_TRANSACTION);
    /* b is still there, c is not */
    assert_refused(f, simple(f, BM__STEP_RELEASE, "RELEASE SAVEPOINT c"), BM_DATABASE, "3B001");
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK_TO, "ROLLBACK TO b"), BM_OK);
    assert_int_equal(simple(f, BM__STEP_RELEASE, "RELEASE a"), BM_OK);
    assert_state(f, BM__CONN_IN_TRANSACTION);
    /* with a went b */
    assert_refused(f, simple(f, BM__STEP_ROLLBACK_TO, "ROLLBACK TO SAVEPOINT b"), BM_DATABASE,
                   "3B001");
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_refused(f, simple(f, BM__STEP_ROLLBACK_TO, "ROLLBACK TO SAVEPOINT a"), BM_DATABASE,
                   "25P01");
}

static void savepoints_of_one_name_and_many(void **state)
{
    fixture *f = *state;
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT s"), BM_OK);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(simple(f, BM__STEP_RELEASE, "RELEASE SAVEPOINT s"), BM_OK);
    }
    assert_refused(f, simple(f, BM__STEP_RELEASE, "RELEASE SAVEPOINT s"), BM_DATABASE, "3B001");
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_refused(f, simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT "), BM_DATABASE, "42601");
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    /* a savepoint does not outlive its transaction */
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT s"), BM_OK);
    assert_int_equal(simple(f, BM__STEP_COMMIT, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_refused(f, simple(f, BM__STEP_RELEASE, "RELEASE SAVEPOINT s"), BM_DATABASE, "3B001");
}

/* ----------------------------------------------------------------------------- scripted answers */

static void a_script_counts_steps_from_now(void **state)
{
    fixture *f = *state;
    assert_int_equal(exec(f, 1), BM_OK);
    script(f, (bm_memory_answer){.step = 3, .sqlstate = "40001"});
    script(f, (bm_memory_answer){.step = 2, .rows = 1});
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_READY, NULL), BM_OK); /* is no step of the database */
    assert_int_equal(exec(f, 9), BM_OK);
    assert_int_equal(f->answer.rows, 1);
    assert_refused(f, exec(f, 9), BM_RETRY, "40001");
    assert_true(f->err.retryable);
    assert_true(f->answer.sent);
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_int_equal(exec(f, 9), BM_OK); /* answers are used once */
    assert_int_equal(f->answer.rows, 9);
    assert_int_equal(bm__memory_count(f->conn), 6);
}

static void a_script_limits_rows(void **state)
{
    fixture *f = *state;
    rows_seen seen = {0};
    script(f, (bm_memory_answer){.step = 1, .rows = 2});
    assert_int_equal(ask(f, BM__EXPECT_KEYS, 5, &seen), BM_OK);
    assert_int_equal(seen.n, 2);
    assert_int_equal(f->answer.rows, 2);
    script(f, (bm_memory_answer){.step = 1, .rows = 0});
    assert_int_equal(ask(f, BM__EXPECT_ORDINALS, 5, &seen), BM_OK);
    assert_int_equal(seen.n, 0);
    assert_int_equal(f->answer.rows, 0);
    script(f, (bm_memory_answer){.step = 1, .rows = 7});
    assert_int_equal(ask(f, BM__EXPECT_ORD_KEYS, 5, &seen), BM_OK);
    assert_int_equal(seen.n, 5);
    assert_int_equal(f->answer.rows, 7);
    assert_int_equal(seen.last[0], 7); /* two keys went to the first, none to the second */
    script(f, (bm_memory_answer){.step = 1, .rows = -1});
    assert_int_equal(ask(f, BM__EXPECT_COUNT, 5, &seen), BM_OK);
    assert_int_equal(f->answer.rows, 5);
    blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = 64};
    script(f, (bm_memory_answer){.step = 1, .rows = 1});
    assert_int_equal(copy(f, &b), BM_OK);
    assert_int_equal(f->answer.rows, 1);
    script(f, (bm_memory_answer){.step = 1, .rows = 1});
    b.size--;
    assert_refused(f, copy(f, &b), BM_DATABASE, "22P04"); /* the bytes are checked all the same */
}

static void a_script_fails_each_kind_of_step(void **state)
{
    fixture *f = *state;
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "53300"});
    assert_refused(f, simple(f, BM__STEP_BEGIN, NULL), BM_LIMIT, "53300");
    assert_state(f, BM__CONN_IDLE);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = 4};
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "23502"});
    assert_refused(f, copy(f, &b), BM_CONSTRAINT, "23502");
    assert_int_equal(b.at, TWO_ROWS);
    assert_state(f, BM__CONN_FAILED);
    assert_int_equal(simple(f, BM__STEP_ROLLBACK, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "23503"});
    assert_refused(f, simple(f, BM__STEP_COMMIT, NULL), BM_CONSTRAINT, "23503");
    assert_int_equal(f->err.stage, BM_STAGE_COMMIT);
    assert_state(f, BM__CONN_IDLE); /* a deferred constraint: the transaction is gone */
}

static void assert_gone(fixture *f)
{
    assert_true(f->answer.sent);
    assert_state(f, BM__CONN_CLOSED);
    size_t count = bm__memory_count(f->conn);
    static const bm__step_kind kinds[] = {BM__STEP_BEGIN, BM__STEP_COMMIT, BM__STEP_ROLLBACK,
                                          BM__STEP_EXEC};
    for (size_t i = 0; i < 4; i++) {
        assert_refused(f, simple(f, kinds[i], "SELECT"), BM_CONNECTION, "08003");
        assert_false(f->answer.sent);
    }
    assert_int_equal(bm__memory_count(f->conn), count);
}

static void a_connection_is_lost_before_commit(void **state)
{
    fixture *f = *state;
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .disconnect = true});
    assert_refused(f, exec(f, 1), BM_CONNECTION, "08006");
    assert_gone(f);
}

static void a_connection_is_lost_at_commit(void **state)
{
    fixture *f = *state;
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .disconnect = true});
    assert_refused(f, simple(f, BM__STEP_COMMIT, NULL), BM_COMMIT_UNKNOWN, "08006");
    assert_gone(f);
}

static void a_connection_is_lost_in_autocommit(void **state)
{
    fixture *f = *state;
    script(f, (bm_memory_answer){.step = 1, .disconnect = true});
    bm__step step = {.kind = BM__STEP_EXEC, .sql = "DELETE", .n_rows = 1, .autocommit = true};
    assert_refused(f, perform(f, &step), BM_COMMIT_UNKNOWN, "08006");
    assert_gone(f);
}

static void a_server_that_shuts_down_closes(void **state)
{
    fixture *f = *state;
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "57P01"});
    assert_refused(f, exec(f, 1), BM_CONNECTION, "57P01");
    assert_gone(f);
}

static void a_script_that_is_none_is_refused(void **state)
{
    fixture *f = *state;
    const bm_memory_answer wrong[] = {
        {.size = sizeof *wrong, .step = 0},
        {.size = 0, .step = 1},
        {.size = sizeof *wrong, .step = UINT64_MAX},
        {.size = sizeof *wrong, .step = 1, .sqlstate = ""},
        {.size = sizeof *wrong, .step = 1, .sqlstate = "2350"},
        {.size = sizeof *wrong, .step = 1, .sqlstate = "235055"},
        {.size = sizeof *wrong, .step = 1, .sqlstate = "23p01"},
        {.size = sizeof *wrong, .step = 1, .sqlstate = "00000"},
    };
    assert_int_equal(exec(f, 1), BM_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->err = BM_ERROR;
        assert_int_equal(bm__memory_script(f->conn, &wrong[i], &f->err), BM_INVALID);
    }
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "23505"});
    bm_memory_answer again = {.size = sizeof again, .step = 1};
    f->err = BM_ERROR;
    assert_int_equal(bm__memory_script(f->conn, &again, &f->err), BM_INVALID);
    bm__conn other = {.transport = NULL};
    f->err = BM_ERROR;
    assert_int_equal(bm__memory_script(&other, &again, &f->err), BM_INVALID);
    assert_int_equal(bm__memory_count(&other), 0);
    assert_null(bm__memory_at(&other, 0));
    assert_int_equal(bm__memory_count(NULL), 0);
    assert_refused(f, exec(f, 1), BM_CONSTRAINT, "23505");
}

/* --------------------------------------------------------------------------------------- limits */

static void deadlines_and_tokens_stop_a_step_unseen(void **state)
{
    fixture *f = *state;
    bm_cancel *token = NULL;
    assert_int_equal(bm_cancel_create(&token, NULL), BM_OK);
    bm__step late = {.kind = BM__STEP_EXEC, .sql = "SELECT", .deadline_ns = bm__now_ns() - 1};
    bm__step cancelled = {.kind = BM__STEP_EXEC, .sql = "SELECT", .cancel = token};
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(perform(f, &cancelled), BM_OK);
    bm_cancel_set(token);
    script(f, (bm_memory_answer){.step = 1, .sqlstate = "23505"});
    assert_int_equal(perform(f, &late), BM_TIMEOUT);
    assert_false(f->answer.sent);
    assert_int_equal(perform(f, &cancelled), BM_CANCELLED);
    assert_false(f->answer.sent);
    late.kind = BM__STEP_COMMIT;
    assert_int_equal(perform(f, &late), BM_TIMEOUT);
    assert_false(f->answer.sent);
    cancelled.kind = BM__STEP_READY;
    assert_int_equal(perform(f, &cancelled), BM_CANCELLED);
    assert_state(f, BM__CONN_IN_TRANSACTION);
    assert_int_equal(bm__memory_count(f->conn), 2);
    assert_refused(f, exec(f, 1), BM_CONSTRAINT, "23505"); /* the script waited */
    late.kind = BM__STEP_ROLLBACK;
    late.cancel = token;
    assert_int_equal(perform(f, &late), BM_OK);
    assert_state(f, BM__CONN_IDLE);
    bm_cancel_free(token);
}

static void nothing_stops_an_end(void **state)
{
    fixture *f = *state;
    bm_cancel *token = NULL;
    assert_int_equal(bm_cancel_create(&token, NULL), BM_OK);
    bm_cancel_set(token);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_SAVEPOINT, "SAVEPOINT a"), BM_OK);
    bm__step step = {
        .kind = BM__STEP_ROLLBACK_TO, .sql = "ROLLBACK TO a", .cancel = token, .deadline_ns = 1};
    assert_int_equal(perform(f, &step), BM_OK);
    step =
        (bm__step){.kind = BM__STEP_RELEASE, .sql = "RELEASE a", .cancel = token, .deadline_ns = 1};
    assert_int_equal(perform(f, &step), BM_OK);
    step = (bm__step){.kind = BM__STEP_COMMIT,
                      .cancel = token,
                      .deadline_ns = bm__now_ns() + INT64_C(60000000000)};
    assert_int_equal(perform(f, &step), BM_OK);
    bm_cancel_free(token);
}

static void a_token_stops_a_copy_midway(void **state)
{
    fixture *f = *state;
    blocks b = {.bytes = two_rows, .size = TWO_ROWS, .block = 8};
    assert_int_equal(bm_cancel_create(&b.cancel, NULL), BM_OK);
    assert_int_equal(simple(f, BM__STEP_BEGIN, NULL), BM_OK);
    assert_int_equal(copy(f, &b), BM_CANCELLED);
    assert_int_equal(b.pulls, 2);
    assert_true(f->answer.sent);
    assert_int_equal(f->answer.rows, 0);
    assert_state(f, BM__CONN_FAILED);
    bm_cancel_free(b.cancel);
}

#define TEST(function_) cmocka_unit_test_setup_teardown(function_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_transaction_has_its_states),
        TEST(a_failed_transaction_takes_only_a_rollback),
        TEST(savepoints_nest),
        TEST(savepoints_of_one_name_and_many),
        TEST(a_script_counts_steps_from_now),
        TEST(a_script_limits_rows),
        TEST(a_script_fails_each_kind_of_step),
        TEST(a_connection_is_lost_before_commit),
        TEST(a_connection_is_lost_at_commit),
        TEST(a_connection_is_lost_in_autocommit),
        TEST(a_server_that_shuts_down_closes),
        TEST(a_script_that_is_none_is_refused),
        TEST(deadlines_and_tokens_stop_a_step_unseen),
        TEST(nothing_stops_an_end),
        TEST(a_token_stops_a_copy_midway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
