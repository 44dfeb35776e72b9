#include "sqlite_bounds.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef BM_SQLITE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

/* The bounds of `ord` that a plan uses: bits of idxNum, and the order of their values in argv. */
enum { ORD_EQ = 1, ORD_GT = 2, ORD_GE = 4, ORD_LT = 8, ORD_LE = 16, N_BOUNDS = 5 };

/* The bit of a constraint's operator; 0 for one that is not used. */
static int bound_of(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return ORD_EQ;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return ORD_GT;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return ORD_GE;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return ORD_LT;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return ORD_LE;
    default:
        return 0;
    }
}

/*
 * A usable constraint on one of the cells means a plan in which the other table is outside and the
 * batch is searched, which it cannot be: that costs so much that such a plan is never chosen.  The
 * estimates do not depend on the batch at hand, as prepared statements serve batches of all sizes.
 */
int bm__sqlite_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    int chosen[N_BOUNDS] = {-1, -1, -1, -1, -1};
    bool inside = false;
    for (int i = 0; i < info->nConstraint; i++) {
        int bound = info->aConstraint[i].usable ? bound_of(info->aConstraint[i].op) : 0;
        if (bound != 0 && info->aConstraint[i].iColumn <= 0) {
            chosen[__builtin_ctz((unsigned)bound)] = i;
        } else if (bound != 0) {
            inside = true;
        }
    }
    int arguments = 0;
    info->idxNum = 0;
    for (int i = 0; i < N_BOUNDS; i++) {
        if (chosen[i] >= 0) {
            info->idxNum |= 1 << i;
            info->aConstraintUsage[chosen[i]].argvIndex = ++arguments;
        }
    }
    bool unique = (info->idxNum & ORD_EQ) != 0;
    info->estimatedRows = unique ? 1 : info->idxNum != 0 ? 100 : 1000;
    info->estimatedCost = (double)info->estimatedRows * (inside ? 1e9 : 1.0);
    info->idxFlags = unique ? SQLITE_INDEX_SCAN_UNIQUE : 0;
    info->orderByConsumed =
        info->nOrderBy == 1 && info->aOrderBy[0].iColumn <= 0 && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

/* Narrow the scan by one bound.  What is no integer narrows nothing: SQLite checks again. */
static void apply_bound(int bound, sqlite3_value *value, size_t *from, size_t *end)
{
    if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER) {
        return;
    }
    int64_t limit = sqlite3_value_int64(value);
    int64_t low = 0;
    int64_t high = INT64_MAX;
    if ((bound & (ORD_EQ | ORD_GE | ORD_GT)) != 0) {
        low = limit;
        if (bound == ORD_GT && __builtin_add_overflow(limit, 1, &low)) {
            high = 0;
        }
    }
    if ((bound & (ORD_EQ | ORD_LE | ORD_LT)) != 0) {
        high = limit;
        if (bound != ORD_LT && high < INT64_MAX) {
            high++;
        }
    }
    if (high <= 0) {
        *end = 0;
    } else if ((uint64_t)high < *end) {
        *end = (size_t)high;
    }
    if (low > 0 && (uint64_t)low > *from) {
        *from = (uint64_t)low < *end ? (size_t)low : *end;
    }
}

void bm__sqlite_narrow(int plan, struct sqlite3_value **values, size_t *from, size_t *end)
{
    int argument = 0;
    for (int bound = 1; bound <= ORD_LE; bound <<= 1) {
        if ((plan & bound) != 0) {
            apply_bound(bound, values[argument++], from, end);
        }
    }
}
