/*
 * The rows are written chunk by chunk, each chunk by a call of the verb under a savepoint.  A chunk
 * that fails is written in parts, in order: what is before a row is in the table when the row is
 * tried alone, so each row is judged as if the rows had been written one by one.
 */
#include "reject_rows.h"

#include "rows.h"
#include "sqlstate.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)16384)
#define CHUNKS_OF_A_SIZE 16 /* then the next ones are twice as large */
#define DOUBLINGS 3
#define CHUNK_BYTES ((size_t)64 << 20)
#define DEFAULT_PERCENT 10
#define FEW ((size_t)64)             /* rows to try after one that the database refused */
#define CHECKED_AGAIN ((size_t)4096) /* the most rows whose values are checked again for one */

typedef struct aside {
    bm__execution *x;
    const void *options;
    bm_db *tx;
    bm_result *sum;
    bm_error *err;
    const void **rows; /* of the chunk */
    size_t *numbers;   /* ... in the caller's rows */
    size_t capacity;
    bm_error *rejected; /* of the chunk */
    size_t n_rejected, rejected_capacity;
    size_t n_chunks;
    uint64_t n_rows; /* so far */
    bool duplicates; /* the chunk has some: they are looked for by the statement itself */
    bool triggers;   /* of the table: they may leave rows out */
    int64_t until_ns;
} aside;

/* ---- a part of a chunk */

/* A plain insert: rows that are there already can be left out by one statement. */
static bool may_leave_out(const aside *a)
{
    const bm__operation *o = &a->x->op;
    return o->verb->creates && o->request.conflict == BM__CONFLICT_ERROR && !a->triggers;
}

/* Rows with equal keys are refused by default: here the first is written. */
static bool takes_first(const bm__operation *o)
{
    bool keyed = !o->verb->creates || o->request.conflict == BM__CONFLICT_UPDATE;
    return keyed && o->duplicates == BM_DUPLICATES_ERROR;
}

static void add_counts(bm_result *sum, const bm_result *part, bool ignored)
{
    sum->inserted += part->inserted;
    sum->updated += part->updated;
    sum->unchanged += part->unchanged;
    sum->missing += part->missing;
    sum->ignored += ignored ? part->ignored : 0;
    sum->deleted += part->deleted;
}

static bm_status set_up(const aside *a, bm__execution *part, size_t low, size_t high,
                        bool leave_out, bm_error *err)
{
    const bm__operation *whole = &a->x->op;
    bm__operation *o = &part->op;
    *part = (bm__execution){
        .db = a->tx,
        .op = {.verb = whole->verb,
               .rows = bm_struct_pointers(whole->rows.model, a->rows + low, high - low)}};
    BM_TRY(whole->verb->options(o, a->options, err));
    o->settings.on_error = BM_ON_ERROR_FAIL;
    o->settings.dry_run = o->settings.commit_check = BM_OFF;
    o->settings.retries = 0;
    o->settings.on_progress = NULL;
    if (a->until_ns != 0) {
        int64_t left = (a->until_ns - bm__now_ns()) / 1000000;
        o->settings.timeout_ms = left > 0 ? left : 1;
    }
    o->concurrent = BM_OFF;
    o->sets_aside = true;
    if (leave_out) {
        o->request.conflict = BM__CONFLICT_NOTHING;
        o->request.untold = false;
        o->request.outcomes = true;
        o->wants_outcomes = true;
    }
    return BM_OK;
}

/* A message that begins with the row's number has that of the part. */
static void number_message(bm_error *why, size_t number)
{
    char rest[sizeof why->message];
    char *end = why->message;
    if (strncmp(why->message, "row ", 4) == 0) {
        (void)strtoull(why->message + 4, &end, 10);
    }
    if (end > why->message + 4) {
        snprintf(rest, sizeof rest, "%s", end);
        snprintf(why->message, sizeof why->message, "row %zu%.480s", number, rest);
    }
}

