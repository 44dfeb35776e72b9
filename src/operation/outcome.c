#include "job_parts.h"

#include "result.h"

#include <stdlib.h>
#include <string.h>

/* Is the key of row `row` of the views to be made? */
static bool makes_key(const bm__job *job, size_t row)
{
    const bm__plan *plan = job->plan;
    return plan->key_made && (!plan->mixed_keys ||
                              bm__view_state(&job->call->fields[plan->key_field], row) != BM_VALUE);
}

/* Where some rows give their key, it is the key that the call keeps. */
bm_status bm__begin_keys(bm__job *job, bm_error *err)
{
    const bm__plan *plan = job->plan;
    bm__call *call = job->call;
    if (!plan->key_tracked || (plan->key_made && !plan->mixed_keys)) {
        return BM_OK;
    }
    const bm_field *field = &plan->model->fields[plan->key_field];
    const bm__view *view = &call->fields[plan->key_field];
    if (view->cells.layout != field->layout || view->cells.width != field->width) {
        return bm__fail_cell(err, BM_UNSUPPORTED, BM_STAGE_CHECK, BM_NO_ROW, field->name,
                             "the key column's form differs from its model");
    }
    for (size_t i = 0; i < job->n; i++) {
        size_t row = bm__batch_row(&job->batch, i);
        if (!makes_key(job, row)) {
            memcpy(call->keys + row * field->width, bm__view_cell(view, row), field->width);
        }
    }
    return BM_OK;
}

static bool put_key(const bm_field *field, unsigned char *member, int64_t value)
{
    int16_t i2 = (int16_t)value;
    int32_t i4 = (int32_t)value;
    switch (field->width) {
    case sizeof i2:
        memcpy(member, &i2, sizeof i2);
        return i2 == value;
    case sizeof i4:
        memcpy(member, &i4, sizeof i4);
        return i4 == value;
    default:
        memcpy(member, &value, sizeof value);
        return true;
    }
}

/* The highest key that the caller gives, in this chunk or a later one; looked for once. */
static int64_t highest_given(const bm__job *job)
{
    bm__call *call = job->call;
    const bm_field *field = &job->plan->model->fields[job->plan->key_field];
    const bm__view *view = &call->fields[job->plan->key_field];
    if (call->knows_highest) {
        return call->highest_given;
    }
    call->highest_given = INT64_MIN;
    for (size_t row = 0; job->plan->mixed_keys && row < call->caller_rows; row++) {
        if (!makes_key(job, row)) {
            int64_t given = bm__load_int(bm__view_cell(view, row), field->width);
            call->highest_given = given > call->highest_given ? given : call->highest_given;
        }
    }
    call->knows_highest = call->source == NULL;
    return call->highest_given;
}

/* SQLite: count on from the highest key in the table, in sqlite_sequence and in the rows. */
static bm_status count_on(bm__job *job, bm_error *err)
{
    const bm__plan *plan = job->plan;
    const bm_field *field = &plan->model->fields[plan->key_field];
    int64_t given = highest_given(job);
    int64_t highest = given > job->highest ? given : job->highest;
    for (size_t i = 0; i < job->n; i++) {
        size_t row = bm__batch_row(&job->batch, i);
        if (!makes_key(job, row)) {
            continue;
        }
        bool fits =
            highest < INT64_MAX && put_key(field, job->call->keys + row * field->width, ++highest);
        if (!fits) {
            return bm__fail_cell(err, BM_LIMIT, BM_STAGE_WRITE, BM_NO_ROW, field->name,
                                 "column \"%s\" has run out of keys", field->name);
        }
    }
    return BM_OK;
}

bm_status bm__reserved(bm__job *job, bm_error *err)
{
    if (job->plan->reserve.expect == BM__EXPECT_ONE) {
        return count_on(job, err);
    }
    if (job->n_keys != job->n) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                        "the server made %zu of %zu requested keys", job->n_keys, job->n);
    }
    memset(job->seen, 0, job->n);
    return BM_OK;
}

