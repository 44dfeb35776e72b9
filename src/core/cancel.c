#include "cancel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may set a token");

int64_t bm__now_ns(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(failed == 0);
    assert(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    (void)failed;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bm__after_ms(int64_t ms)
{
    assert(ms >= 0);
    int64_t until;
    bool fits = !__builtin_mul_overflow(ms, INT64_C(1000000), &until) &&
                !__builtin_add_overflow(until, bm__now_ns(), &until);
    return fits ? until : INT64_MAX;
}

bool bm__cancelled(const struct bm_cancel *token)
{
    return token != NULL && atomic_load(&token->set) != 0;
}

bm_status bm_cancel_create(bm_cancel **out, bm_error *err)
{
    bm_error unwanted = BM_ERROR;
    err = err != NULL ? err : &unwanted;
    bm__error_reset(err);
    if (out == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "output pointer must not be NULL");
    }
    *out = NULL;
    bm_cancel *token = calloc(1, sizeof *token);
    if (token == NULL) {
        return bm__no_memory(err);
    }
    int ends[2];
    if (pipe(ends) != 0) {
        free(token);
        return bm__fail(err, BM_LIMIT, BM_STAGE_CHECK,
                        "no file descriptor is left for a cancel token");
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    assert(ends[0] >= 0 && ends[1] >= 0 && ends[0] != ends[1]);
    token->fd = ends[0];
    token->write_fd = ends[1];
    *out = token;
    return BM_OK;
}

/* A signal handler may run this: an atomic store, write(2) and nothing else; errno is kept. */
void bm_cancel_set(bm_cancel *token)
{
    if (token == NULL) {
        return;
    }
    int saved = errno;
    if (atomic_exchange(&token->set, 1) == 0) {
        ssize_t written = write(token->write_fd, "", 1);
        (void)written; /* the flag is what counts; the pipe only wakes a poll */
    }
    errno = saved;
}

void bm_cancel_reset(bm_cancel *token)
{
    char byte;
    while (token != NULL && read(token->fd, &byte, 1) > 0) {
    }
    if (token != NULL) {
        atomic_store(&token->set, 0);
    }
}

void bm_cancel_free(bm_cancel *token)
{
    if (token != NULL) {
        close(token->fd);
        close(token->write_fd);
        free(token);
    }
}
