/*
 * Where an output goes.  Standard output, a pipe and a device are written directly.  A file is
 * written under a temporary name in the same folder and renamed at the end.  Until then, and after
 * any failure, the old file is unchanged.  A name with the ending of a compressed file is that of
 * one.
 */
#ifndef CLI_DESTINATION_H
#define CLI_DESTINATION_H

#include "options.h"

typedef struct cli_destination cli_destination;

/*
 * The file `given` with an option (for messages), or standard output (NULL or "-").  BM_INVALID if
 * it is the database, one of SQLite's files beside it, or an input.  No file is created yet.  The
 * options and the name are borrowed.
 */
bm_status cli_destination_choose(const cli_options *options, const char *option, const char *given,
                                 cli_destination **out, bm_error *err);

/* Its name in messages. */
const char *cli_destination_name(const cli_destination *destination);

/* Is it written directly?  Otherwise it is a file that is replaced. */
bool cli_destination_is_stream(const cli_destination *destination);

/* --part-rows: finish this part, and open the next one, which belongs to the first. */
bm_status cli_destination_next(const cli_options *options, cli_destination **destination,
                               bm_error *err);

/* --part-rows: is there a file with the name of the part after the last, from an earlier command?
 * Its name is for a message. */
bool cli_destination_stale(const cli_destination *destination, char *out, size_t size);

/* Open it.  With --dry-run nothing is opened, and the output is dropped. */
bm_status cli_destination_open(cli_destination *destination, bm_error *err);

/* Write all bytes.  BM_CANCELLED if a signal arrives while a pipe is full. */
bm_status cli_destination_write(cli_destination *destination, const char *data, size_t size,
                                bm_error *err);

/* The output is complete: flush a file to the disk.  It does not have its name yet. */
bm_status cli_destination_finish(cli_destination *destination, bm_error *err);

/* Rename a finished file.  Does nothing for a stream or an output that is not finished. */
bm_status cli_destination_publish(cli_destination *destination, bm_error *err);

/* Keep a finished file under its temporary name.  Returns that name, or the stream's; NULL if
 * nothing is finished. */
const char *cli_destination_keep(cli_destination *destination);

/* Remove a file that was neither published nor kept, and free.  NULL is legal. */
void cli_destination_free(cli_destination *destination);

#endif
