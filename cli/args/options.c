#include "options.h"

#include "similar.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const cli_verb cli_verbs[] = {
    {CLI_CREATE, "create", "DATABASE TABLE [FILE...]", "insert the rows of files"},
    {CLI_UPDATE_FIELDS, "update-fields", "DATABASE TABLE [FILE...]",
     "update rows, found by key, with the values in files"},
    {CLI_UPSERT, "upsert", "DATABASE TABLE [FILE...]",
     "insert rows, or update those that already exist"},
    {CLI_SYNC, "sync", "DATABASE TABLE FILE...",
     "make the rows that --where selects those of the files: insert, update and delete"},
    {CLI_DELETE, "delete", "DATABASE TABLE [FILE...]", "delete the rows whose keys are in files"},
    {CLI_COPY_TO, "copy-to", "DATABASE TABLE|--query SQL",
     "write the rows of a table, or of a query, to a file"},
    {CLI_EXPLAIN, "explain", "DATABASE TABLE [FILE...]",
     "print the statements that a verb would send, and send none"},
    {CLI_LOAD_INIT, "load-init", "DATABASE",
     "create the table bulkmodel_load, in which --load-id records how far files are loaded"},
    {CLI_INSPECT, "inspect", "FILE",
     "print how a file is read, the types of its columns, and the command that loads it"},
    {CLI_STAGE_INIT, "stage-init", "DATABASE TABLE",
     "print the SQL of the stage tables for a table of postgres_fdw, and run none of it"},
    {0, NULL, NULL, NULL},
};

#define AT(member_) offsetof(cli_options, member_)
#define WRITES (CLI_CREATE | CLI_UPDATE_FIELDS | CLI_UPSERT | CLI_SYNC)

