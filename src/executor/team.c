#include "team.h"

void bm__team_begin(bm__team *team, size_t n)
{
    *team = (bm__team){.n = n < BM__TEAM_MAX ? n : BM__TEAM_MAX, .first = BM__TEAM_NOBODY};
}

static size_t count(const bm__team *team, bm__member member)
{
    size_t n = 0;
    for (size_t i = 0; i < team->n; i++) {
        n += team->members[i] == member;
    }
    return n;
}

static bool is(const bm__team *team, size_t i, bm__member member)
{
    return i < team->n && team->members[i] == member;
}

bool bm__team_needs(const bm__team *team)
{
    bool rows_left = count(team, BM__MEMBER_READY) + count(team, BM__MEMBER_IDLE) == 0;
    return team->phase == BM__TEAM_OPEN && !team->failed && rows_left;
}

/* All that work are ready, and those away are not needed. */
static void look_around(bm__team *team)
{
    bool ready = count(team, BM__MEMBER_READY) > 0 && count(team, BM__MEMBER_AT_WORK) == 0;
    if (team->phase == BM__TEAM_OPEN && !team->failed && ready) {
        team->phase = BM__TEAM_SETTLING;
    }
}

static bool fail(bm__team *team, size_t i)
{
    if (!team->failed) {
        team->failed = true;
        team->first = i;
    }
    return true;
}

static bool arrived(bm__team *team, size_t i)
{
    if (!is(team, i, BM__MEMBER_AWAY)) {
        return false;
    }
    team->members[i] = bm__team_needs(team) ? BM__MEMBER_AT_WORK : BM__MEMBER_IDLE;
    return true;
}

/* Where there is nobody to do the work, the call fails for the reason of the last one. */
static bool absent(bm__team *team, size_t i)
{
    if (!is(team, i, BM__MEMBER_AWAY) && !is(team, i, BM__MEMBER_AT_WORK)) {
        return false;
    }
    team->members[i] = BM__MEMBER_ABSENT;
    if (count(team, BM__MEMBER_ABSENT) == team->n) {
        return fail(team, i);
    }
    return true;
}

static bool failed(bm__team *team, size_t i)
{
    if (!is(team, i, BM__MEMBER_AT_WORK) && !is(team, i, BM__MEMBER_READY)) {
        return false;
    }
    team->members[i] = BM__MEMBER_ROLLED_BACK;
    return fail(team, i);
}

static bool finished(bm__team *team, size_t i, bm__member member)
{
    if (!is(team, i, BM__MEMBER_AT_WORK)) {
        return false;
    }
    team->members[i] = member;
    return true;
}

static bool ended(bm__team *team, size_t i, bm__member member)
{
    if (!is(team, i, BM__MEMBER_COMMITTING)) {
        return false;
    }
    team->members[i] = member;
    return member == BM__MEMBER_COMMITTED || fail(team, i);
}

static bool settled(bm__team *team)
{
    if (!bm__team_settles(team)) {
        return false;
    }
    team->phase = BM__TEAM_COMMITTING;
    return true;
}

static bool stopped(bm__team *team, bool entangled)
{
    if (team->phase == BM__TEAM_COMMITTING || team->failed || bm__team_over(team)) {
        return false;
    }
    team->entangled = entangled;
    return fail(team, BM__TEAM_NOBODY);
}

static bool take(bm__team *team, size_t i, bm__team_event event)
{
    switch (event) {
    case BM__TEAM_ARRIVED:
        return arrived(team, i);
    case BM__TEAM_ABSENT:
        return absent(team, i);
    case BM__TEAM_READY:
        return finished(team, i, BM__MEMBER_READY);
    case BM__TEAM_IDLE:
        return finished(team, i, BM__MEMBER_IDLE);
    case BM__TEAM_FAILED:
        return failed(team, i);
    case BM__TEAM_COMMITTED:
        return ended(team, i, BM__MEMBER_COMMITTED);
    case BM__TEAM_REFUSED:
        return ended(team, i, BM__MEMBER_ROLLED_BACK);
    case BM__TEAM_LOST:
        return ended(team, i, BM__MEMBER_UNKNOWN);
    case BM__TEAM_SETTLED:
        return settled(team);
    case BM__TEAM_STOPPED:
        return stopped(team, false);
    case BM__TEAM_ENTANGLED:
        return stopped(team, true);
    }
    return false;
}

