#include "inspect.h"

#include "report.h"

#include <string.h>
#include <sys/stat.h>

/* It is read several times. */
static bm_status check_file(const char *path, bm_error *err)
{
    struct stat about;
    if (strcmp(path, "-") == 0 || (stat(path, &about) == 0 && !S_ISREG(about.st_mode))) {
        return cli_fail(err, BM_INVALID,
                        "inspect reads a file more than once, which \"%s\" does not allow: write "
                        "it to a file first",
                        cli_short_path(strcmp(path, "-") == 0 ? "standard input" : path));
    }
    return BM_OK;
}

bm_status cli_inspect(const cli_options *options, bm_error *err)
{
    cli_survey survey;
    const char *path = options->files[0];
    CLI_TRY(check_file(path, err));
    bm_status status = cli_survey_make(options, path, false, &survey, err);
    if (status == BM_OK && !options->json) {
        cli_report(stdout, &survey, path);
    } else if (status == BM_OK && !cli_report_json(stdout, &survey, path)) {
        status = cli_no_memory(err);
    }
    cli_survey_free(&survey);
    return status;
}
