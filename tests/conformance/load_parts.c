/* bm_call.load_id: a load in parts, which the same call resumes (issue 13, part 4). */
#include "world.h"

#define OF_LOADS "FROM bulkmodel_load WHERE load_id = 'it''s \\ here'"

/* Items 1 to n in the given order, of which reading may fail; and what the hooks were told. */
typedef struct reader {
    const item *rows;
    size_t n, at, fails_at; /* fails_at 0: never */
    bool names_row;         /* of a failure */
    size_t held, skipped;
    world *w;
    const char *meanwhile; /* SQL of another session, after the first part */
    uint64_t parts[16];
    size_t n_parts;
} reader;

static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    reader *r = user;
    for (*n = 0; *n < capacity && *n < 7 && r->at < r->n; ++*n, r->at++) {
        if (r->fails_at > 0 && r->at == r->fails_at) {
            err->row = r->names_row ? r->at : BM_NO_ROW;
            return BM_CANCELLED;
        }
        ((item *)rows)[*n] = r->rows[r->at];
    }
    r->held += *n > 0;
    return BM_OK;
}

static void release(void *user, void *rows)
{
    (void)rows;
    ((reader *)user)->held--;
}

static bm_status skip_rows(void *user, uint64_t n, bm_error *err)
{
    reader *r = user;
    (void)err;
    assert_int_equal(r->at, 0);
    r->at = r->skipped = (size_t)n;
    return BM_OK;
}

static void on_part(void *user, uint64_t rows)
{
    reader *r = user;
    assert_true(r->n_parts < 16);
    r->parts[r->n_parts++] = rows;
    if (r->n_parts == 2 && r->meanwhile != NULL) {
        run(r->w, "%s", r->meanwhile);
    }
}

typedef bm_status (*verb)(bm_db *db, bm_rows rows, const bm_call *call, bm_result *result,
                          bm_error *err);

static bm_status create(bm_db *db, bm_rows rows, const bm_call *call, bm_result *result,
                        bm_error *err)
{
    return bm_bulk_create(db, rows, CREATE(.call = call), result, err);
}

static bm_status upsert(bm_db *db, bm_rows rows, const bm_call *call, bm_result *result,
                        bm_error *err)
{
    return bm_upsert(db, rows, BM_OPTIONS(bm_upsert_options, .call = call, .batch_size = 4), result,
                     err);
}

static bm_status update(bm_db *db, bm_rows rows, const bm_call *call, bm_result *result,
                        bm_error *err)
{
    return bm_update_fields(
        db, rows,
        BM_OPTIONS(bm_update_fields_options, .call = call, .fields = BM_NAMES("value", "note")),
        result, err);
}

static bm_status erase(bm_db *db, bm_rows rows, const bm_call *call, bm_result *result,
                       bm_error *err)
{
    return bm_delete(db, rows, DELETE(.call = call), result, err);
}

/* One call, in parts of ten rows. */
static bm_status load_with(world *w, verb call, reader *r, bm_switch take_over, bool skips)
{
    const bm_source source = {.size = sizeof source,
                              .user = r,
                              .next = next,
                              .release = release,
                              .skip = skips ? skip_rows : NULL};
    r->at = r->n_parts = r->skipped = 0;
    bm_status status = call(w->db, bm_stream(&item_given_model, &source),
                            BM_OPTIONS(bm_call, .load_id = "it's \\ here", .commit_every = 10,
                                       .user = r, .on_part = on_part, .take_over = take_over),
                            fresh(w), &w->err);
    assert_int_equal(r->held, 0);
    return status;
}

static bm_status load(world *w, reader *r)
{
    return load_with(w, create, r, BM_DEFAULT, false);
}

static item *begin(world *w, reader *r, size_t n)
{
    item *rows = some_items(n, 1, 1);
    make_items(w, "");
    ok(w, bm_load_init(w->db, NULL, &w->err));
    *r = (reader){.rows = rows, .n = n, .w = w};
    return rows;
}

