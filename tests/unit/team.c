/*
 * The rules of workers, over every order of events (scoreboard B-13).  A small model beside the
 * rules knows what a server would have in its table, and judges each decision: nobody commits while
 * another works or after a failure was known, somebody can always go on, and what the team says of
 * the rows is what the table holds.
 */
#include "team.h"

#include "check.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 3 };

typedef struct model {
    bm__team team;
    bool has_rows[MOST]; /* that were written, at its end */
    bool in_table[MOST]; /* committed, whether anybody knows or not */
    bool told[MOST];     /* its transaction has ended */
    bool failure_known;
    bool stopped; /* from outside, once */
    bool over;
} model;

typedef struct tally {
    unsigned long long runs, fates[BM_FATE_IN_CALLERS_TRANSACTION + 1];
    size_t deepest;
} tally;

static bool is(const model *m, size_t i, bm__member member)
{
    return m->team.members[i] == member;
}

static bool any(const model *m, bm__member member)
{
    bool found = false;
    for (size_t i = 0; i < m->team.n; i++) {
        found = found || is(m, i, member);
    }
    return found;
}

static void tell(model *m, size_t i, bm__team_event event)
{
    assert_true(bm__team_tell(&m->team, i, event));
}

/* All rows are in the table, or none, or the fates of the parts say which. */
static void judge(const model *m, tally *t)
{
    size_t in = 0;
    size_t rows = 0;
    bm_fate fate = bm__team_fate(&m->team);
    for (size_t i = 0; i < m->team.n; i++) {
        bm_fate part = bm__team_member_fate(&m->team, i);
        in += m->in_table[i];
        rows += m->has_rows[i];
        assert_true(part == BM_FATE_UNKNOWN || m->in_table[i] == (part == BM_FATE_COMMITTED));
        assert_false(m->in_table[i] && !m->has_rows[i]);
    }
    assert_true(bm__team_over(&m->team));
    assert_true(fate != BM_FATE_COMMITTED || (in == rows && !m->failure_known));
    assert_true(fate != BM_FATE_ROLLED_BACK || (in == 0 && m->failure_known));
    assert_true(fate != BM_FATE_UNKNOWN || in == 0 || in == rows);
    assert_true(fate == BM_FATE_COMMITTED || fate == BM_FATE_ROLLED_BACK || m->failure_known);
    t->runs++;
    t->fates[fate]++;
}

static void explore(const model *m, size_t depth, tally *t);

static void then(const model *m, size_t depth, tally *t)
{
    explore(m, depth + 1, t);
}

/* An event of worker i, and everything that may follow. */
static void branch(const model *before, size_t i, bm__team_event event, size_t depth, tally *t)
{
    model m = *before;
    tell(&m, i, event);
    bool fails = event == BM__TEAM_FAILED || event == BM__TEAM_REFUSED || event == BM__TEAM_LOST;
    m.failure_known = m.failure_known || fails || m.team.failed;
    m.told[i] = m.told[i] || fails || event == BM__TEAM_COMMITTED || event == BM__TEAM_ABSENT;
    m.has_rows[i] = m.has_rows[i] || event == BM__TEAM_READY;
    m.in_table[i] = event == BM__TEAM_COMMITTED;
    then(&m, depth, t);
    if (event == BM__TEAM_LOST) { /* the server may have done it */
        m.in_table[i] = true;
        then(&m, depth, t);
    }
}

static void branches(const model *m, size_t i, const bm__team_event *events, size_t n, size_t depth,
                     tally *t)
{
    for (size_t k = 0; k < n; k++) {
        branch(m, i, events[k], depth, t);
    }
}

/* What holds where a worker is told to commit; meanwhile others go on. */
static void commits(model *m, size_t i, size_t depth, tally *t)
{
    assert_false(m->failure_known);
    assert_false(any(m, BM__MEMBER_AT_WORK));
    assert_true(m->has_rows[i]);
    for (size_t k = 0; k < m->team.n; k++) {
        assert_true(k == i || !is(m, k, BM__MEMBER_COMMITTING));
    }
    then(m, depth, t);
}

