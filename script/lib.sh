# Helpers of the scripts; sourced from the repository's root, never run.

say() {
    printf '%s\n' "== $*"
}

die() {
    printf '%s\n' "$0: $*" >&2
    exit 1
}

# Run a command in its own process group and wait for it.  The script then handles a signal at once,
# and end_child ends everything that the command started.
child=
run_child() {
    local status=0
    set -m
    "$@" </dev/null &
    child=$!
    set +m
    wait "$child" || status=$?
    child=
    return "$status"
}

end_child() {
    if [ -n "$child" ]; then
        kill -TERM -- "-$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
        child=
    fi
}

exit_on_signals() {
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# configure DIRECTORY OPTION...: set up a Meson build directory, and again if the options change.
configure() {
    local directory=$1 log=$1-setup.log options=$1/options.configured how=()
    shift
    if [ ! -f "$directory/build.ninja" ]; then
        rm -rf "$directory"
        mkdir -p "${directory%/*}"
    elif [ "$(cat "$options" 2>/dev/null)" = "$*" ]; then
        return
    else
        how=(--reconfigure)
    fi
    .venv/bin/meson setup "${how[@]}" "$directory" "$@" >"$log" 2>&1 ||
        { cat "$log" >&2; return 1; }
    printf '%s\n' "$*" >"$options"
}

# Programs of the virtual environment come first: Meson searches PATH for ninja.
PATH=$PWD/.venv/bin:$PATH
export PATH
