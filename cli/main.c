/*
 * bulkmodel VERB DATABASE TABLE [FILE...]: the library's verbs on files.  README.md is the map of
 * the folders.
 */
#include "copy_to.h"
#include "create_table.h"
#include "database.h"
#include "destination.h"
#include "files.h"
#include "help.h"
#include "inspect.h"
#include "interrupt.h"
#include "load.h"
#include "load_init.h"
#include "messages.h"
#include "rejects.h"
#include "sync.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool writes(const cli_options *options)
{
    return options->verb->bit == CLI_COPY_TO || options->returning != NULL;
}

static void warn_of_old_part(const cli_options *options, bm_status status)
{
    char name[400];
    char words[512];
    if (status == BM_OK && cli_destination_stale(options->destination, name, sizeof name)) {
        snprintf(words, sizeof words, "%s is of an earlier output: this one has fewer parts", name);
        cli_warning(options, words);
    }
}

/* Replace the output file once the rows are committed, and only then. */
static bm_status settle(const cli_options *options, bm_status status, bm_error *err)
{
    cli_destination *to = options->destination;
    if (to == NULL) {
        return status;
    }
    if (status == BM_OK) {
        status = cli_destination_publish(to, err);
        warn_of_old_part(options, status);
        if (status != BM_OK && options->returning != NULL) {
            err->fate = BM_FATE_COMMITTED;
        }
    } else if (err->fate == BM_FATE_COMMITTED) {
        bm_error other = BM_ERROR;
        if (cli_destination_publish(to, &other) != BM_OK) {
            cli_warning(options, other.message);
        }
    } else if (err->fate == BM_FATE_UNKNOWN || err->fate == BM_FATE_PARTIAL) {
        const char *kept = cli_destination_keep(to);
        char words[sizeof err->message];
        if (kept != NULL) {
            snprintf(words, sizeof words, "the keys of rows that may be in the table are in %s",
                     kept);
            cli_warning(options, words);
        }
    }
    return status;
}

static bm_status perform(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                         bm_error *err)
{
    switch (options->verb->bit) {
    case CLI_COPY_TO:
        return cli_copy_to(db, options, token, result, err);
    case CLI_STAGE_INIT:
        return cli_database_print_stage(db, options->table, err);
    case CLI_LOAD_INIT:
        return cli_load_init(db, options, err);
    default:
        return cli_load(db, options, token, result, err);
    }
}

static bm_status carry_out(const cli_options *options, bm_cancel *token, bm_result *result,
                           bm_error *err)
{
    bm_db *db = NULL;
    if (options->verb->bit == CLI_INSPECT) {
        return cli_inspect(options, err);
    }
    if (options->verb->bit != CLI_LOAD_INIT) {
        CLI_TRY(cli_create_table_check(options, err));
    }
    if (options->print_ddl && options->create_table) { /* which needs no database */
        return cli_create_table_print(NULL, options, err);
    }
    const bool fresh = cli_database_is_new(options);
    bm_status status = cli_database_open(options, token, &db, err);
    if (status == BM_OK) {
        status = perform(db, options, token, result, err);
    }
    bm_close(db);
    if (fresh && (status != BM_OK || options->dry_run)) {
        cli_database_remove(options);
    }
    return status;
}

static bm_status choose_outputs(cli_options *options, bm_error *err)
{
    const char *option = options->output != NULL ? "output" : "returning";
    const char *given = options->output != NULL ? options->output : options->returning;
    CLI_TRY(cli_files_expand(options, err));
    if (writes(options)) {
        CLI_TRY(cli_destination_choose(options, option, given, &options->destination, err));
    }
    return cli_rejects_choose(options, &options->set_aside, err);
}

/* *code is the exit code. */
static bm_status run(cli_options *options, int *code, bm_error *err)
{
    bm_cancel *token = NULL;
    bm_result result = BM_RESULT;
    bm_status status = cli_interrupt_begin(&token, err);
    if (status == BM_OK) {
        status = choose_outputs(options, err);
    }
    if (status == BM_OK) {
        status = settle(options, carry_out(options, token, &result, err), err);
    }
    *code = options->set_aside != NULL ? cli_rejects_settle(options->set_aside, status, err)
                                       : cli_exit_code(status);
    if (options->verb->bit == CLI_SYNC && cli_sync_refused(err)) {
        *code = CLI_EXIT_REFUSED;
    }
    if (status != BM_OK) {
        cli_failure(options, &result, err);
    } else if ((options->verb->bit &
                (CLI_EXPLAIN | CLI_INSPECT | CLI_STAGE_INIT | CLI_LOAD_INIT)) == 0 &&
               !options->print_ddl) {
        cli_summary(options, &result);
    }
    bm_result_clear(&result);
    cli_destination_free(options->destination);
    cli_rejects_free(options->set_aside);
    return status;
}

/* If a standard stream is closed, the next file or connection would get its descriptor, and with it
 * all output.  /dev/null, opened in the wrong direction, takes it instead: writing to it fails. */
static void take_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

static bm_status answer(cli_options *options, int *code, bm_error *err)
{
    bm_status status = BM_OK;
    if (options->version) {
        printf("bulkmodel %s\n", bm_version());
    } else if (options->help) {
        cli_help(stdout, options->verb);
    } else {
        status = run(options, code, err);
    }
    if (fflush(stdout) != 0 && status == BM_OK) {
        status = cli_fail_errno(err, BM_LIMIT, "standard output");
        *code = cli_exit_code(status);
        cli_failure(options, NULL, err);
    }
    return status;
}

int main(int argc, char **argv)
{
    cli_options options;
    bm_error err = BM_ERROR;
    int code = CLI_EXIT_OK;
    take_descriptors();
    if (argc == 1) {
        cli_help(stderr, NULL);
        return CLI_EXIT_USAGE;
    }
    bm_status status = cli_options_read(argc, argv, &options, &err);
    if (status == BM_OK) {
        (void)answer(&options, &code, &err);
    } else {
        code = cli_exit_code(status);
        cli_failure(&options, NULL, &err);
        fputs(options.json ? "" : "Run bulkmodel --help for help.\n", stderr);
    }
    cli_options_free(&options);
    return code;
}
