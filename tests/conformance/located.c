/* The row of an error that the server does not place: it is looked for (docs/decisions/002). */
#include "world.h"

#define FIELDS(...) BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES(__VA_ARGS__))

static bm_status create_in(world *w, bm_db *db, const item *rows, size_t n, size_t batch_size)
{
    return bm_bulk_create(db, bm_structs(&item_model, rows, n), CREATE(.batch_size = batch_size),
                          fresh(w), &w->err);
}

/* A deferred constraint fails at COMMIT, after the statements. */
static void a_deferred_constraint_names_the_row(world *w)
{
    static const size_t sizes[][3] = {{1, 0, 0}, {20, 13, 0}, {40, 33, 7}, {1500, 1200, 0}};
    run(w, "CREATE TABLE owner (id bigint PRIMARY KEY)");
    run(w, "INSERT INTO owner VALUES (0)");
    make_items(w, ", FOREIGN KEY (value) REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED");
    for (size_t i = 0; i < 4; i++) {
        item *rows = some_items(sizes[i][0], 0, 0);
        for (size_t row = 0; row < sizes[i][0]; row++) {
            rows[row].value = row == sizes[i][1] ? 9 : 0;
        }
        for (int several = 0; several < 2; several++) {
            bm_status status = bm_bulk_create(w->db, bm_structs(&item_model, rows, sizes[i][0]),
                                              CREATE(.batch_size = sizes[i][2],
                                                     .concurrent = several != 0 ? BM_ON : BM_OFF,
                                                     .max_concurrent_workers = 2),
                                              fresh(w), &w->err);
            refused(w, status, BM_CONSTRAINT, sizes[i][1], "");
            assert_string_equal(w->err.sqlstate, "23503");
            assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
        }
        expect_number(w, 0, "SELECT count(*) FROM item");
        free(rows);
    }
}

/* A row that is updated to refer to nothing, among others and alone; and one that is deleted though
 * another refers to it. */
static void a_deferred_constraint_of_other_verbs(world *w)
{
    run(w, "CREATE TABLE owner (id bigint PRIMARY KEY)");
    run(w, "INSERT INTO owner VALUES (0)");
    make_items(w, ", FOREIGN KEY (value) REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED");
    item *rows = some_items(40, 1, 1);
    for (size_t i = 0; i < 40; i++) {
        rows[i].value = 0;
    }
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 40), NULL, NULL, &w->err));
    rows[31].value = 9;
    bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 40),
                                        FIELDS("value"), fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 31, "");
    status = bm_update_fields(w->db, bm_structs(&item_given_model, rows + 31, 1), FIELDS("value"),
                              fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 0, "");
    expect_number(w, 40, "SELECT count(*) FROM item WHERE value = 0");
    run(w, "CREATE TABLE child (id bigint, "
           "FOREIGN KEY (id) REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)");
    run(w, "INSERT INTO child VALUES (18)");
    status = bm_delete(w->db, bm_structs(&item_given_model, rows, 40), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, 17, "");
    expect_number(w, 40, "SELECT count(*) FROM item");
    run(w, "DROP TABLE child");
    free(rows);
}

/* Rows of a stream, of which one refers to nothing. */
typedef struct stream {
    size_t made, n, bad;
    size_t rewound;
} stream;

static bm_status stream_next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    stream *s = user;
    item *out = rows;
    (void)err;
    for (*n = 0; *n < capacity && s->made < s->n; (*n)++) {
        out[*n] = (item){.name = "x", .value = s->made == s->bad ? 9 : 0};
        s->made++;
    }
    return BM_OK;
}

static bm_status stream_rewind(void *user, bm_error *err)
{
    stream *s = user;
    (void)err;
    s->made = 0;
    s->rewound++;
    return BM_OK;
}

static void stream_release(void *user, void *rows)
{
    (void)user;
    (void)rows;
}

/* Its rows are gone when COMMIT fails: it is read again, where it can be. */
static void a_deferred_constraint_names_the_row_of_a_stream(world *w)
{
    static const bm_call dry = {.size = sizeof dry, .dry_run = BM_ON};
    run(w, "CREATE TABLE owner (id bigint PRIMARY KEY)");
    run(w, "INSERT INTO owner VALUES (0)");
    make_items(w, ", FOREIGN KEY (value) REFERENCES owner (id) DEFERRABLE INITIALLY DEFERRED");
    for (int how = 0; how < 6; how++) {
        bool once = how == 5;
        stream s = {.n = 1000, .bad = 730};
        const bm_source source = {.size = sizeof source,
                                  .user = &s,
                                  .next = stream_next,
                                  .rewind = once ? NULL : stream_rewind,
                                  .release = stream_release};
        bm_status status = bm_bulk_create(
            w->db, bm_stream(&item_model, &source),
            CREATE(.call = how % 2 == 1 ? &dry : NULL, .batch_size = how < 2 ? 0 : 100,
                   .concurrent = how == 4 ? BM_ON : BM_OFF, .max_concurrent_workers = 3),
            fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, once ? BM_NO_ROW : 730, "");
        assert_string_equal(w->err.sqlstate, "23503");
        assert_int_equal(w->err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(s.rewound, !once);
        expect_number(w, 0, "SELECT count(*) FROM item");
    }
}

/* Where rows refer to each other, parts of a statement are refused for what it accepts. */
static void refer_to_each_other(world *w, bool deferred)
{
    bool sqlite = (w->on->bit & ON_SQLITE) != 0;
    run(w,
        "CREATE TABLE item (id %s PRIMARY KEY, name text, note text, value integer, "
        "FOREIGN KEY (value) REFERENCES item (id)%s)",
        sqlite ? "integer" : "bigint", sqlite && !deferred ? "" : " DEFERRABLE INITIALLY DEFERRED");
    item *rows = some_items(30, 1, 1);
    for (size_t i = 0; i < 30; i++) {
        rows[i].value = 30 - (int32_t)i; /* a row that comes later, up to the half */
    }
    rows[20].value = 99;
    bm_status status =
        bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 30), NULL, fresh(w), &w->err);
    refused(w, status, BM_CONSTRAINT, BM_NO_ROW, "");
    rows[20].value = 1;
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 30), NULL, NULL, &w->err));
    free(rows);
    run(w, "DROP TABLE item");
}