static bm_status reject(aside *a, size_t i, const bm_error *why)
{
    const int64_t most = a->x->op.settings.max_rejects;
    if (most > 0 && a->sum->rejected >= (uint64_t)most) {
        return bm__fail(a->err, BM_LIMIT, BM_STAGE_WRITE,
                        "more than %lld rows were rejected; the next one is row %zu: %s",
                        (long long)most, a->numbers[i], why->message);
    }
    if (a->n_rejected == a->rejected_capacity) {
        size_t capacity = a->rejected_capacity == 0 ? 16 : 2 * a->rejected_capacity;
        bm_error *rejected = realloc(a->rejected, capacity * sizeof *rejected);
        if (rejected == NULL) {
            return bm__no_memory(a->err);
        }
        a->rejected = rejected;
        a->rejected_capacity = capacity;
    }
    bm_error *kept = &a->rejected[a->n_rejected++];
    *kept = *why;
    kept->row = a->numbers[i];
    number_message(kept, kept->row);
    kept->other_row = BM_NO_ROW;
    kept->fate = BM_FATE_ROLLED_BACK;
    bm__copy_text(kept->verb, sizeof kept->verb, a->x->op.verb->name);
    if (a->x->op.settings.error_detail != BM_ON) {
        kept->detail[0] = '\0';
    }
    a->sum->rejected++;
    return BM_OK;
}

/* One call of the verb.  *outcomes, if wanted: of its rows, to be freed. */
static bm_status attempt(aside *a, size_t low, size_t high, uint8_t **outcomes, bm_error *why)
{
    bm__execution part;
    bm_result counts = BM_RESULT;
    bm_status status = set_up(a, &part, low, high, outcomes != NULL, why);
    if (status == BM_OK) {
        status = bm__execute(&part, &counts, why);
    }
    if (part.op.plan.table != NULL) {
        a->triggers = part.op.plan.table->insert_trigger || part.op.plan.table->rules;
    }
    if (status == BM_OK) {
        counts.unchanged += part.op.unchanged;
        add_counts(a->sum, &counts, outcomes == NULL);
        if (outcomes != NULL) {
            *outcomes = part.op.call.outcomes;
            part.op.call.outcomes = NULL;
        } else {
            a->sum->ignored += part.op.call.dropped;
        }
    }
    a->sum->statements += counts.statements;
    bm_result_clear(&counts);
    bm__execution_free(&part);
    return status;
}

/* ---- a chunk */

/* May the failure be about a row?  If it is not, a row alone fails without its number. */
static bool may_be_of_a_row(const aside *a, const bm_error *why)
{
    bool goes_on = why->fate == BM_FATE_IN_CALLERS_TRANSACTION || why->fate == BM_FATE_NOT_STARTED;
    if (!goes_on || a->err->status != BM_OK) {
        return false;
    }
    switch (why->status) {
    case BM_CONVERT:
    case BM_CONSTRAINT:
        return true;
    case BM_INVALID:
        return why->row != BM_NO_ROW;
    case BM_LIMIT:
    case BM_AUTH:
    case BM_DATABASE:
        return why->row != BM_NO_ROW || why->sqlstate[0] != '\0';
    default:
        return false;
    }
}

static bm_status fail_with(aside *a, const bm_error *why)
{
    size_t size = a->err->size;
    if (a->err->status == BM_OK) {
        *a->err = *why;
        a->err->size = size;
        a->err->row = BM_NO_ROW; /* of the part */
    }
    return a->err->status;
}

/* Which rows the statement left out is told by their keys: each row has one, and none has that of
 * another.  With an equal key, and a second unique constraint, the wrong one would be told. */
static bool are_told_apart(const aside *a, size_t low, size_t high)
{
    bm__execution part;
    bm_error ignored = BM_ERROR;
    size_t n_keys = 0;
    bool told = set_up(a, &part, low, high, false, &ignored) == BM_OK;
    part.op.request.engine = bm__db_root(a->tx)->engine;
    part.op.apart = true;
    told = told && !part.op.request.engine->reads_batch && /* which writes in the order of keys */
           bm__operation_open(&part.op, &ignored) == BM_OK;
    for (size_t i = 0; told && i < part.op.rows.model->n_fields; i++) {
        const bm_field *field = &part.op.rows.model->fields[i];
        bool key = (field->flags & BM_KEY) != 0;
        n_keys += key;
        told = !key || (field->flags & BM_ASSIGNED) != 0 || part.op.call.has[i];
    }
    bm__operation_free(&part.op);
    return told && n_keys > 0;
}

static bm_status write_rows(aside *a, size_t low, size_t high);

