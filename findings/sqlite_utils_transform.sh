#!/usr/bin/env bash
# sqlite-utils changes a table by copying it: what it does not know of is gone without a word.  That
# are generated columns, collations, and triggers, even those that it made for its own text search.
cd "$(dirname "$0")" && . ./lib.sh
packages sqlite-utils==4.2.1
seen=$(py <<'PY'
import sqlite_utils

db = sqlite_utils.Database(memory=True)
db.executescript("""
CREATE TABLE sale (id integer PRIMARY KEY, name text COLLATE NOCASE, net integer,
    gross integer GENERATED ALWAYS AS (net * 119 / 100) STORED);
CREATE TABLE log (id integer);
CREATE TRIGGER keep AFTER INSERT ON sale BEGIN INSERT INTO log VALUES (new.id); END;
""")
sale = db["sale"]
sale.enable_fts(["name"], create_triggers=True)


def found(number):
    sale.insert({"id": number, "name": "Ann", "net": 100})
    return (
        sale.get(number).get("gross"),
        sale.count_where("name = 'ANN' AND id = ?", [number]),
        db["log"].count_where("id = ?", [number]),
        len(list(sale.search("ann", where=f"id = {number}"))),
    )


print(found(1), end=" ")
sale.transform(types={"net": float})
print(found(2))
PY
)
report "(119, 1, 1, 1), twice" "(119, 1, 1, 1) (None, 0, 0, 0)" "$seen"
