#!/usr/bin/env bash
# Updates of rows with different keys: a call for one row leaves the columns alone that are not in
# it.  sqlite-utils' upsert_all() and dataset's update_many() fill in the keys of the other rows,
# and overwrite their columns with NULL.  dataset's upsert_many() does not.
cd "$(dirname "$0")" && . ./lib.sh
packages sqlite-utils==4.2.1 dataset==2.0.0
seen=$(py <<'PY'
import dataset, sqlite_utils

before = [{"id": 1, "name": "a", "stock": 5}, {"id": 2, "name": "b", "stock": 6}]
changes = [{"id": 1, "name": "z"}, {"id": 2, "stock": 9}]


def show(rows):
    print([(row["name"], row["stock"]) for row in rows], end=" ")


for at_once in (False, True):
    table = sqlite_utils.Database(memory=True)["t"]
    table.insert_all(before, pk="id")
    for rows in [changes] if at_once else [[row] for row in changes]:
        table.upsert_all(rows, pk="id")
    show(table.rows)
for name in ("upsert_many", "update_many"):
    table = dataset.connect("sqlite:///:memory:")["t"]
    table.insert_many(before)
    getattr(table, name)(changes, ["id"])
    show(table.all())
PY
)
kept="[('z', 5), ('b', 9)]" cleared="[('z', None), (None, 9)]"
report "$kept, four times" "$kept $cleared $kept $cleared" "${seen% }"
