#!/usr/bin/env python3
"""The rules of the tree that a machine can judge.  One rule is one TAP case.

usage: tidy.py [SHARED_LIBRARY]

With a shared library its exported names are judged too.  Rules are written as data where they
can be; a rule that has to be broken is broken here, by name, where everybody sees it.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from header import (
    exports_are_public,
    header_is_cpp,
    header_is_documented,
    header_lists_its_sections,
    surface_is_small,
)
from maps import maps_name_every_file, maps_name_what_is_there
from sources import (
    C_FILES,
    FILES,
    ROOT,
    SRC,
    TEXTS,
    Findings,
    code_only,
    matches,
    without_comments,
)

sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/samples")]

from blocks import RUN, SHOWN, Block, every  # noqa: E402
from charts import files_of  # noqa: E402
from compared import PEERS, unlisted  # noqa: E402
from figures import kept, with_figures  # noqa: E402

MAX_COLUMNS = 100
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70

# Functions of src/ that may be longer than MAX_FUNCTION_LINES, and by how much.  A ratchet: an
# entry goes or gets smaller when its function does; new ones are not added.
LONG_FUNCTIONS: dict[str, int] = {}

# The one installed header is one file on purpose.
LONG_FILES = {"include/bulkmodel.h"}

# Words that stand nowhere in the tree but here.
FORBIDDEN_ANYWHERE = {
    "an unfinished place": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a path of one machine": r"(?<![\w.}])/(work|root|home)/",
    "a left-over of a merge": r"^(<<<<<<<|>>>>>>>) ",
}

# Words of C that stand nowhere in code; comments and strings may name them.
FORBIDDEN_IN_C = {
    "unbounded writing": r"\b(strcpy|stpcpy|strcat|sprintf|vsprintf|gets)\s*\(",
    "not thread-safe": r"\b(strtok|localtime|gmtime|ctime|asctime|strerror|rand|srand)\s*\(",
    "depends on the locale": r"\b(atoi|atol|atof|setlocale)\s*\(",
    "PQfn cannot be used safely": r"\bPQfn\b",
    "a cast of allocated memory": r"\(\s*[\w ]+\*+\s*\)\s*(malloc|calloc|realloc)\s*\(",
    "thread-local state": r"\b(_Thread_local|__thread|thread_local)\b",
    "a warning switched off": r"#\s*pragma\s+(GCC|clang)\s+diagnostic",
}

# (what, pattern, where in src/ it may stand); judged without comments and strings.
FENCES = [
    (
        "threads",
        r"\bpthread|\bthrd_|\bmtx_",
        ("src/connections/", "src/executor/", "src/engines/postgresql/libpq_cancel.c"),
    ),
    (
        "atomics",
        r"\bstdatomic\.h|\b_Atomic\b",
        ("src/core/", "src/operation/call.h", "src/connections/", "src/executor/"),
    ),
    ("libpq", r"\bPQ[a-z]\w*\s*\(|\blibpq-fe\.h", ("src/engines/postgresql/libpq",)),
    ("SQLite", r"\bsqlite3_\w+\s*\(|\bsqlite3(ext)?\.h", ("src/engines/sqlite/sqlite",)),
]

# The folders of src/ as src/README.md has them, from the bottom up.
LAYERS = {"base": 1, "types": 2, "core": 3, "sql": 4, "engines": 5, "operation": 6} | {
    "verbs": 7,
    "connections": 7,
    "executor": 8,
    "api": 9,
}

SQL_PLACES = ("src/sql/", "src/engines/")
# Messages may begin with such a word too: "COPY ended early" is no statement.
SQL_TEXT = (
    r'"\s*(SELECT\s|INSERT INTO\b|DELETE FROM\b|CREATE TABLE\b|ALTER TABLE\b|WITH \w+ AS\b'
    r'|(UPDATE|COPY) (ONLY |\(|%|\\"|"))[^"\n]*'
)

# api/engines.c: the public functions of one engine (bm_attach_libpq and the like).
ENGINE_PLACES = ("src/engines/", "src/api/engines.c", "python/src/sqlite.c")
ENGINE_NAMES = r"\bbm__(engine_|transport_)?(postgresql|libpq|sqlite|memory)\w*"
# What types and errors are called on a server: operation/ and verbs/ ask the engine.
ENGINE_CODES = r'\bBM__OID_\w+|"\d[0-9A-Z]{4}"'
ENGINE_WORDS = r"(?i)postgres|pg_catalog|libpq|sqlite|bulkmodel_batch"

# What was measured stands in README.md between its marks, and in charts, as script/bench wrote it.
MEASURED = (
    r"\b[\d.,]+ ?(ns|µs|us|ms|MB/s|rows/s|x faster|times (as fast|faster)|% (faster|slower))\b"
)
# Versions tell what was true of them.
MAY_MEASURE = ("CHANGELOG.md", "bench/", "docs/scoreboard.md")

# The rooms of the Django package, from the bottom up: a module imports from its own room and from
# those below.  Modules that stand in no room are the top, but for these.
ROOMS = ("", "engine", "attached", "model", "verbs", "files")
COMMANDS = "management"  # of manage.py: they use the public names
AT_THE_BOTTOM = {
    *("_core", "conf", "database", "errors", "helpers", "options", "results", "transactions"),
}
PACKAGE = "python/bulkmodel/"
VENDOR = r"\b(vendor|dialect) *(==|!=|in\b)"


def lines_are_short() -> Findings:
    """Lines have at most 100 columns (tables and links of Markdown cannot be broken, and
    measurements are as they were written)."""
    for path, text in TEXTS.items():
        if path == "LICENSE" or path.startswith("bench/results/"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            table = path.endswith(".md") and (line.startswith("|") or "](" in line)
            if len(line) > MAX_COLUMNS and not table:
                yield f"{path}:{number}: {len(line)} columns"


def blanks_are_clean() -> Findings:
    """No tabs, no blanks at the end of a line, UTF-8, one line end at the end of a file."""
    for path, text in TEXTS.items():
        yield from matches(path, text, r"\t|\r", "a tab or a carriage return")
        yield from matches(path, text, r"[ ]+$", "blanks at the end of the line")
        if "\ufffd" in text and path != "tests/tidy/tidy.py":
            yield f"{path}: not UTF-8"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{path}: must end with one line end"


def files_are_short() -> Findings:
    """Files of code have at most 600 lines."""
    for path, text in TEXTS.items():
        if path.endswith((".c", ".h", ".py")) and path not in LONG_FILES:
            count = text.count("\n")
            if count > MAX_FILE_LINES:
                yield f"{path}: {count} lines"


def functions_are_short() -> Findings:
    """Functions of src/ and cli/ have at most 70 lines; those that may have more do not grow."""
    command = ["ctags", "--languages=C", "--kinds-C=f", "--fields=+ne", "--output-format=json"]
    sources = [
        path
        for path in C_FILES
        if path.startswith(("src/", "cli/")) and path.endswith((".c", ".h"))
    ]
    output = subprocess.run(
        [*command, "-f", "-", *sources], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    seen: dict[str, int] = {}
    for tag in map(json.loads, output.splitlines()):
        name = f"{tag['path']}:{tag['name']}"
        seen[name] = tag["end"] - tag["line"] + 1
        limit = LONG_FUNCTIONS.get(name, MAX_FUNCTION_LINES)
        if seen[name] > limit:
            yield f"{name}: {seen[name]} lines, {limit} at most"
    if sources and not seen:
        yield "ctags found no function"
    for name, limit in LONG_FUNCTIONS.items():
        if seen.get(name, 0) < limit:
            yield f"{name}: has {seen.get(name, 0)} lines now: lower LONG_FUNCTIONS"


def definitions() -> dict[str, set[str]]:
    """The C files that define each name which other files can use."""
    command = ["ctags", "--languages=C", "--kinds-C=fv", "--fields=+fK", "--output-format=json"]
    sources = [path for path in C_FILES if path.endswith(".c")]
    output = subprocess.run(
        [*command, "-f", "-", *sources], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, set[str]] = {}
    for tag in map(json.loads, output.splitlines()):
        shared = tag["kind"] == "function" or re.match(r"bm_|py_", tag["name"])
        if shared and not tag.get("file") and tag["name"] != "main":
            found.setdefault(tag["name"], set()).add(tag["path"])
    return found


def uses() -> dict[str, dict[str, str]]:
    """For each C file the files that it needs: a header that it includes, or (for a .c file) one
    that defines what it names; and by what name."""
    headers: dict[str, list[str]] = {}
    for path in C_FILES:
        headers.setdefault(Path(path).name, []).append(path)
    defined = definitions()
    needs: dict[str, dict[str, str]] = {path: {} for path in C_FILES}
    for path in C_FILES:
        code = code_only(TEXTS[path])
        for included in re.findall(r'#\s*include "([^"]+)"', code):
            for header in headers.get(Path(included).name, []):
                if path.endswith(".h"):
                    needs[path][header] = included
        # Programs may have functions of one name: a name means that of the nearest folder.
        for name in set(re.findall(r"\b[a-z]\w+\b", code)) & defined.keys():
            places = defined[name]
            near = {place for place in places if Path(place).parent == Path(path).parent}
            near = near or {place for place in places if place.startswith("src/")}
            if path.endswith(".c") and path not in places and len(near) == 1:
                needs[path][near.pop()] = name
    return needs


def circles(needs: dict[str, dict[str, str]]) -> Iterator[list[str]]:
    """The shortest way from a file back to itself, once for each circle."""
    seen: set[frozenset[str]] = set()
    for start in needs:
        ways = [[start]]
        reached: set[str] = set()
        while ways:
            way = ways.pop(0)
            for following in needs[way[-1]]:
                if following == start and frozenset(way) not in seen:
                    seen.add(frozenset(way))
                    yield way
                if following not in reached:
                    reached.add(following)
                    ways.append([*way, following])


def no_file_needs_itself() -> Findings:
    """C files need each other in one direction: no two call each other, not even through others,
    and no two headers include each other."""
    needs = uses()
    for way in circles(needs):
        steps = [
            f"{path} -> {following} ({needs[path][following]})"
            for path, following in zip(way, [*way[1:], way[0]], strict=True)
        ]
        yield ", ".join(steps)


def calls_go_down() -> Findings:
    """A folder of src/ calls those below it: the build sees to what is included, and a public
    function is in the one header that all may include."""
    for path, following in uses().items():
        for other, name in following.items():
            if not path.startswith("src/") or not other.startswith("src/"):
                continue
            here, there = path.split("/")[1], other.split("/")[1]
            if here != there and LAYERS[here] <= LAYERS[there]:
                yield f"{path} uses {name} of {other}"


def headers_have_one_name() -> Findings:
    """Headers of src/ are included by their base name, so no two have the same."""
    names = [Path(path).name for path in SRC if path.endswith(".h")]
    yield from (f"two headers are {name}" for name in sorted({*names}) if names.count(name) > 1)


def words_are_clean() -> Findings:
    """Nothing unfinished, nothing of one machine, no function that cannot be used safely."""
    for path, text in TEXTS.items():
        if path == "tests/tidy/tidy.py":
            continue
        for why, pattern in FORBIDDEN_ANYWHERE.items():
            yield from matches(path, text, pattern, why)
    for path in C_FILES:
        for why, pattern in FORBIDDEN_IN_C.items():
            if why == "not thread-safe" and path.startswith("examples/"):
                continue  # programs of one thread
            yield from matches(path, code_only(TEXTS[path]), pattern, why)
    for path in SRC:
        code = without_comments(TEXTS[path])
        yield from matches(path, code, r'"[^"\n]*\bPROGRAM\b[^"\n]*"', "COPY runs no program")


def sql_has_its_place() -> Findings:
    """Statements are written in src/sql and src/engines only; the command has none."""
    for path in C_FILES:
        if path.startswith(("src/", "cli/")) and not path.startswith(SQL_PLACES):
            yield from matches(path, without_comments(TEXTS[path]), SQL_TEXT, "SQL text")


def engines_have_their_folders() -> Findings:
    """No engine is asked for by name outside its folder, in the extension neither; src/sql does not
    even mention one."""
    for path in C_FILES:
        if path.startswith("python/src/") and path not in ENGINE_PLACES:
            yield from matches(path, code_only(TEXTS[path]), ENGINE_NAMES, "an engine by name")
    for path in SRC:
        text = TEXTS[path]
        if path.startswith("src/sql/"):
            yield from matches(path, text, ENGINE_WORDS, "an engine's name")
        elif not path.startswith(ENGINE_PLACES):
            yield from matches(path, code_only(text), ENGINE_NAMES, "an engine by name")
            code = without_comments(text)
            yield from matches(
                path, code, r'"(postgresql|sqlite|memory)[\w-]*"', "an engine's name"
            )
        if path.startswith(("src/operation/", "src/verbs/")):
            yield from matches(path, without_comments(text), ENGINE_CODES, "an OID or SQLSTATE")
        # A folder is given include paths (meson.build); a path in the name would go around them.
        yield from matches(path, text, r'^#include "[^"]*/.*', "a header by its path")


def fences_hold() -> Findings:
    """Threads in src/connections and src/executor (and one that asks the server to stop), libpq and
    SQLite in theirs."""
    for path in SRC:
        for what, pattern, places in FENCES:
            if not path.startswith(places):
                yield from matches(path, code_only(TEXTS[path]), pattern, f"{what} here")


def why_not_run(block: Block) -> str:
    """Why no test runs a sample as it is printed; "" where one does, or where it is output."""
    if block.run_by:
        path, _, name = block.run_by.partition(": ")
        return "" if name and name in TEXTS.get(path, "") else f"no test {block.run_by}"
    if block.language not in RUN | SHOWN:
        return f"neither a sample nor output: {block.language!r}"
    if block.language != "c":
        return ""
    programs = [text for path, text in TEXTS.items() if re.match(r"examples/.*\.c$", path)]
    if not block.source and not any(block.text in program for program in programs):
        return "not a program of examples/, nor a part of one"
    code = code_only(block.text)
    odd = [pair for pair in ("()", "[]", "{}") if code.count(pair[0]) != code.count(pair[1])]
    return f"only one of {odd[0]}" if odd else ""


def samples_are_run() -> Findings:
    """Samples of README.md and the pages are run as they are printed, by tests/samples/blocks.py;
    output, files and settings that are only shown say so by their language."""
    for block in every():
        if why := why_not_run(block):
            yield f"{block.place}: {why}"


def modules_of_the_package() -> dict[str, str]:
    """Names of modules below bulkmodel, and their paths."""
    paths = [path for path in FILES if path.startswith(PACKAGE) and path.endswith(".py")]
    names = [path.removeprefix(PACKAGE).removesuffix(".py").replace("/", ".") for path in paths]
    return dict(zip(names, paths))


def imports_of(path: str, modules: dict[str, str]) -> set[str]:
    """The modules of the package that this one imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(TEXTS[path])):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bulkmodel"):
            folder = node.module.removeprefix("bulkmodel").removeprefix(".")
            for alias in node.names:
                name = f"{folder}.{alias.name}".removeprefix(".")
                found.add(name if name in modules or not folder else folder)
    return found & ({*modules, "_core", "typed"})