/* --help lists them in this order. */
const cli_option cli_option_table[] = {
    {'f', "format", "csv|tsv|ndjson|json", CLI_CHOICE, AT(format), CLI_ALL,
     "format of the file; ndjson: lines of JSON, json: one array of objects; either is read as "
     "both; default: by its name, else csv"},
    {'c', "columns", "COL,...", CLI_PLACES, AT(columns), CLI_HAS_DATABASE,
     "use only these columns; with --no-header, the names of the file's columns in order, where "
     "an empty name skips a column: id,,name"},
    {'m', "map", "FILE_COL=COL", CLI_RENAME, AT(map), CLI_READS_FILES,
     "write column FILE_COL of the file to column COL of the table; =COL: the column without a "
     "name"},
    {'s', "set", "COL=VALUE", CLI_PAIR, AT(set), WRITES | CLI_EXPLAIN,
     "write this value to column COL of every row"},
    {0, "filename-column", "COL", CLI_TEXT, AT(filename_column), WRITES | CLI_EXPLAIN,
     "write the name of each row's file, as it was given, to column COL"},
    {'k', "key", "COL,...", CLI_LIST, AT(key), CLI_READS_FILES,
     "find rows by these columns; default: the primary key"},
    {0, "null", "TEXT", CLI_TEXTS, AT(nulls), CLI_ALL,
     "an unquoted cell with this text is NULL; may be given several times; default: an empty cell"},
    {0, "null-columns", "COL,...", CLI_LIST, AT(null_columns), CLI_READS_FILES,
     "in these columns a quoted cell with the text of NULL is NULL, too; *: in all columns"},
    {0, "not-null-columns", "COL,...", CLI_LIST, AT(not_null_columns), CLI_READS_FILES,
     "in these columns no cell is NULL: an empty cell is an empty text; *: in all columns"},
    {'d', "delimiter", "CHAR", CLI_CHAR, AT(delimiter), CLI_ALL,
     "separator between cells; default: a comma, in tsv a tab"},
    {'q', "quote", "CHAR", CLI_QUOTE, AT(quote), CLI_ALL,
     "quote character; none: quotes in the file are text; copy-to: which cells are quoted, all but "
     "NULL, minimal or none; default: \", minimal"},
    {0, "escape", "CHAR", CLI_CHAR, AT(escape), CLI_READS_FILES | CLI_INSPECT,
     "escape character before a quote in a cell; default: the quote character"},
    {0, "comment", "CHAR", CLI_CHAR, AT(comment), CLI_READS_FILES | CLI_INSPECT,
     "skip lines that begin with this character"},
    {0, "decimal", "CHAR", CLI_SIGN, AT(decimal), CLI_READS_FILES,
     "decimal sign of numbers in the file, as in --decimal=,; default: a point"},
    {0, "thousands", "CHAR", CLI_SIGN, AT(thousands), CLI_READS_FILES,
     "separator between groups of three digits in the file; space: any blank; default: none"},
    {0, "date-format", "[COL=]FORMAT", CLI_TEXTS, AT(date_formats), CLI_READS_FILES,
     "how the file writes dates and times, as in %d.%m.%Y or '%m/%d/%Y %H:%M', or epoch-s, "
     "epoch-ms, epoch-us, epoch-ns; may be given several times; default: ISO 8601"},
    {0, "ragged", "error|pad|reject", CLI_CHOICE, AT(ragged), CLI_READS_FILES | CLI_INSPECT,
     "csv and tsv: what to do with a row that has too few or too many cells; pad: missing cells "
     "are NULL, empty ones too many are dropped; default: error, with --rejects reject"},
    {0, "missing-keys", "error|null", CLI_CHOICE, AT(missing_keys), CLI_READS_FILES,
     "ndjson: what a key means that a row lacks; the keys are those of --columns, else those of "
     "the "
     "first row; default: error"},
    {0, "no-header", NULL, CLI_FLAG, AT(no_header), CLI_ALL, "the file has no header line"},
    {0, "skip-lines", "N", CLI_COUNT, AT(skip_lines), CLI_READS_FILES | CLI_INSPECT,
     "skip the first N lines of each file"},
    {'e', "encoding", "NAME", CLI_TEXT, AT(encoding), CLI_READS_FILES | CLI_INSPECT,
     "encoding of the file, as iconv names it; default: by its byte order mark, else UTF-8"},
    {0, "sample", "ROWS", CLI_NUMBER, AT(sample), CLI_INSPECT | CLI_CREATE,
     "find types in the first ROWS rows only; default: in all"},
    {0, "create-table", NULL, CLI_FLAG, AT(create_table), CLI_CREATE,
     "create the table, with types found in the file and the primary key of --key, in the "
     "transaction of the load"},
    {0, "add-columns", NULL, CLI_FLAG, AT(add_columns), CLI_CREATE,
     "add the columns of the file that the table lacks, with types found in the file"},
    {0, "type", "COL=TYPE", CLI_PAIR, AT(types), CLI_CREATE,
     "with --create-table or --add-columns: column COL has this type"},
    {0, "print-ddl", NULL, CLI_FLAG, AT(print_ddl), CLI_CREATE | CLI_LOAD_INIT,
     "print the statement of --create-table, --add-columns or load-init, and do nothing"},
    {0, "where", "SQL", CLI_TEXT, AT(where), CLI_COPY_TO | CLI_UPSERT | CLI_SYNC | CLI_EXPLAIN,
     "copy-to: only the rows that match this condition; upsert: update only the rows that match "
     "it, t is the row of the table, excluded the row of the file; sync: the rows that the files "
     "replace, true is the whole table"},
    {0, "max-deletes", "N|P%", CLI_TEXT, AT(max_deletes), CLI_SYNC | CLI_EXPLAIN,
     "write nothing if more than N rows, or P percent of the rows that --where selects but at "
     "least 10, would be deleted; default: 10%"},
    {0, "allow-empty", NULL, CLI_FLAG, AT(allow_empty), CLI_SYNC | CLI_EXPLAIN,
     "files without rows are no error: all rows that --where selects are deleted"},
    {0, "update-unchanged", NULL, CLI_FLAG, AT(update_unchanged),
     CLI_UPSERT | CLI_SYNC | CLI_EXPLAIN,
     "write rows that have the values of the file already, too"},
    {0, "order-by", "SQL", CLI_TEXT, AT(order_by), CLI_COPY_TO,
     "order of the rows; default: not specified"},
    {0, "query", "SQL", CLI_TEXT, AT(query), CLI_COPY_TO,
     "write the rows of this SELECT, in its order, instead of those of a TABLE; it cannot write to "
     "the database"},
    {'o', "output", "FILE", CLI_TEXT, AT(output), CLI_COPY_TO,
     "write to FILE, which is replaced only on success, and compressed if its name ends in .gz, "
     ".zst, .xz or .bz2; default, and for -: standard output"},
    {0, "part-rows", "N", CLI_NUMBER, AT(part_rows), CLI_COPY_TO,
     "write at most N rows to a file: FILE-0001, FILE-0002 and so on, before the name's ending"},
    {0, "part-size", "SIZE", CLI_SIZE, AT(part_size), CLI_COPY_TO,
     "end a file with the row with which it has SIZE bytes (100MB, 64KiB), before compression"},
    {0, "on-conflict", "error|ignore|update", CLI_CHOICE, AT(on_conflict), CLI_CREATE | CLI_EXPLAIN,
     "what to do with a row whose key already exists; default: error"},
    {0, "returning", "FILE", CLI_TEXT, AT(returning), CLI_CREATE | CLI_UPSERT,
     "write the key of each input row to FILE, which is replaced only on success; the key of an "
     "ignored row is empty; - is standard output"},
    {0, "rejects", "FILE", CLI_TEXT, AT(rejects), CLI_BY_ROW,
     "set aside rows that cannot be written: their lines go to FILE, the reasons to "
     "FILE.errors.csv; the other rows are written"},
    {0, "max-rejects", "N|P%", CLI_TEXT, AT(max_rejects), CLI_BY_ROW,
     "write nothing if more than N rows, or P percent of the rows, are set aside; default: 10%"},
    {0, "load-id", "NAME", CLI_TEXT, AT(load_id), CLI_BY_ROW,
     "a load that can be resumed: commit in parts, and record each under NAME in the table "
     "bulkmodel_load (see load-init); the same command after a crash goes on after the last part"},
    {0, "commit-every", "ROWS", CLI_NUMBER, AT(commit_every), CLI_BY_ROW,
     "with --load-id, rows in a part; default: 100000"},
    {0, "take-over", NULL, CLI_FLAG, AT(take_over), CLI_BY_ROW,
     "with --load-id: the command that recorded the last part is known to be dead, do not wait "
     "until the record is 60 seconds old"},
    {0, "truncate", NULL, CLI_FLAG, AT(truncate), CLI_CREATE,
     "empty the table first, in the same transaction"},
    {0, "analyze", NULL, CLI_FLAG, AT(analyze), CLI_LOADS, "run ANALYZE on the table afterwards"},
    {0, "sync-sequences", NULL, CLI_FLAG, AT(sync_sequences), CLI_CREATE | CLI_UPSERT | CLI_SYNC,
     "afterwards set the sequence of the key above the largest key of the table"},
    {'j', "workers", "N", CLI_NUMBER, AT(workers), CLI_BY_ROW,
     "PostgreSQL: number of connections that write at the same time; default: 1"},
    {'b', "batch-size", "N", CLI_NUMBER, AT(batch_size), CLI_HAS_DATABASE,
     "rows in a batch; default: chosen by the engine"},
    {0, "verb", "create|update-fields|upsert|sync|delete", CLI_CHOICE, AT(plan_of), CLI_EXPLAIN,
     "verb to explain; default: create"},
    {0, "timeout", "TIME", CLI_TIME, AT(timeout_ms),
     CLI_HAS_DATABASE | CLI_STAGE_INIT | CLI_LOAD_INIT,
     "stop if the first COMMIT is not sent within TIME (30s, 5m, 1h); default: no limit"},
    {0, "commit-timeout", "TIME", CLI_TIME, AT(commit_timeout_ms), CLI_LOADS,
     "limit for all COMMITs together; default: 5s if --timeout is given"},
    {0, "retries", "N", CLI_COUNT, AT(retries), CLI_BY_ROW,
     "after a deadlock, a serialization failure, a lost connection or a locked file retry up to "
     "N times if nothing was committed; default: 3"},
    {0, "commit-check", NULL, CLI_FLAG, AT(commit_check), CLI_BY_ROW,
     "PostgreSQL: if the answer to COMMIT is lost, ask the server for the outcome, also after a "
     "single statement"},
    {'n', "dry-run", NULL, CLI_FLAG, AT(dry_run), CLI_LOADS,
     "do everything, print the summary, and roll back"},
    {0, "quiet", NULL, CLI_FLAG, AT(quiet), CLI_HAS_DATABASE | CLI_LOAD_INIT,
     "print no progress, retries or summary"},
    {0, "json", NULL, CLI_FLAG, AT(json), CLI_ANY,
     "print progress, retries and summary as lines of JSON; inspect prints one object"},
    {'h', "help", NULL, CLI_FLAG, AT(help), CLI_ANY, "print this help"},
    {'V', "version", NULL, CLI_FLAG, AT(version), CLI_ANY, "print the version"},
    {0, NULL, NULL, CLI_FLAG, 0, 0, NULL},
};

