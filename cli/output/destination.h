/*
 * Where an output goes.  Standard output, a pipe and a device are written as they are.  A file is
 * written beside itself and takes its name when all is done, so that until then, and after any
 * failure, what was there is there.
 */
#ifndef CLI_DESTINATION_H
#define CLI_DESTINATION_H

#include "options.h"

typedef struct cli_destination cli_destination;

/*
 * Of --output, --returning, or (neither, or "-") standard output.  BM_INVALID where it is the
 * database, a file that SQLite keeps beside it, or an input.  Nothing is made yet.  The options are
 * borrowed.
 */
bm_status cli_destination_choose(const cli_options *options, cli_destination **out, bm_error *err);

/* What to call it in messages. */
const char *cli_destination_name(const cli_destination *destination);

/* Is it written as it is?  Else it is a file that is replaced. */
bool cli_destination_is_stream(const cli_destination *destination);

/* Open it.  With --dry-run nothing is opened, and what is written is dropped. */
bm_status cli_destination_open(cli_destination *destination, bm_error *err);

/* Write all of it.  BM_CANCELLED where a signal came while a pipe was full. */
bm_status cli_destination_write(cli_destination *destination, const char *data, size_t size,
                                bm_error *err);

/* All is written: the bytes of a file are on the disk.  It does not have its name yet. */
bm_status cli_destination_finish(cli_destination *destination, bm_error *err);

/* Give a finished file its name.  Nothing for a stream, and for what was never finished. */
bm_status cli_destination_publish(cli_destination *destination, bm_error *err);

/* Leave a finished file under the name that it was written to.  That name, or the stream's; NULL
 * where nothing is finished. */
const char *cli_destination_keep(cli_destination *destination);

/* Remove a file that was neither published nor kept, and free.  NULL is legal. */
void cli_destination_free(cli_destination *destination);

#endif
