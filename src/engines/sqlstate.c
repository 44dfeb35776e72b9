#include "sqlstate.h"

#include <string.h>

/* PostgreSQL manual, appendix A. */
#define RESTRICT_VIOLATION "23001"
#define NOT_NULL_VIOLATION "23502"
#define FOREIGN_KEY_VIOLATION "23503"
#define UNIQUE_VIOLATION "23505"
#define CHECK_VIOLATION "23514"
#define INSUFFICIENT_PRIVILEGE "42501"
#define SEQUENCE_GENERATOR_LIMIT_EXCEEDED "2200H"
#define NUMERIC_VALUE_OUT_OF_RANGE "22003"

static bool is(const bm_error *err, const char *sqlstate)
{
    return strcmp(err->sqlstate, sqlstate) == 0;
}

bool bm__says_reference(const bm_error *err)
{
    return is(err, FOREIGN_KEY_VIOLATION) || is(err, RESTRICT_VIOLATION);
}

bool bm__says_row_alone(const bm_error *err)
{
    return is(err, NOT_NULL_VIOLATION) || is(err, CHECK_VIOLATION) ||
           is(err, FOREIGN_KEY_VIOLATION) || is(err, INSUFFICIENT_PRIVILEGE);
}

bool bm__says_duplicate(const bm_error *err)
{
    return is(err, UNIQUE_VIOLATION);
}

bool bm__says_sequence_ended(const bm_error *err)
{
    return is(err, SEQUENCE_GENERATOR_LIMIT_EXCEEDED);
}

bool bm__says_out_of_range(const bm_error *err)
{
    return is(err, NUMERIC_VALUE_OUT_OF_RANGE);
}
