/* What the answer to a create says of its rows. */
#include "create_plan.h"

/* SQLite names no row that an upsert wrote: one that was there may have been left out, by a trigger
 * or by the caller's condition, and one whose conflict columns are NULL is not found again.
 * Where that can be, each is a statement of its own. */
bool bm__create_each(const bm__request *request, const bm__plan *plan)
{
    bool told = request->where != NULL || (request->allow_skipped && plan->table->may_ignore);
    return plan->engine->reads_batch && plan->engine->ask != NULL &&
           request->conflict == BM__CONFLICT_UPDATE && told;
}

/* Of an upsert.  A row whose conflict columns are NULL is not found again: it is new. */
static void tally_upsert(const bm__request *request, const bm__plan *plan, bool looks,
                         bm__tally *tally)
{
    const bool after = plan->after.sql != NULL;
    const uint8_t found = plan->before.sql != NULL ? BM__SEEN_BEFORE : BM__SEEN;
    tally->match = looks ? found : BM__SEEN_INSERTED;
    tally->mask = looks && found == BM__SEEN ? BM__SEEN | BM__SEEN_INSERTED : tally->match;
    tally->hit = looks ? BM_ROW_UPDATED : BM_ROW_INSERTED;
    tally->miss = looks ? BM_ROW_INSERTED : BM_ROW_UPDATED;
    bool named = plan->write.expect != BM__EXPECT_COUNT || (after && request->unique.n == 0);
    tally->each = bm__create_each(request, plan);
    tally->skips = request->allow_skipped && (named || tally->each);
    bool drops = !plan->engine->reads_batch || plan->table->may_ignore;
    tally->keeps = plan->keeps;
    tally->kept = request->where != NULL ? BM_ROW_IGNORED : BM_ROW_UNCHANGED;
    tally->exact = plan->keeps && drops && !request->allow_skipped;
}

/* What the write says of its rows, or the looks before and behind it. */
bm__tally bm__create_tally(const bm__request *request, const bm__plan *plan)
{
    bool answers = plan->write.expect != BM__EXPECT_COUNT;
    bool looks = plan->before.sql != NULL || plan->after.sql != NULL;
    bm__tally tally = {.by_marks = answers || plan->strategy == BM__INSERT_LOOKUP,
                       .hit = BM_ROW_INSERTED,
                       .miss = BM_ROW_IGNORED};
    if (!answers && !looks && !plan->count_exact) {
        tally.counted = true;
    } else if (request->conflict == BM__CONFLICT_UPDATE) {
        tally_upsert(request, plan, looks, &tally);
    } else if (!plan->count_exact) {
        tally.mask = looks ? BM__SEEN_BEFORE | BM__SEEN : BM__SEEN;
        tally.match = BM__SEEN;
    }
    return tally;
}
