#!/usr/bin/env bash
# Piccolo's insert() with on_conflict DO NOTHING gives the keys that come back to the objects in
# order: an ignored object gets the key of another row, and saving it overwrites that row.
cd "$(dirname "$0")" && . ./lib.sh
packages 'piccolo[sqlite]==1.38.0'
seen=$(cd "$folder" && py <<'PY'
import asyncio
from piccolo import columns
from piccolo.engine.sqlite import SQLiteEngine
from piccolo.table import Table


class Sale(Table, db=SQLiteEngine(path="a.db")):
    sku = columns.Varchar(unique=True)
    stock = columns.Integer()


async def main():
    await Sale.create_table()
    await Sale.insert(Sale(sku="a", stock=1))
    known, new = Sale(sku="a", stock=5), Sale(sku="b", stock=6)
    await Sale.insert(known, new).on_conflict(action="DO NOTHING")
    print(known.id, type(new.id).__name__, end=" ")
    known.stock = 7
    await known.save([Sale.stock])
    print([(row["sku"], row["stock"]) for row in await Sale.select().order_by(Sale.sku)])


asyncio.run(main())
PY
)
report "None int, and no row or a's changed" "2 QueryString [('a', 1), ('b', 7)]" "$seen"
