#!/usr/bin/env bash
# Tortoise on SQLite compares datetimes as text.  save() stores UTC and a filter sends the zone that
# it was given, so a row is not found by its own value; bulk_update() stores another zone, and rows
# are on the wrong side of a bound.
cd "$(dirname "$0")" && . ./lib.sh
packages tortoise-orm==1.1.9
cat >"$folder/shop.py" <<'PY'
from tortoise import fields, models


class Sale(models.Model):
    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField()
PY
export PYTHONPATH=$folder
seen=$(py <<'PY'
import asyncio, datetime
from tortoise import Tortoise

east = datetime.timezone(datetime.timedelta(hours=5))
moment = datetime.datetime(2024, 1, 2, 3, tzinfo=east)
midnight = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)


async def main():
    await Tortoise.init(db_url="sqlite://:memory:", modules={"models": ["shop"]})
    await Tortoise.generate_schemas()
    from shop import Sale

    sale = await Sale.create(at=moment)
    for _ in range(2):
        equal, before = Sale.filter(at=moment), Sale.filter(at__lt=midnight)
        print(await equal.count(), await before.count(), end=", ")
        sale.at = moment
        await Sale.bulk_update([sale], ["at"])
    await Tortoise.close_connections()


asyncio.run(main())
PY
)
report "1 1, 1 1" "0 1, 1 0" "${seen%, }"
