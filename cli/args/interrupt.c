#include "interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

static bm_cancel *token_of_handler;
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
    bm_cancel_set(token_of_handler);
}

bm_status cli_interrupt_begin(bm_cancel **token, bm_error *err)
{
    CLI_TRY(bm_cancel_create(token, err));
    token_of_handler = *token;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND; /* no SA_RESTART: a blocked read must return */
    sigaction(SIGINT, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN; /* writing to a closed pipe is reported as an error */
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL); /* and so is a file at its size limit */
    return BM_OK;
}

void cli_interrupt_mask(bool others)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(others ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* Signals are unblocked only during ppoll, so that one that arrives after the check is not
 * missed. */
bool cli_interrupt_wait(int fd, int most_ms)
{
    const struct timespec most = {most_ms / 1000, most_ms % 1000 * 1000000L};
    struct pollfd about = {.fd = fd, .events = POLLOUT};
    sigset_t ours;
    sigset_t before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    while (signalled == 0 && ppoll(&about, 1, most_ms < 0 ? NULL : &most, &before) < 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return signalled == 0;
}

bool cli_interrupted(void)
{
    return signalled != 0;
}
