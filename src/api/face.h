/* What the public functions share: an error that is always there, options read, a call carried
 * out. */
#ifndef BM_API_FACE_H
#define BM_API_FACE_H

#include "execute.h"

/* One face of a verb: read the options into an execution.  bm_explain uses it, too. */
typedef bm_status (*bm__face)(bm__execution *x, const void *options, bm_error *err);

bm_status bm__face_bulk_create(bm__execution *x, const void *options, bm_error *err);
bm_status bm__face_update_fields(bm__execution *x, const void *options, bm_error *err);
bm_status bm__face_update(bm__execution *x, const void *options, bm_error *err);
bm_status bm__face_delete(bm__execution *x, const void *options, bm_error *err);
bm_status bm__face_copy_to(bm__execution *x, const void *options, bm_error *err);

/* The caller's error, emptied, or `local`. */
bm_error *bm__error_begin(bm_error *given, bm_error *local);

/* The members that every verb's options have. */
bm_status bm__read_call(bm__execution *x, const bm_call *given, size_t batch_size,
                        bm_switch concurrent, int max_workers, bm_error *err);

/* A NULL place for what is given out is BM_INVALID. */
bm_status bm__check_out(const void *out, bm_error *err);

/* A switch that is none of the three values is a mistake. */
bm_status bm__check_switch(bm_switch value, const char *name, bm_error *err);

/* Begin: the execution of a verb on these rows. */
bm__execution bm__face_begin(bm_db *db, bm_rows rows);

/* Run it; `done`, where given, is called while the execution still stands. */
bm_status bm__face_run(bm__execution *x, const char *verb, bm_result *result, bm_error *err,
                       bm_status (*done)(bm__execution *x, void *context, bm_error *err),
                       void *context);

#endif
