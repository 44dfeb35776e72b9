#!/usr/bin/env bash
# A merge of two rows with the same key: delta-rs and Lance refuse it if the table has the key.  If
# the key is new they insert both.  The same rows again are an error, and one row changes both.
cd "$(dirname "$0")" && . ./lib.sh
packages deltalake==1.6.6 pylance==14.0.2 pyarrow==26.0.1
seen=$(py "$folder" <<'PY'
import sys
import deltalake, lance, pyarrow

twice = pyarrow.table({"id": [2, 2], "v": ["x", "y"]})
once = pyarrow.table({"id": [2], "v": ["z"]})
first = pyarrow.table({"id": [1], "v": ["a"]})


def by_delta(rows):
    merge = deltalake.DeltaTable(f"{sys.argv[1]}/delta").merge(
        rows, "s.id = t.id", source_alias="s", target_alias="t"
    )
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    return deltalake.DeltaTable(f"{sys.argv[1]}/delta").to_pyarrow_table()


def by_lance(rows):
    table = lance.dataset(f"{sys.argv[1]}/lance")
    merge = table.merge_insert("id").when_matched_update_all()
    merge.when_not_matched_insert_all().execute(rows)
    return lance.dataset(f"{sys.argv[1]}/lance").to_table()


deltalake.write_deltalake(f"{sys.argv[1]}/delta", first)
lance.write_dataset(first, f"{sys.argv[1]}/lance")
for merge in (by_delta, by_lance):
    for rows in (twice, twice, once):
        try:
            print(*sorted(row["v"] for row in merge(rows).to_pylist()), end=", ")
        except Exception:
            print("error", end=", ")
PY
)
report "error, error, a z, twice" "a x y, error, a z z, a x y, error, a z z" "${seen%, }"
