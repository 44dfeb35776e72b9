/* What is known of a table, when the table or the model is another one later. */
#include "world.h"

typedef struct pull {
    size_t left;
} pull;

static bm_status pull_next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    pull *state = user;
    item *out = rows;
    (void)err;
    *n = state->left < capacity ? state->left : capacity;
    for (size_t i = 0; i < *n; i++) {
        out[i] = (item){.name = "pulled", .value = 5, .note = "n"};
    }
    state->left -= *n;
    return BM_OK;
}

static bm_status stream(world *w, size_t n)
{
    pull state = {n};
    const bm_source source = {.size = sizeof source, .user = &state, .next = pull_next};
    return bm_bulk_create(w->db, bm_stream(&item_model, &source), NULL, fresh(w), &w->err);
}

/* What was sent of a stream is gone: it is not begun again.  What is known is asked again. */
static void a_stream_into_a_table_that_was_altered(world *w)
{
    static const char *const changes[] = {
        "ALTER TABLE item ALTER COLUMN value TYPE bigint",
        "ALTER TABLE item ALTER COLUMN note TYPE varchar(20)",
        "DROP TABLE item; CREATE TABLE item (note text, value integer, name text, id serial)",
    };
    static const size_t sizes[] = {3, 3000};
    make_items(w, "");
    for (size_t i = 0; i < 6; i++) {
        size_t n = sizes[i % 2];
        ok(w, stream(w, n));
        run(w, "%s", changes[i / 2]);
        run(w, "DELETE FROM item");
        bm_status first = stream(w, n);
        expect_number(w, first == BM_OK ? (int64_t)n : 0, "SELECT count(*) FROM item");
        ok(w, stream(w, n));
        expect_number(w, (int64_t)n * (first == BM_OK ? 2 : 1),
                      "SELECT count(*) FROM item WHERE name = 'pulled' AND value = 5");
        run(w, "DELETE FROM item; ALTER TABLE item ALTER COLUMN value TYPE integer");
        (void)stream(w, n);
    }
}

/* All of it on the heap: a model that is freed before its table is asked for again. */
static bm_model *copy_model(const bm_model *of)
{
    bm_model *model = malloc(sizeof *model);
    bm_field *fields = calloc(of->n_fields, sizeof *fields);
    if (model == NULL || fields == NULL) {
        fail_msg("no memory");
    }
    *model = *of;
    model->table = strdup(of->table);
    memcpy(fields, of->fields, of->n_fields * sizeof *fields);
    for (size_t i = 0; i < of->n_fields; i++) {
        fields[i].name = strdup(of->fields[i].name);
    }
    model->fields = fields;
    return model;
}

static void free_text(const char *text)
{
    void *memory;
    memcpy(&memory, &text, sizeof memory);
    free(memory);
}

static void free_model(bm_model *model)
{
    bm_field *fields;
    memcpy(&fields, &model->fields, sizeof fields);
    for (size_t i = 0; i < model->n_fields; i++) {
        free_text(fields[i].name);
    }
    free(fields);
    free_text(model->table);
    free(model);
}

static void a_model_that_is_freed(world *w)
{
    make_items(w, ", CHECK (value >= 0)");
    item *rows = some_items(2, 1, 1);
    for (int i = 0; i < 3; i++) {
        bm_model *model = copy_model(&item_given_model);
        const bm_update_fields_options *fields =
            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value"));
        ok(w, bm_bulk_create(w->db, bm_structs(model, rows, 2),
                             BM_OPTIONS(bm_bulk_create_options, .ignore_conflicts = BM_ON),
                             fresh(w), &w->err));
        ok(w, bm_update_fields(w->db, bm_structs(model, rows, 2), fields, fresh(w), &w->err));
        free_model(model);
        explains(w, "bulk_create", bm_structs(&item_given_model, rows, 2), NULL, "item");
        ok(w, bm_update_fields(w->db, bm_structs(&item_given_model, rows, 2), fields, fresh(w),
                               &w->err));
    }
    if (w->on->keeps_rows) {
        rows[1].value = -1;
        bm_status status = bm_update_fields(
            w->db, bm_structs(&item_given_model, rows, 2),
            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), fresh(w), &w->err);
        refused(w, status, BM_CONSTRAINT, 1, "");
    }
    free(rows);
}

static void rows_of_a_child_table(world *w)
{
    make_items(w, "");
    run(w, "CREATE TABLE child (more integer) INHERITS (item)");
    run(w, "INSERT INTO child (id, name, value, note) VALUES (2, 'child', 5, 'x'); "
           "INSERT INTO item VALUES (1, 'a', 1, 'x'), (3, 'c', 3, 'x')");
    for (int ordered = 0; ordered < 2; ordered++) {
        ok(w, bm_copy_to(w->db, bm_all(&item_model), COPY(.order_by_key = ordered ? BM_ON : BM_OFF),
                         fresh(w), &w->err));
        assert_int_equal(w->result.read, 3);
        assert_int_equal(bm_queryset_count(w->result.queryset), 3);
        const item *rows = bm_queryset_at(w->result.queryset, 0);
        assert_int_equal(rows[0].id + rows[1].id + rows[2].id, 6);
        assert_int_equal(rows[0].value + rows[1].value + rows[2].value, 9);
        for (int64_t i = 0; ordered && i < 3; i++) {
            assert_int_equal(rows[i].id, i + 1);
        }
    }
}

static const conformance_case cases[] = {
    CASE(ON_POSTGRESQL, a_stream_into_a_table_that_was_altered),
    CASE(ON_ALL, a_model_that_is_freed),
    CASE(ON_POSTGRESQL, rows_of_a_child_table),
};

int main(void)
{
    return conformance_run("known_tables", cases, sizeof cases / sizeof cases[0]);
}
