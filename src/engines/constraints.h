/* The constraints of a table of which one statement can say which rows of a batch break them. */
#ifndef BM_ENGINES_CONSTRAINTS_H
#define BM_ENGINES_CONSTRAINTS_H

#include "arena.h"
#include "step.h"

/* What a row of the engine's answer says of itself. */
#define BM__CONSTRAINT_UNIQUE 'u'
#define BM__CONSTRAINT_REFERENCE 'f'
#define BM__CONSTRAINT_SELF 's'  /* a foreign key to the table itself */
#define BM__CONSTRAINT_OTHER 'x' /* ... that only the server can judge, row by row */
#define BM__CONSTRAINT_NEVER '!' /* triggers and rules: no statement can say what a row does */

typedef struct bm__constraint {
    char kind;
    bool primary;
    const char *name;   /* "" where it has none */
    const char *target; /* whose rows it compares with, as SQL writes the table */
    size_t n;
    const char *column[32]; /* of the table */
    const char *other[32];  /* ... and of the target */
    const char *equal[32];  /* operator between the two; NULL: the column's own */
    const char *collate[32];
} bm__constraint;

typedef struct bm__constraints {
    bm__arena arena;
    bm__constraint *all; /* owned */
    size_t n, capacity;
    bool never;        /* a trigger or a rule may do anything */
    bool row_by_row;   /* a foreign key needs each row alone */
    bool self;         /* a foreign key to the table itself is among `all` */
    bool looks_unique; /* what is looked for: set by who does so */
    bool looks_references;
} bm__constraints;

/* A row of the answer: (place of the column, kind, primary, name, target, column, other, equal,
 * collate); rows of one constraint are neighbours, in the order of its columns.  `push` of a step.
 */
bm_status bm__constraints_push(void *constraints, const bm__cell *cells, size_t n, bm_error *err);

void bm__constraints_free(bm__constraints *constraints);

#endif
