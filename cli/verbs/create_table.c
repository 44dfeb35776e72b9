#include "create_table.h"

#include "database.h"
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What the statements are made of. */
typedef struct ddl {
    const cli_options *options;
    const cli_survey *survey;
    const bm_model *table; /* --add-columns: the table as it is; else NULL */
    cli_names name;        /* [schema,] table */
    bool sqlite;
} ddl;

static const char *option_of(const cli_options *options)
{
    return options->create_table ? "--create-table" : "--add-columns";
}

/* ---- checks */

static bm_status check_options(const cli_options *o, bm_error *err)
{
    const char *other = o->create_table && o->add_columns ? "--add-columns"
                        : o->rejects != NULL              ? "--rejects"
                        : o->workers > 1                  ? "--workers"
                                                          : NULL;
    if (other != NULL) {
        return cli_fail(err, BM_INVALID, "%s cannot be used with %s", option_of(o), other);
    }
    if (o->no_header && o->columns.n == 0) {
        return cli_fail(err, BM_INVALID,
                        "%s with --no-header needs the names of the columns: --columns a,b,c",
                        option_of(o));
    }
    return BM_OK;
}

/* It is read twice: for its types, and for its rows. */
static bm_status check_files(const cli_options *o, bm_error *err)
{
    struct stat about;
    if (o->n_files > 1) {
        return cli_fail(err, BM_INVALID, "%s takes one FILE: load the others with a second command",
                        option_of(o));
    }
    const char *path = o->n_files == 1 ? o->files[0] : "-";
    const bool standard = strcmp(path, "-") == 0;
    if (standard || (stat(path, &about) == 0 && !S_ISREG(about.st_mode))) {
        return cli_fail(err, BM_INVALID,
                        "%s reads the file twice, which \"%s\" does not allow: write it to a file "
                        "first, or create the table with a statement of your own",
                        option_of(o), standard ? "standard input" : cli_short_path(path));
    }
    return BM_OK;
}

bm_status cli_create_table_check(const cli_options *options, bm_error *err)
{
    const bool makes = options->create_table || options->add_columns;
    const char *needs = options->print_ddl     ? "--print-ddl"
                        : options->types.n > 0 ? "--type"
                        : options->sample > 0  ? "--sample"
                                               : NULL;
    if (!makes && needs != NULL && options->verb->bit != CLI_INSPECT) {
        return cli_fail(err, BM_INVALID, "%s needs --create-table or --add-columns", needs);
    }
    if (!makes) {
        return BM_OK;
    }
    CLI_TRY(check_options(options, err));
    return check_files(options, err);
}

/* A name in options that no column has is a typing error. */
static bm_status check_names(const ddl *d, const cli_names *names, size_t step, const char *option,
                             bm_error *err)
{
    for (size_t i = 0; i < names->n; i += step) {
        bool found = false;
        for (size_t k = 0; k < d->survey->n_columns; k++) {
            found = found || strcmp(d->survey->columns[k].target, names->at[i]) == 0;
        }
        const char *file = d->options->filename_column;
        found = found || (file != NULL && strcmp(file, names->at[i]) == 0);
        if (!found && cli_names_find(&d->options->set, names->at[i]) == CLI_NONE) {
            return cli_fail(err, BM_INVALID, "--%s: no column of the file is written to \"%s\"",
                            option, names->at[i]);
        }
    }
    return BM_OK;
}

/* A primary key has no NULL. */
static bm_status check_key(const ddl *d, bm_error *err)
{
    for (size_t i = 0; i < d->survey->n_columns; i++) {
        const cli_column_survey *column = &d->survey->columns[i];
        if (column->nulls > 0 && cli_names_find(&d->options->key, column->target) != CLI_NONE) {
            return cli_fail(err, BM_CONVERT,
                            "%s: column \"%s\" is NULL in %llu rows, so it cannot be the key",
                            cli_short_path(d->options->files[0]), column->target,
                            (unsigned long long)column->nulls);
        }
    }
    return BM_OK;
}

/* ---- the statements */

/* The columns to be, as the library takes them; names are borrowed. */
typedef struct new_columns {
    bm_new_column *at;
    char (*types)[CLI_TYPE_NAME_MAX];
    const char **key;
    size_t n;
} new_columns;

static void free_columns(new_columns *columns)
{
    free(columns->at);
    free(columns->types);
    free(columns->key);
}

/* With the type that --type says, or that was found. */
static void add_column(const ddl *d, new_columns *out, const char *name,
                       const cli_column_type *type, bool full)
{
    const cli_names *types = &d->options->types;
    const char *given = NULL;
    for (size_t i = 0; i < types->n; i += 2) {
        given = strcmp(types->at[i], name) == 0 ? types->at[i + 1] : given;
    }
    cli_column_type_name(type, d->sqlite, out->types[out->n]);
    out->at[out->n] = (bm_new_column){.name = name,
                                      .type = given != NULL ? given : out->types[out->n],
                                      .not_null = full ? BM_ON : BM_OFF};
    out->n++;
}

