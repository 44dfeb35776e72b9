#include "load_init.h"

#include <stdio.h>
#include <string.h>

bm_status cli_load_init(bm_db *db, const cli_options *options, bm_error *err)
{
    char *text = NULL;
    bm_status status = bm_load_init(db, options->print_ddl ? &text : NULL, err);
    if (status == BM_OK && text != NULL) {
        printf("%s;\n", text);
    } else if (status == BM_OK && options->json) {
        fputs("{\"event\": \"done\", \"verb\": \"load-init\"}\n", stderr);
    } else if (status == BM_OK && !options->quiet) {
        fputs("the table bulkmodel_load is there\n", stderr);
    }
    bm_free(text);
    return status;
}

void cli_load_words(const cli_options *options, bm_error *err)
{
    const char *file = options->n_files == 0   ? "standard input"
                       : options->n_files == 1 ? cli_short_path(options->files[0])
                                               : "the sequence of files";
    static const char *const words[][2] = {{"set take_over", "use --take-over"},
                                           {"bm_load_init creates", "bulkmodel load-init creates"},
                                           {"load_id", "--load-id"},
                                           {"bulk_create", "create"},
                                           {"update_fields", "update-fields"}};
    /* The name of the load may hold any of these words. */
    const char *name = strstr(err->message, options->load_id);
    const size_t size = strlen(options->load_id);
    const bool named = strncmp(err->message, "load \"", 6) == 0 && name == err->message + 6;
    const size_t after = named ? 6 + size : 0;
    const size_t n = sizeof words / sizeof words[0];
    if (err->sqlstate[0] != '\0' || err->native_code != 0 || err->row != BM_NO_ROW) {
        return; /* the database's words, or those of a row */
    }
    for (size_t i = 0; i < 2 * n; i++) { /* two loads of two verbs are told */
        cli_reword(err, after, words[i % n][0], words[i % n][1]);
    }
    cli_reword(err, after, "the source", file);
}

bool cli_load_has_none(const cli_options *options, const bm_result *result)
{
    return options->load_id != NULL && result->inserted + result->updated + result->unchanged +
                                               result->missing + result->ignored +
                                               result->deleted ==
                                           0;
}
