/* Sync: the products of one supplier become those of its feed. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct product {
    int64_t id;
    const char *sku;
    int32_t supplier, stock;
} product;

static const bm_model product_model =
    BM_MODEL("product", product, BM_FIELD(product, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(product, sku, BM_VARCHAR, 0), BM_FIELD(product, supplier, BM_INT4, 0),
             BM_FIELD(product, stock, BM_INT4, 0));

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    const char *table = url[0] == 's' ? "CREATE TABLE product (id integer PRIMARY KEY, "
                                        "sku varchar(20) UNIQUE, supplier integer, stock integer)"
                                      : "CREATE TABLE product (id bigserial PRIMARY KEY, "
                                        "sku varchar(20) UNIQUE, supplier integer, stock integer)";
    product stored[] = {{.sku = "A-1", .supplier = 7, .stock = 1},
                        {.sku = "A-2", .supplier = 7, .stock = 2},
                        {.sku = "A-3", .supplier = 7, .stock = 3},
                        {.sku = "B-1", .supplier = 8, .stock = 4}};
    product feed[] = {{.sku = "A-1", .supplier = 7, .stock = 1},
                      {.sku = "A-2", .supplier = 7, .stock = 20},
                      {.sku = "A-4", .supplier = 7, .stock = 40}};
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;

    if (bm_open(url, NULL, &db, &err) || bm_execute(db, table, &err) ||
        bm_bulk_create(db, bm_structs(&product_model, stored, 4), NULL, NULL, &err)) {
        goto out;
    }
    /* [sync] */
    if (bm_sync(db, bm_structs(&product_model, feed, 3),
                BM_OPTIONS(bm_sync_options, .unique_fields = BM_NAMES("sku"),
                           .where = "supplier = 7", .max_deletes_percent = 5),
                &result, &err)) {
        goto out;
    }
    printf("%d inserted, %d updated, %d unchanged, %d deleted\n", (int)result.inserted,
           (int)result.updated, (int)result.unchanged, (int)result.deleted);
    /* [end sync] */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&result);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
