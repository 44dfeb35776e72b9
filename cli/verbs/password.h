/* The password in DATABASE: neither a list of processes nor a message shows it. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "errors.h"

/* Overwrite the passwords in a connection string or URL with '*'.  More than the password may be
 * overwritten: a copy is what connects. */
void cli_password_wipe(char *text);

/* Mask the parts of the URL's password in an error.  libpq takes "u:a@b@host" for the host
 * "b@host", and names it: the message then says which characters to encode. */
void cli_password_mask(const char *url, bm_error *err);

#endif