static void it_goes_on_after_the_last_part(world *w)
{
    static const struct {
        verb call;
        const char *left; /* in the end */
    } verbs[] = {
        {create, "35|5950\n"}, {upsert, "35|5950\n"}, {update, "35|5950\n"}, {erase, "0|NULL\n"}};
    reader r;
    item *rows = begin(w, &r, 35);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        run(w, "DELETE FROM item");
        run(w, "DELETE FROM bulkmodel_load");
        for (int k = 0; k < 35 && verbs[i].call != create; k++) {
            run(w, "INSERT INTO item VALUES (%d, 'n%d', -1, 'old')", k + 1, k);
        }
        r.fails_at = 25;
        assert_int_equal(load_with(w, verbs[i].call, &r, BM_DEFAULT, false), BM_CANCELLED);
        assert_int_equal(w->err.fate, BM_FATE_PARTIAL);
        assert_int_equal(w->result.parts[0].fate, BM_FATE_COMMITTED);
        assert_int_equal(w->result.parts[0].ranges[1], 20);
        expect(w, "20|stopped\n", "SELECT rows_written, state " OF_LOADS);
        r.fails_at = 0;
        ok(w, load_with(w, verbs[i].call, &r, BM_DEFAULT, false));
        assert_int_equal(r.n_parts, 3);
        assert_int_equal(r.parts[0], 20);
        assert_int_equal(r.parts[2], 35);
        assert_int_equal(w->result.inserted + w->result.updated + w->result.deleted, 15);
        expect(w, verbs[i].left, "SELECT count(*), sum(value) FROM item");
        expect(w, "35|finished\n", "SELECT rows_written, state " OF_LOADS);
    }
    free(rows);
}

static void a_finished_load_writes_nothing(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    ok(w, load(w, &r));
    assert_int_equal(w->result.inserted, 30);
    ok(w, load(w, &r));
    assert_int_equal(w->result.inserted, 0);
    assert_int_equal(r.n_parts, 1);
    assert_int_equal(r.parts[0], 30);
    r.n = 29;
    refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "has fewer"));
    item *more = some_items(31, 1, 1);
    r = (reader){.rows = more, .n = 31, .w = w};
    refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "has more"));
    expect(w, "30|finished\n", "SELECT rows_written, state " OF_LOADS);
    expect_number(w, 30, "SELECT count(*) FROM item");
    free(more);
    free(rows);
}

/* One cell, a NULL for a value, an order, a model with other columns: each is noticed. */
static void rows_that_were_changed_are_refused(world *w)
{
    static const bm_field three[] = {BM_FIELD(item, id, BM_INT8, BM_KEY),
                                     BM_FIELD(item, name, BM_TEXT, 0),
                                     BM_FIELD(item, note, BM_TEXT, 0)};
    const bm_model narrow = {.size = sizeof narrow,
                             .table = "item",
                             .row_size = sizeof(item),
                             .fields = three,
                             .n_fields = 3};
    reader r;
    item *rows = begin(w, &r, 30);
    r.fails_at = 25;
    assert_int_equal(load(w, &r), BM_CANCELLED);
    r.fails_at = 0;
    for (int change = 0; change < 4; change++) {
        item was[2];
        memcpy(was, rows + 11, sizeof was);
        rows[11].value += change == 0;
        rows[11].name = change == 1 ? "n1 1" : rows[11].name;
        rows[11].value_state = change == 2 ? BM_NULL : BM_VALUE;
        if (change == 3) {
            rows[11] = was[1];
            rows[12] = was[0];
        }
        refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
        assert_non_null(strstr(w->err.message, "has written 20 rows, and the source begins with"));
        assert_int_equal(w->err.fate, BM_FATE_NOT_STARTED);
        memcpy(rows + 11, was, sizeof was);
    }
    const bm_source source = {.size = sizeof source, .user = &r, .next = next, .release = release};
    r.at = r.n_parts = 0;
    refused(w,
            create(w->db, bm_stream(&narrow, &source),
                   BM_OPTIONS(bm_call, .load_id = "it's \\ here"), fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "");
    rows[25].value = 1; /* is not written yet */
    ok(w, load(w, &r));
    expect_number(w, 30, "SELECT count(*) FROM item");
    free(rows);
}

static void another_table_or_verb_is_refused(world *w)
{
    reader r;
    item *rows = begin(w, &r, 5);
    ok(w, load(w, &r));
    refused(w, load_with(w, upsert, &r, BM_DEFAULT, false), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "belongs to bulk_create into \"item\""));
    run(w, "UPDATE bulkmodel_load SET target = 'other'");
    refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
    free(rows);
}

