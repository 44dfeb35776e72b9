/*
 * Rows in parts, against rows one by one.  A small table judges: a row is bad by itself, or where
 * its key is there, or where the key that it needs is not; a part is refused as a whole, for a row
 * that is named, or not.
 */
#include "chunk_parts.h"

#include "check.h"

#include <string.h>

enum { MOST = 200, KEYS = 150, NONE = -1 };

typedef struct row {
    int key, needs; /* a key that must be there before; or NONE */
    bool bad;       /* by its own value: before anything is sent */
    bool refused;   /* by the database, alone */
    size_t number;
} row;

typedef struct table {
    bool has[KEYS];
} table;

/* The same numbers each time: https://en.wikipedia.org/wiki/Linear_congruential_generator */
static uint64_t seed;

static size_t draw(size_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

static bool takes(table *t, const row *r)
{
    if (r->bad || r->refused || t->has[r->key] || (r->needs != NONE && !t->has[r->needs])) {
        return false;
    }
    t->has[r->key] = true;
    return true;
}

/* Write all of a part, or none.  *at: the row that is refused; *sent: not for its own value. */
static bool writes(table *t, const row *rows, size_t n, size_t *at, bool *sent)
{
    table after = *t;
    *sent = true;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].bad) {
            *at = i;
            *sent = false;
            return false;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!takes(&after, &rows[i])) {
            *at = i;
            return false;
        }
    }
    *t = after;
    return true;
}

static row some_row(size_t number, bool self)
{
    return (row){.key = (int)draw(KEYS),
                 .needs = self && draw(4) == 0 ? (int)draw(KEYS) : NONE,
                 .bad = draw(40) == 0,
                 .refused = draw(40) == 0,
                 .number = number};
}

/* Move the rows low .. at - 1 up by one. */
static void reject(row *rows, size_t low, size_t at, bool rejected[MOST])
{
    const row gone = rows[at];
    assert_false(rejected[gone.number]);
    rejected[gone.number] = true;
    memmove(rows + low + 1, rows + low, (at - low) * sizeof *rows);
    rows[low] = gone;
}

static void compare(size_t n, bool names, bool tells_unsent, bool self)
{
    row rows[MOST];
    bool rejected[MOST] = {false};
    bool wanted[MOST] = {false};
    table one_by_one = {{false}};
    table in_parts = {{false}};
    bm_error err = BM_ERROR;
    bm__chunk_parts parts;
    size_t tries = 0;
    for (size_t i = 0; i < n; i++) {
        rows[i] = some_row(i, self);
        wanted[i] = !takes(&one_by_one, &rows[i]);
    }
    assert_int_equal(bm__chunk_parts_begin(&parts, 0, n, self, &err), BM_OK);
    while (bm__chunk_parts_next(&parts)) {
        size_t at;
        bool sent;
        const size_t low = parts.low;
        assert_true(low < parts.end && parts.end <= n && ++tries < 40 * MOST);
        if (writes(&in_parts, rows + low, parts.end - low, &at, &sent)) {
            assert_int_equal(bm__chunk_parts_written(&parts, &err), BM_OK);
            continue;
        }
        const size_t named = names && (!sent || draw(3) > 0) ? at : BM_NO_ROW;
        sent = sent || !tells_unsent;
        assert_int_equal(bm__chunk_parts_refused(&parts, named, sent, &at, &err), BM_OK);
        if (at != BM_NO_ROW) {
            reject(rows, low, at, rejected);
        }
    }
    bm__chunk_parts_free(&parts);
    assert_memory_equal(rejected, wanted, n * sizeof *wanted);
    assert_memory_equal(&in_parts, &one_by_one, sizeof one_by_one);
}

static void parts_are_judged_as_rows_one_by_one(void **state)
{
    (void)state;
    for (seed = 1; seed < 400;) {
        const uint64_t now = seed;
        for (unsigned how = 0; how < 4; how++) {
            compare(draw(MOST), (how & 1) != 0, (how & 2) != 0, false);
        }
        compare(draw(MOST), true, true, true);
        seed = now + 1;
    }
}

/* Good rows are one part; after a row that was refused the parts grow again. */
static void good_rows_are_few_parts(void **state)
{
    (void)state;
    bm_error err = BM_ERROR;
    bm__chunk_parts parts;
    size_t at;
    size_t tries = 0;
    assert_int_equal(bm__chunk_parts_begin(&parts, 0, 100000, false, &err), BM_OK);
    assert_true(bm__chunk_parts_next(&parts));
    assert_int_equal(parts.end, 100000);
    assert_int_equal(bm__chunk_parts_refused(&parts, 10, true, &at, &err), BM_OK);
    assert_true(at == BM_NO_ROW);
    while (bm__chunk_parts_next(&parts)) {
        const bool is_bad = parts.low <= 10 && 10 < parts.end;
        tries++;
        assert_true(!is_bad || parts.end - parts.low == 1);
        assert_int_equal(is_bad ? bm__chunk_parts_refused(&parts, 0, true, &at, &err)
                                : bm__chunk_parts_written(&parts, &err),
                         BM_OK);
    }
    assert_int_equal(at, 10);
    assert_true(tries < 12);
    bm__chunk_parts_free(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_judged_as_rows_one_by_one),
        cmocka_unit_test(good_rows_are_few_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
