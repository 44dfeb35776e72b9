"""The table of the benchmarks: what is run, on how many rows, how often, and what it must reach."""

from __future__ import annotations

import dataclasses

from results import (
    Judge,
    judge_by_id,
    judge_encode,
    judge_growth,
    judge_reports,
    judge_stream,
    judge_wall,
    judge_with_cpu,
)

MILLION = 1_000_000
NEAR_ONE = 15  # alternations for a ratio near 1
ELSEWHERE = 5
QUICK = 3

C, DJANGO, COMMAND = "C", "Django", "command"


@dataclasses.dataclass
class Row:
    """A row of the table: what a program is asked to run, and how it is judged."""

    judge: Judge
    rows: list[int] = dataclasses.field(default_factory=lambda: [MILLION])
    rounds: int = NEAR_ONE
    command: str = ""
    program: str = C
    timeout_s: float = 900.0
    quick_part: int = 10  # a quick run has so many times fewer rows
    driver: str = ""  # of MariaDB, whose server the row needs


# The slowest rows of the whole run: Django's own bulk_update of 100,000 rows takes a minute.
_SLOW_S = 1_800.0

# Ratios to reach, by result; one that is missing here is reported only.
TARGETS = {
    "django_pg_create_floor": 0.75,
    "django_pg_create_django": 3.5,
    "django_pg_create_pgbulk": 2.0,
    "django_pg_create_bulkload": 5.0,
    "django_pg_create_wide_floor": 0.75,
    "django_pg_create_wide_django": 3.5,
    "django_pg_concurrent_one": 1.3,
    "django_pg_concurrent_floor": 0.85,
    "django_pg_upsert_django": 3.0,
    "django_pg_upsert_pgbulk": 8.0,
    "django_pg_upsert_bulkload": 2.5,
    "django_sqlite_create_django": 10.0,
    "django_sqlite_create_wal_django": 10.0,
    "django_sqlite_create_wide_django": 10.0,
    "django_sqlite_update_django": 60.0,
    "django_sqlite_update_fastupdate": 20.0,
    "django_copy_to_instances_django": 3.0,
    "django_list_django": 0.95,
    "command_pg_create_psql": 0.9,
    "command_sqlite_create_sqlite3": 1.5,
    "command_sqlite_create_sqliteutils": 3.0,
    "command_pg_update_psql": 0.95,
}
for _row in ("django_pg_update", "django_pg_update2"):
    TARGETS[f"{_row}_100k_floor"] = 1.1
    for _size, _times in (("10k", 10.0), ("100k", 20.0)):
        TARGETS[f"{_row}_{_size}_django"] = _times
        TARGETS[f"{_row}_{_size}_pgbulk"] = 2.5
        TARGETS[f"{_row}_{_size}_fastupdate"] = 1.5
        TARGETS[f"{_row}_{_size}_bulkload"] = 1.4
TARGETS["django_pg_update_wide_django"] = 10.0
TARGETS["django_pg_update_stale_floor"] = 0.34
TARGETS["django_pg_update_wide_pgbulk"] = 2.5
for _engine in ("pg", "sqlite"):
    for _verb in (
        "create",
        "bulk_update",
        "update_fields",
        "update",
        "bulk_upsert",
        "update_conflicts",
        "bulk_delete",
        "copy_from_objects",
        "list",
        "copy_to_instances",
    ):
        for _rows in (1, 10):
            TARGETS[f"django_small_{_engine}_{_verb}_{_rows}_django"] = 1.0
for _driver in ("mariadb", "pymysql"):
    for _verb, _times in (("create", 2.0), ("update", 20.0), ("upsert", 2.5), ("delete", 1.5)):
        TARGETS[f"django_{_driver}_{_verb}_django"] = _times


def mariadb(command: str, driver: str) -> Row:
    return Row(judge_by_id(TARGETS), [100_000], ELSEWHERE, command, DJANGO, _SLOW_S, 5, driver)


def django(command: str, rows: int = 100_000, rounds: int = ELSEWHERE) -> Row:
    return Row(judge_by_id(TARGETS), [rows], rounds, command, DJANGO, _SLOW_S)


