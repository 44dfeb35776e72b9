/*
 * bulkmodel VERB DATABASE TABLE [FILE...]: the library's verbs on files.  Each folder of words is
 * a table (options.c); the way of a row through the command is told in README.md.
 */
#include "copy_to.h"
#include "help.h"
#include "interrupt.h"
#include "load.h"
#include "place.h"
#include "progress.h"

#include <stdio.h>

static bm_status run(const cli_options *options, bm_error *err)
{
    bm_db *db = NULL;
    bm_cancel *token = NULL;
    bm_result result = BM_RESULT;
    bm_status status = cli_interrupt_begin(&token, err);
    if (status == BM_OK) {
        status = cli_place_open(options, token, &db, err);
    }
    if (status == BM_OK) {
        status = options->verb->bit == CLI_COPY_TO ? cli_copy_to(db, options, token, &result, err)
                                                   : cli_load(db, options, token, &result, err);
    }
    if (status == BM_OK && options->verb->bit != CLI_EXPLAIN) {
        cli_summary(options, &result);
    }
    bm_result_clear(&result);
    bm_close(db);
    return status;
}

int main(int argc, char **argv)
{
    cli_options options;
    bm_error err = BM_ERROR;
    bm_status status = cli_options_read(argc, argv, &options, &err);
    if (status != BM_OK) {
        cli_failure(&options, &err);
        fputs("bulkmodel --help tells more\n", stderr);
    } else if (options.version) {
        printf("bulkmodel %s\n", bm_version());
    } else if (options.help) {
        cli_help(stdout, options.verb);
    } else {
        status = run(&options, &err);
        if (status != BM_OK) {
            cli_failure(&options, &err);
        }
    }
    cli_options_free(&options);
    return cli_exit_code(status);
}