static void a_load_that_may_be_running_is_refused(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    r.fails_at = 15;
    assert_int_equal(load(w, &r), BM_CANCELLED);
    r.fails_at = 0;
    run(w, "UPDATE bulkmodel_load SET state = 'loading'"); /* as after a crash */
    refused(w, load(w, &r), BM_RETRY, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "take_over"));
    expect_number(w, 10, "SELECT count(*) FROM item");
    run(w, "UPDATE bulkmodel_load SET renewed = renewed - 61");
    r.fails_at = 25;
    assert_int_equal(load(w, &r), BM_CANCELLED);
    expect_number(w, 20, "SELECT count(*) FROM item");
    r.fails_at = 0;
    run(w, "UPDATE bulkmodel_load SET state = 'loading'");
    ok(w, load_with(w, create, &r, BM_ON, false));
    expect_number(w, 30, "SELECT count(*) FROM item");
    free(rows);
}

static void a_load_that_was_taken_over_cannot_commit(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    r.meanwhile = "UPDATE bulkmodel_load SET token = 'other'";
    refused(w, load(w, &r), BM_DATABASE, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "taken over"));
    expect(w, "10|loading|other\n", "SELECT rows_written, state, token " OF_LOADS);
    expect_number(w, 10, "SELECT count(*) FROM item");
    free(rows);
}

static void an_error_names_the_row_of_the_stream(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    rows[23].name = NULL;
    rows[23].name_state = BM_NULL;
    assert_int_equal(load(w, &r), BM_CONSTRAINT);
    assert_int_equal(w->err.row, 23);
    assert_int_equal(w->err.fate, BM_FATE_PARTIAL);
    rows[23].name = "n23";
    rows[23].name_state = BM_VALUE;
    rows[24].id = 25;
    rows[25].id = 25;
    assert_int_equal(load(w, &r), BM_CONSTRAINT);
    assert_int_equal(w->err.row, 25);
    run(w, "DELETE FROM bulkmodel_load");
    assert_int_equal(load_with(w, upsert, &r, BM_DEFAULT, false), BM_INVALID);
    assert_int_equal(w->err.row + w->err.other_row, 24 + 25);
    assert_non_null(strstr(w->err.message, "rows 24 and 25"));
    expect_number(w, 20, "SELECT count(*) FROM item");
    free(rows);
}

static void a_source_numbers_its_own_rows(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    r.fails_at = 25;
    r.names_row = true;
    assert_int_equal(load(w, &r), BM_CANCELLED);
    assert_int_equal(w->err.row, 25);
    free(rows);
}

/* Nothing is written yet: the rows may be read in another way. */
static void a_first_part_can_be_corrected(world *w)
{
    static const bm_field two[] = {BM_FIELD(item, id, BM_INT8, BM_KEY | BM_ASSIGNED),
                                   BM_FIELD(item, name, BM_TEXT, 0)};
    const bm_model narrow = {.size = sizeof narrow,
                             .table = "item",
                             .row_size = sizeof(item),
                             .fields = two,
                             .n_fields = 2};
    reader r;
    item *rows = begin(w, &r, 30);
    r.fails_at = 5;
    assert_int_equal(load(w, &r), BM_CANCELLED);
    r.fails_at = r.at = 0;
    const bm_source source = {.size = sizeof source, .user = &r, .next = next, .release = release};
    ok(w, create(w->db, bm_stream(&narrow, &source), BM_OPTIONS(bm_call, .load_id = "it's \\ here"),
                 fresh(w), &w->err));
    expect_number(w, 30, "SELECT count(*) FROM item");
    free(rows);
}

/* Its parts would follow each other without an end. */
static void a_call_that_reads_no_rows_is_refused(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    static const char *const none[] = {NULL};
    const bm_call *call = BM_OPTIONS(bm_call, .load_id = "x");
    const bm_source source = {.size = sizeof source, .user = &r, .next = next, .release = release};
    refused(w,
            bm_update_fields(w->db, bm_stream(&item_given_model, &source),
                             BM_OPTIONS(bm_update_fields_options, .call = call, .fields = none),
                             fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "no fields to write"));
    free(rows);
}

