"""Rules of the public header."""

from __future__ import annotations

import re
import subprocess

from sources import ROOT, TEXTS, Findings, code_only

MAX_PUBLIC_FUNCTIONS = 70


def header_is_cpp() -> Findings:
    """The public header compiles as C++17."""
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    done = subprocess.run(
        [*command, "-x", "c++", ROOT / "include/bulkmodel.h"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        yield f"include/bulkmodel.h: {done.stderr.splitlines()[0]}"


def header_is_documented() -> Findings:
    """A comment stands before every public function, or before the group it stands in."""
    for paragraph in re.split(r"\n\s*\n", TEXTS["include/bulkmodel.h"]):
        first = re.search(r"^BM_API [^;(]*?\b(bm_\w+)\(", paragraph, re.MULTILINE)
        if first and "*/" not in paragraph[: first.start()]:
            yield f"include/bulkmodel.h: {first[1]} has no comment before it"


def header_lists_its_sections() -> Findings:
    """The list at the top of the public header names its sections, in their order."""
    text = TEXTS["include/bulkmodel.h"]
    first, _, rest = text.partition("#ifndef BULKMODEL_H")
    listed = re.findall(r"^ \*     (\w[\w ]*?)  ", first.partition(" sections, ")[2], re.MULTILINE)
    found = re.findall(r"^/\* -{20,} (.*) \*/$", rest, re.MULTILINE)
    if listed != found:
        yield f"include/bulkmodel.h: the list has {listed}, the file {found}"


def public_functions() -> list[str]:
    code = code_only(TEXTS["include/bulkmodel.h"])
    return re.findall(r"^BM_API [^;(]*?\b(bm_\w+)\(", code, re.MULTILINE)


def surface_is_small() -> Findings:
    """Fewer than 70 public functions, all declared BM_API and named bm_."""
    names = public_functions()
    if not 0 < len(names) < MAX_PUBLIC_FUNCTIONS:
        yield f"include/bulkmodel.h: {len(names)} public functions"
    if len(names) != TEXTS["include/bulkmodel.h"].count("\nBM_API "):
        yield "include/bulkmodel.h: a BM_API declaration is no function named bm_..."


def exports_are_public(library: str) -> Findings:
    """The shared library exports the functions of the header, all of them, and nothing else."""
    command = ["nm", "-D", "--defined-only", "--format=posix", library]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    exported = {line.split()[0].partition("@")[0] for line in output.splitlines()}
    # What linkers of some systems put there by themselves.
    exported -= {"_init", "_fini", "__bss_start", "_edata", "_end"}
    declared = set(public_functions())
    for name in sorted(exported - declared):
        yield f"{name} is exported, but not declared in bulkmodel.h"
    for name in sorted(declared - exported):
        yield f"{name} is declared in bulkmodel.h, but not exported"
