/*
 * Rows of a source: a chunk at a time, each in a buffer of structs.  A call has one chunk; where
 * several jobs read the source each has a twin of the call with a chunk of its own, and one of them
 * at a time talks to the source.
 */
#ifndef BM_OPERATION_STREAM_H
#define BM_OPERATION_STREAM_H

#include "call.h"

/* Does the source say when rows are done with, so that several jobs may read it? */
bool bm__stream_shared(const bm_source *source);

/* The call's next chunk: *n rows, 0 at the end.  What was pulled before is released. */
bm_status bm__stream_pull(bm__call *call, size_t *n, bm_error *err);

/* The chunk is done with. */
void bm__stream_release(bm__call *call);

/* Begin from the first row again; BM_UNSUPPORTED where the source cannot. */
bm_status bm__stream_rewind(bm__call *call, bm_error *err);

/* A call with a chunk of its own, for one of several jobs, and its end. */
bm_status bm__stream_twin(bm__call *whole, bm__call *twin, bm_error *err);
void bm__stream_twin_free(bm__call *twin);

#endif
