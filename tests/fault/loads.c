#include "loads.h"

#include <stdio.h>
#include <stdlib.h>

int load_workers = 3;

typedef load_row *rows_of;

static bm_status create(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                        bm_error *err)
{
    oracle_fill(rows, n, batch, 0);
    return bm_bulk_create(db, bm_structs(&load_assigned, rows, n), NULL, result, err);
}

static bm_status create_keys(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                             bm_error *err)
{
    oracle_fill(rows, n, batch, 0);
    return bm_bulk_create(db, bm_structs(&load_assigned, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .keys_into = rows, .batch_size = 300),
                          result, err);
}

static bm_status create_workers(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                                bm_error *err)
{
    oracle_fill(rows, n, batch, 0);
    return bm_bulk_create(db, bm_structs(&load_assigned, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .concurrent = BM_ON,
                                     .max_concurrent_workers = load_workers, .batch_size = n / 24),
                          result, err);
}

typedef struct feed {
    int32_t batch;
    size_t at, n;
} feed;

static bm_status next_rows(void *user, void *out, size_t capacity, size_t *n, bm_error *err)
{
    feed *f = user;
    load_row *rows = out;
    (void)err;
    *n = f->n - f->at < capacity ? f->n - f->at : capacity;
    for (size_t i = 0; i < *n; i++, f->at++) {
        rows[i].id = 0;
        oracle_fill_one(&rows[i], f->batch, (int32_t)f->at, 0);
    }
    return BM_OK;
}

static bm_status create_stream(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                               bm_error *err)
{
    feed f = {.batch = batch, .n = n};
    bm_source source = {.size = sizeof source, .user = &f, .next = next_rows};
    (void)rows;
    return bm_bulk_create(db, bm_stream(&load_assigned, &source),
                          BM_OPTIONS(bm_bulk_create_options, .batch_size = 400), result, err);
}

static bm_status in_transaction(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                                bm_error *err)
{
    bm_db *tx;
    bm_status status = bm_begin(db, &tx, err);
    oracle_fill(rows, n, batch, 0);
    for (size_t i = 0; status == BM_OK && i < 2; i++) {
        status = bm_bulk_create(tx, bm_structs(&load_assigned, rows + i * n / 2, n / 2), NULL,
                                result, err);
        if (status != BM_OK) {
            bm_rollback(tx); /* and with it all that the transaction did */
            err->fate =
                err->fate == BM_FATE_IN_CALLERS_TRANSACTION ? BM_FATE_ROLLED_BACK : err->fate;
        }
    }
    return status == BM_OK ? bm_commit(tx, err) : status;
}

static bm_status update(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                        bm_error *err)
{
    oracle_fill(rows, n, batch, 1);
    return bm_update_fields(db, bm_structs(&load_given, rows, n),
                            BM_OPTIONS(bm_update_fields_options, .batch_size = n / 3,
                                       .fields = BM_NAMES("revision", "checksum", "payload")),
                            result, err);
}

static bm_status update_workers(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                                bm_error *err)
{
    oracle_fill(rows, n, batch, 1);
    return bm_update_fields(db, bm_structs(&load_given, rows, n),
                            BM_OPTIONS(bm_update_fields_options, .concurrent = BM_ON,
                                       .max_concurrent_workers = load_workers, .batch_size = n / 24,
                                       .fields = BM_NAMES("revision", "checksum", "payload")),
                            result, err);
}

static bm_status upsert(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                        bm_error *err)
{
    oracle_fill(rows, n, batch, 1);
    return bm_bulk_create(db, bm_structs(&load_given, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .update_conflicts = BM_ON), result,
                          err);
}

static bm_status erase(bm_db *db, rows_of rows, size_t n, int32_t batch, bm_result *result,
                       bm_error *err)
{
    int64_t *keys = calloc(n, sizeof *keys);
    (void)batch;
    assert_non_null(keys);
    for (size_t i = 0; i < n; i++) {
        keys[i] = rows[i].id;
    }
    bm_status status = bm_delete(db, bm_keys(&load_given, keys, n), NULL, result, err);
    free(keys);
    return status;
}

const load_call load_calls[] = {
    {"workers, COPY", 1800, ORACLE_ABSENT, 0, true, false, create_workers},
    {"COPY", 1500, ORACLE_ABSENT, 0, false, false, create},
    {"INSERT", 8, ORACLE_ABSENT, 0, false, true, create},
    {"batches, keys back", 1200, ORACLE_ABSENT, 0, false, false, create_keys},
    {"stream", 1600, ORACLE_ABSENT, 0, false, false, create_stream},
    {"bm_commit", 1000, ORACLE_ABSENT, 0, false, false, in_transaction},
    {"workers, update_fields", 900, 0, 1, true, false, update_workers},
    {"update_fields", 600, 0, 1, false, false, update},
    {"upsert", 300, 0, 1, false, true, upsert},
    {"delete", 200, 0, ORACLE_ABSENT, false, true, erase},
};
const size_t n_load_calls = sizeof load_calls / sizeof load_calls[0];

bm_db *load_open(const char *where, const oracle *o, int64_t timeout_ms)
{
    char url[1024];
    bm_db *db;
    bm_error err = BM_ERROR;
    const bm_open_options options = {.size = sizeof options,
                                     .max_connections = 12,
                                     .max_concurrent_batch_writes = 8,
                                     .timeout_ms = timeout_ms};
    /* An immediate stop must not lose what was committed. */
    snprintf(url, sizeof url,
             "%s options='-c search_path=%s -c synchronous_commit=on' application_name=%s", where,
             o->schema, o->schema);
    if (bm_open(url, &options, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

bouncer *load_pooler(const oracle *o, const char *mode)
{
    char settings[200];
    snprintf(settings, sizeof settings, "SET search_path = %s; SET synchronous_commit = on",
             o->schema);
    return bouncer_start(mode, 16, settings);
}

void load_prepare(oracle *o, const load_call *call, load_row *rows, int32_t batch)
{
    if (call->before == ORACLE_ABSENT) {
        return;
    }
    psql_run(o->conn,
             "INSERT INTO load (id, batch, place, revision, checksum, payload)"
             " SELECT %lld + g, %d, g, 0, %d::int8 * 1000003 + g::int8 * 7919,"
             " repeat(chr(97 + (%d + g * 7) %% 26), 20 + g %% 20)"
             " FROM generate_series(0, %zu) g",
             (long long)batch * LOAD_ROWS_MAX + 1000000000LL, (int)batch, (int)batch, (int)batch,
             call->n - 1);
    for (size_t i = 0; i < call->n; i++) {
        rows[i].id = (int64_t)batch * LOAD_ROWS_MAX + 1000000000LL + (int64_t)i;
    }
}
