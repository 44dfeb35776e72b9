#include "job_parts.h"

#include "utf8.h"

#include <string.h>

static bm_status not_an_answer(bm_error *err)
{
    return bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                    "the server's answer does not match the question");
}

/* A key that the database made or has, for row i of the chunk. */
static bm_status store_key(bm__job *job, size_t i, const bm__cell *cell, bm_error *err)
{
    const bm__plan *plan = job->plan;
    bm__call *call = job->call;
    size_t row = bm__batch_row(&job->batch, i);
    size_t reader = 0;
    while (plan->keys.at[reader] != plan->key_field) {
        reader++;
    }
    unsigned char *member = call->keys + row * plan->model->fields[plan->key_field].width;
    return bm__decode(plan, &plan->key_readers[reader], cell, member, &job->arena, call->base + row,
                      err);
}

/* RESERVE: (key); or INSERT_EACH's RETURNING: (key ...), the made one first. */
static bm_status push_key(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    if (n == 0 || job->n_keys >= job->n) {
        return not_an_answer(err);
    }
    job->seen[job->n_keys] |= BM__SEEN | BM__SEEN_INSERTED;
    return store_key(job, job->n_keys++, &cells[0], err);
}

int64_t *bm__job_watch(bm__job *job, size_t first)
{
    const bm__plan *plan = job->plan;
    bool fits = plan->watched != NULL && first < job->n && job->call->pick == NULL &&
                plan->model->fields[plan->key_field].width == sizeof(int64_t);
    return fits ? (int64_t *)(void *)job->call->keys + bm__batch_row(&job->batch, first) : NULL;
}

void bm__job_watched(bm__job *job, size_t n)
{
    job->watched = true;
    job->n_keys = n < job->n ? n : job->n;
    memset(job->seen, BM__SEEN | BM__SEEN_INSERTED, job->n_keys);
}

static bm_status push_ordinal(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    size_t i = 0;
    BM_TRY(bm__cell_chunk_row(job, cells, n, &i, err));
    job->seen[i] |= job->phase == BM__PHASE_BEFORE ? BM__SEEN_BEFORE : BM__SEEN;
    int64_t differs;
    if (n > 1 && bm__cell_integer(&cells[1], &differs) && differs == 0) {
        job->seen[i] |= BM__SEEN_KEPT;
    }
    return BM_OK;
}

static bool same_cell(const bm_field *field, const unsigned char *a, const unsigned char *b)
{
    if (field->layout == BM_FIXED) {
        return memcmp(a, b, field->width) == 0;
    }
    bm_slice x = bm__cell_bytes(field->layout, field->width, a);
    bm_slice y = bm__cell_bytes(field->layout, field->width, b);
    return x.size == y.size && (x.size == 0 || memcmp(x.data, y.data, x.size) == 0);
}

/* (ord, inserted, key ...); an upsert that leaves rows as they are says 2 of those.  Looked
 * up behind the write, a row is new where its key is the one that was made for it. */
static bm_status push_ord_key(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    const bm__plan *plan = job->plan;
    size_t i = 0;
    int64_t inserted;
    BM_TRY(bm__cell_chunk_row(job, cells, n, &i, err));
    if (n < 3 || !bm__cell_integer(&cells[1], &inserted)) {
        return not_an_answer(err);
    }
    bool kept = plan->keeps && !plan->engine->reads_batch &&
                (inserted == 2 || job->phase == BM__PHASE_AFTER);
    if (kept && (job->seen[i] & BM__SEEN) != 0) {
        return BM_OK;
    }
    job->seen[i] |= kept ? BM__SEEN_KEPT : inserted != 0 ? BM__SEEN | BM__SEEN_INSERTED : BM__SEEN;
    if (!plan->key_tracked) {
        return BM_OK;
    }
    size_t width = plan->model->fields[plan->key_field].width;
    unsigned char *key = job->call->keys + bm__batch_row(&job->batch, i) * width;
    unsigned char made[sizeof(bm_slice)];
    bool compare = job->phase == BM__PHASE_AFTER && !kept && width <= sizeof made;
    if (compare) {
        memcpy(made, key, width);
    }
    BM_TRY(store_key(job, i, &cells[2], err));
    if (!compare) {
        return BM_OK;
    }
    bool same = same_cell(&plan->model->fields[plan->key_field], made, key);
    if (!plan->key_made && !same) { /* equal by its collation only: another row's, spelled so */
        job->seen[i] |= BM__SEEN_BEFORE;
    } else if (plan->key_made && !plan->mixed_keys && same) {
        job->seen[i] |= BM__SEEN_INSERTED;
    }
    return BM_OK;
}

static bm_status push_highest(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    if (n != 1 || !bm__cell_integer(&cells[0], &job->highest)) {
        return not_an_answer(err);
    }
    return BM_OK;
}

/* (rows are looked up one by one, ...) */
static bm_status push_hint(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    int64_t fits;
    if (n == 0 || !bm__cell_integer(&cells[0], &fits)) {
        return not_an_answer(err);
    }
    job->looks_up = fits != 0;
    return BM_OK;
}

static bm_status push_fingerprint(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__job *job = context;
    const char *known = job->plan->fingerprint;
    (void)err;
    job->same_table = n == 1 && cells[0].kind == BM__CELL_BYTES && cells[0].size == strlen(known) &&
                      memcmp(cells[0].data, known, cells[0].size) == 0;
    return BM_OK;
}

/* RESERVE: all keys, which a row each would cost more than they are; array_send of
 * src/backend/utils/adt/arrayfuncs.c. */
static bm_status push_key_array(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bool is_array =
        n == 1 && cells[0].kind == BM__CELL_BYTES && cells[0].size >= BM__ARRAY_HEADER_MAX;
    if (!is_array) {
        return not_an_answer(err);
    }
    const uint8_t *at = (const uint8_t *)cells[0].data + BM__ARRAY_HEADER_MAX;
    const uint8_t *end = (const uint8_t *)cells[0].data + cells[0].size;
    while (end - at >= 4) {
        bm__cell length = {.kind = BM__CELL_BYTES, .data = at, .size = 4};
        int64_t size;
        at += 4;
        if (!bm__cell_integer(&length, &size) || size < 0 || size > end - at) {
            return not_an_answer(err);
        }
        bm__cell key = {.kind = BM__CELL_BYTES, .data = at, .size = (size_t)size};
        BM_TRY(push_key(context, &key, 1, err));
        at += size;
    }
    return at == end ? BM_OK : not_an_answer(err);
}

void bm__expect_rows(bm__job *job, const bm__statement *statement, bm__step *step)
{
    switch (statement->expect) {
    case BM__EXPECT_KEYS:
        job->n_keys = 0;
        step->push = push_key;
        break;
    case BM__EXPECT_KEY_ARRAY:
        job->n_keys = 0;
        step->push = push_key_array;
        break;
    case BM__EXPECT_ORDINALS:
        step->push = push_ordinal;
        break;
    case BM__EXPECT_ORD_KEYS:
        step->push = push_ord_key;
        break;
    case BM__EXPECT_ONE:
        step->push = job->phase == BM__PHASE_SETUP ? push_hint : push_highest;
        break;
    case BM__EXPECT_ROWS:
        step->push = push_fingerprint;
        break;
    case BM__EXPECT_COUNT:
        break;
    }
}

void bm__job_of_shard(const bm__job *job, bm_error *err)
{
    void (*of_shard)(bm_error *) = job->plan->engine->of_shard;
    if (job->plan->table->citus != '\0' && of_shard != NULL) {
        of_shard(err);
    }
}
