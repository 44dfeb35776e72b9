/* What SQLSTATEs say of a call. */
#include "postgresql.h"

#include <string.h>

static bool is_among(const bm_error *err, const char *const *states, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(err->sqlstate, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* XX000: jsonb_recv, of a json column's bytes; 42704, 42883: a type was renamed; 22003: a key that
 * was cast to what its column was */
bool bm__postgresql_says_stale(const bm_error *err)
{
    static const char *const states[] = {"42703", "42804", "22P03", "08P01", "42P01",
                                         "428C9", "XX000", "42704", "42883", "22003"};
    return is_among(err, states, sizeof states / sizeof states[0]);
}

/* A type that has another name, a sequence that is another one. */
bool bm__postgresql_says_moved(const bm_error *err)
{
    static const char *const states[] = {"42704", "42883", "XX000"};
    return is_among(err, states, sizeof states / sizeof states[0]);
}

/* src/backend/utils/adt/int8.c */
bool bm__postgresql_narrows(const char *routine)
{
    return strcmp(routine, "int84") == 0 || strcmp(routine, "int82") == 0;
}

/* A serialization failure, a deadlock. */
bool bm__postgresql_says_passing(const bm_error *err)
{
    static const char *const states[] = {"40001", "40P01"};
    return is_among(err, states, sizeof states / sizeof states[0]);
}