#define N_OPTIONS (sizeof cli_option_table / sizeof cli_option_table[0])

static bool is_choice(const char *words, const char *text)
{
    size_t size = strlen(text);
    for (;;) {
        size_t n = strcspn(words, "|");
        if (n == size && strncmp(words, text, n) == 0) {
            return true;
        }
        if (words[n] == '\0') {
            return false;
        }
        words += n + 1;
    }
}

static bm_status read_count(const cli_option *option, const char *text, uint64_t *out,
                            bm_error *err)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *out > INT64_MAX) {
        return cli_fail(err, BM_INVALID, "--%s: \"%s\" is not a number", option->name, text);
    }
    if (option->kind == CLI_NUMBER && *out == 0) {
        return cli_fail(err, BM_INVALID, "--%s must be at least 1", option->name);
    }
    return BM_OK;
}

/* "500ms", "30s", "1.5h": milliseconds.  "64KiB", "100MB": bytes. */
static bm_status read_units(const cli_option *option, const char *text, uint64_t *out,
                            bm_error *err)
{
    static const struct {
        cli_kind kind;
        const char *name;
        double one;
    } units[] = {
        {CLI_TIME, "", 1000},       {CLI_TIME, "ms", 1},        {CLI_TIME, "s", 1000},
        {CLI_TIME, "m", 60000},     {CLI_TIME, "min", 60000},   {CLI_TIME, "h", 3600000},
        {CLI_SIZE, "", 1},          {CLI_SIZE, "B", 1},         {CLI_SIZE, "kB", 1e3},
        {CLI_SIZE, "KB", 1e3},      {CLI_SIZE, "MB", 1e6},      {CLI_SIZE, "GB", 1e9},
        {CLI_SIZE, "KiB", 1 << 10}, {CLI_SIZE, "MiB", 1 << 20}, {CLI_SIZE, "GiB", 1 << 30}};
    char *end;
    bool digit = text[0] >= '0' && text[0] <= '9';
    double value = strtod(text, &end);
    for (size_t i = 0; digit && i < sizeof units / sizeof units[0]; i++) {
        if (units[i].kind == option->kind && strcmp(end, units[i].name) == 0 &&
            value * units[i].one >= 1 && value <= 1e12 && value * units[i].one < 9e18) {
            *out = (uint64_t)(value * units[i].one);
            return BM_OK;
        }
    }
    return cli_fail(err, BM_INVALID, "--%s: \"%s\" is not a %s: expected for example %s",
                    option->name, text, option->kind == CLI_TIME ? "time" : "size",
                    option->kind == CLI_TIME ? "30s, 500ms, 5m" : "100MB, 64KiB, 2GB");
}

