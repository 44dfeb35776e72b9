#!/usr/bin/env bash
# frictionless finds a type in a sample of a file.  A cell further down that does not fit is an
# error for validate() only: extract(), to_pandas() and write() put NULL in its place.
cd "$(dirname "$0")" && . ./lib.sh
packages frictionless==5.21.0 pandas==3.1.1
seen=$(cd "$folder" && py <<'PY'
import frictionless

with open("a.csv", "w") as file:
    file.write("id,price\n" + "".join(f"{i},{i}\n" for i in range(300)) + "300,19.99\n301,N-17\n")
rows = frictionless.extract("a.csv")["a"]
frictionless.Resource(path="a.csv").write(frictionless.Resource(path="b.csv"))
frame = frictionless.Resource(path="a.csv").to_pandas()
print([row["price"] for row in rows[-2:]], open("b.csv").read().split()[-2:], len(frame))
PY
)
report "['19.99', 'N-17'] ['300,19.99', '301,N-17'] 302, or errors" \
    "[None, None] ['300,', '301,'] 302" "$seen"
