#!/usr/bin/env bash
# sqlite3mysql copies a SQLite file into MySQL by INSERT IGNORE: numbers and texts that do not fit
# are made to fit, and rows whose keys differ only in case or accents are left out.  It ends with 0.
cd "$(dirname "$0")" && . ./lib.sh
packages sqlite3-to-mysql==2.6.1 PyMySQL==1.2.4
mariadb
seen=$(py "$folder/a.db" <<'PY'
import os, subprocess, sqlite3, sys
import pymysql

path, socket = sys.argv[1], os.environ["MARIADB_SOCKET"]
file = sqlite3.connect(path)
file.execute("CREATE TABLE sale (id integer PRIMARY KEY, bytes integer, code varchar(5))")
file.execute("INSERT INTO sale VALUES (1, 1099511627776, 'A-2024')")
file.execute("CREATE TABLE word (name text PRIMARY KEY)")
file.executemany("INSERT INTO word VALUES (?)", [("resume",), ("Resume",), ("resumé",)])
file.commit()
cur = pymysql.connect(unix_socket=socket, user="root", autocommit=True).cursor()
cur.execute("CREATE USER u@localhost IDENTIFIED BY 'p'")
cur.execute("GRANT ALL ON d.* TO u@localhost")
tool = [f"{os.path.dirname(sys.executable)}/sqlite3mysql", "-f", path, "-d", "d", "-u", "u"]
run = subprocess.run([*tool, "--mysql-password", "p", "-k", socket], capture_output=True)
print(run.returncode, end=" ")
for table in ("sale", "word"):
    cur.execute(f"SELECT * FROM d.{table}")
    print(*cur.fetchall(), end=" ")
PY
)
report "an error, or 0, a sale of 1099511627776 bytes with the code A-2024, three words" \
    "0 (1, 2147483647, 'A-202') ('resume',)" "${seen% }"
