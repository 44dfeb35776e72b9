/* What a file that replaces another takes over from it, besides its name. */
#ifndef CLI_FILE_ATTRIBUTES_H
#define CLI_FILE_ATTRIBUTES_H

#include "errors.h"

#include <sys/stat.h>

/*
 * Give the open file `fd` the owner, mode, access control list and extended attributes of the file
 * at `path`, whose stat is `before`.  `name` is for messages.
 *
 * An owner that cannot be kept is left, without the set-user-ID and set-group-ID bits.  It is an
 * error if an access control list or an attribute of the user's ("user.*") cannot be kept: the new
 * file would have other rights, or lose data.  Attributes of the system are kept where possible.
 */
bm_status cli_keep_attributes(int fd, const char *path, const struct stat *before, const char *name,
                              bm_error *err);

#endif
