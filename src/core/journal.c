#include "journal.h"

#include <assert.h>
#include <stdlib.h>

struct bm__journal_entry {
    bm__journal_entry *next;             /* in its journal */
    bm__journal_entry *next_of_queryset; /* of the same queryset, in other journals */
    bm__journal *journal;
    bm_queryset *queryset; /* NULL: freed in the meantime */
    bm__snapshot *before;  /* NULL: nothing was known */
};

static bm__journal_entry *find(const bm__journal *journal, const bm_queryset *queryset)
{
    for (bm__journal_entry *e = queryset->entries; e != NULL; e = e->next_of_queryset) {
        assert(e->queryset == queryset);
        if (e->journal == journal) {
            return e;
        }
    }
    return NULL;
}

static bm_status add(bm__journal *journal, bm_queryset *queryset, bm__snapshot *before,
                     bm_error *err)
{
    assert(find(journal, queryset) == NULL);
    bm__journal_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        bm__snapshot_free(before);
        return bm__no_memory(err);
    }
    *entry = (bm__journal_entry){journal->entries, queryset->entries, journal, queryset, before};
    journal->entries = entry;
    queryset->entries = entry;
    return BM_OK;
}

bm_status bm__journal_keep(bm__journal *journal, bm_queryset *queryset, bm_error *err)
{
    if (find(journal, queryset) != NULL) {
        return BM_OK;
    }
    bm__snapshot *before = NULL;
    if (queryset->snapshot != NULL) {
        BM_TRY(bm__snapshot_clone(queryset->snapshot, &before, err));
    }
    return add(journal, queryset, before, err);
}

bm_status bm__journal_made(bm__journal *journal, bm_queryset *queryset, bm_error *err)
{
    return add(journal, queryset, NULL, err);
}

static void unlink_entry(bm__journal_entry *entry)
{
    bm_queryset *queryset = entry->queryset;
    if (queryset == NULL) {
        return;
    }
    bm__journal_entry **at = &queryset->entries;
    while (*at != entry) {
        assert(*at != NULL); /* an entry is in the list of its queryset */
        at = &(*at)->next_of_queryset;
    }
    *at = entry->next_of_queryset;
    assert(find(entry->journal, queryset) == NULL);
}

static void free_entry(bm__journal_entry *entry)
{
    bm__snapshot_free(entry->before);
    free(entry);
}

void bm__journal_commit(bm__journal *journal, bm__journal *outer)
{
    bm__journal_entry *entry = journal->entries;
    assert(outer != journal);
    journal->entries = NULL;
    while (entry != NULL) {
        bm__journal_entry *next = entry->next;
        assert(entry->journal == journal);
        bool kept =
            entry->queryset != NULL && outer != NULL && find(outer, entry->queryset) == NULL;
        if (kept) {
            entry->journal = outer;
            entry->next = outer->entries;
            outer->entries = entry;
        } else {
            unlink_entry(entry);
            free_entry(entry);
        }
        entry = next;
    }
}

/* Querysets get the snapshot back that they had, or none. */
static void undo(bm__journal *journal, bool known)
{
    bm__journal_entry *entry = journal->entries;
    journal->entries = NULL;
    while (entry != NULL) {
        bm__journal_entry *next = entry->next;
        assert(entry->journal == journal);
        if (entry->queryset != NULL) {
            unlink_entry(entry);
            bm__snapshot_free(entry->queryset->snapshot);
            entry->queryset->snapshot = known ? entry->before : NULL;
            entry->before = known ? NULL : entry->before;
        }
        free_entry(entry);
        entry = next;
    }
}

void bm__journal_rollback(bm__journal *journal)
{
    undo(journal, true);
}

void bm__journal_drop(bm__journal *journal)
{
    undo(journal, false);
}

void bm__journal_forget(bm_queryset *queryset)
{
    for (bm__journal_entry *e = queryset->entries; e != NULL; e = e->next_of_queryset) {
        assert(e->queryset == queryset);
        e->queryset = NULL;
    }
    queryset->entries = NULL;
}