static bool asks(const model *before, size_t i, size_t depth, tally *t)
{
    static const bm__team_event work[] = {BM__TEAM_READY, BM__TEAM_IDLE, BM__TEAM_FAILED,
                                          BM__TEAM_ABSENT};
    static const bm__team_event lost = BM__TEAM_FAILED;
    model m = *before;
    bool ready = is(&m, i, BM__MEMBER_READY);
    bm__team_todo todo = bm__team_next(&m.team, i);
    switch (todo) {
    case BM__TEAM_WORK:
        assert_false(m.failure_known);
        branches(&m, i, work, 4, depth, t);
        return true;
    case BM__TEAM_WAIT: /* its connection may be lost meanwhile */
        assert_true(ready);
        branches(&m, i, &lost, 1, depth, t);
        return false;
    case BM__TEAM_COMMIT:
        commits(&m, i, depth, t);
        return true;
    case BM__TEAM_ROLL_BACK:
        assert_true(m.failure_known || is(before, i, BM__MEMBER_IDLE));
        m.told[i] = true;
        then(&m, depth, t);
        return true;
    }
    fail();
    return false;
}

static bool worker_moves(const model *m, size_t i, size_t depth, tally *t)
{
    static const bm__team_event arrival[] = {BM__TEAM_ARRIVED, BM__TEAM_ABSENT};
    static const bm__team_event outcomes[] = {BM__TEAM_COMMITTED, BM__TEAM_REFUSED, BM__TEAM_LOST};
    if (is(m, i, BM__MEMBER_AWAY)) { /* the driver goes on without it where it is not needed */
        bool finished = any(m, BM__MEMBER_READY) || any(m, BM__MEMBER_IDLE);
        assert_false(bm__team_needs(&m->team) && finished);
        branches(m, i, arrival, 2, depth, t);
        return bm__team_needs(&m->team);
    }
    if (is(m, i, BM__MEMBER_COMMITTING)) {
        branches(m, i, outcomes, 3, depth, t);
        return true;
    }
    return !m->told[i] && asks(m, i, depth, t);
}

static void stop(const model *before, bm__team_event event, size_t depth, tally *t)
{
    model m = *before;
    m.stopped = m.failure_known = true;
    tell(&m, 0, event);
    assert_true(m.team.entangled == (event == BM__TEAM_ENTANGLED));
    assert_true(m.team.first == BM__TEAM_NOBODY);
    then(&m, depth, t);
}

static bool team_moves(const model *before, size_t depth, tally *t)
{
    bool settles = bm__team_settles(&before->team);
    if (settles) {
        model m = *before;
        tell(&m, 0, BM__TEAM_SETTLED);
        then(&m, depth, t);
    }
    if (before->team.phase == BM__TEAM_COMMITTING) { /* half would be worse */
        model m = *before;
        assert_false(bm__team_tell(&m.team, 0, BM__TEAM_STOPPED));
        assert_false(bm__team_tell(&m.team, 0, BM__TEAM_ENTANGLED));
    }
    bool stops = before->team.phase != BM__TEAM_COMMITTING && !before->failure_known;
    if (stops && !bm__team_over(&before->team)) {
        stop(before, BM__TEAM_STOPPED, depth, t);
    }
    for (size_t i = 0; i < before->team.n; i++) {
        if (bm__team_asks(&before->team, i)) {
            stop(before, BM__TEAM_ENTANGLED, depth, t);
        }
    }
    return settles;
}

static void explore(const model *m, size_t depth, tally *t)
{
    bool moves = team_moves(m, depth, t);
    t->deepest = depth > t->deepest ? depth : t->deepest;
    for (size_t i = 0; i < m->team.n; i++) {
        moves = worker_moves(m, i, depth, t) || moves;
    }
    if (!moves) { /* a state in which nobody can go on is the end, or a hang */
        judge(m, t);
    }
}

static void every_order_of_events(void **state)
{
    unsigned long long runs = 0;
    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        model m = {0};
        tally t = {0};
        bm__team_begin(&m.team, n);
        explore(&m, 0, &t);
        for (int fate = BM_FATE_ROLLED_BACK; fate <= BM_FATE_UNKNOWN; fate++) {
            assert_true(t.fates[fate] > 0 || (n == 1 && fate == BM_FATE_PARTIAL));
        }
        printf("# %zu workers: %llu interleavings, at most %zu events\n", n, t.runs, t.deepest);
        runs += t.runs;
    }
    printf("# B-13: %llu interleavings in all\n", runs);
    assert_true(runs >= 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order_of_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