static bm_status dropped(const bm__job *job, uint64_t rows, bm_error *err)
{
    const bm__plan *plan = job->plan;
    return bm__fail(err, BM_DATABASE, plan->count_known ? BM_STAGE_CATALOG : BM_STAGE_WRITE,
                    "the server wrote %llu of %zu rows to \"%s\": a trigger or rule drops or "
                    "changes rows",
                    (unsigned long long)rows, job->n, plan->model->table);
}

bm_status bm__count(bm__job *job, uint64_t rows, bm_error *err)
{
    bool wrong = job->plan->count_exact && rows != job->n;
    return wrong ? dropped(job, rows, err) : BM_OK;
}

/* Is the row in the table, and was there no reason to write it? */
static bool is_kept(const bm__job *job, size_t i)
{
    const bm__tally *tally = &job->plan->tally;
    bool there = (job->seen[i] & BM__SEEN_BEFORE) != 0;
    return tally->keeps &&
           ((job->seen[i] & BM__SEEN_KEPT) != 0 || (tally->each && job->wrote == 0 && there));
}

/* Rows that were written, or had no reason to be. */
static uint64_t rows_accounted_for(const bm__job *job)
{
    bool marks = job->plan->tally.by_marks;
    uint64_t n = marks ? 0 : job->wrote;
    for (size_t i = 0; i < job->n; i++) {
        n += is_kept(job, i) || (marks && (job->seen[i] & BM__SEEN) != 0);
    }
    return n;
}

/* Of an upsert that leaves rows as they are: a row of which nothing is known was dropped by a
 * trigger, or was inserted by another session since this statement began to look. */
bool bm__looks_after(const bm__job *job)
{
    const bm__plan *plan = job->plan;
    bool told = plan->keeps && !plan->engine->reads_batch && rows_accounted_for(job) == job->n;
    return plan->after.sql != NULL && !told;
}

static void add(bm__job *job, bm_row_outcome outcome, uint64_t n)
{
    job->inserted += outcome == BM_ROW_INSERTED ? n : 0;
    job->updated += outcome == BM_ROW_UPDATED ? n : 0;
    job->missing += outcome == BM_ROW_MISSING ? n : 0;
    job->ignored += outcome == BM_ROW_IGNORED ? n : 0;
    job->unchanged += outcome == BM_ROW_UNCHANGED ? n : 0;
    job->deleted += outcome == BM_ROW_DELETED ? n : 0;
}

/* Rows of a create whose keys came back, or were hit: the count that must be exact. */
static uint64_t named_rows(const bm__job *job, uint64_t rows)
{
    if (!job->plan->tally.by_marks) {
        return rows;
    }
    uint64_t named = 0;
    for (size_t i = 0; i < job->n; i++) {
        named += (job->seen[i] & BM__SEEN) != 0;
    }
    return named;
}

static bm_status missing(bm__job *job, bm_error *err)
{
    for (size_t i = 0; job->call->outcomes != NULL && i < job->n; i++) {
        size_t row = bm__call_row(job->call, &job->batch, i);
        if (job->call->outcomes[row] == BM_ROW_MISSING) {
            return bm__fail_cell(err, BM_CONSTRAINT, BM_STAGE_WRITE, row, NULL,
                                 "row %zu is not in \"%s\"", row, job->plan->model->table);
        }
    }
    return bm__fail(err, BM_CONSTRAINT, BM_STAGE_WRITE, "rows are missing in \"%s\"",
                    job->plan->model->table);
}

