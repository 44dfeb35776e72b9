"""The manual page and the completions that the build makes, and the memory of a long stream."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from world import World, case, expect

MAX_RSS = 64 << 20
STREAM = Path(__file__).parent / "stream.py"


def offered(w: World) -> dict[str, dict[str, str]]:
    """The options of each verb with their letters, as --help has them."""
    listed = w.run("--help").out.split("verbs:\n")[1].split("\n\n")[0]
    verbs = re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE)
    expect(len(verbs), 10)
    pattern = re.compile(r"^  (?:(-\w), |    )(--[a-z-]+)", re.MULTILINE)
    found = {verb: pattern.findall(w.run(verb, "--help").out) for verb in verbs}
    return {verb: {name: letter for letter, name in found[verb]} for verb in verbs}


def page(w: World, name: str) -> str:
    """A page of the build, in which nothing is left of the template."""
    text = (Path(w.program).parent / name).read_text()
    expect(re.findall(r"@[A-Z_]+@", text), [])
    return text


def completed(w: World, *words: str) -> set[str]:
    """What bash offers for the last word."""
    quoted = " ".join(f"'{word}'" for word in (w.program, *words))
    line = shlex.quote(" ".join(("bulkmodel", *words)))
    script = (
        f'. "$1"; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; COMP_LINE={line}; _bulkmodel; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = Path(w.program).parent / "bulkmodel.bash"
    done = subprocess.run(
        ["bash", "-uc", script, "bash", path], capture_output=True, check=True, text=True
    )
    return set(done.stdout.split())


@case("sqlite")
def the_manual_page_has_every_verb_and_option(w: World) -> None:
    source = page(w, "bulkmodel.1")
    command = ["groff", "-man", "-ww", "-Tascii", "-P-cbou", "-rLL=100n"]
    done = subprocess.run(command, input=source, capture_output=True, check=True, text=True)
    expect(done.stderr, "")
    shown = done.stdout
    for verb, options in offered(w).items():
        arguments = {"inspect": "FILE", "load-init": "DATABASE"}.get(verb, "DATABASE TABLE")
        expect(f"\n       {verb} {arguments}" in shown, True)
        for name, letter in options.items():
            head = rf"^ +{letter + ', ' if letter else ''}{name}( |$)"
            expect((verb, name, bool(re.search(head, shown, re.MULTILINE))), (verb, name, True))
    expect(w.run("--version").out.split()[1] in shown, True)


@case("sqlite")
def bash_completes_verbs_options_and_choices(w: World) -> None:
    page(w, "bulkmodel.bash")
    verbs = offered(w)
    expect(completed(w, ""), {*verbs, "--help", "--version"})
    expect(completed(w, "up"), {"update-fields", "upsert"})
    for verb, options in verbs.items():
        expect(completed(w, verb, "sqlite:f", "item", "-"), set(options))
    expect(completed(w, "create", "p"), {"postgresql:"})
    for words in (["--format", ""], ["--format", "="], ["--format", "=", ""], ["-f", ""]):
        expect(completed(w, "create", "sqlite:f", "item", *words), {"csv", "tsv", "ndjson", "json"})
    expect(completed(w, "create", "sqlite:f", "item", "--on-conflict", "u"), {"update"})
    expect(completed(w, "create", "sqlite:f", "item", "--key", "-"), set())
    expect(completed(w, "create", "sqlite:f", "item", ""), set())
    expect(completed(w, "inspect", ""), set())


@case("sqlite")
def f9_bash_completes_columns_from_the_database(w: World) -> None:
    w.items()
    words = ("create", w.database, "item")
    expect(completed(w, *words, "--key", ""), {"id", "name", "value", "note"})
    expect(completed(w, *words, "-c", "n"), {"name", "note"})
    expect(completed(w, *words, "--columns", "=", "id,na"), {"id,name"})
    expect(completed(w, *words, "--set", "v"), {"value="})
    expect(completed(w, "create", w.database, "nothing", "--key", ""), set())
    expect(completed(w, "create", "--key", ""), set())
    expect(completed(w, *words, "--map", "n"), set())


@case("sqlite")
def zsh_is_told_every_verb_and_option(w: World) -> None:
    text = page(w, "_bulkmodel")
    expect(text.startswith("#compdef bulkmodel\n"), True)
    for verb, options in offered(w).items():
        expect(f"        '{verb}:" in text, True)
        block = text.split(f"\n    {verb}) arguments=(\n")[1].split(") ;;")[0]
        told = re.findall(r"^ +'(?:\*|\([^)]*\))?(--[a-z-]+|-\w)\+?=?\[", block, re.MULTILINE)
        expect(set(told), {*options, *filter(None, options.values())})


@case()
def a_long_stream_takes_little_memory(w: World) -> None:
    w.sql("CREATE TABLE big (id bigint, name text, note text)")
    rows = 1_000_000
    command = [sys.executable, str(STREAM), str(rows), w.program, "create", w.database, "big"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    digits = sum(len(str(i)) for i in range(rows))
    wanted = f"{rows}|{174 * rows + digits}"
    expect(w.sql("SELECT count(*), sum(length(note)) FROM big"), wanted)
    used = int(done.stdout) * 1024
    # AddressSanitizer keeps freed memory, and a byte for each eight.
    instrumented = b"__asan_init" in Path(w.program).read_bytes()
    if used > MAX_RSS * (4 if instrumented else 1):
        raise AssertionError(f"{used >> 20} MiB")
