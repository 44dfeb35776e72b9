/*
 * What a transaction has to give back: the snapshots that querysets had before it changed them.
 * One journal a transaction or savepoint; one thread, as the transaction itself.
 */
#ifndef BM_CORE_JOURNAL_H
#define BM_CORE_JOURNAL_H

#include "queryset.h"

typedef struct bm__journal_entry bm__journal_entry;

/* A zeroed journal is empty and valid. */
typedef struct bm__journal {
    bm__journal_entry *entries;
} bm__journal;

/* Keep a copy of the queryset's snapshot, unless this journal has one. */
bm_status bm__journal_keep(bm__journal *journal, bm_queryset *queryset, bm_error *err);

/* The queryset was made in this transaction: on rollback nothing is known of its rows. */
bm_status bm__journal_made(bm__journal *journal, bm_queryset *queryset, bm_error *err);

/* The transaction ended well: into the enclosing one's journal, or NULL. */
void bm__journal_commit(bm__journal *journal, bm__journal *outer);

/* The transaction was rolled back: snapshots are what they were. */
void bm__journal_rollback(bm__journal *journal);

/* Nobody knows how the transaction ended: nothing is known of its querysets' rows any more. */
void bm__journal_drop(bm__journal *journal);

/* The queryset is going away. */
void bm__journal_forget(bm_queryset *queryset);

#endif