/* Without the rows that are there already; each of those alone, which says why it fails. */
static bm_status leave_out(aside *a, size_t low, size_t high, bm_error *why)
{
    uint8_t *outcomes = NULL;
    BM_TRY(attempt(a, low, high, &outcomes, why));
    bm_status status = BM_OK;
    for (size_t i = low; i < high && status == BM_OK; i++) {
        if (outcomes != NULL && outcomes[i - low] == BM_ROW_IGNORED) {
            status = write_rows(a, i, i + 1);
        }
    }
    free(outcomes);
    return status;
}

static bm_status write_part(aside *a, size_t low, size_t high, bm_error *why)
{
    bool many = high - low > 1;
    if (many && a->duplicates && may_leave_out(a) && are_told_apart(a, low, high)) {
        return leave_out(a, low, high, why);
    }
    bm_status status = attempt(a, low, high, NULL, why);
    bool duplicate = status != BM_OK && may_be_of_a_row(a, why) && bm__says_duplicate(why);
    if (!duplicate || !many || !may_leave_out(a) || !are_told_apart(a, low, high)) {
        return status;
    }
    a->duplicates = true;
    *why = BM_ERROR;
    return leave_out(a, low, high, why);
}

/* Nothing was sent: the row is refused for its own values, whatever rows are before it. */
static bm_status drop(aside *a, size_t low, size_t at, const bm_error *why)
{
    const size_t number = a->numbers[at];
    BM_TRY(reject(a, at, why));
    memmove(a->rows + low + 1, a->rows + low, (at - low) * sizeof *a->rows);
    memmove(a->numbers + low + 1, a->numbers + low, (at - low) * sizeof *a->numbers);
    a->numbers[low] = number;
    return BM_OK;
}

/* Rows *low .. end - 1 were refused: reject one of them, or write them in parts.  *low is then the
 * first row that is left, *step how many to try. */
static bm_status write_in_parts(aside *a, const bm_error *why, size_t *low, size_t end,
                                size_t *step)
{
    const size_t n = end - *low;
    const size_t at = why->row < n ? *low + why->row : end;
    const size_t good = at - *low;
    bool of_a_row = at < end || why->status == BM_CONVERT || why->status == BM_CONSTRAINT;
    if (n == 1 && !of_a_row) {
        return fail_with(a, why);
    }
    if (n == 1) {
        BM_TRY(reject(a, *low, why));
        *low = end;
    } else if (at == end) {
        BM_TRY(write_rows(a, *low, *low + n / 2));
        BM_TRY(write_rows(a, *low + n / 2, end));
        *low = end;
    } else if (why->fate == BM_FATE_NOT_STARTED) {
        BM_TRY(drop(a, *low, at, why));
        ++*low;
        *step = *step < CHECKED_AGAIN ? *step : CHECKED_AGAIN;
    } else {
        BM_TRY(write_rows(a, *low, at));
        BM_TRY(write_rows(a, at, at + 1));
        *low = at + 1;
        *step = 2 * good > FEW ? 2 * good : FEW;
    }
    return BM_OK;
}

/* Write rows low .. high - 1.  After a row that was refused only so many are tried as are likely to
 * be good: what was sent behind a row that fails is sent again. */
static bm_status write_rows(aside *a, size_t low, size_t high)
{
    size_t step = high - low;
    while (low < high) {
        bm_error why = BM_ERROR;
        const size_t end = step < high - low ? low + step : high;
        bm_status status = write_part(a, low, end, &why);
        if (status == BM_OK) {
            low = end;
            step = step < high ? 4 * step : step;
        } else if (!may_be_of_a_row(a, &why)) {
            return fail_with(a, &why);
        } else {
            BM_TRY(write_in_parts(a, &why, &low, end, &step));
        }
    }
    return BM_OK;
}

/* Leave out those of n rows from `low` whose key an earlier one has; *n is what is left. */
static bm_status keep_first(aside *a, const bm__call *call, size_t low, size_t *n)
{
    bm_error why = BM_ERROR;
    bool *kept = calloc(*n, sizeof *kept);
    bm_status status = kept != NULL ? BM_OK : bm__no_memory(a->err);
    size_t left = 0;
    bm__fail(&why, BM_CONSTRAINT, BM_STAGE_CHECK, "an earlier row has the same key");
    for (size_t i = 0; kept != NULL && i < call->n_rows; i++) {
        kept[call->pick[i]] = true;
    }
    for (size_t i = 0; i < *n && status == BM_OK; i++) {
        a->rows[low + left] = a->rows[low + i];
        a->numbers[low + left] = a->numbers[low + i];
        status = kept[i] ? BM_OK : reject(a, low + left, &why);
        left += kept[i];
    }
    *n = left;
    free(kept);
    return status;
}

