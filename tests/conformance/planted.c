/*
 * W11: a schema that comes before pg_catalog in the search_path has functions, operators and types
 * of PostgreSQL's names (tests/support/planted.sql).  None of them is ever called.
 */
#include "world.h"

#define FIELDS BM_NAMES("name", "value", "note")

/* A handle whose connections have the schema first. */
static bm_db *begin(world *w)
{
    char words[3 * TEST_NAME_MAX];
    char *text;
    FILE *file = fopen(TEST_PLANTED_SQL, "r");
    FILE *out = text_begin(&text);
    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        fputc(c, out);
    }
    fclose(file);
    fclose(out);
    run(w, "CREATE SCHEMA %s_planted", w->schema);
    run(w, "SET search_path = %s_planted, pg_catalog", w->schema);
    run(w, "%s", text);
    run(w, "SET search_path = %s", w->schema);
    free(text);
    snprintf(words, sizeof words, "options='-c search_path=%s_planted,pg_catalog,%s'", w->schema,
             w->schema);
    return open_again(w, words);
}

static void end(world *w, bm_db *db)
{
    bm_close(db);
    run(w, "SET client_min_messages = warning");
    run(w, "DROP SCHEMA %s_planted CASCADE", w->schema);
    run(w, "RESET client_min_messages");
}

/* It would be noticed. */
static void is_planted(world *w)
{
    PGconn *other = psql_open(NULL);
    psql_run(other, "SET search_path = %s_planted, pg_catalog", w->schema);
    psql_refused(other, "P0001", "SELECT * FROM unnest('{1}'::bigint[])");
    psql_refused(other, "P0001", "SELECT 1::bigint = 1::bigint");
    psql_refused(other, "P0001", "SELECT 'x'::text");
    psql_close(other, NULL);
}

static void create(world *w, bm_db *db)
{
    const size_t sizes[] = {1, 7, 1000, 1500};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        item *rows = some_items(sizes[i], 1, 1);
        bm_rows of = bm_structs(&item_model, rows, sizes[i]);
        ok(w, bm_bulk_create(db, of, NULL, fresh(w), &w->err));
        ok(w, bm_bulk_create(db, of, CREATE(.return_queryset = BM_ON), fresh(w), &w->err));
        free(rows);
    }
}

static void conflicts(world *w, bm_db *db)
{
    const size_t sizes[] = {7, 1500};
    for (size_t i = 0; i < 2; i++) {
        item *rows = some_items(sizes[i], 1, 1);
        rows[3].value_state = BM_DEFAULT_CELL;
        bm_rows of = bm_structs(&item_given_model, rows, sizes[i]);
        ok(w, bm_bulk_create(db, of, CREATE(.update_conflicts = BM_ON, .return_outcomes = BM_ON),
                             fresh(w), &w->err));
        ok(w, bm_bulk_create(db, of, CREATE(.ignore_conflicts = BM_ON, .return_outcomes = BM_ON),
                             fresh(w), &w->err));
        ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, sizes[i]),
                             CREATE(.update_conflicts = BM_ON, .unique_fields = BM_NAMES("name"),
                                    .return_queryset = BM_ON),
                             fresh(w), &w->err));
        free(rows);
    }
}

static void update(world *w, bm_db *db)
{
    static const item values = {.note = "new"};
    const size_t sizes[] = {7, 1500};
    for (size_t i = 0; i < 2; i++) {
        item *rows = some_items(sizes[i], 1, 1);
        bm_rows of = bm_structs(&item_given_model, rows, sizes[i]);
        ok(w, bm_update_fields(
                  db, of,
                  BM_OPTIONS(bm_update_fields_options, .fields = FIELDS, .return_outcomes = BM_ON),
                  fresh(w), &w->err));
        rows[2].note_state = BM_KEEP;
        rows[3].value_state = BM_DEFAULT_CELL;
        ok(w, bm_update_fields(db, of, BM_OPTIONS(bm_update_fields_options, .fields = FIELDS),
                               fresh(w), &w->err));
        ok(w,
           bm_update(db, of,
                     BM_OPTIONS(bm_update_options, .values = &values, .fields = BM_NAMES("note")),
                     fresh(w), &w->err));
        free(rows);
    }
}

static void read(world *w, bm_db *db)
{
    item *rows = some_items(1200, 1, 1);
    bm_rows of = bm_structs(&item_given_model, rows, 1200);
    ok(w, bm_copy_to(db, of, NULL, fresh(w), &w->err));
    assert_true(bm_queryset_count(w->result.queryset) > 0);
    ok(w, bm_copy_to(db, bm_all(&item_model), BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON),
                     fresh(w), &w->err));
    ok(w, bm_delete(db, of, BM_OPTIONS(bm_delete_options, .return_outcomes = BM_ON), fresh(w),
                    &w->err));
    free(rows);
}

static void maintain(world *w, bm_db *db)
{
    const bm_maintenance all[] = {BM_ANALYZE, BM_FIND_SEQUENCES, BM_SYNC_SEQUENCES, BM_TRUNCATE};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ok(w, bm_maintain(db, &item_model, BM_OPTIONS(bm_maintain_options, .what = all[i]), NULL,
                          &w->err));
    }
}

static void nothing_planted_is_called(world *w)
{
    make_items(w, ", UNIQUE (name)");
    bm_db *db = begin(w);
    is_planted(w);
    run(w, "ALTER TABLE item DROP CONSTRAINT item_name_key");
    create(w, db);
    run(w, "DELETE FROM item");
    run(w, "ALTER TABLE item ADD UNIQUE (name)");
    conflicts(w, db);
    run(w, "INSERT INTO item (name) SELECT 'x' || g FROM generate_series(1, 20000) g");
    run(w, "ANALYZE item"); /* large enough for hints */
    update(w, db);
    read(w, db);
    maintain(w, db);
    end(w, db);
}

/* Whoever waits for another asks what for. */
static void nor_by_workers(world *w)
{
    make_items(w, "");
    bm_db *db = begin(w);
    item *rows = some_items(4000, 1, 1);
    ok(w, bm_bulk_create(db, bm_structs(&item_model, rows, 4000),
                         CREATE(.concurrent = BM_ON, .batch_size = 500), fresh(w), &w->err));
    expect_number(w, 4000, "SELECT count(*) FROM item");
    free(rows);
    end(w, db);
}

int main(void)
{
    const conformance_case cases[] = {
        CASE(ON_POSTGRESQL, nothing_planted_is_called),
        CASE(ON_POSTGRESQL, nor_by_workers),
    };
    return conformance_run("planted", cases, sizeof cases / sizeof cases[0]);
}
