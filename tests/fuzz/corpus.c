/*
 * The inputs that a fuzz target is given first, or once failed on, without a fuzzer: each file of
 * a folder is a case.  usage: PROGRAM FOLDER; TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 65536

/* A target that finds a fault aborts. */
static int try_file(const char *folder, const char *name)
{
    static uint8_t bytes[FILE_MAX];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, in);
    int failed = ferror(in) != 0 || fclose(in) != 0;
    uint8_t *copy = malloc(size > 0 ? size : 1); /* a sanitizer sees its end */
    if (failed != 0 || copy == NULL) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        copy[i] = bytes[i];
    }
    failed = LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return failed;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int n = 0;
    int failures = 0;
    if (folder == NULL) {
        fputs("usage: corpus FOLDER\n", stderr);
        return 1;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            int failed = try_file(argv[1], entry->d_name);
            printf("%s %d - %s\n", failed == 0 ? "ok" : "not ok", ++n, entry->d_name);
            fflush(stdout);
            failures += failed != 0;
        }
    }
    closedir(folder);
    printf("1..%d\n", n);
    return failures > 0 || n == 0;
}
