/* The first program of the README. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct foo {
    int64_t id;
    const char *name;
    int32_t value;
} foo;

static const bm_model foo_model =
    BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(foo, name, BM_VARCHAR, 0), BM_FIELD(foo, value, BM_INT4, 0));

int main(void)
{
    foo rows[2] = {{.name = "one", .value = 1}, {.name = "two", .value = 2}};
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result made = BM_RESULT;

    if (bm_open("sqlite::memory:", NULL, &db, &err) /* or postgresql://localhost/test */
        ||
        bm_execute(db, "CREATE TABLE foo (id integer PRIMARY KEY, name text, value int)", &err) ||
        bm_bulk_create(db, bm_structs(&foo_model, rows, 2),
                       BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), &made, &err)) {
        goto out;
    }
    for (size_t i = 0; i < bm_queryset_count(made.queryset); i++) {
        foo *f = bm_queryset_at(made.queryset, i); /* with its key */
        f->value += 100;
    }
    bm_update_fields(db, bm_queryset_rows(made.queryset), NULL, NULL, &err); /* what changed */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&made);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
