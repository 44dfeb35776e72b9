#!/usr/bin/env bash
# Peewee's insert_many() of tuples: a value too many is no error.  It goes into the next column that
# has a default, though nobody named that column; a value too few gets the default of its own.
cd "$(dirname "$0")" && . ./lib.sh
packages peewee==4.5.3
seen=$(py <<'PY'
import peewee

db = peewee.SqliteDatabase(":memory:")


class Sale(peewee.Model):
    sku = peewee.CharField()
    stock = peewee.IntegerField(default=0)
    discount = peewee.IntegerField(default=0)

    class Meta:
        database = db


db.create_tables([Sale])
for row in [("b", 5, 60), ("c",)]:
    try:
        Sale.insert_many([("a", 1), row], fields=[Sale.sku, Sale.stock]).execute()
    except ValueError:
        pass
print(*Sale.select(Sale.sku, Sale.stock, Sale.discount).tuples())
PY
)
report "nothing, for both calls are errors" \
    "('a', 1, 0) ('b', 5, 60) ('a', 1, 0) ('c', 0, 0)" "$seen"