static bm_status read_char(const cli_option *option, const char *text, const char **out,
                           bm_error *err)
{
    bool quote = option->kind == CLI_QUOTE;
    if (quote && (strcmp(text, "none") == 0 || is_choice("all|minimal", text))) {
        *out = text[0] == 'n' ? "" : text;
        return BM_OK;
    }
    *out = strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0 ? "\t" : text;
    return strlen(*out) == 1 ? BM_OK
                             : cli_fail(err, BM_INVALID, "--%s must be one character, or \"%s\"",
                                        option->name, quote ? "none" : "tab");
}

/* A character that may stand in a number without being part of it. */
static bm_status read_sign(const cli_option *option, const char *text, const char **out,
                           bm_error *err)
{
    *out = strcmp(text, "space") == 0 ? " " : text;
    size_t characters = 0;
    for (const char *at = *out; *at != '\0'; at++) {
        characters += ((unsigned char)*at & 0xC0) != 0x80;
    }
    const char c = (*out)[0];
    const bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
    return characters == 1 && !letter && strchr("+-\r\n", c) == NULL
               ? BM_OK
               : cli_fail(err, BM_INVALID,
                          "--%s must be one character that is not a letter, a digit or a sign",
                          option->name);
}

static bm_status read_pair(const cli_option *option, const char *text, cli_names *out,
                           bm_error *err)
{
    bm_error why = BM_ERROR;
    if (cli_names_pair(out, text, option->kind == CLI_RENAME, &why) == BM_OK) {
        return BM_OK;
    }
    return why.status == BM_INVALID ? cli_fail(err, BM_INVALID, "--%s: \"%s\" is not %s",
                                               option->name, text, option->argument)
                                    : cli_no_memory(err);
}

