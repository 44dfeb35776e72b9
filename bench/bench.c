/*
 * bulkmodel_bench ROW [--rows N] [--rounds N] [--url CONNINFO] [--directory DIRECTORY]
 *                     [--only ours|theirs]
 *
 * Runs one row of the benchmarks and prints a line of JSON for each contest in it; with --only runs
 * one side, to be profiled.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *id;
    void (*run)(const settings *given);
} table[] = {
    {"pg_create", row_pg_create},
    {"pg_create_wide", row_pg_create_wide},
    {"pg_create_keys", row_pg_create_keys},
    {"pg_concurrent_2", row_pg_concurrent_2},
    {"pg_update", row_pg_update},
    {"pg_update_wide", row_pg_update_wide},
    {"pg_update_1pct", row_pg_update_1pct},
    {"pg_update_part", row_pg_update_part},
    {"pg_update_stale", row_pg_update_stale},
    {"pg_update_hints", row_pg_update_hints},
    {"pg_small", row_pg_small},
    {"pg_copy_to", row_pg_copy_to},
    {"pg_copy_to_queryset", row_pg_copy_to_queryset},
    {"sqlite_create", row_sqlite_create},
    {"sqlite_update", row_sqlite_update},
    {"encode", row_encode},
    {"stream", row_stream},
    {"memory", row_memory},
    {"growth", row_growth},
};

static size_t number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (value == 0 || *end != '\0') {
        die("not a number: %s", text);
    }
    return (size_t)value;
}

static void parse(settings *given, char **arguments)
{
    for (; arguments[0] != NULL; arguments += 2) {
        const char *value = arguments[1];
        if (value == NULL) {
            die("%s needs a value", arguments[0]);
        } else if (strcmp(arguments[0], "--rows") == 0) {
            given->rows = number(value);
        } else if (strcmp(arguments[0], "--rounds") == 0) {
            given->rounds = number(value);
        } else if (strcmp(arguments[0], "--url") == 0) {
            given->url = value;
        } else if (strcmp(arguments[0], "--directory") == 0) {
            given->directory = value;
        } else if (strcmp(arguments[0], "--only") == 0) {
            given->only = value;
        } else {
            die("what is %s?", arguments[0]);
        }
    }
}

int main(int argc, char **argv)
{
    settings given = {
        .url = getenv("BM_TEST_POSTGRESQL"), .directory = "/tmp", .rows = 100000, .rounds = 5};
    if (argc < 2) {
        die("usage: bulkmodel_bench ROW [--rows N] [--rounds N] [--url CONNINFO]"
            " [--directory DIRECTORY]");
    }
    parse(&given, argv + 2);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(argv[1], table[i].id) == 0) {
            table[i].run(&given);
            return 0;
        }
    }
    die("there is no row %s", argv[1]);
}
