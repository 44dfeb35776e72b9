/*
 * A part is a call of the verb, over a source that ends with the part, and the record that goes
 * with it; both are in one transaction.  What was recorded before is read again, compared by its
 * checksum, and not written.
 */
#include "load_parts.h"

#include "checksum.h"
#include "load_log.h"
#include "result.h"
#include "rows.h"
#include "stream.h"
#include "transaction.h"
#include "utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PART_ROWS UINT64_C(100000)
#define AGAIN_ROWS ((size_t)4096)
#define AGAIN_BYTES ((size_t)4 << 20)
#define RENEW_NS INT64_C(20000000000)
#define LONGEST_ID 200

typedef struct load {
    bm__execution *x;
    const void *options;
    bm_result *sum;
    bm_error *err;
    bm__load_log log;
    bm_source given;
    uint64_t rows; /* read so far, with this checksum */
    uint64_t checksum;
    uint64_t part_end;
    bool asked; /* the source was */
    bool ended; /* it has no more */
    int64_t until_ns;
} load;

static const bm_call *settings_of(const load *l)
{
    return &l->x->op.settings;
}

/* ---- the source of a part */

static bm_status next_of_part(void *user, void *rows, size_t capacity, size_t *n, bm_error *err)
{
    load *l = user;
    const bm_call *call = settings_of(l);
    const uint64_t left = l->part_end - l->rows;
    assert(l->rows <= l->part_end && capacity > 0);
    *n = 0;
    if (call->on_progress != NULL && l->rows > l->log.rows) { /* those before are written */
        call->on_progress(call->user, l->rows, 0);
    }
    if (l->ended || left == 0) {
        return BM_OK;
    }
    capacity = left < capacity ? (size_t)left : capacity;
    l->asked = true;
    bm_status status = l->given.next(l->given.user, rows, capacity, n, err);
    if (status != BM_OK) {
        return bm__callback_failed(err, status, "source", l->rows);
    }
    if (*n > capacity) {
        return bm__fail(err, BM_INVALID, BM_STAGE_SOURCE,
                        "the source wrote more rows than there is room for");
    }
    l->ended = *n == 0;
    l->checksum = bm__checksum_rows(l->checksum, l->x->op.rows.model, rows, *n);
    l->rows += *n;
    return BM_OK;
}

static void release_of_part(void *user, void *rows)
{
    const load *l = user;
    l->given.release(l->given.user, rows);
}

/* ---- rows of earlier calls */

static bm_status differs(load *l, const char *what)
{
    return bm__fail(
        l->err, BM_INVALID, BM_STAGE_SOURCE,
        "load \"%s\" has written %llu rows, and the source %s: give it the same rows and "
        "options again, or choose another load_id",
        l->log.load.id, (unsigned long long)l->log.rows, what);
}

/* The record shows that somebody is at it. */
static bm_status show_life(load *l, int64_t *renewed_ns)
{
    if (!l->log.mine || bm__now_ns() - *renewed_ns < RENEW_NS) {
        return BM_OK;
    }
    *renewed_ns = bm__now_ns();
    return bm__load_renew(&l->log, l->x->db, l->err);
}

static bm_status read_again(load *l, char *buffer, size_t capacity)
{
    const size_t row_size = l->x->op.rows.model->row_size;
    const bool releases = bm__stream_shared(&l->given);
    const bm_cancel *token = settings_of(l)->cancel;
    int64_t renewed_ns = bm__now_ns();
    size_t n = 1;
    l->part_end = l->log.rows;
    assert(l->rows == 0 && capacity > 0);
    while (l->rows < l->log.rows && n > 0) {
        if (bm__cancelled(token)) {
            return bm__fail(l->err, BM_CANCELLED, BM_STAGE_SOURCE, "cancelled");
        }
        memset(buffer, 0, capacity * row_size);
        BM_TRY(next_of_part(l, buffer, capacity, &n, l->err));
        if (n > 0 && releases) {
            l->given.release(l->given.user, buffer);
        }
        BM_TRY(show_life(l, &renewed_ns));
    }
    if (l->rows < l->log.rows) {
        return differs(l, "has fewer");
    }
    return l->log.rows == 0 || l->checksum == l->log.checksum
               ? BM_OK
               : differs(l, "begins with other ones");
}

