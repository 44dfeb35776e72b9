/* Upsert: insert rows, or update those that exist; read the outcome of each row. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct product {
    int64_t id;
    const char *sku;
    int32_t stock;
} product;

static const bm_model product_model =
    BM_MODEL("product", product, BM_FIELD(product, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(product, sku, BM_VARCHAR, 0), BM_FIELD(product, stock, BM_INT4, 0));

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    const char *table = url[0] == 's' ? "CREATE TABLE product (id integer PRIMARY KEY, "
                                        "sku varchar(20) UNIQUE, stock integer)"
                                      : "CREATE TABLE product (id bigserial PRIMARY KEY, "
                                        "sku varchar(20) UNIQUE, stock integer)";
    product first[] = {{.sku = "A-1", .stock = 1}, {.sku = "A-2", .stock = 2}};
    product again[] = {
        {.sku = "A-1", .stock = 1}, {.sku = "A-2", .stock = 20}, {.sku = "A-3", .stock = 30}};
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT, refused = BM_RESULT;

    if (bm_open(url, NULL, &db, &err) || bm_execute(db, table, &err) ||
        bm_bulk_create(db, bm_structs(&product_model, first, 2), NULL, NULL, &err)) {
        goto out;
    }
    /* [upsert] */
    if (bm_upsert(db, bm_structs(&product_model, again, 3),
                  BM_OPTIONS(bm_upsert_options, .unique_fields = BM_NAMES("sku"),
                             .return_outcomes = BM_ON),
                  &result, &err)) {
        goto out;
    }
    for (size_t i = 0; i < result.n_outcomes; i++) {
        const char *what = result.outcomes[i] == BM_ROW_INSERTED  ? "inserted"
                           : result.outcomes[i] == BM_ROW_UPDATED ? "updated"
                                                                  : "unchanged";
        printf("%s %s\n", again[i].sku, what);
    }
    /* [end upsert] */
    /* [error] */
    if (bm_bulk_create(db, bm_structs(&product_model, again, 3), NULL, &refused, &err) ==
        BM_CONSTRAINT) {
        printf("refused: %s\n", err.constraint);
        err = BM_ERROR;
    }
    /* [end error] */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&result);
    bm_result_clear(&refused);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
