#!/usr/bin/env python3
"""Put faults that other libraries had into a copy of the sources; the tests must fail (B-18).

usage: peers.py LEAST [NUMBER...]    fail when fewer are caught; these seeds only
       peers.py places               only look whether each seed's place is still there.  TAP.

A seed is one change of one place, named after the project and the number of its issue; all are
compiled at once (switches.py).  A seed whose place is not in the sources any more, once, is an
error.  What is not here has no counterpart in C: see SEEDS.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from switches import ROOT, SWITCH, build, copy_sources, fails

COPY = ROOT / "build" / "peers"
LONGEST_S = 240
SEED = f"""{SWITCH}
#ifndef BM_SEED
#define BM_SEED(number_) (bm_change() == (number_))
#endif
"""


class Seed(NamedTuple):
    """A fault: the line of faults of peers that it is, the place, what stands there instead."""

    number: int
    peer: str
    old: str  # empty: planted with another
    new: str
    tests: tuple[str, ...]  # which of them sees it, the likeliest first


LIBPQ = ("unit_libpq_transport", "unit_libpq_failures", "conformance_errors", "fault_engines")
ROWS = ("conformance_bulk_create", "conformance_edges", "types_roundtrip_sqlite")

# Without a counterpart: a busy loop (psycopg #255) and connections that are held too long cost time
# only; panics and lost locks of a runtime with exceptions (pgx #2364, pgjdbc #362); faults of
# Python objects under conversion, which the tests of the extension plant themselves; a fuzzer that
# broke its interface (hiredis #1293); a converter chosen by the first value (npgsql #4693).
SEEDS = (
    Seed(
        1,
        "asyncpg #1354: a long reason for CopyFail ends the connection",
        "PQputCopyEnd(conn->pg, REASON) < 0",
        "PQputCopyEnd(conn->pg, BM_SEED(24)  ? NULL\n"
        "                     : BM_SEED(1) ? (char[40000]){[0 ... 39998] = 'x'}\n"
        "                                  : REASON) < 0",
        LIBPQ,
    ),
    Seed(
        2,
        "psycopg #1147: half a row stays in the buffer after a value that does not fit",
        "    BM_TRY(measure_rows(&block, err));\n    if (block.large) {",
        "    bm_status measured = measure_rows(&block, err);\n"
        "    BM_TRY(bm__buffer_reserve(out, 2, &at, err));\n"
        "    out->size += BM_SEED(2) && measured != BM_OK ? 2 : 0;\n"
        "    BM_TRY(measured);\n    if (block.large) {",
        ("unit_pg_copy", "unit_pg_text", "conformance_errors"),
    ),
    Seed(
        4,
        "psycopg #203: COPY OUT is left early, and the connection with it",
        "    if (status != BM_OK) {\n        bm__libpq_settle(conn, step, true);\n"
        "        return status;\n    }\n    return bm__libpq_drain(conn, step, answer, err);",
        "    if (status != BM_OK) {\n        if (!BM_SEED(4)) {\n"
        "            bm__libpq_settle(conn, step, true);\n        }\n        return status;\n"
        "    }\n"
        "    return bm__libpq_drain(conn, step, answer, err);",
        (*LIBPQ, "conformance_copy_to"),
    ),
    Seed(
        5,
        "psycopg #593: the caller's own error is replaced",
        "if (err->message[0] == '\\0') {\n        snprintf(err->message, sizeof err->message, "
        '"the %s failed',
        "if (BM_SEED(5) || err->message[0] == '\\0') {\n"
        '        snprintf(err->message, sizeof err->message, "the %s failed',
        ("conformance_errors", "conformance_copy_to", "threads_streams"),
    ),
    Seed(
        6,
        "psycopg2cffi PR #62: the result after the end of a COPY is not read",
        "return bm__libpq_drain(conn, &end, answer, err);",
        "status = bm__libpq_drain(conn, &end, answer, err);\n"
        "    return BM_SEED(6) ? BM_OK : status;",
        LIBPQ,
    ),
    Seed(
        7,
        "asyncpg #520: zeros at the end of a numeric are lost",
        "        at = put_group(at, group_at(sent, i));\n    }\n    return end;",
        "        at = put_group(at, group_at(sent, i));\n    }\n"
        "    while (BM_SEED(7) && end[-1] == '0') {\n        end--;\n    }\n    return end;",
        ("unit_pg_numeric",),
    ),
    Seed(
        8,
        "asyncpg #157: a numeric says another length than it has",
        "(sizes[i] - BM__NUMERIC_HEADER) / 2, to);",
        "(sizes[i] - BM__NUMERIC_HEADER) / 2 + (BM_SEED(8) ? 1 : 0), to);",
        ("unit_pg_numeric", "types_numerics", "types_roundtrip_pg"),
    ),
    Seed(
        9,
        "pgx 73316faf: the weight of a numeric wraps",
        "(!zero && value->top - (int64_t)value->first >= INTEGER_DIGITS_MAX)",
        "(!BM_SEED(9) && !zero && value->top - (int64_t)value->first >= INTEGER_DIGITS_MAX)",
        ("unit_pg_numeric",),
    ),
    Seed(
        10,
        "pgx #2599: wrong digits of a numeric are decoded",
        "if (group_at(sent, i) >= BM__NUMERIC_BASE) {",
        "if (!BM_SEED(10) && group_at(sent, i) >= BM__NUMERIC_BASE) {",
        ("unit_pg_numeric",),
    ),
    Seed(
        11,
        "pgx CVE-2024-27304: a message is longer than its length can say",
        "if (bytes + block->fixed >= BM__VALUE_MAX) {",
        "if (!BM_SEED(11) && bytes + block->fixed >= BM__VALUE_MAX) {",
        ("unit_pg_copy", "unit_pg_text"),
    ),
    Seed(
        13,
        "ADBC #4507: groups of zeros inside a numeric are dropped",
        "        bm__put16(to, (uint16_t)digit);\n    }",
        "        if (BM_SEED(13) && digit == 0) {\n            to -= 2;\n            continue;\n"
        "        }\n        bm__put16(to, (uint16_t)digit);\n    }",
        ("unit_pg_numeric",),
    ),
    Seed(
        15,
        "ADBC #4319: the offset of a slice is ignored",
        "slice.first = batch->first + from;",
        "slice.first = batch->first + (BM_SEED(15) ? 0 : from);",
        ("unit_core_batch",),
    ),
    Seed(
        17,
        "ADBC #3585: an empty text is NULL",
        "    return text == NULL;",
        "    return text == NULL || (BM_SEED(17) && *text == '\\0');",
        ("unit_core_batch", "unit_pg_text", *ROWS),
    ),
    Seed(
        18,
        "ADBC #1310: a COPY is ended after a part of its rows",
        "        if (size == 0) {\n            return BM_OK;\n        }\n        for (size_t at",
        "        if (size == 0 || (BM_SEED(18) && s->unflushed > 0)) {\n"
        "            return BM_OK;\n        }\n        for (size_t at",
        (*LIBPQ, "conformance_bulk_create"),
    ),
    Seed(
        19,
        "ADBC #3611: a length of the server's is believed",
        "        if (left - read < size) {\n            return CUT;",
        "        if (!BM_SEED(19) && left - read < size) {\n            return CUT;",
        ("unit_pg_copy_read",),
    ),
    Seed(
        20,
        "SQLAlchemy #9603: rows that come back are matched by their position",
        "    *out = (size_t)ordinal;\n    return BM_OK;",
        "    static _Thread_local size_t position;\n"
        "    *out = BM_SEED(20) ? position++ % job->n : (size_t)ordinal;\n    return BM_OK;",
        ("conformance_keys", "conformance_conflicts", "conformance_copy_to", "conformance_update"),
    ),
    Seed(
        22,
        "Dapper-Plus #145: keys are the first one and a count",
        "    BM_TRY(store_key(job, i, &cells[2], err));\n",
        "    BM_TRY(store_key(job, i, &cells[2], err));\n"
        "    if (BM_SEED(22) && i > 0 && width == sizeof(int64_t)) {\n"
        "        size_t one = bm__batch_row(&job->batch, 0) * width;\n"
        "        int64_t counted;\n"
        "        memcpy(&counted, job->call->keys + one, width);\n"
        "        counted += (int64_t)i;\n        memcpy(key, &counted, width);\n    }\n",
        ("conformance_facts", "conformance_keys"),
    ),
    Seed(
        24,
        "npgsql #1402: a COPY that failed here is ended as if it were whole",
        "",
        "",
        LIBPQ,
    ),
    Seed(
        26,
        "pgbouncer #57: rows are sent on after the server's error",
        "s->answered = status == BM_TIMEOUT;",
        "s->answered = !BM_SEED(26) && status == BM_TIMEOUT;",
        LIBPQ,
    ),
    Seed(
        27,
        "Django #32388: of rows with the same key one is taken in silence",
        "if (end - i > 1 && rule == BM_DUPLICATES_ERROR) {",
        "if (!BM_SEED(27) && end - i > 1 && rule == BM_DUPLICATES_ERROR) {",
        ("unit_core_keys",),
    ),
    Seed(
        28,
        "Django #30138: rows that were ignored get the keys of others",
        "return outcomes == NULL || outcomes[",
        "return outcomes == NULL || BM_SEED(28) || outcomes[",
        ("conformance_conflicts", "conformance_bulk_create", "conformance_keys"),
    ),
    Seed(
        31,
        "hiredis: a size overflows before it is allocated",
        "    if (__builtin_mul_overflow(count, size, &total)) {\n        return NULL;",
        "    if (__builtin_mul_overflow(count, size, &total) && !BM_SEED(31)) {\n"
        "        return NULL;",
        ("unit_core_arena",),
    ),
    Seed(
        33,
        "psycopg #1280: a timeout overflows",
        "return fits ? until : INT64_MAX;",
        "return fits || BM_SEED(33) ? until : INT64_MAX;",
        ("fault_timeouts",),
    ),
    Seed(
        35,
        "cockroach #81559: a lost connection has no SQLSTATE, and is taken for another error",
        "    return bm__fail(err, BM_CONNECTION, stage,"
        ' "%s", text[0] != \'\\0\' ? text : "connection lost");',
        "    return bm__fail(err, BM_SEED(35) ? BM_DATABASE : BM_CONNECTION, stage,"
        ' "%s", text[0] != \'\\0\' ? text : "connection lost");',
        LIBPQ,
    ),
)


def places_of(seed: Seed, top: Path) -> list[Path]:
    """The files in which the seed's place is, once for each time."""
    return [
        path
        for path in sorted((top / "src").rglob("*.[ch]"))
        for _ in range(path.read_text("utf-8").count(seed.old))
    ]