def height_of(module: str) -> int:
    room, dot, _ = module.rpartition(".")
    if room.startswith(COMMANDS):
        return len(ROOMS)
    if dot:
        return ROOMS.index(room)
    return 0 if module in AT_THE_BOTTOM else len(ROOMS)


def package_imports_downwards() -> Findings:
    """Modules of the Django package import downwards: public names, verbs, model, engine; none
    imports itself by way of others; and only engine/ asks which database it is."""
    modules = modules_of_the_package()
    imports = {name: imports_of(path, modules) for name, path in modules.items()}
    if len({room for name in modules for room in [name.rpartition(".")[0]]}) < len(ROOMS):
        yield f"{PACKAGE}: a room is missing"
    for name, path in modules.items():
        for other in sorted(imports[name]):
            if height_of(other) > height_of(name):
                yield f"{path}: imports {other}, which is above it"
        if not name.startswith("engine."):
            yield from matches(path, TEXTS[path], VENDOR, "asks which database it is")
    left = dict(imports)
    while ready := [name for name in left if not left[name] & left.keys()]:
        for name in ready:
            del left[name]
    if left:
        yield f"{PACKAGE}: these import each other in a circle, or one that does: {sorted(left)}"


def figures_are_measured() -> Findings:
    """README.md and the charts tell the kept runs (script/bench --draw makes it so); no other
    document tells what was measured."""
    runs = kept(ROOT / "bench" / "results")
    if not runs:
        yield "bench/results: no run is kept"
        return
    for folder, run in runs:
        there = {path.name: path.read_text("utf-8") for path in folder.glob("*.svg")}
        if there != files_of(run):
            yield f"{folder.relative_to(ROOT)}: the charts are not drawn from results.json"
    folder, run = runs[0]
    readme = TEXTS["README.md"]
    if with_figures(readme, run, folder.relative_to(ROOT).as_posix()) != readme:
        yield f"README.md: its figures are not those of {folder.relative_to(ROOT)}"
    page = "docs/pages/compared.md"
    for name in unlisted(run):
        yield f"{page}: no table shows the result {name}"
    for peer in PEERS:
        if f"```{{measured}} {peer}\n" not in TEXTS[page]:
            yield f"{page}: no table of {peer}"
    for path, text in TEXTS.items():
        if path.endswith((".md", ".rst")) and not path.startswith(MAY_MEASURE):
            yield from matches(path, text, MEASURED, "a figure that script/bench did not write")


