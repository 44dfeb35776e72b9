/* The encoder alone: four columns of structs as tuples of a binary COPY. */
#include "binary.h" /* before bench.h: it has parameters that are named check, too */

#include "floor.h"

#include <stddef.h>
#include <string.h>

#define N_FIELDS 4
#define BLOCK_BYTES 65536

typedef struct encoding {
    const foo *rows;
    size_t n;
    bm__slot slots[N_FIELDS];
    bm__view views[N_FIELDS];
    bm__buffer room, buffer;
} encoding;

static void ours(void *context)
{
    encoding *e = context;
    bm_error err = BM_ERROR;
    bm__batch batch = {.views = e->views, .n_views = N_FIELDS, .n_rows = e->n};
    for (size_t from = 0; from < e->n; from += BM__BLOCK) {
        size_t n = e->n - from < BM__BLOCK ? e->n - from : BM__BLOCK;
        if (e->buffer.size >= BLOCK_BYTES) {
            e->buffer.size = 0;
        }
        check(bm__pg_copy_rows(e->slots, &batch, from, n, &e->room, &e->buffer, &err), &err);
    }
}

static void by_hand(void *context)
{
    const encoding *e = context;
    if (floor_encode(e->rows, e->n) == SIZE_MAX) {
        die("not UTF-8");
    }
}

/* Both make the same bytes. */
static void compare(encoding *e)
{
    bm_error err = BM_ERROR;
    bm__batch batch = {.views = e->views, .n_views = N_FIELDS, .n_rows = 1};
    check(bm__pg_copy_rows(e->slots, &batch, 0, 1, &e->room, &e->buffer, &err), &err);
    if (e->buffer.size != floor_encode(e->rows, 1)) {
        die("the encoders differ");
    }
    e->buffer.size = 0;
}

void row_encode(const settings *given)
{
    static const uint32_t oids[N_FIELDS] = {20, 1043, 23, 2950};
    encoding e = {.rows = foo_rows(given->rows), .n = given->rows};
    bm_error err = BM_ERROR;
    for (size_t i = 0; i < N_FIELDS; i++) {
        const bm_field *field = &foo_model.fields[i];
        bm__pg_column_type to = {.oid = oids[i], .typmod = oids[i] == 1043 ? 54 : -1, .kind = 'b'};
        check(bm__slot_resolve(field->type, field->layout, field->width, &to, false, &e.slots[i],
                               &err),
              &err);
        e.views[i] = (bm__view){.name = field->name,
                                .cells = {.type = field->type,
                                          .layout = field->layout,
                                          .width = field->width,
                                          .data = (const char *)e.rows + field->offset,
                                          .stride = (ptrdiff_t)sizeof(foo)},
                                .state_offset = BM_NO_STATE};
    }
    compare(&e);
    contest_run(&(contest){"encode", "one loop by hand", e.n, &e, NULL, ours, by_hand}, given);
    bm__buffer_free(&e.room);
    bm__buffer_free(&e.buffer);
}
