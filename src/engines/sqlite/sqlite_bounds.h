/* Which plans SQLite may make with `bulkmodel_batch`, and which rows such a plan scans. */
#ifndef BM_ENGINES_SQLITE_BOUNDS_H
#define BM_ENGINES_SQLITE_BOUNDS_H

#include <stddef.h>

struct sqlite3_index_info;
struct sqlite3_value;
struct sqlite3_vtab;

/* xBestIndex of a table whose column 0 is `ord`: idxNum is a plan. */
int bm__sqlite_best_index(struct sqlite3_vtab *base, struct sqlite3_index_info *info);

/* Of the rows *from .. *end - 1 those that the plan scans with these values. */
void bm__sqlite_narrow(int plan, struct sqlite3_value **values, size_t *from, size_t *end);

#endif
