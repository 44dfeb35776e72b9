/* bm_call.on_error: rows that fail are set aside.  The judge is the server, which inserts each row
 * alone, in order, by plain SQL. */
#include "world.h"

#define N_OWNERS 9

typedef struct told {
    size_t rows[4096];
    size_t n;
    bm_error first;
    size_t stop_at; /* the hook fails at this reject; 0: never */
} told;

static bm_status note(void *user, const bm_error *why, bm_error *err)
{
    told *t = user;
    if (t->n == 0) {
        t->first = *why;
    }
    t->rows[t->n++] = why->row;
    if (t->n == t->stop_at) {
        snprintf(err->message, sizeof err->message, "the disk is full");
        return BM_LIMIT;
    }
    return BM_OK;
}

static bm_call rejecting(told *t)
{
    *t = (told){.n = 0};
    return (bm_call){.size = sizeof(bm_call),
                     .on_error = BM_ON_ERROR_REJECT,
                     .max_rejects = -1,
                     .user = t,
                     .on_reject = note};
}

/* ---- random rows against rows that are inserted alone */

static const char *const constraints =
    ", UNIQUE (name), CHECK (note <> 'bad'), FOREIGN KEY (value) REFERENCES owner (id)%s";

static void make_tables(world *w, const char *deferred)
{
    char more[256];
    snprintf(more, sizeof more, constraints, deferred);
    run(w, "DROP TABLE IF EXISTS item");
    run(w, "DROP TABLE IF EXISTS plain");
    run(w, "DROP TABLE IF EXISTS owner");
    run(w, "CREATE TABLE owner (id integer PRIMARY KEY)");
    for (int i = 0; i < N_OWNERS; i++) {
        run(w, "INSERT INTO owner VALUES (%d)", i);
    }
    make_items(w, more);
    run(w,
        "CREATE TABLE plain (id bigint PRIMARY KEY, name varchar(50) NOT NULL, value integer, "
        "note text%s)",
        more);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16 & 0x7FFF;
}

/* About one row in `rare` is wrong in each way. */
static item *random_items(size_t n, unsigned seed, unsigned rare)
{
    item *rows = some_items(n, 1, 1);
    for (size_t i = 0; i < n; i++) {
        rows[i].value = (int32_t)(next_random(&seed) % N_OWNERS);
        if (next_random(&seed) % rare == 0) {
            rows[i].value = N_OWNERS;
        }
        if (next_random(&seed) % rare == 0) {
            rows[i].id = 1 + (int64_t)(next_random(&seed) % n);
        }
        if (next_random(&seed) % rare == 0) {
            rows[i].name = rows[next_random(&seed) % n].name;
        }
        if (next_random(&seed) % rare == 0) {
            rows[i].note = "bad";
        }
        if (next_random(&seed) % rare == 0) {
            rows[i].name_state = BM_NULL;
        }
    }
    return rows;
}

static bool inserted_alone(const world *w, const item *row)
{
    char sql[256];
    char name[64] = "NULL";
    if (row->name_state == BM_VALUE) {
        snprintf(name, sizeof name, "'%s'", row->name);
    }
    snprintf(sql, sizeof sql, "INSERT INTO plain VALUES (%lld, %s, %d, '%s')", (long long)row->id,
             name, (int)row->value, row->note);
    return bm_execute(w->db, sql, NULL) == BM_OK;
}

typedef struct reader {
    const item *rows;
    size_t n, at, most;
    size_t released;
} reader;

static bm_status read_some(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    reader *r = user;
    (void)err;
    *n = r->n - r->at < capacity ? r->n - r->at : capacity;
    *n = *n < r->most ? *n : r->most;
    memcpy(rows, r->rows + r->at, *n * sizeof *r->rows);
    r->at += *n;
    return BM_OK;
}

static void release_some(void *user, void *rows)
{
    reader *r = user;
    (void)rows;
    r->released++;
}

static bm_rows rows_in_form(const item *rows, size_t n, int form, const void **pointers, reader *r,
                            bm_source *source)
{
    *r = (reader){.rows = rows, .n = n, .most = 37};
    *source =
        (bm_source){.size = sizeof *source, .user = r, .next = read_some, .release = release_some};
    for (size_t i = 0; i < n; i++) {
        pointers[i] = &rows[i];
    }
    return form == 0   ? bm_structs(&item_given_model, rows, n)
           : form == 1 ? bm_struct_pointers(&item_given_model, pointers, n)
                       : bm_stream(&item_given_model, source);
}

