/* Read rows: all at once, and as a stream in constant memory. */
#include <bulkmodel.h>
#include <stdio.h>

typedef struct product {
    int64_t id;
    const char *name;
    int32_t stock;
} product;

static const bm_model product_model =
    BM_MODEL("product", product, BM_FIELD(product, id, BM_INT8, BM_KEY),
             BM_FIELD(product, name, BM_TEXT, 0), BM_FIELD(product, stock, BM_INT4, 0));

/* [sink] */
static bm_status add(void *user, const void *rows, size_t n, bm_error *err)
{
    const product *products = rows;
    long long *total = user;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        *total += products[i].stock;
    }
    return BM_OK;
}
/* [end sink] */

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    product rows[] = {{1, "hat", 5}, {2, "coat", 7}, {3, "glove", 9}};
    long long total = 0;
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;

    if (bm_open(url, NULL, &db, &err) ||
        bm_execute(db, "CREATE TABLE product (id bigint PRIMARY KEY, name text, stock integer)",
                   &err) ||
        bm_bulk_create(db, bm_structs(&product_model, rows, 3), NULL, NULL, &err)) {
        goto out;
    }
    /* [copy_to] */
    if (bm_copy_to(db, bm_all(&product_model),
                   BM_OPTIONS(bm_copy_to_options, .where = "stock > 5", .order_by = "name"),
                   &result, &err)) {
        goto out;
    }
    for (size_t i = 0; i < bm_queryset_count(result.queryset); i++) {
        product *p = bm_queryset_at(result.queryset, i);
        printf("%s %d\n", p->name, p->stock);
    }
    /* [end copy_to] */
    /* [stream] */
    if (bm_copy_to(db, bm_all(&product_model),
                   BM_OPTIONS(bm_copy_to_options, .batch_size = 1000, .sink = add, .user = &total),
                   NULL, &err)) {
        goto out;
    }
    printf("%lld in stock\n", total);
    /* [end stream] */
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&result);
    bm_close(db);
    return err.status == BM_OK ? 0 : 1;
}
