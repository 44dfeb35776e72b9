/* A row with every kind of member, and the views of many. */
#ifndef TEST_CORE_FOO_H
#define TEST_CORE_FOO_H

#include "journal.h"

#include "check.h"

#include <string.h>

typedef struct foo {
    int64_t id;
    double real;
    const char *name;
    bm_slice blob;
    char code[4];
    bm_array tags;   /* int4 */
    bm_array labels; /* text */
    uint8_t name_state;
    uint8_t tags_state;
    uint8_t labels_state;
} foo;

enum { ID, REAL, NAME, BLOB, CODE, TAGS, LABELS, N_FIELDS };

static const bm_model model =
    BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY), BM_FIELD(foo, real, BM_FLOAT8, 0),
             BM_FIELD_STATE(foo, name, BM_TEXT, 0, name_state), BM_FIELD(foo, blob, BM_BYTEA, 0),
             BM_FIELD(foo, code, BM_CHAR, 0), BM_ARRAY_FIELD(foo, tags, BM_INT4, 0, tags_state),
             BM_ARRAY_FIELD(foo, labels, BM_TEXT, 0, labels_state));

/* Views of `n` structs, one a field. */
static inline void view_all(const foo *rows, bm__view views[N_FIELDS])
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const bm_field *field = &model.fields[i];
        views[i] = (bm__view){.name = field->name,
                              .cells = {.type = field->type,
                                        .layout = field->layout,
                                        .width = field->width,
                                        .data = (const char *)rows + field->offset,
                                        .stride = sizeof(foo)},
                              .state_offset = BM_NO_STATE};
        if (field->state_offset != BM_NO_STATE) {
            views[i].cells.states = (const uint8_t *)rows + field->state_offset;
            views[i].cells.state_stride = sizeof(foo);
        }
    }
}

static const int32_t numbers[] = {1, 2, 3};
static const bm_slice words[] = {{"one", 3}, {NULL, 0}, {"t\0o", 3}};

static inline foo sample(int64_t id)
{
    return (foo){.id = id,
                 .real = 1.5,
                 .name = "name",
                 .blob = {"\0\xFF", 2},
                 .code = "ab",
                 .tags = {numbers, 3, NULL},
                 .labels = {words, 3, NULL}};
}

#endif
