/* Update many rows with one value, update each with its own, delete; in one transaction. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct product {
    int64_t id;
    int32_t price;
    int32_t stock;
} product;

static const bm_model product_model =
    BM_MODEL("product", product, BM_FIELD(product, id, BM_INT8, BM_KEY),
             BM_FIELD(product, price, BM_INT4, 0), BM_FIELD(product, stock, BM_INT4, 0));

static bm_status write_all(bm_db *db, bm_error *err)
{
    product rows[] = {{1, 10, 1}, {2, 20, 2}, {3, 30, 3}, {4, 40, 4}};
    int64_t sold_out[] = {1, 2}, gone[] = {4};
    bm_result result = BM_RESULT;

    if (bm_bulk_create(db, bm_structs(&product_model, rows, 4), NULL, NULL, err)) {
        return err->status;
    }
    /* [update] */
    if (bm_update(db, bm_keys(&product_model, sold_out, 2),
                  BM_OPTIONS(bm_update_options, .values = &(product){.stock = 0},
                             .fields = BM_NAMES("stock")),
                  &result, err)) {
        return err->status;
    }
    /* [end update] */
    printf("%llu sold out\n", (unsigned long long)result.updated);
    bm_result_clear(&result);
    /* [update_fields] */
    rows[1].price = 21;
    rows[2].price = 31;
    if (bm_update_fields(db, bm_structs(&product_model, rows + 1, 2),
                         BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("price")), &result,
                         err)) {
        return err->status;
    }
    /* [end update_fields] */
    printf("%llu prices\n", (unsigned long long)result.updated);
    bm_result_clear(&result);
    /* [delete] */
    if (bm_delete(db, bm_keys(&product_model, gone, 1), NULL, &result, err)) {
        return err->status;
    }
    /* [end delete] */
    printf("%llu deleted\n", (unsigned long long)result.deleted);
    bm_result_clear(&result);
    return BM_OK;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    bm_db *db = NULL, *tx = NULL;
    bm_error err = BM_ERROR;

    if (bm_open(url, NULL, &db, &err) ||
        bm_execute(db, "CREATE TABLE product (id bigint PRIMARY KEY, price integer, stock integer)",
                   &err)) {
        goto out;
    }
    /* [transaction] */
    if (bm_ensure_connected(db, &err) || bm_begin(db, &tx, &err)) {
        goto out;
    }
    if (write_all(tx, &err) == BM_OK) { /* every verb also takes a transaction */
        bm_commit(tx, &err);
    } else {
        bm_rollback(tx);
    }
    /* [end transaction] */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
