#include "write_chunk.h"

#include "chunk_parts.h"
#include "find_breaches.h"
#include "result.h"
#include "rows.h"
#include "sqlstate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a part of a chunk */

/* Rows with equal keys are refused by default: here the first is written. */
static bool takes_first(const bm__operation *o)
{
    bool keyed = !o->verb->creates || o->request.conflict == BM__CONFLICT_UPDATE;
    return keyed && o->duplicates == BM_DUPLICATES_ERROR;
}

/* A call of the verb on some of the chunk's rows. */
static bm_status set_up(const bm__chunk *a, bm__execution *part, const void *const *rows, size_t n,
                        bm_error *err)
{
    const bm__operation *whole = &a->x->op;
    bm__operation *o = &part->op;
    *part = (bm__execution){
        .db = a->tx,
        .op = {.verb = whole->verb, .rows = bm_struct_pointers(whole->rows.model, rows, n)}};
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
    return BM_OK;
}

static bm_status reject(bm__chunk *a, size_t i, const bm_error *why)
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
    bm__number_message(kept, kept->row);
    kept->other_row = BM_NO_ROW;
    kept->fate = BM_FATE_ROLLED_BACK;
    bm__copy_text(kept->verb, sizeof kept->verb, a->x->op.verb->name);
    if (a->x->op.settings.error_detail != BM_ON) {
        kept->detail[0] = '\0';
    }
    a->sum->rejected++;
    return BM_OK;
}

/* One call of the verb. */
static bm_status attempt(bm__chunk *a, const void *const *rows, size_t n, bm_error *why)
{
    bm__execution part;
    bm_result counts = BM_RESULT;
    bm_status status = set_up(a, &part, rows, n, why);
    if (status == BM_OK) {
        status = bm__execute(&part, &counts, why);
    }
    if (status == BM_OK) {
        counts.unchanged += part.op.unchanged;
        counts.ignored += part.op.call.dropped;
        bm__result_add(a->sum, &counts);
    }
    a->sum->statements += counts.statements;
    bm_result_clear(&counts);
    bm__execution_free(&part);
    return status;
}

/* ---- a chunk */

/* May the failure be about a row?  If it is not, a row alone fails without its number. */
static bool may_be_of_a_row(const bm__chunk *a, const bm_error *why)
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

static bm_status fail_with(bm__chunk *a, const bm_error *why)
{
    size_t size = a->err->size;
    if (a->err->status == BM_OK) {
        *a->err = *why;
        a->err->size = size;
        a->err->row = BM_NO_ROW; /* of the part */
    }
    return a->err->status;
}

/* The rows of a part that no constraint refuses. */
typedef struct sound {
    const void **rows;
    size_t *at; /* ... in the part */
    size_t n;
} sound;

static bm_status choose_sound(const bm__chunk *a, size_t low, size_t n, const uint16_t *refused,
                              sound *out)
{
    out->rows = calloc(n, sizeof *out->rows);
    out->at = calloc(n, sizeof *out->at);
    if (out->rows == NULL || out->at == NULL) {
        return bm__no_memory(a->err);
    }
    for (size_t i = 0; i < n; i++) {
        if (refused[i] == 0) {
            out->rows[out->n] = a->rows[low + i];
            out->at[out->n++] = i;
        }
    }
    return BM_OK;
}

static bm_status reject_refused(bm__chunk *a, const bm__execution *look, size_t low, size_t n,
                                const uint16_t *refused)
{
    for (size_t i = 0; i < n; i++) {
        bm_error why = BM_ERROR;
        if (refused[i] != 0) {
            bm__breach_error(look, refused[i], &why);
            a->found_unique = a->found_unique || bm__says_duplicate(&why);
            a->found_reference = a->found_reference || bm__says_reference(&why);
            BM_TRY(reject(a, low + i, &why));
        }
    }
    return BM_OK;
}

/* Write a part without the rows that a constraint refuses.  They are rejected once the others are
 * written: each of those is then as if it had been inserted alone. */
static bm_status write_sound(bm__chunk *a, const bm__execution *look, size_t low, size_t n,
                             const uint16_t *refused, bm_error *why)
{
    sound rows = {NULL, NULL, 0};
    bm_status status = choose_sound(a, low, n, refused, &rows);
    if (status == BM_OK && rows.n > 0) {
        status = attempt(a, rows.rows, rows.n, why);
    }
    if (status != BM_OK && why->row < rows.n) {
        why->row = rows.at[why->row];
    }
    if (status == BM_OK) {
        status = reject_refused(a, look, low, n, refused);
    }
    free(rows.rows);
    free(rows.at);
    return status;
}

/* Look for the rows of a part that a constraint refuses, and write the others.  *looked: the
 * statement said which they are. */
static bm_status look_and_write(bm__chunk *a, size_t low, size_t high, bool *looked, bm_error *why)
{
    const size_t n = high - low;
    bm__execution look;
    uint16_t *refused = calloc(n, sizeof *refused);
    bm_status status = refused != NULL ? BM_OK : bm__no_memory(a->err);
    if (status == BM_OK) {
        status = set_up(a, &look, a->rows + low, n, why);
        look.op.verb = &bm__verb_breaches;
        look.op.request.constraints = &a->constraints;
        status = status != BM_OK ? status : bm__find_breaches(&look, refused, a->sum, why);
        *looked = status == BM_OK && look.op.plan.n_rules > 0;
        if (*looked) {
            status = write_sound(a, &look, low, n, refused, why);
        }
        bm__execution_free(&look);
    }
    free(refused);
    return status;
}

/* A row was refused: look for others that are so, too.  False: the reason cannot be looked for, or
 * has been. */
