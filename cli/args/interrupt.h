/* Ctrl-C and the signals that mean the same: a cancel token for the library, a flag for the
 * command. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "errors.h"

/* From now on SIGINT, SIGTERM and SIGHUP set the token.  A second SIGINT ends the program. */
bm_status cli_interrupt_begin(bm_cancel **token, bm_error *err);
bool cli_interrupted(void);

/* Wait until a pipe or a terminal accepts bytes (-1: just wait), for at most `most_ms` milliseconds
 * (-1: no limit).  False if a signal came first. */
bool cli_interrupt_wait(int fd, int most_ms);

/* Block these signals in the calling thread, so that others handle them; or unblock them. */
void cli_interrupt_mask(bool others);

#endif
