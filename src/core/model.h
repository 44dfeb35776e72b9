/* Models: checked once a call, and the fields that a call names. */
#ifndef BM_CORE_MODEL_H
#define BM_CORE_MODEL_H

#include "arena.h"
#include "error.h"

#define BM__KEYS_MAX 32     /* PostgreSQL's INDEX_MAX_KEYS */
#define BM__FIELDS_MAX 1600 /* PostgreSQL's MaxHeapAttributeNumber */

_Static_assert(BM__KEYS_MAX <= BM__FIELDS_MAX, "a key has no more columns than a table");

/* A list of fields by their index in the model, in ascending order of mention. */
typedef struct bm__fields {
    size_t *at;
    size_t n;
} bm__fields;

/* BM_INVALID where the model is not one: no table, no field, a name twice or with a control
 * character, a type that its member cannot hold. */
bm_status bm__model_check(const bm_model *model, bm_error *err);

/* The index of a field; SIZE_MAX when there is none. */
size_t bm__model_find(const bm_model *model, const char *name);

/* The fields of the primary key.  *out is of the arena. */
bm_status bm__model_keys(const bm_model *model, bm__arena *arena, bm__fields *out, bm_error *err);

/* The fields of a NULL-terminated list of names; BM_INVALID for an unknown or a repeated name. */
bm_status bm__model_named(const bm_model *model, const char *const *names, bm__arena *arena,
                          bm__fields *out, bm_error *err);

/* All fields that have none of `flags`. */
bm_status bm__model_without(const bm_model *model, unsigned flags, bm__arena *arena,
                            bm__fields *out, bm_error *err);

bool bm__fields_has(const bm__fields *fields, size_t field);

#endif
