/* A connection to the database without I/O, shared by the files of this transport. */
#ifndef BM_ENGINES_MEMORY_CONN_H
#define BM_ENGINES_MEMORY_CONN_H

#include "transport.h"

typedef struct bm__scripted {
    uint64_t step;    /* counted from the opening; 1 is the first */
    char sqlstate[6]; /* or "" */
    bool disconnect;
    int64_t rows; /* negative: as the database would answer */
} bm__scripted;

typedef struct bm__memory_conn {
    bm__conn base;
    bm__conn_state state;
    char **record; /* one text a step */
    size_t n_record;
    size_t record_capacity;
    char **savepoints; /* their names, the innermost last */
    size_t n_savepoints;
    size_t savepoint_capacity;
    bm__scripted *script;
    size_t n_script;
    uint64_t last_key;
} bm__memory_conn;

/* Room in a list of texts for one more. */
bm_status bm__memory_one_more(char ***list, size_t count, size_t *capacity, bm_error *err);

/* What a step asks, without its number of rows.  Never NULL. */
const char *bm__memory_text(const bm__step *step);

/* Record a step; BM_NOMEM leaves no trace of it. */
bm_status bm__memory_record(bm__memory_conn *m, const bm__step *step, bm_error *err);

/* Take the answer for the step just recorded out of the script; false where there is none. */
bool bm__memory_take_scripted(bm__memory_conn *m, bm__scripted *out);

#endif