def lost(seed: Seed, top: Path) -> str:
    """What is wrong with the seed's place, or nothing."""
    found = places_of(seed, top) if seed.old else [top]
    return "" if len(found) == 1 else f"seed {seed.number}: its place is there {len(found)} times"


def plant(seed: Seed) -> None:
    if wrong := lost(seed, COPY):
        sys.exit(wrong)
    [path] = places_of(seed, COPY)
    text = path.read_text("utf-8").replace(seed.old, seed.new)
    path.write_text(text if SEED in text else SEED + text, "utf-8")


def look_for_places() -> int:
    wrong = [text for seed in SEEDS if (text := lost(seed, ROOT))]
    print("1..1", *[f"# {text}" for text in wrong], sep="\n")
    print("not ok 1 - each seed has its place" if wrong else "ok 1 - each seed has its place")
    return 1 if wrong else 0


def build_planted() -> None:
    copy_sources(COPY)
    for seed in SEEDS:
        if seed.old:
            plant(seed)
    programs = sorted({f"tests/test_{test}" for seed in SEEDS for test in seed.tests})
    build(COPY, programs, "-Db_ndebug=true")


def test_fails(test: str, number: int) -> bool:
    beside = str(ROOT / "script" / "with-postgresql")
    return fails([beside, str(COPY / "build" / "tests" / f"test_{test}")], number, LONGEST_S)


def main(least: str, *numbers: str) -> None:
    wanted = [seed for seed in SEEDS if not numbers or str(seed.number) in numbers]
    build_planted()
    caught = 0
    for test in sorted({test for seed in wanted for test in seed.tests}):
        if test_fails(test, 0):
            sys.exit(f"{test} fails without a seed")
    for seed in wanted:
        by = next((test for test in seed.tests if test_fails(test, seed.number)), None)
        caught += by is not None
        print(f"{seed.number:2} {'caught by ' + by if by else 'NOT CAUGHT'}: {seed.peer}")
        sys.stdout.flush()
    print(f"# B-18: {caught} of {len(wanted)} seeds caught, of 35 faults of peers")
    if caught < int(least):
        sys.exit(1)


if __name__ == "__main__":
    if sys.argv[1:] == ["places"]:
        sys.exit(look_for_places())
    main(*sys.argv[1:])
