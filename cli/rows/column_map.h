/*
 * Where the cells of a file go: which column of the file is which column of the table, and the row
 * of C that both have in common.
 */
#ifndef CLI_COLUMN_MAP_H
#define CLI_COLUMN_MAP_H

#include "options.h"

typedef struct cli_column_map {
    bm_model model; /* what the verb is given; borrows the names of the table's model */
    bm_field *fields;
    size_t *of_column; /* for each column of the file its field, or CLI_NONE: not wanted */
    size_t n_columns;
    size_t first_set;    /* the first field that is in no file */
    char *blank;         /* a row with the values of --set */
    const char **writes; /* fields that are no key, ending with NULL */
    const char **keys;   /* fields that are the key, ending with NULL */
    bool makes_key;      /* --returning: the key is in no file, the database makes it */
    cli_names values;    /* what --set values point to */
} cli_column_map;

/* Make the map for a file with these columns. */
bm_status cli_column_map_make(const cli_options *options, const bm_model *table,
                              const cli_names *columns, cli_column_map *out, bm_error *err);

/* The columns of a further file, which must be the same columns, in any order. */
bm_status cli_column_map_next_file(cli_column_map *map, const cli_options *options,
                                   const char *file, const cli_names *columns, bm_error *err);

/* BM_INVALID where a batch of --batch-size rows of the model needs too much memory. */
bm_status cli_check_batch_size(const cli_options *options, const bm_model *model, bm_error *err);

/* Free.  A zeroed or half-made one is legal. */
void cli_column_map_free(cli_column_map *map);

#endif