def tests_are_listed() -> Findings:
    """Every C file of tests/ and fuzz/ stands in its meson.build."""
    for path in C_FILES:
        folder, _, rest = path.partition("/")
        if path.endswith(".c") and folder in {"tests", "fuzz"}:
            name = rest if folder == "tests" else rest.removeprefix("fuzz_").removesuffix(".c")
            if f"'{name}'" not in TEXTS.get(f"{folder}/meson.build", ""):
                yield f"{path}: not named in {folder}/meson.build"


def modules_are_installed() -> Findings:
    """Each module of the Django package is in python/meson.build: pip installs what is there."""
    for path in FILES:
        name = f"'{path.removeprefix('python/')}'"
        is_module = path.startswith(PACKAGE) and Path(path).suffix in {".py", ".pyi"}
        if is_module and name not in TEXTS["python/meson.build"]:
            yield f"{path} is not installed"


def scripts_run() -> Findings:
    """What begins with #! can be run, and every script begins with it."""
    for path, text in TEXTS.items():
        runs = os.access(ROOT / path, os.X_OK)
        if text.startswith("#!") and not runs:
            yield f"{path}: not executable"
        if runs and not text.startswith("#!"):
            yield f"{path}: executable, but no script"


def legs_may_be_not_run() -> Findings:
    """script/summarize fails what was skipped, but for a leg, as Meson of any version names it."""
    said = {"stdout": "1..0 # SKIP it needs Python >= 3.99; found: 3.11\n", "result": "SKIP"}
    for suite, names in (("legs", ""), ("legs", "suite"), ("unit", ""), ("unit", "suite")):
        record = {"name": f"{suite} - b:t"} | ({"suite": [f"b:{suite}"]} if names else {}) | said
        command = [str(ROOT / "script/summarize"), "/dev/stdin"]
        done = subprocess.run(command, input=json.dumps(record), capture_output=True, text=True)
        if ("not run: it needs" in done.stdout) != (suite == "legs"):
            yield f"script/summarize of {record}: {done.stdout}"


