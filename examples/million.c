/*
 * A million rows from a source, in constant memory, with a progress line; Ctrl-C rolls back.
 *
 *     million sqlite:foo.db     million postgresql://localhost/test
 */
#include <bulkmodel.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct reading {
    int64_t id;
    char name[26];
    int32_t value;
} reading;

static const bm_model reading_model =
    BM_MODEL("reading", reading, BM_FIELD(reading, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(reading, name, BM_VARCHAR, 0), BM_FIELD(reading, value, BM_INT4, 0));

enum { ROWS = 1000000 };

/* The source: gives as many rows as fit, until there are no more. */
static bm_status next(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    size_t *given = user;
    reading *r = rows;
    (void)err;
    for (*n = 0; *n < capacity && *given < ROWS; ++*n, ++*given) {
        snprintf(r[*n].name, sizeof r[*n].name, "reading number %010zu", *given);
        r[*n].value = (int32_t)(*given % 1000);
    }
    return BM_OK;
}

static bm_cancel *cancel;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    bm_cancel_set(cancel);
}

static void on_progress(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    (void)total;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%llu rows", (unsigned long long)done);
    }
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "sqlite::memory:";
    const char *table =
        url[0] == 's'
            ? "CREATE TABLE reading (id integer PRIMARY KEY, name text, value integer)"
            : "CREATE TABLE reading (id bigserial PRIMARY KEY, name varchar(50), value int)";
    size_t given = 0;
    bm_source source = {.size = sizeof source, .user = &given, .next = next};
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;

    if (bm_cancel_create(&cancel, &err) != BM_OK || bm_open(url, NULL, &db, &err) != BM_OK ||
        bm_execute(db, table, &err) != BM_OK) {
        goto out;
    }
    signal(SIGINT, on_interrupt);
    const bm_call *call = BM_OPTIONS(bm_call, .cancel = cancel, .on_progress = on_progress);
    if (bm_bulk_create(db, bm_stream(&reading_model, &source),
                       BM_OPTIONS(bm_bulk_create_options, .call = call, .batch_size = 50000),
                       &result, &err) == BM_OK) {
        printf("\r%llu rows in %.2f s: %.0f rows/s\n", (unsigned long long)result.inserted,
               result.seconds, (double)result.inserted / result.seconds);
    }
out:
    if (err.status != BM_OK) {
        fprintf(stderr, "\n%s: %s\n", bm_status_name(err.status), err.message);
    }
    bm_result_clear(&result);
    bm_close(db);
    bm_cancel_free(cancel);
    return err.status == BM_OK ? 0 : 1;
}
