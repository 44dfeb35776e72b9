#include "constraints.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    C_PLACE,
    C_KIND,
    C_PRIMARY,
    C_NAME,
    C_TARGET,
    C_COLUMN,
    C_OTHER,
    C_EQUAL,
    C_COLLATE,
    C_COUNT
};

/* "" for NULL, and an empty cell too. */
static const char *copy(bm__constraints *all, const bm__cell *cell)
{
    bool empty = cell->kind == BM__CELL_NULL || cell->size == 0;
    return bm__arena_copy(&all->arena, empty ? "" : cell->data, empty ? 0 : cell->size);
}

static bm_status add(bm__constraints *all, const bm__cell *cells, char kind, bm_error *err)
{
    assert(all->n <= all->capacity);
    if (all->n == all->capacity) {
        size_t capacity = all->capacity == 0 ? 8 : 2 * all->capacity;
        bm__constraint *grown = realloc(all->all, capacity * sizeof *grown);
        if (grown == NULL) {
            return bm__no_memory(err);
        }
        all->all = grown;
        all->capacity = capacity;
    }
    const char *primary = copy(all, &cells[C_PRIMARY]);
    bm__constraint *one = &all->all[all->n++];
    *one = (bm__constraint){.kind = kind,
                            .primary = primary != NULL && primary[0] == 't',
                            .name = copy(all, &cells[C_NAME]),
                            .target = copy(all, &cells[C_TARGET])};
    all->self = all->self || kind == BM__CONSTRAINT_SELF;
    return primary != NULL && one->name != NULL && one->target != NULL ? BM_OK : bm__no_memory(err);
}

bm_status bm__constraints_push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__constraints *all = context;
    if (n != C_COUNT || cells[C_KIND].size != 1 || cells[C_PLACE].size == 0) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    const char kind = *(const char *)cells[C_KIND].data;
    all->never = all->never || kind == BM__CONSTRAINT_NEVER;
    all->row_by_row = all->row_by_row || kind == BM__CONSTRAINT_OTHER;
    if (kind == BM__CONSTRAINT_NEVER || kind == BM__CONSTRAINT_OTHER) {
        return BM_OK;
    }
    const char *place = copy(all, &cells[C_PLACE]);
    if (place == NULL) {
        return bm__no_memory(err);
    }
    if (strcmp(place, "0") == 0) { /* its first column */
        BM_TRY(add(all, cells, kind, err));
    }
    bm__constraint *one = all->n > 0 ? &all->all[all->n - 1] : NULL;
    if (one == NULL || one->n == sizeof one->column / sizeof one->column[0]) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    const size_t i = one->n++;
    one->column[i] = copy(all, &cells[C_COLUMN]);
    one->other[i] = copy(all, &cells[C_OTHER]);
    one->collate[i] = copy(all, &cells[C_COLLATE]);
    one->equal[i] = cells[C_EQUAL].kind != BM__CELL_NULL ? copy(all, &cells[C_EQUAL]) : NULL;
    bool copied = one->column[i] != NULL && one->other[i] != NULL && one->collate[i] != NULL &&
                  (one->equal[i] != NULL || cells[C_EQUAL].kind == BM__CELL_NULL);
    return copied ? BM_OK : bm__no_memory(err);
}

void bm__constraints_free(bm__constraints *all)
{
    bm__arena_free(&all->arena);
    free(all->all);
    *all = (bm__constraints){0};
}