/* A load that is finished ends where its source does. */
static bm_status expect_end(load *l, char *buffer)
{
    size_t n = 0;
    l->part_end = l->rows + 1;
    assert(l->rows == l->log.rows && !l->log.mine);
    memset(buffer, 0, l->x->op.rows.model->row_size);
    BM_TRY(next_of_part(l, buffer, 1, &n, l->err));
    if (n == 0) {
        return BM_OK;
    }
    if (bm__stream_shared(&l->given)) {
        l->given.release(l->given.user, buffer);
    }
    return differs(l, "has more, though it was finished");
}

static bm_status catch_up(load *l)
{
    size_t capacity = AGAIN_BYTES / l->x->op.rows.model->row_size;
    capacity = capacity == 0 ? 1 : capacity < AGAIN_ROWS ? capacity : AGAIN_ROWS;
    if (l->given.skip != NULL) {
        l->rows = l->log.rows;
        l->checksum = l->log.checksum;
        l->ended = l->log.finished;
        bm_status skipped = l->rows > 0 ? l->given.skip(l->given.user, l->rows, l->err) : BM_OK;
        return skipped == BM_OK ? BM_OK : bm__callback_failed(l->err, skipped, "source", 0);
    }
    char *buffer = malloc(capacity * l->x->op.rows.model->row_size);
    if (buffer == NULL) {
        return bm__no_memory(l->err);
    }
    bm_status status = read_again(l, buffer, capacity);
    if (status == BM_OK && l->log.finished) {
        status = expect_end(l, buffer);
    }
    free(buffer);
    return status;
}

/* ---- a part */

/* The rows of an error are the caller's. */
static void name_rows(bm_error *err, uint64_t before)
{
    if (err->row == BM_NO_ROW || err->stage == BM_STAGE_SOURCE) { /* a source numbers its own */
        return;
    }
    err->row += (size_t)before;
    if (err->other_row != BM_NO_ROW) {
        err->other_row += (size_t)before;
        bm__say(err, "rows %zu and %zu have the same key", err->row, err->other_row);
    } else {
        bm__number_message(err, err->row);
    }
}

/* The options of the caller, with settings for one part.  All begin with size and call. */
static void *part_options(const load *l, bm_call *call)
{
    struct {
        size_t size;
        const bm_call *call;
    } head;
    memcpy(&head, l->options, sizeof head);
    assert(head.size >= sizeof head);
    void *options = malloc(head.size);
    *call = *settings_of(l);
    call->size = sizeof *call;
    call->load_id = NULL;
    call->on_progress = NULL;
    call->retries = 0;
    if (l->until_ns != 0) {
        const int64_t left = (l->until_ns - bm__now_ns()) / 1000000;
        call->timeout_ms = left > 0 ? left : 1;
    }
    if (options != NULL) {
        memcpy(options, l->options, head.size);
        head.call = call;
        memcpy(options, &head, sizeof head);
    }
    return options;
}

static bm_status write_rows(load *l, bm_db *tx, bm_result *counts)
{
    const bm_source source = {.size = sizeof source,
                              .user = l,
                              .next = next_of_part,
                              .release = bm__stream_shared(&l->given) ? release_of_part : NULL};
    bm_call call;
    bm_rows rows = l->x->op.rows;
    void *options = part_options(l, &call);
    if (options == NULL) {
        return bm__no_memory(l->err);
    }
    rows.data = &source;
    bm_status status = bm__run_verb(tx, l->x->op.verb, rows, options, NULL, counts, l->err);
    free(options);
    l->sum->statements += counts->statements + 2;
    if (status == BM_OK && !l->asked) { /* parts would follow each other without an end */
        return bm__fail(l->err, BM_INVALID, BM_STAGE_CHECK,
                        "load_id: the call has no fields to write, so it reads no rows");
    }
    return status;
}

static bm_status write_part(load *l)
{
    const bm_call *call = settings_of(l);
    const uint64_t before = l->rows;
    bm_result counts = BM_RESULT;
    bm_db *tx;
    assert(l->log.mine && l->rows == l->log.rows && !l->ended);
    BM_TRY(bm__begin(l->x->db, &tx, l->err));
    tx->commit_timeout_ms = call->commit_timeout_ms;
    l->part_end = before + (call->commit_every > 0 ? call->commit_every : PART_ROWS);
    bm_status status = write_rows(l, tx, &counts);
    if (status != BM_OK) {
        name_rows(l->err, before);
    } else {
        status = bm__load_advance(&l->log, tx, l->rows, l->checksum, l->ended, l->err);
    }
    if (status == BM_OK) {
        status = bm__commit(tx, l->err);
    } else {
        bm__rollback(tx);
        l->err->fate = BM_FATE_ROLLED_BACK;
    }
    if (status == BM_OK) {
        bm__result_add(l->sum, &counts);
        l->log.rows = l->rows;
        if (call->on_part != NULL) {
            call->on_part(call->user, l->rows);
        }
    }
    bm_result_clear(&counts);
    return status;
}

