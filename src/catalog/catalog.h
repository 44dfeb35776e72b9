/* The parts of a catalog question, one for each engine. */
#ifndef BM_CATALOG_CATALOG_H
#define BM_CATALOG_CATALOG_H

#include "table.h"

/* The next column of the table under construction, zeroed, or NULL when there is no memory. */
bm__table_column *bm__catalog_column(bm__catalog *catalog);

/* A text cell as a string of the table's arena; "" for NULL; NULL when there is no memory. */
const char *bm__catalog_text(bm__catalog *catalog, const bm__cell *cell);

/* The table is called as the model calls it.  The names are copied: a table is known for longer
 * than the model that it was asked for. */
bm_status bm__catalog_named(bm__catalog *catalog, bm_error *err);

bm_status bm__catalog_ask_postgresql(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__catalog_ask_postgresql_same(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__catalog_ask_sqlite(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__catalog_from_model(bm__catalog *catalog, bm_error *err);

#endif