static bm_status store(cli_options *options, const cli_option *option, char *text, bm_error *err)
{
    void *member = (char *)options + option->offset;
    const char **string = member;
    cli_names *names = member;
    bool *flag = member;
    switch (option->kind) {
    case CLI_FLAG:
        *flag = true;
        return BM_OK;
    case CLI_CHAR:
    case CLI_QUOTE:
        return read_char(option, text, string, err);
    case CLI_CHOICE:
        if (!is_choice(option->argument, text)) {
            return cli_fail(err, BM_INVALID, "--%s: \"%s\" is not one of %s", option->name, text,
                            option->argument);
        }
        *string = text;
        return BM_OK;
    case CLI_TEXT:
        *string = text;
        return BM_OK;
    case CLI_TEXTS:
        return cli_names_add(names, text, strlen(text), err);
    case CLI_COUNT:
    case CLI_NUMBER:
        return read_count(option, text, member, err);
    case CLI_TIME:
    case CLI_SIZE:
        return read_units(option, text, member, err);
    case CLI_LIST:
    case CLI_PLACES:
        return cli_names_split(names, text, ',', option->kind == CLI_PLACES, err);
    case CLI_SIGN:
        return read_sign(option, text, string, err);
    case CLI_PAIR:
    case CLI_RENAME:
        return read_pair(option, text, names, err);
    }
    return BM_OK;
}

/* The table in the form of getopt; the value is the option's index. */
static void to_getopt(struct option out[N_OPTIONS], char letters[2 * N_OPTIONS + 2])
{
    size_t n = 0;
    letters[n++] = ':'; /* so that getopt reports a missing argument as ":" */
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const cli_option *option = &cli_option_table[i];
        out[i] = (struct option){option->name, option->argument != NULL, NULL, (int)i + 256};
        if (option->letter != 0) {
            letters[n++] = option->letter;
            if (option->argument != NULL) {
                letters[n++] = ':';
            }
        }
    }
    out[N_OPTIONS - 1] = (struct option){NULL, 0, NULL, 0};
    letters[n] = '\0';
}

