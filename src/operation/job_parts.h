/* The parts of a job, a file each: what is sent, what comes back, which row it was. */
#ifndef BM_OPERATION_JOB_PARTS_H
#define BM_OPERATION_JOB_PARTS_H

#include "job.h"

#include <assert.h>

/* encode.c: fill the step with a statement over `batch` (columns `columns`). */
bm_status bm__encode_statement(bm__job *job, const bm__statement *statement,
                               const bm__plan_column *columns, const bm__batch *batch,
                               bm__step *step, bm_error *err);

/* answer.c: the functions that take rows, one for each meaning. */
void bm__expect_rows(bm__job *job, const bm__statement *statement, bm__step *step);

/* outcome.c: keys before the write; what the write did. */
bm_status bm__begin_keys(bm__job *job, bm_error *err);
bm_status bm__reserved(bm__job *job, bm_error *err);
/* Is there something to look for behind the write? */
bool bm__looks_after(const bm__job *job);
/* The server's count of rows against what was sent. */
bm_status bm__count(bm__job *job, uint64_t rows, bm_error *err);
/* The chunk is written and looked at: counts, outcomes, rows to give back. */
bm_status bm__written(bm__job *job, uint64_t rows, bm_error *err);

/* answer.c: an error as if the table were on one server. */
void bm__job_of_shard(const bm__job *job, bm_error *err);

/* keys_used_up.c: a key, or a sequence, that has no more values is nobody's row: the error says so.
 * On SQLite that is known when the highest key is. */
bool bm__used_up(const bm__job *job, const bm__answer *answer, bm_error *err);
void bm__used_up_highest(bm__job *job);

/* read.c: rows into structs. */
void bm__read_rows(bm__job *job, bm__step *step);
bm_status bm__read_end(bm__job *job, bm_error *err);

/* cell.c: a value into its member; the error names `row`. */
bm_status bm__decode(const bm__plan *plan, const bm__plan_output *output, const bm__cell *cell,
                     void *member, bm__arena *arena, size_t row, bm_error *err);

/* The first cell is the number of a row of the chunk. */
bm_status bm__cell_chunk_row(const bm__job *job, const bm__cell *cells, size_t n, size_t *out,
                             bm_error *err);

/* job.c: make rows from .. from + n - 1 (in the order of the write) the job's chunk. */
bm_status bm__job_take(bm__job *job, size_t from, size_t n, bm_error *err);

/* Is a job in which all went well rolled back in the end? */
static inline bool bm__job_takes_back(const bm__job *job)
{
    assert(!job->plan->undone || job->plan->whole_table); /* it writes nothing */
    return job->call->dry_run || job->plan->undone;
}

#endif
