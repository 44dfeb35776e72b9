"""The files of the tree that people write, and how C is read without its comments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

NOT_TEXT = {".png", ".ico", ".gz", ".bin", ".db"}
# A comment, a string or a character: whichever begins first.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)

Findings = Iterator[str]


def tree() -> Iterator[str]:
    """The files of the tree that people write, without what is built or hidden."""
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name in {".ci", ".github"}
            or not (
                name.startswith(".")
                or name == "__pycache__"
                or (here == ROOT and name in {"build", "dist"})
                or (here / name / "meson-private").exists()
            )
        )
        for name in sorted(files):
            path = (here / name).relative_to(ROOT).as_posix()
            if path == ".git":  # of a work tree it is a file, which says where the repository is
                continue
            if Path(name).suffix not in NOT_TEXT and not path.startswith("fuzz/corpus/"):
                yield path


FILES = list(tree())
TEXTS = {path: (ROOT / path).read_bytes().decode("utf-8", "replace") for path in FILES}
C_FILES = [path for path in FILES if path.endswith((".c", ".h", ".def"))]
SRC = [path for path in C_FILES if path.startswith("src/")]


def blank(text: str) -> str:
    """Blanks for a piece of text, its line ends kept, so that line numbers stay."""
    return re.sub(r"[^\n]", " ", text)


def without_comments(text: str) -> str:
    return TOKEN.sub(lambda m: blank(m[0]) if m[0].startswith("/") else m[0], text)


def code_only(text: str) -> str:
    """C without comments and strings; names of headers stay."""

    def keep(match: re.Match[str]) -> str:
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        return match[0] if re.match(r"\s*#\s*include", line) else blank(match[0])

    return TOKEN.sub(keep, text)


def matches(path: str, text: str, pattern: str, why: str) -> Findings:
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {why}: {match[0].strip()}"