bool bm__team_tell(bm__team *team, size_t i, bm__team_event event)
{
    bool counts = take(team, i, event);
    look_around(team);
    return counts;
}

/* It holds nothing that others wait for: the order is that of the workers. */
static bool has_turn(const bm__team *team, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (team->members[k] == BM__MEMBER_READY) {
            return false;
        }
    }
    return team->phase == BM__TEAM_COMMITTING && count(team, BM__MEMBER_COMMITTING) == 0;
}

bm__team_todo bm__team_next(bm__team *team, size_t i)
{
    if (is(team, i, BM__MEMBER_AWAY)) {
        return BM__TEAM_WAIT;
    }
    if (is(team, i, BM__MEMBER_AT_WORK) && !team->failed) {
        return BM__TEAM_WORK;
    }
    bool works = is(team, i, BM__MEMBER_AT_WORK) || is(team, i, BM__MEMBER_READY);
    if (works && team->failed) {
        team->members[i] = BM__MEMBER_ROLLED_BACK;
    }
    if (!is(team, i, BM__MEMBER_READY)) {
        return BM__TEAM_ROLL_BACK;
    }
    if (!has_turn(team, i)) {
        return BM__TEAM_WAIT;
    }
    team->members[i] = BM__MEMBER_COMMITTING;
    return BM__TEAM_COMMIT;
}

bool bm__team_settles(const bm__team *team)
{
    return team->phase == BM__TEAM_SETTLING && !team->failed;
}

bool bm__team_asks(const bm__team *team, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (is(team, k, BM__MEMBER_READY)) {
            return false;
        }
    }
    return team->phase == BM__TEAM_OPEN && !team->failed && is(team, i, BM__MEMBER_READY);
}

bool bm__team_over(const bm__team *team)
{
    size_t busy = count(team, BM__MEMBER_AT_WORK) + count(team, BM__MEMBER_READY) +
                  count(team, BM__MEMBER_COMMITTING);
    return busy == 0 && !(bm__team_needs(team) && count(team, BM__MEMBER_AWAY) > 0);
}

bm_fate bm__team_member_fate(const bm__team *team, size_t i)
{
    switch (i < team->n ? team->members[i] : BM__MEMBER_AWAY) {
    case BM__MEMBER_COMMITTED:
        return BM_FATE_COMMITTED;
    case BM__MEMBER_COMMITTING: /* nobody told what came of it */
    case BM__MEMBER_UNKNOWN:
        return BM_FATE_UNKNOWN;
    case BM__MEMBER_AWAY:
    case BM__MEMBER_ABSENT:
        return BM_FATE_NOT_STARTED;
    default:
        return BM_FATE_ROLLED_BACK;
    }
}

bm_fate bm__team_fate(const bm__team *team)
{
    size_t committed = count(team, BM__MEMBER_COMMITTED);
    size_t unknown = count(team, BM__MEMBER_UNKNOWN) + count(team, BM__MEMBER_COMMITTING);
    size_t back = count(team, BM__MEMBER_ROLLED_BACK) + count(team, BM__MEMBER_READY);
    if (committed == 0 && unknown == 0) {
        return team->failed ? BM_FATE_ROLLED_BACK : BM_FATE_COMMITTED;
    }
    if (committed > 0 && unknown + back == 0) {
        return BM_FATE_COMMITTED;
    }
    return committed + back == 0 && unknown == 1 ? BM_FATE_UNKNOWN : BM_FATE_PARTIAL;
}
