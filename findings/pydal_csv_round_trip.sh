#!/usr/bin/env bash
# pyDAL exports a table to CSV and imports it: a JSON object comes back as a string in Python's
# spelling, and bytes as other bytes.  Empty strings in a list are gone as soon as it is stored.
cd "$(dirname "$0")" && . ./lib.sh
packages pydal==20260520.0
seen=$(cd "$folder" && py <<'PY'
import io
import pydal

db = pydal.DAL("sqlite:memory", folder=None)
db.define_table(
    "t", pydal.Field("j", "json"), pydal.Field("b", "blob"), pydal.Field("tags", "list:string")
)
db.t.insert(j={"paid": None}, b=b"\x00\xff", tags=["a", "", "c"])
rows = [db(db.t).select().first()]
file = io.StringIO()
db(db.t).select().export_to_csv_file(file)
db.t.truncate()
file.seek(0)
db.t.import_from_csv_file(file)
rows.append(db(db.t).select().first())
print(*[(row.j, row.b, row.tags) for row in rows])
PY
)
report "({'paid': None}, b'\x00\xff', ['a', '', 'c']), twice" \
    "({'paid': None}, b'\x00\xff', ['a', 'c']) (\"{'paid': None}\", b'l\x03\xfc', ['a', 'c'])" \
    "$seen"
