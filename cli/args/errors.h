/* What goes wrong in the command, in the library's own terms, and the exit code it becomes. */
#ifndef CLI_ERRORS_H
#define CLI_ERRORS_H

#include <bulkmodel.h>

/* By what the caller of the command does next; the manual page lists them. */
enum {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1,      /* the database, memory, a limit */
    CLI_EXIT_USAGE = 2,       /* the command line, or a table that does not match */
    CLI_EXIT_INPUT = 3,       /* a file, or a row of it: mend the file */
    CLI_EXIT_CONSTRAINT = 4,  /* the database refuses a row */
    CLI_EXIT_CONNECTION = 5,  /* no connection, or no right */
    CLI_EXIT_RETRY = 6,       /* the same command may succeed when it is run again */
    CLI_EXIT_UNKNOWN = 7,     /* committed in part, or nobody knows */
    CLI_EXIT_CANCELLED = 130, /* Ctrl-C */
};

/* Return from the calling function with any status but BM_OK. */
#define CLI_TRY(expression)                                                                        \
    do {                                                                                           \
        bm_status cli_try_ = (expression);                                                         \
        if (cli_try_ != BM_OK) {                                                                   \
            return cli_try_;                                                                       \
        }                                                                                          \
    } while (0)

/* Record a failure, unless one is recorded already, and return `status`. */
bm_status cli_fail(bm_error *err, bm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with the words of errno behind it: "FILE: No such file or directory". */
bm_status cli_fail_errno(bm_error *err, bm_status status, const char *what);

/* What is not UTF-8, and what would move a terminal's cursor, becomes '?'; line ends stay. */
void cli_make_plain(char *text);

bm_status cli_no_memory(bm_error *err);

int cli_exit_code(bm_status status);

#endif
