#!/usr/bin/env bash
# polars unpacks .gz and .zst by itself; of a .bz2 file read_csv() takes the packed bytes for
# a header and returns a frame without rows, and no error.
cd "$(dirname "$0")" && . ./lib.sh
packages polars==2.1.0
seen=$(py "$folder" <<'PY'
import bz2, gzip, pathlib, sys
import polars

found = []
for name, module in (("gz", gzip), ("bz2", bz2)):
    path = pathlib.Path(sys.argv[1], f"a.csv.{name}")
    path.write_bytes(module.compress(b"id,x\n1,a\n2,b\n3,c\n"))
    try:
        found.append(f"{name} {len(polars.read_csv(path))}")
    except Exception as error:
        found.append(f"{name} {type(error).__name__}")
print(*found, sep=", ")
PY
)
report "gz 3, bz2 3 or an error" "gz 3, bz2 0" "$seen"