static void of_rows_that_refer_to_each_other_none_is_named(world *w)
{
    refer_to_each_other(w, false);
    refer_to_each_other(w, true);
}

/* In the caller's transaction: it finds what it wrote before, and it goes on. */
static void in_a_transaction_the_row_is_named(world *w)
{
    static const char *const rules[] = {
        ", CONSTRAINT positive CHECK (value >= 0)",
        ", CONSTRAINT owned FOREIGN KEY (value) REFERENCES owner (id)",
        ", CONSTRAINT apart EXCLUDE USING btree (value WITH =) WHERE (value < 0)"};
    static const size_t sizes[][3] = {{20, 13, 0}, {40, 33, 7}, {1500, 1200, 0}};
    run(w, "CREATE TABLE owner (id bigint PRIMARY KEY)");
    for (size_t rule = 0; rule < 3; rule++) {
        make_items(w, rules[rule]);
        for (size_t i = 0; i < 3; i++) {
            item *rows = some_items(sizes[i][0], 0, 0);
            bm_db *tx;
            ok(w, bm_begin(w->db, &tx, &w->err));
            ok(w, bm_execute(tx, "INSERT INTO owner VALUES (0)", &w->err));
            for (size_t row = 0; row < sizes[i][0]; row++) {
                rows[row].value = 0;
            }
            rows[5].value = rule == 2 ? -1 : 0;
            rows[sizes[i][1]].value = -1;
            bm_status status = create_in(w, tx, rows, sizes[i][0], sizes[i][2]);
            refused(w, status, BM_CONSTRAINT, sizes[i][1], "");
            assert_int_equal(w->err.fate, BM_FATE_IN_CALLERS_TRANSACTION);
            rows[sizes[i][1]].value = rows[5].value = 0;
            ok(w, create_in(w, tx, rows, sizes[i][0], sizes[i][2]));
            bm_rollback(tx);
            free(rows);
        }
        expect_number(w, 0, "SELECT count(*) FROM item");
        run(w, "DROP TABLE item");
    }
}

/* T10: a trigger that refuses the search for another reason: no row, rather than a wrong one. */
static void a_trigger_that_changes_its_mind(world *w)
{
    static const char *const then[] = {"not_null_violation", "invalid_text_representation",
                                       "raise_exception"};
    make_items(w, "");
    item *rows = some_items(40, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 40), NULL, NULL, &w->err));
    for (size_t i = 0; i < 3; i++) {
        run(w, "CREATE SEQUENCE asked");
        run(w,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.value >= 0 THEN RETURN NEW; END IF; IF nextval('asked') = 1 THEN "
            "RAISE check_violation; END IF; RAISE %s; END $$",
            then[i]);
        run(w, "CREATE TRIGGER refuse BEFORE UPDATE ON item FOR EACH ROW "
               "EXECUTE FUNCTION refuse()");
        rows[31].value = -1;
        bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 40),
                                            FIELDS("value"), fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, BM_NO_ROW, "");
        assert_string_equal(w->err.sqlstate, "23514");
        run(w, "DROP TRIGGER refuse ON item; DROP FUNCTION refuse(); DROP SEQUENCE asked");
    }
    free(rows);
}

/* S3: a value that the server refuses is refused once, where the table is what it was. */
static void a_refused_value_is_sent_once(world *w)
{
    make_items(w, "");
    run(w, "ALTER TABLE item ADD CONSTRAINT sane CHECK (10 / (value - 7) < 100)");
    item *rows = some_items(1, 0, 1);
    ok(w, bm_bulk_create(w->db, bm_structs(&item_given_model, rows, 1), NULL, NULL, &w->err));
    rows[0].value = 7;
    bm_status status = bm_update_fields(w->db, bm_structs(&item_given_model, rows, 1),
                                        FIELDS("value"), fresh(w), &w->err);
    refused(w, status, BM_CONVERT, 0, "");
    assert_string_equal(w->err.sqlstate, "22012");
    assert_int_equal(w->result.statements, 2); /* the UPDATE, and whether the table is the same */
    free(rows);
}

static const conformance_case cases[] = {
    CASE(ON_SQL, a_deferred_constraint_names_the_row),
    CASE(ON_SQL, a_deferred_constraint_of_other_verbs),
    CASE(ON_SQL, a_deferred_constraint_names_the_row_of_a_stream),
    CASE(ON_SQL, of_rows_that_refer_to_each_other_none_is_named),
    CASE(ON_POSTGRESQL, in_a_transaction_the_row_is_named),
    CASE(ON_POSTGRESQL, a_trigger_that_changes_its_mind),
    CASE(ON_POSTGRESQL, a_refused_value_is_sent_once),
};

int main(void)
{
    return conformance_run("located", cases, sizeof cases / sizeof cases[0]);
}
