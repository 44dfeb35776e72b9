/* From the caller's rows to a call: views, states, order, duplicates, what changed. */
#ifndef BM_OPERATION_PREPARE_H
#define BM_OPERATION_PREPARE_H

#include "call.h"

/* Views of the rows' fields.  Of a stream: has says what there will be; the views come with the
 * buffer (bm__prepare_stream). */
bm_status bm__prepare_rows(bm__call *call, const bm_rows *rows, bm_error *err);

/* A stream: the buffer of plan->chunk_rows structs, and the views over it. */
bm_status bm__prepare_stream(bm__call *call, bm_error *err);

/* Which fields have cells that are to be their default, or are to stay as they are.  A create has
 * nothing to keep: there BM_KEEP is the default. */
bm_status bm__prepare_states(const bm__call *call, bool create, bool *defaults, bool *keeps,
                             bm_error *err);

/* The flags for fields with default cells. */
bm_status bm__prepare_flags(bm__call *call, const bool *defaults, bm_error *err);

/* The masks for named fields of which some cells stay. */
bm_status bm__prepare_keeps(bm__call *call, const bool *keeps, bm_error *err);

/* Order the rows by these fields and apply the rule for duplicates; rows left out are
 * BM_ROW_IGNORED.  `nulls`: NULLs are no duplicates, else they are an error. */
bm_status bm__prepare_order(bm__call *call, const bm__fields *fields, bm_duplicates rule,
                            bool nulls, bm_error *err);

/* The rows of a queryset are found by the keys that they were read with: BM_INVALID, naming the
 * row, where one was edited.  Before any row is picked.  NULL: nothing to check. */
bm_status bm__prepare_same_keys(const bm__call *call, const bm_queryset *queryset,
                                const bm__fields *keys, bm_error *err);

/*
 * Compare a queryset's rows with its snapshot: the rows that changed are picked, `changes` says
 * which fields did in some row, `keeps` which of them did not in some picked row.  Rows that did
 * not change are BM_ROW_UNCHANGED, *unchanged of them.
 */
bm_status bm__prepare_changes(bm__call *call, const bm_queryset *queryset, bool *changes,
                              bool *keeps, uint64_t *unchanged, bm_error *err);

#endif