static bool has_field(const bm_model *table, const char *name)
{
    for (size_t i = 0; table != NULL && i < table->n_fields; i++) {
        if (strcmp(table->fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A column that is not in the file. */
static void add_other(const ddl *d, new_columns *out, const char *name, const char *value)
{
    cli_column_type type = {0};
    if (!has_field(d->table, name)) {
        if (!cli_is_null(d->options, value, strlen(value))) {
            cli_column_type_add(&type, value, strlen(value));
        }
        add_column(d, out, name, &type, false);
    }
}

/* Each column of the table to be, the file's first.  A sample does not say that none is NULL. */
static bm_status find_columns(const ddl *d, new_columns *out, bm_error *err)
{
    const cli_survey *s = d->survey;
    const cli_names *set = &d->options->set;
    const cli_names *key = &d->options->key;
    const size_t most = s->n_columns + set->n / 2 + 1;
    *out = (new_columns){.at = calloc(most, sizeof *out->at),
                         .types = calloc(most, sizeof *out->types),
                         .key = calloc(key->n + 1, sizeof *out->key)};
    if (out->at == NULL || out->types == NULL || out->key == NULL) {
        return cli_no_memory(err);
    }
    for (size_t i = 0; i < s->n_columns; i++) {
        const cli_column_survey *column = &s->columns[i];
        const bool full = s->whole && s->rows > 0 && column->nulls == 0 && d->table == NULL;
        if (column->target[0] != '\0' && !has_field(d->table, column->target)) {
            add_column(d, out, column->target, &column->type, full);
        }
    }
    for (size_t i = 0; i < set->n; i += 2) {
        add_other(d, out, set->at[i], set->at[i + 1]);
    }
    if (d->options->filename_column != NULL) {
        add_other(d, out, d->options->filename_column, "");
    }
    for (size_t i = 0; i < key->n; i++) {
        out->key[i] = key->at[i];
    }
    return BM_OK;
}

/* The text of the statements; empty if no column has to be added. */
static bm_status write_ddl(const ddl *d, char **text, bm_error *err)
{
    new_columns columns;
    const bool has_schema = d->name.n > 1;
    bm_status status = find_columns(d, &columns, err);
    if (status == BM_OK) {
        const bm_create_table_options options = {.size = sizeof options,
                                                 .schema = has_schema ? d->name.at[0] : NULL,
                                                 .table = d->name.at[has_schema],
                                                 .columns = columns.at,
                                                 .n_columns = columns.n,
                                                 .key = d->table == NULL ? columns.key : NULL,
                                                 .add_columns = d->table != NULL ? BM_ON : BM_OFF};
        status = bm_create_table_sql(&options, text, err);
    }
    free_columns(&columns);
    return status;
}

/* Is the table there?  Only with --add-columns it has to be. */
static bm_status look(bm_db *db, const cli_options *o, bm_model **table, bm_error *err)
{
    bm_error why = BM_ERROR;
    *table = NULL;
    if (o->add_columns) {
        return cli_database_describe(db, o->table, table, err);
    }
    bm_status status = db != NULL ? cli_database_describe(db, o->table, table, &why) : BM_INVALID;
    if (status == BM_INVALID) {
        return BM_OK;
    }
    if (status != BM_OK) {
        *err = why;
        return status;
    }
    bm_free(*table);
    *table = NULL;
    return cli_fail(err, BM_INVALID,
                    "table \"%s\" exists already: load into it without --create-table, or drop it "
                    "first; --add-columns adds the columns that it lacks",
                    o->table);
}

static bm_status make(ddl *d, char **text, bm_error *err)
{
    const cli_options *o = d->options;
    CLI_TRY(cli_names_split(&d->name, o->table, '.', false, err));
    if (d->name.n > 2) {
        return cli_fail(err, BM_INVALID, "\"%s\" is not [SCHEMA.]TABLE", o->table);
    }
    d->sqlite = strncmp(o->database, "sqlite:", 7) == 0;
    CLI_TRY(check_names(d, &o->types, 2, "type", err));
    CLI_TRY(check_names(d, &o->columns, 1, "columns", err));
    if (d->table == NULL) {
        CLI_TRY(check_names(d, &o->key, 1, "key", err));
        CLI_TRY(check_key(d, err));
    }
    return write_ddl(d, text, err);
}

/* *text is NULL on failure. */
static bm_status find(bm_db *db, const cli_options *options, char **text, bm_error *err)
{
    bm_model *table = NULL;
    cli_survey survey = {0};
    *text = NULL;
    bm_status status = look(db, options, &table, err);
    if (status == BM_OK) {
        status = cli_survey_make(options, options->files[0], true, &survey, err);
    }
    if (status == BM_OK) {
        ddl d = {.options = options, .survey = &survey, .table = table};
        status = make(&d, text, err);
        cli_names_free(&d.name);
    }
    cli_survey_free(&survey);
    bm_free(table);
    return status;
}

bm_status cli_create_table(bm_db *db, const cli_options *options, bm_db **tx, bm_error *err)
{
    char *text;
    bm_status status = find(db, options, &text, err);
    *tx = NULL;
    if (status == BM_OK) {
        status = bm_begin(db, tx, err);
    }
    if (status == BM_OK && text[0] != '\0') {
        status = bm_execute(*tx, text, err);
    }
    if (status != BM_OK) {
        bm_rollback(*tx);
        *tx = NULL;
    }
    bm_free(text);
    return status;
}

bm_status cli_create_table_print(bm_db *db, const cli_options *options, bm_error *err)
{
    char *text;
    bm_status status = find(db, options, &text, err);
    if (status == BM_OK) {
        fputs(text, stdout);
    }
    bm_free(text);
    return status;
}
