#include "batches.h"

#include "row_writer.h"

#include <stdlib.h>
#include <string.h>

void cli_add_counts(bm_result *sum, const bm_result *result)
{
    sum->inserted += result->inserted;
    sum->updated += result->updated;
    sum->unchanged += result->unchanged;
    sum->missing += result->missing;
    sum->ignored += result->ignored;
    sum->deleted += result->deleted;
    sum->statements += result->statements;
}

/* ---- rows that would not change */

static bool same_cell(const bm_field *field, const char *a, const char *b)
{
    if (a[field->state_offset] != b[field->state_offset]) {
        return false;
    }
    if (a[field->state_offset] != BM_VALUE) {
        return true;
    }
    if (field->layout == BM_FIXED) {
        return memcmp(a + field->offset, b + field->offset, field->width) == 0;
    }
    bm_slice x;
    bm_slice y;
    memcpy(&x, a + field->offset, sizeof x);
    memcpy(&y, b + field->offset, sizeof y);
    return x.size == y.size && (x.size == 0 || memcmp(x.data, y.data, x.size) == 0);
}

static bool same_row(const bm_model *model, const char *a, const char *b, bool keys)
{
    for (size_t i = 0; i < model->n_fields; i++) {
        const bm_field *field = &model->fields[i];
        if (((field->flags & BM_KEY) != 0) == keys && !same_cell(field, a, b)) {
            return false;
        }
    }
    return true;
}

/* Both have the order of the input's keys.  After the write there may be more rows. */
static uint64_t count_same(const bm_model *model, bm_queryset *before, bm_queryset *after)
{
    uint64_t same = 0;
    size_t n = bm_queryset_count(before);
    size_t n_after = bm_queryset_count(after);
    for (size_t i = 0, k = 0; i < n && k < n_after; k++) {
        const char *row = bm_queryset_at(before, i);
        const char *now = bm_queryset_at(after, k);
        if (same_row(model, row, now, true)) {
            same += same_row(model, row, now, false);
            i++;
        }
    }
    return same;
}

static bm_status read_rows(const cli_column_map *map, bm_db *tx, bm_rows rows, bm_result *result,
                           bm_error *err)
{
    return bm_copy_to(tx, rows, BM_OPTIONS(bm_copy_to_options, .fields = map->writes), result, err);
}

/* Compare what the database has before and after the write: 1.50 instead of 1.5 is not a change. */
static bm_status write_compared(const cli_batches *b, bm_db *tx, bm_rows rows, bm_result *result,
                                bm_error *err)
{
    const cli_column_map *map = cli_source_map(b->source);
    bm_result before = BM_RESULT;
    bm_result after = BM_RESULT;
    bm_status status = read_rows(map, tx, rows, &before, err);
    if (status == BM_OK) {
        status = b->write(b->user, tx, rows, NULL, result, err);
    }
    if (status == BM_OK) {
        status = read_rows(map, tx, rows, &after, err);
    }
    if (status == BM_OK) {
        uint64_t same = count_same(&map->model, before.queryset, after.queryset);
        same = same < result->updated ? same : result->updated;
        result->updated -= same;
        result->unchanged += same;
    }
    bm_result_clear(&before);
    bm_result_clear(&after);
    return status;
}

/* ---- the keys of --returning */

/* The output has a line for each row of the input, so that users can put both side by side.  A row
 * that was ignored gets a line without a key. */
static void forget_ignored(const cli_column_map *map, cli_chunk *chunk, const bm_result *result)
{
    for (size_t i = 0; i < result->n_outcomes && i < chunk->n; i++) {
        char *row = chunk->rows + i * map->model.row_size;
        for (size_t k = 0; k < map->model.n_fields && result->outcomes[i] == BM_ROW_IGNORED; k++) {
            if ((map->fields[k].flags & BM_KEY) != 0) {
                row[map->fields[k].state_offset] = BM_NULL;
            }
        }
    }
}

static bm_status write_returning(const cli_batches *b, bm_db *tx, cli_chunk *chunk,
                                 cli_row_writer *output, bm_result *result, bm_error *err)
{
    const cli_column_map *map = cli_source_map(b->source);
    bm_rows rows = bm_structs(&map->model, chunk->rows, chunk->n);
    void *keys = map->makes_key ? chunk->rows : NULL;
    CLI_TRY(b->write(b->user, tx, rows, keys, result, err));
    forget_ignored(map, chunk, result);
    return cli_row_writer_rows(output, chunk->rows, chunk->n, err);
}

static bm_status open_returning(const cli_batches *b, size_t **fields, cli_row_writer **output,
                                bm_error *err)
{
    const cli_column_map *map = cli_source_map(b->source);
    size_t n = 0;
    *fields = calloc(map->model.n_fields, sizeof **fields);
    if (*fields == NULL) {
        return cli_no_memory(err);
    }
    for (size_t i = 0; i < map->model.n_fields; i++) {
        if ((map->fields[i].flags & BM_KEY) != 0) {
            (*fields)[n++] = i;
        }
    }
    if (n == 0) {
        return cli_fail(err, BM_INVALID, "--returning: the table has no primary key");
    }
    return cli_row_writer_open(b->options->returning, b->options, &map->model, *fields, n, output,
                               err);
}

/* ---- chunk by chunk */

static bm_status write_chunk(const cli_batches *b, bm_db *tx, cli_chunk *chunk,
                             cli_row_writer *output, bm_result *sum, bm_error *err)
{
    const cli_column_map *map = cli_source_map(b->source);
    bm_result result = BM_RESULT;
    bm_rows rows = bm_structs(&map->model, chunk->rows, chunk->n);
    bm_status status = output != NULL ? write_returning(b, tx, chunk, output, &result, err)
                                      : write_compared(b, tx, rows, &result, err);
    if (status == BM_OK) {
        cli_add_counts(sum, &result);
    } else {
        cli_chunk_locate(chunk, map, err);
        status = err->status;
    }
    bm_result_clear(&result);
    return status;
}

bm_status cli_batches_run(const cli_batches *b, bm_db *tx, bm_result *result, bm_error *err)
{
    cli_chunk chunks[2] = {{0}, {0}};
    size_t *fields = NULL;
    cli_row_writer *output = NULL;
    bm_status status =
        b->options->returning != NULL ? open_returning(b, &fields, &output, err) : BM_OK;
    for (size_t i = 0; status == BM_OK; i = 1 - i) {
        status = cli_source_fill(b->source, &chunks[i], b->rows, err);
        if (status != BM_OK || chunks[i].n == 0) {
            break;
        }
        status = write_chunk(b, tx, &chunks[i], output, result, err);
        cli_progress_rows(b->progress, chunks[i].first + chunks[i].n, 0);
    }
    bm_status closed = cli_row_writer_close(output, status != BM_OK, err);
    cli_chunk_free(&chunks[0]);
    cli_chunk_free(&chunks[1]);
    free(fields);
    return status != BM_OK ? status : closed;
}