static const cli_option *found(int value)
{
    for (size_t i = 0; i + 1 < N_OPTIONS; i++) {
        if (value == (int)i + 256 || (value < 256 && value == cli_option_table[i].letter)) {
            return &cli_option_table[i];
        }
    }
    return NULL;
}

/* What was typed is given back without its value.  Of letters behind one dash getopt says which it
 * is, and of a long option whether it is known. */
static bm_status unknown_option(const char *given, const cli_verb *verb, bm_error *err)
{
    if (optopt >= 256) {
        return cli_fail(err, BM_INVALID, "--%s takes no argument", found(optopt)->name);
    }
    if (optopt > ' ' && optopt < 127) {
        return cli_fail(err, BM_INVALID, "unknown option -%c", optopt);
    }
    const size_t dashes = strspn(given, "-");
    cli_similar similar = {.given = given + dashes, .size = strcspn(given + dashes, "=")};
    for (const cli_option *option = cli_option_table; option->name != NULL; option++) {
        if (verb == NULL || (option->verbs & verb->bit) != 0) {
            cli_similar_try(&similar, option->name);
        }
    }
    const int size = (int)(dashes + similar.size);
    return similar.name != NULL
               ? cli_fail(err, BM_INVALID, "unknown option %.*s: did you mean --%s?", size, given,
                          similar.name)
               : cli_fail(err, BM_INVALID, "unknown option %.*s", size, given);
}

static const cli_verb *verb_called(const char *name)
{
    const cli_verb *verb = cli_verbs;
    while (verb->name != NULL && strcmp(verb->name, name) != 0) {
        verb++;
    }
    return verb->name != NULL ? verb : NULL;
}

static bm_status read_options(int argc, char **argv, cli_options *out, unsigned *used,
                              bm_error *err)
{
    struct option longs[N_OPTIONS];
    char letters[2 * N_OPTIONS + 2];
    int value;
    to_getopt(longs, letters);
    opterr = 0;
    while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const char *given = argv[optind - 1];
        if (value == ':') {
            return cli_fail(err, BM_INVALID, "%s needs an argument", given);
        }
        const cli_option *option = found(value);
        if (value == '?' || option == NULL) {
            return unknown_option(given, verb_called(argv[1]), err);
        }
        used[option - cli_option_table] = 1;
        CLI_TRY(store(out, option, optarg, err));
    }
    return BM_OK;
}

/* What other programs call a verb. */
static const char *usual_name(const char *name)
{
    static const struct {
        const char *other;
        const char *verb;
    } names[] = {{"insert", "create"},  {"load", "create"},          {"import", "create"},
                 {"copy", "create"},    {"update", "update-fields"}, {"merge", "upsert"},
                 {"export", "copy-to"}, {"dump", "copy-to"},         {"select", "copy-to"},
                 {"remove", "delete"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(names[i].other, name) == 0) {
            return names[i].verb;
        }
    }
    return NULL;
}

static bm_status find_verb(const char *name, cli_options *out, bm_error *err)
{
    char words[256] = "";
    cli_similar similar = {.given = name, .size = strlen(name)};
    out->verb = verb_called(name);
    if (out->verb != NULL) {
        return BM_OK;
    }
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        size_t n = strlen(words);
        snprintf(words + n, sizeof words - n, "%s%s", n > 0 ? ", " : "", verb->name);
        cli_similar_try(&similar, verb->name);
    }
    const char *meant = usual_name(name) != NULL ? usual_name(name) : similar.name;
    return meant != NULL
               ? cli_fail(err, BM_INVALID,
                          "unknown verb \"%s\" (did you mean %s?): expected one of %s", name, meant,
                          words)
               : cli_fail(err, BM_INVALID, "unknown verb \"%s\": expected one of %s", name, words);
}

