/*
 * The rows are written chunk by chunk (write_chunk.h), in one transaction; the caller is told which
 * were rejected.
 */
#include "reject_rows.h"

#include "maintain.h"
#include "rows.h"
#include "stream.h"
#include "transaction.h"
#include "write_chunk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)16384)
#define CHUNKS_OF_A_SIZE 8 /* then the next ones are twice as large */
#define DOUBLINGS 6
#define CHUNK_BYTES ((size_t)64 << 20)
#define DEFAULT_PERCENT 10

static int by_row(const void *a, const void *b)
{
    const bm_error *x = a;
    const bm_error *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Write a chunk of n rows, and tell which of them were rejected. */
static bm_status write_chunk(bm__chunk *a, size_t n)
{
    const bm_call *settings = &a->x->op.settings;
    BM_TRY(bm__chunk_write(a, n));
    a->n_rows += n;
    a->n_chunks++;
    if (a->n_rejected > 0) {
        qsort(a->rejected, a->n_rejected, sizeof *a->rejected, by_row);
    }
    for (size_t i = 0; settings->on_reject != NULL && i < a->n_rejected; i++) {
        bm_status status = settings->on_reject(settings->user, &a->rejected[i], a->err);
        if (status != BM_OK) {
            return bm__callback_failed(a->err, status, "on_reject hook", a->n_rows);
        }
    }
    if (settings->on_progress != NULL) {
        settings->on_progress(settings->user, a->n_rows, 0);
    }
    return BM_OK;
}

/* ---- the rows */

/* Few chunks: each that is kept is a subtransaction, of which a session tells others only 64. */
static size_t chunk_rows(const bm__chunk *a)
{
    size_t doublings = a->n_chunks / CHUNKS_OF_A_SIZE;
    size_t rows = FIRST_CHUNK << (doublings < DOUBLINGS ? doublings : DOUBLINGS);
    return rows < a->capacity ? rows : a->capacity;
}

static void number_rows(bm__chunk *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->numbers[i] = a->n_rows + i;
    }
}

static void view_structs(bm__chunk *a, const char *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->rows[i] = rows + i * a->x->op.rows.model->row_size;
    }
    number_rows(a, n);
}

static bm_status write_array(bm__chunk *a)
{
    const bm_rows *rows = &a->x->op.rows;
    while (a->n_rows < rows->count) {
        size_t left = rows->count - a->n_rows;
        size_t n = chunk_rows(a) < left ? chunk_rows(a) : left;
        if (rows->kind == BM__ROWS_STRUCTS) {
            view_structs(a, (const char *)rows->data + a->n_rows * rows->model->row_size, n);
        } else {
            number_rows(a, n);
            memcpy(a->rows, (const void *const *)rows->data + a->n_rows, n * sizeof *a->rows);
        }
        BM_TRY(write_chunk(a, n));
    }
    return BM_OK;
}

static bm_status pull(bm__chunk *a, const bm_source *source, char *buffer, size_t *n)
{
    const size_t capacity = chunk_rows(a);
    memset(buffer, 0, capacity * a->x->op.rows.model->row_size);
    bm_status status = source->next(source->user, buffer, capacity, n, a->err);
    if (status != BM_OK) {
        return bm__callback_failed(a->err, status, "source", a->n_rows);
    }
    return *n <= capacity ? BM_OK
                          : bm__fail(a->err, BM_INVALID, BM_STAGE_SOURCE,
                                     "the source wrote more rows than there is room for");
}

static bm_status write_stream(bm__chunk *a)
{
    const bm_source *source = a->x->op.rows.data;
    char *buffer = malloc(a->capacity * a->x->op.rows.model->row_size);
    bm_status status = buffer != NULL ? BM_OK : bm__no_memory(a->err);
    size_t n = 0;
    while (status == BM_OK) {
        status = pull(a, source, buffer, &n);
        if (status != BM_OK || n == 0) {
            break;
        }
        view_structs(a, buffer, n);
        status = write_chunk(a, n);
        if (bm__stream_shared(source)) {
            source->release(source->user, buffer);
        }
    }
    free(buffer);
    return status;
}

static bm_status check_rejects(const bm__chunk *a)
{
    bool many = a->x->op.settings.max_rejects == 0 &&
                a->sum->rejected > a->n_rows / (100 / DEFAULT_PERCENT);
    return !many ? BM_OK
                 : bm__fail(a->err, BM_LIMIT, BM_STAGE_WRITE,
                            "%llu of %llu rows were rejected, which is more than %d %%",
                            (unsigned long long)a->sum->rejected, (unsigned long long)a->n_rows,
                            DEFAULT_PERCENT);
}

static bm_status write_all(bm__chunk *a)
{
    const bm_rows *rows = &a->x->op.rows;
    if (a->tx->savepoint) { /* what is deferred already is no fault of these rows */
        BM_TRY(bm__check_deferred(a->tx, rows->model, a->err));
    }
    BM_TRY(bm__chunk_ask(a));
    BM_TRY(rows->kind == BM__ROWS_STREAM ? write_stream(a) : write_array(a));
    return check_rejects(a);
}

/* ---- the call */

static bm_status check(bm__operation *o, bm_error *err)
{
    const int kind = o->rows.kind;
    BM_TRY(bm__rows_check(&o->rows, err));
    if (kind != BM__ROWS_STRUCTS && kind != BM__ROWS_POINTERS && kind != BM__ROWS_STREAM) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "on_error: rows must be bm_structs, bm_struct_pointers or bm_stream");
    }
    const char *what = o->wants_queryset        ? "return_queryset"
                       : o->wants_outcomes      ? "return_outcomes"
                       : o->keys_into != NULL   ? "keys_into"
                       : o->concurrent == BM_ON ? "concurrent"
                       : o->call.require_all    ? "require_all"
                                                : NULL;
    return what == NULL ? BM_OK
                        : bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                                   "on_error cannot be used with %s", what);
}

static bm_status make_room(bm__chunk *a)
{
    const bm_rows *rows = &a->x->op.rows;
    const size_t row_size = rows->model->row_size > 0 ? rows->model->row_size : 1;
    size_t most = CHUNK_BYTES / row_size;
    most = most < FIRST_CHUNK << DOUBLINGS ? most : FIRST_CHUNK << DOUBLINGS;
    a->capacity = most > 256 ? most : 256;
    a->rows = calloc(a->capacity, sizeof *a->rows);
    a->numbers = calloc(a->capacity, sizeof *a->numbers);
    return a->rows != NULL && a->numbers != NULL ? BM_OK : bm__no_memory(a->err);
}

bm_status bm__reject_rows(bm__execution *x, const void *options, bm_result *result, bm_error *err)
{
    const bm_call *settings = &x->op.settings;
    bm__chunk a = {.x = x, .options = options, .sum = result, .err = err};
    BM_TRY(check(&x->op, err));
    if (settings->timeout_ms > 0) {
        a.until_ns = bm__after_ms(settings->timeout_ms);
    }
    BM_TRY(bm__begin(x->db, &a.tx, err));
    const bool inside = a.tx->savepoint;
    bm_status status = make_room(&a);
    if (status == BM_OK) {
        status = write_all(&a);
    }
    result->statements += 2;
    if (status == BM_OK && settings->dry_run != BM_ON) {
        status = bm__commit(a.tx, err);
    } else {
        bm__rollback(a.tx);
        err->fate = inside ? BM_FATE_IN_CALLERS_TRANSACTION : BM_FATE_ROLLED_BACK;
    }
    bm__chunk_free(&a);
    return status;
}