static void compare(world *w, size_t n, unsigned seed, unsigned rare, int form)
{
    told t;
    reader r;
    bm_source source;
    item *rows = random_items(n, seed, rare);
    const void **pointers = calloc(n, sizeof *pointers);
    const bm_call call = rejecting(&t);
    assert_non_null(pointers);
    ok(w, bm_bulk_create(w->db, rows_in_form(rows, n, form, pointers, &r, &source),
                         CREATE(.call = &call), fresh(w), &w->err));
    size_t rejected = 0;
    for (size_t i = 0; i < n; i++) {
        if (!inserted_alone(w, &rows[i])) {
            assert_true(rejected < t.n);
            assert_int_equal(t.rows[rejected], i);
            rejected++;
        }
    }
    assert_int_equal(t.n, rejected);
    assert_int_equal(w->result.rejected, rejected);
    assert_int_equal(w->result.inserted, n - rejected);
    char *want = rows_of(w, "SELECT id, name, value, note FROM plain ORDER BY id");
    expect(w, want, "SELECT id, name, value, note FROM item ORDER BY id");
    free(want);
    free(pointers);
    free(rows);
}

static void what_is_left_is_what_rows_one_by_one_leave(world *w)
{
    static const char *const deferred[] = {"", " DEFERRABLE INITIALLY DEFERRED"};
    for (unsigned i = 0; i < 12; i++) {
        make_tables(w, deferred[i % 2]);
        compare(w, 60 + 40 * i, 17 + i, i < 6 ? 8 : 60, (int)(i % 3));
        make_tables(w, deferred[i % 2]);
        compare(w, 40, 170 + i, 3, (int)(i % 3));
    }
}

/* A row that fails takes nothing with it: the row that has its key later is good. */
static void a_failed_row_does_not_keep_its_key(world *w)
{
    told t;
    make_tables(w, "");
    item *rows = some_items(6, 1, 1);
    for (size_t i = 0; i < 6; i++) {
        rows[i].value = 1;
    }
    rows[1].value = N_OWNERS; /* no such owner */
    rows[4].id = rows[1].id;
    rows[5].id = rows[0].id;
    const bm_call call = rejecting(&t);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 6), CREATE(.call = &call),
                         fresh(w), &w->err));
    assert_int_equal(t.n, 2);
    assert_int_equal(t.rows[0], 1);
    assert_int_equal(t.rows[1], 5);
    assert_string_equal(t.first.sqlstate, "23503");
    assert_int_equal(t.first.status, BM_CONSTRAINT);
    assert_string_equal(t.first.verb, "bulk_create");
    expect(w, "1|n0\n2|n4\n3|n2\n4|n3\n", "SELECT id, name FROM item ORDER BY id");
    free(rows);
}

/* Of two rows with one key the second is good, for the name of the first is taken; so is the row
 * whose name a row has that failed. */
static void two_unique_constraints(world *w)
{
    static const struct {
        int64_t id;
        const char *name;
    } given[] = {{9, "a"}, {1, "a"}, {1, "b"}, {9, "c"}, {2, "c"}, {3, "b"}, {3, "d"}};
    told t;
    make_tables(w, "");
    item *rows = some_items(7, 1, 1);
    for (size_t i = 0; i < 7; i++) {
        rows[i].id = given[i].id;
        rows[i].name = given[i].name;
        rows[i].value = 1;
    }
    const bm_call call = rejecting(&t);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 7), CREATE(.call = &call),
                         fresh(w), &w->err));
    expect(w, "1|b\n2|c\n3|d\n9|a\n", "SELECT id, name FROM item ORDER BY id");
    assert_int_equal(t.n, 3);
    assert_int_equal(t.rows[0] + 10 * t.rows[1] + 100 * t.rows[2], 1 + 10 * 3 + 100 * 5);
    free(rows);
}

/* ---- other verbs */

