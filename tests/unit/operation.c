/*
 * A call opened without a connection, and its job driven by hand: what a server may answer that no
 * server of ours does (T11).
 */
#include "verbs.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 1200 };

typedef struct item {
    int64_t id;
    int64_t value;
} item;

static const bm_model model =
    BM_MODEL("item", item, BM_FIELD(item, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(item, value, BM_INT8, 0));

static bm__table_column columns[] = {
    {.name = "id",
     .oid = 20,
     .typmod = -1,
     .kind = 'b',
     .type = "bigint",
     .not_null = true,
     .identity = 'd',
     .default_sql = "nextval('item_id_seq'::regclass)",
     .volatile_default = true,
     .may_reserve = true,
     .primary_key = true},
    {.name = "value", .oid = 20, .typmod = -1, .kind = 'b', .type = "bigint"}};

static const bm__table table = {.schema = "public",
                                .name = "item",
                                .kind = 'r',
                                .fingerprint = "same",
                                .columns = columns,
                                .n_columns = 2};

static item rows[ROWS];

typedef struct scene {
    bm__operation op;
    bm__job job;
    bm__step step;
    bm_error err;
} scene;

static void begin_in(scene *s, const bm__verb *verb, bm_rows given, bool inside)
{
    size_t one = 1;
    *s = (scene){.err = BM_ERROR};
    s->op.verb = verb;
    s->op.rows = given;
    s->op.request.engine = bm__engine_named("postgresql");
    s->op.request.keys_back = verb->creates;
    s->op.wants_queryset = verb->reads;
    if (verb->reads) {
        assert_int_equal(bm__model_without(&model, 0, &s->op.arena, &s->op.request.read, &s->err),
                         BM_OK);
    }
    assert_int_equal(bm__operation_open(&s->op, &s->err), BM_OK);
    assert_int_equal(bm__operation_plan(&s->op, &table, &one, false, &s->err), BM_OK);
    assert_int_equal(bm__operation_check(&s->op, &s->err), BM_OK);
    assert_int_equal(bm__operation_begin(&s->op, one, &s->err), BM_OK);
    bm__job_mode mode = bm__operation_mode(&s->op, one, inside);
    assert_int_equal(bm__job_begin(&s->job, &s->op.call, mode, &s->err), BM_OK);
}

static void begin(scene *s, const bm__verb *verb, bm_rows given)
{
    begin_in(s, verb, given, false);
}

static void end(scene *s)
{
    bm__job_free(&s->job);
    bm__operation_free(&s->op);
}

static bool next(scene *s)
{
    return bm__job_next(&s->job, &s->step) == BM__JOB_STEP;
}

static void answer(scene *s, uint64_t n)
{
    const bm__answer said = {.rows = n, .sent = true, .row = BM_NO_ROW};
    bm_error err = BM_ERROR;
    bm__job_answer(&s->job, BM_OK, &said, &err, true);
}

static void put_be(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = size; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
}

/* array_send of n bigints: src/backend/utils/adt/arrayfuncs.c of PostgreSQL */
static bm_status push_keys(scene *s, size_t n)
{
    size_t size = 20 + 12 * n;
    uint8_t *bytes = calloc(1, size);
    bm_error err = BM_ERROR;
    assert_non_null(bytes);
    put_be(bytes, 1, 4);
    put_be(bytes + 8, 20, 4);
    put_be(bytes + 12, n, 4);
    put_be(bytes + 16, 1, 4);
    for (size_t i = 0; i < n; i++) {
        put_be(bytes + 20 + 12 * i, 8, 4);
        put_be(bytes + 24 + 12 * i, 100 + i, 8);
    }
    const bm__cell cell = {.kind = BM__CELL_BYTES, .data = bytes, .size = size};
    bm_status status = s->step.push(s->step.context, &cell, 1, &err);
    free(bytes);
    return status;
}

/* T11: fewer keys come than were asked for: no COPY is begun. */
static void fewer_keys_than_asked_for(void **state)
{
    static const size_t keys[] = {0, 1, ROWS - 1};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        scene s;
        begin(&s, &bm__verb_bulk_create, bm_structs(&model, rows, ROWS));
        bool reserved = false;
        bool rolled_back = false;
        while (next(&s)) {
            assert_int_not_equal(s.step.kind, BM__STEP_LOAD);
            assert_int_not_equal(s.step.kind, BM__STEP_COMMIT);
            rolled_back = rolled_back || s.step.kind == BM__STEP_ROLLBACK;
            if (s.step.expect == BM__EXPECT_KEY_ARRAY) {
                assert_int_equal(push_keys(&s, keys[i]), BM_OK);
                reserved = true;
            }
            answer(&s, 1);
        }
        assert_true(reserved && rolled_back);
        assert_int_equal(bm__job_error(&s.job)->status, BM_DATABASE);
        assert_int_equal(bm__job_error(&s.job)->fate, BM_FATE_ROLLED_BACK);
        end(&s);
    }
}

/* The table is as it was. */
static void push_fingerprint(scene *s)
{
    bm_error err = BM_ERROR;
    const bm__cell same = {
        .kind = BM__CELL_BYTES, .data = table.fingerprint, .size = strlen(table.fingerprint)};
    assert_int_equal(s->step.push(s->step.context, &same, 1, &err), BM_OK);
}

/* The header of a binary COPY, and its trailer: postgresql.org/docs/current/sql-copy.html */
static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
static const uint8_t trailer[] = {0xFF, 0xFF};