static bool looks_for(bm__chunk *a, const bm_error *why)
{
    bm__constraints *all = &a->constraints;
    bool *looks = !a->may_look || !may_be_of_a_row(a, why) ? NULL
                  : bm__says_duplicate(why)                ? &all->looks_unique
                  : bm__says_reference(why)                ? &all->looks_references
                                                           : NULL;
    bool more = looks != NULL && !*looks;
    if (more) {
        *looks = a->looks = true;
    }
    return more;
}

/* Rows low .. high - 1, at once. */
static bm_status write_part(bm__chunk *a, size_t low, size_t high, bm_error *why)
{
    const size_t n = high - low;
    bm_status status;
    do {
        bool looked = false;
        *why = BM_ERROR;
        if (a->looks && n > 1) {
            status = look_and_write(a, low, high, &looked, why);
            if (!looked && status != BM_OK && a->err->status == BM_OK && why->row >= n) {
                a->looks = a->may_look = false; /* the server does not answer the question */
                a->row_by_row = a->row_by_row || a->constraints.self;
                *why = BM_ERROR;
            } else if (looked || status != BM_OK) {
                continue;
            }
        }
        status = attempt(a, a->rows + low, n, why);
    } while (status != BM_OK && n > 1 && looks_for(a, why));
    return status;
}

/* Reject a row of those from `low`; the ones before it move up. */
static bm_status drop(bm__chunk *a, size_t low, size_t at, const bm_error *why)
{
    const size_t number = a->numbers[at];
    BM_TRY(reject(a, at, why));
    memmove(a->rows + low + 1, a->rows + low, (at - low) * sizeof *a->rows);
    memmove(a->numbers + low + 1, a->numbers + low, (at - low) * sizeof *a->numbers);
    a->numbers[low] = number;
    return BM_OK;
}

static bm_status refused(bm__chunk *a, bm__chunk_parts *parts, const bm_error *why)
{
    const size_t low = parts->low;
    const size_t n = parts->end - low;
    const bool of_a_row = why->row < n || why->status == BM_CONVERT || why->status == BM_CONSTRAINT;
    size_t at;
    if (n == 1 && !of_a_row) {
        return fail_with(a, why);
    }
    BM_TRY(bm__chunk_parts_refused(parts, why->row, why->fate != BM_FATE_NOT_STARTED, &at, a->err));
    return at != BM_NO_ROW ? drop(a, low, at, why) : BM_OK;
}

/* Write rows low .. high - 1. */
static bm_status write_rows(bm__chunk *a, size_t low, size_t high)
{
    bm__chunk_parts parts;
    bm_status status = bm__chunk_parts_begin(&parts, low, high, a->row_by_row, a->err);
    while (status == BM_OK && bm__chunk_parts_next(&parts)) {
        bm_error why = BM_ERROR;
        const bool written = write_part(a, parts.low, parts.end, &why) == BM_OK;
        parts.row_by_row = a->row_by_row;
        if (written) {
            status = bm__chunk_parts_written(&parts, a->err);
        } else if (may_be_of_a_row(a, &why)) {
            status = refused(a, &parts, &why);
        } else {
            status = fail_with(a, &why);
        }
    }
    bm__chunk_parts_free(&parts);
    return status;
}

/* Leave out those of n rows from `low` whose key an earlier one has; *n is what is left. */
static bm_status keep_first(bm__chunk *a, const bm__call *call, size_t low, size_t *n)
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
static bm_status reject_repeated(bm__chunk *a, size_t *low, size_t *high)
{
    for (bool again = true; again && *low < *high;) {
        bm__execution part;
        bm_error why = BM_ERROR;
        size_t n = *high - *low;
        bm_status status = set_up(a, &part, a->rows + *low, n, &why);
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

/* What may a statement look for?  A question that the server refuses is no fault of the rows. */
bm_status bm__chunk_ask(bm__chunk *a)
{
    const bm__operation *o = &a->x->op;
    const bm__step limits = bm__db_limits(a->tx, &o->settings);
    bm_error why = BM_ERROR;
    if (!o->verb->creates || o->request.conflict != BM__CONFLICT_ERROR) {
        return BM_OK;
    }
    bm_status status = bm__ask_constraints(a->tx, o->rows.model, &limits, &a->constraints, &why);
    a->sum->statements += 4;
    if (status != BM_OK &&
        a->tx->conn->transport->state(a->tx->conn, false) != BM__CONN_IN_TRANSACTION) {
        return fail_with(a, &why);
    }
    const bm__constraints *all = &a->constraints;
    /* The detail of an error has values, which only the server's own message gives. */
    bool detail = o->settings.error_detail == BM_ON && !all->self;
    a->may_look = status == BM_OK && !all->never && !detail;
    a->looks = a->may_look && all->self;
    a->row_by_row = all->row_by_row || (all->self && all->never);
    return BM_OK;
}

bm_status bm__chunk_write(bm__chunk *a, size_t n)
{
    size_t low = 0;
    size_t high = n;
    assert(n <= a->capacity);
    a->n_rejected = 0;
    a->found_unique = a->found_reference = false;
    if (takes_first(&a->x->op)) {
        BM_TRY(reject_repeated(a, &low, &high));
    }
    BM_TRY(write_rows(a, low, high));
    a->constraints.looks_unique = a->constraints.looks_unique && a->found_unique;
    a->constraints.looks_references = a->constraints.looks_references && a->found_reference;
    a->looks = a->may_look && (a->constraints.self || a->constraints.looks_unique ||
                               a->constraints.looks_references);
    return BM_OK;
}

void bm__chunk_free(bm__chunk *a)
{
    bm__constraints_free(&a->constraints);
    free(a->rows);
    free(a->numbers);
    free(a->rejected);
}