static void update_fields_and_delete(world *w)
{
    told t;
    make_tables(w, " DEFERRABLE INITIALLY DEFERRED");
    item *rows = some_items(40, 1, 1);
    for (size_t i = 0; i < 40; i++) {
        rows[i].value = 1;
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 40), NULL, NULL, &w->err));
    rows[3].value = N_OWNERS;
    rows[8].note = "bad";
    rows[9].id = 8; /* the key of an earlier row */
    rows[9].value = 3;
    const bm_call call = rejecting(&t);
    ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 40),
                           BM_OPTIONS(bm_update_fields_options, .call = &call,
                                      .fields = BM_NAMES("value", "note")),
                           fresh(w), &w->err));
    assert_int_equal(t.n, 3);
    assert_int_equal(t.rows[0], 3);
    assert_int_equal(t.rows[1], 8);
    assert_int_equal(t.rows[2], 9);
    assert_int_equal(w->result.updated, 37);
    expect_number(w, 40, "SELECT count(*) FROM item WHERE value = 1");
    run(w, "CREATE TABLE child (id bigint REFERENCES item (id))");
    run(w, "INSERT INTO child VALUES (12)");
    const bm_call again = rejecting(&t);
    ok(w, bm_delete(w->db, bm_structs(&item_given_model, rows + 10, 30), DELETE(.call = &again),
                    fresh(w), &w->err));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.rows[0], 1);
    assert_int_equal(w->result.deleted, 29);
    run(w, "DROP TABLE child");
    free(rows);
}

static void upsert(world *w)
{
    told t;
    make_tables(w, "");
    item *rows = some_items(30, 1, 1);
    for (size_t i = 0; i < 30; i++) {
        rows[i].value = 1;
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 10), NULL, NULL, &w->err));
    rows[5].note = "bad";
    rows[20].value = N_OWNERS;
    rows[25].name = "n3"; /* another row's */
    rows[29].id = 2;
    const bm_call call = rejecting(&t);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 30),
                         CREATE(.call = &call, .update_conflicts = BM_ON), fresh(w), &w->err));
    assert_int_equal(t.n, 4);
    assert_int_equal(t.rows[0] + 1000 * t.rows[1], 5 + 1000 * 20);
    assert_int_equal(t.rows[2] + 1000 * t.rows[3], 25 + 1000 * 29);
    assert_int_equal(w->result.updated, 9);
    assert_int_equal(w->result.inserted, 17);
    free(rows);
}

/* ---- what the library refuses itself; limits; what is not a row's fault */

static void values_that_do_not_fit(world *w)
{
    told t;
    run(w, "CREATE TABLE word (word varchar(3) PRIMARY KEY, n integer)");
    const word rows[] = {{"a", 1}, {"b\xFF", 2}, {"c", 3}, {NULL, 4}, {"d", 5}};
    const bm_call call = rejecting(&t);
    ok(w, bm_bulk_create(w->db, bm_structs(&word_model, rows, 5), CREATE(.call = &call), fresh(w),
                         &w->err));
    assert_int_equal(t.n, 2);
    assert_int_equal(t.rows[0], 1);
    assert_int_equal(t.rows[1], 3);
    assert_int_equal(t.first.status, BM_CONVERT);
    assert_string_equal(t.first.column, "word");
    expect(w, "a|1\nc|3\nd|5\n", "SELECT word, n FROM word ORDER BY n");
}

static bm_status with_bad_rows(world *w, size_t bad, const bm_call *call)
{
    item *rows = some_items(40, 1, 1);
    for (size_t i = 0; i < 40; i++) {
        rows[i].value = i < bad ? N_OWNERS : 1;
    }
    bm_status status = bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 40),
                                      CREATE(.call = call), fresh(w), &w->err);
    free(rows);
    return status;
}