/* Each option must be one of the verb; of explain, one of the verb to explain, too. */
static bm_status check_used(const cli_options *options, const unsigned *used, bm_error *err)
{
    const cli_verb *explained = NULL;
    for (const cli_verb *verb = cli_verbs; verb->name != NULL; verb++) {
        const char *name = options->plan_of != NULL ? options->plan_of : "create";
        explained = strcmp(verb->name, name) == 0 ? verb : explained;
    }
    for (size_t i = 0; i + 1 < N_OPTIONS; i++) {
        const unsigned verbs = cli_option_table[i].verbs;
        const cli_verb *verb = options->verb;
        if (verb->bit == CLI_EXPLAIN && (verbs & ~(unsigned)CLI_EXPLAIN) != 0 &&
            (verbs & CLI_EXPLAIN) != 0) {
            verb = explained;
        }
        if (used[i] && (verbs & verb->bit) == 0) {
            return cli_fail(err, BM_INVALID, "--%s is not an option of %s",
                            cli_option_table[i].name, verb->name);
        }
    }
    return BM_OK;
}

/* How many words the verb has before its files: itself, and what it names. */
static int words_of(const cli_options *options)
{
    switch (options->verb->bit) {
    case CLI_INSPECT:
        return 1;
    case CLI_LOAD_INIT:
        return 2;
    case CLI_COPY_TO:
        return options->query != NULL ? 2 : 3;
    default:
        return 3;
    }
}

/* The words of the command line: the verb and what it takes. */
static bm_status check_words(const cli_options *options, int n, bm_error *err)
{
    const unsigned bit = options->verb != NULL ? options->verb->bit : 0;
    if (bit == 0) {
        return cli_fail(err, BM_INVALID, "a VERB is missing");
    }
    const int least = bit == CLI_INSPECT ? 2 : words_of(options);
    if (n < least) {
        return cli_fail(err, BM_INVALID,
                        bit == CLI_INSPECT ? "a FILE is missing"
                        : least == 2       ? "DATABASE is missing"
                        : bit == CLI_COPY_TO
                            ? "DATABASE or TABLE is missing: copy-to needs a TABLE, or --query SQL"
                            : "DATABASE or TABLE is missing");
    }
    if (n > least && options->query != NULL) {
        return cli_fail(err, BM_INVALID, "--query takes the place of TABLE: give one of them");
    }
    if (n > 2 && least == 2) {
        return cli_fail(err, BM_INVALID,
                        bit == CLI_INSPECT ? "inspect takes one FILE"
                                           : "load-init takes one DATABASE");
    }
    return BM_OK;
}

bm_status cli_options_read(int argc, char **argv, cli_options *out, bm_error *err)
{
    unsigned used[N_OPTIONS] = {0};
    *out = (cli_options){.retries = 3};
    CLI_TRY(read_options(argc, argv, out, used, err));
    char **words = argv + optind;
    int n = argc - optind;
    if (n > 0) {
        CLI_TRY(find_verb(words[0], out, err));
    }
    if (out->help || out->version) {
        return BM_OK;
    }
    CLI_TRY(out->verb != NULL ? check_used(out, used, err) : BM_OK);
    CLI_TRY(check_words(out, n, err));
    if (n > 3 && (out->verb->bit & (CLI_COPY_TO | CLI_STAGE_INIT)) != 0) {
        return cli_fail(err, BM_INVALID, "%s takes no FILE%s", out->verb->name,
                        out->verb->bit == CLI_COPY_TO ? ": use --output FILE" : "");
    }
    CLI_TRY(cli_options_check(out, err));
    const int named = words_of(out);
    out->database = named > 1 ? words[1] : NULL;
    out->table = named > 2 ? words[2] : NULL;
    out->files = words + named;
    out->n_files = (size_t)(n - named);
    return BM_OK;
}

void cli_options_free(cli_options *options)
{
    cli_names_free(&options->columns);
    cli_names_free(&options->map);
    cli_names_free(&options->set);
    cli_names_free(&options->types);
    cli_names_free(&options->key);
    cli_names_free(&options->nulls);
    cli_names_free(&options->date_formats);
    cli_names_free(&options->expanded);
    cli_names_free(&options->null_columns);
    cli_names_free(&options->not_null_columns);
}
