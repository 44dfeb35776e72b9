/* A test without a database: what a program sends, and how it handles an error of the server. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct product {
    int64_t id;
    int32_t stock;
} product;

static const bm_model product_model =
    BM_MODEL("product", product, BM_FIELD(product, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(product, stock, BM_INT4, 0));

/* The function of the program that is tested. */
static bm_status save(bm_db *db, const product *rows, size_t n, bm_error *err)
{
    return bm_bulk_create(db, bm_structs(&product_model, rows, n), NULL, NULL, err);
}

int main(void)
{
    product rows[3] = {{.stock = 1}, {.stock = 2}, {.stock = 3}};
    bm_db *db = NULL;
    bm_error err = BM_ERROR;

    /* [memory] */
    if (bm_open("memory:", NULL, &db, &err) || save(db, rows, 3, &err)) {
        goto out;
    }
    for (size_t i = 0; i < bm_memory_count(db); i++) {
        printf("%s\n", bm_memory_at(db, i));
    }
    /* [end memory] */
    /* [script] */
    bm_memory_answer refusal = {.size = sizeof refusal, .step = 1, .sqlstate = "40P01", .rows = -1};
    if (bm_memory_script(db, &refusal, &err)) {
        goto out;
    }
    if (save(db, rows, 3, &err) == BM_RETRY && err.retryable && err.fate == BM_FATE_ROLLED_BACK) {
        printf("a deadlock, and nothing was written: again\n");
        save(db, rows, 3, &err);
    }
    /* [end script] */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