static void a_source_may_skip(world *w)
{
    reader r;
    item *rows = begin(w, &r, 30);
    r.fails_at = 15;
    assert_int_equal(load_with(w, create, &r, BM_DEFAULT, true), BM_CANCELLED);
    assert_int_equal(r.skipped, 0);
    r.fails_at = 0;
    ok(w, load_with(w, create, &r, BM_DEFAULT, true));
    assert_int_equal(r.skipped, 10);
    expect_number(w, 30, "SELECT count(*) FROM item");
    ok(w, load(w, &r)); /* the checksum is that of all rows */
    free(rows);
}

static void the_table_is_never_made_unasked(world *w)
{
    char *text;
    reader r = {.w = w};
    make_items(w, "");
    refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
    assert_non_null(strstr(w->err.message, "bm_load_init"));
    ok(w, bm_load_init(w->db, &text, &w->err));
    refused(w, load(w, &r), BM_INVALID, BM_NO_ROW, "");
    ok(w, bm_execute(w->db, text, &w->err));
    ok(w, bm_load_init(w->db, NULL, &w->err));
    ok(w, load(w, &r));
    expect(w, "0|finished\n", "SELECT rows_written, state " OF_LOADS);
    bm_free(text);
}

static void what_cannot_be_in_parts_is_refused(world *w)
{
    reader r;
    bm_db *tx;
    item *rows = begin(w, &r, 5);
    const bm_rows structs = bm_structs(&item_given_model, rows, 5);
    const bm_call *call = BM_OPTIONS(bm_call, .load_id = "x");
    const bm_source source = {.size = sizeof source, .user = &r, .next = next, .release = release};
    const bm_rows stream = bm_stream(&item_given_model, &source);
    refused(w, create(w->db, structs, call, fresh(w), &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(
        w,
        bm_bulk_create(w->db, stream, CREATE(.call = call, .concurrent = BM_ON), fresh(w), &w->err),
        BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.call = call), fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w,
            bm_sync(w->db, structs, BM_OPTIONS(bm_sync_options, .call = call, .where = "true"),
                    fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, create(w->db, stream, BM_OPTIONS(bm_call, .load_id = "a\nb"), fresh(w), &w->err),
            BM_INVALID, BM_NO_ROW, "");
    ok(w, bm_begin(w->db, &tx, &w->err));
    refused(w, create(tx, stream, call, fresh(w), &w->err), BM_INVALID, BM_NO_ROW, "");
    bm_rollback(tx);
    expect_number(w, 0, "SELECT count(*) FROM bulkmodel_load");
    free(rows);
}

static void in_memory_nothing_is_recorded(world *w)
{
    const bm_source source = {.size = sizeof source, .next = next};
    refused(w,
            create(w->db, bm_stream(&item_given_model, &source),
                   BM_OPTIONS(bm_call, .load_id = "x"), fresh(w), &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "");
    refused(w, bm_load_init(w->db, NULL, &w->err), BM_UNSUPPORTED, BM_NO_ROW, "");
}

int main(void)
{
    static const conformance_case cases[] = {
        CASE(ON_SQL, it_goes_on_after_the_last_part),
        CASE(ON_SQL, a_finished_load_writes_nothing),
        CASE(ON_SQL, rows_that_were_changed_are_refused),
        CASE(ON_SQL, another_table_or_verb_is_refused),
        CASE(ON_SQL, a_load_that_may_be_running_is_refused),
        CASE(ON_SQL, a_load_that_was_taken_over_cannot_commit),
        CASE(ON_SQL, an_error_names_the_row_of_the_stream),
        CASE(ON_SQL, a_source_numbers_its_own_rows),
        CASE(ON_SQL, a_first_part_can_be_corrected),
        CASE(ON_SQL, a_call_that_reads_no_rows_is_refused),
        CASE(ON_SQL, a_source_may_skip),
        CASE(ON_SQL, the_table_is_never_made_unasked),
        CASE(ON_SQL, what_cannot_be_in_parts_is_refused),
        CASE(ON_MEMORY, in_memory_nothing_is_recorded),
    };
    return conformance_run("load_parts", cases, sizeof cases / sizeof cases[0]);
}
