/* Errors of the command, as a bm_error of the library, and the exit code of each status. */
#ifndef CLI_ERRORS_H
#define CLI_ERRORS_H

#include <bulkmodel.h>

/* Chosen by what the user does next.  The manual page lists them. */
enum {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1,      /* the database, memory, a limit */
    CLI_EXIT_USAGE = 2,       /* the command line, or a table that does not match */
    CLI_EXIT_INPUT = 3,       /* a file, or a row of it: correct the file */
    CLI_EXIT_CONSTRAINT = 4,  /* the database rejects a row */
    CLI_EXIT_CONNECTION = 5,  /* no connection, or no permission */
    CLI_EXIT_RETRY = 6,       /* the same command may succeed when it is run again */
    CLI_EXIT_UNKNOWN = 7,     /* committed in part, or the outcome is unknown */
    CLI_EXIT_REJECTS = 8,     /* written, but for the rows that were set aside: --rejects */
    CLI_EXIT_REFUSED = 9,     /* --max-rejects or --max-deletes: nothing is written */
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

/* The same, followed by the text of errno: "FILE: No such file or directory". */
bm_status cli_fail_errno(bm_error *err, bm_status status, const char *what);

/* The name of a file for a message: the end of a path that is so long that the message would have
 * no room for the rest. */
const char *cli_short_path(const char *path);

/* Replace bytes that are not UTF-8, and control characters of a terminal, with '?'.  Line ends and
 * tabs stay. */
void cli_make_plain(char *text);

/* Put other words in the place of the first `words` behind `after` bytes of the message. */
void cli_reword(bm_error *err, size_t after, const char *words, const char *by);

bm_status cli_no_memory(bm_error *err);

int cli_exit_code(bm_status status);

#endif
