#include "help.h"

static void put_option(FILE *out, const cli_option *option)
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    char head[64];
    int n = snprintf(head, sizeof head, "  %s--%s%s%s", option->letter != 0 ? letter : "    ",
                     option->name, option->argument != NULL ? " " : "",
                     option->argument != NULL ? option->argument : "");
    if (n > 29) {
        fprintf(out, "%s\n%31s%s\n", head, "", option->help);
    } else {
        fprintf(out, "%-31s%s\n", head, option->help);
    }
}

static void put_command(FILE *out)
{
    fputs("usage: bulkmodel VERB DATABASE TABLE [FILE...] [options]\n\n"
          "Write many rows into PostgreSQL and SQLite at the speed of the database.\n\nverbs:\n",
          out);
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        fprintf(out, "  %-15s%s\n", verb->name, verb->help);
    }
    fputs("\nbulkmodel VERB --help tells the options of a verb.\n", out);
}

void cli_help(FILE *out, const cli_verb *verb)
{
    if (verb == NULL) {
        put_command(out);
    } else {
        fprintf(out, "usage: bulkmodel %s %s [options]\n\n%s.\n\noptions:\n", verb->name,
                verb->arguments, verb->help);
        for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
            if ((option->verbs & verb->bit) != 0) {
                put_option(out, option);
            }
        }
    }
    fputs(
        "\nDATABASE is sqlite:FILE, a postgresql:// URL, service=NAME, or postgresql: for what\n"
        "the PG* variables say.  TABLE is [SCHEMA.]TABLE; a name with a dot stands in \"quotes\".\n"
        "Without a FILE, or for -, rows come from standard input; gzip and zstd are read.\n"
        "One command is one transaction: all rows, or none.\n",
        out);
}