def command(name: str, rows: int = MILLION, rounds: int = ELSEWHERE) -> Row:
    return Row(judge_by_id(TARGETS), [rows], rounds, name, COMMAND)


ROWS = {
    "pg_create": Row(judge_with_cpu),
    "pg_create_wide": Row(judge_with_cpu, rows=[100_000]),
    "pg_create_keys": Row(judge_wall(0.95)),
    "pg_update": Row(judge_with_cpu),
    "pg_update_wide": Row(judge_with_cpu, rows=[100_000]),
    "pg_update_1pct": Row(judge_wall(30.0), rounds=ELSEWHERE),
    "sqlite_create": Row(judge_wall(1.0)),
    "sqlite_update": Row(judge_wall(1.0)),
    "encode": Row(judge_encode, rows=[10 * MILLION]),
    "pg_copy_to": Row(judge_wall(0.95)),
    "pg_copy_to_queryset": Row(judge_wall(None), rounds=ELSEWHERE),
    "pg_concurrent_2": Row(judge_wall(0.95)),
    "stream_rss": Row(judge_stream, rows=[MILLION, 10 * MILLION], rounds=1, command="stream"),
    "memory": Row(judge_by_id(TARGETS), [100_000], 1),
    "growth": Row(judge_growth, rows=[10 * MILLION], rounds=ELSEWHERE),
    "pg_small": Row(judge_reports, rounds=ELSEWHERE),
    "pg_update_part": Row(judge_reports, rounds=ELSEWHERE),
    "pg_update_stale": Row(judge_wall(0.34), rows=[200_000], rounds=ELSEWHERE),
    "django_pg_create": django("pg_create"),
    "django_pg_create_floor": django("pg_create_floor", rounds=NEAR_ONE),
    "django_pg_create_wide": django("pg_create_wide"),
    "django_pg_concurrent": django("pg_concurrent", MILLION),
    "django_pg_update_10k": django("pg_update_10k", 10_000),
    "django_pg_update_100k": django("pg_update_100k"),
    "django_pg_update2_10k": django("pg_update2_10k", 10_000),
    "django_pg_update2_100k": django("pg_update2_100k"),
    "django_pg_update_wide": django("pg_update_wide", 1_000),
    "django_pg_update_stale": django("pg_update_stale", 20_000),
    "django_pg_upsert": django("pg_upsert"),
    "django_sqlite_create": django("sqlite_create"),
    "django_sqlite_create_wal": django("sqlite_create_wal"),
    "django_sqlite_create_wide": django("sqlite_create_wide"),
    "django_sqlite_update": django("sqlite_update", 10_000),
    "django_pg_create_batch": django("pg_create_batch", rounds=QUICK),
    "django_pg_update_batch": django("pg_update_batch", rounds=QUICK),
    "django_sqlite_create_batch": django("sqlite_create_batch", rounds=QUICK),
    **{
        f"django_{driver}_{verb}": mariadb(f"mariadb_{verb}", driver)
        for driver in ("mariadb", "pymysql")
        for verb in ("create", "update", "upsert", "delete")
    },
    "django_copy_to_instances": django("copy_to_instances"),
    "django_list": django("list", rounds=NEAR_ONE),
    "django_small_pg": django("small_pg", 10, NEAR_ONE),
    "django_small_sqlite": django("small_sqlite", 10, NEAR_ONE),
    "django_memory": django("memory", rounds=1),
    "django_stream_rss": django("stream_rss", 10 * MILLION, 1),
    "django_growth": Row(judge_growth, [MILLION], ELSEWHERE, "growth", DJANGO, _SLOW_S),
    "command_pg_create": command("pg_create", rounds=NEAR_ONE),
    "command_pg_update": command("pg_update"),
    "command_sqlite_create": command("sqlite_create"),
    "command_sqlite_create_utils": command("sqlite_create_utils", MILLION // 10),
    "command_stream_rss": command("stream", 2 * MILLION, 1),
}
