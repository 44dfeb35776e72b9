/* Querysets: rows that the database is known to hold, with their snapshot. */
#ifndef BM_CORE_QUERYSET_H
#define BM_CORE_QUERYSET_H

#include "snapshot.h"

struct bm_queryset {
    const bm_model *model;
    size_t count;
    size_t capacity;
    unsigned char *rows; /* count structs, or NULL: the rows are known by their snapshot only */
    bool structs;
    bm__arena arena;                   /* what the structs' members point to */
    bm__snapshot *snapshot;            /* NULL: nothing is known, every column counts as changed */
    struct bm__journal_entry *entries; /* of open transactions that changed it (journal.h) */
};

/* An empty queryset with room for `capacity` rows. */
bm_status bm__queryset_new(const bm_model *model, bool structs, size_t capacity, bm_queryset **out,
                           bm_error *err);

/*
 * Append row i of a batch: views[f] is the model's field f, `has[f]` says whether it is there (a
 * field that is not is NULL in the row, and unknown in the snapshot).  What members point to is
 * copied.
 */
bm_status bm__queryset_append(bm_queryset *queryset, const bm__view *views, const bool *has,
                              size_t row, bm_error *err);

/* Append rows first .. first + n - 1 of the views, column by column. */
bm_status bm__queryset_append_run(bm_queryset *queryset, const bm__view *views, const bool *has,
                                  size_t first, size_t n, bm_error *err);

/* Room for one more row, zeroed: the struct at index count, which is counted by the caller. */
bm_status bm__queryset_room(bm_queryset *queryset, bm_error *err);

/* Take the struct of row `row` over into the snapshot (for rows that were filled in place). */
bm_status bm__queryset_imprint(bm_queryset *queryset, size_t row, const bool *has, bm_error *err);

/* Copy what the member of a row points to into the arena and re-point the member, where its state
 * is BM_VALUE. */
bm_status bm__queryset_own(bm_queryset *queryset, size_t row, size_t field, bm_error *err);

/* The view of a field; false where it is not known. */
bool bm__queryset_view(const bm_queryset *queryset, size_t field, bm__view *out);

#endif