/* Reject the rows of a chunk that have the key of an earlier one, or that cannot be ordered. */
static bm_status reject_repeated(aside *a, size_t *low, size_t *high)
{
    for (bool again = true; again && *low < *high;) {
        bm__execution part;
        bm_error why = BM_ERROR;
        size_t n = *high - *low;
        bm_status status = set_up(a, &part, *low, *high, false, &why);
        part.op.duplicates = BM_DUPLICATES_FIRST;
        part.op.request.engine = bm__db_root(a->tx)->engine;
        if (status == BM_OK) {
            status = bm__operation_open(&part.op, &why);
        }
        again = status != BM_OK && may_be_of_a_row(a, &why) && why.row < n;
        if (again) {
            status = drop(a, *low, *low + why.row, &why);
            again = status == BM_OK;
            ++*low;
        } else if (status != BM_OK) {
            status = fail_with(a, &why);
        } else if (part.op.call.dropped > 0) {
            status = keep_first(a, &part.op.call, *low, &n);
            *high = *low + n;
        }
        bm__operation_free(&part.op);
        BM_TRY(status);
    }
    return BM_OK;
}

static int by_row(const void *a, const void *b)
{
    const bm_error *x = a;
    const bm_error *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Write a chunk of n rows, and tell which of them were rejected. */
static bm_status write_chunk(aside *a, size_t n)
{
    const bm_call *settings = &a->x->op.settings;
    size_t low = 0;
    size_t high = n;
    a->n_rejected = 0;
    if (takes_first(&a->x->op)) {
        BM_TRY(reject_repeated(a, &low, &high));
    }
    BM_TRY(write_rows(a, low, high));
    a->duplicates = a->duplicates && a->n_rejected > 0;
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
static size_t chunk_rows(const aside *a)
{
    size_t doublings = a->n_chunks / CHUNKS_OF_A_SIZE;
    size_t rows = FIRST_CHUNK << (doublings < DOUBLINGS ? doublings : DOUBLINGS);
    return rows < a->capacity ? rows : a->capacity;
}

static void number_rows(aside *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->numbers[i] = a->n_rows + i;
    }
}

static void view_structs(aside *a, const char *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->rows[i] = rows + i * a->x->op.rows.model->row_size;
    }
    number_rows(a, n);
}

static bm_status write_array(aside *a)
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

static bm_status pull(aside *a, const bm_source *source, char *buffer, size_t *n)
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

static bm_status write_stream(aside *a)
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

static bm_status check_rejects(const aside *a)
{
    bool many = a->x->op.settings.max_rejects == 0 &&
                a->sum->rejected > a->n_rows / (100 / DEFAULT_PERCENT);
    return !many ? BM_OK
                 : bm__fail(a->err, BM_LIMIT, BM_STAGE_WRITE,
                            "%llu of %llu rows were rejected, which is more than %d %%",
                            (unsigned long long)a->sum->rejected, (unsigned long long)a->n_rows,
                            DEFAULT_PERCENT);
}

static bm_status write_all(aside *a)
{
    const bm_rows *rows = &a->x->op.rows;
    if (a->tx->savepoint) { /* what is deferred already is no fault of these rows */
        const bm_maintain_options what = {.size = sizeof what, .what = BM_CHECK_CONSTRAINTS};
        BM_TRY(bm_maintain(a->tx, rows->model, &what, NULL, a->err));
    }
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

static bm_status make_room(aside *a)
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
    aside a = {.x = x, .options = options, .sum = result, .err = err};
    BM_TRY(check(&x->op, err));
    if (settings->timeout_ms > 0) {
        a.until_ns = bm__after_ms(settings->timeout_ms);
    }
    BM_TRY(bm_begin(x->db, &a.tx, err));
    const bool inside = a.tx->savepoint;
    bm_status status = make_room(&a);
    if (status == BM_OK) {
        status = write_all(&a);
    }
    result->statements += 2;
    if (status == BM_OK && settings->dry_run != BM_ON) {
        status = bm_commit(a.tx, err);
    } else {
        bm_rollback(a.tx);
        err->fate = inside ? BM_FATE_IN_CALLERS_TRANSACTION : BM_FATE_ROLLED_BACK;
    }
    free(a.rows);
    free(a.numbers);
    free(a.rejected);
    return status;
}
