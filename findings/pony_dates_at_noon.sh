#!/usr/bin/env bash
# Pony takes text for a datetime.  Text with a date only, as in a CSV file, becomes noon of the day,
# where the standard library, databases and other mappers say midnight.
cd "$(dirname "$0")" && . ./lib.sh
packages pony==0.7.20
seen=$(py <<'PY'
import datetime
from pony import orm

db = orm.Database("sqlite", ":memory:")


class Sale(db.Entity):
    day = orm.Required(datetime.datetime)


db.generate_mapping(create_tables=True)
with orm.db_session:
    for day in ("2024-01-02", "02.01.2024", "2024-01-02 00:00"):
        Sale(day=day)
    orm.commit()
    print(*[sale.day for sale in Sale.select()], sep=", ")
PY
)
report "2024-01-02 00:00:00, 2024-01-02 00:00:00, 2024-01-02 00:00:00" \
    "2024-01-02 12:00:00, 2024-01-02 12:00:00, 2024-01-02 00:00:00" "$seen"