/* Read a table whose COPY ends so; the error that the job ends with. */
static bm_error read_ending_in(const uint8_t *bytes, size_t size, bool ended)
{
    scene s;
    bool unloaded = false;
    bm_error err = BM_ERROR;
    begin(&s, &bm__verb_copy_to, bm_all(&model));
    while (next(&s)) {
        if (s.step.kind == BM__STEP_UNLOAD) {
            assert_int_equal(s.step.take(s.step.context, header, 19, &err), BM_OK);
            assert_int_equal(s.step.take(s.step.context, bytes, size, &err), BM_OK);
            if (ended) {
                assert_int_equal(s.step.take(s.step.context, trailer, 2, &err), BM_OK);
            }
            unloaded = true;
        } else if (s.step.expect == BM__EXPECT_ROWS && s.step.push != NULL) {
            push_fingerprint(&s);
        }
        answer(&s, 1);
    }
    assert_true(unloaded);
    bm_error error = *bm__job_error(&s.job);
    end(&s);
    return error;
}

/* T11: the server says that a COPY is done, but its trailer never came. */
static void a_copy_without_its_end(void **state)
{
    static const uint8_t row[] = {0, 2, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0,
                                  1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7};
    (void)state;
    assert_int_equal(read_ending_in(row, sizeof row, true).status, BM_OK);
    assert_int_equal(read_ending_in(row, 0, true).status, BM_OK);
    for (size_t size = 0; size <= sizeof row; size++) {
        bm_error error = read_ending_in(row, size, false);
        assert_int_equal(error.status, BM_DATABASE);
        assert_non_null(strstr(error.message, "ended early"));
    }
}

/* An attempt that wrote nothing is repeated from the first row. */
static void a_call_begins_again(void **state)
{
    scene s;
    (void)state;
    begin(&s, &bm__verb_bulk_create, bm_structs(&model, rows, ROWS));
    for (int attempt = 0; attempt < 3; attempt++) {
        size_t from;
        size_t n;
        bm__call_claim(&s.op.call, &from, &n);
        assert_int_equal(from, 0);
        assert_int_equal(n, ROWS);
        bm__call_claim(&s.op.call, &from, &n);
        assert_int_equal(n, 0);
        assert_int_equal(bm__operation_begin(&s.op, 1, &s.err), BM_OK);
    }
    end(&s);
}

/* The answer to a step: it failed so. */
static void refuse(scene *s, bm_status status)
{
    const bm__answer said = {.sent = true, .row = BM_NO_ROW};
    bm_error err = BM_ERROR;
    (void)bm__fail(&err, status, BM_STAGE_WRITE, "by the test");
    bm__job_answer(&s->job, status, &said, &err, true);
}

/* A SAVEPOINT of the caller's transaction whose time was over may be there: the call takes it back.
 * Without that it said that the transaction was rolled back, which the caller could then commit. */
static void a_savepoint_in_doubt(void **state)
{
    static const bm_status doubts[] = {BM_TIMEOUT, BM_CANCELLED};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        bool undone = i % 2 == 0;
        scene s;
        begin_in(&s, &bm__verb_bulk_create, bm_structs(&model, rows, ROWS), true);
        assert_true(next(&s));
        assert_int_equal(s.step.kind, BM__STEP_SAVEPOINT);
        refuse(&s, doubts[i / 2]);
        assert_true(next(&s));
        assert_int_equal(s.step.kind, BM__STEP_ROLLBACK_TO);
        if (undone) {
            answer(&s, 0);
        } else {
            refuse(&s, BM_DATABASE);
        }
        while (next(&s)) {
            answer(&s, 0);
        }
        const bm_error *error = bm__job_error(&s.job);
        assert_int_equal(error->status, doubts[i / 2]);
        assert_int_equal(error->fate,
                         undone ? BM_FATE_IN_CALLERS_TRANSACTION : BM_FATE_ROLLED_BACK);
        assert_int_equal(s.job.stuck, !undone); /* the connection is closed */
        end(&s);
    }
}

/* A dry run in the caller's transaction leaves no savepoint: a later call whose own is late would
 * roll back to that one, and undo what the caller did between. */
static void a_dry_run_leaves_no_savepoint(void **state)
{
    (void)state;
    scene s;
    begin_in(&s, &bm__verb_bulk_create, bm_structs(&model, rows, ROWS), true);
    s.op.call.dry_run = true;
    int open = 0;
    while (next(&s)) {
        open += (s.step.kind == BM__STEP_SAVEPOINT) - (s.step.kind == BM__STEP_RELEASE);
        if (s.step.expect == BM__EXPECT_KEY_ARRAY) {
            assert_int_equal(push_keys(&s, ROWS), BM_OK);
        } else if (s.step.expect == BM__EXPECT_ROWS && s.step.push != NULL) {
            push_fingerprint(&s);
        }
        answer(&s, s.step.kind == BM__STEP_LOAD ? ROWS : 1);
    }
    assert_int_equal(bm__job_error(&s.job)->status, BM_OK);
    assert_int_equal(open, 0);
    end(&s);
}

/* One that the server refused is not there. */
static void a_savepoint_that_is_refused(void **state)
{
    (void)state;
    scene s;
    begin_in(&s, &bm__verb_bulk_create, bm_structs(&model, rows, ROWS), true);
    assert_true(next(&s));
    refuse(&s, BM_DATABASE);
    assert_false(next(&s));
    assert_false(s.job.stuck);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_keys_than_asked_for),
        cmocka_unit_test(a_savepoint_in_doubt),
        cmocka_unit_test(a_dry_run_leaves_no_savepoint),
        cmocka_unit_test(a_savepoint_that_is_refused),
        cmocka_unit_test(a_copy_without_its_end),
        cmocka_unit_test(a_call_begins_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