/* ---- the call */

static bm_status check_id(const char *id, bm_error *err)
{
    const size_t size = strlen(id);
    bool plain = size > 0 && size <= LONGEST_ID && bm__text_fault(id, size) == NULL;
    for (size_t i = 0; plain && i < size; i++) {
        plain = (unsigned char)id[i] >= 0x20 && id[i] != 0x7F;
    }
    return plain ? BM_OK
                 : bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                            "load_id must have 1 to %d bytes of UTF-8 without control characters",
                            LONGEST_ID);
}

static bm_status check(const bm__execution *x, bm_error *err)
{
    const bm__operation *o = &x->op;
    const bm__engine *engine = bm__db_root(x->db)->engine;
    BM_TRY(bm__rows_check(&o->rows, err));
    BM_TRY(check_id(o->settings.load_id, err));
    if (!bm__load_is_recorded(engine)) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "load_id is not for \"%s\"",
                        engine->name);
    }
    if (x->db->root != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "load_id: each part is a transaction, so the call cannot be inside one");
    }
    const bool locks = o->settings.lock_timeout_ms != 0 && engine->sets_lock_timeout;
    const char *what = o->rows.kind != BM__ROWS_STREAM            ? "rows that are no bm_stream"
                       : o->wants_queryset                        ? "return_queryset"
                       : o->wants_outcomes                        ? "return_outcomes"
                       : o->keys_into != NULL                     ? "keys_into"
                       : o->concurrent == BM_ON                   ? "concurrent"
                       : o->settings.dry_run == BM_ON             ? "dry_run"
                       : locks                                    ? "lock_timeout_ms"
                       : o->settings.on_error != BM_ON_ERROR_FAIL ? "on_error"
                                                                  : NULL;
    return what == NULL ? BM_OK
                        : bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                                   "load_id cannot be used with %s", what);
}

/* After a failure: which rows are in the table. */
static void tell_parts(const load *l)
{
    bm_error ignored = BM_ERROR;
    const bool unknown = l->err->fate == BM_FATE_UNKNOWN;
    const size_t in = (size_t)l->log.rows;
    const size_t ends[3] = {0, in, (size_t)l->rows};
    assert(l->rows >= l->log.rows);
    if (in == 0 || bm__result_parts(l->sum, l->rows > in ? 2 : 1, &ignored) != BM_OK) {
        return;
    }
    for (size_t i = 0; i < l->sum->n_parts; i++) {
        size_t *range = calloc(2, sizeof *range);
        if (range != NULL) {
            range[0] = ends[i];
            range[1] = ends[i + 1] - ends[i];
        }
        l->sum->parts[i] = (bm_part){.fate = i == 0    ? BM_FATE_COMMITTED
                                             : unknown ? BM_FATE_UNKNOWN
                                                       : BM_FATE_ROLLED_BACK,
                                     .n_ranges = range != NULL,
                                     .ranges = range};
    }
    if (!unknown) {
        l->err->fate = BM_FATE_PARTIAL;
    }
}

static bm_status carry_on(load *l)
{
    const bm_call *call = settings_of(l);
    BM_TRY(catch_up(l));
    if (call->on_part != NULL) {
        call->on_part(call->user, l->rows);
    }
    bm_status status = BM_OK;
    while (status == BM_OK && !l->log.finished && !l->ended) {
        status = write_part(l);
    }
    if (status != BM_OK) {
        tell_parts(l);
    }
    return status;
}

bm_status bm__load_parts(bm__execution *x, const void *options, bm_result *result, bm_error *err)
{
    const bm_call *call = &x->op.settings;
    load l = {.x = x, .options = options, .sum = result, .err = err};
    BM_TRY(check(x, err));
    const bm_source *given = x->op.rows.data;
    memcpy(&l.given, given, given->size < sizeof l.given ? given->size : sizeof l.given);
    l.until_ns = call->timeout_ms > 0 ? bm__after_ms(call->timeout_ms) : 0;
    l.log.call = call;
    l.log.statements = &result->statements;
    bm_status status = bm__load_open(&l.log, x, err);
    l.checksum = bm__checksum_begin(x->op.rows.model);
    if (status == BM_OK) {
        status = carry_on(&l);
        if (status != BM_OK) {
            bm__load_stop(&l.log, x->db);
        }
    }
    bm__load_close(&l.log);
    return status;
}
