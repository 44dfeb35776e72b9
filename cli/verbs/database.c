#include "database.h"

#include "names.h"
#include "password.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The name of a file of SQLite that is not there; else NULL. */
static const char *missing_file(const char *database)
{
    if (strncmp(database, "sqlite:", 7) != 0) {
        return NULL;
    }
    const char *name = database + strlen("sqlite:");
    bool other = name[0] == '\0' || strcmp(name, ":memory:") == 0 || strncmp(name, "file:", 5) == 0;
    return !other && access(name, F_OK) != 0 && errno == ENOENT ? name : NULL;
}

/* SQLite would make the file.  A file without tables is of no use: the name is a typing error. */
static bm_status check_file(const cli_options *options, bm_error *err)
{
    const char *name = missing_file(options->database);
    if (name != NULL && !options->create_table) {
        return cli_fail(err, BM_CONNECTION, "there is no file \"%s\": create the table first",
                        name);
    }
    return BM_OK;
}

bool cli_database_is_new(const cli_options *options)
{
    return options->create_table && missing_file(options->database) != NULL;
}

void cli_database_remove(const cli_options *options)
{
    struct stat about;
    const char *name = options->database + strlen("sqlite:");
    if (stat(name, &about) == 0 && about.st_size == 0) {
        (void)unlink(name);
    }
}

static bm_status open_database(const cli_options *options, const char *text, bm_cancel *token,
                               bm_db **out, bm_error *err)
{
    uint64_t connections = options->workers;
    int most = connections > 9 && connections < 1000 ? (int)connections + 1 : 0;
    return bm_open(text,
                   BM_OPTIONS(bm_open_options, .max_connections = most,
                              .max_concurrent_batch_writes = (int)connections, .cancel = token,
                              .timeout_ms = (int64_t)options->timeout_ms,
                              .commit_timeout_ms = (int64_t)options->commit_timeout_ms),
                   out, err);
}

bm_status cli_database_open(const cli_options *options, bm_cancel *token, bm_db **out,
                            bm_error *err)
{
    *out = NULL;
    if (strncmp(options->database, "sqlite:", 7) == 0) { /* a file's name has no password */
        CLI_TRY(check_file(options, err));
        return open_database(options, options->database, token, out, err);
    }
    if (access(options->database, F_OK) == 0) { /* so it holds no password and can be shown */
        return cli_fail(err, BM_INVALID, "\"%s\" is a file: as a SQLite database it is sqlite:%s",
                        options->database, options->database);
    }
    size_t size = strlen(options->database) + 1;
    char *copy = malloc(size);
    if (copy == NULL) {
        return cli_no_memory(err);
    }
    memcpy(copy, options->database, size);
    cli_password_wipe(options->database);
    bm_status status = open_database(options, copy, token, out, err);
    if (status != BM_OK) {
        cli_password_mask(copy, err);
    }
    explicit_bzero(copy, size);
    free(copy);
    return status;
}

/* [SCHEMA.]TABLE */
static bm_status split(const char *text, cli_names *names, const char **schema, bm_error *err)
{
    *schema = NULL;
    CLI_TRY(cli_names_split(names, text, '.', false, err));
    if (names->n > 2) {
        return cli_fail(err, BM_INVALID, "\"%s\" is not [SCHEMA.]TABLE", text);
    }
    if (names->n == 2) {
        *schema = names->at[0];
    }
    return BM_OK;
}

bm_status cli_database_describe(bm_db *db, const char *text, bm_model **out, bm_error *err)
{
    cli_names names = {0};
    const char *schema;
    *out = NULL;
    bm_status status = split(text, &names, &schema, err);
    if (status == BM_OK) {
        status = bm_describe(db, schema, names.at[names.n - 1], out, err);
    }
    cli_names_free(&names);
    return status;
}

bm_status cli_database_print_stage(bm_db *db, const char *text, bm_error *err)
{
    cli_names names = {0};
    const char *schema;
    char *sql = NULL;
    bm_status status = split(text, &names, &schema, err);
    if (status == BM_OK) {
        status = bm_stage_sql(db, schema, names.at[names.n - 1], &sql, err);
    }
    if (status == BM_OK) {
        fputs(sql, stdout);
    }
    bm_free(sql);
    cli_names_free(&names);
    return status;
}
