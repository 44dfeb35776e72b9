/* The page's example: create rows and get them back, change them, write concurrently. */
#include <bulkmodel.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct foo {
    int64_t id;
    char name[51];
    int32_t value;
    bm_uuid bm_create_uuid;
} foo;

static const bm_model foo_model =
    BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(foo, name, BM_VARCHAR, 0), BM_FIELD(foo, value, BM_INT4, 0),
             BM_FIELD(foo, bm_create_uuid, BM_UUID, BM_CREATE_UUID));

static void fill(foo *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 25; k++) {
            rows[i].name[k] = (char)('A' + rand() % 26);
        }
        rows[i].value = (int32_t)(rand() % 1001);
    }
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    const char *table = url[0] == 's' /* sqlite: */
                            ? "CREATE TABLE foo (id integer PRIMARY KEY, name varchar(50), "
                              "value integer, bm_create_uuid char(32))"
                            : "CREATE TABLE foo (id bigserial PRIMARY KEY, name varchar(50), "
                              "value integer, bm_create_uuid uuid)";
    static foo few[10], many[10000];
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result made = BM_RESULT, changed = BM_RESULT, named = BM_RESULT, wrote = BM_RESULT;

    if (bm_open(url, NULL, &db, &err) || bm_execute(db, table, &err)) {
        goto out;
    }
    fill(few, 10);
    if (bm_bulk_create(db, bm_structs(&foo_model, few, 10),
                       BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), &made, &err)) {
        goto out;
    }
    for (size_t i = 0; i < bm_queryset_count(made.queryset); i++) {
        foo *f = bm_queryset_at(made.queryset, i);
        printf("%lld %s %d\n", (long long)f->id, f->name, f->value);
        f->value += (int32_t)(100 + rand() % 101);
    }
    bm_rows foos = bm_queryset_rows(made.queryset);
    if (bm_update_fields(db, foos, NULL, &changed, &err) /* all that changed, then just the value */
        || bm_update_fields(db, foos,
                            BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")),
                            &named, &err)) {
        goto out;
    }
    printf("updated %llu rows that changed, then %llu by name\n",
           (unsigned long long)changed.updated, (unsigned long long)named.updated);
    fill(many, 10000);
    if (bm_bulk_create(db, bm_structs(&foo_model, many, 10000),
                       BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON, .batch_size = 1000,
                                  .max_concurrent_workers = 10),
                       &wrote, &err) == BM_OK) {
        printf("wrote %llu rows in %llu statements\n", (unsigned long long)wrote.inserted,
               (unsigned long long)wrote.statements);
    }
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&made);
    bm_result_clear(&wrote);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
