/* What the database without I/O recorded, and the answers that it is told to give. */
#ifndef BM_ENGINES_MEMORY_SCRIPT_H
#define BM_ENGINES_MEMORY_SCRIPT_H

#include "transport.h"

bm_status bm__memory_script(bm__conn *conn, const bm_memory_answer *answer, bm_error *err);
size_t bm__memory_count(const bm__conn *conn);
const char *bm__memory_at(const bm__conn *conn, size_t i);

#endif