static int by_number(const void *a, const void *b)
{
    int64_t x;
    int64_t y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Keys that rise with the rows came in any order.  SQLite's do, too, but behind the highest that
 * there can be, where it draws lots: they lie far from each other. */
static bm_status arrange_keys(bm__job *job, bm_error *err)
{
    const bm__plan *plan = job->plan;
    if (!plan->keys_rise || job->watched || job->n < 2) {
        return BM_OK;
    }
    if (plan->model->fields[plan->key_field].width != sizeof(int64_t) || job->call->pick != NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "returned keys cannot be matched to rows: the key is not a 64-bit integer");
    }
    int64_t *keys = (int64_t *)(void *)job->call->keys + bm__batch_row(&job->batch, 0);
    int64_t lowest = keys[0];
    int64_t highest = keys[0];
    bool rising = true;
    for (size_t i = 1; i < job->n; i++) {
        rising = rising && keys[i - 1] < keys[i];
        lowest = keys[i] < lowest ? keys[i] : lowest;
        highest = keys[i] > highest ? keys[i] : highest;
    }
    bool drawn = plan->engine->draws_keys && ((uint64_t)highest - (uint64_t)lowest) >> 48 != 0;
    job->unsorted = job->unsorted || !rising;
    if (!rising && !drawn) {
        qsort(keys, job->n, sizeof *keys, by_number);
    }
    return BM_OK;
}

/* The statement wrote nothing, since it could not be sure of its rows' keys. */
static bm_status unproved(bm__job *job, bm_error *err)
{
    job->unproved = job->inserted == 0;
    return bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                    "the keys of \"%s\" do not come from a rising sequence of its own",
                    job->plan->model->table);
}

/* Was the row left out by a trigger, or for a conflict? */
static bool is_left_out(const bm__job *job, size_t i)
{
    const bm__tally *tally = &job->plan->tally;
    return tally->skips && (tally->each ? job->wrote == 0 : (job->seen[i] & BM__SEEN) == 0);
}

/* Count the chunk's rows, and say of each what became of it where somebody wants to know. */
static bm_status tell(bm__job *job, uint64_t rows, bm_error *err)
{
    const bm__tally *tally = &job->plan->tally;
    uint8_t *outcomes = job->call->outcomes;
    bool all = tally->counted ? rows == job->n : tally->mask == 0;
    bool alike = all || tally->counted;
    uint64_t hits = tally->counted ? rows : all ? job->n : 0;
    uint64_t skipped = 0;
    uint64_t n_kept = 0;
    for (size_t i = 0; (!alike || outcomes != NULL) && i < job->n; i++) {
        bool kept = is_kept(job, i);
        bool out = !kept && is_left_out(job, i);
        bool hit = !kept && !out && (alike ? all : (job->seen[i] & tally->mask) == tally->match);
        hits += !alike && hit;
        skipped += out;
        n_kept += kept;
        if (outcomes != NULL) {
            outcomes[bm__call_row(job->call, &job->batch, i)] = (uint8_t)(kept  ? tally->kept
                                                                          : out ? BM_ROW_IGNORED
                                                                          : hit ? tally->hit
                                                                                : tally->miss);
        }
    }
    add(job, tally->hit, hits);
    add(job, BM_ROW_IGNORED, skipped);
    add(job, tally->kept, n_kept);
    skipped += n_kept;
    add(job, tally->miss, hits + skipped < job->n ? job->n - hits - skipped : 0);
    if (job->plan->count_known && job->plan->by_key && hits != rows) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG,
                        "%llu of %llu rows of \"%s\" were written: a trigger drops rows",
                        (unsigned long long)rows, (unsigned long long)hits,
                        job->plan->model->table);
    }
    return BM_OK;
}

bm_status bm__written(bm__job *job, uint64_t rows, bm_error *err)
{
    bm__call *call = job->call;
    if (job->plan->proved && named_rows(job, rows) == 0) {
        return unproved(job, err);
    }
    BM_TRY(bm__count(job, named_rows(job, rows), err));
    if (job->plan->tally.exact && rows_accounted_for(job) < job->n) {
        return dropped(job, rows_accounted_for(job), err);
    }
    BM_TRY(arrange_keys(job, err));
    BM_TRY(tell(job, rows, err));
    if (call->require_all && job->missing > 0) {
        return missing(job, err);
    }
    if (call->collects) {
        return bm__call_collect(call, job->from + job->collected, job->n - job->collected, err);
    }
    return BM_OK;
}