static void limits(world *w)
{
    told t;
    make_tables(w, "");
    bm_call call = rejecting(&t);
    call.max_rejects = 0; /* 10 % */
    refused(w, with_bad_rows(w, 5, &call), BM_LIMIT, BM_NO_ROW, "");
    assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(t.n, 5);
    call.max_rejects = 3;
    refused(w, with_bad_rows(w, 4, &call), BM_LIMIT, BM_NO_ROW, "");
    t = (told){.stop_at = 2};
    call.max_rejects = -1;
    refused(w, with_bad_rows(w, 4, &call), BM_LIMIT, BM_NO_ROW, "");
    assert_string_equal(w->err.message, "the disk is full");
    call.dry_run = BM_ON;
    t.stop_at = 0;
    ok(w, with_bad_rows(w, 30, &call));
    assert_int_equal(w->result.rejected, 30);
    expect_number(w, 0, "SELECT count(*) FROM item");
    call.dry_run = BM_OFF;
    call.max_rejects = 0;
    ok(w, with_bad_rows(w, 4, &call));
    expect_number(w, 36, "SELECT count(*) FROM item");
}

static void what_is_no_rows_fault_ends_the_call(world *w)
{
    told t;
    const bm_call call = rejecting(&t);
    refused(w, with_bad_rows(w, 0, &call), BM_INVALID, BM_NO_ROW, ""); /* no such table */
    assert_int_equal(t.n, 0);
    make_tables(w, "");
    item *rows = some_items(1, 1, 1);
    const bm_rows one = bm_structs(&item_given_model, rows, 1);
    const void *refusals[] = {CREATE(.call = &call, .return_queryset = BM_ON),
                              CREATE(.call = &call, .return_outcomes = BM_ON),
                              CREATE(.call = &call, .concurrent = BM_ON),
                              CREATE(.call = &call, .keys_into = rows)};
    for (size_t i = 0; i < 4; i++) {
        refused(w, bm_bulk_create(w->db, one, refusals[i], fresh(w), &w->err), BM_UNSUPPORTED,
                BM_NO_ROW, "");
    }
    const int64_t keys[] = {1};
    refused(w,
            bm_delete(w->db, bm_keys(&item_given_model, keys, 1), DELETE(.call = &call), fresh(w),
                      &w->err),
            BM_UNSUPPORTED, BM_NO_ROW, "");
    expect_number(w, 0, "SELECT count(*) FROM item");
    free(rows);
}

/* ---- in the caller's transaction */

static void in_a_transaction(world *w)
{
    told t;
    bm_db *tx;
    bm_db *db = w->db;
    make_tables(w, "");
    const bm_call call = rejecting(&t);
    ok(w, bm_begin(db, &tx, &w->err));
    w->db = tx;
    ok(w, with_bad_rows(w, 3, &call));
    w->db = db;
    ok(w, bm_commit(tx, &w->err));
    assert_int_equal(t.n, 3);
    expect_number(w, 37, "SELECT count(*) FROM item");
}

static void a_trigger_that_refuses_rows(world *w)
{
    told t;
    make_tables(w, "");
    run(w, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
           "IF NEW.value = 7 THEN RAISE 'no sevens'; END IF; RETURN NEW; END $$");
    run(w, "CREATE TRIGGER refuse AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION refuse()");
    item *rows = some_items(2000, 1, 1);
    for (size_t i = 0; i < 2000; i++) {
        rows[i].value = i == 3 || i == 1500 ? 7 : 1;
    }
    rows[1999].id = 5;
    const bm_call call = rejecting(&t);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 2000), CREATE(.call = &call),
                         fresh(w), &w->err));
    assert_int_equal(t.n, 3);
    assert_int_equal(t.rows[0] + 10000 * t.rows[1], 3 + 10000 * 1500);
    assert_int_equal(t.rows[2], 1999);
    assert_string_equal(t.first.sqlstate, "P0001");
    expect_number(w, 1997, "SELECT count(*) FROM item");
    run(w, "DROP TRIGGER refuse ON item; DROP FUNCTION refuse()");
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, what_is_left_is_what_rows_one_by_one_leave),
    CASE(ON_SQL, a_failed_row_does_not_keep_its_key),
    CASE(ON_SQL, two_unique_constraints),
    CASE(ON_SQL, update_fields_and_delete),
    CASE(ON_SQL, upsert),
    CASE(ON_SQL, values_that_do_not_fit),
    CASE(ON_SQL, limits),
    CASE(ON_SQL, what_is_no_rows_fault_ends_the_call),
    CASE(ON_SQL, in_a_transaction),
    CASE(ON_POSTGRESQL, a_trigger_that_refuses_rows),
};

int main(void)
{
    return conformance_run("rejects", cases, sizeof cases / sizeof cases[0]);
}
