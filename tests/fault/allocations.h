/* The library's allocations, counted and made to fail.  The program is linked with --wrap for
 * malloc, calloc, realloc, strdup and free: calls of shared libraries are not among them. */
#ifndef TEST_FAULT_ALLOCATIONS_H
#define TEST_FAULT_ALLOCATIONS_H

#include <stdbool.h>

/* From here on allocations are the library's, until `false`. */
void allocations_watch(bool on);

/* The n-th allocation from now fails, and where `sticky` all behind it; 0: none. */
void allocations_fail(long n, bool sticky);

/* One has failed since allocations_fail. */
bool allocations_failed(void);

/* What was allocated while watched, and not freed. */
long allocations_live(void);

#endif
