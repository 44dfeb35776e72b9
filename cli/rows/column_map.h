/*
 * Maps the columns of the files to the columns of the table, and defines the C struct of a row.
 */
#ifndef CLI_COLUMN_MAP_H
#define CLI_COLUMN_MAP_H

#include "spelling.h"

/* When a cell with the text of NULL is NULL. */
typedef enum cli_null_rule { CLI_NULL_UNQUOTED, CLI_NULL_ALWAYS, CLI_NULL_NEVER } cli_null_rule;

typedef struct cli_column_map {
    bm_model model; /* of the rows; borrows names from the table's model */
    bm_field *fields;
    char *null_rules; /* cli_null_rule of each field */
    cli_spellings spellings;
    size_t *of_column; /* the field of each column of the file; CLI_NONE: skipped */
    size_t n_columns;
    size_t filename;     /* the field of --filename-column, or CLI_NONE */
    size_t first_set;    /* the first field that is not in the files (--set, keys) */
    char *blank;         /* a row with the values of --set, the others empty */
    const char **writes; /* names of fields outside the key; the last is NULL */
    const char **keys;   /* names of key fields; the last is NULL */
    bool makes_key;      /* the database generates the key, which is in no file */
    cli_names values;    /* memory of the text of --set */
} cli_column_map;

/* Make the map for a file with these columns. */
bm_status cli_column_map_make(const cli_options *options, const bm_model *table,
                              const cli_names *columns, cli_column_map *out, bm_error *err);

/* Adapt the map to the next file.  It must have the same columns, in any order. */
bm_status cli_column_map_next_file(cli_column_map *map, const cli_options *options,
                                   const char *file, const cli_names *columns, bm_error *err);

/* The rows that follow are from this file, whose name stays where it is: --filename-column. */
bm_status cli_column_map_set_file(cli_column_map *map, const char *name, bm_error *err);

/* BM_INVALID if a batch of --batch-size rows needs too much memory. */
bm_status cli_check_batch_size(const cli_options *options, const bm_model *model, bm_error *err);

/* Free.  A zeroed or incomplete map is legal. */
void cli_column_map_free(cli_column_map *map);

#endif
