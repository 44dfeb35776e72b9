#include "help.h"

#include <string.h>

#define INDENT 31
#define COLUMNS 80

/* Text that begins in column INDENT and stays within COLUMNS. */
static void put_wrapped(FILE *out, const char *text)
{
    int column = INDENT;
    while (*text != '\0') {
        int n = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + n > COLUMNS) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', out);
}

static void put_option(FILE *out, const cli_option *option)
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    char head[64];
    int n = snprintf(head, sizeof head, "  %s--%s%s%s", option->letter != 0 ? letter : "    ",
                     option->name, option->argument != NULL ? " " : "",
                     option->argument != NULL ? option->argument : "");
    if (n > INDENT - 2) {
        fprintf(out, "%s\n%*s", head, INDENT, "");
    } else {
        fprintf(out, "%-*s", INDENT, head);
    }
    put_wrapped(out, option->help);
}

static void put_command(FILE *out)
{
    fputs("usage: bulkmodel VERB DATABASE TABLE [FILE...] [options]\n"
          "       bulkmodel load-init DATABASE [options]\n"
          "       bulkmodel inspect FILE [options]\n\n"
          "Write many rows into PostgreSQL and SQLite at the speed of the database.\n\nverbs:\n",
          out);
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        fprintf(out, "  %-15s%s\n", verb->name, verb->help);
    }
    fputs("\nRun bulkmodel VERB --help for the options of a verb.\n", out);
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
        "\nDATABASE is sqlite:FILE, a postgresql:// URL, service=NAME, or postgresql: to use the\n"
        "PG* environment variables.  TABLE is [SCHEMA.]TABLE; a name that contains a dot goes in\n"
        "\"quotes\".  Without a FILE, or with -, rows are read from standard input.  Files that "
        "are\n"
        "compressed with gzip, zstd, xz or bzip2 are decompressed.  A command is one transaction:\n"
        "it writes all rows or none, unless --load-id is given.\n",
        out);
}
