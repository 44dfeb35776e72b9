#!/usr/bin/env bash
# polars (try_parse_dates) takes dates with a year of two digits for dates, without the century:
# 31.12.24 becomes the last day of the year 24.
cd "$(dirname "$0")" && . ./lib.sh
packages polars==2.1.0
seen=$(py <<'PY'
import polars

for days in ("31.12.24\n01.02.25\n", "24-12-31\n25-02-01\n", "31/12/99\n01/02/98\n"):
    frame = polars.read_csv(b"day\n" + days.encode(), try_parse_dates=True)
    print(*frame["day"], end=", ")
PY
)
report "2024-12-31 2025-02-01, 2024-12-31 2025-02-01, 1999-12-31 1998-02-01, or text" \
    "0024-12-31 0025-02-01, 0031-12-24 0001-02-25, 0099-12-31 0098-02-01" "${seen%, }"
