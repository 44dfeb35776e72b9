#include "testdb.h"
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[TEST_PATH_MAX / 2];
static pid_t folder_owner;
static unsigned names_made;

const char *test_postgresql(void)
{
    const char *conninfo = getenv("BM_TEST_POSTGRESQL");
    if (conninfo == NULL || conninfo[0] == '\0') {
        fail_msg("BM_TEST_POSTGRESQL is not set: run by script/test or script/with-postgresql");
    }
    return conninfo;
}

void test_fresh_name(char out[TEST_NAME_MAX])
{
    names_made++;
    snprintf(out, TEST_NAME_MAX, "bmt_%ld_%u", (long)getpid(), names_made);
}

/* A child that a test forked runs this too, and must leave its parent's files alone. */
static void remove_folder(void)
{
    if (getpid() != folder_owner) {
        return;
    }
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    closedir(entries);
    rmdir(folder);
}

static void make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || strlen(parent) > sizeof folder - 32) {
        parent = "/tmp";
    }
    snprintf(folder, sizeof folder, "%s/bulkmodel-test.XXXXXX", parent);
    if (mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        fail_msg("no temporary folder in %s", parent);
    }
    folder_owner = getpid();
    atexit(remove_folder);
}

void test_sqlite_file(char path[TEST_PATH_MAX], char url[TEST_PATH_MAX])
{
    if (folder[0] == '\0') {
        make_folder();
    }
    char name[TEST_NAME_MAX];
    test_fresh_name(name);
    snprintf(path, TEST_PATH_MAX, "%s/%s.db", folder, name);
    if (url != NULL) {
        snprintf(url, TEST_PATH_MAX, "sqlite:%s/%s.db", folder, name);
    }
}
