/*
 * The build runs this program to make the manual page and the completions: it copies a template
 * (bulkmodel.1.in, bulkmodel.bash.in, bulkmodel.zsh.in) from standard input to standard output and
 * replaces @NAMES@ with the contents of the tables of options.h.  usage: pages VERSION
 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *version;

static void put_version(void)
{
    fputs(version, stdout);
}

static void put_verb_names(void)
{
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        printf("%s%s", verb == cli_verbs ? "" : " ", verb->name);
    }
}

/* The words of "a|b", separated by spaces. */
static void put_choices(const char *words)
{
    for (; *words != '\0'; words++) {
        putchar(*words == '|' ? ' ' : *words);
    }
}

static bool takes_file(const cli_option *option)
{
    return option->argument != NULL && strcmp(option->argument, "FILE") == 0;
}

/* Text, escaped for roff. */
static void put_roff(const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
            fputs("\\e", stdout);
            break;
        case '-':
            fputs("\\-", stdout);
            break;
        case '\'':
            fputs("\\(aq", stdout);
            break;
        default:
            putchar(*text);
        }
    }
}

/* The text of --help as a sentence. */
static void put_man_sentence(const char *help)
{
    putchar(*help >= 'a' && *help <= 'z' ? *help - 'a' + 'A' : *help);
    put_roff(help + 1);
    putchar('.');
}

static void put_man_verbs(void)
{
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        fputs(".TP\n\\fB", stdout);
        put_roff(verb->name);
        printf("\\fR \\fI%s\\fR\n", verb->arguments);
        put_man_sentence(verb->help);
        putchar('\n');
    }
}

/* The verbs of an option, if not all have it. */
static void put_man_of(const cli_option *option)
{
    const char *before = "\nOf ";
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        if ((option->verbs & verb->bit) != 0 && option->verbs != CLI_ANY) {
            printf("%s\\fB", before);
            put_roff(verb->name);
            fputs("\\fR", stdout);
            before = ", ";
        }
    }
    fputs(option->verbs != CLI_ANY ? ".\n" : "\n", stdout);
}

static void put_man_options(void)
{
    for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
        fputs(".TP\n", stdout);
        if (option->letter != 0) {
            printf("\\fB\\-%c\\fR, ", option->letter);
        }
        fputs("\\fB\\-\\-", stdout);
        put_roff(option->name);
        fputs("\\fR", stdout);
        if (option->argument != NULL) {
            fputs(" \\fI", stdout);
            put_roff(option->argument);
            fputs("\\fR", stdout);
        }
        putchar('\n');
        put_man_sentence(option->help);
        put_man_of(option);
    }
}

/* Does the argument begin with the name of a column of the table?  That of --map is the file's. */
static bool takes_column(const cli_option *option)
{
    return option->argument != NULL && strncmp(option->argument, "COL", 3) == 0;
}

/* The argument of an option: a column, a choice, a file (left to bash), or anything. */
static void put_bash_arguments(void)
{
    for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
        if (option->argument == NULL) {
            continue;
        }
        fputs("    ", stdout);
        if (option->letter != 0) {
            printf("-%c | ", option->letter);
        }
        printf("--%s) ", option->name);
        if (option->kind == CLI_CHOICE) {
            fputs("COMPREPLY=($(compgen -W \"", stdout);
            put_choices(option->argument);
            fputs("\" -- \"$word\")); return ;;\n", stdout);
        } else if (takes_column(option)) {
            printf("_bulkmodel_columns \"$word\"%s; return ;;\n",
                   option->kind == CLI_PAIR ? " =" : "");
        } else {
            puts(takes_file(option) ? "return ;;" : "compopt +o default 2>/dev/null; return ;;");
        }
    }
}

static void put_bash_options(void)
{
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        printf("    %s) words=\"", verb->name);
        const char *before = "";
        for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
            if ((option->verbs & verb->bit) != 0) {
                printf("%s--%s", before, option->name);
                before = " ";
            }
        }
        fputs("\" ;;\n", stdout);
    }
}

/* Text between single quotes, in the brackets of _arguments. */
static void put_zsh(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stdout);
            continue;
        }
        if (strchr("[]:\\", *text) != NULL) {
            putchar('\\');
        }
        putchar(*text);
    }
}

static void put_zsh_verbs(void)
{
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        printf("        '%s:", verb->name);
        put_zsh(verb->help);
        fputs("'\n", stdout);
    }
}

static bool repeats(const cli_option *option)
{
    return option->kind == CLI_LIST || option->kind == CLI_PLACES || option->kind == CLI_PAIR ||
           option->kind == CLI_RENAME || option->kind == CLI_TEXTS;
}

/* One spelling of an option, in the syntax of _arguments.  Lists may be repeated. */
static void put_zsh_option(const cli_option *option, bool letter)
{
    fputs("        '", stdout);
    if (repeats(option)) {
        putchar('*');
    } else if (option->letter != 0) {
        printf("(-%c --%s)", option->letter, option->name);
    }
    if (letter) {
        printf("-%c%s[", option->letter, option->argument != NULL ? "+" : "");
    } else {
        printf("--%s%s[", option->name, option->argument != NULL ? "=" : "");
    }
    put_zsh(option->help);
    putchar(']');
    if (option->argument != NULL) {
        printf(":%s:", option->argument);
        if (option->kind == CLI_CHOICE) {
            putchar('(');
            put_choices(option->argument);
            putchar(')');
        } else {
            fputs(takes_file(option)     ? "_files"
                  : takes_column(option) ? "_bulkmodel_columns"
                                         : " ",
                  stdout);
        }
    }
    fputs("'\n", stdout);
}

static void put_zsh_options(void)
{
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        printf("    %s) arguments=(\n", verb->name);
        for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
            if ((option->verbs & verb->bit) == 0) {
                continue;
            }
            if (option->letter != 0) {
                put_zsh_option(option, true);
            }
            put_zsh_option(option, false);
        }
        fputs(strstr(verb->arguments, "FILE") != NULL ? "        '*:FILE:_files'\n" : "", stdout);
        fputs("        ) ;;\n", stdout);
    }
}

static const struct {
    const char *name;
    void (*put)(void);
    bool lines; /* the text ends with its own line end */
} parts[] = {
    {"@VERSION@", put_version, false},
    {"@VERB_NAMES@", put_verb_names, false},
    {"@VERBS@", put_man_verbs, true},
    {"@OPTIONS@", put_man_options, true},
    {"@BASH_ARGUMENTS@", put_bash_arguments, true},
    {"@BASH_OPTIONS@", put_bash_options, true},
    {"@ZSH_VERBS@", put_zsh_verbs, true},
    {"@ZSH_OPTIONS@", put_zsh_options, true},
};

/* Print a line of the template, its @NAME@ replaced. */
static void put_line(const char *line)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *at = strstr(line, parts[i].name);
        if (at != NULL) {
            printf("%.*s", (int)(at - line), line);
            parts[i].put();
            fputs(at + strlen(parts[i].name) + parts[i].lines, stdout);
            return;
        }
    }
    fputs(line, stdout);
}

int main(int argc, char **argv)
{
    char line[512];
    if (argc != 2) {
        fputs("usage: pages VERSION <TEMPLATE\n", stderr);
        return EXIT_FAILURE;
    }
    version = argv[1];
    while (fgets(line, sizeof line, stdin) != NULL) {
        put_line(line);
    }
    return ferror(stdin) != 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
