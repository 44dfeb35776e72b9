/* What the engine consists of, beside its transport. */
#ifndef BM_ENGINES_SQLITE_ENGINE_H
#define BM_ENGINES_SQLITE_ENGINE_H

#include "catalog.h"

/* catalog.c */
bm_status bm__sqlite_ask(bm__catalog *catalog, bm__step *step, bm_error *err);

/* column_type.c */
bm_type bm__sqlite_type_of(const bm__table_column *column);

#endif
