/*
 * The page's example in C: create ten rows and get them back with their keys, change them, write
 * only what changed, write many rows concurrently.
 *
 *     page sqlite:foo.db        page postgresql://localhost/test
 */
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
            rows[i].name[k] = (char)('A' + random() % 26);
        }
        rows[i].value = random() % 1001;
    }
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    const char *key = url[0] == 's' ? "integer PRIMARY KEY" : "bigserial PRIMARY KEY";
    const char *uuid = url[0] == 's' ? "char(32)" : "uuid";
    enum { MANY = 10000 };
    static foo rows[10], many[MANY];
    char table[200];
    bm_db *db;
    bm_error err = BM_ERROR;
    bm_result made = BM_RESULT;

    snprintf(table, sizeof table,
             "CREATE TABLE foo (id %s, name varchar(50), value integer, bm_create_uuid %s)", key,
             uuid);
    if (bm_open(url, NULL, &db, &err) != BM_OK || bm_execute(db, table, &err) != BM_OK) {
        goto out;
    }

    /* Retrieve bulk-created rows. */
    fill(rows, 10);
    if (bm_bulk_create(db, bm_structs(&foo_model, rows, 10),
                       BM_OPTIONS(bm_bulk_create_options, .return_queryset = BM_ON), &made, &err)) {
        goto out;
    }
    for (size_t i = 0; i < bm_queryset_count(made.queryset); i++) {
        foo *f = bm_queryset_at(made.queryset, i);
        printf("%lld %s %d\n", (long long)f->id, f->name, f->value);
        f->value += 100 + random() % 101;
    }

    /* Heterogeneously update: all that changed, then just the value. */
    bm_result changed = BM_RESULT, named = BM_RESULT, wrote = BM_RESULT;
    if (bm_update_fields(db, bm_queryset_rows(made.queryset), NULL, &changed, &err) ||
        bm_update_fields(db, bm_queryset_rows(made.queryset),
                         BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), &named,
                         &err)) {
        goto out;
    }
    printf("updated %llu rows that changed, then %llu by name\n",
           (unsigned long long)changed.updated, (unsigned long long)named.updated);

    /* Concurrent writes. */
    fill(many, MANY);
    if (bm_bulk_create(db, bm_structs(&foo_model, many, MANY),
                       BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON, .batch_size = 1000,
                                  .max_concurrent_workers = 10),
                       &wrote, &err)) {
        goto out;
    }
    printf("wrote %llu rows in %llu statements\n", (unsigned long long)wrote.inserted,
           (unsigned long long)wrote.statements);
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&made);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
