/* A small table on each engine, the library's connection to it and a judge beside it. */
#ifndef TEST_FAULT_WORLD_H
#define TEST_FAULT_WORLD_H

#include "check.h"
#include "psql.h"

#include <bulkmodel.h>
#include <sqlite3.h>

typedef struct item {
    int64_t id;
    char name[32];
    int32_t value;
} item;

/* The table "item"; its key is assigned by the database, or given by the rows. */
extern const bm_model item_assigned;
extern const bm_model item_given;

typedef enum world_engine { MEMORY = 0, SQLITE, POSTGRESQL, ENGINES } world_engine;

typedef struct world {
    world_engine engine;
    PGconn *pg; /* the judges */
    sqlite3 *lite;
    char schema[TEST_NAME_MAX];
    char path[TEST_PATH_MAX];
    char url[1024];
} world;

/* Rows of the table after world_reset: keys 1 .. SEEDS, named "seed", the key as value. */
enum { SEEDS = 20, SEED_SUM = SEEDS * (SEEDS + 1) / 2 };

void world_begin(world *w, world_engine engine);
void world_end(world *w);
void world_reset(world *w);

/* SQL of the judge's; nothing on the transport without I/O. */
void world_sql(world *w, const char *sql);

/* The number of rows and the sum of their values; of the transport without I/O nothing is known. */
bool world_has(world *w, int64_t count, int64_t sum);
void world_expect(world *w, int64_t count, int64_t sum);

/* Wait until no backend of the library's is at work: one whose connection was given up may still be
 * at its statement. */
void world_settle(world *w);

/* The number of rows that the judge's SELECT counts. */
int64_t world_count(world *w, const char *sql);

/* The library's own connection, which must come about. */
bm_db *world_open(world *w);

/* Rows with keys first, first + 1 ..., all of one value. */
void fill_items(item *rows, size_t n, int64_t first, int32_t value);

/* A call after the fault: the connection is usable, or was closed and is opened again.  Makes one
 * row and takes it away. */
void expect_usable(bm_db *db);

/* Pseudo-random numbers, the same in each run. */
uint32_t next_random(uint32_t *seed);

#endif