def top_folder_is_clean() -> Findings:
    """The top folder holds documents and what builds the project, no data and no left-overs."""
    for path in sorted(ROOT.iterdir()):
        known = path.suffix in {".md", ".build", ".txt", ".toml"} or path.name == "LICENSE"
        if path.is_file() and not path.name.startswith(".") and not known:
            yield f"{path.name}: does not belong here"


def main(arguments: list[str]) -> int:
    rules = [
        lines_are_short,
        blanks_are_clean,
        files_are_short,
        functions_are_short,
        no_file_needs_itself,
        calls_go_down,
        headers_have_one_name,
        words_are_clean,
        sql_has_its_place,
        engines_have_their_folders,
        fences_hold,
        package_imports_downwards,
        header_is_documented,
        header_lists_its_sections,
        samples_are_run,
        figures_are_measured,
        header_is_cpp,
        surface_is_small,
        tests_are_listed,
        modules_are_installed,
        maps_name_every_file,
        maps_name_what_is_there,
        scripts_run,
        legs_may_be_not_run,
        top_folder_is_clean,
    ]
    cases = [(rule.__name__, rule.__doc__ or "", list(rule())) for rule in rules]
    for library in arguments:
        found = list(exports_are_public(library))
        cases.append((exports_are_public.__name__, exports_are_public.__doc__ or "", found))
    print(f"1..{len(cases)}")
    for number, (name, says, found) in enumerate(cases, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
        if found:
            print(f"# {says}")
        for line in found:
            print(f"# {line}")
    return 1 if any(found for _, _, found in cases) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
