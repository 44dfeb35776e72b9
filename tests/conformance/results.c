/* What callbacks, options and results say after success, failure and a dry run. */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, __VA_ARGS__)

typedef struct saying {
    bm_status status;
    const char *message;
} saying;

static bm_status say(const saying *what, bm_error *err)
{
    snprintf(err->message, sizeof err->message, "%s", what->message);
    return what->status;
}

static bm_status failing_source(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    (void)rows;
    (void)capacity;
    *n = 0;
    return say(user, err);
}

static bm_status failing_sink(void *user, const void *rows, size_t n, bm_error *err)
{
    (void)rows;
    (void)n;
    return say(user, err);
}

static void callbacks_are_quoted(world *w)
{
    saying sayings[] = {{BM_LIMIT, "the file is cut"},
                        {BM_RETRY, "once more"},
                        {BM_CONSTRAINT, "not this one"},
                        {BM_AUTH, ""}};
    make_items(w, "");
    run(w, "INSERT INTO item VALUES (1, 'a', 1, 'x')");
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        const bm_source source = {
            .size = sizeof source, .user = &sayings[i], .next = failing_source};
        for (int out = 0; out < 2; out++) {
            bm_status status =
                out ? bm_copy_to(w->db, bm_all(&item_model),
                                 COPY(.user = &sayings[i], .sink = failing_sink), fresh(w), &w->err)
                    : bm_bulk_create(w->db, bm_stream(&item_model, &source), NULL, fresh(w),
                                     &w->err);
            assert_int_equal(status, sayings[i].status);
            assert_int_equal(w->err.status, sayings[i].status);
            assert_int_equal(w->err.stage, BM_STAGE_SOURCE);
            assert_false(w->err.retryable);
            assert_true(w->err.message[0] != '\0');
            if (sayings[i].message[0] != '\0') {
                assert_string_equal(w->err.message, sayings[i].message);
            }
        }
    }
    expect_number(w, 1, "SELECT count(*) FROM item");
}

static void a_dry_run_gives_no_rows(world *w)
{
    const bm_call call = {.size = sizeof call, .dry_run = BM_ON};
    make_items(w, "");
    item *rows = some_items(3, -7, 0);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_model, rows, 3),
                         CREATE(.call = &call, .return_queryset = BM_ON, .keys_into = rows,
                                .return_outcomes = BM_ON),
                         fresh(w), &w->err));
    assert_null(w->result.queryset);
    assert_int_equal(w->result.inserted, 3);
    expect_outcomes(w, "iii");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows[i].id, -7);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void a_dry_run_of_several_workers(world *w)
{
    enum { N = 2000 };
    const bm_call call = {.size = sizeof call, .dry_run = BM_ON};
    make_items(w, "");
    item *rows = some_items(N, 1, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, N),
                         CREATE(.call = &call, .concurrent = BM_ON, .max_concurrent_workers = 4,
                                .batch_size = 100),
                         fresh(w), &w->err));
    assert_int_equal(w->result.inserted, N);
    assert_true(w->result.n_parts >= 1);
    for (size_t i = 0; i < w->result.n_parts; i++) {
        assert_int_equal(w->result.parts[i].fate, BM_FATE_ROLLED_BACK);
    }
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void options_that_say_nothing(world *w)
{
    const bm_duplicates none = (bm_duplicates)3;
    make_items(w, "");
    item *rows = some_items(2, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 2);
    const bm_status got[] = {
        bm_bulk_create(w->db, given, CREATE(.update_conflicts = BM_ON, .duplicates = none),
                       fresh(w), &w->err),
        bm_update_fields(w->db, given, FIELDS(.fields = BM_NAMES("value"), .duplicates = none),
                         fresh(w), &w->err),
        bm_update(w->db, given,
                  SET(.values = rows, .fields = BM_NAMES("value"), .duplicates = none), fresh(w),
                  &w->err),
        bm_delete(w->db, given, DELETE(.duplicates = none), fresh(w), &w->err),
        bm_bulk_create(w->db, given, CREATE(.unique_fields = BM_NAMES("id")), fresh(w), &w->err),
        bm_update(w->db, bm_all(&item_model),
                  SET(.values = rows, .fields = BM_NAMES("value"), .return_outcomes = BM_ON),
                  fresh(w), &w->err)};
    for (size_t i = 0; i < sizeof got / sizeof got[0]; i++) {
        assert_int_equal(got[i], BM_INVALID);
    }
    refused(w, w->err.status, BM_INVALID, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

static void is_clear(const world *w, bm_status status)
{
    ok(w, status);
    assert_int_equal(w->err.status, BM_OK);
    assert_int_equal(w->err.stage, 0);
    assert_int_equal(w->err.fate, 0);
    assert_int_equal(w->err.row, BM_NO_ROW);
    assert_string_equal(w->err.message, "");
}

static void no_outcomes(world *w, bm_status status, bm_status want)
{
    assert_int_equal(status, want);
    assert_null(w->result.outcomes);
    assert_int_equal(w->result.n_outcomes, 0);
    assert_int_equal(w->result.inserted + w->result.updated + w->result.deleted, 0);
}

static void what_is_said_after_success_and_failure(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    item *rows = some_items(3, 1, 1);
    bm_rows given = bm_structs(&item_given_model, rows, 3);
    const bm_bulk_create_options *create = CREATE(.return_outcomes = BM_ON);
    const bm_update_fields_options *fields =
        FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON);
    is_clear(w, bm_bulk_create(w->db, given, create, fresh(w), &w->err));
    is_clear(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err));
    is_clear(w, bm_copy_to(w->db, bm_all(&item_model), NULL, fresh(w), &w->err));
    no_outcomes(w, bm_bulk_create(w->db, given, create, fresh(w), &w->err), BM_CONSTRAINT);
    rows[2].value = -1;
    no_outcomes(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err), BM_CONSTRAINT);
    rows[2].value = 20;
    rows[2].id = 1;
    no_outcomes(w, bm_update_fields(w->db, given, fields, fresh(w), &w->err), BM_INVALID);
    rows[2].id = 99; /* a row that is not there */
    no_outcomes(w,
                bm_update_fields(w->db, given,
                                 FIELDS(.fields = BM_NAMES("value"), .return_outcomes = BM_ON,
                                        .require_all = BM_ON),
                                 fresh(w), &w->err),
                BM_CONSTRAINT);
    no_outcomes(w,
                bm_delete(w->db, given, DELETE(.return_outcomes = BM_ON, .require_all = BM_ON),
                          fresh(w), &w->err),
                BM_CONSTRAINT);
    is_clear(w, bm_delete(w->db, given, DELETE(.return_outcomes = BM_ON), fresh(w), &w->err));
    expect_outcomes(w, "ddm");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, callbacks_are_quoted),
    CASE(ON_ALL, a_dry_run_gives_no_rows),
    CASE(ON_POSTGRESQL, a_dry_run_of_several_workers),
    CASE(ON_SQL, options_that_say_nothing),
    CASE(ON_SQL, what_is_said_after_success_and_failure),
};

int main(void)
{
    return conformance_run("results", cases, sizeof cases / sizeof cases[0]);
}
