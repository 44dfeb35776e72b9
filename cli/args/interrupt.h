/* Ctrl-C, and the signals that mean the same: a token for the library and a flag for the input. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "errors.h"

/* From now on SIGINT, SIGTERM and SIGHUP set the token; a second SIGINT ends the program. */
bm_status cli_interrupt_begin(bm_cancel **token, bm_error *err);
bool cli_interrupted(void);

/* Wait until a pipe or a terminal takes bytes (-1: none), for so many milliseconds at most (-1: no
 * limit); false: a signal came first. */
bool cli_interrupt_wait(int fd, int most_ms);

/* Whether the calling thread leaves these signals to the others. */
void cli_interrupt_mask(bool others);

#endif
