/* What the engine consists of. */
#ifndef BM_ENGINES_POSTGRESQL_H
#define BM_ENGINES_POSTGRESQL_H

#include "catalog.h"

/* catalog.c */
bm_status bm__postgresql_ask(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_ask_same(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_verify(const bm__table *table, bm__arena *arena, const char **sql,
                                const char **quoted, bm_error *err);
bm_type bm__postgresql_type_of(const bm__table_column *column);

#endif
